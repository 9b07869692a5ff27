"""Reading a thread back: for a post whose response was lost, and for what was said before we were called."""

from collections import deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from adapters.slack import limits
from adapters.slack.ids import marked_part, ts_seconds
from adapters.slack.inbound import ANSWERED_SUBTYPES, Identity
from adapters.slack.outbound import HAIR_SPACE, WORD_JOINER
from adapters.slack.readable import readable, without_mention
from adapters.slack.web import Web
from bridge.model import Place


async def read_pages(
    web: Web, place: Place, *, oldest: str = "", latest: str = ""
) -> AsyncGenerator[Mapping[str, Any], None]:
    """Yield the messages of a place between two ``ts``, with metadata; a thread's root begins every page.

    Close it with ``aclosing``.

    Raises:
        PlatformError: As ``Web.call``.
    """
    arguments: dict[str, Any] = {"channel": place.channel, "limit": limits.HISTORY_PAGE, "include_all_metadata": True}
    arguments |= {name: value for name, value in (("oldest", oldest), ("latest", latest)) if value}
    method = "conversations.history"
    if place.thread is not None:
        method, arguments = "conversations.replies", arguments | {"ts": place.thread}
    for _ in range(limits.HISTORY_PAGES_MAX):
        body = await web.call(method, arguments)
        for message in messages_of(body):
            yield message
        cursor = next_cursor(body)
        if not cursor:
            return
        arguments["cursor"] = cursor


def messages_of(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the messages of one page, in its order."""
    return [message for message in body.get("messages") or () if isinstance(message, Mapping)]


def next_cursor(body: Mapping[str, Any]) -> str:
    """Return what asks for the next page, empty after the last."""
    metadata = body.get("response_metadata")
    return str(metadata.get("next_cursor") or "") if isinstance(metadata, Mapping) else ""


class EarlierWords:
    """Collects what is worth telling of a thread: its root and the newest messages, up to a number."""

    def __init__(self, before_ts: str, limit: int, us: Identity) -> None:
        self._before_s = ts_seconds(before_ts)
        self._us = us
        self._limit = limit
        self._root: Mapping[str, Any] | None = None
        self._newest: deque[Mapping[str, Any]] = deque(maxlen=max(0, limit - 1))

    def add(self, message: Mapping[str, Any]) -> None:
        """Take one message, in the order of the thread."""
        ts = str(message.get("ts") or "")
        if ts_seconds(ts) >= self._before_s or not self._is_worth_telling(message):
            return
        if message.get("thread_ts", ts) == ts:
            self._root = message  # every page begins with it
        else:
            self._newest.append(message)

    def messages(self) -> Sequence[Mapping[str, Any]]:
        """Return what was kept, oldest first."""
        root = [self._root] if self._root is not None and self._limit > 0 else []
        return [*root, *self._newest]

    def is_ours(self, message: Mapping[str, Any]) -> bool:
        """Tell whether we wrote a message."""
        return self._us.wrote(message)

    def text(self, message: Mapping[str, Any]) -> str:
        """Return a message as people read it."""
        if self.is_ours(message):
            return spoken_text(message)
        return readable(without_mention(str(message.get("text") or ""), self._us.user_id)).strip()

    def _is_worth_telling(self, message: Mapping[str, Any]) -> bool:
        if self.is_ours(message):
            return marked_part(message) is not None  # answers; our notices are small talk
        subtype = str(message.get("subtype") or "")
        return subtype in ANSWERED_SUBTYPES | {"bot_message"} and bool(self.text(message))


def spoken_text(message: Mapping[str, Any]) -> str:
    """Return the text of an answer of ours from its blocks; its ``text`` is an excerpt only."""
    blocks = message.get("blocks")
    shown = [_block_text(block) for block in blocks if isinstance(block, Mapping)] if isinstance(blocks, list) else []
    text = "\n\n".join(piece for piece in shown if piece) or readable(str(message.get("text") or ""))
    return text.replace(WORD_JOINER, "").replace(HAIR_SPACE, "").strip()


def _block_text(block: Mapping[str, Any]) -> str:
    match block.get("type"):
        case "markdown":
            return str(block.get("text") or "")
        case "section":
            text = block.get("text")
            return readable(str(text.get("text") or "")) if isinstance(text, Mapping) else ""
        case "header":
            text = block.get("text")
            return str(text.get("text") or "") if isinstance(text, Mapping) else ""
        case "rich_text":
            return _rich_text(block).strip()
    return ""


def _rich_text(element: Mapping[str, Any]) -> str:
    """Flatten Slack's own form of formatted text; the server may turn our markdown into it."""
    match element.get("type"):
        case "text":
            return str(element.get("text") or "")
        case "link":
            return str(element.get("text") or element.get("url") or "")
        case "emoji":
            return f":{element.get('name')}:"
    inner = element.get("elements")
    pieces = [_rich_text(child) for child in inner if isinstance(child, Mapping)] if isinstance(inner, list) else []
    joint = "\n" if element.get("type") in ("rich_text", "rich_text_list") else ""
    return joint.join(pieces)
