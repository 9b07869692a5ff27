"""The control API: another process as the user."""

import base64
from typing import Any

import aiohttp
import pytest

from sandbox.slack import SlackEmulator
from sandbox.slack.control import ACTIONS


class Remote:
    """Speaks to the control API."""

    def __init__(self, slack: SlackEmulator, session: aiohttp.ClientSession) -> None:
        self._base = f"{slack.base_url}/_control"
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
def remote(slack: SlackEmulator, session: aiohttp.ClientSession) -> Remote:
    """The control API of the running emulator."""
    return Remote(slack, session)


def test_every_action_is_a_method(slack: SlackEmulator) -> None:
    """The table of actions names nothing that is not there."""
    assert all(callable(getattr(slack, action)) for action in ACTIONS)


async def test_people_act_and_are_read(slack: SlackEmulator, remote: Remote) -> None:
    """Users, channels, messages with files, and what is shown."""
    await remote.do("add_user", name="eve", locale="de-DE")
    channel = await remote.do("add_channel", name="lab")
    content = base64.b64encode(b"abc").decode()
    ts = await remote.do("say", user="eve", channel="lab", text="hi", files=[{"name": "a.txt", "content": content}])
    await remote.do("react", user="ann", channel="lab", ts=ts, name="eyes")
    (shown,) = await remote.send("GET", f"messages?channel={channel}")
    assert (shown["author"], shown["text"], list(shown["reactions"])) == ("eve", "hi", ["eyes"])
    assert slack.service.workspaces["T1"].files[shown["files"][0]].content == b"abc"
    assert [step["text"] for step in await remote.do("steps", channel="lab", ts=ts)] == ["hi"]


async def test_the_journal_is_read_from_where_one_left_off(slack: SlackEmulator, remote: Remote, api: Any) -> None:
    """since gives the entries from that number on, and the next number."""
    begun = (await remote.send("GET", "journal"))["next"]
    await api.post("hi")
    page = await remote.send("GET", f"journal?since={begun}")
    assert [entry["kind"] for entry in page["entries"] if entry["kind"] != "event"] == ["request", "shown", "reply"]
    assert page["next"] == begun + len(page["entries"])


async def test_faults_switches_time_and_sockets(slack: SlackEmulator, remote: Remote, api: Any) -> None:
    """Everything a test can do to Slack from outside."""
    await remote.send("POST", "faults", {"name": "auth.test", "kind": "error", "args": {"error": "fatal_error"}})
    assert await api.refusal("auth.test") == "fatal_error"
    await remote.send("POST", "faults", {"name": "message", "kind": "lose", "delivery": True, "times": None})
    await remote.send("DELETE", "faults")
    assert slack.delivery_faults.take("message") is None
    await remote.send("PATCH", "switches", {"rate_limits": "off", "retry_delays_s": [0.5]})
    assert (slack.switches.rate_limits, slack.switches.retry_delays_s) == ("off", (0.5,))
    assert (await remote.send("GET", "switches"))["latency_s"] == 0.0
    before = slack.clock.now()
    await remote.send("POST", "clock/advance", {"seconds": 300})
    assert slack.clock.now() - before >= 300
    await remote.send("POST", "sockets/refuse_handshakes", {"times": 2})
    await remote.send("POST", "sockets/drop")
    assert slack.sockets.handshakes_to_refuse == 2


async def test_mistakes_are_told(remote: Remote) -> None:
    """Wrong names are sentences, not server errors."""
    assert "no action" in await remote.send("POST", "do/aclose", {}, status=404)
    assert "nobody here" in await remote.send("POST", "do/say", {"user": "x", "channel": "C1", "text": ""}, status=400)
    assert "TypeError" in await remote.send("POST", "do/say", {}, status=400)
    assert "unknown switches" in await remote.send("PATCH", "switches", {"speed": 1}, status=400)
    assert "unknown fault" in await remote.send("POST", "faults", {"name": "x", "kind": "y"}, status=400)
    assert "no socket action" in await remote.send("POST", "sockets/serve", {}, status=404)
