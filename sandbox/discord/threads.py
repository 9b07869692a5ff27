"""Threads and forum posts: made, joined, archived by hand or by silence, woken by a message (reference 5)."""

from sandbox.clock import SandboxClock
from sandbox.discord.herald import Herald
from sandbox.discord.ids import Mint
from sandbox.discord.mentions import Allowed
from sandbox.discord.model import Channel, ChannelKind, Json, Message, MessageFlag, MessageKind, ThreadState
from sandbox.discord.stage import Stage
from sandbox.discord.world import World

ARCHIVE_MINUTES = (60, 1440, 4320, 10080)


class Threads:
    """Changes threads and tells the application."""

    def __init__(self, clock: SandboxClock, mint: Mint, world: World, herald: Herald, stage: Stage) -> None:
        self._clock = clock
        self._mint = mint
        self._world = world
        self._herald = herald
        self._stage = stage

    def open(
        self,
        parent: Channel,
        owner_id: str,
        name: str,
        *,
        thread_id: str | None = None,
        private: bool = False,
        auto_archive_minutes: int = 1440,
        tags: list[str] | None = None,
    ) -> Channel:
        """Make a thread without messages, its owner its first member."""
        now = self._clock.now()
        state = ThreadState(owner_id, now, now, now, auto_archive_minutes, members={owner_id: now})
        state.applied_tags = tags or []
        thread = Channel(
            id=thread_id or self._mint.snowflake(),
            kind=ChannelKind.PRIVATE_THREAD if private else ChannelKind.PUBLIC_THREAD,
            name=name,
            guild_id=parent.guild_id,
            parent_id=parent.id,
            thread=state,
        )
        self._world.channels[thread.id] = thread
        return thread

    def open_from(self, message: Message, owner_id: str, name: str, *, auto_archive_minutes: int = 1440) -> Channel:
        """Make the thread of a message: it has the message's id and begins with a pointer to it."""
        parent = self._world.channels[message.channel_id]
        thread = self.open(parent, owner_id, name, thread_id=message.id, auto_archive_minutes=auto_archive_minutes)
        message.thread_id = thread.id
        message.flags |= MessageFlag.HAS_THREAD
        self._herald.thread_created(thread)
        self._herald.message_updated(message)
        pointer = {"message_id": message.id, "channel_id": parent.id, "guild_id": parent.guild_id}
        self._system(thread.id, owner_id, MessageKind.THREAD_STARTER, reference=pointer)
        return thread

    def open_bare(
        self, parent: Channel, owner_id: str, name: str, *, private: bool = False, auto_archive_minutes: int = 1440
    ) -> Channel:
        """Make a thread that belongs to no message; a public one is announced in its channel."""
        thread = self.open(parent, owner_id, name, private=private, auto_archive_minutes=auto_archive_minutes)
        self._herald.thread_created(thread)
        if not private:
            pointer = {"channel_id": thread.id, "guild_id": thread.guild_id}
            self._system(parent.id, owner_id, MessageKind.THREAD_CREATED, reference=pointer, content=name)
        return thread

    def open_post(
        self,
        forum: Channel,
        message: Message,
        name: str,
        allowed: Allowed,
        *,
        tags: list[str] | None = None,
        auto_archive_minutes: int = 1440,
    ) -> Channel:
        """Make a forum post: a thread whose id is the id of its first message."""
        thread = self.open(
            forum,
            message.author_id,
            name,
            thread_id=message.id,
            tags=tags,
            auto_archive_minutes=auto_archive_minutes,
        )
        forum.last_message_id = thread.id
        message.channel_id = thread.id
        for file in message.attachments:
            file.channel_id = thread.id
        self._herald.thread_created(thread)
        self._stage.post(message, allowed)
        return thread

    def wrote(self, channel: Channel, user_id: str) -> None:
        """Note a message before it is posted: an archived thread wakes, whoever writes joins."""
        if channel.thread is None:
            return
        self.set_archived(channel, False)
        self.join(channel, user_id)
        channel.thread.active_at = self._clock.now()
        channel.thread.messages += 1

    def join(self, thread: Channel, user_id: str) -> None:
        """Make somebody a member."""
        assert thread.thread is not None
        if user_id not in thread.thread.members:
            thread.thread.members[user_id] = self._clock.now()
            self._herald.thread_members(thread, added=user_id)

    def leave(self, thread: Channel, user_id: str) -> None:
        """End somebody's membership."""
        assert thread.thread is not None
        if thread.thread.members.pop(user_id, None) is not None:
            self._herald.thread_members(thread, removed=user_id)

    def set_archived(self, thread: Channel, archived: bool, *, locked: bool | None = None) -> None:
        """Archive a thread or wake it, and lock or unlock it if told."""
        state = thread.thread
        assert state is not None
        if state.archived == archived and locked in (None, state.locked):
            return
        now = self._clock.now()
        state.archived, state.archive_changed_at, state.active_at = archived, now, now
        state.locked = state.locked if locked is None else locked
        self._herald.thread_updated(thread)

    def settle(self, thread: Channel) -> None:
        """Archive a thread whose silence has lasted long enough; looked at whenever somebody uses it."""
        state = thread.thread
        if state is not None and not state.archived:
            if self._clock.now() - state.active_at >= state.auto_archive_minutes * 60:
                self.set_archived(thread, True)

    def _system(
        self, channel_id: str, author_id: str, kind: MessageKind, *, reference: Json, content: str = ""
    ) -> Message:
        message = Message(
            self._mint.snowflake(), channel_id, author_id, content, kind, self._clock.now(), reference=reference
        )
        return self._stage.post(
            message, Allowed(users=frozenset(), roles=frozenset(), everyone=False, replied_user=False)
        )
