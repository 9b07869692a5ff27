"""Socket Mode itself: tickets, acknowledgements, repetition, and every way a connection can end."""

import asyncio
from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp

from sandbox.clock import SandboxClock
from sandbox.journal import Journal
from sandbox.slack import SlackEmulator


async def open_url(slack: SlackEmulator, session: aiohttp.ClientSession) -> str:
    """Return a fresh Socket Mode address."""
    headers = {"Authorization": f"Bearer {slack.app_token}"}
    async with session.post(f"{slack.api_url}apps.connections.open", headers=headers) as response:
        return str((await response.json())["url"])


async def receive(socket: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    """Return the next frame."""
    async with asyncio.timeout(10):
        frame: dict[str, Any] = await socket.receive_json()
        return frame


async def test_a_ticket_works_once(slack: SlackEmulator, session: aiohttp.ClientSession) -> None:
    """The second handshake with the same address is refused."""
    url = await open_url(slack, session)
    async with session.ws_connect(url) as socket:
        hello = await receive(socket)
        assert hello["type"] == "hello"
        assert hello["num_connections"] == 1
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(url)
        assert refused.value.status == 403


async def test_a_ticket_expires(slack: SlackEmulator, session: aiohttp.ClientSession, clock: SandboxClock) -> None:
    """An address that lay around too long is refused."""
    url = await open_url(slack, session)
    clock.advance(31)
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await session.ws_connect(url)


async def test_pings_are_answered_with_the_same_bytes(slack: SlackEmulator, session: aiohttp.ClientSession) -> None:
    """The SDK recognises its own pings by their payload."""
    async with session.ws_connect(await open_url(slack, session), autoping=False) as socket:
        await receive(socket)
        await socket.ping(b"sdk-ping-pong:1")
        async with asyncio.timeout(10):
            pong = await socket.receive()
        assert (pong.type, pong.data) == (aiohttp.WSMsgType.PONG, b"sdk-ping-pong:1")


async def test_an_event_is_repeated_until_it_is_acknowledged(
    slack: SlackEmulator, session: aiohttp.ClientSession, clock: SandboxClock, journal: Journal
) -> None:
    """The same event_id comes again with retry_attempt and retry_reason; an acknowledgement ends it."""
    async with session.ws_connect(await open_url(slack, session)) as socket:
        await receive(socket)
        slack.say("ann", "C1", "hi")
        first = await receive(socket)
        assert (first["retry_attempt"], first["retry_reason"]) == (0, "")
        assert first["accepts_response_payload"] is False
        clock.advance(3.1)
        second = await receive(socket)
        assert (second["retry_attempt"], second["retry_reason"]) == (1, "timeout")
        assert second["payload"]["event_id"] == first["payload"]["event_id"]
        await socket.send_json({"envelope_id": second["envelope_id"]})
        await slack.wait_until(lambda: bool(journal.select(kind="ack")), what="the acknowledgement")
        clock.advance(600)
        await slack.settled()
    assert len(journal.select(kind="redelivery")) == 1
    assert [entry.detail["payload"] for entry in slack.violations("not_acknowledged")] == ["message"]


async def test_after_three_repetitions_slack_gives_up(
    slack: SlackEmulator, session: aiohttp.ClientSession, clock: SandboxClock, journal: Journal
) -> None:
    """Four attempts in all, then no more."""
    slack.switches.retry_delays_s = (0.0, 0.0, 0.0)
    async with session.ws_connect(await open_url(slack, session)) as socket:
        await receive(socket)
        slack.say("ann", "C1", "hi")
        attempts = []
        for _ in range(4):
            attempts.append((await receive(socket))["retry_attempt"])
            clock.advance(3.1)
        await slack.settled()
    assert attempts == [0, 1, 2, 3]
    assert len(journal.select(kind="event", name="message")) == 4


async def test_repetitions_wait_a_minute_and_then_five(
    slack: SlackEmulator, session: aiohttp.ClientSession, clock: SandboxClock, journal: Journal
) -> None:
    """The second repetition comes a minute after the first failed."""
    async with session.ws_connect(await open_url(slack, session)) as socket:
        await receive(socket)
        slack.say("ann", "C1", "hi")
        for _ in range(2):
            await receive(socket)
            clock.advance(3.1)
        await slack.wait_until(lambda: len(slack.violations("not_acknowledged")) == 2, what="two failures")
        clock.advance(59)
        assert len(journal.select(kind="redelivery")) == 1
        clock.advance(2)
        assert (await receive(socket))["retry_attempt"] == 2


async def test_a_late_acknowledgement_is_noted_as_late(
    slack: SlackEmulator, session: aiohttp.ClientSession, clock: SandboxClock, journal: Journal
) -> None:
    """Acknowledging the first envelope after its time does not undo the repetition."""
    async with session.ws_connect(await open_url(slack, session)) as socket:
        await receive(socket)
        slack.say("ann", "C1", "hi")
        first = await receive(socket)
        clock.advance(3.5)
        second = await receive(socket)
        for frame in (first, second):
            await socket.send_json({"envelope_id": frame["envelope_id"]})
        await slack.wait_until(lambda: len(journal.select(kind="ack")) == 2, what="both acknowledgements")
    late, in_time = journal.select(kind="ack")
    assert (late.detail["late"], in_time.detail["late"]) == (True, False)
    assert late.detail["latency_s"] > 3


async def test_ten_connections_share_the_payloads_and_the_eleventh_is_sent_away(
    slack: SlackEmulator, session: aiohttp.ClientSession, journal: Journal
) -> None:
    """Each payload goes to one of the connections; more than ten are too many."""
    sockets = [await session.ws_connect(await open_url(slack, session)) for _ in range(10)]
    for number, socket in enumerate(sockets, 1):
        assert (await receive(socket))["num_connections"] == number
    async with session.ws_connect(await open_url(slack, session)) as extra:
        await receive(extra)
        assert (await receive(extra))["reason"] == "too_many_websockets"
    for _ in range(20):
        slack.say("ann", "C1", "hi")
    await slack.wait_until(lambda: len(journal.select(kind="event", name="message")) == 20, what="all events")
    assert len({entry.detail["connection"] for entry in journal.select(kind="event", name="message")}) > 3
    for socket in sockets:
        await socket.close()


async def test_a_connection_grows_old(
    slack: SlackEmulator, session: aiohttp.ClientSession, clock: SandboxClock
) -> None:
    """debug_reconnects shortens its life to six minutes: a warning ten seconds ahead, then the end."""
    async with session.ws_connect(f"{await open_url(slack, session)}&debug_reconnects=true") as socket:
        hello = await receive(socket)
        assert hello["debug_info"]["approximate_connection_time"] == 360
        clock.advance(351)
        assert await receive(socket) == {
            "type": "disconnect",
            "reason": "warning",
            "debug_info": {"host": "applink-sandbox"},
        }
        clock.advance(11)
        async with asyncio.timeout(10):
            assert (await socket.receive()).type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)


@pytest.mark.parametrize("reason", ["warning", "refresh_requested", "link_disabled", "too_many_websockets"])
async def test_bolt_reconnects_when_asked_to(slack: SlackEmulator, bolt: AsyncApp, connect: Any, reason: str) -> None:
    """Any disconnect message leads to a new connection, and what comes then arrives there."""
    heard: list[str] = []

    @bolt.event("message")
    async def message(event: dict[str, Any]) -> None:
        heard.append(event["text"])

    async with connect(bolt):
        before = slack.sockets.connections[0]
        await slack.sockets.disconnect(reason)
        slack.say("ann", "C1", "after")
        await slack.wait_until(lambda: before not in slack.sockets.connections, what="the old connection's end")
        await slack.settled()
    assert heard == ["after"]


async def test_bolt_reconnects_after_a_cut_and_gets_what_it_missed(
    slack: SlackEmulator, bolt: AsyncApp, connect: Any
) -> None:
    """A connection lost without a word; the event waits for the next one."""
    heard: list[str] = []

    @bolt.event("message")
    async def message(event: dict[str, Any]) -> None:
        heard.append(event["text"])

    async with connect(bolt):
        slack.sockets.drop()
        slack.say("ann", "C1", "hi")
        await slack.wait_until(lambda: bool(heard), what="the event")


async def test_a_silent_connection_is_noticed_by_its_missing_pongs(
    slack: SlackEmulator, bolt: AsyncApp, connect: Any, journal: Journal
) -> None:
    """Bolt leaves a connection that plays dead, and the event it swallowed comes again."""
    heard: list[str] = []

    @bolt.event("message")
    async def message(event: dict[str, Any]) -> None:
        heard.append(event["text"])

    async with connect(bolt):
        slack.sockets.go_silent()
        slack.say("ann", "C1", "hi")
        await slack.wait_until(lambda: bool(heard), what="the repetition", timeout_s=20)
    assert journal.select(kind="redelivery")
    assert not slack.violations("not_acknowledged")


async def test_a_refused_handshake_leaves_the_ticket_usable(
    slack: SlackEmulator, bolt: AsyncApp, connect: Any, journal: Journal
) -> None:
    """The SDK tries the same address again, and gets in."""
    slack.sockets.handshakes_to_refuse = 1
    async with connect(bolt):
        await slack.wait_until(lambda: bool(slack.sockets.connections), what="the connection")
    refused = [entry for entry in journal.select(kind="fault") if entry.name == "socket.handshake"]
    assert len(refused) == 1
    assert len(journal.select(kind="request", name="apps.connections.open")) == 1


async def test_an_event_no_listener_wants_is_not_acknowledged(
    slack: SlackEmulator, bolt: AsyncApp, connect: Any, clock: SandboxClock, journal: Journal
) -> None:
    """Bolt without a catch-all: Slack sends it again, which is held against the app."""
    async with connect(bolt):
        slack.say("ann", "C1", "hi")
        await slack.wait_until(lambda: bool(journal.select(kind="event", name="message")), what="the event")
        clock.advance(3.1)
        await slack.wait_until(lambda: bool(journal.select(kind="redelivery")), what="the repetition")
    assert slack.violations("not_acknowledged")


async def test_duplicates_and_losses_can_be_planned(
    slack: SlackEmulator, bolt: AsyncApp, connect: Any, journal: Journal
) -> None:
    """A duplicate has the same event_id; a lost event is repeated at once."""
    bodies: list[dict[str, Any]] = []

    @bolt.event("message")
    async def message(body: dict[str, Any]) -> None:
        bodies.append(body)

    async with connect(bolt):
        slack.delivery_faults.plan("message", "duplicate")
        slack.say("ann", "C1", "twice")
        await slack.settled()
        assert [body["event"]["text"] for body in bodies] == ["twice", "twice"]
        assert len({body["event_id"] for body in bodies}) == 1
        slack.delivery_faults.plan("message", "lose")
        slack.say("ann", "C1", "lost")
        await slack.settled()
    assert bodies[-1]["event"]["text"] == "lost"
    assert len(journal.select(kind="redelivery")) == 1


async def test_held_events_can_be_released_in_reverse(slack: SlackEmulator, bolt: AsyncApp, connect: Any) -> None:
    """Slack promises no order; this makes the worst of it."""
    heard: list[str] = []

    @bolt.event("message")
    async def message(event: dict[str, Any]) -> None:
        heard.append(event["text"])

    async with connect(bolt):
        slack.hold_events()
        for text in ("1", "2", "3"):
            slack.say("ann", "C1", text)
        assert slack.release_events(reverse=True) == 3
        await slack.settled()
    assert sorted(heard) == ["1", "2", "3"]
    assert heard != ["1", "2", "3"]
