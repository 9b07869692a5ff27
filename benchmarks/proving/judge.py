"""What came of the questions, by what people see and by what the emulators have on record. The bridge is not asked."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from benchmarks.proving.crowd import APOLOGY, Conversation, Crowd
from benchmarks.proving.ground import CHANNELS, Ground
from benchmarks.proving.questions import ASKED, PARAMETER, SPOKEN, Question, look_for, sentence, squashed
from bridge.texts import LANGUAGES, Say

SIGNS = {LANGUAGES[language][say] for language in LANGUAGES for say in (Say.PLACEHOLDER, Say.THINKING)}
REFUSALS = (Say.STORE_FAILED, Say.QUEUE_FULL)
"""Sentences after which the asker knows that her question was not taken."""
PUT_OFF = (Say.RETRY_RUNNING, Say.STORE_FAILED)
TIME_TO_TAKE_UP_S = 15.0
"""A bridge that was there for a shorter time may not have come to it: it starts, connects and takes up."""
EXPLAINED_BY_KILLS = frozenset(
    {"not_acknowledged", "identified_too_soon", "unknown_envelope", "interaction_not_answered"}
)
"""What an emulator notes when a process dies: an event it never acknowledged, a new session too soon after."""


@dataclass(slots=True)
class Verdict:
    """What is wrong, each with a line that tells where; all empty when nothing is.

    Attributes:
        stopped, asked_again: Answers that ended because somebody pressed Stop; that were asked once more by a button.
        refused: Questions the bridge told it did not take: not lost in silence, and counted apart.
        overtaken: Answers in another order than their questions because Slack delivered an earlier question later.
        expired: What said to one person that something follows, and cannot be changed any more: the bridge was away for
            nearly as long as that was possible.
        maybe_run: Commands of which nobody knows whether Coze ran them: said so, and not repeated.
        violations: What the emulators hold against the bridge beyond what a killed process explains.
    """

    questions: int = 0
    unanswered: list[str] = field(default_factory=list)
    answered_twice: list[str] = field(default_factory=list)
    chats_twice: list[str] = field(default_factory=list)
    standing_placeholders: list[str] = field(default_factory=list)
    out_of_order: list[str] = field(default_factory=list)
    stopped: int = 0
    asked_again: int = 0
    refused: list[str] = field(default_factory=list)
    overtaken: list[str] = field(default_factory=list)
    expired: list[str] = field(default_factory=list)
    maybe_run: list[str] = field(default_factory=list)
    apologies: list[str] = field(default_factory=list)
    violations: dict[str, int] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Nothing was lost, doubled, left standing or confused."""
        return not any(
            (self.unanswered, self.answered_twice, self.chats_twice, self.standing_placeholders, self.out_of_order)
        )

    def counts(self) -> dict[str, int]:
        """Return the numbers of the report."""
        names = ("unanswered", "answered_twice", "chats_twice", "standing_placeholders", "out_of_order")
        return {"questions": self.questions} | {name: len(getattr(self, name)) for name in names}


class Judge:
    """Looks at what people see."""

    def __init__(self, ground: Ground, crowd: Crowd, *, apologies_count: bool = False) -> None:
        """With ``apologies_count`` a sentence that tells why there is no (whole) answer is an end too."""
        self._ground = ground
        self._crowd = crowd
        self._apologies_count = apologies_count

    def look(self) -> int:
        """Note which questions have their whole answer by now; return how many are still open."""
        still_open = 0
        for question in self._crowd.open_questions():
            shown = [said.text for said in self._crowd.shown(question)]
            question.answered = look_for(question, shown).seen == question.sentences
            if not question.answered and (self._apologies_count or question.command):
                question.refused = self._ending_of(question)
            if not question.answered and question.platform == "discord" and self._is_refused(question):
                question.refused = LANGUAGES["en"][Say.STORE_FAILED]  # there nobody delivers it again
            if question.stop_pressed:
                question.stopped = self._says_stopped(question)
            if question.retry_acknowledged and not question.answered and self._is_put_off(question):
                question.retry_acknowledged = False
            still_open += not question.is_over
        return still_open

    async def settled(self, timeout_s: float) -> None:
        """Return when every question has its answer and nothing stands about, at the latest after ``timeout_s``."""
        clock = self._ground.clock
        deadline = clock.now() + timeout_s
        while clock.now() < deadline and (self.look() or next(self._standing(), None)):
            await self._ground.something_happens(0.1)

    def verdict(self) -> Verdict:
        """Judge everything that was asked so far."""
        self.look()
        found = Verdict(questions=len(self._crowd.questions))
        runs = self._runs()
        for question in self._crowd.questions:
            self._judge(question, runs[question.token], found)
        taken_at = self._acknowledgements()
        for conversation in self._crowd.conversations.values():
            for first, second in self._confusions(conversation):
                line = f"{second.token} answered before {first.token} in {conversation.name}"
                was_later = taken_at.get(first.spot.said, 0.0) > taken_at.get(second.spot.said, float("inf"))
                (found.overtaken if was_later else found.out_of_order).append(line)
        found.standing_placeholders += self._standing()
        found.expired += self._expired()
        violations = Counter(
            f"{entry.service}: {entry.name}"
            for entry in (*self._ground.slack.violations(), *self._ground.discord.violations())
            if entry.name not in EXPLAINED_BY_KILLS
        )
        found.violations = dict(violations)
        return found

    def _judge(self, question: Question, runs: int, found: Verdict) -> None:
        said = self._crowd.shown(question)
        sighting = look_for(question, [message.text for message in said])
        where = f"{question.token} in {question.conversation}"
        small_print = "\n".join(f"{message.text}\n{message.small_print}" for message in said)
        if not question.is_over:
            seen = f"{sighting.seen} of {question.sentences} sentences seen, asked {runs} times"
            if self._is_refused(question):
                found.refused.append(f"{where}: {seen}")
            else:
                found.unanswered.append(f"{where}: {seen}")
        elif question.refused and not question.answered:
            is_told_no = any(_wording(say) in question.refused for say in REFUSALS)
            (found.refused if is_told_no or not question.command else found.maybe_run).append(
                f"{where}: {question.refused}"
            )
        elif question.unheard and not question.answered:
            found.maybe_run.append(f"{where}: the platform told that its command was not heard")
        found.stopped += question.stopped
        found.asked_again += question.retry_acknowledged
        if question.stopped and question.answered and not question.retry_pressed:
            found.answered_twice.append(f"{where}: it went on after its stop")
        if sighting.doubled and not question.retry_pressed:
            found.answered_twice.append(f"{where}: {sighting.doubled} sentences twice")
        if not sighting.in_order and not question.retry_pressed:
            found.out_of_order.append(f"{where}: its sentences")
        if runs > 1 + question.retry_pressed:
            found.chats_twice.append(f"{where}: {runs} chats")
        if APOLOGY in small_print:
            lines = [line for line in small_print.splitlines() if APOLOGY in line]
            found.apologies.append(f"{where}: {lines[0]}")

    def _says_stopped(self, question: Question) -> bool:
        """Tell whether a part of this answer says that it was stopped, or a message without words right behind it."""
        is_own = False
        for message in self._crowd.shown(question):
            if f"{question.token}-" in message.text or SPOKEN.search(message.text):
                is_own = f"{question.token}-" in message.text
            if is_own and _wording(Say.STOPPED) in f"{message.text}\n{message.small_print}":
                return True
        return False

    def _is_put_off(self, question: Question) -> bool:
        """Tell whether each press on Try again was answered to the presser alone: it is not (yet) asked again."""
        service = self._ground.slack if question.platform == "slack" else self._ground.discord
        place = question.spot.root if question.platform == "slack" else None
        told = [
            message.text
            for message in service.messages(question.spot.channel)
            if message.ephemeral_for and (place is None or getattr(message, "thread_ts", None) == place)
        ]
        put_off = [text for text in told if any(_wording(say) in text for say in PUT_OFF)]
        return len(put_off) >= question.retry_presses

    def _is_refused(self, question: Question) -> bool:
        """Tell whether the asker read that her question was not taken: in its place, or as a reply to it."""
        texts = [f"{message.text}\n{message.small_print}" for message in self._crowd.shown(question)]
        if question.platform == "discord":
            discord = self._ground.discord
            places = [*(discord.find_channel(room).id for room in CHANNELS), question.spot.channel]
            known = [place for place in places if place in discord.service.world.channels]
            shown = [message for place in known for message in discord.messages(place)]
            texts = [message.text for message in shown if message.reply_to == question.spot.said]
        return any(_wording(say) in text for say in REFUSALS for text in texts)

    def _ending_of(self, question: Question) -> str:
        """Return the sentence with which an answer ended that is not whole; empty while there is none."""
        for message in self._crowd.shown(question):
            for line in f"{message.text}\n{message.small_print}".splitlines():
                if APOLOGY in line:
                    return line
        return ""

    def _runs(self) -> Counter[str]:
        """Count the chats and runs that Coze really began, by the token in their question."""
        runs: Counter[str] = Counter()
        for chat in self._ground.coze.world.chats.values():
            asked = [message.content for message in chat.inserted if message.role == "user"]
            runs.update({token for token, _ in ASKED.findall(asked[-1] if asked else "")})
        runs.update(str(run.parameters.get(PARAMETER)) for run in self._ground.coze.workflows.runs.values())
        return runs

    def _acknowledgements(self) -> dict[str, float]:
        """Return when each message's event was acknowledged first, by the message's ``ts``."""
        message_of, taken_at = dict[str, str](), dict[str, float]()
        for entry in self._ground.journal.select(service="slack"):
            if entry.kind == "event" and "envelope_id" in entry.detail:
                event = entry.detail["payload"].get("event") or {}
                message_of[entry.detail["envelope_id"]] = str(event.get("ts", ""))
            elif entry.kind == "ack" and (message := message_of.get(entry.detail["envelope_id"])):
                taken_at.setdefault(message, entry.at)
        return taken_at

    def _confusions(self, conversation: Conversation) -> Iterator[tuple[Question, Question]]:
        """Yield pairs of questions whose answers stand in the wrong order."""
        kept = [question for question in conversation.questions if not question.retry_pressed]
        begun = [(question, place) for question in kept if (place := self._begins(question))]
        for (first, before), (second, after) in pairwise(begun):
            if before > after:
                yield first, second

    def _begins(self, question: Question) -> tuple[float, int] | None:
        """Tell where an answer begins: the message and the position in it."""
        wanted = squashed(sentence(question.token, 0))[: len(question.token) + 4]
        for message in self._crowd.shown(question):
            if (at := squashed(message.text).find(wanted)) >= 0:
                return message.order, at
        return None

    # --- what nobody works on ---

    def _standing(self) -> Iterator[str]:
        yield from self._standing_in_slack()
        yield from self._standing_in_discord()

    def _standing_in_slack(self) -> Iterator[str]:
        slack = self._ground.slack
        for entry in slack.violations("stream_left_open"):
            yield f"slack: a stream in {entry.detail['channel']}"
        for conversation in self._crowd.conversations.values():
            spot = conversation.spot
            if conversation.platform == "slack" and (status := slack.status(spot.channel, spot.root)):
                yield f"slack: the status {status!r} in {conversation.name}"
        for workspace in slack.service.workspaces.values():
            for channel in list(workspace.channels):
                for message in slack.messages(channel):
                    if message.by_app and (message.text in SIGNS or not message.text + message.small_print):
                        yield f"slack: {message.text!r} in {channel}/{message.thread_ts}"
                    if any(slack.bot_user_id in users for users in message.reactions.values()):
                        yield f"slack: a mark on {channel}/{message.ts}"

    def _standing_in_discord(self) -> Iterator[str]:
        discord = self._ground.discord
        for channel in list(discord.service.world.channels.values()):
            for message in discord.messages(channel.id):
                if message.by_bot and (message.loading or message.text in SIGNS) and not self._is_expired(message.id):
                    yield f"discord: {message.text!r} in {channel.name or channel.id}"
                if any(discord.bot_user_id in users for users in message.reactions.values()):
                    yield f"discord: a mark on {message.id} in {channel.name or channel.id}"

    def _expired(self) -> Iterator[str]:
        discord = self._ground.discord
        for channel in list(discord.service.world.channels.values()):
            for message in discord.messages(channel.id):
                if message.loading and self._is_expired(message.id):
                    yield f"discord: {message.id} in {channel.name or channel.id}"

    def _is_expired(self, message_id: str) -> bool:
        """Tell whether the first answer to a command could not be changed for as long as the bridge was there."""
        interactions = self._ground.discord.service.interactions
        interaction = next((i for i in interactions.all() if i.original_id == message_id), None)
        if interaction is None or not interactions.expired(interaction):
            return False
        lifetime_s = self._ground.discord.switches.token_lifetime_s
        return self._uptime_s(interaction.created_at, interaction.created_at + lifetime_s) < TIME_TO_TAKE_UP_S

    def _uptime_s(self, since: float, until: float) -> float:
        """Return how long a bridge was there between two instants."""
        running, up_since, total_s = 0, 0.0, 0.0
        for entry in self._ground.journal.select(service="bridge", kind="process"):
            if entry.name == "started":
                up_since = up_since if running else entry.at
                running += 1
            elif entry.name in ("killed", "ended"):
                running -= 1
                total_s += 0.0 if running else max(0.0, min(entry.at, until) - max(up_since, since))
        return total_s + (max(0.0, until - max(up_since, since)) if running else 0.0)


def _wording(say: Say) -> str:
    return LANGUAGES["en"][say].partition("{")[0].strip()
