"""The answer to one question in Slack: status or placeholder, messages that grow, the waiting mark."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import structlog

from adapters.slack import limits, outbound
from adapters.slack.budgets import budgets_of
from adapters.slack.callers import Callers
from adapters.slack.files import Files
from adapters.slack.ids import (
    ANNOUNCED,
    MessageRef,
    is_marked,
    marked_part,
    notice_metadata,
    part_metadata,
    status_refused_note,
    ts_seconds,
)
from adapters.slack.inbound import Identity
from adapters.slack.refusals import BlocksRefused, SlackRefused
from adapters.slack.settings import SlackSettings
from adapters.slack.streams import STILL_STREAMING, StreamGate, Streams
from adapters.slack.threads import read_pages
from adapters.slack.web import Web
from bridge.delivery.hourglass import Hourglass
from bridge.errors import CredentialsError, MessageGone, PartTooLong, PlatformError, PlatformUnavailable, StoreError
from bridge.extension import Services
from bridge.model import AnswerFile, Envelope, Place, ResultPlace, Root, TurnId, View, Way
from bridge.texts.keys import Say

log = structlog.get_logger(__name__)

CLOCKS_APART_S = 60.0
"""How far our clock may be ahead of Slack's."""

STATUS_RETRY_S = 24 * 3600.0
"""How long a team's refusal of status lines is believed."""

THREAD_REFUSALS = frozenset(
    {"channel_not_found", "invalid_thread_ts", "thread_not_found", "not_in_channel", "is_archived", "credentials"}
)
"""Refusals that tell of one thread or channel, not of the team."""


class SlackReply:
    """Implements ``bridge.ports.Reply``; made from an envelope alone, so that it can be made again after a restart."""

    def __init__(
        self,
        envelope: Envelope,
        turn_id: TurnId,
        locale: str,
        *,
        settings: SlackSettings,
        services: Services,
        web: Web,
        hourglass: Hourglass[MessageRef],
        callers: Callers,
        gate: StreamGate,
        files: Files,
        who_we_are: Callable[[], Awaitable[Identity]],
    ) -> None:
        place = envelope.place
        self._envelope = envelope
        self._callers = callers
        self._is_unseen = envelope.command and not envelope.message_id
        self._place = place
        self._question_ts = envelope.message_id
        self._question = MessageRef(place.instance, place.team, place.channel, envelope.message_id)
        self._turn_id = turn_id
        self._locale = locale
        self._settings = settings
        self._services = services
        self._web = web
        self._hourglass = hourglass
        self._files = files
        self._who_we_are = who_we_are
        self._status_shown = False
        self._told_waiting = False
        self._without_blocks: set[str] = set()
        self._budgets = budgets_of(place, settings)
        self._freely = Way(self._budgets.posts, self._budgets.updates)
        self._streams = Streams(
            place, envelope.author, turn_id, settings=settings, web=web, budgets=self._budgets, gate=gate
        )

    @property
    def ways(self) -> Sequence[Way]:
        """A native stream where one person alone reads; everywhere a post that is edited."""
        return (self._streams.way, self._freely) if self._streams.are_offered else (self._freely,)

    async def waiting(self, position: int) -> None:
        """Put an hourglass on the question; where reactions are not allowed, post a sentence, once."""
        if self._is_unseen:
            await self.notice(self._services.speech(Say.WAITING, self._locale, position=position))
            return
        if not await self._hourglass.put(self._question) and not self._told_waiting:
            self._told_waiting = True
            await self.notice(self._services.speech(Say.WAITING, self._locale, position=position))

    async def open(self) -> str | None:
        """Show the status; where it is refused, post a placeholder that becomes the answer's first part."""
        placeholder = None if await self._show_status() else await self._post_placeholder()
        await self._hourglass.lift(self._question)
        return placeholder

    async def refresh(self) -> None:
        """Renew the status, which Slack takes away after two minutes."""
        if self._status_shown:
            await self._set_status(self._services.speech(Say.THINKING, self._locale))

    async def post(self, index: int, view: View, way: Way | None = None) -> str:
        """Post one part, or open its stream; never sent twice from here, and a post is marked to be found again."""
        if way != self._streams.way:
            return await self._post(view, metadata=part_metadata(self._turn_id, index))
        ts = await self._streams.start(index, view)
        self._status_shown = False
        return ts

    async def edit(self, message_id: str, view: View) -> None:
        """Replace one message, or add to an open stream. Safe to repeat.

        What may still be a stream of an earlier process, or of an answer that was lost, is stopped and then replaced.
        """
        if self._streams.is_open(message_id):
            await self._streams.append(message_id, view)
            return
        await self._streams.make_editable(message_id)
        try:
            await self._update(message_id, view)
        except SlackRefused as error:
            if error.code != STILL_STREAMING:
                raise
            await self._streams.make_editable(message_id, certainly=True)
            await self._update(message_id, view)

    async def end(self, message_id: str, view: View) -> None:
        """Stop a stream, with what is to stand below it."""
        await self._streams.stop(message_id, view)

    async def _update(self, message_id: str, view: View) -> None:
        target = {"channel": self._place.channel, "ts": message_id} | self._streams.metadata_of(message_id)
        budget = self._budgets.updates[0].name
        if message_id not in self._without_blocks:
            try:
                await self._web.call("chat.update", target | outbound.message(view), budget=budget)
                return
            except BlocksRefused as error:
                log.warning("Slack refused our blocks, showing plain text", reason=error.reason)
        await self._web.call("chat.update", target | _plain(view), budget=budget)
        self._without_blocks.add(message_id)

    async def remove(self, message_id: str) -> None:
        """Delete one of our messages; one that is gone is fine."""
        try:
            await self._web.call("chat.delete", {"channel": self._place.channel, "ts": message_id})
        except MessageGone:
            return

    async def find_posted(self, index: int, known: Mapping[int, str] | None = None) -> str | None:
        """Look through the thread, from the question on, for the part's mark.

        A stream cannot be marked before its end: where the answer may be one, a message of ours without any mark, that
        is none of the known parts, is it.
        """
        unmarked = None
        us = await self._us() if self._streams.are_offered else None
        ours = set((known or {}).values()) | {self._question_ts}
        async with aclosing(read_pages(self._web, self._place, oldest=self._question_ts)) as messages:
            async for message in messages:
                if marked_part(message) == (self._turn_id, index):
                    return str(message.get("ts", "")) or None
                ts = str(message.get("ts", ""))
                is_newer = ts_seconds(ts) > ts_seconds(self._question_ts)
                is_text = not is_marked(message) and not message.get("files")
                if us is not None and is_newer and ts not in ours and us.wrote(message) and is_text:
                    unmarked = unmarked or ts
        if unmarked is not None:
            self._streams.found(unmarked, index)
        return unmarked

    async def find_doubles(self, indices: Collection[int], known: Mapping[int, str]) -> Sequence[str]:
        """Look through the thread, from the question on, for more messages with a part's mark; streams have none."""
        marks, us = {(self._turn_id, index) for index in indices}, await self._us()
        doubles: list[str] = []
        async with aclosing(read_pages(self._web, self._place, oldest=self._question_ts)) as messages:
            async for message in messages:
                ts = str(message.get("ts", ""))
                if marked_part(message) in marks and us.wrote(message) and ts and ts not in (*known.values(), *doubles):
                    doubles.append(ts)
        return doubles

    async def _us(self) -> Identity:
        try:
            return await self._who_we_are()
        except CredentialsError as error:
            raise SlackRefused(error.reason, code="credentials") from error

    async def notice(self, text: str) -> str:
        """Post a sentence of ours; while nothing stands for a command, for its author alone."""
        if self._is_unseen:
            await self._whisper(text)
            return ""
        return await self._post(View(text), metadata=notice_metadata(self._turn_id, text))

    async def attach(self, file: AnswerFile, noted: str, note: Callable[[str], Awaitable[None]]) -> None:
        """Show a file below the answer, once; see ``ports.FilingReply``."""
        await self._files.share(self._place, file, noted, note)

    async def detach(self, noted: str) -> None:
        """Take a file of an answer away again."""
        await self._files.delete(noted)

    async def settle(self) -> None:
        """Clear the status if no message did, stop streams, and take the waiting mark away. Safe to repeat."""
        if self._is_unseen:
            return
        await self._streams.stop_all()
        await self._hourglass.lift(self._question, thorough=True)
        if self._status_shown:
            try:
                await self._set_status("")
            except SlackRefused:
                pass  # thread or channel are gone, and the status with them
            self._status_shown = False

    # --- commands ---

    async def announce(self, text: str, *, where: ResultPlace) -> Root:
        """Post the line that stands for a command; for its author alone in the direct conversation with her."""
        place = await self._announced_at(where)
        ts = await self._post(View(text), metadata=part_metadata(self._turn_id, ANNOUNCED), place=place)
        if self._is_unseen and place.channel != self._place.channel:
            await self._say_where()
        return self._root(place, ts, where)

    async def find_announced(self, *, where: ResultPlace) -> Root | None:
        """Look for that line by its metadata, from shortly before the command on."""
        place = await self._announced_at(where)
        oldest = f"{self._envelope.sent_at_s - CLOCKS_APART_S:.6f}"
        async with aclosing(read_pages(self._web, place, oldest=oldest)) as messages:
            async for message in messages:
                if marked_part(message) == (self._turn_id, ANNOUNCED) and (ts := str(message.get("ts") or "")):
                    return self._root(place, ts, where)
        return None

    async def _announced_at(self, where: ResultPlace) -> Place:
        if where is ResultPlace.CHANNEL and not self._place.private:
            return replace(self._place, thread=None)
        if where is not ResultPlace.ONLY_ME or self._place.private:
            return self._place
        opened = await self._web.call("conversations.open", {"users": self._envelope.author.id})
        channel = opened.get("channel")
        channel_id = str(channel.get("id") or "") if isinstance(channel, Mapping) else ""
        return replace(self._place, channel=channel_id, thread=None, private=True, channel_name="")

    async def _say_where(self) -> None:
        try:
            await self._whisper(self._services.speech(Say.RUN_GOES_PRIVATE, self._locale))
        except PlatformError as error:
            log.info("nothing tells that the answer went elsewhere", reason=error.reason)

    def _root(self, place: Place, ts: str, where: ResultPlace) -> Root:
        in_thread = where is not ResultPlace.CHANNEL
        threaded = in_thread if not place.private else self._settings.direct_messages == "thread"
        return Root(replace(place, thread=place.thread or (ts if threaded else None)), ts)

    async def _whisper(self, text: str) -> None:
        """Tell the author of a command alone: where she gave it, also where we are no member."""
        content = {**outbound.message(View(text)), "unfurl_links": False, "unfurl_media": False}
        if url := self._callers.url(self._envelope.delivery_key):
            try:
                await self._web.respond(url, {"response_type": "ephemeral", **content})
                return
            except PlatformError as error:
                log.info("the command's own address is used up", reason=error.reason)
        arguments = {"channel": self._place.channel, "user": self._envelope.author.id, **content}
        if self._place.thread is not None:
            arguments["thread_ts"] = self._place.thread
        await self._web.call("chat.postEphemeral", arguments)

    # --- status and placeholder ---

    async def _show_status(self) -> bool:
        """Show the status; false when a placeholder has to do."""
        if not self._settings.status_lines or self._place.thread is None or await self._team_refuses_status():
            return False
        try:
            await self._set_status(self._services.speech(Say.THINKING, self._locale))
        except SlackRefused as error:
            log.info("status refused, posting a placeholder", reason=error.reason)
            if error.code not in THREAD_REFUSALS:
                await self._remember_refusal()
            return False
        except PlatformError as error:
            log.info("status not shown, posting a placeholder", reason=error.reason)
            return False
        self._status_shown = True
        return True

    async def _set_status(self, status: str) -> None:
        thread = self._place.thread
        await self._web.call(
            "assistant.threads.setStatus", {"channel_id": self._place.channel, "thread_ts": thread, "status": status}
        )

    async def _team_refuses_status(self) -> bool:
        try:
            refused_at = await self._services.store.note(self._refusal_note)
            return refused_at is not None and self._services.clock.wall() < float(refused_at) + STATUS_RETRY_S
        except (StoreError, ValueError):
            return False

    async def _remember_refusal(self) -> None:
        try:
            await self._services.store.remember(
                self._refusal_note, f"{self._services.clock.wall():.0f}", ttl_s=STATUS_RETRY_S
            )
        except StoreError as error:
            log.info("refusal of the status not written down", reason=error.reason)

    @property
    def _refusal_note(self) -> str:
        return status_refused_note(self._place.instance, self._place.team)

    async def _post_placeholder(self) -> str:
        view = View(self._services.speech(Say.PLACEHOLDER, self._locale))
        return await self._post(view, metadata=part_metadata(self._turn_id, 0))

    # --- posting ---

    async def _post(self, view: View, metadata: dict[str, Any] | None, place: Place | None = None) -> str:
        place = place or self._place
        try:
            return await self._send_post(outbound.message(view), metadata, place)
        except BlocksRefused as error:
            # A refusal certainly posted nothing, so this is no repetition.
            log.warning("Slack refused our blocks, posting plain text", reason=error.reason)
        ts = await self._send_post(_plain(view), metadata, place)
        self._without_blocks.add(ts)
        return ts

    async def _send_post(self, content: dict[str, Any], metadata: dict[str, Any] | None, place: Place) -> str:
        arguments = {"channel": place.channel, **content, "unfurl_links": False, "unfurl_media": False}
        if place.thread is not None:
            arguments["thread_ts"] = place.thread
        if metadata is not None:
            arguments["metadata"] = metadata
        body = await self._web.call("chat.postMessage", arguments, budget=self._budgets.posts[0].name)
        self._status_shown = False  # a message of ours takes the status away
        ts = body.get("ts")
        if not isinstance(ts, str) or not ts:
            raise PlatformUnavailable("chat.postMessage: an answer without ts", outcome_unknown=True)
        return ts


def _plain(view: View) -> dict[str, Any]:
    """Return the message without blocks.

    Raises:
        PartTooLong: Its text could not be edited later.
    """
    plain = outbound.plain_message(view)
    if len(plain["text"]) > limits.UPDATE_TEXT_CHARS:
        raise PartTooLong(f"plain text is limited to {limits.UPDATE_TEXT_CHARS} characters")
    return plain
