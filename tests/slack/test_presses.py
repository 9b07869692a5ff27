"""Which interactions are presses of ours, and what they say. The recorded ones stand in tests/payloads/slack."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack.inbound import Identity
from adapters.slack.outbound import message
from adapters.slack.presses import Pressing, parse_press, parse_reasons, parse_stop, without_control
from bridge.model import Author, Control, ControlKind, Place, Press, TurnId, View

US = Identity("T1", "U0BOT", "B0BOT")
TURN = TurnId("abcdefghijklmnop")
ROOT, TS = "1700000000.000100", "1700000001.000200"
Read = Callable[[str], dict[str, Any]]


def pressed(body: dict[str, Any]) -> Pressing:
    """Parse what must be a press."""
    pressing = parse_press(body, "work", US)
    assert pressing is not None
    return pressing


def test_a_button_of_ours_is_a_press(payload: Read) -> None:
    """Kind and turn from the button, place and message from where it stands, the presser from whoever did it."""
    pressing = pressed(payload("stop_button"))
    assert pressing.press == Press(ControlKind.STOP, TURN, Place("work", "T1", "C1", ROOT), Author("U1"), TS)
    assert pressing.response_url == "https://hooks.slack.com/actions/T1/1/x"


def test_slacks_own_stop_names_the_thread(payload: Read) -> None:
    """No turn and no message: whatever runs there is meant."""
    stop = parse_stop(payload("agent_session_stopped"), "work", US)
    assert stop == Press(ControlKind.STOP, None, Place("work", "T1", "D1", ROOT, private=True), Author("U1"))
    assert parse_stop(payload("app_mention"), "work", US) is None


@pytest.mark.parametrize(("thread_ts", "thread"), [(None, None), (TS, None), (ROOT, ROOT)])
def test_an_answer_at_the_top_has_no_thread(payload: Read, thread_ts: str | None, thread: str | None) -> None:
    """Also when others have replied to it, and it is a root by that."""
    body = payload("stop_button")
    body["container"]["thread_ts"] = body["message"]["thread_ts"] = thread_ts
    assert pressed(body).press.place.thread == thread


def test_the_workspace_is_that_of_the_installation(payload: Read) -> None:
    """In channels shared with another organisation a payload may name the presser's."""
    body = payload("stop_button")
    body["team"]["id"] = body["user"]["team_id"] = "T9"
    assert pressed(body).press.place.team == "T1"


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body.update(type="view_submission"),
        lambda body: body.update(actions=[]),
        lambda body: body.update(actions="stop"),
        lambda body: body["actions"][0].update(action_id="stop"),
        lambda body: body["actions"][0].update(action_id="coze_bridge.dance"),
        lambda body: body["actions"][0].update(value="turn-7"),
        lambda body: body["actions"][0].pop("value"),
        lambda body: body["message"].update(bot_id="B9"),
        lambda body: body.update(user=None),
        lambda body: body.update(container={"type": "view", "view_id": "V1"}, channel=None),
    ],
)
def test_everything_else_is_nothing(payload: Read, change: Callable[[dict[str, Any]], object]) -> None:
    """Other kinds of interactions, other buttons, other apps' messages, shapes nobody knows."""
    body = payload("stop_button")
    change(body)
    assert parse_press(body, "work", US) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(st.data())
def test_no_payload_is_too_strange(data: st.DataObject) -> None:
    """Whatever stands in any field, parsing neither raises nor invents a turn."""
    body: dict[str, Any] = {
        "type": "block_actions",
        "actions": data.draw(JSON | st.just([{"action_id": "coze_bridge.stop", "value": TURN}])),
        **{name: data.draw(JSON) for name in ("user", "container", "message", "channel", "team", "response_url")},
    }
    pressing = parse_press(body, "work", US)
    assert pressing is None or pressing.press.turn_id == TURN
    assert parse_stop({"type": "event_callback", "event": data.draw(JSON)}, "work", US) is None
    metadata = st.just('{"turn": "abcdefghijklmnop", "kind": "bad", "channel": "C1"}')
    view = {name: data.draw(JSON | metadata) for name in ("private_metadata", "state", "blocks")}
    form = {"type": "view_submission", "user": body["user"], "view": view | {"callback_id": "coze_bridge.reasons"}}
    sent = parse_reasons(form, "work", US)
    assert sent is None or sent.turn_id == TURN
    if pressing is not None:
        without_control(pressing)


@pytest.mark.parametrize("kind", list(ControlKind))
def test_a_button_leads_back_to_its_control(payload: Read, kind: ControlKind) -> None:
    """What is drawn for a control is parsed as a press of it, and taken away without touching anything else."""
    control, other = Control(kind, TURN, "Press me", 1), Control(kind, TURN, "Not me", 2)
    view = View("**Words**", footer="Failed", controls=(control, other))
    body = payload("stop_button")
    drawn = message(view)
    buttons = drawn["blocks"][-1]["elements"]
    body["message"] |= copy.deepcopy(drawn)
    body["actions"] = [button for button in buttons if button["text"]["text"] == "Press me"]
    pressing = pressed(body)
    assert (pressing.press.kind, pressing.press.turn_id, pressing.press.choice) == (kind, TURN, 1)
    left = without_control(pressing)
    assert left is not None
    assert left["replace_original"] is True
    controls = () if kind.ends_its_kind else (other,)
    assert {name: left[name] for name in drawn} == message(View("**Words**", footer="Failed", controls=controls))


def test_the_last_button_goes_with_its_row(payload: Read) -> None:
    """And a message that would be empty then is left alone."""
    body = payload("stop_button")
    row = body["message"]["blocks"][-1]
    row["elements"] = row["elements"][:1]
    left = without_control(pressed(body))
    assert left is not None
    assert [block["type"] for block in left["blocks"]] == ["markdown"]
    body["message"]["blocks"] = [row]
    assert without_control(pressed(body)) is None
