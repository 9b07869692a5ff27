"""Rate limits: whose calls count together, both ways of counting, and how the refusal is told."""

from typing import Any

import aiohttp
import pytest

from sandbox.clock import SandboxClock
from sandbox.slack import SlackEmulator
from sandbox.slack.rates import TIERS, Allowance, RateLimiter
from sandbox.slack.switches import SlackSwitches


def admitted(limiter: RateLimiter, allowance: Allowance, calls: int) -> int:
    """Count how many of so many calls at once are admitted."""
    return sum(limiter.admit({"key": allowance}) is None for _ in range(calls))


def test_a_window_slides() -> None:
    """Fifty at once, none for a minute, fifty again."""
    clock = SandboxClock(frozen=True)
    limiter = RateLimiter(clock, SlackSwitches(rate_limits="window"))
    assert admitted(limiter, TIERS[3], 60) == 50
    assert limiter.admit({"key": TIERS[3]}) == 60
    clock.advance(59)
    assert limiter.admit({"key": TIERS[3]}) == 1
    clock.advance(1)
    assert admitted(limiter, TIERS[3], 60) == 50


def test_a_bucket_refills_steadily() -> None:
    """A burst of a fifth, then one call each 1.2 s."""
    clock = SandboxClock(frozen=True)
    limiter = RateLimiter(clock, SlackSwitches(rate_limits="bucket"))
    assert admitted(limiter, TIERS[3], 60) == 10
    clock.advance(1.3)
    assert admitted(limiter, TIERS[3], 5) == 1
    clock.advance(3600)
    assert admitted(limiter, TIERS[3], 60) == 10


async def test_posts_in_a_channel_may_be_one_a_second_with_a_burst(
    slack: SlackEmulator, api: Any, clock: SandboxClock
) -> None:
    """The channel's bucket holds whatever limits the other methods; another channel has its own."""
    slack.switches.posting_burst = 5
    other = slack.add_channel("other")
    posted = [await api.call("chat.postMessage", channel="C1", text="x") for _ in range(7)]
    assert [body["ok"] for body in posted] == [True] * 5 + [False] * 2
    assert (await api.call("chat.postMessage", channel=other, text="x"))["ok"]
    clock.advance(1.1)
    posted = [await api.call("chat.postMessage", channel="C1", text="x") for _ in range(2)]
    assert [body["ok"] for body in posted] == [True, False]


def test_a_call_counts_against_all_of_its_allowances_or_none() -> None:
    """What one allowance refuses costs the others nothing."""
    limiter = RateLimiter(SandboxClock(frozen=True), SlackSwitches())
    narrow, wide = Allowance(1), Allowance(3)
    assert limiter.admit({"narrow": narrow, "wide": wide}) is None
    assert limiter.admit({"narrow": narrow, "wide": wide}) is not None
    assert [limiter.admit({"wide": wide}) for _ in range(3)] == [None, None, 60]


@pytest.mark.parametrize("as_http_200", [False, True])
async def test_edits_of_the_whole_workspace_count_together(
    slack: SlackEmulator, api: Any, session: aiohttp.ClientSession, clock: SandboxClock, as_http_200: bool
) -> None:
    """chat.update is limited per workspace, not per message; other methods go on; a minute later it works again."""
    slack.switches.rate_limited_as_http_200 = as_http_200
    stamps = [await api.post(str(number)) for number in range(5)]
    for number in range(50):
        assert (await api.call("chat.update", channel="C1", ts=stamps[number % 5], text=f"{number}!"))["ok"]
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    arguments = {"channel": "C1", "ts": stamps[0], "text": "?"}
    async with session.post(f"{slack.api_url}chat.update", json=arguments, headers=headers) as response:
        assert response.status == (200 if as_http_200 else 429)
        assert ("Retry-After" in response.headers) is not as_http_200
        assert await response.json() == {"ok": False, "error": "ratelimited"}
    assert (await api.call("auth.test"))["ok"]
    clock.advance(61)
    assert (await api.call("chat.update", **arguments))["ok"]


async def test_posting_is_limited_per_channel(slack: SlackEmulator, api: Any) -> None:
    """A busy channel does not silence the others."""
    slack.add_channel("random", channel_id="C2")
    for _ in range(10):
        await api.post()
    slack.switches.posting_says_rate_limited = True
    assert await api.refusal("chat.postMessage", channel="C1", text="hi") == "rate_limited"
    assert await api.refusal("chat.postMessage", channel="#general", text="hi") == "rate_limited"
    await api.post(channel="C2")


async def test_limits_can_be_switched_off_and_ordered(slack: SlackEmulator, api: Any) -> None:
    """No limits at all, except those a test orders."""
    slack.switches.rate_limits = "off"
    for _ in range(30):
        await api.post()
    slack.rate_limit_next("chat.postMessage", retry_after_s=7, times=2)
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    for _ in range(2):
        async with api.session.post(f"{slack.api_url}chat.postMessage", json={}, headers=headers) as response:
            assert (response.status, response.headers["Retry-After"]) == (429, "7")
    await api.post()
