"""The run itself: ask, kill, let time pass, start again; at the end wait for everything and judge.

Nothing waits for answers between two kills, as long as not too many questions are open: a turn may be killed again
while it is taken up.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmarks.chaos.aim import Marksman
from benchmarks.chaos.points import POINTS, STATES, Point
from benchmarks.proving.crowd import PLATFORMS, Crowd
from benchmarks.proving.ground import BridgeDied, Ground
from benchmarks.proving.judge import Judge, Verdict
from benchmarks.proving.presses import Presser
from benchmarks.proving.questions import Question
from benchmarks.proving.store_view import is_written_down, unfinished

STATUS_REFUSED = "feature_not_enabled"
DOWNTIMES_S = (0.1, 3.0, 45.0, 240.0, 1800.0)
REAL_DOWNTIME_S = 0.1
"""So much of a downtime passes on the wall, the rest on the emulators' clock alone."""
OPEN_MAX = 14
OPEN_PATIENCE_S = 20.0
STUCK_AFTER_S = 60.0
ACCEPT_S = 6.0
SETTLE_S = 300.0
KILLED_WHILE_STARTING = 0.15
ANSWER_S = 2.5
DEPLOY_S = 30.0
REDELIVERIES_S = 400.0
"""After this Slack has delivered for the last time what was not acknowledged."""
COMMAND_SHARE, SLASH_SHARE, STOPPED_SHARE, RETRIED_SHARE = 0.08, 0.08, 0.15, 0.5
TRIES = 3
"""Rounds of aiming for each planned one: some states last for a millisecond."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What shall be done.

    Attributes:
        kills: All kills together; first every one of ``points`` ``each`` times, as far as they suffice, then at random.
        deploys: So often the next version is started beside the running one, which is asked to end (SIGTERM).
        full_disks: So often nothing can be written to files for a few seconds.
        asks_while_away: People ask while the bridge is down and while it dies too, which no platform delivers again;
            else a kill waits until what was asked is written down.
    """

    kills: int = 200
    each: int = 5
    points: tuple[Point, ...] = POINTS
    deploys: int = 0
    full_disks: int = 0
    seed: int = 0
    asks_while_away: bool = True

    @property
    def unaimed(self) -> int:
        """How many kills are left for moments that are not aimed at; some, also where the points take all."""
        return max(self.kills - self.each * len(self.points), self.kills // 10)


@dataclass(slots=True)
class Record:
    """What was done, beside the verdict."""

    kills: int = 0
    by_state: dict[str, Counter[str]] = field(default_factory=lambda: {p: Counter() for p in PLATFORMS})
    by_point: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    deploys: int = 0
    full_disks: int = 0
    deaths: list[str] = field(default_factory=list)


class Storm:
    """One run of a plan."""

    def __init__(self, ground: Ground, plan: Plan, tell: Callable[[str], None] = lambda _: None) -> None:
        self._ground = ground
        self._plan = plan
        self._tell = tell
        self._dice = random.Random(plan.seed)
        self.crowd = Crowd(ground, plan.seed)
        self.judge = Judge(ground, self.crowd)
        self.presser = Presser(ground, self.crowd, plan.seed)
        self.record = Record()
        self._unaimed = 0
        self._tasks: asyncio.TaskGroup
        self._marksman = Marksman(ground, self.crowd, self.presser, lambda work: self._tasks.create_task(work))

    async def run(self) -> Verdict:
        """Do everything planned and return what came of it."""
        async with asyncio.TaskGroup() as self._tasks:
            await self._do()
        self._ground.slack.switches.status_refusal = None
        await self._up()
        if self.record.full_disks:
            await self._ground.pass_time(REDELIVERIES_S)
        await self.judge.settled(SETTLE_S)
        return self.judge.verdict()

    async def _do(self) -> None:
        plan, record = self._plan, self.record
        await self._ground.start_bridge()
        await self._ground.until_connected()
        if plan.asks_while_away:
            await self._get_acquainted()
        refused = [point for point in plan.points if point.placeholder]
        reserve = min(len(refused) * plan.each, plan.kills // 3)
        await self._aimed([point for point in plan.points if not point.placeholder], plan.kills - reserve)
        await self._at_random((plan.kills + record.kills - reserve) // 2)
        self._ground.slack.switches.status_refusal = STATUS_REFUSED  # from now on Slack shows placeholders
        await self._aimed(refused, plan.kills)
        await self._at_random(plan.kills)
        while record.deploys < plan.deploys:
            await self._deploy()
        while record.full_disks < plan.full_disks:
            await self._full_disk()

    async def _at_random(self, until_kills: int) -> None:
        while self.record.kills < until_kills:
            await self._strike(None, self._random_downtime_s())

    async def _get_acquainted(self) -> None:
        """Let everybody ask once in private, and somebody in each channel."""
        for platform in PLATFORMS:
            self.crowd.ask_everywhere(platform)
            await self.judge.settled(SETTLE_S)

    async def _aimed(self, points: Sequence[Point], until_kills: int) -> None:
        """Strike every point as often as planned, each round in a new order; what was missed is tried again."""
        for number in range(self._plan.each * TRIES):
            downtime_s = DOWNTIMES_S[number % len(DOWNTIMES_S)]
            for point in self._dice.sample(points, len(points)):
                done = self.record.by_point[point.name]
                if done < min(number + 1, self._plan.each) and not self._is_foreign(point):
                    if self.record.kills >= until_kills:
                        return
                    await self._strike(point, downtime_s)

    def _is_foreign(self, point: Point) -> bool:
        """Tell that the bridge does not do this at all: missed, and the journal knows of no such request."""
        if not point.request or not self.record.missed[point.name]:
            return False
        return not self._ground.journal.select(service=point.service, kind="request", name=point.request)

    def _random_downtime_s(self) -> float:
        shortest, longest = DOWNTIMES_S[0], DOWNTIMES_S[-1]
        return float(shortest * (longest / shortest) ** self._dice.random())

    # --- one kill ---

    async def _strike(self, point: Point | None, downtime_s: float) -> None:
        await self._up()
        await self._room()
        await self._background(point)
        if point is None:
            self._unaimed += 1
            await asyncio.sleep(self._dice.uniform(0.0, ANSWER_S))
            self._ground.bridge.kill()
        elif not await self._marksman.strike(point):
            self.record.missed[point.name] += 1
            return
        await self._dead(point, downtime_s)
        await self._ground.start_bridge()
        if self._dice.random() < KILLED_WHILE_STARTING and self._unaimed < self._plan.unaimed:
            self._unaimed += 1
            await asyncio.sleep(self._dice.uniform(0.0, 1.5))
            self._ground.bridge.kill()
            await self._dead(None, self._dice.choice(DOWNTIMES_S[:2]))
            await self._ground.start_bridge()

    async def _dead(self, point: Point | None, downtime_s: float) -> None:
        """Take note of a kill, and let the downtime pass."""
        await self._ground.bridge.ended(timeout_s=5.0)
        turns = unfinished(self._ground.store)
        for platform in PLATFORMS:
            self.record.by_state[platform].update({turn.state for turn in turns if turn.platform == platform})
        self.record.kills += 1
        if point is not None:
            self.record.by_point[point.name] += 1
        what = point.name if point else "at random"
        states = ", ".join(sorted(f"{turn.platform} {turn.state}" for turn in turns))
        self._ground.journal.record("bridge", "process", "killed", what=what, downtime_s=downtime_s, turns=states)
        await self._ground.disconnected()
        left_s = max(0.0, downtime_s - REAL_DOWNTIME_S)
        await asyncio.sleep(min(downtime_s, REAL_DOWNTIME_S))
        await self._ground.pass_time(left_s / 2)
        if self._plan.asks_while_away:
            await self._ask_into_the_void(self._dice.randint(0, 2), 0.0)
        await self._ground.pass_time(left_s / 2)
        self._tell(f"{self.record.kills}/{self._plan.kills} {what}, {downtime_s:.3g} s down, unfinished: {len(turns)}")

    async def _up(self) -> None:
        """Have a connected bridge; one that ended by itself is noted and started again."""
        try:
            await self._ground.until_connected()
        except BridgeDied as died:
            self.record.deaths.append(str(died))
            self._ground.bridge.kill()
            await self._ground.bridge.ended(timeout_s=5.0)
            await self._ground.start_bridge()
            await self._ground.until_connected()

    async def _room(self) -> None:
        """Wait until not too many questions are open; what is stuck counts as a loss in the end, not here."""
        deadline = time.monotonic() + OPEN_PATIENCE_S
        while time.monotonic() < deadline:
            self.judge.look()
            since = self._ground.clock.now() - STUCK_AFTER_S
            if sum(question.asked_at > since for question in self.crowd.open_questions()) <= OPEN_MAX:
                return
            await self._ground.something_happens()

    # --- other ends and other troubles ---

    async def _deploy(self) -> None:
        """Start the next version while this one answers, and ask this one to end: it drains, the other waits."""
        await self._up()
        await self._room()
        await self._background(None)
        old = self._ground.bridge
        await self._ground.start_bridge()
        await asyncio.sleep(self._dice.uniform(0.0, ANSWER_S))
        old.terminate()
        self._ground.journal.record("bridge", "process", "asked to end", pid=old.pid)
        if self._plan.asks_while_away:
            await self._ask_into_the_void(3, 1.0)
        code = await old.ended(timeout_s=DEPLOY_S)
        self._ground.journal.record("bridge", "process", "ended", pid=old.pid, exit_code=code)
        if code != 0:
            self.record.deaths.append(f"exit code {code} after SIGTERM")
        self.record.deploys += 1
        self._tell(f"deploy {self.record.deploys}/{self._plan.deploys}")

    async def _full_disk(self) -> None:
        """Let every write to a file fail for some seconds, while answers run and people ask."""
        await self._up()
        await self._room()
        await self._background(None)
        self._ground.bridge.fill_disk(True)
        self._ground.journal.record("bridge", "process", "disk full")
        for _ in range(2):
            self.crowd.ask()
            await asyncio.sleep(self._dice.uniform(0.5, 2.0))
        self._ground.bridge.fill_disk(False)
        self._ground.journal.record("bridge", "process", "disk free")
        self.record.full_disks += 1
        self._tell(f"full disk {self.record.full_disks}/{self._plan.full_disks}")

    # --- asking ---

    async def _background(self, point: Point | None) -> None:
        """Let people ask beside the question that is aimed at."""
        asked = []
        for _ in range(self._dice.randint(1, 2) if point else self._dice.randint(2, 6)):
            draw = self._dice.random()
            if draw < COMMAND_SHARE:
                asked.append(self.crowd.run(self._dice.choice(PLATFORMS)))
            elif draw < COMMAND_SHARE + SLASH_SHARE:
                question = self.crowd.about_to_slash(self._dice.choice(PLATFORMS))
                self._tasks.create_task(self.crowd.run_by_slash(question))
            elif draw < COMMAND_SHARE + SLASH_SHARE + STOPPED_SHARE:
                self._ground.agent.slow.add(self.crowd.next_token)
                asked.append(question := self.crowd.ask())
                again = self._dice.random() < RETRIED_SHARE
                self._tasks.create_task(self.presser.think_better(question, again=again))
            else:
                asked.append(self.crowd.ask())
            await asyncio.sleep(self._dice.uniform(0.0, 0.1))
        if not self._plan.asks_while_away:
            await self._written_down(asked)

    async def _ask_into_the_void(self, most: int, pause_s: float) -> None:
        """Let people ask while nobody, or perhaps nobody, hears them."""
        for _ in range(most):
            self.crowd.ask()
            await asyncio.sleep(self._dice.uniform(0.0, pause_s))

    async def _written_down(self, questions: list[Question]) -> None:
        deadline = time.monotonic() + ACCEPT_S
        store = self._ground.store
        while time.monotonic() < deadline and not all(is_written_down(store, q.token) for q in questions):
            await self._ground.something_happens(0.02)


__all__ = ["STATES", "Plan", "Record", "Storm"]
