"""What Coze refuses, and answers that come too late, on the whole road: each with a clear sentence, and nothing lost.

What is wrong before anything runs stands in ``core/workflows/test_bad_input``, and so do both languages.
"""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from bridge.texts import Say, say
from sandbox.coze import Ask, RunScript, Step, Workflow
from tests.loopback.road import Road

WEATHER, DRAFT, STRICT, SLOW = (f"736646891705510000{n}" for n in range(4))
PEOPLE = {"en": "ann", "zh": "li"}
NAMES = {"en": "Ann", "zh": "李丽"}
BIG = {"rows": ["值" * 20 for _ in range(4000)], "total": 4000}
QUESTION = RunScript(
    (Step("Q", ask=Ask("Which day?", ("Friday", "Sunday"))),), result={"output": "Sunny on {{answer}}"}
)


@dataclass
class Table:
    """What one person reads of each mistake."""

    road: Road
    locale: str = "en"

    def call(self, text: str) -> str:
        """Call a workflow; return the thread."""
        return self.road.ask(text, user=PEOPLE[self.locale])

    async def reads(self, thread: str, key: Say, **values: object) -> str:
        """Expect a sentence in a thread; return all that stands there."""
        sentence = say(key, self.locale, **values)

        def shown() -> str:
            return "\n".join(f"{m.text}\n{m.small_print}" for m in self.road.answers(thread))

        await self.road.until(lambda: sentence in shown(), f"the sentence {sentence!r}")
        return shown()

    async def failed(self, text: str, key: Say, **values: object) -> str:
        """Expect a sentence, and that it can be tried again."""
        thread = self.call(text)
        shown = await self.reads(thread, key, **values)
        await self.road.until(
            lambda: say(Say.RETRY_LABEL, self.locale) in self.road.answers(thread)[-1].buttons, "a button to try again"
        )
        return shown

    async def asked(self) -> str:
        """Let a run ask; return the thread."""
        self.road.coze.script_run(QUESTION, workflow_id=WEATHER)
        thread = self.call("!run weather Paris")
        await self.reads(thread, Say.RUN_ASKS_YOU, name=NAMES[self.locale])
        await self.road.quiet()
        return thread

    def answer(self, text: str, thread: str, *, user: str = "") -> None:
        """Answer it."""
        self.road.reply(text, thread, user=user or PEOPLE[self.locale])


@pytest.fixture
def table(road: Road) -> Table:
    """Workflows of every kind."""
    city: dict[str, Any] = {"city": {"type": "string", "required": True}}
    road.coze.add_workflow(Workflow(WEATHER, "weather", parameters=city))
    road.coze.add_workflow(Workflow(DRAFT, "draft", published=False))
    road.coze.add_workflow(Workflow(STRICT, "strict", parameters={"secret": {"type": "string", "required": True}}))
    road.coze.add_workflow(Workflow(SLOW, "slow"))
    road.configure("workflows.weather", id=WEATHER)
    road.configure("workflows.weather.parameters.city", type="string")
    road.configure("workflows.draft", id=DRAFT)
    road.configure("workflows.strict", id=STRICT)
    road.configure("workflows.slow", id=SLOW, run="sync")
    return Table(road)


async def test_what_goes_wrong_at_coze(table: Table) -> None:
    """Each can be tried again; what the operator can do is said, and long results come whole."""
    road = table.road
    table.locale = "zh"
    async with road.bridge():
        await table.failed("!run draft", Say.RUN_NOT_PUBLISHED)
        await table.failed("!run strict", Say.RUN_BAD_PARAMETERS)
        road.coze.script_run(RunScript(result="done", pause_s=3600), workflow_id=SLOW)
        road.coze.switches.plain_run_timeout_s = 0.05  # of ninety seconds
        thread = table.call("!run slow")
        assert "async" in await table.reads(thread, Say.RUN_MAYBE_SYNC)
        road.coze.script_run(RunScript(result='{"half": '), workflow_id=WEATHER)
        thread = table.call("!run weather Paris")
        await road.answer('{"half": ', thread)
        road.coze.script_run(RunScript(result=BIG), workflow_id=WEATHER)
        thread = table.call("!run weather Rome")
        await road.until(lambda: road.slack.service.workspaces["T1"].files, "a file")
        await road.quiet()
    (record,) = road.slack.service.workspaces["T1"].files.values()
    assert json.loads(record.content) == BIG
    assert record.size_bytes > 200_000
    assert record.shares[0][2] == thread


async def test_what_goes_wrong_with_an_answer(table: Table) -> None:
    """Somebody else's, a second one, one that comes too late: the question is neither lost nor answered twice."""
    road = table.road
    async with road.bridge():
        thread = await table.asked()
        table.answer("Sunday", thread, user="ben")
        await road.sentence(Say.RUN_NOT_YOURS, "en", thread)
        table.answer("Friday", thread)
        table.answer("Sunday", thread)
        await table.reads(thread, Say.RUN_ANSWERED)
        await road.answer("Sunny on Friday", thread)

        thread = await table.asked()
        road.coze.switches.interruption_lifetime_s = 60.0
        road.coze.clock.advance(61.0)
        table.answer("Friday", thread)
        await table.reads(thread, Say.RUN_OVER)  # 4315

        thread = await table.asked()
        road.coze.workflows.runs.popitem()  # nobody knows it any more
        table.answer("Friday", thread)
        shown = await table.reads(thread, Say.RUN_OVER)  # 4314
        assert "Which day?" in shown
        await road.quiet()
    assert len(road.coze.workflows.runs) == 2
