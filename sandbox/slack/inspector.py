"""What the emulator holds against an app by itself, as journal entries of kind ``violation`` (reference 15.4)."""

import json
import re
from dataclasses import dataclass, field

from sandbox.journal import Entry, Journal
from sandbox.slack.mentions import BROADCASTS, links_in, pings_in
from sandbox.slack.model import Message

TOO_BIG_ERRORS = frozenset({"msg_too_long", "msg_blocks_too_long", "msg_blocks_too_many"})
_SECRET = re.compile(r"xox[a-z]{1,3}[-.][A-Za-z0-9-]{4,}|xapp-[A-Za-z0-9-]{4,}")


@dataclass(slots=True)
class _Known:
    pings: set[str] = field(default_factory=set)
    links: set[str] = field(default_factory=set)


class Inspector:
    """Looks at everything an app makes people see.

    Names of violations: ``ping`` (somebody would have been notified; ``broadcast`` tells whether a whole channel),
    ``unfurl`` (Slack could have fetched a link), ``parsed_names`` (``link_names`` or ``parse=full``),
    ``same_part_twice`` (two messages with the same metadata), ``orphan_reply`` (the thread does not exist),
    ``token_shown``, ``too_big``, and from elsewhere ``not_acknowledged``, ``odd_frame``, ``unknown_envelope``,
    ``stream_left_open``, ``several_streams_in_thread``.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._known_by_message: dict[tuple[str, str], _Known] = {}
        self._seen_metadata: dict[str, str] = {}

    def violations(self, name: str | None = None) -> list[Entry]:
        """Return what was recorded so far."""
        return self._journal.select(service="slack", kind="violation", name=name)

    def note(self, name: str, **detail: object) -> None:
        """Record one violation."""
        self._journal.record("slack", "violation", name, **detail)

    def look_at(self, message: Message, *, may_unfurl: bool) -> None:
        """Inspect a message of an app after each change; what was there before is not noted twice.

        Args:
            may_unfurl: Slack unfurls links that first appear now, as far as the message's own flags let it.
        """
        parts = (message.text, message.blocks, message.attachments)
        known = self._known_by_message.setdefault((message.channel, message.ts), _Known())
        pings, links = pings_in(*parts), links_in(*parts)
        for target in sorted(pings - known.pings):
            broadcast = target.removeprefix("!") in BROADCASTS or target.startswith("!subteam")
            self.note("ping", channel=message.channel, ts=message.ts, target=target, broadcast=broadcast)
        if may_unfurl and any(message.unfurl) and (fresh := sorted(links - known.links)):
            self.note("unfurl", channel=message.channel, ts=message.ts, links=fresh)
        if _SECRET.search(f"{message.text}{json.dumps(message.blocks)}"):
            self.note("token_shown", channel=message.channel, ts=message.ts)
        known.pings |= pings
        known.links |= links

    def look_at_new(self, message: Message, *, thread_exists: bool) -> None:
        """Inspect what only concerns a fresh message."""
        if not thread_exists:
            self.note("orphan_reply", channel=message.channel, ts=message.ts, thread_ts=message.thread_ts)
        if message.metadata is not None:
            key = json.dumps([message.author_app, message.channel, message.thread_ts, message.metadata], sort_keys=True)
            first_ts = self._seen_metadata.setdefault(key, message.ts)
            if first_ts != message.ts:
                self.note("same_part_twice", channel=message.channel, ts=message.ts, first_ts=first_ts)
