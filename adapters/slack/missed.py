"""Which messages of a channel's history were questions to us, and which of its threads have moved (pure).

One page of ``conversations.history`` tells both: it holds the newest messages at the top of a channel, and each that
began a thread names the thread's latest reply. Replies themselves stand in no history; the threads that moved are read
one by one. Source: docs.slack.dev, ``conversations.history``, ``conversations.replies``, "Retrieving messages".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from adapters.slack.ids import ts_seconds
from adapters.slack.inbound import Identity, InboundRules, parse_message, text_of
from adapters.slack.readable import mentions
from bridge.model import Envelope


def moved_threads(
    page: Sequence[Mapping[str, Any]], since_s: float, us: Identity, remembered: Mapping[str, float], most: int
) -> list[str]:
    """Return the roots of threads that have, or may have, replies since ``since_s``: ours first, then the newest.

    Args:
        page: The newest messages at the top of a channel.
        remembered: When we last heard somebody in older threads of ours; what the page knows of them is newer.
    """
    rank: dict[str, tuple[bool, float]] = {}
    on_page = {text_of(message, "ts") for message in page}
    for message in page:
        latest_s = ts_seconds(text_of(message, "latest_reply"))
        if latest_s > since_s:
            rank[text_of(message, "ts")] = (_is_ours(message, us, remembered), latest_s)
    for root, heard_s in remembered.items():
        if root not in on_page:
            rank[root] = (True, heard_s)
    return sorted(rank, key=lambda root: rank[root], reverse=True)[:most]


def _is_ours(root: Mapping[str, Any], us: Identity, remembered: Mapping[str, float]) -> bool:
    people = root.get("reply_users")
    answered = isinstance(people, list) and us.user_id in people
    return answered or text_of(root, "ts") in remembered or mentions(text_of(root, "text"), us.user_id)


def questions(
    messages: Iterable[Mapping[str, Any]], channel: str, since_s: float, most: int, rules: InboundRules, us: Identity
) -> list[Envelope]:
    """Return what was asked among the newest ``most`` messages of others since ``since_s``, oldest first."""
    by_ts = {text_of(message, "ts"): message for message in messages if not us.wrote(message)}
    new = sorted((ts for ts in by_ts if ts_seconds(ts) > since_s), key=ts_seconds)
    parsed = [parse_message(by_ts[ts], channel, rules, us) for ts in new[-most:]]
    return [envelope for envelope in parsed if envelope is not None]


def marked_late(envelope: Envelope, back_at_s: float) -> Envelope:
    """Mark a message that was written before we were back."""
    return replace(envelope, late=True) if envelope.sent_at_s < back_at_s else envelope
