"""The moments at which the bridge is killed on purpose: each state of a turn, each response that may get lost."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from benchmarks.proving.ground import Ground
from benchmarks.proving.questions import ASKED, PARAMETER, Question
from benchmarks.proving.store_view import unfinished
from sandbox.journal import Entry

PLATFORMS = ("slack", "discord")
STATES = ("accepted", "opening", "asking", "asked", "answered", "delivering")
CREATE_CONVERSATION, CHAT, CANCEL = "POST /v1/conversation/create", "POST /v3/chat", "POST /v3/chat/cancel"
RUN = "POST /v1/workflow/stream_run"
THREAD = "POST /channels/{channel}/messages/{message}/threads"
POST, EDIT = "POST /channels/{channel}/messages", "PATCH /channels/{channel}/messages/{message}"
CALLBACK = "POST /interactions/{interaction}/{token}/callback"


class How(StrEnum):
    """In which way the question is asked that is aimed at; the report says it."""

    ANYHOW = ""
    ANEW = "a new conversation"
    DIRECT = "a direct message"
    LONG = "a long answer"
    LONG_DIRECT = "a long answer in private"
    RUN = "a run by words"
    SLASH = "a run by a slash command"
    STOP = "a press on Stop"
    RETRY = "a press on Try again"

    @property
    def is_slow(self) -> bool:
        """The answer grows for a while, and needs several messages."""
        return self in (How.LONG, How.LONG_DIRECT, How.STOP, How.RETRY)


@dataclass(frozen=True, slots=True)
class Point:
    """One such moment, of a question on one platform.

    Attributes:
        state: Killed as soon as the store shows this state; or
        service, request: killed when this request has arrived, so that it takes effect and its response is lost.
        nth: Which of these requests of the question, from 1.
        placeholder: It is aimed at while Slack refuses statuses, so that placeholders stand for them.
    """

    platform: str
    state: str = ""
    service: str = ""
    request: str = ""
    how: How = How.ANYHOW
    nth: int = 1
    placeholder: bool = False

    @property
    def name(self) -> str:
        """How the report calls it."""
        what = self.state or f"{self.request} without response"
        number = "" if self.nth == 1 else f", the {self.nth}nd"
        how = f", {self.how}" if self.how else ""
        return f"{self.platform}: {what}{number}{how}{', a placeholder' if self.placeholder else ''}"

    def is_reached(self, entry: Entry, question: Question, ground: Ground) -> bool:
        """Tell whether this entry of the journal is the request of this question, whichever of them."""
        if (entry.kind, entry.service, entry.name) != ("request", self.service, self.request):
            return False
        return bool(_CONCERNS[self.service](entry.detail, question, ground))


def _concerns_on_coze(detail: Mapping[str, Any], question: Question, ground: Ground) -> bool:
    body = detail.get("body") or {}
    if "workflow_id" in body:
        return (body.get("parameters") or {}).get(PARAMETER) == question.token
    if chat := ground.coze.world.chats.get(str(body.get("chat_id"))):
        return any(token == question.token for said in chat.inserted for token, _ in ASKED.findall(said.content))
    messages = body.get("additional_messages")
    if messages:
        return bool(f"{question.token}:" in str(messages[-1]))
    # A new conversation is nobody's yet: the store tells who is about to ask for one.
    return any(f"{question.token}:" in turn.text and turn.state == "opening" for turn in unfinished(ground.store))


def _concerns_on_slack(detail: Mapping[str, Any], question: Question, ground: Ground) -> bool:
    arguments = detail["args"]
    channel = arguments.get("channel") or arguments.get("channel_id")
    if channel != question.spot.channel:
        return False
    if thread := arguments.get("thread_ts"):
        return str(thread) == question.spot.root
    if not question.spot.root:
        return f"{PARAMETER}={question.token}" in str(arguments.get("text"))
    answers = ground.slack.answers(question.spot.channel, question.spot.root)
    return any(message.ts == arguments.get("ts") for message in answers)


def _concerns_on_discord(detail: Mapping[str, Any], question: Question, ground: Ground) -> bool:
    parameters = detail["params"]
    if "interaction" in parameters:
        return True  # whose it is nobody tells; there are few
    if not question.spot.root:
        return f"{PARAMETER}={question.token}" in str((detail.get("body") or {}).get("content"))
    return question.spot.said == str(parameters.get("message")) or question.spot.channel == str(parameters["channel"])


_CONCERNS = {"coze": _concerns_on_coze, "slack": _concerns_on_slack, "discord": _concerns_on_discord}


def _coze(request: str, how: How = How.ANYHOW, nth: int = 1) -> tuple[Point, ...]:
    return tuple(Point(platform, service="coze", request=request, how=how, nth=nth) for platform in PLATFORMS)


def _slack(request: str, how: How = How.ANYHOW, nth: int = 1, *, placeholder: bool = False) -> Point:
    return Point("slack", service="slack", request=request, how=how, nth=nth, placeholder=placeholder)


def _discord(request: str, how: How = How.ANYHOW, nth: int = 1) -> Point:
    return Point("discord", service="discord", request=request, how=how, nth=nth)


POINTS: tuple[Point, ...] = (
    *(Point(p, state=s, how=How.LONG if s == "asked" else How.ANYHOW) for s in STATES for p in PLATFORMS),
    *_coze(CREATE_CONVERSATION, How.ANEW),
    *_coze(CHAT),
    *_coze(RUN, How.RUN),
    *_coze(CANCEL, How.STOP),
    *_coze(CHAT, How.RETRY, 2),
    _slack("chat.postMessage", How.ANEW),
    _slack("chat.postMessage", How.LONG, 2),
    _slack("chat.postMessage", How.SLASH),
    _slack("chat.update", How.LONG),
    _slack("chat.startStream", How.DIRECT),
    _slack("chat.startStream", How.LONG_DIRECT, 2),
    _slack("chat.appendStream", How.LONG_DIRECT),
    _slack("chat.stopStream", How.DIRECT),
    _slack("chat.postMessage", How.ANEW, placeholder=True),
    _slack("chat.update", How.LONG, placeholder=True),
    _discord(THREAD, How.ANEW),
    _discord(POST),
    _discord(POST, How.LONG, 2),
    _discord(POST, How.SLASH),
    _discord(EDIT, How.LONG),
    _discord(CALLBACK, How.SLASH),
    _discord(CALLBACK, How.STOP),
)
