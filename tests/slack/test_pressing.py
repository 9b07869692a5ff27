"""The real Bolt over a real socket: presses reach the intake, are acknowledged then, and show their consequences."""

from dataclasses import replace
from typing import Any

import pytest

from adapters.slack import forms
from bridge.errors import StoreUnavailable
from bridge.keys import turn_id
from bridge.model import Control, ControlKind, Envelope, Field, Form, Place, Pressed, ValueKind, View
from sandbox.journal import Journal
from sandbox.slack import SlackEmulator
from sandbox.slack.transport import Outgoing

LABELS = {ControlKind.STOP: "Stop", ControlKind.RETRY: "Try again", ControlKind.BAD: "👎"}


async def offer(platform: Any, envelope: Envelope, *kinds: ControlKind) -> str:
    """Post an answer with buttons; return its message."""
    turn = turn_id(envelope.delivery_key)
    controls = tuple(Control(kind, turn, LABELS[kind]) for kind in kinds)
    message_id: str = await platform.reply(envelope, turn, "en").post(0, View("An answer", controls=controls))
    return message_id


async def test_nothing_is_acknowledged_before_the_press_was_taken(
    slack: SlackEmulator, journal: Journal, platform: Any, serve: Any, intake: Any, asked: Any
) -> None:
    """What Slack believes done must be written down: the payload never comes again."""
    slack.switches.ack_timeout_s = 0.3
    async with serve(platform, intake):
        ts = await offer(platform, asked(), ControlKind.STOP)
        intake.gate.clear()
        answer = await slack.click("ann", "C1", ts, "coze_bridge.stop")
        assert (answer.accepted, len(intake.presses)) == (False, 1)
        intake.gate.set()
        await slack.wait_until(lambda: bool(journal.select(kind="ack", name="block_actions")), what="a late ack")


async def test_a_button_goes_without_spending_an_edit(
    slack: SlackEmulator, journal: Journal, platform: Any, serve: Any, intake: Any, asked: Any
) -> None:
    """The edits of the workspace are for answers; a press has its own address, used without a token."""
    async with serve(platform, intake):
        ts = await offer(platform, asked(), ControlKind.RETRY)
        assert (await slack.click("ann", "C1", ts, "coze_bridge.retry")).accepted
        await slack.wait_until(lambda: not slack.shown("C1", ts).buttons, what="a message without button")
    assert slack.shown_text("C1", ts) == "An answer"
    assert not slack.shown("C1", ts).edited
    assert not journal.select(kind="request", name="chat.update")
    assert not slack.violations()


async def test_a_stop_leaves_the_message_to_the_answer(
    slack: SlackEmulator, journal: Journal, platform: Any, serve: Any, intake: Any, asked: Any
) -> None:
    """It may have grown since it was pressed: putting the old text back would undo the last edit."""
    async with serve(platform, intake):
        ts = await offer(platform, asked(), ControlKind.STOP)
        assert (await slack.click("ann", "C1", ts, "coze_bridge.stop")).accepted
        await slack.settled()
    assert not journal.select(kind="request", name="response_url")


ASKING = Pressed(
    True,
    "Thank you.",
    Form(
        "",
        "Why?",
        (
            Field(
                "reasons", ValueKind.CHOICE, "It was", choices=("a", "b"), labels=("Ä", "ß"), many=True, required=False
            ),
            Field("comment", ValueKind.TEXT, "Say", required=False, max_length=250),
        ),
        submit="Send",
    ),
)


async def test_a_press_may_open_a_form_and_is_made_again_with_what_is_in_it(
    slack: SlackEmulator, platform: Any, serve: Any, intake: Any, asked: Any
) -> None:
    """What could not be passed on stays in it; whoever closes it has pressed all the same."""
    intake.pressed = ASKING
    async with serve(platform, intake):
        root = slack.say("bob", "C1", "A thread")
        ts = await offer(platform, asked(thread_ts=root), ControlKind.BAD)
        for _ in range(2):
            assert (await slack.click("ann", "C1", ts, "coze_bridge.bad")).accepted
            await slack.wait_until(lambda: bool(slack.views_of("ann")), what="a form")
            if len(intake.presses) == 1:
                await slack.close_view("ann")
        intake.pressed = Pressed(False, "Not now.")
        values = {forms.block_id("reasons"): {forms.INPUT: ["b"]}, forms.block_id("comment"): {forms.INPUT: "So <so>"}}
        answer = await slack.submit_view("ann", values)
        assert answer.payload == {"response_action": "errors", "errors": {"field.comment": "Not now."}}
        intake.pressed = Pressed(True, "Thank you.")
        assert (await slack.submit_view("ann")).accepted
        assert not slack.views_of("ann")
        await slack.wait_until(lambda: any(m.ephemeral_for for m in slack.messages("C1")), what="a word to the presser")
    first, second, failed, sent = intake.presses
    assert first == second == replace(sent, filled=None)
    assert failed == sent
    assert sent.filled == {"reasons": '["b"]', "comment": "So <so>"}
    assert sent.place.thread == root
    assert not slack.violations()


async def test_a_form_that_cannot_be_opened_is_a_word(
    slack: SlackEmulator, platform: Any, serve: Any, intake: Any, asked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The three seconds may be over; the press counts."""
    monkeypatch.setattr("sandbox.slack.tickets.TRIGGER_LIFETIME_S", -1.0)
    intake.pressed = ASKING
    async with serve(platform, intake):
        ts = await offer(platform, asked(), ControlKind.BAD)
        assert (await slack.click("ann", "C1", ts, "coze_bridge.bad")).accepted
        await slack.wait_until(lambda: any(m.ephemeral_for for m in slack.messages("C1")), what="a word to the presser")
    assert [m.text for m in slack.messages("C1") if m.ephemeral_for] == ["Thank you."]


async def test_an_address_that_has_expired_does_no_harm(
    slack: SlackEmulator, platform: Any, serve: Any, intake: Any, asked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The button stays, the next press arrives, and the service goes on."""
    monkeypatch.setattr("sandbox.slack.tickets.RESPONSE_URL_LIFETIME_S", -1.0)
    async with serve(platform, intake):
        ts = await offer(platform, asked(), ControlKind.RETRY)
        for _ in range(2):
            assert (await slack.click("ann", "C1", ts, "coze_bridge.retry")).accepted
        await slack.settled()
        assert slack.shown("C1", ts).buttons == ["Try again"]
    assert len(intake.presses) == 2


async def test_slacks_own_stop_arrives(slack: SlackEmulator, platform: Any, serve: Any, intake: Any) -> None:
    """As a press that names the thread; what there is to say is told to the presser alone."""
    intake.pressed = Pressed(False, "There is nothing to stop.")
    async with serve(platform, intake):
        dm = slack.open_dm("ann")
        root = slack.say("ann", dm, "a long story, please")
        await intake.texts(1)
        slack.stop("ann", dm, root)
        await slack.wait_until(lambda: any(m.ephemeral_for for m in slack.messages(dm)), what="a word to the presser")
    press = intake.presses[0]
    assert (press.kind, press.turn_id, press.author.id) == (ControlKind.STOP, None, "U1")
    assert press.place == intake.accepted[0].place == Place("work", "T1", dm, root, private=True)


async def test_a_stop_that_could_not_be_written_down_comes_again(
    slack: SlackEmulator, platform: Any, serve: Any, intake: Any
) -> None:
    """It is an event: not acknowledged, it is delivered once more."""
    slack.switches.ack_timeout_s = 0.2
    intake.press_failures.append(StoreUnavailable("disk full"))
    async with serve(platform, intake):
        dm = slack.open_dm("ann")
        slack.stop("ann", dm, slack.say("ann", dm, "a long story, please"))
        await intake.until(lambda: len(intake.presses) == 2)
        await slack.settled()
    assert intake.presses[0] == intake.presses[1]


async def test_the_presser_is_known_by_what_was_learned_before(
    slack: SlackEmulator, platform: Any, serve: Any, intake: Any, asked: Any
) -> None:
    """Her language comes from the directory; a look-up would cost the three seconds."""
    async with serve(platform, intake):
        envelope = asked(user="U2")
        ts = await offer(platform, envelope, ControlKind.STOP)
        await slack.click("bob", "C1", ts, "coze_bridge.stop")
        await platform.resolve(envelope)
        await slack.click("bob", "C1", ts, "coze_bridge.stop")
    assert [press.author.locale for press in intake.presses] == ["", "zh"]


async def test_every_interaction_is_acknowledged(
    slack: SlackEmulator, platform: Any, serve: Any, intake: Any, asked: Any
) -> None:
    """Shortcuts, commands, forms, buttons of others, and what has no sensible shape at all."""
    async with serve(platform, intake):
        ts = await offer(platform, asked(), ControlKind.STOP)
        blocks = [{"type": "actions", "elements": [{"type": "button", "action_id": "deploy", "value": "x"}]}]
        blocks[0]["elements"][0]["text"] = {"type": "plain_text", "text": "Deploy"}  # type: ignore[index]
        slack.find_message("C1", ts).blocks += blocks
        assert (await slack.click("ann", "C1", ts, "deploy")).accepted
        assert (await slack.shortcut("ann", "ask_about", "C1", ts)).accepted
        assert (await slack.shortcut("ann", "ask")).accepted
        assert (await slack.slash("ann", "C1", "new")).accepted
        for payload in ({"type": "block_actions"}, {"type": "block_actions", "actions": [3], "user": "U1"}, {}):
            outgoing = Outgoing(slack.app_named(), "interactive", "odd", payload)
            assert (await slack.service.delivery.ask(outgoing)).accepted, payload
    assert intake.presses == []
