"""What the emulator holds against an application by itself, as journal entries of kind ``violation``."""

import re
from dataclasses import dataclass, field
from typing import Any

from sandbox.discord.model import Message
from sandbox.journal import Entry, Journal

_BOT_TOKEN = re.compile(r"[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{20,}")


@dataclass(slots=True)
class _Known:
    pings: set[str] = field(default_factory=set)
    links: set[str] = field(default_factory=set)


class Inspector:
    """Looks at everything an application makes people see.

    Names of violations: ``ping`` (somebody would have been notified: ``target`` is ``@everyone``, ``@&role`` or
    ``@user``; ``edit`` tells whether an edit did it, ``reply`` whether it is the ping of a reply), ``unfurl`` (links
    that would get a preview), ``token_shown``, ``same_nonce_twice`` (two messages with one nonce, because it was not
    enforced or came too late), and from elsewhere ``interaction_not_answered``, ``identified_too_soon``,
    ``token_reset``, ``unknown_route``.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._known_by_message: dict[str, _Known] = {}
        self._message_by_nonce: dict[str, str] = {}

    def violations(self, name: str | None = None) -> list[Entry]:
        """Return what was recorded so far."""
        return self._journal.select(service="discord", kind="violation", name=name)

    def note(self, name: str, **detail: Any) -> None:
        """Record one violation."""
        self._journal.record("discord", "violation", name, **detail)

    def pinged(self, message: Message, targets: list[str], *, replied: str | None, edit: bool) -> None:
        """Note who would be notified now and was not before by the same message."""
        known = self._known_of(message)
        for target in targets:
            if target not in known.pings:
                reply = target == replied
                self.note("ping", channel=message.channel_id, id=message.id, target=target, edit=edit, reply=reply)
        known.pings.update(targets)

    def unfurled(self, message: Message, links: list[str]) -> None:
        """Note links that get a preview and had none before."""
        known = self._known_of(message)
        if fresh := [link for link in links if link not in known.links]:
            self.note("unfurl", channel=message.channel_id, id=message.id, links=fresh)
        known.links.update(links)

    def look_at(self, message: Message, shown: str, token: str, *, fresh: bool) -> None:
        """Inspect the text of a message after each change, and the nonce of a fresh one."""
        if token in shown or _BOT_TOKEN.search(shown):
            self.note("token_shown", channel=message.channel_id, id=message.id)
        if fresh and message.nonce is not None:
            first = self._message_by_nonce.setdefault(f"{message.author_id}:{message.nonce}", message.id)
            if first != message.id:
                self.note("same_nonce_twice", channel=message.channel_id, id=message.id, first=first)

    def _known_of(self, message: Message) -> _Known:
        return self._known_by_message.setdefault(message.id, _Known())
