"""The promises about commands of a platform's own: typed, filled in, announced, refused; part of the suite."""

from dataclasses import replace
from types import MappingProxyType

import pytest

from bridge.errors import PlatformRejected, PlatformUnavailable, StoreUnavailable
from bridge.keys import turn_id
from bridge.model import Envelope, Field, Form, Invocation, Invoked, Offer, ResultPlace, Root, ValueKind, View
from bridge.ports import CommandReply
from bridge.testing.platform_harness import Ability, Call, Disturbance, PlatformHarness, Said, Speaker
from bridge.testing.platform_scene import Scene, eventually, needs, on_stage

WEATHER, POEM = "weather", "poem"
CITY, DAYS = Field("city", ValueKind.STRING, "Which city"), Field("days", ValueKind.INTEGER, "How many", required=False)
TEXT = Field("text", ValueKind.TEXT, "About what")
TONE = Field("tone", ValueKind.CHOICE, "In which tone", required=False, value="sad", choices=("sad", "gay"))
POEM_FORM = Form(POEM, "A poem", (TEXT, TONE), "Writes <a> poem & more.", "Run")
OFFERS = tuple(
    Offer(form.workflow, f"/{form.workflow}", False, MappingProxyType({"en": form, "zh": form}))
    for form in (Form(WEATHER, "The weather", (CITY, DAYS)), POEM_FORM)
)
LINE = "▶️ `Ann` runs `weather`  `city=New York`"
PLACES = [ResultPlace.THREAD, ResultPlace.CHANNEL]


class CommandPromises:
    """Part of ``PlatformContract``."""

    @pytest.mark.parametrize("private", [False, True])
    async def test_a_command_says_what_is_meant(self, harness: PlatformHarness, private: bool) -> None:
        """Who runs what, where and with which values, as a command, handed over once and acknowledged."""
        needs(harness, Ability.COMMANDS, Ability.PRIVATE if private else Ability.ROOMS)
        async with on_stage(harness, OFFERS) as scene:
            said, call = await _called(scene, WEATHER, private=private, city='New "York"', days="2")
            envelope = call.envelope
            assert (envelope.place.team, envelope.place.channel) == (said.team, said.channel)
            assert (envelope.author.id, envelope.place.private) == (said.author_id, private)
            assert (envelope.command, envelope.message_id) == (True, "")
            assert envelope.text.split()[:2] == ["!run", WEATHER]
            given = " ".join([envelope.text, *(call.given or {}).values()])
            assert 'New "York"' in given.replace("\\", "")
            assert "2" in given
            assert scene.intake.offered == []

    async def test_two_commands_are_two(self, harness: PlatformHarness) -> None:
        """Also when they say the same; each has its own key, which begins with the instance."""
        needs(harness, Ability.COMMANDS)
        async with on_stage(harness, OFFERS) as scene:
            calls = [(await _called(scene, WEATHER, city="Rome"))[1] for _ in range(2)]
            keys = {call.envelope.delivery_key for call in calls}
            assert len(keys) == len(scene.intake.invocations) == 2
            assert {call.envelope.place.instance for call in calls} == {scene.platform.name}

    async def test_a_refused_command_is_told_to_its_caller_alone(self, harness: PlatformHarness) -> None:
        """In our sentence, and as it is written; nobody else reads anything."""
        needs(harness, Ability.COMMANDS)
        async with on_stage(harness, OFFERS) as scene:
            scene.intake.invoked = Invoked(sentence="You may not <3 run `this` here.")
            await _called(scene, WEATHER, city="Rome")
            await eventually(lambda: bool(harness.whispers(Speaker.ANN)), "a sentence for the caller")
            assert list(harness.whispers(Speaker.ANN)) == ["You may not <3 run `this` here."]
            assert list(harness.whispers(Speaker.BOB)) == []

    async def test_a_command_that_could_not_be_written_down_is_told(self, harness: PlatformHarness) -> None:
        """By a sentence, or by the service itself where it is not acknowledged; the next one is heard as ever."""
        needs(harness, Ability.COMMANDS)
        async with on_stage(harness, OFFERS) as scene:
            scene.intake.invoke_failures = [StoreUnavailable("disk full")]
            _, acknowledged = await harness.command(WEATHER, {"city": "Rome"})
            if acknowledged:
                await eventually(lambda: bool(harness.whispers(Speaker.ANN)), "a sentence for the caller")
            await _called(scene, WEATHER, city="Paris")
            assert len(scene.intake.invocations) == 2

    async def test_a_form_asks_for_what_is_missing(self, harness: PlatformHarness) -> None:
        """With its labels, before the one who called alone; what she sends comes back by field, in the same place."""
        needs(harness, Ability.COMMANDS, Ability.FORMS)
        async with on_stage(harness, OFFERS) as scene:
            called = await _with_form(scene)
            assert list(harness.form(Speaker.ANN) or ()) == [TEXT.label, TONE.label]
            assert harness.form(Speaker.BOB) is None
            scene.intake.invoked = Invoked(accepted=True)
            sent = await _sent(scene, 'Roses & "thorns"')
            assert sent.filled == {"text": 'Roses & "thorns"', "tone": "gay"}
            assert sent.envelope.text == f"!run {POEM}"
            assert sent.envelope.place.channel == called.envelope.place.channel
            assert sent.envelope.author.id == called.envelope.author.id
            assert sent.envelope.command
            await eventually(lambda: harness.form(Speaker.ANN) is None, "the form's end")

    async def test_a_mistake_in_a_form_is_told_to_its_sender_alone(self, harness: PlatformHarness) -> None:
        """Beside its field, or in a sentence."""
        needs(harness, Ability.COMMANDS, Ability.FORMS)
        async with on_stage(harness, OFFERS) as scene:
            await _with_form(scene)
            scene.intake.invoked = Invoked(errors={"text": "Roses are out."})
            await _sent(scene, "Roses")

            def told() -> bool:
                read = [*harness.form_mistakes(Speaker.ANN), *harness.whispers(Speaker.ANN)]
                return any("Roses are out." in sentence for sentence in read)

            await eventually(told, "the mistake")
            assert list(harness.whispers(Speaker.BOB)) == []

    async def test_a_form_outlives_a_restart(self, harness: PlatformHarness) -> None:
        """What an earlier life opened can be sent to this one."""
        needs(harness, Ability.COMMANDS, Ability.FORMS, Ability.RESTART)
        async with on_stage(harness, OFFERS) as scene:
            await _with_form(scene)
        async with on_stage(harness, OFFERS) as scene:
            sent = await _sent(scene, "Roses")
            assert (sent.filled or {})["text"] == "Roses"
            assert sent.envelope.text == f"!run {POEM}"

    @pytest.mark.parametrize("where", PLACES)
    async def test_a_run_grows_below_the_line_that_stands_for_it(
        self, harness: PlatformHarness, where: ResultPlace
    ) -> None:
        """Everybody reads who runs what; the answer, made from where the line stands, is seen there too."""
        needs(harness, Ability.COMMANDS, Ability.ROOMS)
        async with on_stage(harness, OFFERS) as scene:
            _, call = await _called(scene, WEATHER, city="New York")
            root = await _reply(scene, call.envelope).announce(LINE, where=where)
            assert harness.shown(root.message_id) == LINE
            assert root.place.channel == call.envelope.place.channel
            reply = _reply(scene, _below(call.envelope, root))
            message_id = await reply.post(0, View("Sunny, half the", live=True))
            await reply.edit(message_id, View("Sunny, half the day"))
            assert harness.shown(message_id) == "Sunny, half the day"
            assert harness.shown(root.message_id) == LINE
            assert list(harness.whispers(Speaker.ANN)) == []

    async def test_what_follows_below_the_line_is_one_conversation(self, harness: PlatformHarness) -> None:
        """Whoever began the run is heard there without naming us: what it asks can be answered."""
        needs(harness, Ability.COMMANDS, Ability.ROOMS, Ability.FOLLOW_UPS)
        async with on_stage(harness, OFFERS) as scene:
            _, call = await _called(scene, WEATHER, city="New York")
            root = await _reply(scene, call.envelope).announce(LINE, where=ResultPlace.THREAD)
            await _reply(scene, _below(call.envelope, root)).post(0, View("Which day?"))
            await harness.say_below(root.message_id, "Friday")
            await scene.intake.until(lambda: "Friday" in scene.intake.texts, "the answer")
            heard = scene.intake.accepted[-1]
            assert (heard.place.channel, heard.place.thread) == (root.place.channel, root.place.thread)

    async def test_a_result_for_its_caller_alone_stays_hers(self, harness: PlatformHarness) -> None:
        """Line and answer go where nobody else reads."""
        needs(harness, Ability.COMMANDS, Ability.ROOMS, Ability.PRIVATE)
        async with on_stage(harness, OFFERS) as scene:
            _, call = await _called(scene, WEATHER, city="New York")
            root = await _reply(scene, call.envelope).announce(LINE, where=ResultPlace.ONLY_ME)
            assert root.place.private
            assert root.place.channel != call.envelope.place.channel
            message_id = await _reply(scene, _below(call.envelope, root)).post(0, View("For you alone"))
            assert harness.shown(message_id) == "For you alone"

    async def test_the_line_is_found_once_it_stands(self, harness: PlatformHarness) -> None:
        """By a reply that knows nothing but the envelope, of this life or a later one; and not before."""
        needs(harness, Ability.COMMANDS, Ability.RESTART)
        async with on_stage(harness, OFFERS) as scene:
            _, call = await _called(scene, WEATHER, city="New York")
            assert await _reply(scene, call.envelope).find_announced(where=ResultPlace.THREAD) is None
            root = await _reply(scene, call.envelope).announce(LINE, where=ResultPlace.THREAD)
        async with on_stage(harness, OFFERS) as scene:
            assert await _reply(scene, call.envelope).find_announced(where=ResultPlace.THREAD) == root

    async def test_a_line_whose_response_was_lost_is_found(self, harness: PlatformHarness) -> None:
        """Its outcome is told as unknown; it stands there once."""
        needs(harness, Ability.COMMANDS, Ability.LOST_CALLS)
        async with on_stage(harness, OFFERS) as scene:
            _, call = await _called(scene, WEATHER, city="New York")
            await harness.disturb(Disturbance.LOSE_RESPONSE, Call.POST)
            with pytest.raises(PlatformUnavailable) as lost:
                await _reply(scene, call.envelope).announce(LINE, where=ResultPlace.THREAD)
            assert lost.value.outcome_unknown
            found = await _reply(scene, call.envelope).find_announced(where=ResultPlace.THREAD)
            assert found is not None
            assert harness.shown(found.message_id) == LINE

    async def test_where_the_line_cannot_be_posted_its_caller_is_told(self, harness: PlatformHarness) -> None:
        """``PlatformRejected``; a notice then is for her alone."""
        needs(harness, Ability.COMMANDS, Ability.REFUSALS, Ability.ROOMS)
        async with on_stage(harness, OFFERS) as scene:
            _, call = await _called(scene, WEATHER, city="New York")
            await harness.disturb(Disturbance.CLOSE_PLACES)
            reply = _reply(scene, call.envelope)
            with pytest.raises(PlatformRejected):
                await reply.announce(LINE, where=ResultPlace.THREAD)

    async def test_a_notice_about_a_command_is_for_its_caller_alone(self, harness: PlatformHarness) -> None:
        """As long as nothing stands for it."""
        needs(harness, Ability.COMMANDS)
        async with on_stage(harness, OFFERS) as scene:
            _, call = await _called(scene, WEATHER, city="New York")
            await _reply(scene, call.envelope).notice("I am free.")
            await eventually(lambda: bool(harness.whispers(Speaker.ANN)), "the notice")
            assert list(harness.whispers(Speaker.ANN)) == ["I am free."]
            assert list(harness.whispers(Speaker.BOB)) == []

    async def test_the_line_disturbs_nobody(self, harness: PlatformHarness) -> None:
        """Whatever stands in the values somebody typed."""
        needs(harness, Ability.COMMANDS, Ability.PINGS)
        async with on_stage(harness, OFFERS) as scene:
            _, call = await _called(scene, WEATHER, city="New York")
            await _reply(scene, call.envelope).announce("\n".join(harness.baits), where=ResultPlace.THREAD)
            assert list(harness.pings()) == []


async def _called(scene: Scene, workflow: str, *, private: bool = False, **values: str) -> tuple[Said, Invocation]:
    """Let Ann run something; return where she did, and the command as it was handed over."""
    known = len(scene.intake.invocations)
    said, acknowledged = await scene.harness.command(workflow, values, private=private)
    assert acknowledged
    await scene.intake.until(lambda: len(scene.intake.invocations) > known, "the command")
    assert len(scene.intake.invocations) == known + 1
    return said, scene.intake.invocations[-1]


async def _with_form(scene: Scene) -> Invocation:
    """Let Ann run a poem without its text, so that she is asked for it."""
    scene.intake.invoked = Invoked(form=POEM_FORM, sentence="Write it like this: …")
    _, call = await _called(scene, POEM)
    await eventually(lambda: scene.harness.form(Speaker.ANN) is not None, "a form")
    return call


async def _sent(scene: Scene, text: str) -> Invocation:
    """Fill in the form and send it."""
    known = len(scene.intake.invocations)
    assert await scene.harness.fill_in({TEXT.label: text, TONE.label: "gay"})
    await scene.intake.until(lambda: len(scene.intake.invocations) > known, "what was sent")
    return scene.intake.invocations[-1]


def _reply(scene: Scene, envelope: Envelope) -> CommandReply:
    reply = scene.platform.reply(envelope, turn_id(envelope.delivery_key), "en")
    assert isinstance(reply, CommandReply)
    return reply


def _below(envelope: Envelope, root: Root) -> Envelope:
    """Return a command as it stands once it was announced."""
    return replace(envelope, place=root.place, message_id=root.message_id)
