"""Commands of a platform's own: what is shown at once, what runs, where it goes, and who may."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import PlatformRateLimited, PlatformRejected, PlatformUnavailable
from bridge.intake.gate import AccessList, GateRules
from bridge.keys import turn_id
from bridge.model import (
    AskKind,
    Attachment,
    Interruption,
    Invocation,
    Invoked,
    Outcome,
    ResultPlace,
    RunInterrupted,
    TurnRecord,
    TurnState,
    Typing,
    ValueKind,
)
from bridge.routes import AgentBinding
from bridge.stores.memory import MemoryStore
from bridge.testing.clock import FakeClock
from bridge.testing.core import Core, core_of
from bridge.testing.fakes import FakeAgent, FakePlatform, command, envelope, spoken
from bridge.testing.workflows import FakeWorkflows, Step, said
from bridge.texts import Say, say
from bridge.turns.asking import AskingOptions
from bridge.turns.turn import TurnOptions
from bridge.workflows.book import Flow
from bridge.workflows.forms import read_form
from bridge.workflows.settings import WorkflowSettings

OPTIONS = TurnOptions(AskingOptions(identity_secret=b"secret of the tests"))
PARAMETERS = {
    "city": {"description": "Which city", "description_zh": "城市"},
    "days": {"type": "integer", "min": 1, "max": 7, "default": 3, "required": False},
}
WEATHER = {"id": "42", "description": "Tells the weather", "parameters": PARAMETERS}
POEM = {"id": "43", "parameters": {"text": {"type": "text"}}}


def core(*scripts: list[Step], agent: FakeAgent | None = None, flows: Any = None, **more: Any) -> Any:
    """A core with two workflows that play these scripts."""
    flows = {"weather": WEATHER, "poem": POEM} if flows is None else flows
    return core_of(
        agent or FakeAgent(),
        options=OPTIONS,
        workflows=FakeWorkflows(*scripts),
        flows={name: WorkflowSettings.model_validate(fields) for name, fields in flows.items()},
        **more,
    )


def runs(core: Core) -> list[dict[str, object]]:
    """The values of every run, in order."""
    found = core.whole.turns._runs.book.flows["weather"].binding.workflows
    assert isinstance(found, FakeWorkflows)
    return [dict(run.parameters) for run in found.runs]


async def invoke(core: Core, text: str, **more: Any) -> Invoked:
    """Give a command and let what it begins come to its end."""
    given = command(text, **more)
    invoked = await core.intake.invoke(Invocation(given))
    if invoked.accepted:
        await core.ended(given)
    return invoked


def whispers(core: Core) -> list[str]:
    return [sentence for _, sentence in core.platform.whispers]


async def test_a_command_runs_below_a_line_that_stands_for_it() -> None:
    """Who runs what is said once, in the channel; the result comes in its thread."""
    async with core(said("Sunny.")) as core_:
        assert (await invoke(core_, '!run weather city="New `York`" days=2')).accepted
        line, answer = core_.platform.messages.values()
        assert line.shown == "▶️ `name of U1` runs `weather`  `city=New 'York'`  `days=2`"
        assert (line.place.thread, answer.place.thread, answer.shown) == (None, "msg-1", "Sunny.")
        assert runs(core_) == [{"city": "New `York`", "days": 2}]
        assert not core_.platform.whispers


async def test_what_is_missing_or_wrong_opens_a_form_that_keeps_the_rest() -> None:
    """Nothing is written down, and the sentence says it where no form can be shown."""
    async with core() as core_:
        invoked = await invoke(core_, "!run weather days=9", locale="zh")
        assert not invoked.accepted
        assert invoked.form is not None
        assert [(f.name, f.kind, f.label, f.required, f.value) for f in invoked.form.fields] == [
            ("city", ValueKind.STRING, "城市", True, ""),
            ("days", ValueKind.INTEGER, "days", False, "3"),
        ]
        too_large = say(Say.VALUE_TOO_LARGE, "zh", name="days", max=7, value=9)
        assert invoked.form.about == f"Tells the weather\n{too_large}"
        assert invoked.sentence.splitlines()[0] == too_large
        assert "`city`" in invoked.sentence
        again = await invoke(core_, "!run weather days=5")
        assert again.form is not None
        assert again.form.fields[1].value == "5"
        assert not await core_.store.unfinished()
        assert not core_.platform.messages


async def test_a_form_that_was_sent_runs_once() -> None:
    """Its mistakes go back to their fields; sent again and again it is one run."""
    async with core(said("Sunny.")) as core_:
        given = command("!run weather")
        wrong = await core_.intake.invoke(Invocation(given, {"city": " ", "days": "many"}))
        assert wrong.errors == {
            "city": say(Say.FORM_MISSING, "en"),
            "days": say(Say.VALUE_NOT_INTEGER, "en", name="days", value="many"),
        }
        for _ in range(2):
            assert (await core_.intake.invoke(Invocation(given, {"city": 'A "b"\n\\c', "days": "４"}))).accepted
        await core_.ended(given)
        assert runs(core_) == [{"city": 'A "b"\n\\c', "days": 4}]


@given(city=st.text(min_size=1), extra=st.text())
def test_whatever_a_form_brings_is_read_again(city: str, extra: str) -> None:
    """The command line that a form becomes means exactly what was filled in."""
    fields = {"id": "1", "parameters": {"city": {}, "note": {"type": "text", "required": False}}}
    flow = Flow("weather", WorkflowSettings.model_validate(fields), AgentBinding("a", FakeAgent(), "b"))
    filled = read_form(flow, {"city": city, "note": extra})
    if not filled.problems:
        arguments = flow.read(filled.line.removeprefix("!run weather"))
        expected = {name: text for name, text in (("city", city), ("note", extra)) if text.strip()}
        assert (dict(arguments.values), arguments.problems) == (expected, ())


async def test_a_workflow_is_chosen_for_a_message() -> None:
    """First which one, then its form with the message in it; with only one workflow at once."""
    async with core(said("A poem.")) as core_:
        given = command("!run", thread="root")
        chooser = (await core_.intake.invoke(Invocation(given, subject="roses"))).form
        assert chooser is not None
        assert chooser.workflow == ""
        assert [(f.name, f.choices, f.value) for f in chooser.fields] == [
            ("workflow", ("weather", "poem"), ""),
            ("subject", (), "roses"),
        ]
        unknown = await core_.intake.invoke(Invocation(given, {"workflow": "gone", "subject": "roses"}))
        assert list(unknown.errors) == ["workflow"]
        form = (await core_.intake.invoke(Invocation(given, {"workflow": "poem", "subject": "red roses"}))).form
        assert form is not None
        assert (form.workflow, form.fields[0].value) == ("poem", "red roses")
        assert (await core_.intake.invoke(Invocation(replace(given, text="!run poem"), {"text": "roses"}))).accepted
        await core_.ended(given)
        assert {message.place.thread for message in core_.platform.messages.values()} == {"root"}
    async with core(flows={"weather": WEATHER}) as core_:
        form = (await core_.intake.invoke(Invocation(command("!run"), subject="Paris"))).form
        assert form is not None
        assert form.fields[0].value == "Paris"


CAT, PLAN = Attachment("F1", "cat.png", "image/png", 3), Attachment("F2", "plan.pdf", "application/pdf", 4)
LOOK = {"id": "44", "parameters": {"a": {"type": "image"}, "b": {"type": "image", "required": False}, "about": {}}}
VIEW = {"id": "45", "parameters": {"picture": {"type": "image"}}}


async def test_a_message_brings_its_files() -> None:
    """What they fill is not asked for; where nothing else is to be asked the workflow runs at once."""
    async with core(flows={"look": LOOK, "view": VIEW, "weather": WEATHER}) as core_:
        given = replace(command("!run"), attachments=(PLAN, CAT))
        form = (await core_.intake.invoke(Invocation(given, {"workflow": "look", "subject": "a cat"}))).form
        assert form is not None
        assert [(f.name, f.value) for f in form.fields] == [("b", ""), ("about", "a cat")]
        sent = Invocation(replace(given, text="!run look"), {"about": "a cat"})
        drafted = await core_.intake.invoke(replace(sent, filled={}, draft=True))
        assert drafted == Invoked(form=drafted.form, errors={"about": say(Say.FORM_MISSING, "en")})
        assert not await core_.store.unfinished()
        assert (await core_.intake.invoke(replace(sent, draft=True))).errors == {}
        assert (await core_.intake.invoke(Invocation(given, {"workflow": "view"}))).accepted
        lacking = await core_.intake.invoke(Invocation(command("!run", number=2), {"workflow": "view"}))
        assert lacking.form is not None


async def test_a_file_goes_to_the_parameter_it_was_given_for() -> None:
    """One of another kind is named."""
    async with core(flows={"look": LOOK}) as core_:
        for file, errors in ((CAT, 0), (PLAN, 1), (replace(CAT, name="plan.pdf.png", size_bytes=10**9), 1)):
            given = replace(command("!run look"), attachments=(replace(file, given_for="b"),))
            form = (await core_.intake.invoke(Invocation(given, given={"about": "x"}))).form
            assert form is not None
            assert form.about.count("plan.pdf") == errors
            assert [field.name for field in form.fields] == ["a", "b", "about"][:: 1 + (not errors)]


CITIES = ("New York", "Newcastle", "York", "新乡", "Old New Town")


@pytest.mark.parametrize(
    ("workflow", "field", "typed", "wanted"),
    [
        ("", "", "", ("trip", "poem")),
        ("", "", "ＰＯ", ("poem",)),
        ("trip", "city", "new", ("New York", "Newcastle", "Old New Town")),
        ("trip", "city", "新", ("新乡",)),
        ("trip", "city", "Newcassle", ("Newcastle",)),
        ("trip", "city", "zzzzzzz", ()),
        ("trip", "via", "york, new", ("york, New York", "york, Newcastle", "york, Old New Town")),
        ("trip", "via", "York", ("York", "York, New York", "York, Newcastle", "York, 新乡", "York, Old New Town")),
        ("trip", "note", "x", ()),
        ("trip", "gone", "x", ()),
        ("secret", "city", "", ()),
        ("gone", "city", "", ()),
    ],
)
async def test_what_fits_is_suggested(workflow: str, field: str, typed: str, wanted: tuple[str, ...]) -> None:
    """Of workflows and choices, of those she may run, what begins so first."""
    city = {"type": "choice", "choices": CITIES}
    trip = {"id": "1", "parameters": {"city": city, "via": city | {"many": True}, "note": {}}}
    secret = trip | {"allow": {"users": ["U7"]}}
    async with core(flows={"trip": trip, "poem": POEM, "secret": secret}) as core_:
        who = command()
        assert core_.intake.suggest(Typing(who.place, who.author, workflow, field, typed)) == wanted


async def test_answers_to_commands_are_for_their_author_alone() -> None:
    """Also to what is no command at all."""
    async with core() as core_:
        await invoke(core_, "!status", number=1)
        await invoke(core_, "!stop", number=2)
        await invoke(core_, "what?", number=3)
        idle = say(Say.STATUS_IDLE, "en", agent="default")
        assert whispers(core_)[:2] == [idle, say(Say.STOP_NOTHING, "en")]
        assert whispers(core_)[2].startswith(say(Say.HELP, "en"))
        unknown = await invoke(core_, "!run wether", number=4)
        assert unknown.sentence == say(Say.RUN_UNKNOWN, "en", name="wether", names="`weather`, `poem`")
        assert not core_.platform.messages


async def test_new_forgets_the_callers_latest_conversation_of_the_channel() -> None:
    """Not one of another person, nor her earlier one; and says which."""
    agent = FakeAgent(spoken("a"), spoken("b"), spoken("c"), spoken("d"))
    async with core(agent=agent) as core_:
        for number, (thread, author) in enumerate((("t1", "U1"), ("t2", "U1"), ("t3", "U2"))):
            await core_.ask(envelope(number=number, thread=thread, author=author))
        await invoke(core_, "!new", number=9)
        assert whispers(core_)[0].startswith("✨ I have forgotten the conversation that you began here on")
        await core_.ask(envelope(number=10, thread="t1"))
        assert core_.agent.conversations == 3
        await invoke(core_, "!new", number=11)
        assert whispers(core_)[1] == say(Say.NEW_NOTHING, "en")


async def test_stop_ends_what_waits_for_the_callers_answer_in_the_channel() -> None:
    """A run that was begun by a command asks in its thread, where the answer is a reply."""
    asking: list[Step] = [RunInterrupted(Interruption("1/2", 2, AskKind.QUESTION, "Which day?"))]
    async with core(asking, asking, said("Friday it is.")) as core_:
        first, second = command("!run weather Paris", number=1), command("!run weather Rome", number=2)
        for given in (first, second):
            await core_.intake.invoke(Invocation(given))
        await core_.until(lambda: len(core_.platform.messages) == 4)
        await core_.clock.run(1.0)
        assert (await core_.record(second)).state is TurnState.WAITING
        root = (await core_.record(second)).root
        assert root is not None
        answer = envelope("Friday", number=7, thread=root.place.thread)
        await core_.ask(answer)
        assert (await core_.record(second)).outcome is Outcome.DELIVERED
        await invoke(core_, "!stop", number=8)
        assert whispers(core_) == [say(Say.STOP_DONE, "en")]
        assert (await core_.ended(first))[0].outcome is Outcome.STOPPED


async def test_where_we_cannot_write_nothing_runs() -> None:
    """The caller alone reads why."""
    platform = FakePlatform(errors={"announce": [PlatformRejected("not_in_channel")]})
    async with core(platform=platform) as core_:
        assert (await invoke(core_, "!run weather Paris")).accepted
        assert whispers(core_) == [say(Say.RUN_UNSEEN, "en")]
        assert not runs(core_)
        assert not platform.messages


async def test_a_full_channel_is_waited_for() -> None:
    """A refusal for too many posts costs the command nothing but time."""
    full = [PlatformRateLimited("slow down", retry_after_s=7.0) for _ in range(2)]
    platform = FakePlatform(errors={"announce": [*full]})
    async with core(said("Sunny."), platform=platform) as core_:
        began = core_.clock.now()
        given = command("!run weather Paris")
        assert (await core_.intake.invoke(Invocation(given))).accepted
        await core_.clock.run(13.9)
        assert not platform.messages
        await core_.ended(given)
        assert core_.clock.now() >= began + 14.0
        assert len(platform.visible()) == 2
        assert not whispers(core_)


async def test_a_channel_that_stays_full_is_given_up() -> None:
    """Nothing runs, and the caller alone reads why."""
    platform = FakePlatform(errors={"announce": [PlatformRateLimited("slow down", retry_after_s=7.0)] * 99})
    async with core(platform=platform) as core_:
        assert (await invoke(core_, "!run weather Paris")).accepted
        assert whispers(core_) == [say(Say.RUN_UNSEEN, "en")]
        assert not runs(core_)


@pytest.mark.parametrize("was_posted", [True, False])
async def test_a_lost_announcement_is_looked_for(was_posted: bool) -> None:
    """So it is there once."""
    lost = PlatformUnavailable("lost", outcome_unknown=True)
    platform = FakePlatform(errors={"announce!" if was_posted else "announce": [lost]})
    async with core(said("Sunny."), platform=platform) as core_:
        await invoke(core_, "!run weather Paris")
        assert len(platform.visible()) == 2


@pytest.mark.parametrize("was_posted", [True, False])
async def test_a_crash_neither_loses_nor_doubles_the_announcement(was_posted: bool) -> None:
    """What may have been posted before it is looked for after it."""
    clock = FakeClock()
    platform = FakePlatform()
    given = command("!run weather Paris")
    turn = TurnRecord(turn_id(given.delivery_key), "run:1", given, clock.wall(), announcing=True)  # type: ignore[arg-type]
    store = MemoryStore(clock)
    async with core(said("Sunny."), platform=platform, clock=clock, store=store) as core_:
        if was_posted:
            await platform.reply(given, turn.turn_id, "en").announce("▶️", where=ResultPlace.THREAD)  # type: ignore[attr-defined]
        await core_.store.create_turn(turn)
        await core_.whole.take_up()
        await core_.ended(given)
        assert [message.place.thread for message in platform.messages.values()] == [None, "msg-1"]


async def test_a_private_result_stays_private() -> None:
    """All of it goes where only the caller reads."""
    async with core(said("Secret."), flows={"weather": WEATHER | {"result": "only_me"}}) as core_:
        await invoke(core_, "!run weather Paris")
        assert [(m.place.channel, m.place.private) for m in core_.platform.messages.values()] == [("D-U1", True)] * 2


EVERY_WAY: dict[str, Invocation] = {
    "slash": Invocation(command("!run weather Paris")),
    "missing": Invocation(command("!run weather")),
    "choosing": Invocation(command("!run")),
    "shortcut": Invocation(command("!run"), subject="Paris"),
    "form": Invocation(command("!run weather"), {"city": "Paris"}),
    "draft": Invocation(command("!run weather"), {"city": "Paris"}, draft=True),
    "chosen": Invocation(command("!run"), {"workflow": "weather"}),
    **{word: Invocation(command(f"!{word}")) for word in ("new", "stop", "status", "help")},
}


@pytest.mark.parametrize("way", EVERY_WAY)
async def test_one_gate(way: str) -> None:
    """Whoever may not speak to us here gets neither form nor turn, by no way in."""
    async with core(gate=GateRules(users=AccessList(frozenset({"U7"})))) as core_:
        call = EVERY_WAY[way]
        assert await core_.intake.invoke(call) == Invoked(sentence=say(Say.NOT_ALLOWED, "en"))
        assert not core_.intake.suggest(Typing(call.envelope.place, call.envelope.author))
        assert not await core_.store.unfinished()
        assert not core_.platform.calls


@pytest.mark.parametrize("way", ["slash", "missing", "form", "draft", "chosen"])
async def test_who_may_not_run_a_workflow_sees_no_form_of_it(way: str) -> None:
    """Its own list counts for every way in."""
    async with core(flows={"weather": WEATHER | {"allow": {"users": ["U7"]}}, "poem": POEM}) as core_:
        invoked = await core_.intake.invoke(EVERY_WAY[way])
        assert invoked.sentence == say(Say.RUN_NOT_ALLOWED, "en", name="weather")
        assert invoked.form is None
        assert not invoked.accepted


async def test_commands_count_as_questions() -> None:
    """Too many are refused each time, to their author alone."""
    async with core(said("Sunny."), gate=GateRules(questions=1)) as core_:
        await invoke(core_, "!run weather Paris", number=1)
        for number in (2, 3):
            assert await core_.intake.invoke(Invocation(command("!run weather Rome", number=number)))
        await core_.until(lambda: len(core_.platform.whispers) == 2)
        assert all("too fast" in told or "fast" in told for told in whispers(core_))
