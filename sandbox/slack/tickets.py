"""Short-lived permissions that come with interactions: trigger ids and response URLs."""

from dataclasses import dataclass

from sandbox.clock import SandboxClock
from sandbox.slack.limits import RESPONSE_URL_LIFETIME_S, RESPONSE_URL_USES_MAX, TRIGGER_LIFETIME_S
from sandbox.slack.refusals import Refusal
from sandbox.slack.workspace import Mint


@dataclass(slots=True)
class Trigger:
    """The right to open one view."""

    team_id: str
    user: str
    expires_at: float
    view_id: str | None = None
    used: bool = False


class Triggers:
    """Trigger ids: good once, for three seconds."""

    def __init__(self, clock: SandboxClock, mint: Mint) -> None:
        self._clock = clock
        self._mint = mint
        self._by_id: dict[str, Trigger] = {}

    def issue(self, team_id: str, user: str, view_id: str | None = None) -> str:
        """Return a fresh trigger id; ``view_id`` is the view it was pressed in, if any."""
        trigger_id = f"{self._mint.number()}.{self._mint.number()}.{self._mint.hex()}"
        self._by_id[trigger_id] = Trigger(team_id, user, self._clock.now() + TRIGGER_LIFETIME_S, view_id)
        return trigger_id

    def exchange(self, trigger_id: str) -> Trigger:
        """Use a trigger up.

        Raises:
            Refusal: ``invalid_trigger_id``, ``expired_trigger_id`` or ``exchanged_trigger_id``.
        """
        trigger = self._by_id.get(trigger_id)
        if trigger is None:
            raise Refusal("invalid_trigger_id")
        if trigger.used:
            raise Refusal("exchanged_trigger_id")
        if self._clock.now() > trigger.expires_at:
            raise Refusal("expired_trigger_id")
        trigger.used = True
        return trigger


@dataclass(slots=True)
class ResponseUrl:
    """The right to post a few answers to one interaction.

    Attributes:
        message_ts: The message a button sits on; ``None`` for slash commands.
    """

    app_id: str
    team_id: str
    channel: str
    user: str
    message_ts: str | None
    expires_at: float
    uses_left: int = RESPONSE_URL_USES_MAX


class ResponseUrls:
    """Response URLs: five uses within thirty minutes."""

    def __init__(self, clock: SandboxClock, mint: Mint) -> None:
        self._clock = clock
        self._mint = mint
        self._by_id: dict[str, ResponseUrl] = {}

    def issue(self, *, app_id: str, team_id: str, channel: str, user: str, message_ts: str | None = None) -> str:
        """Return the path of a fresh response URL."""
        key = self._mint.hex(24)
        expires_at = self._clock.now() + RESPONSE_URL_LIFETIME_S
        self._by_id[key] = ResponseUrl(app_id, team_id, channel, user, message_ts, expires_at)
        return f"/response/{key}"

    def use(self, key: str) -> ResponseUrl:
        """Count one use.

        Raises:
            Refusal: ``invalid_url``, ``expired_url`` or ``used_url``.
        """
        known = self._by_id.get(key)
        if known is None:
            raise Refusal("invalid_url")
        if self._clock.now() > known.expires_at:
            raise Refusal("expired_url")
        if known.uses_left <= 0:
            raise Refusal("used_url")
        known.uses_left -= 1
        return known
