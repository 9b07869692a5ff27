"""The people who ask: where, whom, how long an answer they want, and what they see of it."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from benchmarks.proving.ground import CHANNELS, PEOPLE, SLASH, Ground
from benchmarks.proving.questions import (
    PARAMETER,
    RUN_SENTENCES,
    WORKFLOW,
    Question,
    command_text,
    question_text,
    token_of,
)
from sandbox.demo.discord_side import DiscordSide
from sandbox.demo.side import Said, Side, Spot
from sandbox.demo.slack_side import SlackSide
from sandbox.demo.words import WORDS

PLATFORMS = ("slack", "discord")
SHORT = 3
LONG = {"slack": 160, "discord": 60}
"""Sentences of an answer that needs two messages on Slack, three on Discord."""
LONG_SHARE, DIRECT_SHARE, FOLLOW_UP_SHARE = 0.25, 0.25, 0.35
APOLOGY = "⚠️"
"""Begins every sentence that tells why there is no answer. Source: ``bridge.texts``."""
WAITING_MAX = 3
"""Unanswered questions in one conversation beyond which nobody adds another."""


@dataclass(slots=True, eq=False)
class Conversation:
    """A thread or a direct conversation, and what was asked there, in order."""

    name: str
    platform: str
    person: str
    spot: Spot
    questions: list[Question] = field(default_factory=list)

    @property
    def waiting(self) -> int:
        """How many of its questions have no whole answer yet."""
        return sum(not question.is_over for question in self.questions)


class Crowd:
    """Asks in the name of many people and remembers everything that was asked."""

    def __init__(self, ground: Ground, seed: int = 0) -> None:
        self._ground = ground
        self._dice = random.Random(seed)
        self.conversations: dict[str, Conversation] = {}
        self.questions: list[Question] = []
        words = WORDS["en"]
        self._sides: dict[str, Sequence[Side]] = {
            "slack": [SlackSide(ground.slack, words, channel=room, people=PEOPLE) for room in CHANNELS],
            "discord": [
                DiscordSide(ground.discord, words, channel=room, forum=room, people=PEOPLE) for room in CHANNELS
            ],
        }

    # --- asking ---

    @property
    def next_token(self) -> str:
        """The token of the question that will be asked next."""
        return token_of(len(self.questions))

    def ask(self, platform: str | None = None, *, long: bool | None = None) -> Question:
        """Let somebody ask something somewhere."""
        dice = self._dice
        platform = platform or dice.choice(PLATFORMS)
        draw = dice.random()
        if draw < DIRECT_SHARE:
            return self.ask_directly(platform, long=long)
        if draw < DIRECT_SHARE + FOLLOW_UP_SHARE and (open_ones := self._open_for_more(platform)):
            return self.follow_up(dice.choice(open_ones), long=long)
        return self.ask_anew(platform, long=long)

    def ask_anew(self, platform: str, *, long: bool | None = None, sentences: int = 0) -> Question:
        """Mention the bot in a channel, which begins a thread."""
        person, side = self._dice.choice(PEOPLE), self._dice.choice(self._sides[platform])
        return self._put(platform, person, long, lambda text: side.mention(person, text), sentences)

    def ask_directly(self, platform: str, *, long: bool | None = None, sentences: int = 0) -> Question:
        """Write to the bot in private."""
        side = self._sides[platform][0]
        people = [
            person
            for person in PEOPLE
            if platform == "slack" or self._waiting_in(f"{platform}/{self._direct_channel(person)}") < WAITING_MAX
        ]
        person = self._dice.choice(people or PEOPLE)
        return self._put(platform, person, long, lambda text: side.direct(person, text), sentences)

    def ask_everywhere(self, platform: str) -> None:
        """Let everybody write in private once, and somebody in each channel."""
        sides = self._sides[platform]
        for person in PEOPLE:
            self._put(platform, person, False, partial(sides[0].direct, person))
        for side in sides:
            self._put(platform, PEOPLE[0], False, partial(side.mention, PEOPLE[0]))

    def run(self, platform: str) -> Question:
        """Run the workflow by a mention, which begins a thread."""
        person, side = self._dice.choice(PEOPLE), self._dice.choice(self._sides[platform])
        return self._put(platform, person, False, partial(side.mention, person), RUN_SENTENCES, command=True)

    def about_to_slash(self, platform: str) -> Question:
        """Let somebody type a slash command in a channel; its line there becomes the question's place."""
        token, person = self.next_token, self._dice.choice(PEOPLE)
        room = self._room(platform, self._dice.choice(CHANNELS))
        spot, name, asked_at = Spot(room, "", "0"), f"{platform}/{room}/{token}", self._ground.clock.now()
        question = Question(token, platform, name, spot, RUN_SENTENCES, asked_at, command=True)
        self.conversations[name] = Conversation(name, platform, person, spot, [question])
        self.questions.append(question)
        return question

    async def run_by_slash(self, question: Question) -> None:
        """Send the command that runs the workflow, and wait for the first answer: it may tell that it was not taken."""
        person, room, ground = self.conversations[question.conversation].person, question.spot.channel, self._ground
        if question.platform == "slack":
            answer = await ground.slack.slash(person, room, f"{PARAMETER}={question.token}", SLASH)
            question.unheard, told = not answer.accepted, str((answer.payload or {}).get("text", ""))
        else:
            reply = await ground.discord.slash(person, room, WORKFLOW, {PARAMETER: question.token})
            question.unheard, told = not reply.accepted, ""
            if reply.response == "MESSAGE" and reply.message_id:
                told = ground.discord.shown_text(room, reply.message_id)
        question.refused = told if told.startswith(APOLOGY) else ""

    def _room(self, platform: str, name: str) -> str:
        ground = self._ground
        return (ground.slack if platform == "slack" else ground.discord).find_channel(name).id

    def follow_up(self, conversation: Conversation, *, long: bool | None = None, sentences: int = 0) -> Question:
        """Say more in a thread, without naming anybody."""
        side = self._sides[conversation.platform][0]
        person, spot = conversation.person, conversation.spot
        return self._put(conversation.platform, person, long, lambda text: side.say(person, text, spot), sentences)

    def _put(
        self,
        platform: str,
        person: str,
        long: bool | None,
        speak: Callable[[str], Spot],
        sentences: int = 0,
        *,
        command: bool = False,
    ) -> Question:
        long = self._dice.random() < LONG_SHARE if long is None else long
        token = self.next_token
        sentences = sentences or (LONG[platform] if long else SHORT)
        asked_at = self._ground.clock.now()
        spot = speak(command_text(token) if command else question_text(token, sentences))
        name = f"{platform}/{spot.channel}" if platform == "discord" else f"{platform}/{spot.channel}/{spot.root}"
        question = Question(token, platform, name, spot, sentences, asked_at, command)
        conversation = self.conversations.setdefault(name, Conversation(name, platform, person, spot))
        conversation.questions.append(question)
        self.questions.append(question)
        return question

    def say(self, question: Question, text: str) -> None:
        """Let the author of a question say something else in its place, a command for example."""
        conversation = self.conversations[question.conversation]
        self._sides[question.platform][0].say(conversation.person, text, conversation.spot)

    def _open_for_more(self, platform: str) -> list[Conversation]:
        recent = [
            c
            for c in list(self.conversations.values())[-40:]
            if c.platform == platform and not any(question.command for question in c.questions)
        ]
        return [c for c in recent if c.waiting < WAITING_MAX and self.takes_part(c)]

    def takes_part(self, conversation: Conversation) -> bool:
        """Tell whether the bridge has shown in this conversation that it takes part."""
        if conversation.platform == "slack":
            return any("⚠️" not in said.text for said in self.shown(conversation.questions[0]))
        return conversation.spot.channel in self._ground.discord.service.world.channels

    def _direct_channel(self, person: str) -> str:
        return self._ground.discord.open_dm(person)

    def _waiting_in(self, name: str) -> int:
        return self.conversations[name].waiting if name in self.conversations else 0

    # --- seeing ---

    def shown(self, question: Question) -> list[Said]:
        """Return what the bot has said in the question's place since."""
        if not question.spot.root and not self._found_line(question):
            return []
        return self._sides[question.platform][0].answers(question.spot)

    def _found_line(self, question: Question) -> bool:
        """Look for the message that stands for a slash command, and make it the question's place."""
        spot = self._line_in_slack(question) if question.platform == "slack" else self._line_in_discord(question)
        if spot is None:
            return False
        question.spot = self.conversations[question.conversation].spot = spot
        return True

    def _line_in_slack(self, question: Question) -> Spot | None:
        for message in self._ground.slack.answers(question.spot.channel):
            if f"{PARAMETER}={question.token}" in message.text and message.thread_ts in (None, message.ts):
                return Spot(message.channel, message.ts, message.ts)
        return None

    def _line_in_discord(self, question: Question) -> Spot | None:
        for message in self._ground.discord.answers(question.spot.channel):
            if f"{PARAMETER}={question.token}" in message.text and not message.ephemeral_for:
                return Spot(message.id, message.id, message.id)  # its thread has its id
        return None

    def open_questions(self) -> Iterator[Question]:
        """Yield the questions that have not come to an end yet, as far as was looked."""
        return (question for question in self.questions if not question.is_over)
