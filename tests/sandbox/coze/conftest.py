"""What the tests of the Coze emulator share: an emulator, a raw client, the official client."""

import asyncio
import json
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.clock import SandboxClock
from sandbox.coze import CozeEmulator
from sandbox.journal import Journal

with warnings.catch_warnings():
    from authlib.deprecate import AuthlibDeprecationWarning  # type: ignore[import-untyped] # has no stubs

    # The official client imports the deprecated half of its JOSE library; nothing to be done about it here.
    warnings.filterwarnings("ignore", "authlib.jose module is deprecated", AuthlibDeprecationWarning)
    import cozepy

TOKEN = "pat_sandbox"
BOT = "7498000011112222333"
Result = TypeVar("Result")


@dataclass(frozen=True)
class Event:
    """One event as a lenient reader sees it; ``data`` is the decoded JSON, or None when empty."""

    name: str
    data: Any


def parse_events(text: str) -> list[Event]:
    """Read a well-framed stream."""
    events = []
    for block in text.split("\n\n"):
        fields = [line.split(":", 1) for line in block.split("\n") if line and not line.startswith(":")]
        if fields:
            values = dict(fields)
            events.append(Event(values["event"], json.loads(values["data"]) if values["data"] else None))
    return events


class Api:
    """Raw requests to one emulator, with one token."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    def body(self, question: str = "hi", **more: Any) -> dict[str, Any]:
        """Return a minimal body of ``POST /v3/chat``."""
        message = {"role": "user", "content": question, "content_type": "text"}
        return {"bot_id": BOT, "user_id": "u-1", "additional_messages": [message]} | more

    async def post(self, path: str, body: Any = None, **query: str) -> dict[str, Any]:
        """Post JSON and return the JSON reply."""
        reply = await self.http.post(path, json=body, params=query)
        result: dict[str, Any] = reply.json()
        return result

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        """Return the JSON reply to a GET."""
        result: dict[str, Any] = (await self.http.get(path, params=query)).json()
        return result

    async def chat(self, question: str = "hi", *, conversation: str | None = None, **more: Any) -> list[Event]:
        """Ask with a stream and return all its events."""
        query = {"conversation_id": conversation} if conversation else {}
        reply = await self.http.post("/v3/chat", json=self.body(question, stream=True, **more), params=query)
        assert reply.headers["Content-Type"] == "text/event-stream", reply.text
        return parse_events(reply.text)

    async def answer(self, question: str = "hi", *, conversation: str | None = None, **more: Any) -> str:
        """Ask with a stream and return the answers, from their completed messages."""
        return "".join(
            event.data["content"]
            for event in await self.chat(question, conversation=conversation, **more)
            if event.name == "conversation.message.completed" and event.data["type"] == "answer"
        )

    async def begin(self, question: str = "hi", *, conversation: str | None = None, **more: Any) -> dict[str, Any]:
        """Ask without a stream and return the chat."""
        query = {"conversation_id": conversation} if conversation else {}
        reply = await self.post("/v3/chat", self.body(question, **more), **query)
        assert reply["code"] == 0, reply
        chat: dict[str, Any] = reply["data"]
        return chat

    async def conversation(self) -> str:
        """Create an empty conversation and return its id."""
        created = (await self.post("/v1/conversation/create"))["data"]["id"]
        assert isinstance(created, str)
        return created

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return as soon as a condition holds; at most 10 s."""
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110 - what is waited for gives no signal
                await asyncio.sleep(0.005)

    async def settled(self, chat: dict[str, Any]) -> dict[str, Any]:
        """Return the chat once it no longer runs; at most 10 s."""
        async with asyncio.timeout(10):
            while True:
                found = await self.get("/v3/chat/retrieve", conversation_id=chat["conversation_id"], chat_id=chat["id"])
                if found["data"]["status"] not in {"created", "in_progress"}:
                    result: dict[str, Any] = found["data"]
                    return result
                await asyncio.sleep(0.01)


@pytest.fixture
def clock() -> SandboxClock:
    """Return a clock that runs with real time."""
    return SandboxClock()


@pytest.fixture
def frozen_clock() -> SandboxClock:
    """Return a clock that stands still."""
    return SandboxClock(frozen=True, start_s=1_746_700_000.0)


def prepared(emulator: CozeEmulator) -> CozeEmulator:
    """Give an emulator one token and one bot."""
    emulator.add_token(TOKEN)
    emulator.add_bot(BOT, name="News", prologue="Hello {{user_name}}!", suggested_questions=["What is new?"])
    return emulator


@pytest.fixture
async def emulator(clock: SandboxClock) -> AsyncIterator[CozeEmulator]:
    """Run the cloud with one token and one bot."""
    async with prepared(CozeEmulator(clock, Journal(clock))) as running:
        yield running


@pytest.fixture
async def frozen(frozen_clock: SandboxClock) -> AsyncIterator[CozeEmulator]:
    """Run the cloud on a clock that stands still."""
    async with prepared(CozeEmulator(frozen_clock, Journal(frozen_clock))) as running:
        yield running


@pytest.fixture
async def studio(clock: SandboxClock) -> AsyncIterator[CozeEmulator]:
    """Run a Studio with one token and one agent."""
    async with prepared(CozeEmulator(clock, Journal(clock), profile="studio")) as running:
        yield running


def client_of(emulator: CozeEmulator, token: str = TOKEN) -> httpx.AsyncClient:
    """Return a raw client."""
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.AsyncClient(base_url=emulator.base_url, headers=headers, timeout=10, trust_env=False)


@pytest.fixture
async def api(emulator: CozeEmulator) -> AsyncIterator[Api]:
    """Talk raw to the cloud."""
    async with client_of(emulator) as http:
        yield Api(http)


@pytest.fixture
async def frozen_api(frozen: CozeEmulator) -> AsyncIterator[Api]:
    """Talk raw to the cloud whose clock stands still."""
    async with client_of(frozen) as http:
        yield Api(http)


@pytest.fixture
async def studio_api(studio: CozeEmulator) -> AsyncIterator[Api]:
    """Talk raw to Studio."""
    async with client_of(studio) as http:
        yield Api(http)


@pytest.fixture
async def api_with(emulator: CozeEmulator) -> AsyncIterator[Callable[[str], Awaitable[Api]]]:
    """Talk raw to the cloud with other tokens."""
    async with AsyncExitStack() as stack:

        async def enter(token: str) -> Api:
            return Api(await stack.enter_async_context(client_of(emulator, token)))

        yield enter


Official = Callable[[Callable[[cozepy.Coze], Result]], Any]


@pytest.fixture
def official(emulator: CozeEmulator) -> Official[Any]:
    """Return a way to run a function with the official synchronous client, in a thread."""

    def with_client(work: Callable[[cozepy.Coze], Any]) -> Any:
        with cozepy.SyncHTTPClient(trust_env=False) as http:  # type: ignore[no-untyped-call] # untyped there
            return work(cozepy.Coze(cozepy.TokenAuth(TOKEN), emulator.base_url, http))

    async def run(work: Callable[[cozepy.Coze], Any]) -> Any:
        return await asyncio.to_thread(with_client, work)

    return run


@pytest.fixture
async def async_official(emulator: CozeEmulator) -> AsyncIterator[cozepy.AsyncCoze]:
    """Return the official asynchronous client."""
    async with cozepy.AsyncHTTPClient(trust_env=False) as http:  # type: ignore[no-untyped-call] # untyped there
        yield cozepy.AsyncCoze(cozepy.AsyncTokenAuth(TOKEN), emulator.base_url, http)


@pytest.fixture(scope="session")
def key_pair() -> tuple[str, str]:
    """Return an RSA private key and its public key, as PEM."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private_pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public_pem = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private_pem.decode(), public_pem.decode()
