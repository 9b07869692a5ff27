"""What Coze's refusals mean: one table from code to (kind, user sentence, advice), one for HTTP statuses (pure).

Source of the codes: Coze's error code page and the error table of Coze Studio; those that only third parties have
seen say so. A code in the table decides; otherwise the HTTP status does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bridge.coze.hints import Hint, advise
from bridge.errors import (
    AgentBusy,
    AgentError,
    AgentRateLimited,
    AgentRejected,
    AgentUnauthorized,
    AgentUnavailable,
    ConversationGone,
)
from bridge.operations.redaction import Redactor
from bridge.texts.keys import Say

CANNOT_CANCEL = frozenset({4104, 103200005})
"""The chat is in a state that cannot be cancelled; retrieve tells which."""

INTERNAL_ERROR = 5000
"""Trouble of Coze's own; when a conversation is created often in truth an unknown bot (coze-dev/coze-js#179)."""

TOKEN_REFUSED = frozenset({4100, 4101, 700012006})
"""A fresh OAuth token may help, once."""

MAX_MESSAGE_CHARS = 200

_REDACTOR = Redactor()


class Kind(StrEnum):
    """What can be done about a refusal."""

    REJECTED = "rejected"
    GONE = "gone"
    UNAUTHORIZED = "unauthorized"
    BUSY = "busy"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    FAILED = "failed"

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later."""
        return self in (Kind.BUSY, Kind.RATE_LIMITED, Kind.UNAVAILABLE)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code stands for, what the user reads, and what the operator should do."""

    kind: Kind
    said: Say = Say.AGENT_FAILED
    hint: Hint = Hint.NONE


_REPORT = Meaning(Kind.REJECTED, hint=Hint.REPORT)
_QUOTA = Meaning(Kind.REJECTED, Say.AGENT_QUOTA, Hint.QUOTA)
_SLOWER = Meaning(Kind.RATE_LIMITED, Say.AGENT_BUSY, Hint.SLOWER)
_UNKNOWN_BOT = Meaning(Kind.REJECTED, Say.AGENT_UNKNOWN_BOT, Hint.BOT_ID)
_UPLOAD = Meaning(Kind.REJECTED, Say.FILE_REFUSED, Hint.UPLOAD)
_TROUBLE = Meaning(Kind.UNAVAILABLE, Say.AGENT_UNAVAILABLE, Hint.LATER)
_WORKFLOW = Meaning(Kind.FAILED, hint=Hint.WORKFLOW)
_GONE = Meaning(Kind.GONE)

CODES: Mapping[int, Meaning] = {
    4000: _REPORT,
    4001: _REPORT,
    4002: _GONE,
    4003: _REPORT,
    4004: _REPORT,
    4005: _REPORT,
    4006: _UNKNOWN_BOT,
    4007: _REPORT,
    4008: _QUOTA,
    4009: _SLOWER,
    4010: Meaning(Kind.REJECTED, Say.AGENT_TOO_LONG, Hint.SHORTER),
    4011: _QUOTA,
    4012: Meaning(Kind.REJECTED, Say.AGENT_MODEL_GONE, Hint.MODEL),
    4013: _SLOWER,  # "model error" on the error page; the official JavaScript client takes it for a rate limit
    4014: Meaning(Kind.REJECTED, Say.AGENT_REFUSED),
    4015: Meaning(Kind.REJECTED, Say.AGENT_NOT_PUBLISHED, Hint.PUBLISH),
    4016: Meaning(Kind.BUSY, Say.CONVERSATION_OCCUPIED, Hint.OCCUPIED),
    4019: _QUOTA,
    4020: _SLOWER,
    4021: Meaning(Kind.REJECTED, hint=Hint.WORKFLOW),
    4022: _QUOTA,
    4028: _QUOTA,  # hearsay only
    4100: Meaning(Kind.UNAUTHORIZED, Say.AGENT_UNAUTHORIZED, Hint.TOKEN),
    4101: Meaning(Kind.UNAUTHORIZED, Say.AGENT_UNAUTHORIZED, Hint.PERMISSION),
    4102: Meaning(Kind.REJECTED, Say.AGENT_RISK_CONTROL),
    4104: _REPORT,
    4105: Meaning(Kind.REJECTED, Say.AGENT_REFUSED),
    4200: _UNKNOWN_BOT,
    4201: _REPORT,
    4300: _UPLOAD,
    4301: _UPLOAD,
    4302: _UPLOAD,
    4303: Meaning(Kind.REJECTED, Say.FILE_TYPE_REFUSED, Hint.UPLOAD),
    4304: _UPLOAD,
    4314: _REPORT,
    4315: _REPORT,
    5000: _TROUBLE,
    6003: Meaning(Kind.REJECTED, hint=Hint.PAID_PLAN),
    6023: _WORKFLOW,
    6031: Meaning(Kind.REJECTED, hint=Hint.WORKFLOW),
    6039: _WORKFLOW,
    700012006: Meaning(Kind.UNAUTHORIZED, Say.AGENT_UNAUTHORIZED, Hint.TOKEN),
    701231: Meaning(Kind.FAILED),
    720701002: _WORKFLOW,  # seen in the field
    720701013: _WORKFLOW,
    720702204: Meaning(Kind.REJECTED, hint=Hint.WORKFLOW),
    720702222: _TROUBLE,  # seen in the field
    # Coze Studio
    103000000: _REPORT,
    103000001: Meaning(Kind.UNAUTHORIZED, Say.AGENT_UNAUTHORIZED, Hint.STUDIO_TOKEN),
    103000002: _GONE,
    103100001: Meaning(Kind.FAILED),
    103100002: _UNKNOWN_BOT,
    103200001: _REPORT,
    103200002: _TROUBLE,
    103200003: _REPORT,
    103200004: Meaning(Kind.REJECTED, hint=Hint.WORKFLOW),
    103200005: _REPORT,
    **dict.fromkeys(range(104000000, 104000011), _UPLOAD),
}

RUN_MEANINGS: Mapping[int, tuple[Say, Hint]] = {
    4000: (Say.RUN_BAD_PARAMETERS, Hint.RUN_PARAMETERS),
    4006: (Say.AGENT_UNKNOWN_BOT, Hint.BOT_ID),
    4200: (Say.RUN_NOT_PUBLISHED, Hint.RUN_PUBLISH),
    4314: (Say.RUN_OVER, Hint.NONE),
    4315: (Say.RUN_OVER, Hint.NONE),
    6003: (Say.RUN_PAID_PLAN, Hint.RUN_PLAN),
    6023: (Say.RUN_TOO_LONG, Hint.RUN_LONGER),
    6031: (Say.RUN_NOT_PUBLISHED, Hint.RUN_PUBLISH),
    6039: (Say.RUN_ASKS, Hint.RUN_ASKS),
    720702001: (Say.RUN_BAD_PARAMETERS, Hint.RUN_PARAMETERS),
    720702002: (Say.RUN_BAD_PARAMETERS, Hint.RUN_PARAMETERS),
    720702004: (Say.RUN_NOT_PUBLISHED, Hint.RUN_PUBLISH),
    720702011: (Say.RUN_NOT_PUBLISHED, Hint.RUN_PUBLISH),
    720702078: (Say.RUN_ASKS, Hint.RUN_ASKS),
    720702085: (Say.RUN_TOO_LONG, Hint.RUN_LONGER),
}
"""What these codes mean for a workflow, where that is something else or more than for a chat."""

STATUSES: Mapping[int, Meaning] = {
    400: _REPORT,
    401: Meaning(Kind.UNAUTHORIZED, Say.AGENT_UNAUTHORIZED, Hint.TOKEN),
    403: Meaning(Kind.UNAUTHORIZED, Say.AGENT_UNAUTHORIZED, Hint.PERMISSION),
    404: Meaning(Kind.REJECTED, hint=Hint.BASE_URL),
    407: Meaning(Kind.REJECTED, Say.AGENT_UNAVAILABLE, Hint.HTML),
    408: _TROUBLE,
    413: Meaning(Kind.REJECTED, Say.AGENT_TOO_LONG, Hint.SHORTER),
    425: _TROUBLE,
    429: _SLOWER,
}

UNKNOWN = Meaning(Kind.FAILED)


def meaning_of(code: int, status: int = 200) -> Meaning:
    """Look up a refusal; unknown codes under a good status are failures that are not repeated."""
    if status == 404 and code == 4000:
        return STATUSES[404]  # how the cloud says that it knows no such path
    if code in CODES:
        return CODES[code]
    if status in STATUSES:
        return STATUSES[status]
    if status >= 500:
        return _TROUBLE
    return _REPORT if status >= 400 else UNKNOWN


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the service answered instead of a result.

    Attributes:
        where: Method and path, for the log.
        code: 0 when the body had none.
        message: Coze's own words.
        running: The agent had already begun, so asking again would be a second run.
    """

    where: str
    code: int = 0
    message: str = ""
    status: int = 200
    log_id: str = ""
    retry_after_s: float | None = None
    running: bool = False


def error_of(refusal: Refusal) -> AgentError:
    """Build the error of our tree that a refusal stands for."""
    meaning = meaning_of(refusal.code, refusal.status)
    reason, hint = _reason(refusal), advise(meaning.hint)
    code, log_id, said = refusal.code, refusal.log_id, meaning.said
    if refusal.running and meaning.kind.retryable:
        said = Say.AGENT_FAILED if meaning.kind is Kind.UNAVAILABLE else said
        return AgentError(reason, code=code, log_id=log_id, hint=hint, said=said)
    match meaning.kind:
        case Kind.UNAVAILABLE:
            # An internal error says nothing about how far the request came.
            return AgentUnavailable(reason, outcome_unknown=True, code=code, log_id=log_id, hint=hint)
        case Kind.RATE_LIMITED:
            wait_s = refusal.retry_after_s
            return AgentRateLimited(reason, retry_after_s=wait_s, code=code, log_id=log_id, hint=hint, said=said)
        case Kind.BUSY:
            return AgentBusy(reason, code=code, log_id=log_id, hint=hint, said=said)
        case Kind.GONE:
            return ConversationGone(reason, code=code, log_id=log_id, hint=hint, said=said)
        case Kind.UNAUTHORIZED:
            return AgentUnauthorized(reason, code=code, log_id=log_id, hint=hint, said=said)
        case Kind.REJECTED:
            return AgentRejected(reason, code=code, log_id=log_id, hint=hint, said=said)
        case Kind.FAILED:
            return AgentError(reason, code=code, log_id=log_id, hint=hint, said=said)


def for_run(error: AgentError) -> AgentError:
    """Let an error speak of a workflow instead of a chat; returns the same error."""
    said, hint = RUN_MEANINGS.get(error.code, (None, None))
    if said is not None and hint is not None:
        error.said, error.hint = said, advise(hint)
    elif error.said in (None, Say.AGENT_FAILED):
        error.said = Say.RUN_FAILED
    return error


def _reason(refusal: Refusal) -> str:
    parts = [f"{refusal.where}: Coze answered"]
    if refusal.status >= 400:
        parts.append(f"HTTP {refusal.status}")
    if refusal.code:
        parts.append(f"code {refusal.code}")
    message = _REDACTOR.text(" ".join(refusal.message.split()))[:MAX_MESSAGE_CHARS]
    return " ".join(parts) + (f": {message}" if message else "")
