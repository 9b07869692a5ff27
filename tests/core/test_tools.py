"""What an agent wants from a tool in the middle of its answer: the tool says it, or the person who asked does."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bridge.errors import AgentBusy, AgentRejected, AgentUnavailable, ToolFailed
from bridge.keys import conversation_key, turn_id
from bridge.model import (
    ActionRequired,
    AnswerCompleted,
    AnswerDelta,
    ChatCompleted,
    ChatRef,
    ChatStarted,
    Envelope,
    Outcome,
    Scope,
    ToolCall,
    ToolOutput,
    ToolTicket,
    TurnRecord,
    TurnState,
    Usage,
)
from bridge.stores.memory import MemoryStore
from bridge.testing.clock import FakeClock
from bridge.testing.core import Core, core_of
from bridge.testing.fakes import FakeAgent, Step, envelope, spoken
from bridge.texts import Say, say
from bridge.turns.tooling import FAILED_OUTPUT

CHAT = ChatRef("", "chat-1")
RUN = ChatRef("conversation-1", "chat-1")
RAIN = ToolCall("call-1", "function", "rain", '{"city":"Oslo","day":"Friday"}')
ASK = ToolCall("call-2", "reply_message", "question", "Which city?")
WIND = ToolCall("call-3", "function", "wind/speed", "{}")


@dataclass
class FakeTools:
    """Says what it is told to; an error is raised."""

    said: dict[str, str | ToolFailed] = field(default_factory=dict)
    used: list[tuple[str, str]] = field(default_factory=list)

    def knows(self, name: str) -> bool:
        return name in self.said

    async def use(self, call: ToolCall, user_id: str) -> str:
        self.used.append((call.id, user_id))
        said = self.said[call.name]
        if isinstance(said, ToolFailed):
            raise said
        return said


def needs(*calls: ToolCall, text: str = "Let me see.") -> list[Step]:
    """Script an answer that stops for tools."""
    return [ChatStarted(CHAT), AnswerDelta("m1", text), AnswerCompleted("m1", text), ActionRequired(RUN, calls)]


def goes_on(*texts: str) -> list[Step]:
    """Script the rest of it."""
    return [ChatStarted(RUN), *[AnswerDelta("m2", text) for text in texts], ChatCompleted(Usage())]


async def waits(core: Core, asked: Envelope) -> TurnRecord:
    """Ask, and wait until somebody's answer is waited for."""
    assert await core.intake.accept(asked)
    for _ in range(200):
        await core.clock.run(0.1)
        if (record := await core.record(asked)).state is TurnState.WAITING:
            return record
    raise AssertionError(record)


def reply(text: str, number: int = 2, **more: Any) -> Envelope:
    """Somebody says something in the same thread."""
    return envelope(text, number=number, inside_thread=True, **more)


# --- a tool at our side -----------------------------------------------------------------------------------------------


async def test_the_same_answer_goes_on_with_what_a_tool_said() -> None:
    """One message, one turn; what the tool said is written down before it is handed over."""
    tools = FakeTools({"rain": "50 %"})
    async with core_of(FakeAgent(needs(RAIN), goes_on("It may ", "rain.")), tools=tools) as core:
        assert await core.answered(envelope()) == ["Let me see.\n\nIt may rain."]
        assert core.agent.submitted == [(RUN, (ToolOutput("call-1", "50 %"),))]
        assert [call for call, _ in tools.used] == ["call-1"]
        assert tools.used[0][1] == core.agent.questions[0].user_id
        record = await core.record(envelope())
        assert record.tools == ToolTicket((RAIN,), (ToolOutput("call-1", "50 %"),))


async def test_a_tool_that_fails_is_told_to_the_agent_and_below_the_answer() -> None:
    """The agent finds its own words for it."""
    tools = FakeTools({"rain": ToolFailed("down")})
    async with core_of(FakeAgent(needs(RAIN), goes_on("I do not know.")), tools=tools) as core:
        [shown] = await core.answered(envelope())
        assert shown.endswith(say(Say.TOOLS_FAILED, "en", names="`rain`"))
        assert core.agent.submitted[0][1] == (ToolOutput("call-1", FAILED_OUTPUT),)


async def test_what_was_lost_on_the_way_is_looked_up() -> None:
    """Not taken: once more. Taken: listened to. No tool is used twice."""
    lost: list[Step] = [AgentUnavailable("lost", outcome_unknown=True)]
    tools = FakeTools({"rain": "50 %"})
    agent = FakeAgent(needs(RAIN), lost, [ActionRequired(RUN, (RAIN,))], goes_on("Rain."))
    async with core_of(agent, tools=tools) as core:
        assert await core.answered(envelope()) == ["Let me see.\n\nRain."]
        assert (len(agent.submitted), len(tools.used)) == (2, 1)
    agent = FakeAgent(needs(RAIN), lost, goes_on("Rain."))
    async with core_of(agent, tools=FakeTools({"rain": "50 %"})) as core:
        assert await core.answered(envelope()) == ["Let me see.\n\nRain."]
        assert (len(agent.submitted), agent.followed) == (1, [RUN])


async def test_a_tool_is_not_used_again_after_a_crash() -> None:
    """What it said is in the journal; the run is looked up, and gets it."""
    asked = envelope()
    lane = conversation_key(asked.place, asked.author, Scope.THREAD)
    ticket = ToolTicket((RAIN,), (ToolOutput("call-1", "50 %"),))
    record = TurnRecord(turn_id(asked.delivery_key), lane, asked, created_at_s=1_760_000_000.0, agent="default")
    record = replace(record, state=TurnState.ASKED, conversation_id="conversation-1", chat_id="chat-1", tools=ticket)
    tools = FakeTools({"rain": "sunshine"})
    agent = FakeAgent([ChatStarted(RUN), ActionRequired(RUN, (RAIN,))], goes_on("Rain."))
    async with core_of(agent, tools=tools) as core:
        assert await core.store.create_turn(record)
        await core.whole.take_up()
        await core.ended(asked)
        assert core.platform.visible() == ["Rain."]
        assert (tools.used, agent.submitted[0][1]) == ([], ticket.outputs)


async def test_a_refusal_of_what_a_tool_said_is_told() -> None:
    """With the sentence of the refusal; nothing is tried for ever."""
    agent = FakeAgent(needs(RAIN), [AgentRejected("no", code=4000)], [ActionRequired(RUN, (RAIN,))])
    async with core_of(agent, tools=FakeTools({"rain": "50 %"})) as core:
        record = await core.ask(envelope())
        assert record.outcome is Outcome.FAILED
        assert len(agent.submitted) == 1


# --- a person in a tool's place ---------------------------------------------------------------------------------------


async def test_a_person_is_asked_and_the_answer_goes_on_below_hers() -> None:
    """The tool's name and what the agent gives it, harmless; the turn waits and ends with her answer."""
    async with core_of(FakeAgent(needs(RAIN), goes_on("Take an umbrella."))) as core:
        asked = await waits(core, envelope())
        [shown] = core.platform.visible()
        wanted = say(Say.TOOL_WANTED, "en", name="rain")
        assert shown.startswith(f'Let me see.\n\n{wanted}\n\n```json\n{{\n  "city": "Oslo",')
        assert say(Say.RUN_ASKS_YOU, "en", name="name of U1") in shown
        assert asked.tools is not None
        assert asked.tools.calls == (RAIN,)
        assert await core.answered(reply("50 %")) == ["Take an umbrella."]
        assert core.agent.submitted == [(RUN, (ToolOutput("call-1", "50 %"),))]
        [over] = await core.ended(envelope())
        assert over.outcome is Outcome.DELIVERED


async def test_a_question_of_the_agent_is_shown_as_it_is_and_once() -> None:
    """Where the agent has said it already, it is not repeated."""
    async with core_of(FakeAgent(needs(ASK, text="Which city?"), goes_on("Sunny."))) as core:
        await waits(core, envelope())
        assert core.platform.visible()[0].count("Which city?") == 1
        assert await core.answered(reply("Oslo")) == ["Sunny."]


async def test_several_things_are_asked_by_name() -> None:
    """What a tool can say it says; the others are asked for, and what is missing is said."""
    tools = FakeTools({"rain": "50 %"})
    async with core_of(FakeAgent(needs(RAIN, ASK, WIND), goes_on("All right.")), tools=tools) as core:
        await waits(core, envelope())
        assert say(Say.RUN_ASKS_FORM, "en", name="name of U1") in core.platform.visible()[0]
        refused = await core.ask(reply("question=Oslo"))
        assert refused.outcome is Outcome.REFUSED
        assert "`wind_speed`" in core.platform.visible()[-1]
        assert await core.answered(reply("question=Oslo wind_speed=“3 m/s”", number=3)) == ["All right."]
        said = {output.call_id: output.text for output in core.agent.submitted[0][1]}
        assert said == {"call-1": "50 %", "call-2": "Oslo", "call-3": "3 m/s"}


async def test_it_may_ask_again() -> None:
    """An answer that leads to another question waits as the first did; nothing said before is repeated."""
    again: list[Step] = [ChatStarted(RUN), AnswerDelta("m2", "Hm."), ActionRequired(RUN, (ASK,))]
    fetched: list[Step] = [ChatStarted(RUN), AnswerCompleted("m1", "Let me see."), AnswerCompleted("m2", "Hm.")]
    end = [*fetched, AnswerCompleted("m3", "Sunny."), ChatCompleted(Usage())]
    async with core_of(FakeAgent(needs(RAIN), again, end)) as core:
        await waits(core, envelope())
        await waits(core, reply("50 %"))
        assert await core.answered(reply("Oslo", number=3)) == ["Sunny."]


async def test_somebody_else_asks_meanwhile() -> None:
    """Her question is an ordinary one; where the run keeps the conversation occupied she gets a new one."""
    agent = FakeAgent(needs(RAIN), [AgentBusy("occupied", code=4016)], spoken("For you."), goes_on("Rain."))
    async with core_of(agent) as core:
        await waits(core, envelope())
        [shown] = await core.answered(reply("And me?", author="U2"))
        assert shown == f"For you.\n\n{say(Say.NEW_CONVERSATION_FORCED, 'en')}"
        assert await core.answered(reply("50 %", number=3)) == ["Rain."]
        assert agent.submitted[0][0] == RUN


async def test_it_is_answered_after_a_restart() -> None:
    """Days later too, as long as it waits."""
    clock = FakeClock()
    store = MemoryStore(clock)
    async with core_of(FakeAgent(needs(RAIN)), store=store, clock=clock) as core:
        await waits(core, envelope())
        held = [await core.store.turn(turn_id(envelope().delivery_key))]
    assert held[0] is not None
    async with core_of(FakeAgent(goes_on("Rain.")), clock=clock) as core:
        assert await core.store.create_turn(held[0])
        await core.whole.turns._runs.waits.add(envelope(), held[0].turn_id)
        await core.whole.take_up()
        assert await core.answered(reply("50 %")) == ["Rain."]


async def test_an_answer_that_was_lost_can_be_given_again() -> None:
    """The turn still waits; where it arrived after all, the next one finds the rest of the answer."""
    lost: list[Step] = [AgentUnavailable("lost", outcome_unknown=True)]
    refused: list[Step] = [AgentRejected("it does not wait", code=4000)]
    agent = FakeAgent(needs(RAIN), lost, lost, refused, goes_on("Rain."))
    async with core_of(agent) as core:
        await waits(core, envelope())
        await core.ask(reply("50 %"))
        assert core.platform.visible()[-1].startswith(say(Say.RUN_ANSWER_MAYBE, "en"))
        assert (await core.record(envelope())).state is TurnState.WAITING
        assert await core.answered(reply("50 %", number=3)) == ["Rain."]
        assert (await core.record(envelope())).state is TurnState.ENDED


async def test_a_run_that_is_over() -> None:
    """Coze has forgotten it: that is said, and nothing waits any more."""
    gone: list[Step] = [AgentRejected("no such chat", code=4001)]
    async with core_of(FakeAgent(needs(RAIN), gone, gone, spoken("Anew."))) as core:
        await waits(core, envelope())
        await core.ask(reply("50 %"))
        assert core.platform.visible()[-1].startswith(say(Say.TOOL_OVER, "en"))
        assert (await core.record(envelope())).outcome is Outcome.FAILED
        assert await core.answered(reply("Well then?", number=3)) == ["Anew."]


async def test_stop_ends_the_waiting() -> None:
    """The next message is a question again."""
    async with core_of(FakeAgent(needs(RAIN), spoken("Anew."))) as core:
        await waits(core, envelope())
        await core.ask(reply("!stop"))
        assert (await core.ended(envelope()))[0].outcome is Outcome.STOPPED
        assert await core.answered(reply("Well then?", number=3)) == ["Anew."]


@pytest.mark.parametrize("state", [TurnState.ASKING, TurnState.ASKED])
async def test_an_answer_that_a_crash_cut(state: TurnState) -> None:
    """Taken or not, it is looked up; what the person said is in the journal."""
    async with core_of(FakeAgent(needs(RAIN), [ActionRequired(RUN, (RAIN,))], goes_on("Rain."))) as core:
        asked = await waits(core, envelope())
        answer = reply("50 %")
        ticket = ToolTicket((RAIN,), (ToolOutput("call-1", "50 %"),))
        cut = TurnRecord(turn_id(answer.delivery_key), asked.key, answer, created_at_s=core.clock.wall())
        cut = replace(cut, state=state, answers=asked.turn_id, agent="default", tools=ticket)
        assert await core.store.create_turn(replace(cut, conversation_id="conversation-1", chat_id="chat-1"))
        await core.whole.take_up()
        await core.ended(answer, envelope())
        assert core.platform.visible(cut.turn_id) == ["Rain."]
        assert core.agent.submitted == [(RUN, ticket.outputs)]
