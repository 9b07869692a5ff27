"""Tries one row: plays its scene, and tells what the person who asked saw."""

import inspect
from collections.abc import Iterator, Sequence

from benchmarks.faults.row import Finding, Row, Scene
from benchmarks.faults.stand import Stand, open_stand
from benchmarks.proving.questions import ASKED, Question, look_for
from bridge.texts import LANGUAGES, Say
from sandbox.journal import Entry

SENTENCES = 12
CONNECT_S = 12.0
ANSWER_S = 60.0
AFTERWARDS_S = 75.0
QUIET_S = 0.4
SESSION_OVER = 4009
"""A close code after which nothing is resumed."""
TYPING_S, STATUS_S = 10.0, 120.0
"""How long Discord shows that somebody types, and Slack a status, unless words take their place."""
PLAIN_WORDS = frozenset({Say.PLACEHOLDER, Say.THINKING, Say.STOP_DONE, Say.WAITING, Say.REFERENCE})
"""Sentences after which something is still to come."""
ENGLISH = LANGUAGES["en"]
SPOKEN = {
    ENGLISH[say].partition("{")[0].strip(): say
    for say in ENGLISH
    if say not in PLAIN_WORDS and not say.endswith("_label")
}


async def try_row(row: Row, seed: int = 0) -> Finding:
    """Play one row from start to end."""
    async with open_stand(row, seed) as stand:
        if row.scene is Scene.STARTING:
            await _arrange(stand)
        async with stand.bridge():
            if not await stand.until(lambda: stand.connected, CONNECT_S):
                return Finding("the bridge does not connect", True, False, CONNECT_S)
            first, others = await _play(stand)
            await stand.until(lambda: all(_told(stand, question) for question in (first, *others)), ANSWER_S)
            ended_at = stand.ground.clock.now()
            again = [] if row.is_final else await _ask_again(stand, first)
            await stand.ground.slack.settled(quiet_s=QUIET_S, timeout_s=AFTERWARDS_S)
        return _finding(stand, (first, *others), again, ended_at)


async def _arrange(stand: Stand) -> None:
    arranged = stand.row.arrange(stand)
    if inspect.isawaitable(arranged):
        await arranged


async def _play(stand: Stand) -> tuple[Question, list[Question]]:
    """Let people do what the scene says; return their questions."""
    row, crowd, ground = stand.row, stand.crowd, stand.ground
    ground.agent.slow.add(crowd.next_token)
    if row.scene not in (Scene.STARTING, Scene.RUNNING):
        _prepare(stand)
        await _arrange(stand)
    if row.scene is Scene.DIRECT:
        first = crowd.ask_directly(row.asked_on, sentences=SENTENCES)
    else:
        first = crowd.ask_anew(row.asked_on, sentences=SENTENCES)
    others = []
    if row.scene in (Scene.RUNNING, Scene.STOPPING, Scene.WAITING):
        await stand.until(lambda: any(first.token in text for text in stand.shown(first)), ANSWER_S)
    if row.scene is Scene.RUNNING:
        await _arrange(stand)
    elif row.scene is Scene.STOPPING:
        crowd.say(first, "!stop")
    elif row.scene is Scene.AWAY:
        await stand.until(lambda: any(first.token in text for text in stand.shown(first)), ANSWER_S)
        _cut_off(stand)
        await stand.until(lambda: not stand.connected, CONNECT_S)
        others.append(crowd.follow_up(crowd.conversations[first.conversation], sentences=SENTENCES))
    elif row.scene is Scene.WAITING:
        others.append(crowd.follow_up(crowd.conversations[first.conversation], sentences=SENTENCES))
    return first, others


def _prepare(stand: Stand) -> None:
    """Plan what makes the bridge do what the row is about."""
    if stand.row.scene is Scene.AWAY:
        stand.ground.slack.switches.lost_without_connection = True
    coze, faults = stand.ground.coze, {"slack": stand.ground.slack.faults, "discord": stand.ground.discord.faults}
    if stand.row.scene is Scene.BROKEN_STREAM:
        coze.faults.plan("POST /v3/chat", "cut", after_events=6)
    elif stand.row.scene is Scene.LOST_QUESTION:
        coze.faults.plan("POST /v3/chat", "hang_up_after")
    elif stand.row.scene is Scene.LOST_POST:
        post = {"slack": "chat.postMessage", "discord": "POST /channels/{channel}/messages"}
        faults[stand.row.asked_on].plan(post[stand.row.asked_on], "drop_after")


def _cut_off(stand: Stand) -> None:
    """Lose the connection for good, and refuse the first attempt at the next one."""
    if stand.row.asked_on == "slack":
        sockets = stand.ground.slack.sockets
        sockets.handshakes_to_refuse = 1
        sockets.drop()
    else:
        stand.ground.discord.gateway_faults.plan("gateway", "status")
        stand.ground.discord.gateway.close(SESSION_OVER)


async def _ask_again(stand: Stand, first: Question) -> list[Question]:
    """Ask once more in the same conversation, when nothing is planned any more; none when nobody would hear it."""
    ground = stand.ground
    for faults in (ground.coze.faults, ground.slack.faults, ground.slack.delivery_faults):
        faults.clear()
    ground.discord.faults.clear()
    ground.discord.gateway_faults.clear()
    await stand.until(lambda: stand.connected, CONNECT_S)
    conversation = stand.crowd.conversations[first.conversation]
    if stand.crowd.takes_part(conversation):
        again = stand.crowd.follow_up(conversation, sentences=2)
    else:
        again = stand.crowd.ask_anew(stand.row.asked_on, sentences=2)
    await stand.until(lambda: _told(stand, again), AFTERWARDS_S)
    return [again]


# --- what was seen ---


def _told(stand: Stand, question: Question) -> bool:
    """Tell whether a question has come to its end for whoever asked it."""
    texts = stand.shown(question)
    return look_for(question, texts).seen == question.sentences or any(_sentences(texts))


def _sentences(texts: list[str]) -> Iterator[Say]:
    """Yield which sentences of the bridge stand among these texts."""
    for beginning, say in SPOKEN.items():
        if beginning and any(beginning in text for text in texts):
            yield say


def _beginning(say: Say) -> str:
    """Quote a sentence, as far as it takes to know it."""
    words = LANGUAGES["en"][say].partition(". ")[0].partition("{")[0].strip("⚠️ℹ⏹. ")
    return f"“{words}”"


def _finding(stand: Stand, questions: Sequence[Question], again: Sequence[Question], ended_at: float) -> Finding:
    words, lost, doubled, silences = [], False, False, []
    for question in (*questions, *again):
        texts = stand.shown(question)
        sighting = look_for(question, texts)
        sentences = list(_sentences(texts))
        share = sighting.seen / question.sentences
        amount = "whole answer" if share == 1 else f"{share:.0%} of the answer" if share else ""
        if question in questions:
            words.append(" + ".join(filter(None, (amount, *map(_beginning, sentences)))) or "nothing")
        elif share < 1:
            words.append("afterwards no answer")
        lost = lost or (share < 1 and (question in again or not sentences))
        doubled = doubled or (sighting.doubled > 0 and Say.MAYBE_DUPLICATE not in sentences)
        doubled = doubled or _runs(stand, question) > 1
        until = ended_at if question in questions else stand.ground.clock.now()
        silences.append(silence_s(stand, question, until))
    journal = list(stand.ground.journal)
    calls = sorted({f"{entry.service} {entry.name}" for entry in journal if entry.kind == "request"})
    hit = not stand.row.needs_hit or any((e.service, e.kind) == (stand.row.emulator, "fault") for e in journal)
    return Finding("; ".join(words), lost, doubled, round(max(silences), 2), hit, tuple(calls))


def _runs(stand: Stand, question: Question) -> int:
    """Count the chats that answered a question to their end."""
    return sum(
        question.token in {token for token, _ in ASKED.findall(chat.inserted[-1].content)}
        for chat in stand.ground.coze.world.chats.values()
        if chat.inserted and chat.status == "completed"
    )


def silence_s(stand: Stand, question: Question, ended_at: float) -> float:
    """Return the longest time until its end in which whoever asked saw neither a change nor a sign of life."""
    longest, quiet_since = 0.0, question.asked_at
    for entry in stand.ground.journal:
        if not question.asked_at <= entry.at <= ended_at:
            continue
        if _shows_words(stand, entry, question):
            longest, quiet_since = max(longest, entry.at - quiet_since), entry.at
        elif (sign_s := _sign_s(entry, question)) > 0:
            longest, quiet_since = max(longest, entry.at - quiet_since), max(quiet_since, entry.at + sign_s)
    is_told = _told(stand, question)
    return longest if is_told else max(longest, ended_at - quiet_since)


def _shows_words(stand: Stand, entry: Entry, question: Question) -> bool:
    """Tell whether the bot's words appeared or changed in the question's place."""
    if (entry.service, entry.kind) != (question.platform, "shown") or not entry.detail["text"]:
        return False
    if question.platform == "slack":
        return (entry.detail["thread_ts"], entry.detail["user"]) == (question.spot.root, stand.ground.slack.bot_user_id)
    return (entry.name, entry.detail["user"]) == (question.spot.channel, stand.ground.discord.bot_user_id)


def _sign_s(entry: Entry, question: Question) -> float:
    """Return for how long an entry shows whoever asked that somebody is at work; 0 for no sign at all."""
    if entry.service == question.platform == "slack" and entry.kind == "status" and entry.name:
        return STATUS_S if entry.detail["thread_ts"] == question.spot.root else 0.0
    if entry.service == question.platform == "discord" and entry.kind == "typing":
        return TYPING_S if entry.name == question.spot.channel else 0.0
    return 0.0
