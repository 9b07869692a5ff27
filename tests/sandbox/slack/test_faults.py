"""Planned misbehaviour of the Web API, as the SDK meets it."""

from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError

from sandbox.clock import SandboxClock
from sandbox.journal import Journal
from sandbox.slack import SlackEmulator


def posted(slack: SlackEmulator) -> list[str]:
    """Return what is in #general."""
    return [message.text for message in slack.messages("C1")]


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_html_errors(slack: SlackEmulator, client: Any, status: int) -> None:
    """An HTML page with a 5xx: nothing was applied, and the SDK finds no data in it."""
    slack.faults.plan("chat.postMessage", "status", status=status)
    with pytest.raises(SlackApiError) as failed:
        await client.chat_postMessage(channel="C1", text="hi")
    assert failed.value.response.status_code == status
    assert failed.value.response["error"] is None
    assert posted(slack) == []
    await client.chat_postMessage(channel="C1", text="hi")


async def test_dropped_connections(slack: SlackEmulator, client: Any, journal: Journal) -> None:
    """Before applying nothing happened; after applying the message is there although the caller saw the same."""
    slack.faults.plan("chat.postMessage", "drop_before")
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.chat_postMessage(channel="C1", text="lost")
    assert posted(slack) == []
    slack.faults.plan("chat.postMessage", "drop_after")
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.chat_postMessage(channel="C1", text="kept")
    assert posted(slack) == ["kept"]
    assert len(journal.select(kind="fault", name="chat.postMessage")) == 2


async def test_unreadable_answers(slack: SlackEmulator, client: Any) -> None:
    """JSON that is none, and plain text with status 200; both were applied."""
    slack.faults.plan("chat.postMessage", "wrong_json")
    with pytest.raises(SlackApiError):
        await client.chat_postMessage(channel="C1", text="one")
    slack.faults.plan("chat.postMessage", "plain_text")
    with pytest.raises(AttributeError):
        await client.chat_postMessage(channel="C1", text="two")
    assert posted(slack) == ["one", "two"]


async def test_any_error_at_any_call(slack: SlackEmulator, api: Any) -> None:
    """The third call only, with further fields."""
    slack.faults.plan("chat.postMessage", "error", skip=2, error="internal_error", warning="x")
    answers = [await api.call("chat.postMessage", channel="C1", text=str(n)) for n in range(4)]
    assert [answer["ok"] for answer in answers] == [True, True, False, True]
    assert answers[2] == {"ok": False, "error": "internal_error", "warning": "x"}
    with pytest.raises(ValueError, match="unknown fault"):
        slack.faults.plan("chat.postMessage", "explode")


@pytest.mark.parametrize("applied", [False, True])
async def test_delays_run_on_the_sandbox_clock(
    slack: SlackEmulator, client: Any, clock: SandboxClock, journal: Journal, applied: bool
) -> None:
    """The effect comes before or after the delay; advancing the clock ends it."""
    slack.faults.plan("chat.postMessage", "delay", delay_s=1000, applied=applied)

    async def hurry() -> None:
        await slack.wait_until(lambda: bool(journal.select(kind="fault")), what="the fault")
        assert bool(posted(slack)) is applied
        clock.advance(1000)

    slack.service.background.spawn(hurry())
    await client.chat_postMessage(channel="C1", text="hi")
    assert posted(slack) == ["hi"]


async def test_latency_is_taken_half_before_and_half_after(slack: SlackEmulator, api: Any, journal: Journal) -> None:
    """Every call takes as long as the switch says."""
    slack.switches.latency_s = 0.1
    await api.post()
    asked = journal.select(kind="request")[0].at
    shown = journal.select(kind="shown")[0].at
    answered = journal.select(kind="reply")[0].at
    assert shown - asked >= 0.05
    assert answered - shown >= 0.05
