"""Native streams: the parts of one answer that grow by additions, in a person's conversation with the app.

A streamed message shows its text as it comes and nothing is ever taken back from it: what was sent is kept here, and an
addition is what a new text has more. Whatever does not fit that (a text that differs in the middle, a stream that
expired or was stopped, an answer of Slack's that was lost) ends the stream: the message goes on by ``chat.update``,
which Slack only allows once it has been stopped. So a text is neither lost nor there twice, for an update replaces all.

Source: docs.slack.dev, ``chat.startStream``, ``chat.appendStream``, ``chat.stopStream``.
"""

from dataclasses import dataclass
from typing import Any

import structlog

from adapters.slack import limits, outbound
from adapters.slack.budgets import Budgets
from adapters.slack.ids import part_metadata
from adapters.slack.refusals import SlackRefused
from adapters.slack.settings import SlackSettings
from adapters.slack.web import Web
from bridge.errors import PartTooLong, PlatformError, PlatformUnavailable, WayClosed
from bridge.model import Author, Place, TurnId, View, Way
from bridge.ports import Clock

log = structlog.get_logger(__name__)

REFUSED_S = 3600.0
"""How long a workspace's refusal of streams is believed."""

ABOUT_ONE_PLACE = frozenset(
    {
        *("channel_not_found", "not_in_channel", "is_archived", "thread_not_found", "invalid_thread_ts", "credentials"),
        *("missing_recipient_user_id", "missing_recipient_team_id", "user_not_found", "messages_tab_disabled"),
        *("cannot_reply_to_message", "no_text", "invalid_arguments"),
    }
)
"""Refusals that say nothing of other answers."""

STILL_STREAMING = "streaming_state_conflict"
"""``chat.update`` met a stream that has not ended."""


class StreamGate:
    """Remembers which workspaces refuse streams; one for all replies of an adapter instance."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._refused_at: dict[str, float] = {}

    def refuse(self, team: str) -> None:
        """Offer no streams there for a while."""
        self._refused_at[team] = self._clock.now()

    def is_open(self, team: str) -> bool:
        """Tell whether streams may be tried."""
        refused_at = self._refused_at.get(team)
        return refused_at is None or self._clock.now() > refused_at + REFUSED_S


@dataclass(slots=True)
class _Stream:
    """One streamed message.

    Attributes:
        index: Its part.
        sent: All that was added to it.
        is_open: It can be added to, as far as we know.
        is_stopped: It certainly is no stream any more.
    """

    index: int
    sent: str
    is_open: bool = True
    is_stopped: bool = False


class Streams:
    """The streamed messages of one reply."""

    def __init__(
        self,
        place: Place,
        author: Author,
        turn_id: TurnId,
        *,
        settings: SlackSettings,
        web: Web,
        budgets: Budgets,
        gate: StreamGate,
    ) -> None:
        self._place = place
        self._author = author
        self._turn_id = turn_id
        self._web = web
        self._budgets = budgets
        self._gate = gate
        # Only one person sees a stream move; and Stop on a stream is Slack's own, which needs the app's panel.
        self._offered = settings.native_streams and settings.agent_view and place.private and place.thread is not None
        self._streams: dict[str, _Stream] = {}
        self.way = Way(
            post=budgets.starts,
            edit=budgets.appends,
            end=budgets.stops,
            only_grows=True,
            lasts_s=limits.STREAM_LASTS_S,
        )

    @property
    def are_offered(self) -> bool:
        """The next part may be a stream."""
        return self._offered and self._gate.is_open(self._place.team)

    def is_open(self, ts: str) -> bool:
        """Tell whether a message grows by additions."""
        stream = self._streams.get(ts)
        return stream is not None and stream.is_open

    def found(self, ts: str, index: int) -> None:
        """Know that a message, of which nobody knows what it shows, may be the stream of a part."""
        self._streams.setdefault(ts, _Stream(index, "", is_open=False))

    def metadata_of(self, ts: str) -> dict[str, Any]:
        """Return what marks a message that began as a stream, which cannot be marked at its beginning."""
        stream = self._streams.get(ts)
        return {} if stream is None else {"metadata": part_metadata(self._turn_id, stream.index)}

    async def start(self, index: int, view: View) -> str:
        """Open a stream with its first words and return its ``ts``.

        Raises:
            WayClosed: Not here; nothing was posted.
            PlatformError: As ``Web.call``.
        """
        text = outbound.certain(view.text) if view.live else outbound.harmless(view.text)
        if not text.strip():
            self._offered = False
            raise WayClosed("chat.startStream: nothing to begin with that stays as it is")
        arguments = {
            "channel": self._place.channel,
            "thread_ts": self._place.thread,
            "markdown_text": text,
            "recipient_user_id": self._author.id,
            "recipient_team_id": self._place.team,
        }
        try:
            body = await self._web.call("chat.startStream", arguments, budget=self._budgets.starts[0].name)
        except (SlackRefused, PartTooLong) as error:
            self._offered = False
            if isinstance(error, SlackRefused) and error.code not in ABOUT_ONE_PLACE:
                log.warning("no native streams in this workspace", reason=error.reason)
                self._gate.refuse(self._place.team)
            raise WayClosed(error.reason) from error
        ts = body.get("ts")
        if not isinstance(ts, str) or not ts:
            raise PlatformUnavailable("chat.startStream: an answer without ts", outcome_unknown=True)
        self._streams[ts] = _Stream(index, text)
        return ts

    async def append(self, ts: str, view: View) -> None:
        """Add to an open stream what ``view`` has more.

        Raises:
            WayClosed: It cannot grow to this text, or not any more.
            PlatformError: As ``Web.call``; nothing was added then.
        """
        if addition := self._addition(ts, view):
            await self._call("chat.appendStream", ts, {"markdown_text": addition}, self._budgets.appends[0].name)
            self._streams[ts].sent += addition

    async def stop(self, ts: str, view: View) -> None:
        """End an open stream; it shows all of ``view`` then, footer and buttons too.

        Raises:
            WayClosed: It had ended already, or what it shows is not known.
            PlatformError: As ``Web.call``; it has not ended then.
        """
        if not self.is_open(ts):
            raise WayClosed("chat.stopStream: no stream of ours, or none any more")
        arguments: dict[str, Any] = self.metadata_of(ts)
        if addition := self._addition(ts, view):
            arguments["markdown_text"] = addition
        if blocks := outbound.blocks_below(view):
            arguments["blocks"] = blocks
        await self._call("chat.stopStream", ts, arguments, self._budgets.stops[0].name)
        self._streams[ts].is_open, self._streams[ts].is_stopped = False, True

    async def make_editable(self, ts: str, *, certainly: bool = False) -> None:
        """Stop whatever stream a message may still be, as it stands; one that is none is fine.

        Args:
            certainly: Slack said that it streams.

        Raises:
            PlatformError: As ``Web.call``, but no refusal.
        """
        stream = self._streams.get(ts)
        if not certainly and (stream is None or stream.is_stopped):
            return
        target = {"channel": self._place.channel, "ts": ts}
        try:
            await self._web.call("chat.stopStream", target, budget=self._budgets.stops[0].name)
        except SlackRefused as error:
            log.info("a stream had ended already", reason=error.reason)
        if stream is not None:
            stream.is_open, stream.is_stopped = False, True

    async def stop_all(self) -> None:
        """Stop what is still open, as it stands; for an answer that ends otherwise than it should."""
        for ts in [ts for ts, stream in self._streams.items() if not stream.is_stopped]:
            try:
                await self.make_editable(ts)
            except PlatformError as error:
                log.info("a stream stays open and will expire", reason=error.reason)
                self._streams[ts].is_stopped = True

    def _addition(self, ts: str, view: View) -> str:
        """Return what a view has more than was sent.

        Raises:
            WayClosed: It does not begin like that.
        """
        stream = self._streams[ts]
        text = outbound.certain(view.text) if view.live else outbound.harmless(view.text)
        if view.live and stream.sent.startswith(text):
            return ""
        if not text.startswith(stream.sent):
            stream.is_open = False
            raise WayClosed("the text has changed where a stream has shown it")
        return text[len(stream.sent) :]

    async def _call(self, method: str, ts: str, arguments: dict[str, Any], budget: str) -> None:
        """Call a method on an open stream; after whatever leaves its text in doubt it is closed."""
        try:
            await self._web.call(method, {"channel": self._place.channel, "ts": ts} | arguments, budget=budget)
        except (SlackRefused, PartTooLong) as error:
            self._streams[ts].is_open = False
            raise WayClosed(error.reason) from error
        except PlatformUnavailable as error:
            if not error.outcome_unknown:
                raise
            self._streams[ts].is_open = False
            raise WayClosed(f"{error.reason}: what it shows is not known") from error
