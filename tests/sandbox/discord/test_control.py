"""The control API: another process as the user."""

import base64
from typing import Any

import aiohttp
import pytest

from sandbox.discord import DiscordEmulator
from sandbox.discord.control import ACTIONS, GATEWAY_ACTIONS


class Remote:
    """Speaks to the control API."""

    def __init__(self, emulator: DiscordEmulator, session: aiohttp.ClientSession) -> None:
        self._base = f"{emulator.base_url}/_control"
        self._session = session

    async def send(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        """Return the result, or the error's sentence when a status other than 200 is expected."""
        async with self._session.request(method, f"{self._base}/{path}", json=body) as response:
            assert response.status == status, await response.text()
            answer = await response.json()
            return answer["result"] if status == 200 else answer["error"]

    async def do(self, action: str, **arguments: Any) -> Any:
        """Perform an action."""
        return await self.send("POST", f"do/{action}", arguments)


@pytest.fixture
def remote(emulator: DiscordEmulator, session: aiohttp.ClientSession) -> Remote:
    """The control API of the running emulator."""
    return Remote(emulator, session)


def test_every_action_is_a_method(emulator: DiscordEmulator) -> None:
    """The tables of actions name nothing that is not there."""
    assert all(callable(getattr(emulator, action)) for action in ACTIONS)
    assert all(callable(getattr(emulator.gateway, action)) for action in GATEWAY_ACTIONS)


async def test_people_act_and_are_read(emulator: DiscordEmulator, remote: Remote) -> None:
    """Users, channels, messages with files, threads, and what is shown, with its steps."""
    await remote.do("add_user", name="eve", locale="de")
    channel = await remote.do("add_channel", name="lab")
    content = base64.b64encode(b"abc").decode()
    said = await remote.do("say", user="eve", channel="lab", text="hi", files=[{"name": "a.txt", "content": content}])
    await remote.do("react", user="ann", channel="lab", message_id=said, name="👀")
    await remote.do("edit", user="eve", channel="lab", message_id=said, text="hello")
    (shown,) = await remote.send("GET", f"messages?channel={channel}")
    assert (shown["author"], shown["text"], list(shown["reactions"])) == ("Eve", "hello", ["👀"])
    assert [step["text"] for step in shown["steps"]] == ["hi", "hello"]
    thread = await remote.do("start_thread", user="eve", channel="lab", name="aside", message_id=said, text="in it")
    assert await remote.do("threads", channel="lab") == {thread: "aside"}
    assert await remote.do("dm", user="eve", text="psst")
    await remote.do("deny", channel="lab", target="eve", permissions=["SEND_MESSAGES"])
    assert "lacks SEND_MESSAGES" in await remote.send(
        "POST", "do/say", {"user": "eve", "channel": "lab", "text": "x"}, status=400
    )
    await remote.do("set_privileged_intents", names=["members"])
    assert emulator.application.privileged == {"members"}


async def test_the_journal_is_read_from_where_one_left_off(remote: Remote, api: Any) -> None:
    """since gives the entries from that number on, and the next number."""
    begun = (await remote.send("GET", "journal"))["next"]
    await api.post("hi")
    page = await remote.send("GET", f"journal?since={begun}")
    assert [entry["kind"] for entry in page["entries"]] == ["request", "shown", "reply"]
    assert page["next"] == begun + len(page["entries"])


async def test_faults_switches_time_and_gateway(emulator: DiscordEmulator, remote: Remote, api: Any, dial: Any) -> None:
    """Everything a test can do to Discord from outside."""
    me = "GET /users/@me"
    await remote.send("POST", "faults", {"name": me, "kind": "error", "args": {"status": 400, "code": 1}})
    assert await api.refusal("GET", "/users/@me") == (400, 1)
    await remote.send("POST", "faults", {"name": "IDENTIFY", "kind": "ignore", "gateway": True, "times": None})
    await remote.send("DELETE", "faults")
    assert emulator.gateway_faults.take("IDENTIFY") is None
    await remote.send("PATCH", "switches", {"rate_limits": "off"})
    assert (await remote.send("GET", "switches"))["rate_limits"] == "off"
    before = emulator.clock.now()
    await remote.send("POST", "clock/advance", {"seconds": 300})
    assert emulator.clock.now() - before >= 300
    async with dial() as raw:
        await raw.ready()
        assert await remote.send("POST", "gateway/connected") == 1
        assert await remote.send("POST", "gateway/close", {"code": 4000}) == 1


async def test_mistakes_are_told(remote: Remote) -> None:
    """Wrong names are sentences, not server errors."""
    assert "no action" in await remote.send("POST", "do/aclose", {}, status=404)
    assert "nobody here" in await remote.send("POST", "do/say", {"user": "x", "channel": "y", "text": ""}, status=400)
    assert "TypeError" in await remote.send("POST", "do/say", {}, status=400)
    assert "unknown switches" in await remote.send("PATCH", "switches", {"speed": 1}, status=400)
    assert "nothing is called" in await remote.send("POST", "faults", {"name": "x", "kind": "status"}, status=400)
    assert "no gateway action" in await remote.send("POST", "gateway/serve", {}, status=404)
