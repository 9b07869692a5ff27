"""Where those who gave a command can be answered for half an hour, wherever they gave it; kept in memory alone.

A ``response_url`` works also where we are no member. It is a secret that nobody should write down.
"""

from collections import OrderedDict

REMEMBERED_MAX = 1_000


class Callers:
    """The newest addresses, by delivery key."""

    def __init__(self) -> None:
        self._url_by_key: OrderedDict[str, str] = OrderedDict()

    def remember(self, delivery_key: str, response_url: str) -> None:
        """Keep an address; the oldest makes room."""
        self._url_by_key[delivery_key] = response_url
        self._url_by_key.move_to_end(delivery_key)
        if len(self._url_by_key) > REMEMBERED_MAX:
            self._url_by_key.popitem(last=False)

    def url(self, delivery_key: str) -> str | None:
        """Return where the giver of a command can be answered, if that is still known."""
        return self._url_by_key.get(delivery_key)
