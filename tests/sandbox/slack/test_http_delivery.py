"""Signed HTTP deliveries to the real Bolt behind its own web application."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from slack_bolt.async_app import AsyncApp

from sandbox.clock import SandboxClock
from sandbox.journal import Journal
from sandbox.slack import SlackEmulator

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture
async def serve() -> AsyncIterator[Callable[[web.Application], Awaitable[str]]]:
    """Serve web applications and return their addresses."""
    servers: list[TestServer] = []

    async def start(app: web.Application) -> str:
        server = TestServer(app)
        await server.start_server()
        servers.append(server)
        return str(server.make_url("/slack/events"))

    yield start
    for server in servers:
        await server.close()


@pytest.fixture
async def endpoint(serve: Any) -> Callable[[Handler], Awaitable[str]]:
    """Serve one hand-written handler that echoes challenges and leaves the rest to the test."""

    async def start(handler: Handler) -> str:
        async def entry(request: web.Request) -> web.StreamResponse:
            if request.content_type == "application/json":
                body = await request.json()
                if body["type"] == "url_verification":
                    return web.json_response({"challenge": body["challenge"]})
            return await handler(request)

        app = web.Application()
        app.router.add_post("/slack/events", entry)
        return str(await serve(app))

    return start


async def test_bolt_answers_the_challenge_and_gets_events(slack: SlackEmulator, bolt: AsyncApp, serve: Any) -> None:
    """url_verification first, then signed events that Bolt's own verifier accepts."""
    heard: list[str] = []

    @bolt.event("app_mention")
    async def mention(event: dict[str, Any], say: Any) -> None:
        heard.append(event["text"])
        await say(text="hello", thread_ts=event["ts"], unfurl_links=False, unfurl_media=False)

    @bolt.event("message")
    async def ignore() -> None: ...

    await slack.deliver_by_http(await serve(bolt.web_app("/slack/events")))
    asked = slack.mention("ann", "C1", "hi")
    await slack.wait_for_text("C1", "hello", asked)
    await slack.settled()
    assert heard == ["<@U0BOT> hi"]
    assert not slack.violations()


async def test_a_slash_command_by_http(slack: SlackEmulator, bolt: AsyncApp, serve: Any) -> None:
    """The form is signed as sent; what ack says is shown to the user alone."""

    @bolt.command("/coze")
    async def coze(ack: Any, command: dict[str, Any]) -> None:
        await ack(f"heard: {command['text']}")

    await slack.deliver_by_http(await serve(bolt.web_app("/slack/events")))
    answer = await slack.slash("ann", "C1", "new chat & more")
    assert answer.accepted
    (shown,) = slack.messages("C1")
    assert (shown.text, shown.ephemeral_for) == ("heard: new chat & more", "U1")


@pytest.mark.parametrize("fault", ["wrong_signature", "stale_timestamp"])
async def test_bolt_refuses_bad_signatures(
    slack: SlackEmulator, bolt: AsyncApp, serve: Any, journal: Journal, fault: str
) -> None:
    """A wrong signature or an old timestamp ends in 401; the good repetition gets through."""
    heard: list[str] = []

    @bolt.event("message")
    async def message(event: dict[str, Any]) -> None:
        heard.append(event["text"])

    await slack.deliver_by_http(await serve(bolt.web_app("/slack/events")))
    slack.delivery_faults.plan("message", fault)
    slack.say("ann", "C1", "hi")
    await slack.settled()
    assert heard == ["hi"]
    (refused,) = journal.select(kind="refused")
    assert refused.detail["failure"] == "http_error"


async def test_failures_are_repeated_with_their_reason(slack: SlackEmulator, endpoint: Any) -> None:
    """The retry headers count up and name the reason; a success ends it."""
    seen: list[tuple[str | None, str | None]] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append((request.headers.get("x-slack-retry-num"), request.headers.get("x-slack-retry-reason")))
        return web.Response(status=500 if len(seen) < 3 else 200)

    slack.switches.retry_delays_s = (0.0, 0.01, 0.01)
    await slack.deliver_by_http(await endpoint(handler))
    slack.say("ann", "C1", "hi")
    await slack.settled()
    assert seen == [(None, None), ("1", "http_error"), ("2", "http_error")]


async def test_no_retry_is_honoured(slack: SlackEmulator, endpoint: Any) -> None:
    """A refusal with x-slack-no-retry is the last attempt."""
    calls: list[web.Request] = []

    async def handler(request: web.Request) -> web.Response:
        calls.append(request)
        return web.Response(status=500, headers={"x-slack-no-retry": "1"})

    slack.switches.retry_delays_s = (0.0, 0.01, 0.01)
    await slack.deliver_by_http(await endpoint(handler))
    slack.say("ann", "C1", "hi")
    await slack.settled()
    assert len(calls) == 1


async def test_an_endpoint_that_takes_too_long_or_redirects_for_ever(
    slack: SlackEmulator, endpoint: Any, clock: SandboxClock, journal: Journal
) -> None:
    """Three seconds of the sandbox's time, and two redirects, are the most."""
    arrived: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        arrived.append(request.headers.get("x-slack-retry-reason", ""))
        if len(arrived) == 1:
            await clock.sleep(100)
        raise web.HTTPTemporaryRedirect("/slack/events")

    slack.switches.retry_delays_s = (0.0, 0.0)
    await slack.deliver_by_http(await endpoint(handler))
    slack.say("ann", "C1", "hi")
    await slack.wait_until(lambda: bool(journal.select(kind="event", name="message")), what="the delivery")
    while not arrived:
        await clock.sleep(0.01)
    clock.advance(3.1)
    await slack.settled()
    assert [entry.detail["reason"] for entry in journal.select(kind="redelivery")] == [
        "http_timeout",
        "too_many_redirects",
    ]
    clock.advance(100)


async def test_an_address_that_does_not_echo_is_not_accepted(slack: SlackEmulator, serve: Any) -> None:
    """The challenge guards against entering somebody else's address."""
    with pytest.raises(ValueError, match="challenge"):
        await slack.deliver_by_http(await serve(web.Application()))
    assert slack.app_named().request_url is None
