"""People who press what stands below an answer: Stop while it grows, Try again below one that was stopped."""

import asyncio
import random
import time

from benchmarks.proving.crowd import Crowd
from benchmarks.proving.ground import Ground
from benchmarks.proving.questions import Question
from bridge.texts import LANGUAGES, Say

PRESS_PATIENCE_S, PRESS_AFTER_S = 20.0, 0.8
STOP, RETRY = LANGUAGES["en"][Say.STOP_LABEL], LANGUAGES["en"][Say.RETRY_LABEL]


class Presser:
    """Presses buttons in the name of whoever asked."""

    def __init__(self, ground: Ground, crowd: Crowd, seed: int = 0) -> None:
        self._ground = ground
        self._crowd = crowd
        self._dice = random.Random(seed)

    async def think_better(self, question: Question, *, again: bool) -> None:
        """Let whoever asked stop the answer while it grows, and perhaps want it after all."""
        if await self._press_when_there(question, STOP):
            question.stop_acknowledged = True
        if again and question.stop_pressed and await self._press_when_there(question, RETRY):
            question.retry_acknowledged = True
            question.retry_presses = 1
            question.retry_presses += await self.press(question, RETRY)  # a double press

    async def _press_when_there(self, question: Question, label: str) -> bool:
        deadline = time.monotonic() + PRESS_PATIENCE_S
        while not self.can_press(question, label):
            if question.answered or time.monotonic() > deadline:
                return False
            await self._ground.something_happens()
        await asyncio.sleep(self._dice.uniform(0.0, PRESS_AFTER_S))
        if not self.can_press(question, label):
            return False
        question.stop_pressed = question.stop_pressed or label == STOP
        question.retry_pressed = question.retry_pressed or label == RETRY
        return await self.press(question, label)

    def can_press(self, question: Question, label: str) -> bool:
        """Tell whether an answer shows a button now."""
        if question.platform == "slack":
            return self._slack_button(question, label) is not None
        return self._discord_message(question, label) is not None

    async def press(self, question: Question, label: str) -> bool:
        """Press a button; tell whether the bridge acknowledged it, ``False`` also when it is not there (any more)."""
        person = self._crowd.conversations[question.conversation].person
        if question.platform == "slack":
            found = self._slack_button(question, label)
            if found is None:
                return False
            ts, action_id, value = found
            slack = self._ground.slack
            return (await slack.click(person, question.spot.channel, ts, action_id, value)).accepted
        message = self._discord_message(question, label)
        if message is None:
            return False
        answer = await self._ground.discord.click(person, question.spot.channel, message, label)
        return not answer.failure

    def _slack_button(self, question: Question, label: str) -> tuple[str, str, str] | None:
        """Return the message, the action and the value of a button; the newest one of this answer."""
        slack, spot = self._ground.slack, question.spot
        for message in reversed(slack.answers(spot.channel, spot.root)):
            if f"{question.token}-" not in message.text or label not in message.buttons:
                continue
            for block in message.blocks:
                for element in block.get("elements", []):
                    if element.get("type") == "button" and element["text"]["text"] == label:
                        return message.ts, str(element["action_id"]), str(element.get("value", ""))
        return None

    def _discord_message(self, question: Question, label: str) -> str | None:
        discord, channel = self._ground.discord, question.spot.channel
        if channel not in discord.service.world.channels:
            return None
        shown = [m for m in discord.answers(channel) if f"{question.token}-" in m.text and label in m.buttons]
        return shown[-1].id if shown else None
