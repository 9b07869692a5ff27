"""Aiming: a question is asked so that it comes to a point, and the bridge is killed there."""

import asyncio
import sys
from collections.abc import Callable
from typing import Any

from benchmarks.chaos.points import How, Point
from benchmarks.proving.crowd import Crowd
from benchmarks.proving.ground import Ground
from benchmarks.proving.presses import Presser
from benchmarks.proving.questions import Question
from sandbox.journal import Entry

REACH_S = 8.0
PRESSED_REACH_S = 15.0
"""A press waits for the button, and what it leads to for the press before it."""


class Marksman:
    """Kills the bridge at points. ``spawn`` lets something go on beside."""

    def __init__(self, ground: Ground, crowd: Crowd, presser: Presser, spawn: Callable[[Any], object]) -> None:
        self._ground = ground
        self._crowd = crowd
        self._presser = presser
        self._spawn = spawn

    async def strike(self, point: Point) -> bool:
        """Ask a question and kill at its point; ``False`` when it was never reached."""
        if point.how.is_slow:
            self._ground.agent.slow.add(self._crowd.next_token)
        return await (self._at_state(point) if point.state else self._at_request(point))

    def _ask_for(self, point: Point) -> Question:
        """Let somebody ask; what takes longer than asking goes on beside, with the newest question of the crowd."""
        crowd, platform = self._crowd, point.platform
        match point.how:
            case How.RUN:
                return crowd.run(platform)
            case How.SLASH:
                self._spawn(crowd.run_by_slash(question := crowd.about_to_slash(platform)))
                return question
            case How.DIRECT | How.LONG_DIRECT:
                return crowd.ask_directly(platform, long=point.how.is_slow)
            case How.STOP | How.RETRY:
                question = crowd.ask_anew(platform, long=True)
                self._spawn(self._presser.think_better(question, again=point.how is How.RETRY))
                return question
            case How.ANEW | How.LONG:
                return crowd.ask_anew(platform, long=point.how.is_slow)
        return crowd.ask(platform)

    async def _at_state(self, point: Point) -> bool:
        bridge, token = self._ground.bridge, f"{self._crowd.next_token}:"
        sniper = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "benchmarks.chaos.sniper", str(bridge.pid), str(self._ground.store)),
            *(point.platform, point.state, token, str(REACH_S)),
            stdout=asyncio.subprocess.PIPE,
        )
        assert sniper.stdout is not None
        await sniper.stdout.readline()
        self._ask_for(point)
        return await sniper.wait() == 0

    async def _at_request(self, point: Point) -> bool:
        bridge = self._ground.bridge
        questions: list[Question] = []
        reached = asyncio.Event()
        seen = 0

        def look(entry: Entry) -> None:
            nonlocal seen
            if questions and not reached.is_set() and point.is_reached(entry, questions[0], self._ground):
                seen += 1
                if seen == point.nth:
                    bridge.kill()
                    reached.set()

        with self._ground.journal.listening(look):
            questions.append(self._ask_for(point))
            try:
                async with asyncio.timeout(PRESSED_REACH_S if point.how in (How.STOP, How.RETRY) else REACH_S):
                    await reached.wait()
            except TimeoutError:
                return False
        return True
