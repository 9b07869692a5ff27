"""What Slack's refusals mean to us: one table from error code to our error tree (pure).

Slack says no with ``{"ok": false, "error": CODE}``, mostly under HTTP status 200. Source: the error tables of
docs.slack.dev's method pages.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.errors import (
    BridgeError,
    CredentialsError,
    MessageGone,
    PartTooLong,
    PlatformRateLimited,
    PlatformRejected,
    PlatformUnavailable,
)


class SlackRefused(PlatformRejected):
    """Refused for good; ``code`` is Slack's word for it."""

    def __init__(self, reason: str, *, code: str) -> None:
        super().__init__(reason)
        self.code = code


class MissingScope(SlackRefused):
    """The token lacks a scope; ``needed`` names it."""

    def __init__(self, reason: str, *, needed: str) -> None:
        super().__init__(reason, code="missing_scope")
        self.needed = needed


class BlocksRefused(SlackRefused):
    """Slack does not take our blocks; the same as plain text may pass."""


TOO_MANY = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
TOO_LONG = frozenset({"msg_too_long", "msg_blocks_too_long", "msg_blocks_too_many"})
BLOCKS = frozenset({"invalid_blocks", "invalid_blocks_format"})
GONE = frozenset(
    {
        "message_not_found",
        "edit_window_closed",
        "cant_update_message",
        "cant_delete_message",
        "block_mismatch",
        "is_inactive",
    }
)
THEIR_SIDE = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"})
CREDENTIALS = {
    "not_authed": "the token is empty",
    "invalid_auth": "Slack does not know the token",
    "account_inactive": "the app was uninstalled, or its workspace deleted",
    "token_revoked": "the token was revoked",
    "token_expired": "the token has expired",
    "not_allowed_token_type": "this is a token of the wrong kind",
    "no_permission": "the token has no permission",
    "org_login_required": "the workspace is being moved into an organisation",
    "team_access_not_granted": "the organisation has not granted the app this workspace",
    "access_denied": "Slack denies this token access",
}
NO_ENTRY = {
    "channel_not_found": "the channel does not exist, or the bot may not see it",
    "not_in_channel": "the bot is not in the channel; invite it there",
    "is_archived": "the channel is archived",
    "messages_tab_disabled": "direct messages are switched off: app settings, App Home, Messages Tab",
    "cannot_reply_to_message": "this message takes no replies",
    "thread_not_found": "the thread was deleted",
    "app_access_restricted": "an administrator restricts the app",
}
WRONG_KIND = "not_allowed_token_type"
ABOUT_ONE_METHOD = frozenset({WRONG_KIND, "no_permission", "access_denied"})
"""These may be said of a single method to a token that is good for others; only where we identify ourselves do they
mean that it is good for nothing."""
IDENTIFYING = frozenset({"auth.test", "apps.connections.open"})
EDITING = frozenset({"chat.update", "chat.delete", "chat.appendStream", "chat.stopStream"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """One answer that was not a success.

    Attributes:
        method: The Web API method, for example ``chat.update``.
        status: HTTP status.
        body: The JSON object, empty when the answer was none (HTML from a gateway).
        retry_after: The header, as it came; empty when absent.
        budget: The allowance of ours the call drew on.
    """

    method: str
    status: int
    body: Mapping[str, Any]
    retry_after: str = ""
    budget: str = ""


def classify(refusal: Refusal) -> BridgeError:
    """Return our error for a refusal, with a reason an operator can act on."""
    code = refusal.body.get("error")
    code = code if isinstance(code, str) else ""
    if refusal.status == 429 or code in TOO_MANY:
        return _too_many(refusal, code)
    if refusal.status >= 500 or (refusal.status == 200 and not code) or code in THEIR_SIDE:
        detail = code or f"HTTP {refusal.status} without a usable answer"
        return PlatformUnavailable(f"{refusal.method}: {detail}", outcome_unknown=True)
    if not code:
        return SlackRefused(
            f"{refusal.method}: HTTP {refusal.status}; is base_url right?", code=f"http_{refusal.status}"
        )
    return _refused(refusal, code)


def _too_many(refusal: Refusal, code: str) -> PlatformRateLimited:
    return PlatformRateLimited(
        f"{refusal.method}: {code or 'HTTP 429'}",
        retry_after_s=retry_after_s(refusal.retry_after),
        budget=refusal.budget,
    )


def _refused(refusal: Refusal, code: str) -> BridgeError:
    what = f"{refusal.method}: {code}"
    if code == "missing_scope":
        needed = str(refusal.body.get("needed") or "unknown")
        return MissingScope(f"{what} {needed}: add it under OAuth & Permissions and reinstall the app", needed=needed)
    if code in CREDENTIALS and (code not in ABOUT_ONE_METHOD or refusal.method in IDENTIFYING):
        return CredentialsError(f"{what}: {CREDENTIALS[code]}", fix=credentials_fix(refusal.method, code))
    if code in TOO_LONG:
        return PartTooLong(what)
    if code in BLOCKS:
        return BlocksRefused(f"{what} {_details(refusal.body)}".strip(), code=code)
    if code in GONE and refusal.method in EDITING:
        return MessageGone(what)
    return SlackRefused(f"{what}: {NO_ENTRY[code]}" if code in NO_ENTRY else what, code=code)


def credentials_fix(method: str, code: str) -> str:
    """Tell what to do about a refused token: the method tells which of the two it was."""
    if method == "apps.connections.open":
        if code == WRONG_KIND:
            return "app_token must be the app-level token, xapp-...; perhaps the two tokens are swapped."
        return (
            "Copy the app-level token (xapp-..., scope connections:write) from the app's Basic Information page "
            "into app_token (SLACK_APP_TOKEN)."
        )
    if code == WRONG_KIND:
        return "bot_token must be the bot's token, xoxb-...; perhaps the two tokens are swapped."
    return (
        "Install the app to the workspace and copy the bot token (xoxb-...) from OAuth & Permissions "
        "into bot_token (SLACK_BOT_TOKEN)."
    )


def retry_after_s(header: str) -> float | None:
    """Return the wait a ``Retry-After`` header asks for; ``None`` where it is absent or no number."""
    try:
        return max(0.0, float(header))
    except ValueError:
        return None


def _details(body: Mapping[str, Any]) -> str:
    metadata = body.get("response_metadata")
    messages = metadata.get("messages") if isinstance(metadata, Mapping) else None
    # Slack names positions in our blocks here, not their contents.
    return "; ".join(str(message) for message in messages[:3]) if isinstance(messages, list) else ""
