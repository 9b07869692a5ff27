"""Asking servers that behave as no emulator does: plain replies, disguised refusals, connections that stay open."""

import json

import pytest

from bridge.coze.wire import Wire
from bridge.errors import AgentProtocolError, AgentUnauthorized, AgentUnavailable
from bridge.model import AnswerCompleted, ChatCompleted, ChatStarted, Usage
from tests.coze.conftest import MakeAgent
from tests.coze.tools import (
    Connection,
    HurriedClock,
    collect,
    question,
    raw_server,
    settings_for,
    text_in,
    until_gone,
)
from tests.coze.transcripts import ANSWER, FULL, FULL_EVENTS, REF, USAGE, chat, message, sse


def envelope(data: object) -> bytes:
    return json.dumps({"code": 0, "msg": "", "data": data}).encode()


async def test_a_server_that_does_not_stream(make_agent: MakeAgent, transport: str) -> None:
    """A plain chat in reply to a streaming question is watched and its answer fetched."""
    lines: list[str] = []

    async def serve(connection: Connection) -> None:
        while True:
            line = (await connection.read()).line
            lines.append(line)
            if line.startswith("POST /v3/chat "):
                await connection.answer(envelope(chat("created")))
            elif "retrieve" in line:
                status = "in_progress" if len(lines) < 4 else "completed"
                await connection.answer(envelope(chat(status, usage=USAGE)))
            else:
                await connection.answer(envelope([message("verbose", "{}", "9"), message("answer", "Hi")]))

    async with raw_server(serve) as server:
        agent = await make_agent(server.url, transport=transport)
        events = await collect(agent.ask(question()))
    assert events == [
        ChatStarted(REF, REF.conversation_id),
        AnswerCompleted(ANSWER, "Hi"),
        ChatCompleted(Usage(614, 19, 633)),
    ]
    assert [line.split()[1].partition("?")[0] for line in lines] == [
        "/v3/chat",
        "/v3/chat/retrieve",
        "/v3/chat/retrieve",
        "/v3/chat/retrieve",
        "/v3/chat/message/list",
    ]


async def test_a_refusal_under_the_type_of_a_stream(make_agent: MakeAgent) -> None:
    """JSON that claims to be an event stream is read as the refusal it is."""

    async def serve(connection: Connection) -> None:
        await connection.read()
        await connection.answer(b'{"code":4101,"msg":"wrong"}', kind="text/event-stream")

    async with raw_server(serve) as server:
        agent = await make_agent(server.url)
        with pytest.raises(AgentUnauthorized):
            await collect(agent.ask(question()))


async def test_a_page_under_the_type_of_a_stream(make_agent: MakeAgent) -> None:
    """A web page that claims to be an event stream is a broken protocol."""

    async def serve(connection: Connection) -> None:
        await connection.read()
        await connection.answer(b"<html>\n\nhello</html>", kind="text/event-stream")

    async with raw_server(serve) as server:
        agent = await make_agent(server.url)
        with pytest.raises(AgentProtocolError):
            await collect(agent.ask(question()))


@pytest.mark.parametrize("kind", ["text/plain", "application/octet-stream", "application/json"])
async def test_a_stream_under_another_type(make_agent: MakeAgent, kind: str) -> None:
    """Events under a wrong type are events."""

    async def serve(connection: Connection) -> None:
        await connection.read()
        await connection.answer(sse(*FULL), kind=kind)

    async with raw_server(serve) as server:
        assert await collect((await make_agent(server.url)).ask(question())) == FULL_EVENTS


async def test_a_type_in_capitals_and_a_wrong_charset(make_agent: MakeAgent) -> None:
    """Event streams are UTF-8 whatever the header says."""
    events = (*FULL[:2], ("conversation.message.completed", message("answer", "é扣")), *FULL[-2:])

    async def serve(connection: Connection) -> None:
        await connection.read()
        await connection.answer(sse(*events), kind="Text/Event-Stream; charset=iso-8859-1")

    async with raw_server(serve) as server:
        assert text_in(await collect((await make_agent(server.url)).ask(question()))) == "é扣"


async def test_a_stream_that_ends_empty(make_agent: MakeAgent) -> None:
    """No event at all is of unknown outcome."""

    async def serve(connection: Connection) -> None:
        await connection.read()
        await connection.answer(b"", kind="text/event-stream")

    async with raw_server(serve) as server:
        agent = await make_agent(server.url)
        with pytest.raises(AgentUnavailable) as caught:
            await collect(agent.ask(question()))
    assert caught.value.outcome_unknown


async def test_the_end_does_not_wait_for_the_server(make_agent: MakeAgent, transport: str) -> None:
    """A server that keeps the connection open after the end delays nobody for long."""

    async def serve(connection: Connection) -> None:
        await connection.read()
        await connection.begin_stream()
        await connection.chunk(sse(*FULL))
        await until_gone(connection)

    async with raw_server(serve) as server:
        agent = await make_agent(server.url, transport=transport, idle_timeout_s=25.0)
        assert await collect(agent.ask(question())) == FULL_EVENTS
        await server.until(lambda: server.open == 0)


async def test_a_connection_is_used_again(make_agent: MakeAgent, transport: str) -> None:
    """An answer that ended well leaves its connection open for the next question."""

    async def serve(connection: Connection) -> None:
        while True:
            await connection.read()
            await connection.begin_stream()
            await connection.chunk(sse(*FULL))
            await connection.write(b"0\r\n\r\n")

    async with raw_server(serve) as server:
        agent = await make_agent(server.url, transport=transport)
        for _ in range(3):
            assert await collect(agent.ask(question())) == FULL_EVENTS
        assert server.accepted == 1


async def test_leaving_early_closes_the_connection(make_agent: MakeAgent, transport: str) -> None:
    """Whoever leaves the context in mid-answer hangs up at once."""

    async def serve(connection: Connection) -> None:
        await connection.read()
        await connection.begin_stream()
        await connection.chunk(sse(*FULL[:3]))
        await until_gone(connection)

    async with raw_server(serve) as server:
        agent = await make_agent(server.url, transport=transport)
        async with agent.ask(question()) as events:
            assert await anext(events) == FULL_EVENTS[0]
            assert await anext(events) == FULL_EVENTS[1]
        await server.until(lambda: server.open == 0)


async def test_a_broken_event_in_mid_stream_is_repaired_by_fetching(make_agent: MakeAgent) -> None:
    """An event that cannot be read costs nothing but a look-up."""

    async def serve(connection: Connection) -> None:
        line = (await connection.read()).line
        if line.startswith("POST /v3/chat "):
            await connection.begin_stream()
            await connection.chunk(sse(*FULL[:2]) + b'event:conversation.message.delta\ndata:{"content":"\n\n')
            await until_gone(connection)
        elif "retrieve" in line:
            await connection.answer(envelope(chat("completed", usage=USAGE)))
        else:
            await connection.answer(envelope([message("answer", "whole")]))

    async with raw_server(serve) as server:
        events = await collect((await make_agent(server.url)).ask(question()))
    assert text_in(events) == "whole"


async def test_a_redirect_names_the_address(make_agent: MakeAgent) -> None:
    """A redirect is not followed with a token; the advice says what to configure."""

    async def serve(connection: Connection) -> None:
        await connection.read()
        await connection.answer(b"<html>moved</html>", status="301 Moved", more="Location: https://x/\r\n")

    async with raw_server(serve) as server:
        agent = await make_agent(server.url)
        with pytest.raises(AgentProtocolError) as caught:
            await agent.create_conversation("1")
    assert "final address" in caught.value.hint


async def test_a_closed_connection_is_misuse() -> None:
    """Calling outside of the context is our mistake, not the service's."""
    with pytest.raises(RuntimeError):
        await Wire(settings_for("http://127.0.0.1:1"), HurriedClock()).call("GET", "/")
