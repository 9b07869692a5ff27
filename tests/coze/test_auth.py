"""Credentials: the JWT exchange against the emulator, one renewal at a time, and what a refusal says."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bridge.coze.auth import read_token
from bridge.coze.client import CozeAgent
from bridge.errors import AgentError, AgentProtocolError, AgentUnauthorized, AgentUnavailable, CredentialsError
from bridge.model import ChatStarted
from sandbox.clock import SandboxClock
from sandbox.coze import ALL_PERMISSIONS, Answer, CozeEmulator
from tests.coze.conftest import MakeAgent
from tests.coze.tools import BOT, HurriedClock, collect, question, settings_for, text_in

EXCHANGE = "POST /api/permission/oauth2/token"
CREATE = "POST /v1/conversation/create"


def new_key() -> tuple[str, str]:
    """Return a private and a public key, PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


PRIVATE, PUBLIC = new_key()


def app(**more: Any) -> dict[str, Any]:
    return {"client_id": "app-1", "key_id": "fingerprint", "private_key": PRIVATE} | more


@pytest.fixture
async def agent(coze: CozeEmulator, make_agent: MakeAgent, sandbox_clock: SandboxClock) -> CozeAgent:
    """An agent with an OAuth application that the emulator knows, on the emulator's wall clock."""
    coze.add_oauth_app("app-1", "fingerprint", PUBLIC)
    return await make_agent(coze.base_url, token=None, oauth=app(), wall=sandbox_clock.now)


def exchanges(coze: CozeEmulator) -> int:
    return len(coze.journal.select(kind="request", name=EXCHANGE))


async def test_a_token_is_bought_once(coze: CozeEmulator, agent: CozeAgent) -> None:
    """Twenty calls at once share one exchange."""
    async with asyncio.TaskGroup() as tasks:
        for _ in range(20):
            tasks.create_task(agent.create_conversation(BOT))
    assert exchanges(coze) == 1


async def test_a_token_is_renewed_before_its_end(
    coze: CozeEmulator, agent: CozeAgent, sandbox_clock: SandboxClock
) -> None:
    """``expires_in`` is an instant; a minute before it a fresh token is bought, not earlier."""
    await agent.create_conversation(BOT)
    sandbox_clock.advance(3600 - 61)
    await agent.create_conversation(BOT)
    assert exchanges(coze) == 1
    sandbox_clock.advance(2)
    await agent.create_conversation(BOT)
    assert exchanges(coze) == 2


async def test_a_refused_token_is_renewed_once(coze: CozeEmulator, agent: CozeAgent) -> None:
    """A token that ends early costs one exchange and one repeat, for calls and for questions."""
    await agent.create_conversation(BOT)
    coze.faults.plan(CREATE, "json_error", code=700012006, status=401)
    await agent.create_conversation(BOT)
    assert exchanges(coze) == 2


@pytest.mark.parametrize("code", [4100, 4101, 700012006])
async def test_a_question_is_asked_with_a_fresh_token(coze: CozeEmulator, agent: CozeAgent, code: int) -> None:
    """A refused question was not taken, so it is asked again with a fresh token."""
    coze.faults.plan("POST /v3/chat", "error_event_first", code=code)
    coze.script("yes")
    assert text_in(await collect(agent.ask(question()))) == "yes"
    assert exchanges(coze) == 2


async def test_a_refusal_that_a_fresh_token_does_not_cure(coze: CozeEmulator, agent: CozeAgent) -> None:
    """A missing permission costs one renewal, not one per call."""
    coze.faults.plan(CREATE, "json_error", code=4101, times=None)
    for _ in range(3):
        with pytest.raises(AgentUnauthorized):
            await agent.create_conversation(BOT)
    assert exchanges(coze) == 2


async def test_many_refusals_share_one_renewal(coze: CozeEmulator, agent: CozeAgent) -> None:
    """Calls that are refused together wait for one exchange."""
    await agent.create_conversation(BOT)
    coze.faults.plan(CREATE, "json_error", code=4100, times=5)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(5):
            tasks.create_task(agent.create_conversation(BOT))
    assert exchanges(coze) == 2


async def test_a_token_that_ends_in_the_middle_of_an_answer(
    coze: CozeEmulator, agent: CozeAgent, sandbox_clock: SandboxClock
) -> None:
    """An answer that outlives its token and its stream is fetched with the next token."""
    coze.script(Answer(deltas=("a ",) * 10, delta_interval_s=0.03))
    coze.faults.plan("POST /v3/chat", "cut", after_events=5)
    async with agent.ask(question()) as events:
        started = await anext(events)
        assert isinstance(started, ChatStarted)
        coze.faults.plan("GET /v3/chat/retrieve", "json_error", code=4100)
        assert text_in([event async for event in events]) == "a " * 10
    assert exchanges(coze) == 2


async def test_the_key_can_be_a_file(coze: CozeEmulator, make_agent: MakeAgent, tmp_path: Path) -> None:
    """A private key file works like the key itself."""
    path = tmp_path / "key.pem"
    path.write_text(PRIVATE)
    coze.add_oauth_app("app-1", "fingerprint", PUBLIC)
    oauth = app(private_key=None, private_key_file=path)
    agent = await make_agent(coze.base_url, token=None, oauth=oauth, wall=coze.clock.now)
    assert await agent.create_conversation(BOT)


@pytest.mark.parametrize("case", ["missing", "no key", "public key"])
async def test_an_unusable_key_is_told_when_opening(case: str, tmp_path: Path) -> None:
    """The operator reads which file, and never its content."""
    path = tmp_path / "key.pem"
    if case != "missing":
        path.write_text("secret nonsense" if case == "no key" else PUBLIC)
    settings = settings_for("http://127.0.0.1:1", token=None, oauth=app(private_key=None, private_key_file=path))
    with pytest.raises(CredentialsError) as caught:
        await CozeAgent(settings, HurriedClock()).__aenter__()
    assert "PEM" in caught.value.fix
    assert "nonsense" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ({"client_id": "app-2"}, "client_id"),
        ({"key_id": "other"}, "client_id"),
        ({"private_key": new_key()[0]}, "client_id"),
    ],
)
async def test_a_refused_application(
    coze: CozeEmulator, make_agent: MakeAgent, change: dict[str, str], hint: str
) -> None:
    """An unknown client, key id or key says what to check."""
    coze.add_oauth_app("app-1", "fingerprint", PUBLIC)
    agent = await make_agent(coze.base_url, token=None, oauth=app(**change), wall=coze.clock.now)
    with pytest.raises(AgentUnauthorized) as caught:
        await agent.create_conversation(BOT)
    assert hint in caught.value.hint


async def test_a_deactivated_application(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """Coze's ``access_deny`` is understood, under HTTP 400 and 200."""
    coze.add_oauth_app("app-1", "fingerprint", PUBLIC, active=False, permissions=ALL_PERMISSIONS)
    agent = await make_agent(coze.base_url, token=None, oauth=app(), wall=coze.clock.now)
    for status in (400, 200):
        coze.switches.oauth_error_http_status = status
        with pytest.raises(AgentUnauthorized) as caught:
            await agent.create_conversation(BOT)
        assert "Activate" in caught.value.hint


TOKEN_REPLIES: list[tuple[int, bytes, type[AgentError]]] = [
    (200, b'{"error_code":"internal_error","error_message":"x"}', AgentUnavailable),
    (500, b'{"error":"internal_error"}', AgentUnavailable),
    (401, b'{"error_code":"invalid_client","error_message":"x"}', AgentUnauthorized),
    (200, b'{"code":4100,"msg":"x"}', AgentUnauthorized),
    (502, b"<html>", AgentUnavailable),
    (200, b"<html>", AgentProtocolError),
    (200, b"{}", AgentProtocolError),
    (200, b'{"access_token":"czs_x"}', AgentProtocolError),
    (200, b'"czs_x"', AgentProtocolError),
]


@pytest.mark.parametrize(("status", "body", "kind"), TOKEN_REPLIES)
def test_replies_without_a_token(status: int, body: bytes, kind: type[AgentError]) -> None:
    """Every other reply is an error that says whether waiting helps."""
    with pytest.raises(kind):
        read_token(status, {}, body)


def test_a_reply_with_a_token() -> None:
    """The reply is not wrapped in an envelope."""
    body = json.dumps({"access_token": "czs_x", "expires_in": 1767200400, "token_type": "Bearer"}).encode()
    assert read_token(200, {}, body) == ("czs_x", 1767200400.0)
