"""Streamed messages: the state machine, its five minutes, and who may read over whose shoulder."""

from typing import Any

import pytest

from sandbox.clock import SandboxClock
from sandbox.journal import Journal
from sandbox.slack import SlackEmulator
from sandbox.slack.refusals import Refusal
from sandbox.slack.streams import Stream, StreamState, check_chunks

TO_ANN = {"recipient_user_id": "U1", "recipient_team_id": "T1"}


@pytest.fixture
def question(slack: SlackEmulator) -> str:
    """Ann's question in #general."""
    return slack.say("ann", "C1", "question")


@pytest.fixture
async def stream(api: Any, question: str) -> dict[str, str]:
    """An open stream under the question: its channel and ts."""
    answer = await api.call("chat.startStream", channel="C1", thread_ts=question, markdown_text="Hel", **TO_ANN)
    assert answer["ok"], answer
    return {"channel": answer["channel"], "ts": answer["ts"]}


async def test_a_stream_grows_and_stops(slack: SlackEmulator, api: Any, stream: dict[str, str]) -> None:
    """Text and chunks add up; the stop settles it; nothing opens it again."""
    assert slack.shown("C1", stream["ts"]).streaming
    assert (await api.call("chat.appendStream", markdown_text="lo", **stream))["ok"]
    assert (await api.call("chat.appendStream", chunks=[{"type": "markdown_text", "text": "!"}], **stream))["ok"]
    stopped = await api.call("chat.stopStream", markdown_text="!", **stream)
    assert stopped["message"]["text"] == "Hello!!"
    assert stopped["message"]["subtype"] == "bot_message"
    assert [step.text for step in slack.steps("C1", stream["ts"])] == ["Hel", "Hello", "Hello!", "Hello!!"]
    for method in ("chat.appendStream", "chat.stopStream"):
        assert await api.refusal(method, markdown_text="x", **stream) == "message_not_in_streaming_state"
    assert not slack.violations()


async def test_an_update_conflicts_until_the_stream_has_stopped(
    slack: SlackEmulator, api: Any, stream: dict[str, str]
) -> None:
    """streaming_state_conflict first, an ordinary edit afterwards."""
    assert await api.refusal("chat.update", text="x", **stream) == "streaming_state_conflict"
    await api.call("chat.stopStream", **stream)
    assert (await api.call("chat.update", text="x", **stream))["ok"]
    assert slack.shown_text("C1", stream["ts"]) == "x"


async def test_five_minutes_are_the_end(
    slack: SlackEmulator, api: Any, stream: dict[str, str], clock: SandboxClock
) -> None:
    """Appending does not extend it; only chat.update helps then, and until it does the open end is held against us."""
    clock.advance(299)
    assert (await api.call("chat.appendStream", markdown_text="lo", **stream))["ok"]
    clock.advance(2)
    for method in ("chat.appendStream", "chat.stopStream"):
        assert await api.refusal(method, markdown_text="x", **stream) == "message_not_in_streaming_state"
    assert slack.violations("stream_left_open")
    assert (await api.call("chat.update", text="Hello", **stream))["ok"]
    assert not slack.violations("stream_left_open")


async def test_the_user_presses_stop(
    slack: SlackEmulator, api: Any, stream: dict[str, str], question: str, journal: Journal
) -> None:
    """Append answers stopped_by_user, and the app is told."""
    assert slack.stop("ann", "C1", question) == [stream["ts"]]
    assert await api.refusal("chat.appendStream", markdown_text="x", **stream) == "stopped_by_user"
    assert await api.refusal("chat.stopStream", **stream) == "stopped_by_user"
    recorded = journal.select(kind="action", name="stop")
    assert recorded[0].detail["streams"] == [stream["ts"]]
    assert not slack.violations("stream_left_open")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"recipient_user_id": ""}, "missing_recipient_user_id"),
        ({"recipient_team_id": ""}, "missing_recipient_team_id"),
        ({"recipient_user_id": "U404"}, "user_not_found"),
        ({"recipient_team_id": "T404"}, "user_not_found"),
        ({"thread_ts": ""}, "invalid_arguments"),
        ({"markdown_text": "x" * 12_001}, "msg_too_long"),
        ({"chunks": [{"type": "song"}]}, "invalid_chunks"),
        ({"chunks": "x"}, "invalid_chunks"),
        ({"chunks": [{"type": "blocks", "blocks": [{"type": "marquee"}]}]}, "invalid_blocks"),
        ({"task_display_mode": "loud"}, "invalid_arguments"),
        ({"channel": "C404"}, "channel_not_found"),
    ],
)
async def test_what_cannot_be_started(
    slack: SlackEmulator, api: Any, question: str, arguments: dict[str, Any], error: str
) -> None:
    """Each refusal leaves no message behind."""
    wanted = {"channel": "C1", "thread_ts": question, **TO_ANN} | arguments
    assert await api.refusal("chat.startStream", **wanted) == error
    assert slack.answers("C1") == []


async def test_direct_messages_need_no_recipients_unless_switched(slack: SlackEmulator, api: Any) -> None:
    """Documented as unneeded, reported as needed: a switch."""
    dm = slack.open_dm("ann")
    asked = slack.say("ann", dm, "hi")
    assert (await api.call("chat.startStream", channel=dm, thread_ts=asked))["ok"]
    slack.switches.stream_needs_recipients_in_dm = True
    assert await api.refusal("chat.startStream", channel=dm, thread_ts=asked) == "missing_recipient_user_id"


async def test_slack_connect_users_have_their_own_team(slack: SlackEmulator, api: Any, question: str) -> None:
    """The recipient's team is the user's; a wrong pair may be noticed only at the stop."""
    guest = slack.add_user("gus", home_team_id="T9")
    wanted = {"channel": "C1", "thread_ts": question, "recipient_user_id": guest}
    assert await api.refusal("chat.startStream", recipient_team_id="T1", **wanted) == "user_not_found"
    slack.switches.stream_recipients_checked_at = "stop"
    started = await api.call("chat.startStream", recipient_team_id="T1", **wanted)
    target = {"channel": "C1", "ts": started["ts"]}
    assert await api.refusal("chat.stopStream", **target) == "user_not_found"


async def test_an_empty_append_and_a_full_message(slack: SlackEmulator, api: Any, stream: dict[str, str]) -> None:
    """Nothing to add is no_text; what passes the cap is refused whole."""
    assert await api.refusal("chat.appendStream", **stream) == "no_text"
    assert await api.refusal("chat.appendStream", markdown_text="x" * 11_998, **stream) == "msg_too_long"
    assert slack.shown_text("C1", stream["ts"]) == "Hel"


async def test_a_stream_belongs_to_its_app(slack: SlackEmulator, api: Any, stream: dict[str, str]) -> None:
    """Another app, a message that is no stream, a message that is not there."""
    other = slack.add_app("A2", "other")
    slack.invite("C1", other.bot_user_id)
    answer = await api.call("chat.appendStream", token=other.bot_token, markdown_text="x", **stream)
    assert answer["error"] == "message_not_owned_by_app"
    plain = await api.post()
    target = {"channel": "C1", "markdown_text": "x"}
    assert await api.refusal("chat.appendStream", ts=plain, **target) == "message_not_in_streaming_state"
    assert await api.refusal("chat.appendStream", ts="1700000000.000001", **target) == "message_not_found"


async def test_a_stream_displaces_the_status(slack: SlackEmulator, api: Any, question: str) -> None:
    """The status goes when the stream opens, by itself after two minutes, or is refused by switch."""
    target = {"channel_id": "C1", "thread_ts": question}
    await api.call("assistant.threads.setStatus", status="is thinking...", **target)
    await api.call("chat.startStream", channel="C1", thread_ts=question, **TO_ANN)
    assert slack.status("C1", question) == ""
    await api.call("assistant.threads.setStatus", status="is thinking...", **target)
    slack.clock.advance(119)
    assert slack.status("C1", question) == "is thinking..."
    slack.clock.advance(2)
    assert slack.status("C1", question) == ""
    await api.call("assistant.threads.setStatus", status="again", **target)
    await api.call("assistant.threads.setStatus", status="", **target)
    assert slack.status("C1", question) == ""
    slack.switches.status_refusal = "channel_not_found"
    assert await api.refusal("assistant.threads.setStatus", status="x", **target) == "channel_not_found"


async def test_status_needs_a_thread_that_exists(slack: SlackEmulator, api: Any, question: str) -> None:
    """invalid_thread_ts, and channel_not_found where the app is not a member."""
    target = {"channel_id": "C1", "status": "x"}
    assert (
        await api.refusal("assistant.threads.setStatus", thread_ts="1700000000.000001", **target) == "invalid_thread_ts"
    )
    slack.kick("C1", "U0BOT")
    assert await api.refusal("assistant.threads.setStatus", thread_ts=question, **target) == "channel_not_found"


async def test_sessions_prompts_and_titles(slack: SlackEmulator, api: Any, question: str) -> None:
    """The rest of what AI apps may set."""
    thread = {"channel_id": "C1", "thread_ts": question}
    prompts = [{"title": "t", "message": "m"}]
    assert (await api.call("assistant.threads.setSuggestedPrompts", prompts=prompts, **thread))["ok"]
    assert (
        await api.refusal("assistant.threads.setSuggestedPrompts", prompts=prompts * 5, **thread) == "invalid_arguments"
    )
    assert (await api.call("assistant.threads.setTitle", title="t", **thread))["ok"]
    session = {"channel": "C1", "thread_ts": question}
    assert (await api.call("agents.sessions.setStatus", status="processing", **session))["agent_status"] == "processing"
    assert await api.refusal("agents.sessions.setStatus", status="lazy", **session) == "invalid_status"
    assert await api.refusal("agents.sessions.setStatus", status="active", channel="C1") == "thread_ts_required"
    assert (await api.call("agents.sessions.rename", title="new", **session))["title"] == "new"
    slack.switches.agent_sessions_enabled = False
    assert await api.refusal("agents.sessions.setStatus", status="active", **session) == "feature_disabled"
    slack.add_app(view=None)
    assert await api.refusal("assistant.threads.setTitle", title="t", **thread) == "not_agent_app"


def make_stream(**fields: Any) -> Stream:
    """Make a stream that began at instant 0."""
    return Stream("C1", "1.0", "0.9", "A1", **({"expires_at": 300.0, "cap_chars": 100} | fields))


def test_tasks_merge() -> None:
    """Title and status replace, details append, the output is written once."""
    stream = make_stream(display_mode="plan")
    update = {"type": "task_update", "id": "t1"}
    stream.extend(
        "", check_chunks([update | {"title": "Search", "details": "a", "output": "1"}], markdown_total_chars=9)
    )
    later = update | {"title": "Found", "status": "complete", "details": "b", "output": "2"}
    stream.extend("text", [later, {"type": "plan_update", "title": "Plan"}])
    text, plan = stream.blocks()
    assert text["text"] == "text"
    assert plan["title"] == "Plan"
    (task,) = plan["tasks"]
    assert (task["title"], task["status"], task["details"], task["output"]) == ("Found", "complete", "ab", "1")


def test_states_never_come_back() -> None:
    """Whatever ended a stream, it stays ended."""
    for ending in (StreamState.STOPPED, StreamState.STOPPED_BY_USER):
        stream = make_stream()
        assert stream.state(299.9) is StreamState.STREAMING
        stream.end(ending)
        assert stream.state(1000.0) is ending
    assert make_stream().state(300.0) is StreamState.EXPIRED


@pytest.mark.parametrize(
    "chunk",
    [
        {"type": "markdown_text"},
        {"type": "task_update", "id": "t"},
        {"type": "task_update", "id": "t", "title": "x", "status": "lost"},
        {"type": "task_update", "id": "t", "title": "x" * 257},
        {"type": "plan_update"},
        {"type": "blocks"},
        "text",
    ],
)
def test_malformed_chunks(chunk: Any) -> None:
    """Each kind of chunk has its demands."""
    with pytest.raises(Refusal, match="invalid_chunks"):
        check_chunks([chunk], markdown_total_chars=12_000)
