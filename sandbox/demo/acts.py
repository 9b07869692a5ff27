"""What people do in the script beyond asking: run workflows, press buttons; and what must be seen in the end."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from sandbox.coze.dialect import DELTA
from sandbox.coze.state import Message
from sandbox.demo.process import SERVICE as BRIDGE
from sandbox.demo.side import Form, Said, Side, Spot, Thread
from sandbox.demo.together import joined
from sandbox.demo.town import ANN, BEN, DemoFailed, Town
from sandbox.demo.verdict import words_in
from sandbox.demo.words import Words
from sandbox.demo.workflows import IDS, INVITATION, REPORT, TRIP, WEATHER

Found = TypeVar("Found")

SEEN_TIMEOUT_S = 30.0
DAYS = 2
AT_WORK = "⚙️"
"""Stands before the node that speaks."""
REPAIRS = "…*_`\n"
"""What may stand at the end of a text that was cut, so that it can be shown."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an act ended.

    Attributes:
        done: What somebody did, in her words.
        steps: In how many texts the last message grew.
        ended: What it says in the end.
    """

    platform: str
    title: str
    done: str = ""
    steps: int = 0
    ended: str = ""
    failures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answered:
    """A whole answer that was shown, and where."""

    spot: Spot
    message: str
    conversation_id: str


@dataclass(slots=True)
class Stage:
    """Where one act is played, and what those who play it can do.

    Attributes:
        ready: Set when the bridge may be restarted, by an act that outlives it.
        restarted: Set when it was.
        failures: Sentences for what does not hold.
    """

    town: Town
    side: Side
    words: Words
    title: str
    ready: asyncio.Event
    restarted: asyncio.Event
    failures: list[str] = field(default_factory=list)

    @property
    def number(self) -> int:
        """Which of the values each service has for itself is this one's."""
        return self.town.sides.index(self.side)

    @property
    def scene(self) -> str:
        """Its name in complaints."""
        return f"{self.side.name}, {self.title}"

    async def until(self, find: Callable[[], Found | None], what: str) -> Found:
        """Return what ``find`` finds, once it finds something.

        Raises:
            DemoFailed: It did not in time, or the bridge is gone.
        """
        deadline = self.town.clock.now() + SEEN_TIMEOUT_S
        while True:
            if found := find():
                return found
            if (code := self.town.bridge.exit_code) is not None:
                raise DemoFailed(self.words.died_in_scene.format(scene=self.title, code=code))
            if self.town.clock.now() > deadline:
                raise DemoFailed(self.words.not_seen.format(scene=self.scene, seconds=SEEN_TIMEOUT_S, what=what))
            await self.town.something_happens()

    async def type(self, person: str, line: str) -> None:
        """Type a slash command, once the service knows it."""
        name = line.partition(" ")[0]
        await self.until(lambda: name in self.side.commands(), f"/{name}")
        await self.side.command(person, line, apart=True)

    async def form(self, person: str) -> Form:
        """Return the form that opens before somebody."""
        return await self.until(lambda: self.side.form(person), self.words.form_opens.partition(":")[0])

    async def begun(self, name: str, values: str) -> Thread:
        """Return the thread of a run: below the line that says who runs what, which must read exactly so."""
        line = self.words.runs.format(who="Ann", name=name, values=values)

        def found() -> Thread | None:
            return next((thread for thread in self.side.threads() if thread.said[0].text == line), None)

        return await self.until(found, line)

    async def ends(self, spot: Spot, text: str, *, beside: Collection[str] = ()) -> Said:
        """Return the bot's last message in a place once it reads exactly so, in as many messages as it took.

        Args:
            beside: Messages that do not count.
        """

        def whole() -> Said | None:
            shown = [said for said in self.side.answers(spot) if said.id not in beside]
            over = bool(shown) and not shown[-1].small_print.startswith(AT_WORK)
            return shown[-1] if over and joined([said.text for said in shown], text) == text else None

        return await self.until(whole, text)

    async def press(self, person: str, answer: Answered, label: str) -> Said:
        """Press a button below an answer, once it is there; return the answer as it was then."""

        def found() -> Said | None:
            shown = (said for said in self.side.answers(answer.spot) if said.id == answer.message)
            return next((said for said in shown if label in said.buttons), None)

        said = await self.until(found, label)
        await self.side.press(person, answer.spot, answer.message, label)
        return said

    def expect_once(self, what: str, times: int) -> None:
        """Note it if something did not happen exactly once."""
        if times != 1:
            self.failures.append(self.words.not_once.format(scene=self.scene, what=what, times=times))

    def runs(self, name: str, **parameters: object) -> int:
        """Return how many runs of a workflow began with these values."""
        runs = [run for run in self.town.coze.workflows.runs.values() if run.workflow.workflow_id == IDS[name]]
        return sum(parameters.items() <= run.parameters.items() for run in runs)

    def outcome(self, done: str, spot: Spot, last: Said) -> Outcome:
        """Return how it ended, once nothing more is expected."""
        steps = sum(bool(step.text) for step in self.side.steps(spot, last.id))
        ended = " ".join(f"{last.text} {last.small_print}".split())
        return Outcome(self.side.name, self.title, done, steps, ended, tuple(self.failures))


@dataclass(frozen=True, slots=True)
class Act:
    """Something that is played on one service.

    Attributes:
        service: As in the journal.
        spans: It begins before the restart of the bridge and ends after it.
    """

    service: str
    title: str
    play: Callable[[Stage], Awaitable[Outcome]]
    spans: bool = False


def workflow_acts(words: Words, service: str) -> list[Act]:
    """Return the acts that run workflows."""
    return [
        Act(service, words.weather_title, run_with_arguments),
        Act(service, words.form_title, run_by_form),
        Act(service, words.trip_title, answer_a_question),
    ]


def background_act(words: Words, service: str) -> Act:
    """Return the act that outlives the bridge."""
    return Act(service, words.report_title, wait_for_a_report, spans=True)


async def run_with_arguments(stage: Stage) -> Outcome:
    """Type a command with its arguments; its nodes speak, then comes the result."""
    words, city = stage.words, stage.words.cities[stage.number]
    line = f"{WEATHER} city={city} days={DAYS}"
    await stage.type(ANN, line)
    thread = await stage.begun(WEATHER, f"`city={city}`  `days={DAYS}`")
    text = f"{words.weather_saying}\n\n{words.weather_result}".replace("{{city}}", city).replace("{{days}}", f"{DAYS}")
    last = await stage.ends(thread.spot, text)
    stage.expect_once(line, stage.runs(WEATHER, city=city, days=DAYS))
    return stage.outcome(f"/{line}", thread.spot, last)


async def run_by_form(stage: Stage) -> Outcome:
    """Type a command without its arguments; a form opens, is filled in and sent."""
    words, occasion, tone = stage.words, stage.words.occasions[stage.number], stage.words.invitation_tones[2]
    line = INVITATION if INVITATION in stage.side.commands() else f"coze run {INVITATION}"
    await stage.type(ANN, line)
    form = await stage.form(ANN)
    values = dict(zip((blank.id for blank in form.blanks), (occasion, tone), strict=True))
    await stage.side.fill_in(ANN, values)
    thread = await stage.begun(INVITATION, f"`occasion={occasion}`  `tone={tone}`")
    text = f"{words.invitation_saying}\n\n{words.invitation_result}".replace("{{tone}}", tone)
    last = await stage.ends(thread.spot, text.replace("{{occasion}}", occasion))
    stage.expect_once(line, stage.runs(INVITATION, occasion=occasion, tone=tone))
    return stage.outcome(f"/{line} → {form.title}", thread.spot, last)


async def answer_a_question(stage: Stage) -> Outcome:
    """A run asks something; whoever began it answers by a plain reply in its thread."""
    words, city, day = stage.words, stage.words.cities[stage.number], stage.words.trip_days[1]
    line = f"{TRIP} city={city}"
    await stage.type(ANN, line)
    thread = await stage.begun(TRIP, f"`city={city}`")

    def asked() -> Said | None:
        shown = stage.side.answers(thread.spot)
        return next((said for said in shown if words.trip_question in said.text and said.small_print), None)

    question = await stage.until(asked, words.trip_question)
    spot = stage.side.say(ANN, day, thread.spot)
    text = words.trip_result.replace("{{city}}", city).replace("{{answer}}", day)
    last = await stage.ends(spot, text, beside=(question.id,))
    stage.expect_once(line, stage.runs(TRIP, city=city))
    return stage.outcome(f"/{line} → {day}", spot, last)


async def wait_for_a_report(stage: Stage) -> Outcome:
    """A run in the background goes on while the bridge is down, and is told of when it is back."""
    words, topic = stage.words, stage.words.topics[stage.number]
    line = f"{REPORT} topic={topic}" if REPORT in stage.side.commands() else f"coze run {REPORT} topic={topic}"
    await stage.type(ANN, line)
    thread = await stage.begun(REPORT, f"`topic={topic}`")
    noted = words.in_background.format(name=REPORT)

    def told() -> bool:
        return any(noted in f"{said.text}\n{said.small_print}" for said in stage.side.answers(thread.spot))

    await stage.until(told, noted)
    stage.ready.set()
    await stage.restarted.wait()
    back_at = stage.town.journal.select(service=BRIDGE, name="started")[-1].at
    result = {"topic": topic, "sources": 12, "verdict": words.report_verdict}
    text = f"```json\n{json.dumps(result, ensure_ascii=False, indent=2)}\n```"
    last = await stage.ends(thread.spot, text)
    if stage.side.steps(thread.spot, last.id)[-1].at < back_at:
        stage.failures.append(words.too_early.format(scene=stage.scene))
    stage.expect_once(line, stage.runs(REPORT, topic=topic))
    return stage.outcome(f"/{line}", thread.spot, last)


def button_acts(words: Words, service: str, answer: Answered, image: Answered, question: str) -> list[Act]:
    """Return the acts that press what stands below answers.

    Args:
        answer: One whose suggestions and thumbs are pressed.
        image: Another one, the only one in its thread, which shall be given again.
        question: What that one answers.
    """
    return [
        Act(service, words.stop_title, stop_an_answer),
        Act(service, words.suggestion_title, partial(press_a_suggestion, answer=answer)),
        Act(service, words.feedback_title, partial(send_feedback, answer=answer)),
        Act(service, words.regenerate_title, partial(ask_again, answer=image, question=question)),
    ]


async def stop_an_answer(stage: Stage) -> Outcome:
    """Ask, and press Stop as soon as there are words: they stay, marked, and Coze stops too."""
    words, question = stage.words, stage.words.stop_questions[stage.number]
    spot = stage.side.mention(ANN, question)

    def growing() -> Said | None:
        return next((s for s in stage.side.answers(spot) if s.text.strip() and words.stop in s.buttons), None)

    message = await stage.until(growing, words.stop)
    await stage.side.press(ANN, spot, message.id, words.stop)

    def stopped() -> Said | None:
        return next((said for said in stage.side.answers(spot) if words.stopped in said.small_print), None)

    last = await stage.until(stopped, words.stopped)
    said = await stage.until(lambda: cancelled(stage.town, question), words.run_cancelled)
    if not last.text or not said.startswith(last.text.rstrip(REPAIRS)):
        stage.failures.append(words.shown_instead.format(scene=stage.scene, wanted=said, shown=last.text))
    return stage.outcome(f"{question} → {words.stop}", spot, last)


def cancelled(town: Town, question: str) -> str | None:
    """Return what the agent had said to a question when it was cancelled; ``None`` before that."""
    chats, messages = town.coze.world.chats, known_messages(town)
    asked = {message.chat_id for message in messages if message.type == "question" and question in message.content}
    for chat_id in asked & {chat.chat_id for chat in chats.values() if chat.status == "canceled"}:
        deltas = town.journal.select(service="coze", kind="event", name=DELTA)
        return "".join(e.detail["content"] or "" for e in deltas if e.detail["chat_id"] == chat_id)
    return None


def known_messages(town: Town) -> list[Message]:
    """Return all that Coze remembers."""
    return [message for place in town.coze.world.conversations.values() for message in place.messages]


def answered(town: Town, question: str, conversation_id: str) -> str | None:
    """Return what the agent has answered to a question in a conversation; ``None`` before that."""
    messages = town.coze.world.conversations[conversation_id].messages
    chats = {m.chat_id for m in messages if m.type == "question" and words_in(m.content).endswith(question)}
    said = [m.content for m in messages if m.type == "answer" and m.chat_id in chats]
    return said[-1] if said else None


async def press_a_suggestion(stage: Stage, answer: Answered) -> Outcome:
    """Press a question that the agent suggests: it is asked in the presser's name, and answered below."""
    words = stage.words
    before = {said.id for said in stage.side.answers(answer.spot)}
    await stage.press(BEN, answer, words.suggestion)
    head = words.asks.format(name="Ben", question=words.suggestion)
    said = await stage.until(lambda: answered(stage.town, words.suggestion, answer.conversation_id), words.suggestion)
    last = await stage.ends(answer.spot, f"{head}{said}", beside=before)
    return stage.outcome(f"Ben → {words.suggestion}", answer.spot, last)


async def send_feedback(stage: Stage, answer: Answered) -> Outcome:
    """Press 👍: Coze learns of it, and the one who pressed reads that."""
    words = stage.words
    shown = await stage.press(ANN, answer, words.good)

    def heard() -> bool:
        return any(m.feedback and m.content == shown.text for m in known_messages(stage.town))

    await stage.until(heard, words.feedback_came)
    thanked = await stage.until(
        lambda: next((said for said in stage.side.whispers(ANN) if said.text == words.thanks), None), words.thanks
    )
    return Outcome(stage.side.name, stage.title, f"Ann → {words.good}", 1, thanked.text, tuple(stage.failures))


async def ask_again(stage: Stage, answer: Answered, question: str) -> Outcome:
    """Press Regenerate: another answer takes the place of the old one, beginning in the same message."""
    words = stage.words
    old = await stage.press(BEN, answer, words.regenerate)

    def another() -> str | None:
        said = answered(stage.town, question, answer.conversation_id)
        return said if said != old.text else None

    last = await stage.ends(answer.spot, await stage.until(another, words.regenerate))
    if stage.side.answers(answer.spot)[0].id != old.id:
        stage.failures.append(words.not_in_place.format(scene=stage.scene))
    return stage.outcome(f"Ben → {words.regenerate}", answer.spot, last)
