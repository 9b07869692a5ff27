"""The whole error tree.

::

    BridgeError                    retryable, said (what the user reads), reason (what the operator reads)
    ├─ ConfigError                 start-up only; every mistake with its key, value and fix
    ├─ CredentialsError            the operator must act; stops that adapter or agent, not the others
    ├─ AgentError                  code and log id of the service
    │  ├─ AgentUnavailable         connect, timeout, 5xx, stream cut; outcome_unknown: it may have been received
    │  ├─ AgentRateLimited         retry_after_s
    │  ├─ AgentBusy                the conversation is occupied by another run
    │  ├─ AgentRejected            our request is wrong or refused; never retried
    │  │  ├─ ConversationGone      the conversation no longer exists: a new one is needed
    │  │  └─ AgentUnauthorized     token, region or permission: the operator must act
    │  ├─ AgentCancelled           somebody cancelled the run
    │  └─ AgentProtocolError       the wire broke its contract
    ├─ PlatformError
    │  ├─ PlatformUnavailable      connect, timeout, 5xx; outcome_unknown: it may have been applied
    │  ├─ PlatformRateLimited      retry_after_s
    │  ├─ PlatformRejected         refused for good (archived, no permission ...)
    │  │  ├─ PartTooLong           the platform measures longer than we do: split smaller
    │  │  ├─ FileTooLarge          a file has more bytes than it may have
    │  │  └─ FileGone              a file was deleted, or its address has expired
    │  ├─ MessageGone              somebody deleted the message: post anew
    │  └─ WayClosed                it cannot be shown this way, or not any more: another way can
    ├─ ToolFailed                  a tool at our side gave the agent nothing
    └─ StoreError
       ├─ StoreUnavailable         disk full, read-only, corrupt, time limit; nothing was stored
       ├─ StoreOccupied            another process holds the store
       ├─ StateConflict            the turn is not in the state the caller believed
       └─ LeaseLost                somebody else owns the lane now

Errors are translated once, at the edge, ``raise ... from exc``. Misuse of our own code is a ``ValueError`` or
``RuntimeError`` outside this tree.
"""

from typing import ClassVar

from bridge.texts.keys import Say


class BridgeError(Exception):
    """Base of all errors that cross a port.

    Attributes:
        reason: One line for the operator's log: no token, no words of a user.
        said: What the user reads; ``None`` when there is nobody to tell.
        retryable: Whether the same request may succeed later and does no harm when repeated.
    """

    retryable: ClassVar[bool] = False
    default_said: ClassVar[Say | None] = None

    def __init__(self, reason: str, *, said: Say | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.said = said or self.default_said


class ConfigError(BridgeError):
    """The configuration cannot be used; ``mistakes`` holds all of them, each a sentence with key, value and fix."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class CredentialsError(BridgeError):
    """A token is missing, wrong or revoked; waiting does not help. ``fix`` tells the operator what to do."""

    def __init__(self, reason: str, *, fix: str) -> None:
        super().__init__(reason)
        self.fix = fix


class AgentError(BridgeError):
    """The agent's service failed or refused. ``code`` is 0 when the service gave none."""

    default_said = Say.AGENT_FAILED

    def __init__(
        self, reason: str, *, code: int = 0, log_id: str = "", hint: str = "", said: Say | None = None
    ) -> None:
        super().__init__(reason, said=said)
        self.code = code
        self.log_id = log_id
        self.hint = hint


class AgentUnavailable(AgentError):
    """Not reachable, or lost on the way. Repeat only when ``outcome_unknown`` is false."""

    default_said = Say.AGENT_UNAVAILABLE
    retryable = True

    def __init__(self, reason: str, *, outcome_unknown: bool, code: int = 0, log_id: str = "", hint: str = "") -> None:
        super().__init__(reason, code=code, log_id=log_id, hint=hint)
        self.outcome_unknown = outcome_unknown


class AgentSilent(AgentUnavailable):
    """The agent said nothing for longer than the idle limit."""

    default_said = Say.AGENT_SILENT


class AgentRateLimited(AgentError):
    """Too many requests; wait ``retry_after_s`` (``None``: the service did not say)."""

    default_said = Say.AGENT_BUSY
    retryable = True

    def __init__(
        self,
        reason: str,
        *,
        retry_after_s: float | None,
        code: int = 0,
        log_id: str = "",
        hint: str = "",
        said: Say | None = None,
    ) -> None:
        super().__init__(reason, code=code, log_id=log_id, hint=hint, said=said)
        self.retry_after_s = retry_after_s


class AgentBusy(AgentError):
    """Another run occupies the conversation; ask again when it has ended."""

    default_said = Say.CONVERSATION_OCCUPIED
    retryable = True


class AgentRejected(AgentError):
    """The request is wrong or refused; repeating it changes nothing."""


class ConversationGone(AgentRejected):
    """The conversation does not exist any more, or is not ours."""


class AgentUnauthorized(AgentRejected):
    """Token wrong, expired, of another region, or without the permission."""

    default_said = Say.AGENT_UNAUTHORIZED


class AgentCancelled(AgentError):
    """The run was cancelled at the service."""

    default_said = Say.STOPPED


class AgentProtocolError(AgentError):
    """The service answered something that is not its protocol (HTML, broken JSON)."""


class PlatformError(BridgeError):
    """The chat platform failed or refused."""


class PlatformUnavailable(PlatformError):
    """Not reachable or broken. ``outcome_unknown``: the call may have been applied; look before you repeat a post."""

    retryable = True

    def __init__(self, reason: str, *, outcome_unknown: bool) -> None:
        super().__init__(reason)
        self.outcome_unknown = outcome_unknown


class PlatformRateLimited(PlatformError):
    """Wait ``retry_after_s`` (``None``: the service did not say), then send the newest text, not this one.

    ``budget`` names the exhausted allowance. ``held_back``: the adapter knew it beforehand and sent nothing.
    """

    retryable = True

    def __init__(self, reason: str, *, retry_after_s: float | None, budget: str = "", held_back: bool = False) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s
        self.budget = budget
        self.held_back = held_back


class PlatformRejected(PlatformError):
    """Refused for good: archived, no permission, no such channel. Nothing can be shown there."""


class PartTooLong(PlatformRejected):
    """The platform measures the message longer than we did; split smaller and send again."""


class FileTooLarge(PlatformRejected):
    """A file has more bytes than the caller takes."""


class FileGone(PlatformRejected):
    """There is no such file, not any more, or not under this address."""


class MessageGone(PlatformError):
    """The message to edit does not exist any more, or cannot be edited; post anew."""


class WayClosed(PlatformError):
    """A part cannot be begun this way, or a message cannot grow any more the way it was begun: another way can.

    When a post raises it nothing was posted, and ``Reply.ways`` does not offer the way again.
    """


class ToolFailed(BridgeError):
    """A tool that the agent wanted used at our side gave nothing; the agent is told, and goes on."""


class StoreError(BridgeError):
    """The store failed."""

    default_said = Say.STORE_FAILED


class StoreUnavailable(StoreError):
    """Nothing was stored: disk full, read-only, corrupt, or the time limit passed."""


class StoreOccupied(StoreError):
    """Another process holds the store; the message names it."""


class StateConflict(StoreError):
    """The turn is not in the state the caller believed it to be in."""


class LeaseLost(StoreError):
    """Somebody else owns the lane now; stop working on it at once."""
