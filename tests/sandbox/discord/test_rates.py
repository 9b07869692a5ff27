"""Rate limits: buckets with their headers, the global limit, old edits, Cloudflare (reference 3)."""

from typing import Any

import pytest

from sandbox.clock import SandboxClock
from sandbox.discord import DiscordEmulator, DiscordSwitches
from sandbox.journal import Journal


@pytest.fixture
def clock() -> SandboxClock:
    """Time that stands still unless it is advanced."""
    return SandboxClock(frozen=True)


@pytest.fixture
def switches() -> DiscordSwitches:
    """Discord's own numbers."""
    return DiscordSwitches()


async def sent(api: Any, **fields: Any) -> tuple[int, dict[str, str], Any]:
    """Post a message; return status, headers and body."""
    path = f"/channels/{api.channel()}/messages"
    async with api.send("POST", path, {"content": "x", **fields}) as response:
        return response.status, dict(response.headers), await response.json()


async def test_five_messages_in_five_seconds(api: Any, clock: SandboxClock) -> None:
    """The headers count down; the sixth is a 429 that says how long; then the window is new."""
    remaining = [(await sent(api))[1]["X-RateLimit-Remaining"] for _ in range(5)]
    assert remaining == ["4", "3", "2", "1", "0"]
    clock.advance(2)
    status, headers, body = await sent(api)
    assert (status, body["global"], body["retry_after"]) == (429, False, 3.0)
    assert (headers["Retry-After"], headers["X-RateLimit-Scope"]) == ("3.0", "user")
    assert headers["X-RateLimit-Reset-After"] == "3.000"
    assert headers["Via"]
    clock.advance(3)
    assert (await sent(api))[0] == 200


async def test_channels_and_routes_have_buckets_of_their_own(
    emulator: DiscordEmulator, api: Any, clock: SandboxClock
) -> None:
    """Another channel is another bucket, editing another than creating, unless the switch joins them."""
    emulator.add_channel("other")
    for _ in range(5):
        message = (await sent(api))[2]
    await api.post("elsewhere", "other")
    for number in range(5):
        await api.edit(message, content=str(number))
    path = f"/channels/{api.channel()}/messages/{message['id']}"
    async with api.send("PATCH", path, {"content": "x"}) as response:
        assert response.status == 429
    clock.advance(5)
    emulator.switches.shared_send_edit_bucket = True
    await api.edit(message, content="x")
    assert (await sent(api))[1]["X-RateLimit-Remaining"] == "3"


async def test_fifty_calls_a_second(emulator: DiscordEmulator, api: Any, clock: SandboxClock) -> None:
    """Beyond fifty calls of any kind everything is refused for the rest of the second."""
    guild = emulator.guild_id
    for _ in range(25):
        await api.call("GET", f"/guilds/{guild}")
        await api.call("GET", f"/guilds/{guild}/roles")
    async with api.send("GET", f"/guilds/{guild}/channels") as response:
        body = await response.json()
        assert (response.status, body["global"]) == (429, True)
        assert response.headers["X-RateLimit-Scope"] == "global"
        assert response.headers["X-RateLimit-Global"] == "true"
    clock.advance(1)
    await api.call("GET", f"/guilds/{guild}/channels")


async def test_edits_of_old_messages(emulator: DiscordEmulator, api: Any, clock: SandboxClock) -> None:
    """After an hour three edits in six seconds, then 30046, which no header announced."""
    message = await api.post("old")
    clock.advance(3601)
    for number in range(3):
        await api.edit(message, content=str(number))
    path = f"/channels/{api.channel()}/messages/{message['id']}"
    async with api.send("PATCH", path, {"content": "x"}) as response:
        body = await response.json()
        assert (response.status, body["code"], body["retry_after"]) == (429, 30046, 6.0)
        assert response.headers["X-RateLimit-Remaining"] == "1"
    clock.advance(6)
    await api.edit(message, content="at last")


async def test_cloudflare_answers_whoever_ignores_refusals(
    emulator: DiscordEmulator, api: Any, clock: SandboxClock
) -> None:
    """Too many 401, 403 and 429 in ten minutes: a page without Via, for ten minutes; shared 429 do not count."""
    emulator.switches.invalid_request_limit = 3
    emulator.rate_limit_next("GET /users/@me", scope="shared")
    assert (await api.call("GET", "/users/@me", status=429))["global"] is False
    for _ in range(3):
        await api.refusal("GET", "/users/@me", token="wrong")
    async with api.send("GET", "/users/@me") as response:
        assert response.status == 429
        assert response.headers["Content-Type"] == "text/html"
        assert "Via" not in response.headers
    clock.advance(601)
    await api.call("GET", "/users/@me")


async def test_profiles(emulator: DiscordEmulator, api: Any, clock: SandboxClock) -> None:
    """``generous`` limits nothing a test does, ``off`` sends no headers, the scale tightens Discord's numbers."""
    emulator.switches.rate_limits = "generous"
    assert (await sent(api))[1]["X-RateLimit-Limit"] == "1000"
    emulator.switches.rate_limits = "off"
    assert "X-RateLimit-Limit" not in (await sent(api))[1]
    emulator.switches.rate_limits, emulator.switches.rate_limit_scale = "discord", 0.2
    clock.advance(5)
    assert [(await sent(api))[0] for _ in range(2)] == [200, 429]


async def test_interactions_are_exempt_from_the_global_limit(
    emulator: DiscordEmulator, api: Any, clock: SandboxClock
) -> None:
    """With the global limit used up an interaction's routes still answer."""
    emulator.switches.global_per_s = 1
    await api.call("GET", "/users/@me")
    assert await api.refusal("POST", "/webhooks/1/token", {"content": "x"}) == (404, 10015)
    assert (await api.call("GET", "/users/@me", status=429))["global"] is True


async def test_planned_limits_and_faults(emulator: DiscordEmulator, api: Any, journal: Journal) -> None:
    """Any route can be limited, refused, late, cut, unreadable, before or after it took effect."""
    create = "POST /channels/{channel}/messages"
    emulator.rate_limit_next(create, 2.5)
    assert (await sent(api))[2]["retry_after"] == 2.5
    emulator.faults.plan(create, "error", status=400, code=200000, message="blocked")
    assert (await sent(api))[2]["code"] == 200000
    for kind, status in (("status", 502), ("status", 503)):
        emulator.faults.plan(create, kind, status=status, applied=True)
        async with api.send("POST", f"/channels/{api.channel()}/messages", {"content": f"{status}"}) as response:
            assert response.status == status
    for kind in ("drop_before", "drop_after"):
        emulator.faults.plan(create, kind)
        with pytest.raises(OSError, match="reset"):
            await sent(api, content=kind)
    emulator.faults.plan(create, "wrong_json")
    with pytest.raises(ValueError, match=r"Unterminated|delimiter|Expecting"):
        await sent(api, content="unreadable")
    shown = [message.text for message in emulator.messages("general")]
    assert shown == ["502", "503", "drop_after", "unreadable"]
    assert len(journal.select(kind="fault")) == 7
    with pytest.raises(ValueError, match="nothing is called"):
        emulator.faults.plan("POST /message", "status")
    with pytest.raises(ValueError, match="has no fault"):
        emulator.faults.plan(create, "close")


async def test_latency_and_lateness(emulator: DiscordEmulator, api: Any, clock: SandboxClock) -> None:
    """A slow network takes its time before and after; a late call may have been applied at once."""
    running = SandboxClock()
    async with DiscordEmulator(running, Journal(running), switches=DiscordSwitches(latency_s=0.1)) as slow:
        slow.add_channel("general")
        begun = running.now()
        async with api.session.get(
            f"{slow.api_url}/users/@me",
            headers={"Authorization": f"Bot {slow.bot_token}", "User-Agent": "DiscordBot (x, 1)"},
        ) as response:
            assert response.status == 200
        assert running.now() - begun >= 0.1
    emulator.faults.plan("POST /channels/{channel}/messages", "delay", delay_s=0.0, applied=True)
    assert (await sent(api))[0] == 200
