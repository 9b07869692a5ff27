"""What is delivered to an app, and what came of it: shared by Socket Mode and HTTP delivery."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

from sandbox.faults import Fault
from sandbox.slack.model import App, Json

Kind = Literal["events_api", "slash_commands", "interactive"]

DELIVERY_FAULTS = frozenset({"lose", "duplicate", "delay", "wrong_signature", "stale_timestamp"})
"""``lose``: never sent, as if the network ate it; ``duplicate``: sent twice with one ``event_id``; ``delay(delay_s)``;
``wrong_signature`` and ``stale_timestamp``: HTTP deliveries only. Planned by event type, command or payload type."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One payload on its way to an app.

    Attributes:
        name: The event type, the command or the payload type: what faults and the journal call it.
        payload: The HTTP body, as an object.
    """

    app: App
    kind: Kind
    name: str
    payload: Json


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a delivery.

    Attributes:
        number: 0 for the first.
        reason: Why the previous one failed, in Slack's words; empty for the first.
    """

    number: int = 0
    reason: str = ""
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the app said to one attempt.

    Attributes:
        failure: Empty when acknowledged in time, else Slack's reason: ``timeout``, ``http_error`` …
        payload: What came with the acknowledgement: an object, a text, or ``None``.
        no_retry: The app asked not to repeat it.
    """

    failure: str = ""
    payload: Any = None
    no_retry: bool = False

    @property
    def accepted(self) -> bool:
        """The app acknowledged in time."""
        return not self.failure


class Transport(Protocol):
    """A way to an app."""

    async def attempt(self, outgoing: Outgoing, attempt: Attempt) -> Answer:
        """Send once and wait for the acknowledgement; never raises."""
        ...
