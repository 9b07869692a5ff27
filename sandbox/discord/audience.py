"""What people see, as tests, the demo and the benchmarks read it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from sandbox.discord.components import controls
from sandbox.discord.lookups import Lookups
from sandbox.discord.model import Json, Message, MessageFlag
from sandbox.discord.stage import Step, readable
from sandbox.journal import Entry

LOOK_AGAIN_S = 0.05
"""A condition may depend on a bot in this process, whose doings are not in the journal."""


@dataclass(frozen=True, slots=True)
class VisibleMessage:
    """A message as it is on the screen now.

    Attributes:
        text: What is read: the content, the texts of its components, the descriptions of its own embeds.
        by_bot: The emulator's application wrote it.
        reply_to: The message it answers.
        thread: The thread that hangs on it.
        edited: It is marked "(edited)".
        loading: It shows "is thinking…".
        ephemeral_for: The only one who sees it.
        buttons: The labels of its buttons that can be pressed.
        previews: Links that were unfurled.
    """

    channel: str
    id: str
    user: str
    author: str
    by_bot: bool
    kind: int
    text: str
    content: str
    embeds: list[Json]
    components: list[Json]
    buttons: list[str]
    files: list[str]
    previews: list[str]
    reactions: dict[str, list[str]]
    mentions: list[str]
    reply_to: str | None
    thread: str | None
    flags: int
    edited: bool
    deleted: bool
    loading: bool
    pinned: bool
    ephemeral_for: str | None
    nonce: str | int | None


class Audience(Lookups):
    """Reading what is shown."""

    def messages(self, channel: str, *, include_deleted: bool = False) -> list[VisibleMessage]:
        """Return the messages of a channel or thread in order, ephemeral ones included."""
        stored = self.service.world.messages(self.find_channel(channel).id)
        return [self._visible(message) for message in stored if include_deleted or not message.deleted]

    def answers(self, channel: str) -> list[VisibleMessage]:
        """Return what the bot posted for everybody, system messages left out."""
        shown = self.messages(channel)
        return [m for m in shown if m.by_bot and m.ephemeral_for is None and m.kind in (0, 19, 20, 23)]

    def shown(self, channel: str, message_id: str) -> VisibleMessage:
        """Return one message as it is shown now."""
        return self._visible(self.find_message(channel, message_id))

    def shown_text(self, channel: str, message_id: str) -> str:
        """Return the text of one message as people read it now."""
        return self.shown(channel, message_id).text

    def steps(self, channel: str, message_id: str) -> list[Step]:
        """Return each text a message has shown, with the instant it appeared."""
        self.find_channel(channel)
        return self.service.stage.steps(message_id)

    def threads(self, channel: str) -> dict[str, str]:
        """Return the threads or posts of a channel, archived ones included: names by id."""
        parent = self.find_channel(channel).id
        return {c.id: c.name for c in self.service.world.channels.values() if c.thread and c.parent_id == parent}

    def typing_in(self, channel: str) -> list[str]:
        """Return the names of those shown as typing."""
        typing = self.service.stage.typing_in(self.find_channel(channel).id)
        return [self.service.world.users[user_id].name for user_id in typing]

    def violations(self, name: str | None = None) -> list[Entry]:
        """Return what the emulator holds against the application."""
        return self.service.inspector.violations(name)

    async def wait_until(self, condition: Callable[[], bool], *, what: str, timeout_s: float = 10.0) -> None:
        """Return as soon as a condition holds; it is looked at whenever something happens here, and now and then.

        Raises:
            TimeoutError: It did not within ``timeout_s`` real seconds; the message holds the journal's end.
        """
        journal, loop = self.service.journal, asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while loop.time() < deadline:
            with suppress(TimeoutError):
                await journal.wait_until(condition, what=what, timeout_s=LOOK_AGAIN_S)
                return
        await journal.wait_until(condition, what=f"{what}, {timeout_s:g} s before", timeout_s=0.0)

    async def wait_for_text(self, channel: str, text: str, *, timeout_s: float = 10.0) -> VisibleMessage:
        """Return the bot's message once it shows exactly this text.

        Raises:
            TimeoutError: None did.
        """

        def found() -> list[VisibleMessage]:
            return [message for message in self.answers(channel) if message.text == text]

        await self.wait_until(lambda: bool(found()), what=f"the text {text[:80]!r}", timeout_s=timeout_s)
        return found()[-1]

    async def settled(self, *, quiet_s: float = 0.3, timeout_s: float = 10.0) -> None:
        """Return when nothing happened for ``quiet_s`` real seconds.

        Raises:
            TimeoutError: It never became quiet.
        """
        journal = self.service.journal
        async with asyncio.timeout(timeout_s):
            while True:
                seen = len(journal)
                await asyncio.sleep(quiet_s)
                if len(journal) == seen:
                    return

    def _visible(self, message: Message) -> VisibleMessage:
        author = self.service.world.users[message.author_id]
        shown = message.has(MessageFlag.HAS_THREAD)
        return VisibleMessage(
            channel=message.channel_id,
            id=message.id,
            user=author.id,
            author=author.display_name or author.name,
            by_bot=author.id == self.service.bot.id,
            kind=int(message.kind),
            text=readable(message.content, message.components, message.embeds),
            content=message.content,
            embeds=message.embeds,
            components=message.components,
            buttons=[c["label"] for c in controls(message.components) if c.get("label")],
            files=[file.name for file in message.attachments],
            previews=[embed["url"] for embed in message.embeds if embed.get("type") == "link"],
            reactions={name: list(users) for name, users in message.reactions.items()},
            mentions=list(message.mentions),
            reply_to=message.reference.get("message_id") if message.reference else None,
            thread=message.thread_id if shown else None,
            flags=int(message.flags),
            edited=message.edited_at is not None,
            deleted=message.deleted,
            loading=message.has(MessageFlag.LOADING),
            pinned=message.pinned,
            ephemeral_for=message.ephemeral_for,
            nonce=message.nonce,
        )
