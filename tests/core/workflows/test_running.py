"""A workflow's run as a turn: what is shown, what is written down, what is asked back, and what is never repeated."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bridge.errors import AgentRejected, AgentUnavailable, ConversationGone
from bridge.keys import turn_id
from bridge.model import (
    Addressing,
    AnswerCompleted,
    AskedField,
    AskKind,
    ChatCompleted,
    ChatRef,
    ChatStarted,
    ControlKind,
    Envelope,
    Interruption,
    NodeOutput,
    Outcome,
    RunAccepted,
    RunInterrupted,
    RunMode,
    RunTicket,
    TurnRecord,
    TurnState,
    Usage,
    ValueKind,
)
from bridge.stores.memory import MemoryStore
from bridge.testing.clock import FakeClock
from bridge.testing.core import Core, core_of
from bridge.testing.fakes import FakeAgent, FakePlatform, envelope, spoken
from bridge.testing.workflows import FakeWorkflows, Step, said
from bridge.texts import Say, say
from bridge.turns.asking import AskingOptions
from bridge.turns.turn import TurnOptions
from bridge.workflows.settings import WorkflowSettings

LOST = AgentUnavailable("lost", outcome_unknown=True)
OPTIONS = TurnOptions(AskingOptions(identity_secret=b"secret of the tests"))


def flow(**fields: Any) -> WorkflowSettings:
    """A workflow that translates a text."""
    parameters = {"text": {"type": "text"}, "lang": {"default": "en", "required": False}}
    return WorkflowSettings.model_validate({"id": "42", "parameters": parameters} | fields)


def run_of(text: str = "!run translate good morning", number: int = 1, **more: Any) -> Envelope:
    """Somebody runs it."""
    return envelope(text, number=number, **more)


def asks(question: str = "Which city?", **more: Any) -> RunInterrupted:
    """The run stops for a question."""
    return RunInterrupted(Interruption("1/2", 2, question=question, **more))


def core(
    *scripts: list[Step],
    agent: FakeAgent | None = None,
    store: Any = None,
    clock: Any = None,
    platform: Any = None,
    **fields: Any,
) -> Any:
    """A core with one workflow that plays these scripts."""
    return core_of(
        agent or FakeAgent(),
        options=OPTIONS,
        workflows=FakeWorkflows(*scripts),
        flows={"translate": flow(**fields)},
        store=store,
        clock=clock,
        platform=platform,
    )


def workflows(core: Core) -> FakeWorkflows:
    """What the core runs."""
    found = core.whole.turns._runs.book.flows["translate"].binding.workflows
    assert isinstance(found, FakeWorkflows)
    return found


async def waits(core: Core, asked: Envelope) -> TurnRecord:
    """Let a run begin, and wait until it waits for an answer."""
    assert await core.intake.accept(asked)
    for _ in range(200):
        await core.clock.run(0.1)
        record = await core.record(asked)
        if record.state in (TurnState.WAITING, TurnState.ENDED):
            return record
    raise AssertionError(record)


# --- a run ------------------------------------------------------------------------------------------------------------


async def test_a_run_shows_its_nodes_and_its_result() -> None:
    """Values and defaults go out, what is said comes back, the turn ends as any other."""
    async with core(said("Guten", '{"output":"Morgen"}')) as world:
        record = await world.ask(run_of("！运行 Translate lang=de “good morning”"))
        assert world.platform.visible() == ["Guten\n\nMorgen"]
        [run] = workflows(world).runs
        assert (run.workflow_id, dict(run.parameters), run.mode) == (
            "42",
            {"text": "good morning", "lang": "de"},
            RunMode.STREAM,
        )
        assert run.user_id
        assert record.run == RunTicket("translate")
        assert record.outcome is Outcome.DELIVERED
        assert not world.agent.questions


async def test_words_are_seen_before_the_end_with_their_node() -> None:
    """The answer grows; the node's title stands below it until the end."""
    gate = asyncio.Event()
    script: list[Step] = [NodeOutput("1", "Draft", "first words of a long text", finished=False), gate]
    async with core([*script, *said("end")]) as world:
        assert await world.intake.accept(run_of())
        await world.until(lambda: bool(world.platform.visible()))
        await world.until(lambda: "⚙️ Draft" in world.platform.visible()[0])
        assert "first words" in world.platform.visible()[0]
        gate.set()
        await world.ended(run_of())
        assert world.platform.visible() == ["first words of a long text\n\nend"]


async def test_two_runs_go_side_by_side_with_a_question() -> None:
    """A run keeps nobody waiting in its conversation."""
    gate = asyncio.Event()
    async with core([gate, *said("slow")], agent=FakeAgent(spoken("The answer."))) as world:
        assert await world.intake.accept(run_of())
        assert await world.answered(envelope("And now?", number=2)) == ["The answer."]
        gate.set()
        await world.ended(run_of())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("!run", "You can run these workflows here:\n• `!run translate text=… [lang=…]`"),
        ("!run translat x", "There is no workflow `translat`. There are: `translate`."),
        ("!run translate", "Missing: `text`.\nWrite it like this: `!run translate text=… [lang=…]`"),
        ("!run translate lan=fr x", "There is no `lan` here. Did you mean: lang?\nMissing"),
    ],
)
async def test_what_is_wrong_is_said_and_nothing_runs(text: str, sentence: str) -> None:
    """Everything at once, with the right way to write it."""
    async with core() as world:
        record = await world.ask(run_of(text))
        assert record.outcome is Outcome.REFUSED
        assert sentence in world.platform.visible()[0]
        assert not workflows(world).runs


async def test_who_may_run_it_and_where() -> None:
    """Lists of the section, and results that are for one person alone."""
    async with core(allow={"users": ["U2"]}) as world:
        await world.ask(run_of())
        assert world.platform.visible() == [say(Say.RUN_NOT_ALLOWED, "en", name="translate")]
        await world.ask(run_of("!run", number=2))
        assert world.platform.visible()[-1] == say(Say.RUN_NONE, "en")


async def test_what_somebody_else_answers_does_not_count() -> None:
    """She is told so, once; a run that offers answers also minds one that is addressed to us. It still waits."""
    ben = {"author": "U2", "addressing": Addressing.FOLLOW_UP}
    async with core([asks(choices=("Paris", "Rome"))], said("Sunny"), agent=FakeAgent(spoken("Hello."))) as world:
        run = run_of()
        await waits(world, run)
        asked = list(world.platform.visible())
        for number, text in ((2, "I think"), (3, "Paris"), (4, "that is it")):
            assert not await world.intake.accept(run_of(text, number=number, **ben))
        assert not await world.intake.accept(run_of("1", number=5, author="U3"))
        await world.clock.run(1.0)
        sentence = say(Say.RUN_NOT_YOURS, "en", name="name of U1")
        assert world.platform.visible() == [*asked, sentence, sentence]
        assert await world.answered(run_of("Hello?", number=6, author="U3")) == ["Hello."]
        await world.ask(run_of("Rome", number=7))
        assert workflows(world).resumed[0][2] == "Rome"
        assert (await world.ended(run))[0].outcome is Outcome.DELIVERED
        assert not await world.intake.accept(
            run_of("Paris", number=8, author="U4", addressing=Addressing.FOLLOW_UP, thread="root2")
        )


async def test_the_bare_verb_is_an_ordinary_word() -> None:
    """Only before the name of a workflow is it a command."""
    async with core(said("done"), agent=FakeAgent(spoken("Of course."))) as world:
        assert await world.answered(run_of("运行 这段代码")) == ["Of course."]
        assert await world.answered(run_of("运行 translate 早", number=2)) == ["done"]


async def test_help_lists_what_can_be_run() -> None:
    """For the one who asks."""
    async with core() as world:
        assert await world.intake.accept(run_of("!help"))
        await world.ended(run_of("!help"))
        assert "`!run translate text=… [lang=…]`" in world.platform.visible()[0]


async def test_failures_have_their_sentences() -> None:
    """What was said stays, marked as interrupted; a button runs it again."""
    refused = AgentRejected("no", code=4200, said=Say.RUN_NOT_PUBLISHED)
    script: list[Step] = [NodeOutput("1", "Draft", "half", finished=True), refused]
    async with core(script, said("whole")) as world:
        record = await world.ask(run_of())
        [shown] = world.platform.visible()
        assert shown.startswith("half\n\n" + say(Say.INTERRUPTED, "en"))
        assert say(Say.RUN_NOT_PUBLISHED, "en") in shown
        assert record.outcome is Outcome.FAILED


async def test_what_was_held_back_is_shown_when_it_breaks() -> None:
    """Half a JSON text is better than nothing."""
    async with core([NodeOutput("1", "", '{"a": "b', finished=False), AgentRejected("no")]) as world:
        await world.ask(run_of())
        assert world.platform.visible()[0].startswith('{"a": "b')


async def test_a_run_without_a_result() -> None:
    """It has ended, and says so."""
    async with core(said("{}")) as world:
        await world.ask(run_of())
        assert world.platform.visible() == [say(Say.RUN_EMPTY, "en")]


# --- never repeated by itself -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fields", "sentence"), [({}, Say.RUN_MAYBE), ({"run": "sync"}, Say.RUN_MAYBE_SYNC)])
async def test_an_unknown_outcome_is_told_and_not_repeated(fields: dict[str, Any], sentence: Say) -> None:
    """The user reads that it may have run; with sync, what would help."""
    async with core([LOST], **fields) as world:
        record = await world.ask(run_of())
        assert world.platform.visible()[0].startswith(say(sentence, "en"))
        assert (len(workflows(world).runs), record.outcome) == (1, Outcome.FAILED)


async def test_a_repeatable_run_is_started_again_once() -> None:
    """Its section says that this does no harm; twice would be obstinate."""
    async with core([LOST], said("done"), repeatable=True) as world:
        assert await world.answered(run_of()) == ["done"]
    async with core([LOST], [LOST], repeatable=True) as world:
        assert (await world.ask(run_of())).outcome is Outcome.FAILED
        assert len(workflows(world).runs) == 2


def cut(state: TurnState, text: str = "!run translate good morning", **fields: Any) -> TurnRecord:
    """A run as a crash left it."""
    asked = run_of(text)
    lane = f"run:{turn_id(asked.delivery_key)}"
    record = TurnRecord(turn_id(asked.delivery_key), lane, asked, created_at_s=1_760_000_000.0, agent="default")  # type: ignore[arg-type] # a key by another name
    return replace(record, state=state, **{"run": RunTicket("translate")} | fields)


async def take_up(world: Core, record: TurnRecord) -> TurnRecord:
    """Start over with what is written down."""
    assert await world.store.create_turn(record)
    await world.whole.take_up()
    return (await world.ended(record.envelope))[0]


async def test_cut_while_it_may_run() -> None:
    """After a restart it is not started again; the user reads that it may have run, and can run it again."""
    async with core(said("again")) as world:
        record = await take_up(world, cut(TurnState.ASKING))
        assert world.platform.visible()[0].startswith(say(Say.RUN_MAYBE, "en"))
        assert (workflows(world).runs, record.outcome) == ([], Outcome.FAILED)


async def test_cut_while_it_may_run_but_repeatable() -> None:
    """It is run again, with its values."""
    async with core(said("done"), repeatable=True) as world:
        await take_up(world, cut(TurnState.ASKING))
        assert world.platform.visible() == ["done"]
        assert workflows(world).runs[0].parameters["text"] == "good morning"


async def test_an_async_run_survives_a_restart() -> None:
    """It is followed by its id, even a day later."""
    async with core(said("done"), run="async", timeout_s=3 * 86400.0) as world:
        ticket = RunTicket("translate", "exec-7")
        old = replace(cut(TurnState.ASKED, run=ticket), created_at_s=world.clock.wall() - 2 * 86400)
        await take_up(world, old)
        assert world.platform.visible() == ["done"]
        assert (workflows(world).runs, workflows(world).followed) == ([], [("exec-7", "")])


async def test_an_async_run_is_written_down_and_says_so() -> None:
    """From its id on it is *asked*; a sentence stands where the result will be."""
    gate = asyncio.Event()
    async with core([RunAccepted("exec-7"), gate, *said("done")], run="async") as world:
        assert await world.intake.accept(run_of())
        await world.until(lambda: bool(world.platform.visible()))
        assert world.platform.visible() == [say(Say.RUN_BACKGROUND, "en", name="translate")]
        record = await world.record(run_of())
        assert (record.state, record.run) == (TurnState.ASKED, RunTicket("translate", "exec-7"))
        gate.set()
        await world.ended(run_of())
        assert world.platform.visible() == ["done"]


async def test_stop_ends_our_listening() -> None:
    """The user reads that Coze goes on."""
    async with core([asyncio.Event()]) as world:
        assert await world.intake.accept(run_of())
        await world.until(lambda: bool(workflows(world).runs))
        stop = run_of("!stop", number=2, inside_thread=True)
        await world.ask(stop)
        assert (await world.ended(run_of()))[0].outcome is Outcome.STOPPED
        assert say(Say.RUN_STOPPED, "en") in world.platform.visible()


async def test_commands_in_a_thread_with_a_run_need_not_name_us() -> None:
    """Stop, and the next run; what people say to each other there is none of our business."""
    async with core([asyncio.Event()], said("again")) as world:
        assert await world.intake.accept(run_of())
        await world.until(lambda: bool(workflows(world).runs))
        await world.ask(run_of("!stop", number=2, addressing=Addressing.FOLLOW_UP))
        assert (await world.ended(run_of()))[0].outcome is Outcome.STOPPED
        assert await world.answered(run_of(number=3, addressing=Addressing.FOLLOW_UP)) == ["again"]
        assert not await world.intake.accept(run_of("nice!", number=4, addressing=Addressing.FOLLOW_UP, author="U2"))


async def test_a_run_has_its_own_time_limit() -> None:
    """The sentence names what helps."""
    async with core([asyncio.Event()], timeout_s=60.0) as world:
        assert await world.intake.accept(run_of())
        await world.clock.run(59.0)
        assert (await world.record(run_of())).state is not TurnState.ENDED
        await world.ended(run_of())
        assert world.platform.visible()[0].startswith(say(Say.RUN_TOO_LONG, "en"))


# --- asked and answered -----------------------------------------------------------------------------------------------


async def test_a_question_is_answered_by_the_next_message() -> None:
    """Even by one that does not name us; the rest of the run is its answer."""
    async with core([*said("Weather")[:1], asks()], said("Sunny.")) as world:
        first = await waits(world, run_of())
        assert (first.state, first.run and first.run.asked and first.run.asked.event_id) == (TurnState.WAITING, "1/2")
        assert "Which city?" in world.platform.visible()[0]
        assert say(Say.RUN_ASKS_YOU, "en", name="name of U1") in world.platform.visible()[0]
        answer = envelope("Hangzhou", number=2, addressing=Addressing.FOLLOW_UP)
        assert await world.answered(answer) == ["Sunny."]
        [(_, asked, text)] = workflows(world).resumed
        assert (asked.event_id, text) == ("1/2", "Hangzhou")
        assert (await world.record(run_of())).state is TurnState.ENDED
        assert not world.agent.questions


async def test_only_the_one_who_ran_it_answers() -> None:
    """What somebody else says here is an ordinary question."""
    async with core([asks()], agent=FakeAgent(spoken("I do not know."))) as world:
        await waits(world, run_of())
        assert await world.answered(envelope("Hangzhou", number=2, author="U2")) == ["I do not know."]
        assert (await world.record(run_of())).state is TurnState.WAITING


async def test_asked_again_and_again() -> None:
    """Each answer may lead to the next question."""
    async with core([asks()], [asks("Which day?")], said("Sunny.")) as world:
        await waits(world, run_of())
        second = await waits(world, envelope("Hangzhou", number=2))
        assert second.state is TurnState.WAITING
        assert (await world.record(run_of())).state is TurnState.ENDED
        assert await world.answered(envelope("Friday", number=3)) == ["Sunny."]
        assert [text for _, _, text in workflows(world).resumed] == ["Hangzhou", "Friday"]


async def test_choices_by_number_and_forms_by_name() -> None:
    """What travels is the choice, or the form's JSON; what does not fit is said, and the run still waits."""
    async with core([asks("Tea?", choices=("yes", "no"))], said("No tea.")) as world:
        await waits(world, run_of())
        await world.answered(envelope("2", number=2))
        assert workflows(world).resumed[0][2] == "no"
    fields = (AskedField("city"), AskedField("days", ValueKind.INTEGER))
    form = RunInterrupted(Interruption("1/2", 5, AskKind.INPUT, fields=fields))
    async with core([form], said("Booked.")) as world:
        await waits(world, run_of())
        await world.ask(envelope("city=Paris days=soon", number=2))
        shown = world.platform.visible()[-1]
        assert "takes a whole number" in shown
        assert say(Say.RUN_STILL_WAITS, "en") in shown
        assert await world.answered(envelope("city=Paris days=3", number=3)) == ["Booked."]
        assert workflows(world).resumed[0][2] == '{"city": "Paris", "days": 3}'


async def test_an_answer_that_may_not_have_arrived_can_be_given_again() -> None:
    """The run still waits for it."""
    async with core([asks()], [LOST], said("Sunny.")) as world:
        await waits(world, run_of())
        await world.ask(envelope("Hangzhou", number=2))
        assert world.platform.visible()[-1].startswith(say(Say.RUN_ANSWER_MAYBE, "en"))
        assert await world.answered(envelope("Hangzhou", number=3)) == ["Sunny."]


async def test_an_answer_to_a_run_that_has_ended() -> None:
    """Coze says that it is over: so does the turn, and nothing waits any more."""
    over = AgentRejected("ended", code=4315, said=Say.RUN_OVER)
    async with core([asks()], [over], agent=FakeAgent(spoken("An answer."))) as world:
        await waits(world, run_of())
        await world.ask(envelope("Hangzhou", number=2))
        assert world.platform.visible()[-1].startswith(say(Say.RUN_OVER, "en"))
        assert (await world.record(run_of())).state is TurnState.ENDED
        assert await world.answered(envelope("What now?", number=3)) == ["An answer."]


async def test_answered_twice_at_once() -> None:
    """The second message of a hurried person finds that nothing is waited for."""
    gate = asyncio.Event()
    async with core([asks()], [gate, *said("Sunny.")]) as world:
        await waits(world, run_of())
        one, two = envelope("Hangzhou", number=2), envelope("Hangzhou!", number=3)
        assert await world.intake.accept(one)
        assert await world.intake.accept(two)
        gate.set()
        await world.ended(one, two)
        assert say(Say.RUN_ANSWERED, "en") in world.platform.visible()
        assert len(workflows(world).resumed) == 1


async def test_the_answer_comes_after_a_restart() -> None:
    """The waiting turn and the note that leads to it are in the store."""
    clock = FakeClock()
    store = MemoryStore(clock)
    async with core([asks()], store=store, clock=clock) as world:
        await waits(world, run_of())
    async with core(said("Sunny."), store=store, clock=clock) as world:
        await world.whole.take_up()
        assert await world.answered(envelope("Hangzhou", number=2)) == ["Sunny."]
        assert (await world.record(run_of())).state is TurnState.ENDED


async def test_a_waiting_run_is_stopped_or_runs_out() -> None:
    """By the word, or after its hours; then the next message is an ordinary one."""
    async with core([asks()], agent=FakeAgent(spoken("An answer."))) as world:
        await waits(world, run_of())
        await world.ask(run_of("!stop", number=2))
        await world.ended(run_of())
        assert say(Say.STOP_DONE, "en") in world.platform.visible()
        assert await world.answered(envelope("What now?", number=3)) == ["An answer."]
    async with core([asks()], agent=FakeAgent(spoken("An answer.")), waiting_hours=1.0) as world:
        await waits(world, run_of())
        await world.clock.run(3700.0)
        await world.whole.end_overdue()
        await world.ended(run_of())
        assert await world.answered(envelope("What now?", number=2)) == ["An answer."]


async def test_a_run_that_waits_for_a_tool() -> None:
    """Nobody can write that."""
    async with core([RunInterrupted(Interruption("1/2", 6, AskKind.PLUGIN))]) as world:
        assert (await world.ask(run_of())).outcome is Outcome.FAILED
        assert world.platform.visible()[0].startswith(say(Say.RUN_NEEDS_MORE, "en"))


async def test_cut_while_the_question_is_being_shown() -> None:
    """It waits when it has been shown."""
    async with core() as world:
        ticket = RunTicket(
            "translate", asked=Interruption("1/2", 2, question="Which?"), until_s=world.clock.wall() + 60
        )
        record = cut(TurnState.DELIVERING, run=ticket, answer="Which?", outcome=Outcome.DELIVERED)
        assert await world.store.create_turn(record)
        await world.whole.take_up()
        await world.until(lambda: world.platform.visible() == ["Which?"])
        await world.clock.run(5.0)
        assert (await world.record(run_of())).state is TurnState.WAITING


# --- chatflows --------------------------------------------------------------------------------------------------------


def talked(text: str, conversation: str = "conv-9") -> list[Step]:
    """What a chatflow says."""
    started = ChatStarted(ChatRef(conversation, "chat-9"))
    return [started, AnswerCompleted("m", text), ChatCompleted(Usage())]


async def test_a_chatflow_goes_on_in_its_conversation() -> None:
    """What stands behind its name is said; the conversation is remembered for the next time."""
    async with core(talked("Hello."), talked("Again."), as_chat=True, parameters={}) as world:
        await world.answered(run_of("!run translate good morning"))
        await world.answered(run_of("!run translate and now?", number=2))
        assert [(run.text, run.conversation_id, run.bot_id) for run in workflows(world).runs] == [
            ("good morning", "", "bot-1"),
            ("and now?", "conv-9", "bot-1"),
        ]


async def test_a_chatflow_asks_and_is_stopped() -> None:
    """Its question is answered in the same conversation; its chat can be cancelled."""
    asked: list[Step] = [*talked("Which city?")[:2], RunInterrupted(Interruption(""))]
    async with core(asked, talked("Lovely!"), as_chat=True, parameters={}) as world:
        await waits(world, run_of("!run translate hi"))
        assert await world.answered(envelope("Hangzhou", number=2)) == ["Lovely!"]
        [(run, _, text)] = workflows(world).resumed
        assert (run.conversation_id, text) == ("conv-9", "Hangzhou")
    async with core([*talked("x")[:1], asyncio.Event()], as_chat=True, parameters={}) as world:
        assert await world.intake.accept(run_of("!run translate hi"))
        await world.until(lambda: bool(workflows(world).runs))
        await world.ask(run_of("!stop", number=2))
        assert world.agent.cancelled == [ChatRef("conv-9", "chat-9")]


async def test_a_chatflow_whose_conversation_is_gone() -> None:
    """It begins a new one by itself."""
    async with core(
        talked("Hello."), [ConversationGone("gone")], talked("New.", "conv-10"), as_chat=True, parameters={}
    ) as world:
        await world.answered(run_of())
        assert await world.answered(run_of(number=2)) == ["New."]
        assert [run.conversation_id for run in workflows(world).runs] == ["", "conv-9", ""]


@pytest.mark.parametrize("can_be_fetched", [True, False])
async def test_a_chatflow_that_was_cut(can_be_fetched: bool) -> None:
    """Its chat is fetched where the service lets us; elsewhere the user reads that it may have run."""
    agent = FakeAgent(spoken("Fetched.") if can_be_fetched else [AgentRejected("no such chat", code=4001)])
    async with core(agent=agent, as_chat=True, parameters={}) as world:
        record = cut(TurnState.ASKED, conversation_id="conv-9", chat_id="chat-9")
        await take_up(world, record)
        shown = "Fetched." if can_be_fetched else say(Say.RUN_MAYBE, "en")
        assert world.platform.visible()[0].startswith(shown)


async def test_run_again_from_the_button() -> None:
    """A failed run is run again by a press, with the same values."""
    platform = FakePlatform()
    platform.capabilities = replace(platform.capabilities, controls=True)
    async with core_of(
        FakeAgent(),
        options=OPTIONS,
        platform=platform,
        workflows=FakeWorkflows([LOST], said("done")),
        flows={"translate": flow()},
    ) as world:
        platform.hearing = world.intake
        await world.ask(run_of())
        [message] = platform.messages
        assert await platform.press(message, ControlKind.RETRY)
        await world.until(lambda: "done" in platform.visible())
        assert len(workflows(world).runs) == 2
