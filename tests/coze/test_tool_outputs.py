"""What an agent wants from tools of ours: told, handed over, and the answer goes on."""

import pytest

from bridge.errors import AgentRejected, AgentUnavailable
from bridge.model import ActionRequired, AnswerCompleted, ChatCompleted, ChatRef, ToolOutput
from sandbox.coze import Answer, CozeEmulator, RequiredAction, ToolCall
from tests.coze.conftest import MakeAgent
from tests.coze.tools import collect, question, text_in

SUBMIT = "POST /v3/chat/submit_tool_outputs"
CALL = ToolCall("rain", '{"city":"Oslo"}')


async def asked(coze: CozeEmulator, agent: object, *calls: ToolCall) -> tuple[ChatRef, list[ToolOutput]]:
    """Ask what needs tools; return the run and an output for each of them."""
    coze.script(Answer(requires_action=RequiredAction(calls or (CALL,), before="Let me see.")))
    events = await collect(agent.ask(question()))  # type: ignore[attr-defined]
    required = events[-1]
    assert isinstance(required, ActionRequired)
    assert text_in(events) == "Let me see."
    return required.chat, [ToolOutput(call.id, f"{call.name}: 50 %") for call in required.calls]


@pytest.mark.parametrize("mode", ["stream", "poll"])
async def test_the_answer_goes_on(coze: CozeEmulator, make_agent: MakeAgent, mode: str) -> None:
    """With an output for every call, however the answer is read."""
    agent = await make_agent(coze.base_url, mode=mode)
    chat, outputs = await asked(coze, agent, CALL, ToolCall("wind"))
    events = await collect(agent.submit(chat, outputs))
    assert text_in(events).endswith("rain: 50 % wind: 50 %")
    assert isinstance(events[-1], ChatCompleted)


async def test_a_cut_stream_is_fetched(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """Once it was taken nothing is handed over again."""
    agent = await make_agent(coze.base_url)
    chat, outputs = await asked(coze, agent)
    coze.faults.plan(SUBMIT, "cut", after_events=2)
    events = await collect(agent.submit(chat, outputs))
    assert text_in(events).endswith("rain: 50 %")
    assert len(coze.journal.select(service="coze", kind="request", name=SUBMIT)) == 1


async def test_what_was_lost_can_be_looked_up(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """As long as it was not taken the run waits for the same; what it said before is told too."""
    agent = await make_agent(coze.base_url)
    chat, outputs = await asked(coze, agent)
    coze.faults.plan(SUBMIT, "hang_up")
    with pytest.raises(AgentUnavailable) as caught:
        await collect(agent.submit(chat, outputs))
    assert caught.value.outcome_unknown
    events = await collect(agent.follow(chat))
    assert [event.text for event in events if isinstance(event, AnswerCompleted)] == ["Let me see."]
    assert isinstance(events[-1], ActionRequired)
    assert events[-1].calls[0].id == outputs[0].call_id
    assert text_in(await collect(agent.submit(chat, outputs))) == "rain: 50 %"


async def test_handed_over_twice(coze: CozeEmulator, make_agent: MakeAgent) -> None:
    """Coze refuses the second time: the run does not wait any more."""
    agent = await make_agent(coze.base_url)
    chat, outputs = await asked(coze, agent)
    await collect(agent.submit(chat, outputs))
    with pytest.raises(AgentRejected):
        await collect(agent.submit(chat, outputs))
