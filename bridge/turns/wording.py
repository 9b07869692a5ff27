"""What the agent reads: the question, who asks it, what was said before, and the variables of its prompt (pure)."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from bridge.files.attachments import word_names
from bridge.model import ContextMessage, EarlierMessage, Envelope

HISTORY_MESSAGES = 40


def word_question(envelope: Envelope, *, name_author: bool) -> str:
    """Return the question's text; with the author's name before it where several people talk.

    Files without words are asked about by their names: every question needs a text.
    """
    text = envelope.text.strip() or word_names(envelope.attachments)
    if name_author and envelope.author.name and not envelope.place.private:
        return f"{envelope.author.name}: {text}"
    return text


def together(envelopes: Sequence[Envelope]) -> Envelope:
    """Return several questions of one person as one: the first, with what the others say and bring."""
    first, *others = envelopes
    if not others:
        return first
    texts = [envelope.text.strip() for envelope in envelopes]
    attachments = tuple(attachment for envelope in envelopes for attachment in envelope.attachments)
    return replace(first, text="\n\n".join(filter(None, texts)), attachments=attachments)


def word_variables(templates: Mapping[str, str], envelope: Envelope, locale: str) -> dict[str, str]:
    """Fill the configured templates, for example ``{"user_name": "{author_name}", "tone": "friendly"}``.

    Raises:
        KeyError, ValueError: A template names something else (``settings.VARIABLE_PLACEHOLDERS`` lists what there is).
    """
    place, author = envelope.place, envelope.author
    values = {
        "author_id": author.id,
        "author_name": author.name or author.id,
        "platform": place.instance,
        "team": place.team,
        "channel": place.channel_name or place.channel,
        "channel_id": place.channel,
        "locale": locale,
    }
    return {name: template.format_map(values) for name, template in templates.items()}


def word_earlier(messages: Sequence[EarlierMessage], max_chars: int) -> tuple[ContextMessage, ...]:
    """Turn a thread's earlier messages into context: the newest that fit into ``max_chars``, oldest first."""
    worded = (
        ContextMessage("assistant", message.text)
        if message.ours
        else ContextMessage("user", f"{message.author_name}: {message.text}" if message.author_name else message.text)
        for message in messages
        if message.text.strip()
    )
    return _newest(list(worded), max_chars)


def extend_history(history: str | None, question: str, answer: str, max_chars: int) -> str:
    """Add one exchange to a remembered history (JSON), for agents that save none themselves."""
    exchange = (ContextMessage("user", question), ContextMessage("assistant", answer))
    kept = _newest([*read_history(history), *exchange][-HISTORY_MESSAGES:], max_chars)
    return json.dumps([[message.role, message.text] for message in kept], ensure_ascii=False)


def without_last(history: str | None, answer: str) -> str:
    """Take the last exchange out of a remembered history if it ended with this answer."""
    messages = read_history(history)
    is_it = bool(messages) and messages[-1] == ContextMessage("assistant", answer)
    kept = messages[:-2] if is_it else messages
    return json.dumps([[message.role, message.text] for message in kept], ensure_ascii=False)


def read_history(history: str | None) -> tuple[ContextMessage, ...]:
    """Read back what ``extend_history`` wrote; ``None`` is an empty history."""
    return tuple(ContextMessage(role, text) for role, text in json.loads(history or "[]"))


def _newest(messages: Iterable[ContextMessage], max_chars: int) -> tuple[ContextMessage, ...]:
    kept: list[ContextMessage] = []
    left = max_chars
    for message in reversed(list(messages)):
        left -= len(message.text)
        if left < 0:
            break
        kept.append(message)
    return tuple(reversed(kept))
