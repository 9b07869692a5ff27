"""What happens to a socket, the adapter gets over: lost, refused, mute, asked to leave; and it knows when not to."""

import asyncio
from functools import partial
from typing import Any

import pytest
from pydantic import SecretStr

from adapters.slack.adapter import SlackPlatform
from bridge.clock import SystemClock
from bridge.errors import CredentialsError, PlatformUnavailable
from bridge.observing import Connection
from sandbox.journal import Journal
from sandbox.slack import SlackEmulator

DEADLINE_S = 30.0


@pytest.fixture
def settings_for(settings_for: Any) -> Any:
    """Make settings that are quick to notice a lost socket."""
    return partial(settings_for, ping_interval_s=0.2, rebuild_after_s=1.0)


def hellos(journal: Journal) -> int:
    """Count the connections that were greeted."""
    return len(journal.select(name="socket.hello"))


async def expect_service(slack: SlackEmulator, intake: Any, text: str) -> None:
    """A message sent now arrives."""
    slack.say("ann", slack.open_dm("ann"), text)
    await intake.until(lambda: text in [envelope.text for envelope in intake.accepted])


@pytest.mark.parametrize("reason", ["warning", "refresh_requested", "link_disabled", "too_many_websockets"])
async def test_a_request_to_reconnect_is_followed(
    slack: SlackEmulator, journal: Journal, platform: Any, serve: Any, intake: Any, reason: str
) -> None:
    """Slack asks every few hours."""
    async with serve(platform, intake):
        await slack.sockets.disconnect(reason)
        await slack.wait_until(lambda: hellos(journal) == 2, what="a second hello")
        await expect_service(slack, intake, "still there?")


async def test_a_cut_connection_comes_back(
    slack: SlackEmulator, journal: Journal, platform: Any, serve: Any, intake: Any
) -> None:
    """Without a word from the server; what is sent meanwhile arrives by redelivery."""
    async with serve(platform, intake):
        slack.sockets.drop()
        await expect_service(slack, intake, "sent into the gap")
    assert hellos(journal) == 2


async def test_a_socket_that_plays_dead_is_replaced(
    slack: SlackEmulator, journal: Journal, platform: Any, serve: Any, intake: Any
) -> None:
    """Open, but carrying nothing and answering no ping."""
    async with serve(platform, intake):
        slack.sockets.go_silent()
        await slack.wait_until(lambda: hellos(journal) == 2, what="a second hello")
        await expect_service(slack, intake, "awake again")


@pytest.mark.parametrize("trouble", ["go_silent", "drop", "disconnect"])
async def test_every_new_socket_is_counted(
    slack: SlackEmulator, journal: Journal, platform: Any, intake: Any, trouble: str
) -> None:
    """Deaf, cut or asked to leave, however fast the SDK replaces it: the operator sees how often."""
    connection = Connection("work", SystemClock())
    async with asyncio.TaskGroup() as group:
        task = group.create_task(platform.serve(intake, connection))
        await slack.wait_until(lambda: connection.connects == 1, what="the first connection")
        happening = getattr(slack.sockets, trouble)()
        if happening is not None:
            await happening
        await slack.wait_until(lambda: connection.connects == 2, what="the second connection")
        await expect_service(slack, intake, "heard again")
        assert connection.connects == hellos(journal) == 2
        task.cancel()


async def test_refused_handshakes_are_got_over(
    slack: SlackEmulator, journal: Journal, platform: Any, serve: Any, intake: Any
) -> None:
    """A server that is not ready yet is asked again."""
    slack.sockets.handshakes_to_refuse = 3
    async with serve(platform, intake):
        await expect_service(slack, intake, "hello")
    assert len(journal.select(name="socket.handshake")) == 3


async def test_a_used_up_ticket_is_replaced(
    slack: SlackEmulator, journal: Journal, platform: Any, serve: Any, intake: Any
) -> None:
    """At the start and in the middle of a run: the SDK would knock with the same dead ticket for ever."""

    def knocks() -> int:
        return len(journal.select(name="socket.bad_ticket"))

    async def with_dead_tickets(trouble: Any) -> None:
        before = knocks()
        slack.switches.ticket_lifetime_s = -1.0
        trouble()
        await slack.wait_until(lambda: knocks() > before + 2, what="some knocking")
        slack.switches.ticket_lifetime_s = 30.0

    async with asyncio.TaskGroup() as group:
        group.create_task(with_dead_tickets(lambda: None))
        async with serve(platform, intake) as connected:
            await expect_service(slack, intake, "hello")
            await with_dead_tickets(slack.sockets.drop)
            assert not connected.is_set()
            await expect_service(slack, intake, "back")
            await slack.wait_until(connected.is_set, what="the word that messages can arrive")


async def test_a_wrong_app_token_fails_at_once(slack: SlackEmulator, platform_for: Any, intake: Any) -> None:
    """The SDK alone would try for ever without a word."""
    async with platform_for(app_token=SecretStr("xapp-wrong")) as platform:
        with pytest.raises(CredentialsError) as caught:
            async with asyncio.timeout(DEADLINE_S):
                await platform.serve(intake, asyncio.Event())
    assert "SLACK_APP_TOKEN" in caught.value.fix


async def test_a_wrong_bot_token_fails_at_once(slack: SlackEmulator, platform_for: Any, intake: Any) -> None:
    """Before any socket is opened."""
    async with platform_for(bot_token=SecretStr("xoxb-wrong")) as platform:
        with pytest.raises(CredentialsError) as caught:
            await platform.serve(intake, asyncio.Event())
    assert "SLACK_BOT_TOKEN" in caught.value.fix
    assert not slack.sockets.connections


async def test_a_token_revoked_in_the_middle_ends_the_service(
    slack: SlackEmulator, platform: SlackPlatform, intake: Any, asked: Any
) -> None:
    """The first call that is refused for its token stops the adapter with what to do."""
    connected = asyncio.Event()
    envelope = asked()

    async def revoke() -> None:
        await connected.wait()
        slack.installation.revoked = True
        await platform.resolve(envelope)

    async def serve_while_it_is_revoked() -> None:
        async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as group:
            group.create_task(revoke())
            await platform.serve(intake, connected)

    with pytest.raises(ExceptionGroup) as caught:
        await serve_while_it_is_revoked()
    assert caught.group_contains(CredentialsError)
    assert not connected.is_set()


async def test_an_unreachable_slack_is_told(platform_for: Any, intake: Any) -> None:
    """The supervisor hears it and starts again later."""
    async with platform_for(base_url="http://127.0.0.1:9/api/") as platform:
        with pytest.raises(PlatformUnavailable):
            await platform.serve(intake, asyncio.Event())


async def test_the_same_platform_serves_again(
    slack: SlackEmulator, platform: Any, serve: Any, intake: Any, journal: Journal
) -> None:
    """After a stop, and after a restart of the service itself."""
    for round_ in ("first", "second"):
        async with serve(platform, intake):
            await expect_service(slack, intake, round_)
        await slack.wait_until(lambda: not slack.sockets.connections, what="a closed socket")
    assert hellos(journal) == 2


async def test_nothing_secret_is_logged(
    slack: SlackEmulator, platform: Any, serve: Any, intake: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither tokens nor what people say, however the socket misbehaves and whatever level is asked for."""
    caplog.set_level("DEBUG")
    slack.sockets.handshakes_to_refuse = 1
    async with serve(platform, intake):
        await expect_service(slack, intake, "my secret wish")
        slack.sockets.drop()
        await expect_service(slack, intake, "another secret wish")
    assert slack.bot_token not in caplog.text
    assert slack.app_token not in caplog.text
    assert "secret wish" not in caplog.text
