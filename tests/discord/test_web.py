"""Requests are sent once and fail honestly."""

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.discord.refusals import DiscordRefused
from adapters.discord.web import Web
from bridge.clock import SystemClock
from bridge.errors import CredentialsError, PlatformError, PlatformRateLimited, PlatformUnavailable
from sandbox.discord import DiscordEmulator
from sandbox.journal import Journal

ME, CREATE = "GET /users/@me", "POST /channels/{channel}/messages"


@pytest.fixture
async def web(settings_for: Any) -> AsyncIterator[Web]:
    """The caller, opened, quick to give up."""
    async with Web(settings_for(request_timeout_s=0.5), SystemClock()) as opened:
        yield opened


async def test_an_answer_is_returned(discord: DiscordEmulator, web: Web) -> None:
    """Its JSON; nothing for an answer without a body."""
    assert (await web.call("GET", "/users/@me"))["id"] == discord.bot_user_id
    general = discord.find_channel("general").id
    assert await web.call("POST", f"/channels/{general}/typing") is None


@pytest.mark.parametrize(
    ("fault", "details", "unknown"),
    [
        ("status", {"status": 500}, True),
        ("status", {"status": 502}, True),
        ("status", {"status": 503}, True),
        ("status", {"status": 524}, True),
        ("drop_before", {}, True),
        ("drop_after", {}, True),
        ("wrong_json", {}, True),
        ("delay", {"delay_s": 5.0}, True),
    ],
)
async def test_failures_are_told_at_once_and_nothing_is_repeated(
    discord: DiscordEmulator, web: Web, journal: Journal, fault: str, details: Any, unknown: bool
) -> None:
    """Whether it may have been applied is told with it."""
    discord.faults.plan(CREATE, fault, **details)
    started = time.monotonic()
    with pytest.raises(PlatformUnavailable) as caught:
        await web.call("POST", f"/channels/{discord.find_channel('general').id}/messages", {"content": "x"})
    assert caught.value.outcome_unknown is unknown
    assert time.monotonic() - started < 3
    assert len(journal.select(kind="request", name=CREATE)) == 1


async def test_a_server_that_is_not_there_was_certainly_not_told(settings_for: Any) -> None:
    """Nothing was sent."""
    async with Web(settings_for(api_url="http://127.0.0.1:9/api"), SystemClock()) as web:
        with pytest.raises(PlatformUnavailable) as caught:
            await web.call("GET", "/users/@me")
    assert not caught.value.outcome_unknown
    assert "ClientConnectorError" in caught.value.reason


async def test_a_dead_token_is_asked_about_once(discord: DiscordEmulator, web: Web, journal: Journal) -> None:
    """Whoever watches is told; nothing is sent any more, for refusals are counted; a new beginning tries again."""
    told: list[str] = []
    web.when_refused(lambda: told.append("refused"))
    token, discord.application.token = discord.bot_token, "another"
    for _ in range(3):
        with pytest.raises(DiscordRefused):
            await web.call("GET", "/users/@me")
    assert told
    assert len(journal.select(kind="request", name=ME)) == 1
    discord.application.token = token
    web.forget_refusal()
    assert await web.call("GET", "/users/@me")
    discord.application.token = "another"
    with pytest.raises(CredentialsError):
        await web.ask("GET", "/users/@me")


async def test_patience_waits_for_the_bucket(discord: DiscordEmulator, web: Web, journal: Journal) -> None:
    """For what does not grow old; impatience does not."""
    discord.rate_limit_next(ME, 0.2, times=2)
    assert await web.call("GET", "/users/@me", patience_s=5.0)
    discord.rate_limit_next(ME, 0.2)
    with pytest.raises(PlatformRateLimited):
        await web.call("GET", "/users/@me")
    discord.rate_limit_next(ME, 9.0)
    with pytest.raises(PlatformRateLimited):
        await web.call("GET", "/users/@me", patience_s=1.0)


async def test_a_global_limit_holds_everything_back(discord: DiscordEmulator, web: Web, journal: Journal) -> None:
    """Also requests of other kinds, before they are sent."""
    discord.rate_limit_next(ME, 5.0, scope="global")
    for path in ("/users/@me", "/gateway/bot"):
        with pytest.raises(PlatformRateLimited):
            await web.call("GET", path)
    assert len(journal.select(kind="request")) == 1


async def test_a_ban_by_the_proxy_holds_everything_back(discord: DiscordEmulator, web: Web) -> None:
    """A page instead of JSON; the waits grow while it lasts."""
    waits = []
    for _ in range(2):
        discord.rate_limit_next(ME, via=False)
        with pytest.raises(PlatformRateLimited) as caught:
            await web.call("GET", "/users/@me")
        waits.append(caught.value.retry_after_s)
        web._buckets = type(web._buckets)()  # as if the wait were over
    assert waits == [2.0, 4.0]


async def test_a_place_that_is_not_the_api_is_said(settings_for: Any, discord: DiscordEmulator) -> None:
    """A page where JSON was expected."""
    async with Web(settings_for(api_url=f"{discord.base_url}/cdn"), SystemClock()) as web:
        with pytest.raises(PlatformError):
            await web.call("GET", "/users/@me")


async def test_a_caller_must_be_opened(settings_for: Any) -> None:
    """Otherwise it is a mistake of ours."""
    with pytest.raises(RuntimeError, match="opened"):
        await Web(settings_for(), SystemClock()).call("GET", "/users/@me")
