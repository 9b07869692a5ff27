"""What Discord's refusals mean to us: one table from status and code to our error tree (pure).

Discord says no with an HTTP status and ``{"code": NUMBER, "message": "..."}``. Source: docs.discord.com, "Opcodes and
Status Codes", "JSON".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.discord import limits
from bridge.errors import (
    BridgeError,
    CredentialsError,
    MessageGone,
    PartTooLong,
    PlatformRateLimited,
    PlatformRejected,
    PlatformUnavailable,
)

TOKEN_FIX = (
    "Copy the bot's token from the Developer Portal (your application, Bot, Reset Token) into token "
    "(DISCORD_BOT_TOKEN). It is shown only once there."
)

UNKNOWN_CHANNEL = 10003
UNKNOWN_MESSAGE = 10008
MISSING_ACCESS = 50001
MISSING_PERMISSIONS = 50013
NO_HISTORY_PERMISSION = 160002
THREAD_EXISTS = 160004
ARCHIVED = 50083
LOCKED = 160005
INVALID_FORM = 50035

GONE = frozenset({UNKNOWN_MESSAGE, 50005})
TOO_LONG = frozenset({40005, 50045})
FORBIDDEN = frozenset({MISSING_ACCESS, MISSING_PERMISSIONS})
REASONS = {
    UNKNOWN_CHANNEL: "the channel or thread does not exist any more, or the bot may not see it",
    MISSING_ACCESS: "the bot may not see this channel; give its role View Channel there",
    MISSING_PERMISSIONS: "the bot lacks a permission here; `check` tells which",
    NO_HISTORY_PERMISSION: "replying needs the permission Read Message History",
    ARCHIVED: "the thread is archived",
    LOCKED: "the thread is locked",
    20028: "this channel takes no more messages for now",
    30046: "this old message was edited too often",
    40058: "a forum takes no plain messages",
    10062: "Discord waits three seconds for an answer, and did not wait longer",
    40060: "it was answered already",
    50006: "Discord takes the message for an empty one",
    50007: "this person takes no direct messages from the bot",
    50278: "this person shares no server with the bot any more",
    50024: "this kind of channel does not allow it",
    200000: "the server's AutoMod blocks these words",
    200001: "the server's AutoMod blocks these words",
    240000: "Discord's filter blocks a link in it",
    40333: "the proxy before Discord refuses the request",
}


class DiscordRefused(PlatformRejected):
    """Refused for good; ``code`` is Discord's number for it, 0 when it gave none."""

    def __init__(self, reason: str, *, code: int) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True, slots=True)
class Refusal:
    """One answer that was not a success.

    Attributes:
        call: Method and route, for the log: ``PATCH /channels/1/messages/2``.
        status: HTTP status.
        body: The JSON object, empty when the answer was none (HTML from a proxy).
        retry_after: The header, as it came; empty when absent.
        budget: The allowance of ours the call drew on.
        bans: How many refusals of the proxy before Discord came directly before.
    """

    call: str
    status: int
    body: Mapping[str, Any]
    retry_after: str = ""
    budget: str = ""
    bans: int = 0


def classify(refusal: Refusal) -> BridgeError:
    """Return our error for a refusal, with a reason an operator can act on."""
    code = refusal.body.get("code")
    code = code if isinstance(code, int) else 0
    what = f"{refusal.call}: HTTP {refusal.status}" + (f", {code}" if code else "")
    if refusal.status == 429:
        return PlatformRateLimited(what, retry_after_s=retry_after_s(refusal), budget=refusal.budget)
    if refusal.status >= 500:
        return PlatformUnavailable(what, outcome_unknown=True)
    if refusal.status == 401:
        return CredentialsError(f"{what}: Discord does not know the token", fix=TOKEN_FIX)
    if not refusal.body:
        return DiscordRefused(f"{what} without a usable answer; is api_url right?", code=0)
    return _refused(refusal, code, what)


def _refused(refusal: Refusal, code: int, what: str) -> BridgeError:
    if code in GONE and refusal.call.startswith(("PATCH", "DELETE")):
        return MessageGone(what)
    if code in TOO_LONG or (code == INVALID_FORM and _is_too_long(refusal.body)):
        return PartTooLong(what)
    reason = REASONS.get(code) or _fields(refusal.body)
    return DiscordRefused(f"{what}: {reason}" if reason else what, code=code)


def retry_after_s(refusal: Refusal) -> float:
    """Return the wait a refusal asks for, in seconds: the body is more precise than the header.

    Without a JSON body the refusal is not Discord's own but its proxy's, which may last for minutes.
    """
    for value in (refusal.body.get("retry_after"), refusal.retry_after):
        try:
            return max(0.0, float(value or ""))
        except (TypeError, ValueError):
            continue
    if refusal.body:
        return limits.RETRY_AFTER_S
    return float(min(limits.BAN_RETRY_MAX_S, limits.BAN_RETRY_FIRST_S * 2**refusal.bans))


def is_global(body: Mapping[str, Any]) -> bool:
    """Tell whether a 429 is about all requests of the bot."""
    return body.get("global") is True


def _is_too_long(body: Mapping[str, Any]) -> bool:
    errors = body.get("errors")
    about = errors.get("content") if isinstance(errors, Mapping) else None
    found = about.get("_errors") if isinstance(about, Mapping) else None
    if not isinstance(found, list):
        return False
    return any(isinstance(error, Mapping) and error.get("code") == "BASE_TYPE_MAX_LENGTH" for error in found)


def _fields(body: Mapping[str, Any]) -> str:
    """Name the fields a form error is about; Discord's own words may repeat what a user said."""
    errors = body.get("errors")
    return f"fields {', '.join(map(str, errors))}" if isinstance(errors, Mapping) and errors else ""
