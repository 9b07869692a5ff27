"""What a platform is given: time, sentences, and the intake that its messages are handed to."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from bridge.model import (
    Envelope,
    Invocation,
    Invoked,
    Press,
    Pressed,
    Typing,
)
from bridge.texts.keys import Say


class Clock(Protocol):
    """Time. ``now`` is monotonic, for deadlines and paces; ``wall`` is unix time, for records."""

    def now(self) -> float: ...

    def wall(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...

    async def wait(self, event: asyncio.Event, timeout_s: float) -> bool:
        """Wait for ``event``, at most ``timeout_s``; tell whether it is set."""
        ...

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[asyncio.Timeout]:
        """Cut what runs within it after ``seconds`` with a ``TimeoutError``; it may be told to do so sooner."""
        ...


class Speech(Protocol):
    """Says a sentence in somebody's language."""

    def __call__(self, key: Say, locale: str, **values: object) -> str: ...


class Intake(Protocol):
    """What a platform hands its messages to."""

    async def accept(self, envelope: Envelope) -> bool:
        """Write the message down and queue it; returns once it is durable, true if it was new and ours.

        The lane position is taken before the first ``await``, so calls in order stay in order. Acknowledge to the
        platform only after this returned.

        Raises:
            StoreError: It was not written down; do not acknowledge. Its author is told whether to ask again: not where
                ``Capabilities.delivers_again``, and not for a ``late`` one, which is handed over again later.
        """
        ...

    async def press(self, press: Press) -> Pressed:
        """Obey what somebody pressed; returns within two seconds, once what must be durable is.

        Acknowledge to the platform only after this returned. The same press twice does nothing twice.

        Raises:
            StoreError: It was not written down, and not obeyed.
        """
        ...

    async def invoke(self, call: Invocation) -> Invoked:
        """Take a command of the platform's own; returns at once with a form or a sentence, or once it is durable.

        Acknowledge to the platform only after this returned. The same delivery key twice does nothing twice.

        Raises:
            StoreError: It was not written down; tell the caller, for platforms deliver no command again.
        """
        ...

    def suggest(self, typing: Typing) -> Sequence[str]:
        """Return what fits what somebody is typing, the best first; at once, and nothing to whom may not run it."""
        ...

    async def withdraw(self, delivery_key: str) -> None:
        """The author deleted her question: drop it if it still waits."""
        ...
