"""Every refusal becomes the error that says what to do."""

from typing import Any

import pytest

from adapters.discord import limits
from adapters.discord.refusals import DiscordRefused, Refusal, classify, retry_after_s
from bridge.errors import (
    BridgeError,
    CredentialsError,
    MessageGone,
    PartTooLong,
    PlatformRateLimited,
    PlatformRejected,
    PlatformUnavailable,
)

POST, PATCH = "POST /channels/1/messages", "PATCH /channels/1/messages/2"


def refused(status: int, code: int = 0, call: str = POST, **body: Any) -> BridgeError:
    """Classify a refusal with a JSON body."""
    return classify(Refusal(call, status, {"code": code, "message": "words of Discord's", **body}, budget="b"))


def field(name: str, code: str) -> dict[str, Any]:
    """Return the tree of a form error."""
    return {name: {"_errors": [{"code": code, "message": "too much: secret words"}]}}


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (refused(401), CredentialsError, "does not know the token"),
        (refused(403, 50001), DiscordRefused, "View Channel"),
        (refused(403, 50013), DiscordRefused, "lacks a permission"),
        (refused(404, 10003), DiscordRefused, "does not exist any more"),
        (refused(404, 10008, PATCH), MessageGone, "10008"),
        (refused(404, 10008, "DELETE /channels/1/messages/2"), MessageGone, "10008"),
        (refused(404, 10008), DiscordRefused, "10008"),
        (refused(403, 50005, PATCH), MessageGone, "50005"),
        (refused(400, 50083, PATCH), DiscordRefused, "archived"),
        (refused(403, 160005), DiscordRefused, "locked"),
        (refused(400, 50035, errors=field("content", "BASE_TYPE_MAX_LENGTH")), PartTooLong, "50035"),
        (refused(400, 50035, errors=field("nonce", "BASE_TYPE_MAX_LENGTH")), DiscordRefused, "fields nonce"),
        (refused(400, 50035, errors=field("content", "BASE_TYPE_REQUIRED")), DiscordRefused, "fields content"),
        (refused(413, 40005), PartTooLong, "40005"),
        (refused(400, 200000), DiscordRefused, "AutoMod"),
        (refused(418, 99), DiscordRefused, "HTTP 418, 99"),
        (refused(503), PlatformUnavailable, "503"),
        (classify(Refusal(POST, 502, {})), PlatformUnavailable, "502"),
        (classify(Refusal(POST, 404, {})), DiscordRefused, "is api_url right"),
        (refused(429, retry_after=0.6), PlatformRateLimited, "429"),
    ],
)
def test_a_refusal_becomes_our_error(error: BridgeError, kind: type[BridgeError], words: str) -> None:
    """With a reason an operator can act on, and nothing of what people said."""
    assert type(error) is kind
    assert words in error.reason
    assert "secret" not in error.reason


def test_a_server_that_fails_may_have_done_it() -> None:
    """Look before you post again."""
    error = refused(504)
    assert isinstance(error, PlatformUnavailable)
    assert error.outcome_unknown


def test_the_wait_is_the_body_s_then_the_header_s() -> None:
    """Without both a usual one; the proxy's bans last longer."""
    assert retry_after_s(Refusal(POST, 429, {"retry_after": 0.25}, "1")) == 0.25
    assert retry_after_s(Refusal(POST, 429, {"retry_after": "x"}, "7")) == 7.0
    assert retry_after_s(Refusal(POST, 429, {"x": 1})) == limits.RETRY_AFTER_S
    assert retry_after_s(Refusal(POST, 429, {})) == limits.BAN_RETRY_FIRST_S
    assert retry_after_s(Refusal(POST, 429, {}, bans=99)) == limits.BAN_RETRY_MAX_S
    error = refused(429, retry_after=2)
    assert isinstance(error, PlatformRateLimited)
    assert (error.retry_after_s, error.budget) == (2.0, "b")


def test_rejections_are_no_retries() -> None:
    """The core must not repeat them."""
    assert isinstance(refused(403, 50013), PlatformRejected)
    assert not refused(403, 50013).retryable
