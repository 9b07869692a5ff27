"""Where those who gave a command can be answered alone, for fifteen minutes; kept in memory, for it is a secret.

What answers a command later edits what was answered first, so it waits for that.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field

REMEMBERED_MAX = 1_000


@dataclass(slots=True)
class Caller:
    """Somebody who gave a command.

    Attributes:
        path: Of the interaction's webhook; holds its token.
        answered: The interaction was answered, so that the answer can be changed.
    """

    path: str = field(repr=False)
    answered: asyncio.Event = field(default_factory=asyncio.Event)


class Callers:
    """The newest callers, by delivery key."""

    def __init__(self) -> None:
        self._by_key: OrderedDict[str, Caller] = OrderedDict()

    def remember(self, delivery_key: str, application_id: str, token: str) -> Caller:
        """Keep a caller; the oldest makes room."""
        caller = self._by_key[delivery_key] = Caller(f"/webhooks/{application_id}/{token}")
        self._by_key.move_to_end(delivery_key)
        if len(self._by_key) > REMEMBERED_MAX:
            self._by_key.popitem(last=False)
        return caller

    def find(self, delivery_key: str) -> Caller | None:
        """Return who gave a command, if that is still known."""
        return self._by_key.get(delivery_key)
