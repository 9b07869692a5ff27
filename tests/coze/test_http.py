"""Whether a failed request may have been received is told truly, on both transports, against raw sockets."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from bridge.coze.http import SPARE_CONNECTIONS, environment_proxy
from bridge.coze.wire import NO_RETRIES, Wire
from bridge.errors import AgentSilent, AgentUnavailable
from tests.coze.tools import (
    LOOPBACK,
    Connection,
    HurriedClock,
    raw_server,
    settings_for,
    until_gone,
)

SILENCE = {"request_timeout_s": 0.5}


async def post(url: str, transport: str, **settings: float) -> AgentUnavailable:
    """Post once and return the failure."""
    async with Wire(settings_for(url, transport=transport, **settings), HurriedClock(), retries=NO_RETRIES) as wire:
        with pytest.raises(AgentUnavailable) as caught:
            await wire.call("POST", "/v3/chat", json={"a": 1})
    return caught.value


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


async def test_a_refused_connection_was_certainly_not_received(transport: str) -> None:
    """Nothing listens: the request may be repeated."""
    error = await post(f"http://{LOOPBACK}:{unused_port()}", transport)
    assert not error.outcome_unknown
    assert "base_url" in error.hint


async def hang_up(connection: Connection) -> None:
    await connection.read()


async def reset(connection: Connection) -> None:
    await connection.read()
    connection.reset()


async def cut_the_head(connection: Connection) -> None:
    await connection.read()
    await connection.write(b"HTTP/1.1 200 OK\r\nContent-Ty")


async def cut_the_body(connection: Connection) -> None:
    await connection.read()
    await connection.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"code":0')


async def reset_in_the_body(connection: Connection) -> None:
    await connection.read()
    await connection.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"code":0')
    await asyncio.sleep(0.05)  # an RST would overtake the bytes
    connection.reset()


async def talk_nonsense(connection: Connection) -> None:
    await connection.read()
    await connection.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")


@pytest.mark.parametrize("behave", [hang_up, reset, cut_the_head, cut_the_body, reset_in_the_body, talk_nonsense])
async def test_a_request_that_was_sent_may_have_been_received(
    transport: str, behave: Callable[[Connection], Awaitable[None]]
) -> None:
    """Whatever happens after the first byte left, the outcome is unknown."""
    async with raw_server(behave) as server:
        error = await post(server.url, transport)
    assert error.outcome_unknown
    assert not isinstance(error, AgentSilent)
    assert server.accepted == 1


async def test_silence_after_sending_is_told_apart(transport: str) -> None:
    """A read timeout is silence of unknown outcome."""

    async def say_nothing(connection: Connection) -> None:
        await connection.read()
        await until_gone(connection)

    async with raw_server(say_nothing) as server:
        error = await post(server.url, transport, **SILENCE)
        await server.until(lambda: server.open == 0)
    assert isinstance(error, AgentSilent)
    assert error.outcome_unknown


async def test_silence_inside_a_body(transport: str) -> None:
    """A body that stops growing is silence too."""

    async def stop_halfway(connection: Connection) -> None:
        await connection.read()
        await connection.write(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"code"')
        await until_gone(connection)

    async with raw_server(stop_halfway) as server:
        error = await post(server.url, transport, **SILENCE)
    assert isinstance(error, AgentSilent)
    assert error.outcome_unknown


async def test_a_connection_that_is_not_accepted_in_time(transport: str) -> None:
    """A connect timeout was certainly not received."""
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        try:
            for filler in fillers:  # the queue of a listener that never accepts
                filler.setblocking(False)
                filler.connect_ex(listener.getsockname())
            error = await post(f"http://{LOOPBACK}:{listener.getsockname()[1]}", transport, connect_timeout_s=0.5)
        finally:
            for filler in fillers:
                filler.close()
    assert not error.outcome_unknown
    assert "connect_timeout_s" in error.hint


async def test_no_free_connection(transport: str) -> None:
    """A request that waited for the pool in vain was certainly not received, and the advice names the pool."""
    size = 1 + SPARE_CONNECTIONS

    async def hold(connection: Connection) -> None:
        await connection.read()
        await until_gone(connection)

    settings = {"transport": transport, "concurrent_chats": 1, "connect_timeout_s": 2.0, "idle_timeout_s": 20.0}
    async with raw_server(hold) as server:
        async with Wire(settings_for(server.url, **settings), HurriedClock(), retries=NO_RETRIES) as wire:
            async with asyncio.TaskGroup() as tasks:
                held = []
                for number in range(1, size + 1):  # one after the other: a crowd at the door is another test
                    held.append(tasks.create_task(wire.post_stream("t", "/v3/chat", params={}, content=b"{}")))
                    await server.until(lambda number=number: server.accepted == number)  # type: ignore[misc]
                with pytest.raises(AgentUnavailable) as caught:
                    await wire.call("POST", "/v3/chat", json={})
                for task in held:
                    task.cancel()
    assert not caught.value.outcome_unknown
    assert "concurrent_chats" in caught.value.hint


async def test_https_against_a_plain_port(transport: str) -> None:
    """A failed TLS handshake was certainly not received."""

    async def answer_plainly(connection: Connection) -> None:
        await connection.reader.read(1)
        await connection.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await until_gone(connection)

    async with raw_server(answer_plainly) as server:
        error = await post(f"https://{LOOPBACK}:{server.port}", transport)
    assert not error.outcome_unknown
    assert "https or http" in error.hint


async def test_an_unknown_host_name(transport: str) -> None:
    """A name that resolves nowhere was certainly not received."""
    error = await post("http://no-such-host.invalid", transport)
    assert not error.outcome_unknown
    assert "resolved" in error.hint


async def test_the_second_request_on_a_connection_can_be_lost_too(transport: str) -> None:
    """A server that reads a further request on a kept connection and hangs up leaves the outcome unknown."""

    async def answer_once(connection: Connection) -> None:
        await connection.read()
        await connection.answer(b'{"code":0}')
        await connection.read()

    async with raw_server(answer_once) as server:
        async with Wire(settings_for(server.url, transport=transport), HurriedClock(), retries=NO_RETRIES) as wire:
            await wire.call("POST", "/v3/chat", json={})
            with pytest.raises(AgentUnavailable) as caught:
                await wire.call("POST", "/v3/chat", json={})
    assert caught.value.outcome_unknown
    assert server.accepted == 1


async def test_a_kept_connection_that_the_server_closed_is_replaced(transport: str) -> None:
    """An idle connection closed by the server costs nothing."""

    async def answer_and_close(connection: Connection) -> None:
        await connection.read()
        await connection.answer(b'{"code":0}')

    async with raw_server(answer_and_close) as server:
        async with Wire(settings_for(server.url, transport=transport), HurriedClock(), retries=NO_RETRIES) as wire:
            await wire.call("POST", "/v3/chat", json={})
            await server.until(lambda: server.open == 0)
            await asyncio.sleep(0.05)  # the end of the connection reaches the client
            await wire.call("POST", "/v3/chat", json={})
    assert server.accepted == 2


async def test_errors_hold_no_secrets(transport: str) -> None:
    """Neither token nor query is in an error."""
    async with raw_server(hang_up) as server:
        error = await post(server.url, transport)
    assert "pat_" not in repr(error) + error.hint
    assert error.reason.startswith("POST /v3/chat: connection lost")


def test_loopback_needs_no_proxy() -> None:
    """Emulators are reached directly, whatever the environment says."""
    assert environment_proxy("http://127.0.0.1:8888") == ""


async def test_requests_go_through_a_configured_proxy(transport: str) -> None:
    """The proxy of the settings receives the whole address."""
    lines: list[str] = []

    async def relay(connection: Connection) -> None:
        lines.append((await connection.read()).line)
        await connection.answer(b'{"code":0}')

    async with raw_server(relay) as proxy:
        settings = settings_for("http://coze.example", transport=transport, proxy=proxy.url)
        async with Wire(settings, HurriedClock(), retries=NO_RETRIES) as wire:
            await wire.call("GET", "/v1/users/me")
    assert lines == ["GET http://coze.example/v1/users/me HTTP/1.1"]
