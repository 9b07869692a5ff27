"""Discord and the network misbehave; in the end the answer is there, whole, and once, or a sentence says why not."""

from typing import Any

import pytest
import structlog.testing

from bridge.app import Bridge
from sandbox.coze import Answer
from tests.loopback.road import DEADLINE_S, Road
from tests.loopback.server import CREATE, EDIT, GENERAL, THREAD, Server

TEXT = " ".join(["A sentence that goes on for a while."] * 12)
ANSWER = Answer(text=TEXT, delta_interval_s=0.003)
WRONG_TOKEN = "MTIwMDAwMDAwMDAwMDAwMDAwMQ.sandbox.some-other-token-of-the-sandbox-that-is-wrong"

pytestmark = pytest.mark.usefixtures("agent")


@pytest.fixture
def agent(road: Road) -> None:
    """The agent answers everything with this one text, which grows for half a second."""
    road.coze.script(ANSWER, times=None)


@pytest.fixture
async def bridge(road: Road, alone: Server) -> Any:
    """The bridge between Coze and Discord."""
    async with road.bridge() as running:
        yield running


def said(logs: list[Any], part: str) -> list[Any]:
    """Return what an operator reads about something."""
    return [line for line in logs if part in f"{line['event']} {line.get('reason', '')} {line.get('fix', '')}"]


# --- requests that fail ---


@pytest.mark.parametrize(
    ("route", "kind", "args"),
    [
        (CREATE, "rate_limited", {"retry_after_s": 0.5}),
        (CREATE, "rate_limited", {"retry_after_s": 0.5, "scope": "global"}),
        (CREATE, "rate_limited", {"retry_after_s": 0.5, "via": False}),
        (CREATE, "status", {"status": 502}),
        (CREATE, "status", {"status": 503, "applied": True}),
        (CREATE, "drop_before", {}),
        (CREATE, "drop_after", {}),
        (CREATE, "wrong_json", {}),
        (EDIT, "rate_limited", {"retry_after_s": 0.5}),
        (EDIT, "status", {"status": 502}),
        (EDIT, "drop_after", {}),
        (EDIT, "wrong_json", {}),
        (THREAD, "rate_limited", {"retry_after_s": 0.5}),
        (THREAD, "status", {"status": 502}),
        (THREAD, "drop_after", {}),
    ],
)
@pytest.mark.usefixtures("bridge")
async def test_requests_that_fail(alone: Server, route: str, kind: str, args: dict[str, Any]) -> None:
    """A post, an edit or a thread may fail in every way: the answer stands there in the end, once."""
    alone.emulator.faults.plan(route, kind, **args)
    asked = alone.ask("Go on")
    await (alone.whole if route == EDIT else alone.once)(TEXT, asked)


@pytest.mark.usefixtures("bridge")
async def test_a_storm(alone: Server) -> None:
    """When everything fails for a while in the middle of an answer, it is there afterwards, once."""
    asked = alone.ask("Go on")
    await alone.road.until(lambda: alone.answers(asked), "the first words")
    alone.emulator.faults.plan("*", "status", status=502, times=3)
    await alone.once(TEXT, asked)


@pytest.mark.usefixtures("bridge")
async def test_a_message_somebody_deleted(alone: Server) -> None:
    """When the growing message is deleted, the answer is posted anew."""
    asked = alone.ask("Go on")
    await alone.road.until(lambda: alone.answers(asked), "the first words")
    alone.emulator.delete("coze", asked, alone.answers(asked)[0].id)
    await alone.once(TEXT, asked)


@pytest.mark.usefixtures("bridge")
async def test_a_thread_put_away_in_the_middle(alone: Server) -> None:
    """An archived thread is woken for the rest of the answer."""
    asked = alone.ask("Go on")
    await alone.road.until(lambda: alone.answers(asked), "the first words")
    alone.emulator.archive(asked)
    await alone.once(TEXT, asked)


async def test_a_locked_thread_is_told_to_the_operator(bridge: Bridge, road: Road, alone: Server) -> None:
    """Where a moderator locks the thread nothing can be shown; the log says so and the next question is answered."""
    with structlog.testing.capture_logs() as logs:
        asked = alone.ask("Go on")
        await road.until(lambda: alone.answers(asked), "the first words")
        alone.emulator.archive(asked, locked=True)
        await road.until(lambda: said(logs, "locked"), "a word about the lock")
    again = alone.ask("And here?")
    await alone.answer(TEXT, again)


@pytest.mark.parametrize("permission", ["CREATE_PUBLIC_THREADS", "READ_MESSAGE_HISTORY"])
@pytest.mark.usefixtures("bridge")
async def test_a_permission_one_can_do_without(alone: Server, permission: str) -> None:
    """Without the right to begin threads, or to read the history, the answer comes all the same."""
    alone.emulator.deny(GENERAL, "coze", permission)
    asked = alone.ask("Go on")
    await alone.road.until(lambda: TEXT in [*alone.texts(asked), *alone.texts(GENERAL)], "the answer")


async def test_a_missing_permission(bridge: Bridge, road: Road, alone: Server) -> None:
    """Where the bot may not write (50013) the log names the cause; elsewhere it goes on."""
    denied = ("SEND_MESSAGES", "SEND_MESSAGES_IN_THREADS", "CREATE_PUBLIC_THREADS")
    alone.emulator.deny(GENERAL, "coze", *denied)
    with structlog.testing.capture_logs() as logs:
        alone.ask("Go on")
        await road.until(lambda: said(logs, "50013"), "a word about the permission")
    channel = alone.write("And here?")
    await alone.answer(TEXT, channel)


# --- credentials ---


@pytest.mark.parametrize(
    ("settings", "privileged", "event"),
    [({"token": WRONG_TOKEN}, True, "DISCORD_BOT_TOKEN"), ({"message_content": "on"}, False, "message_content")],
)
async def test_what_only_the_operator_can_mend(
    road: Road, server: Server, settings: dict[str, str], privileged: bool, event: str
) -> None:
    """A wrong token, or an intent that is not granted (4014), puts Discord to rest with the fix; Slack is served."""
    road.configure("adapters.discord", **settings)
    if not privileged:
        server.emulator.set_privileged_intents()
    with structlog.testing.capture_logs() as logs:
        async with road.bridge(connected=False) as bridge:
            await road.until(lambda: bridge.connected["slack"].is_set(), "Slack")
            await road.answer(TEXT, road.ask("Are you there?"))
            await road.until(lambda: said(logs, "adapter rests"), "a word to the operator")
            (told,) = said(logs, "adapter rests")
            assert told["adapter"] == "discord"
            assert event in told["fix"]
            assert not bridge.connected["discord"].is_set()
    assert WRONG_TOKEN not in str(logs)
    assert server.handshakes() <= 1


# --- the gateway ---


@pytest.mark.usefixtures("bridge")
async def test_a_killed_socket(alone: Server) -> None:
    """An answer goes on without the socket, the session is resumed, the next question is answered."""
    asked = alone.ask("Go on")
    await alone.road.first_delta()
    alone.emulator.gateway.drop()
    await alone.answer(TEXT, asked)
    again = alone.ask("And again")
    await alone.answer(TEXT, again)
    assert len(alone.road.chats()) == 2


async def lost_and_found(bridge: Bridge, road: Road, server: Server, again_at: str) -> None:
    """Expect an answer under way to be finished and the next question to be answered once."""
    asked = server.ask("Go on")
    await road.first_delta()
    tried = server.handshakes(again_at)
    server.emulator.gateway.drop()
    await server.answer(TEXT, asked)
    await road.until(lambda: server.handshakes(again_at) > tried, f"another try at {again_at}")
    await road.until(lambda: server.emulator.gateway.connected() == 1, "a session")
    await road.until(lambda: bridge.connected["discord"].is_set(), "the bridge to know")
    again = server.ask("And again")
    await server.answer(TEXT, again)
    await server.quiet()
    assert server.texts(again) == server.texts(asked) == [TEXT]


async def test_a_dead_resume_host(bridge: Bridge, road: Road, alone: Server) -> None:
    """When the address for resuming is dead, the usual one takes over."""
    alone.emulator.gateway_faults.plan("resume", "status", status=503, times=None)
    await lost_and_found(bridge, road, alone, "gateway")


async def test_a_session_that_cannot_be_resumed(bridge: Bridge, road: Road, alone: Server) -> None:
    """Refused a RESUME (op 9), a new session is begun."""
    alone.emulator.gateway_faults.plan("RESUME", "invalid_session")
    await lost_and_found(bridge, road, alone, "resume")


async def test_a_session_declared_invalid(bridge: Bridge, road: Road, alone: Server) -> None:
    """An op 9 out of the blue costs a new session, no answer."""
    asked = alone.ask("Go on")
    await road.first_delta()
    alone.emulator.gateway.invalidate()
    await alone.answer(TEXT, asked)
    await road.until(lambda: alone.emulator.gateway.connected() == 1 and alone.handshakes() > 1, "a new session")
    again = alone.ask("And again")
    await alone.answer(TEXT, again)


@pytest.mark.parametrize(
    ("name", "kind", "args"),
    [("gateway", "status", {"status": 503}), ("gateway", "cut", {}), ("IDENTIFY", "invalid_session", {})],
)
async def test_a_start_in_bad_weather(road: Road, alone: Server, name: str, kind: str, args: dict[str, Any]) -> None:
    """An unreachable gateway or a refused identify at the start delays the bridge and does not end it."""
    alone.emulator.gateway_faults.plan(name, kind, **args)
    async with road.bridge():
        await alone.once(TEXT, alone.ask("Go on"))
    assert alone.handshakes() >= 2 or kind == "invalid_session"


async def test_a_gateway_that_asks_to_reconnect(bridge: Bridge, road: Road, alone: Server) -> None:
    """Discord asks for a new connection now and then (op 7); no question is lost over it."""
    alone.emulator.gateway.reconnect()
    await road.until(lambda: alone.handshakes("resume") == 1, "the new connection")
    asked = alone.ask("Go on")
    await alone.once(TEXT, asked)


async def test_a_token_that_is_reset_while_we_run(bridge: Bridge, road: Road, alone: Server) -> None:
    """A token that stops working is told once with the fix; nothing is sent on and on."""
    with structlog.testing.capture_logs() as logs:
        alone.emulator.application.token = WRONG_TOKEN
        alone.ask("Go on")
        await road.until(lambda: said(logs, "adapter rests"), "a word to the operator")
        sent = len(road.journal.select(service="discord", kind="request"))
        await alone.emulator.settled(quiet_s=0.5, timeout_s=DEADLINE_S)
    assert len(road.journal.select(service="discord", kind="request")) <= sent + 2
    assert len(said(logs, "adapter rests")) == 1
