"""What people do in Slack: talk, edit, react, open the app, press Slack's own Stop.

Every action takes effect at once; the events it causes are delivered in the background.
"""

from collections.abc import Sequence

from sandbox.slack import events
from sandbox.slack.lookups import Lookups
from sandbox.slack.mentions import escape_typed
from sandbox.slack.methods_files import share_files
from sandbox.slack.model import Channel, ChannelKind, Json, Message, User
from sandbox.slack.setup import DEFAULT_APP
from sandbox.slack.streams import StreamState
from sandbox.slack.uploads import FileUpload, keep
from sandbox.slack.workspace import Workspace


class People(Lookups):
    """Actions of users; ``user`` and ``channel`` are ids or names."""

    def say(
        self,
        user: str,
        channel: str,
        text: str,
        thread_ts: str | None = None,
        files: Sequence[FileUpload] = (),
        *,
        broadcast: bool = False,
    ) -> str:
        """Post a message as a user and return its ``ts``.

        Mentions are typed as Slack stores them, ``<@U0BOT>``; other angle brackets are escaped. Whoever speaks in
        a public channel joins it.
        """
        author, place = self.find_user(user), self.find_channel(channel)
        self._enter(author, place)
        workspace = self.service.workspace_of(place.id)
        typed = escape_typed(text)
        message = Message(
            channel=place.id,
            ts=workspace.mint.ts(),
            user=author.id,
            text=typed,
            thread_ts=thread_ts,
            bot_id=author.bot_id,
            author_app=author.app_id,
            client_msg_id=None if author.bot_id else workspace.mint.uuid(),
            subtype="thread_broadcast" if broadcast and thread_ts else None,
        )
        if typed and author.bot_id is None:
            message.blocks = [events.rich_text(typed, workspace.mint.id("", 5))]
        self._put_on_record("say", author, place, ts=message.ts, text=text, thread_ts=thread_ts)
        if files:
            share_files(
                self.service, workspace, message, [keep(self.service, workspace, author, file) for file in files]
            )
        else:
            self.service.stage.post(workspace, message)
        return message.ts

    def mention(
        self,
        user: str,
        channel: str,
        text: str,
        thread_ts: str | None = None,
        files: Sequence[FileUpload] = (),
        *,
        app_id: str = DEFAULT_APP,
    ) -> str:
        """Post a message that begins with a mention of the bot and return its ``ts``."""
        workspace = self.service.workspace_of(self.find_channel(channel).id)
        mention = f"<@{self.find_installation(workspace, app_id).bot_user_id}>"
        return self.say(user, channel, text if mention in text else f"{mention} {text}", thread_ts, files)

    def edit(self, user: str, channel: str, ts: str, text: str) -> None:
        """Edit one's own message."""
        author, message = self._own(user, channel, ts)
        workspace = self.service.workspace_of(message.channel)
        typed = escape_typed(text)
        blocks = [events.rich_text(typed, workspace.mint.id("", 5))]
        edited = {"user": author.id, "ts": workspace.mint.ts()}
        self.service.stage.change(workspace, message, text=typed, blocks=blocks, edited=edited)

    def delete(self, user: str, channel: str, ts: str) -> None:
        """Delete one's own message."""
        _, message = self._own(user, channel, ts)
        self.service.stage.remove(self.service.workspace_of(message.channel), message)

    def react(self, user: str, channel: str, ts: str, name: str, *, add: bool = True) -> None:
        """Add a reaction to a message, or take it back."""
        author, message = self.find_user(user), self.find_message(channel, ts)
        self.service.stage.react(self.service.workspace_of(message.channel), message, author.id, name, add=add)

    def open_dm(self, user: str, *others: str, app_id: str = DEFAULT_APP) -> str:
        """Return the id of the direct conversation of a user, perhaps with others, and the bot."""
        people = [self.find_user(name) for name in (user, *others)]
        workspace = self._home_of(people[0])
        bot = self.find_installation(workspace, app_id).bot_user_id
        return self.service.direct_channel(workspace, {*(person.id for person in people), bot}).id

    def invite(self, channel: str, invited: str, by: str | None = None) -> None:
        """Add somebody, or the bot, to a channel."""
        place, member = self.find_channel(channel), self.find_user(invited)
        place.members.add(member.id)
        workspace = self.service.workspace_of(place.id)
        inviter = self.find_user(by).id if by else None
        event = events.member_joined(member.id, place, workspace.team.id, inviter, workspace.mint.ts())
        self.service.herald.tell_all(workspace, event, place)

    def kick(self, channel: str, member: str) -> None:
        """Take somebody, or the bot, out of a channel."""
        self.find_channel(channel).members.discard(self.find_user(member).id)

    def archive(self, channel: str) -> None:
        """Archive a channel."""
        self.find_channel(channel).archived = True

    def open_app(self, user: str, *, app_id: str = DEFAULT_APP, looking_at: str | None = None) -> str:
        """Open the app's messages; return the direct channel, or the new thread's ts in the older assistant view.

        Args:
            looking_at: The channel the user has in view beside it.
        """
        person = self.find_user(user)
        workspace = self._home_of(person)
        installation = self.find_installation(workspace, app_id)
        channel = self.open_dm(user, app_id=app_id)
        watched = self.find_channel(looking_at).id if looking_at else None
        mint = workspace.mint
        if installation.app.view != "assistant":
            opened = events.home_opened(person.id, channel, "messages", mint.ts())
            self.service.herald.tell(workspace, installation, opened)
            if watched:
                changed = events.context_changed(person.id, channel, watched, workspace.team.id, mint.ts())
                self.service.herald.tell(workspace, installation, changed)
            return channel
        root = Message(
            channel=channel,
            ts=mint.ts(),
            user=installation.bot_user_id,
            text="New Assistant Thread",
            author_app=app_id,
            bot_id=installation.bot_id,
            subtype="assistant_app_thread",
        )
        self.service.stage.post(workspace, root)
        context = {"channel_id": watched, "team_id": workspace.team.id, "enterprise_id": None} if watched else {}
        started = events.assistant_thread("assistant_thread_started", person.id, channel, root.ts, context, mint.ts())
        self.service.herald.tell(workspace, installation, started)
        return root.ts

    def stop(self, user: str, channel: str, thread_ts: str, *, app_id: str = DEFAULT_APP) -> list[str]:
        """Press Slack's Stop in a thread; return the streams it ended."""
        person, place = self.find_user(user), self.find_channel(channel)
        workspace = self.service.workspace_of(place.id)
        running = self.service.streams.open_in(place.id, thread_ts, self.service.clock.now())
        for stream in running:
            stream.end(StreamState.STOPPED_BY_USER)
        stopped = [stream.ts for stream in running]
        self._put_on_record("stop", person, place, thread_ts=thread_ts, streams=stopped)
        event = events.session_stopped(person.id, place.id, thread_ts, stopped, workspace.mint.ts())
        self.service.herald.tell(workspace, self.find_installation(workspace, app_id), event)
        return stopped

    def uninstall(self, *, app_id: str = DEFAULT_APP, team_id: str | None = None) -> None:
        """Remove the app from a workspace: its token dies, two events tell of it, in either order."""
        workspace = self.service.workspaces[team_id or next(iter(self.service.workspaces))]
        installation = self.find_installation(workspace, app_id)
        farewell: list[Json] = [
            {"type": "app_uninstalled"},
            {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [installation.bot_user_id]}},
        ]
        workspace.mint.random.shuffle(farewell)
        for event in farewell:
            self.service.herald.tell(workspace, installation, event)
        installation.revoked = True

    def _enter(self, author: User, place: Channel) -> None:
        if place.archived:
            raise ValueError(f"{place.name or place.id} is archived")
        if author.id not in place.members:
            if place.kind is not ChannelKind.PUBLIC:
                raise ValueError(f"{author.name} is not in {place.name or place.id}")
            place.members.add(author.id)

    def _own(self, user: str, channel: str, ts: str) -> tuple[User, Message]:
        author, message = self.find_user(user), self.find_message(channel, ts)
        if message.user != author.id:
            raise ValueError(f"message {ts} is not by {author.name}")
        return author, message

    def _home_of(self, person: User) -> Workspace:
        """Return the workspace that lists a person; their home team may be another one."""
        return next(w for w in self.service.workspaces.values() if person.id in w.users)

    def _put_on_record(self, action: str, user: User, channel: Channel, **detail: object) -> None:
        self.service.journal.record("slack", "action", action, user=user.id, channel=channel.id, **detail)
