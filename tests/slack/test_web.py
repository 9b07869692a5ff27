"""The real SDK against the emulator: how each failure of a call arrives, and that nothing is sent twice."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr

from adapters.slack.refusals import SlackRefused
from adapters.slack.web import Web
from bridge.errors import CredentialsError, PlatformError, PlatformRateLimited, PlatformUnavailable
from sandbox.journal import Journal
from sandbox.slack import SlackEmulator

POST = {"channel": "C1", "text": "hi", "unfurl_links": False, "unfurl_media": False}


@pytest.fixture
async def web(settings_for: Any) -> AsyncIterator[Web]:
    """The Web API with the right tokens and a short patience."""
    async with Web(settings_for(request_timeout_s=2.0)) as opened:
        yield opened


def requests(journal: Journal, method: str) -> int:
    """Count how often a method was called."""
    return len(journal.select(kind="request", name=method))


@pytest.mark.parametrize(
    ("fault", "arguments"),
    [
        ("status", {"status": 502}),
        ("status", {"status": 503, "applied": True}),
        ("drop_before", {}),
        ("drop_after", {}),
        ("wrong_json", {}),
        ("plain_text", {}),
        ("error", {"error": "internal_error"}),
        ("error", {"error": "fatal_error", "applied": True}),
    ],
)
async def test_a_post_without_a_clear_answer_is_sent_once(
    web: Web, slack: SlackEmulator, journal: Journal, fault: str, arguments: dict[str, Any]
) -> None:
    """Whatever goes wrong on the way back, the post is not repeated and its outcome is called unknown."""
    slack.faults.plan("chat.postMessage", fault, **arguments)
    with pytest.raises(PlatformUnavailable) as caught:
        await web.call("chat.postMessage", POST)
    assert caught.value.outcome_unknown
    assert requests(journal, "chat.postMessage") == 1


async def test_a_call_that_takes_too_long_ends(settings_for: Any, slack: SlackEmulator, journal: Journal) -> None:
    """The time limit holds on the shared session, and the outcome is unknown."""
    slack.faults.plan("chat.postMessage", "delay", delay_s=5)
    async with Web(settings_for(request_timeout_s=0.3)) as web:
        with pytest.raises(PlatformUnavailable) as caught:
            await web.call("chat.postMessage", POST)
    assert caught.value.outcome_unknown
    assert requests(journal, "chat.postMessage") == 1


async def test_an_unreachable_slack_took_nothing(settings_for: Any) -> None:
    """A refused connection is certain: the post may be sent again."""
    async with Web(settings_for(base_url="http://127.0.0.1:9/api/")) as web:
        with pytest.raises(PlatformUnavailable) as caught:
            await web.call("chat.postMessage", POST)
    assert not caught.value.outcome_unknown


@pytest.mark.parametrize("as_http_200", [False, True])
async def test_a_rate_limit_tells_its_pause(web: Web, slack: SlackEmulator, as_http_200: bool) -> None:
    """Both spellings; without a header none is told, and the pacer finds out by itself."""
    slack.rate_limit_next("chat.update", 4, as_http_200=as_http_200)
    with pytest.raises(PlatformRateLimited) as caught:
        await web.call("chat.update", {"channel": "C1", "ts": "1.0", "text": "x"}, budget="work:T1:chat.update")
    assert caught.value.retry_after_s == (None if as_http_200 else 4.0)
    assert caught.value.budget == "work:T1:chat.update"


async def test_a_refusal_carries_slacks_word(web: Web) -> None:
    """ok: false under status 200 is a failure."""
    with pytest.raises(SlackRefused) as caught:
        await web.call("chat.postMessage", {**POST, "channel": "C404"})
    assert caught.value.code == "channel_not_found"


async def test_a_dead_token_is_a_refusal_that_stops_the_adapter(web: Web, slack: SlackEmulator) -> None:
    """Replies see a platform error; the receiving side learns that waiting is useless."""
    slack.uninstall()
    with pytest.raises(PlatformError):
        await web.call("chat.postMessage", POST)
    assert web.refused.is_set()
    assert web.refusal is not None
    assert "SLACK_BOT_TOKEN" in web.refusal.fix


async def test_the_bot_token_tells_who_we_are(web: Web) -> None:
    """Team, user, bot and the scopes from the header."""
    us, scopes = await web.who_we_are()
    assert (us.team_id, us.user_id) == ("T1", "U0BOT")
    assert us.bot_id
    assert {"chat:write", "app_mentions:read"} <= scopes


async def test_swapped_tokens_are_told(settings_for: Any, slack: SlackEmulator) -> None:
    """Each method says which token it wanted."""
    swapped = {"bot_token": SecretStr(slack.app_token), "app_token": SecretStr(slack.bot_token)}
    async with Web(settings_for(**swapped)) as web:
        with pytest.raises(CredentialsError, match=r"auth\.test"):
            await web.who_we_are()
        with pytest.raises(CredentialsError) as caught:
            await web.open_connection()
    assert "swapped" in caught.value.fix


async def test_socket_mode_that_is_off_is_told(web: Web, slack: SlackEmulator) -> None:
    """An app that receives by HTTP cannot open sockets."""
    slack.app_named().request_url = "http://127.0.0.1:9/"
    with pytest.raises(CredentialsError) as caught:
        await web.open_connection()
    assert "Socket Mode" in caught.value.fix
    slack.deliver_by_socket()


async def test_a_proxy_of_the_environment_is_not_taken(
    settings_for: Any, monkeypatch: pytest.MonkeyPatch, slack: SlackEmulator
) -> None:
    """The SDK would send everything through it, NO_PROXY or not."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    async with Web(settings_for()) as web:
        us, _ = await web.who_we_are()
    assert us.user_id == "U0BOT"


async def test_a_configured_proxy_is_used(settings_for: Any) -> None:
    """And an unreachable one is certain not to have passed anything on."""
    async with Web(settings_for(proxy="http://127.0.0.1:9")) as web:
        with pytest.raises(PlatformUnavailable) as caught:
            await web.call("chat.postMessage", POST)
    assert not caught.value.outcome_unknown
