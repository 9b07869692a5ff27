"""Every answer of Slack that is no success has one meaning."""

from typing import Any

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from adapters.slack.refusals import BlocksRefused, MissingScope, Refusal, SlackRefused, classify, retry_after_s
from adapters.slack.web import lost
from bridge.errors import (
    BridgeError,
    CredentialsError,
    MessageGone,
    PartTooLong,
    PlatformRateLimited,
    PlatformUnavailable,
)


def refused(error: str, method: str = "chat.postMessage", status: int = 200, **more: Any) -> BridgeError:
    """Classify a refusal in Slack's usual form."""
    return classify(Refusal(method, status, {"ok": False, "error": error, **more}))


@pytest.mark.parametrize(
    ("error", "method", "kind"),
    [
        ("msg_too_long", "chat.update", PartTooLong),
        ("msg_blocks_too_long", "chat.postMessage", PartTooLong),
        ("msg_blocks_too_many", "chat.postMessage", PartTooLong),
        ("invalid_blocks", "chat.postMessage", BlocksRefused),
        ("invalid_blocks_format", "chat.update", BlocksRefused),
        ("message_not_found", "chat.update", MessageGone),
        ("message_not_found", "chat.delete", MessageGone),
        ("message_not_found", "reactions.add", SlackRefused),
        ("edit_window_closed", "chat.update", MessageGone),
        ("cant_update_message", "chat.update", MessageGone),
        ("block_mismatch", "chat.update", MessageGone),
        ("is_inactive", "chat.update", MessageGone),
        ("channel_not_found", "chat.postMessage", SlackRefused),
        ("not_in_channel", "chat.postMessage", SlackRefused),
        ("is_archived", "chat.postMessage", SlackRefused),
        ("restricted_action", "chat.postMessage", SlackRefused),
        ("messages_tab_disabled", "chat.postMessage", SlackRefused),
        ("cannot_reply_to_message", "chat.postMessage", SlackRefused),
        ("no_text", "chat.postMessage", SlackRefused),
        ("unknown_method", "chat.postMessage", SlackRefused),
        ("missing_scope", "chat.postMessage", MissingScope),
        ("invalid_auth", "chat.postMessage", CredentialsError),
        ("not_authed", "auth.test", CredentialsError),
        ("account_inactive", "auth.test", CredentialsError),
        ("token_revoked", "auth.test", CredentialsError),
        ("token_expired", "auth.test", CredentialsError),
        ("not_allowed_token_type", "apps.connections.open", CredentialsError),
        ("not_allowed_token_type", "assistant.threads.setStatus", SlackRefused),
        ("no_permission", "chat.update", SlackRefused),
        ("ratelimited", "chat.update", PlatformRateLimited),
        ("rate_limited", "chat.postMessage", PlatformRateLimited),
        ("message_limit_exceeded", "chat.postMessage", PlatformRateLimited),
        ("internal_error", "chat.postMessage", PlatformUnavailable),
        ("fatal_error", "chat.postMessage", PlatformUnavailable),
        ("service_unavailable", "chat.postMessage", PlatformUnavailable),
        ("request_timeout", "chat.postMessage", PlatformUnavailable),
    ],
)
def test_each_error_code_has_its_meaning(error: str, method: str, kind: type[BridgeError]) -> None:
    """The table of the reference, row by row; the reason names method and code."""
    found = refused(error, method)
    assert type(found) is kind
    assert method in found.reason
    assert error in found.reason


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_failing_gateway_leaves_open_whether_the_call_was_applied(status: int) -> None:
    """An HTML page says nothing about what happened before it."""
    found = classify(Refusal("chat.postMessage", status, {}))
    assert isinstance(found, PlatformUnavailable)
    assert found.outcome_unknown


def test_an_empty_success_is_none() -> None:
    """Status 200 without a usable body may have been applied."""
    found = classify(Refusal("chat.postMessage", 200, {}))
    assert isinstance(found, PlatformUnavailable)
    assert found.outcome_unknown


def test_a_page_instead_of_an_answer_points_at_the_address() -> None:
    """Status 404 and no JSON is a wrong base_url."""
    found = classify(Refusal("auth.test", 404, {}))
    assert isinstance(found, SlackRefused)
    assert "base_url" in found.reason


def test_a_pause_names_its_length_and_budget() -> None:
    """From the header; without a usable one it is not known."""
    found = classify(Refusal("chat.update", 429, {}, "7", "work:T1:chat.update"))
    assert isinstance(found, PlatformRateLimited)
    assert (found.retry_after_s, found.budget) == (7.0, "work:T1:chat.update")
    assert retry_after_s("") is retry_after_s("soon") is None


def test_a_missing_scope_is_named() -> None:
    """With what to do about it."""
    found = refused("missing_scope", "reactions.add", needed="reactions:write", provided="chat:write")
    assert isinstance(found, MissingScope)
    assert found.needed == "reactions:write"
    assert "reactions:write" in found.reason
    assert "reinstall" in found.reason


def test_refused_blocks_say_where() -> None:
    """Slack's pointers into our blocks help; they hold no words of anybody."""
    details = {"messages": ["[ERROR] must be shorter [json-pointer:/blocks/0/text]"]}
    assert "/blocks/0/text" in refused("invalid_blocks", response_metadata=details).reason


def test_a_refused_token_comes_with_its_mending() -> None:
    """The method tells which of the two tokens it was."""
    for method, variable in (("auth.test", "SLACK_BOT_TOKEN"), ("apps.connections.open", "SLACK_APP_TOKEN")):
        found = refused("invalid_auth", method)
        assert isinstance(found, CredentialsError)
        assert variable in found.fix
        swapped = refused("not_allowed_token_type", method)
        assert isinstance(swapped, CredentialsError)
        assert "swapped" in swapped.fix


KEY = ConnectionKey("127.0.0.1", 1, False, True, None, None, None)


@pytest.mark.parametrize(
    ("error", "outcome_unknown"),
    [
        (aiohttp.ClientConnectorError(KEY, OSError("refused")), False),
        (aiohttp.ClientConnectorDNSError(KEY, OSError("no such host")), False),
        (aiohttp.ConnectionTimeoutError("connect"), False),
        (aiohttp.ServerDisconnectedError(), True),
        (aiohttp.ClientOSError(104, "reset"), True),
        (aiohttp.ClientPayloadError("cut"), True),
        (aiohttp.SocketTimeoutError("read"), True),
        (TimeoutError(), True),
        (ConnectionResetError(), True),
    ],
)
def test_a_request_without_an_answer_was_sent_or_not(error: Exception, outcome_unknown: bool) -> None:
    """Only a connection that never came about is certain."""
    found = lost("chat.postMessage", error)
    assert isinstance(found, PlatformUnavailable)
    assert found.outcome_unknown is outcome_unknown
