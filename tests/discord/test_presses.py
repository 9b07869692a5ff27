"""Buttons: what is sent for them, what a press means, and the one answer each press gets. First pure, then live."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import structlog.testing
from hypothesis import given
from hypothesis import strategies as st

from adapters.discord import limits
from adapters.discord.ids import control_id, parse_control_id
from adapters.discord.inbound import Channel, ChannelKind
from adapters.discord.outbound import components, create_body, edit_body
from adapters.discord.presses import answer_to, parse_press, parse_ticket
from bridge.errors import StoreUnavailable
from bridge.model import Author, Control, ControlKind, Place, Press, Pressed, TurnId, View
from sandbox.discord import DiscordEmulator
from sandbox.journal import Journal

BOT, ANN, APPLICATION = "1200000000000000001", "1200000000000000002", "1400000000000000009"
GUILD, GENERAL, THREAD, DM = "1300000000000000001", "1310000000000000001", "1500000000000000100", "1310000000000000099"
MESSAGE = "1500000000000000300"
TURN = TurnId("abcdefghijklmnop")
STOP, RETRY = Control(ControlKind.STOP, TURN, "Stop"), Control(ControlKind.RETRY, TURN, "重试")
IN_CHANNEL = Channel(GENERAL, ChannelKind.TEXT, "general")
IN_THREAD = Channel(THREAD, ChannelKind.PUBLIC_THREAD, "hello", parent=GENERAL, parent_name="general")
CALLBACK = "POST /interactions/{interaction}/{token}/callback"
Read = Callable[[str], dict[str, Any]]


def press_of(interaction: dict[str, Any], channel: Channel | None) -> Press | None:
    """Parse one interaction."""
    return parse_press(interaction, channel, "disco", APPLICATION)


# --- pure ---


@given(st.sampled_from(ControlKind), st.from_regex(r"[a-z2-7]{16}", fullmatch=True), st.integers(0, 99))
def test_a_custom_id_tells_kind_turn_and_choice(kind: ControlKind, turn: str, choice: int) -> None:
    """There and back, within Discord's 100 characters."""
    custom_id = control_id(Control(kind, TurnId(turn), "", choice))
    assert parse_control_id(custom_id) == (kind, turn, choice)
    assert len(custom_id) <= 100


@pytest.mark.parametrize(
    "custom_id",
    ["", "stop", "coze-bridge", "coze-bridge:stop", "coze-bridge:explode:abc", "coze-bridge:stop:", "other:stop:abc"],
)
def test_other_custom_ids_are_not_ours(custom_id: str) -> None:
    """Those of other makers, and of kinds that a later version knows."""
    assert parse_control_id(custom_id) is None


def test_bodies_carry_the_controls_in_one_row() -> None:
    """Stop is red; a label too long for Discord is cut; an edit without controls takes them away."""
    (row,) = components([STOP, Control(ControlKind.RETRY, TURN, "x" * 100)])
    stop, retry = row["components"]
    assert (row["type"], stop["type"], stop["style"], stop["label"]) == (1, 2, 4, "Stop")
    assert (retry["style"], len(retry["label"])) == (2, limits.BUTTON_LABEL_CHARS)
    assert edit_body("text")["components"] == []
    assert create_body("text", "n", controls=[STOP])["components"] == edit_body("text", [STOP])["components"]


@pytest.mark.parametrize(
    ("name", "channel", "place"),
    [
        ("press", IN_CHANNEL, Place("disco", GUILD, GENERAL, MESSAGE, channel_name="general")),
        ("press_in_thread", IN_THREAD, Place("disco", GUILD, GENERAL, THREAD, channel_name="general")),
        ("press_in_private", None, Place("disco", "", DM, private=True)),
    ],
)
def test_a_press_tells_who_what_and_where(payload: Read, name: str, channel: Channel | None, place: Place) -> None:
    """The place as messages there have it; her own language before that of the server; roles where there are any."""
    private = channel is None
    author = Author(ANN, "Ann" if private else "Annie", "zh", () if private else ("1400000000000000001",))
    assert press_of(payload(name), channel) == Press(ControlKind.STOP, TURN, place, author, MESSAGE)


def test_the_server_s_language_counts_where_the_presser_s_is_not_told(payload: Read) -> None:
    """As for messages."""
    interaction = payload("press")
    del interaction["locale"]
    press = press_of(interaction, IN_CHANNEL)
    assert press is not None
    assert press.author.locale == "en"


@pytest.mark.parametrize(
    "change",
    [
        {"application_id": "1400000000000000001"},
        {"type": 2},
        {"data": {"custom_id": "somebody-else's", "component_type": 2}},
        {"data": None},
        {"member": {}, "user": {}},
        {"channel_id": None},
    ],
)
def test_what_is_not_ours_is_no_press(payload: Read, change: dict[str, Any]) -> None:
    """Other applications, other kinds of interactions, other custom ids, and shapes nobody expects."""
    assert press_of(payload("press") | change, IN_CHANNEL) is None


def test_a_token_is_not_shown(payload: Read) -> None:
    """Whoever prints a ticket does not give it away."""
    ticket = parse_ticket(payload("press"))
    assert ticket is not None
    assert ticket.token == payload("press")["token"]
    assert ticket.token not in repr(ticket)


@pytest.mark.parametrize(
    ("kind", "pressed", "answer"),
    [
        (ControlKind.STOP, Pressed(True), {"type": 6}),
        (ControlKind.RETRY, Pressed(False), {"type": 6}),
        (ControlKind.RETRY, None, {"type": 6}),
        (ControlKind.RETRY, Pressed(True), {"type": 7, "data": {"components": [], "allowed_mentions": {"parse": []}}}),
    ],
)
def test_the_answer_shows_what_became_of_it(kind: ControlKind, pressed: Pressed | None, answer: Any) -> None:
    """What is used up goes; what goes on stays until the text changes."""
    assert answer_to(Press(kind, TURN, Place("disco", GUILD, GENERAL), Author(ANN)), pressed, {}) == answer


@pytest.mark.parametrize("done", [True, False])
def test_a_sentence_is_for_the_presser_alone(done: bool) -> None:
    """Ephemeral, calling nobody, unfurling nothing."""
    press = Press(ControlKind.RETRY, TURN, Place("disco", GUILD, GENERAL), Author(ANN))
    answer = answer_to(press, Pressed(done, "Only @everyone may."), {})
    assert answer["type"] == 4
    assert answer["data"]["flags"] == 64 | 4
    assert answer["data"]["allowed_mentions"] == {"parse": []}
    assert "@everyone" not in answer["data"]["content"]


def test_what_was_filled_in_is_not_lost() -> None:
    """A form that was not taken is gone, so its words are given back."""
    filled = {"day": "the day after", "hours": "many"}
    press = Press(ControlKind.ANSWER, TURN, Place("disco", GUILD, GENERAL), Author(ANN), filled=filled)
    shown = answer_to(press, Pressed(False, "Takes a number."), {})["data"]["content"]
    assert shown == "Takes a number.\n> the day after\n> many"
    assert answer_to(press, Pressed(True, "Thank you."), {})["data"]["content"] == "Thank you."


# --- live: the real discord.py over a real gateway ---


@pytest.fixture
def answered(platform: Any, asked: Any) -> Any:
    """Ask in a place and post an answer with buttons below it; gives its channel, its id and the question."""

    async def answer(*controls: Control, channel: str = "general", **question: Any) -> tuple[str, str, Any]:
        envelope = asked(channel=channel, **question)
        message = await platform.reply(envelope, TURN, "en").post(0, View("So:", controls=controls or (STOP,)))
        return (envelope.message_id if channel == "general" else channel), message, envelope

    return answer


async def test_buttons_come_and_go_with_the_text(
    platform: Any, asked: Any, discord: DiscordEmulator, journal: Journal
) -> None:
    """Below posts and edits; the edit without them takes them away; sentences of ours have none."""
    envelope = asked()
    reply, thread = platform.reply(envelope, TURN, "en"), envelope.message_id
    message = await reply.post(0, View("So:", live=True, controls=(STOP,)))
    assert discord.shown(thread, message).buttons == ["Stop"]
    await reply.edit(message, View("So: this", live=True, controls=(STOP, RETRY)))
    assert discord.shown(thread, message).buttons == ["Stop", "重试"]
    await reply.edit(message, View("So: this is it."))
    assert discord.shown(thread, message).buttons == []
    assert discord.shown(thread, await reply.notice("A sentence.")).buttons == []
    assert not discord.violations()


@pytest.mark.parametrize("where", ["thread", "private", "forum post"])
async def test_a_press_arrives_and_is_answered(
    discord: DiscordEmulator, platform: Any, serve: Any, intake: Any, answered: Any, asked: Any, where: str
) -> None:
    """With its turn, place and presser, as messages there have them, within three seconds."""
    channels = {
        "thread": lambda: "general",
        "private": lambda: discord.open_dm("ann"),
        "forum post": lambda: discord.forum_post("ann", "help", "reset", "How?"),
    }
    async with serve(platform, intake):
        channel, message, envelope = await answered(channel=channels[where]())
        outcome = await discord.click("ann", channel, message, "Stop")
    assert outcome.accepted
    assert outcome.response == "DEFERRED_UPDATE"
    (press,) = intake.presses
    place = press.place
    assert (press.kind, press.turn_id, press.message_id) == (ControlKind.STOP, TURN, message)
    assert (place.instance, place.team, place.channel, place.thread, place.private) == (
        *("work", envelope.place.team, envelope.place.channel),
        *(envelope.place.thread, where == "private"),
    )
    assert press.author == Author(discord.find_user("ann").id, "Ann", "en")
    assert not discord.violations()


@pytest.mark.parametrize("mode", ["place", "reply"])
async def test_a_press_below_an_answer_in_the_channel_belongs_to_its_chain(
    discord: DiscordEmulator, platform_for: Any, serve: Any, intake: Any, asked: Any, mode: str
) -> None:
    """Also after a restart, as a reply there would."""
    async with platform_for(answer_in=mode) as platform, serve(platform, intake):
        root = asked()
        then = asked(root=root.message_id)
        message = await platform.reply(then, TURN, "en").post(0, View("So:", controls=(STOP,)))
    async with platform_for(answer_in=mode) as platform, serve(platform, intake):
        assert (await discord.click("bob", "general", message, "Stop")).accepted
    assert (intake.presses[0].place.channel, intake.presses[0].place.thread) == (root.place.channel, root.message_id)
    assert intake.presses[0].author.id == discord.find_user("bob").id


async def test_a_used_up_button_goes_and_a_sentence_is_private(
    discord: DiscordEmulator, platform: Any, serve: Any, intake: Any, answered: Any
) -> None:
    """The text of the answer stays what it was."""
    async with serve(platform, intake):
        channel, message, _ = await answered(RETRY, STOP)
        intake.pressed = Pressed(False, "It is not yours to stop.")
        outcome = await discord.click("bob", channel, message, "Stop")
        assert outcome.ephemeral
        told = [shown for shown in discord.messages(channel) if shown.ephemeral_for]
        assert [(shown.text, shown.ephemeral_for) for shown in told] == [
            ("It is not yours to stop.", discord.find_user("bob").id)
        ]
        assert discord.shown(channel, message).buttons == ["重试", "Stop"]
        intake.pressed = Pressed(True)
        assert (await discord.click("ann", channel, message, "重试")).response == "UPDATE"
    shown = discord.shown(channel, message)
    assert (shown.text, shown.buttons, shown.previews) == ("So:", ["Stop"], [])
    assert not discord.violations()


async def test_a_button_that_is_over_goes_and_says_so(
    discord: DiscordEmulator, platform: Any, serve: Any, intake: Any, answered: Any
) -> None:
    """One that outlived its turn, as after a crash: the one answer is the sentence, so an edit takes it away."""
    async with serve(platform, intake):
        channel, message, _ = await answered()
        intake.pressed = Pressed(True, "That is over.")
        assert (await discord.click("ann", channel, message, "Stop")).ephemeral
        await discord.wait_until(lambda: not discord.shown(channel, message).buttons, what="no button")
    assert discord.shown(channel, message).text == "So:"
    assert not discord.violations()


async def test_a_press_told_twice_is_one(
    discord: DiscordEmulator, platform: Any, serve: Any, intake: Any, answered: Any, journal: Journal
) -> None:
    """Twice by the gateway, or again after a RESUME; a second click is a second press, which the core knows."""
    async with serve(platform, intake):
        channel, message, _ = await answered()
        discord.gateway_faults.plan("INTERACTION_CREATE", "duplicate")
        assert (await discord.click("ann", channel, message, "Stop")).accepted
        await discord.settled()
        assert len(intake.presses) == len(journal.select(kind="request", name=CALLBACK)) == 1
        assert (await discord.click("ann", channel, message, "Stop")).accepted
    assert len(intake.presses) == 2
    assert not discord.violations()


async def test_a_press_during_a_lost_connection_is_obeyed_after_the_resume(
    discord: DiscordEmulator, platform: Any, serve: Any, intake: Any, answered: Any
) -> None:
    """Replayed, even if Discord has given up waiting for its answer."""
    discord.switches.ack_timeout_s = 0.2
    async with serve(platform, intake):
        channel, message, _ = await answered()
        discord.gateway.pause()
        assert not (await discord.click("ann", channel, message, "Stop")).accepted
        discord.gateway.drop()
        await discord.wait_until(lambda: bool(intake.presses), what="the press")
    assert [press.turn_id for press in intake.presses] == [TURN]


async def test_buttons_of_others_are_acknowledged_and_ignored(
    discord: DiscordEmulator, platform: Any, serve: Any, intake: Any, answered: Any
) -> None:
    """One that an earlier bot of this application made; nobody reads that it failed."""
    async with serve(platform, intake):
        channel, message, _ = await answered()
        for row in discord.find_message(channel, message).components:
            row["components"][0]["custom_id"] = "somebody:else"
        outcome = await discord.click("ann", channel, message, "Stop")
    assert (outcome.accepted, outcome.response) == (True, "DEFERRED_UPDATE")
    assert not intake.presses


@pytest.mark.parametrize("fault", ["drop_before", "drop_after"])
async def test_a_lost_answer_is_given_again(
    discord: DiscordEmulator, platform: Any, serve: Any, intake: Any, answered: Any, fault: str
) -> None:
    """If it arrived after all, Discord refuses the second one, and that is fine."""
    async with serve(platform, intake):
        channel, message, _ = await answered()
        discord.faults.plan(CALLBACK, fault)
        assert (await discord.click("ann", channel, message, "Stop")).accepted
    assert len(intake.presses) == 1


async def test_failing_answers_harm_nothing_and_tell_no_token(
    discord: DiscordEmulator, platform: Any, serve: Any, intake: Any, answered: Any, asked: Any
) -> None:
    """Too late, refused, or a page in its place: the press counted, the bot's own token stays good."""
    async with serve(platform, intake) as connected:
        channel, message, _ = await answered()
        with structlog.testing.capture_logs() as logs:

            def told() -> int:
                return len([line for line in logs if line["event"] == "a press was not acknowledged"])

            for number, fault in enumerate(({"status": 404, "code": 10062}, {"status": 401, "code": 50027})):
                discord.faults.plan(CALLBACK, "error", **fault)
                discord.switches.ack_timeout_s = 0.1
                assert not (await discord.click("ann", channel, message, "Stop")).accepted
                await discord.wait_until(lambda number=number: told() == number + 1, what="that it was refused")
                assert len(intake.presses) == number + 1
        assert connected.is_set()
        await answered()
    tokens = [interaction.token for interaction in discord.service.interactions._by_id.values()]
    assert len(tokens) == 2
    assert not any(token in str(line) for token in tokens for line in logs)


async def test_a_press_that_could_not_be_written_down_says_so(
    discord: DiscordEmulator, platform: Any, serve: Any, intake: Any, answered: Any, monkeypatch: Any
) -> None:
    """To the presser, in her language; the button stays for another try."""
    discord.find_user("ann").locale = "zh-CN"

    async def fail(_: Press) -> Pressed:
        raise StoreUnavailable("disk full")

    monkeypatch.setattr(intake, "press", fail)
    async with serve(platform, intake):
        channel, message, _ = await answered()
        outcome = await discord.click("ann", channel, message, "Stop")
    assert outcome.ephemeral
    (told,) = [shown for shown in discord.messages(channel) if shown.ephemeral_for]
    assert "⚠️" in told.text
    assert discord.shown(channel, message).buttons == ["Stop"]


async def test_a_press_is_obeyed_behind_what_was_written_before_it(
    discord: DiscordEmulator, platform: Any, serve: Any, intake: Any, answered: Any
) -> None:
    """A slow store keeps neither the press nor the order."""
    order: list[str] = []
    accept, press = intake.accept, intake.press

    async def accepting(envelope: Any) -> bool:
        order.append(envelope.text)
        return bool(await accept(envelope))

    async def pressing(pressed: Press) -> Pressed:
        order.append("press")
        result: Pressed = await press(pressed)
        return result

    intake.accept, intake.press = accepting, pressing
    async with serve(platform, intake):
        channel, message, _ = await answered()
        intake.gate.clear()
        discord.say("ann", channel, "before")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(discord.click("ann", channel, message, "Stop"))
            await discord.wait_until(lambda: "press" in order, what="the press")
        intake.gate.set()
    assert order[-2:] == ["before", "press"]
