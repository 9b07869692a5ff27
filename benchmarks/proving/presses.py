"""People who press what stands below an answer: Stop while it grows, Try again below one that was stopped."""

from benchmarks.proving.crowd import Crowd
from benchmarks.proving.ground import Ground
from benchmarks.proving.questions import Question
from bridge.texts import LANGUAGES, Say

STOP, RETRY = LANGUAGES["en"][Say.STOP_LABEL], LANGUAGES["en"][Say.RETRY_LABEL]


class Presser:
    """Presses buttons in the name of whoever asked."""

    def __init__(self, ground: Ground, crowd: Crowd) -> None:
        self._ground = ground
        self._crowd = crowd

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
