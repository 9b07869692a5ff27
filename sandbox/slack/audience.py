"""What people see, as tests, the demo and the benchmarks read it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from sandbox.journal import Entry
from sandbox.slack.lookups import Lookups
from sandbox.slack.mentions import labels, readable_text, small_print
from sandbox.slack.model import Json, Message
from sandbox.slack.stage import Step
from sandbox.slack.streams import StreamState

LOOK_AGAIN_S = 0.05
"""A condition may depend on an app in this process, whose doings are not in the journal."""


@dataclass(frozen=True, slots=True)
class VisibleMessage:
    """A message as it is on the screen now.

    Attributes:
        text: What is read: the text of its blocks, markdown as source, else its ``text``; entities resolved.
        source_text: The ``text`` field, which notifications show.
        small_print: The text of context blocks.
        buttons: The labels of its buttons.
        by_app: The app that posted it.
        edited: It is marked "(edited)".
        streaming: It is a stream that is still open.
        ephemeral_for: The only one who sees it.
    """

    channel: str
    ts: str
    thread_ts: str | None
    user: str
    author: str
    by_app: str | None
    text: str
    source_text: str
    blocks: list[Json]
    small_print: str
    buttons: list[str]
    edited: bool
    deleted: bool
    streaming: bool
    ephemeral_for: str | None
    metadata: Json | None
    reactions: dict[str, list[str]]
    files: list[str]


class Audience(Lookups):
    """Reading what is shown."""

    def messages(
        self, channel: str, thread_ts: str | None = None, *, include_deleted: bool = False
    ) -> list[VisibleMessage]:
        """Return the messages of a channel in order, threads included, or those of one thread with its root."""
        place = self.find_channel(channel)
        return [
            self._visible(message)
            for message in self.service.workspace_of(place.id).messages(place.id)
            if thread_ts in (None, message.ts, message.thread_ts) and (include_deleted or not message.deleted)
        ]

    def answers(self, channel: str, thread_ts: str | None = None) -> list[VisibleMessage]:
        """Return what apps posted, ephemeral messages left out."""
        shown = self.messages(channel, thread_ts)
        return [message for message in shown if message.by_app is not None and message.ephemeral_for is None]

    def shown(self, channel: str, ts: str) -> VisibleMessage:
        """Return one message as it is shown now."""
        return self._visible(self.find_message(channel, ts))

    def shown_text(self, channel: str, ts: str) -> str:
        """Return the text of one message as people read it now."""
        return self.shown(channel, ts).text

    def steps(self, channel: str, ts: str) -> list[Step]:
        """Return each text a message has shown, with the instant it appeared."""
        return self.service.stage.steps(self.find_channel(channel).id, ts)

    def status(self, channel: str, thread_ts: str) -> str:
        """Return the assistant status shown in a thread, empty when there is none."""
        status = self.service.stage.status(self.find_channel(channel).id, thread_ts)
        return status.text if status else ""

    def violations(self, name: str | None = None) -> list[Entry]:
        """Return what the emulator holds against the apps, streams that are open now included."""
        now = self.service.clock.now()
        left_open = [
            Entry(now, "slack", "violation", "stream_left_open", {"channel": s.channel, "ts": s.ts})
            for s in self.service.streams
            if s.state(now) in (StreamState.STREAMING, StreamState.EXPIRED)
        ]
        recorded = self.service.inspector.violations()
        return [entry for entry in [*recorded, *left_open] if name in (None, entry.name)]

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

    async def wait_for_text(
        self, channel: str, text: str, thread_ts: str | None = None, *, timeout_s: float = 10.0
    ) -> VisibleMessage:
        """Return an app's message once it shows exactly this text.

        Raises:
            TimeoutError: None did.
        """

        def found() -> list[VisibleMessage]:
            return [message for message in self.answers(channel, thread_ts) if message.text == text]

        await self.wait_until(lambda: bool(found()), what=f"the text {text[:80]!r}", timeout_s=timeout_s)
        return found()[-1]

    async def settled(self, *, quiet_s: float = 0.3, timeout_s: float = 10.0) -> None:
        """Return when everything was delivered and nothing happened for ``quiet_s`` real seconds.

        Open streams and running calls are not waited for by themselves, only their activity. An event counts as on
        its way until it is acknowledged or given up, also while no app is connected.

        Raises:
            TimeoutError: It never became quiet.
        """
        journal, delivery = self.service.journal, self.service.delivery
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    seen = len(journal)
                    await asyncio.sleep(quiet_s)
                    if len(journal) == seen and not delivery.on_their_way:
                        return
        except TimeoutError:
            busy = f"{delivery.on_their_way} events are still on their way"
            raise TimeoutError(f"not quiet after {timeout_s:g} s: {busy}") from None

    def _visible(self, message: Message) -> VisibleMessage:
        workspace = self.service.workspace_of(message.channel)
        stream = self.service.streams.get(message.channel, message.ts)
        author = workspace.users.get(message.user)
        return VisibleMessage(
            channel=message.channel,
            ts=message.ts,
            thread_ts=message.thread_ts,
            user=message.user,
            author=author.display_name or author.name if author else message.user,
            by_app=message.author_app,
            text=readable_text(message.text, message.blocks),
            source_text=message.text,
            blocks=message.blocks,
            small_print=small_print(message.blocks),
            buttons=labels(message.blocks),
            edited=message.edited is not None,
            deleted=message.deleted,
            streaming=stream is not None and stream.state(self.service.clock.now()) is StreamState.STREAMING,
            ephemeral_for=message.ephemeral_for,
            metadata=message.metadata,
            reactions={name: list(users) for name, users in message.reactions.items()},
            files=list(message.file_ids),
        )
