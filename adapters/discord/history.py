"""Reading back: for a post whose response was lost, and for what was said before we were called."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from adapters.discord import limits
from adapters.discord.ids import MessageRef
from adapters.discord.inbound import SPOKEN, Identity, ancestors, author_name, words_of
from adapters.discord.outbound import spoken_text
from adapters.discord.readable import Names
from adapters.discord.refusals import DiscordRefused
from adapters.discord.web import Web
from bridge.model import EarlierMessage

Message = Mapping[str, Any]

HISTORY_PATIENCE_S = 30.0
"""How long a read that nobody waits for at this moment may wait for its turn."""


async def messages_after(web: Web, channel: str, message: str) -> AsyncGenerator[Message, None]:
    """Yield the messages of a channel after one of them, oldest first, at most a few pages.

    Raises:
        PlatformError: As ``Web.call``.
    """
    after = message
    for _ in range(limits.HISTORY_PAGES_MAX):
        page = await _page(web, channel, {"after": after})
        for found in page:
            yield found
        if len(page) < limits.HISTORY_PAGE:
            return
        after = str(page[-1].get("id"))


async def newest_after(web: Web, channel: str, after: int, at_most: int) -> list[Message]:
    """Return the newest messages of a channel that are newer than an id, oldest first, read backwards page by page.

    Raises:
        PlatformError: As ``Web.call``; for too many requests we wait a while first.
    """
    found: list[Message] = []
    before: dict[str, str] = {}
    while len(found) < at_most:
        size = min(limits.HISTORY_PAGE, at_most - len(found))
        page = await _page(web, channel, before, size, patience_s=HISTORY_PATIENCE_S)
        newer = [message for message in page if int(message["id"]) > after]
        found = newer + found
        if len(newer) < size:
            break
        before = {"before": str(page[0]["id"])}
    return found


async def thread_before(web: Web, question: MessageRef, limit: int, parent: str, us: Identity) -> list[Message]:
    """Return what was said in a thread before a question, oldest first: its beginning and the newest messages.

    Our sentences of comfort are left out: in threads they are the ones that reply to something.

    Raises:
        PlatformError: As ``Web.call``.
    """
    messages = await _page(web, question.channel, {"before": question.message}, limit)
    spoken = [message for message in messages if message.get("type") in SPOKEN and not _is_notice(message, us)]
    root = [] if _begins_with(messages, question.channel) else await _thread_root(web, question, parent)
    return [*root, *spoken[max(0, len(spoken) + len(root) - limit) :]][:limit]


async def chain_before(web: Web, question: MessageRef, limit: int) -> list[Message]:
    """Return the reply chain that led to a question, oldest first.

    Raises:
        PlatformError: As ``Web.call``.
    """
    chain: list[Message] = []
    wanted = question.message
    while wanted and len(chain) <= limit:
        message = await _message(web, question.channel, wanted)
        if message is None:
            break
        chain.append(message)
        parent = message.get("referenced_message")
        if isinstance(parent, dict) and ancestors(message):
            chain.append(message := parent)
        wanted = next(iter(ancestors(message)), "")
    return list(reversed(chain[1:]))[-limit:]


def _is_notice(message: Message, us: Identity) -> bool:
    return is_ours(message, us) and bool(message.get("message_reference"))


def is_ours(message: Message, us: Identity) -> bool:
    """Tell whether we wrote a message."""
    author = message.get("author")
    return isinstance(author, Mapping) and author.get("id") == us.user_id


def _begins_with(messages: Sequence[Message], message_id: str) -> bool:
    return any(message.get("id") == message_id for message in messages)


async def _thread_root(web: Web, question: MessageRef, parent: str) -> list[Message]:
    """Return the message a thread was begun from: it stands in its channel, that of a forum post in the thread."""
    for channel in (parent, question.channel):
        found = await _message(web, channel, question.channel)
        if found is not None:
            return [found] if found.get("type") in SPOKEN else []
    return []


async def _message(web: Web, channel: str, message: str) -> Message | None:
    try:
        found = await web.call("GET", f"/channels/{channel}/messages/{message}")
    except DiscordRefused:
        return None
    return found if isinstance(found, dict) else None


async def _page(
    web: Web, channel: str, query: Mapping[str, str], limit: int = limits.HISTORY_PAGE, patience_s: float = 0.0
) -> list[Message]:
    size = str(max(1, min(limits.HISTORY_PAGE, limit)))
    path = f"/channels/{channel}/messages"
    found = await web.call("GET", path, query={**query, "limit": size}, patience_s=patience_s)
    page = [message for message in found if isinstance(message, dict)] if isinstance(found, list) else []
    return sorted((m for m in page if str(m.get("id")).isdecimal()), key=lambda message: int(message["id"]))


def retold(messages: Sequence[Message], us: Identity, names: Names) -> list[EarlierMessage]:
    """Return messages as the agent shall read them; those without words are left out."""
    told = []
    for message in messages:
        ours = is_ours(message, us)
        text = spoken_text(str(message.get("content") or "")) if ours else words_of(message, us, names)
        if text:
            told.append(EarlierMessage(author_name(message), text, ours=ours))
    return told
