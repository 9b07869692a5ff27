"""The moments at which the bridge is killed on purpose: each state of a turn, each response that may get lost."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.proving.ground import Ground
from benchmarks.proving.questions import PARAMETER, Question
from benchmarks.proving.store_view import unfinished
from sandbox.journal import Entry

STATES = ("accepted", "opening", "opened", "asking", "asked", "answered", "delivering")
CREATE_CONVERSATION, CHAT = "POST /v1/conversation/create", "POST /v3/chat"
RUN = "POST /v1/workflow/stream_run"
THREAD = "POST /channels/{channel}/messages/{message}/threads"
POST, EDIT = "POST /channels/{channel}/messages", "PATCH /channels/{channel}/messages/{message}"


@dataclass(frozen=True, slots=True)
class Point:
    """One such moment, of a question on one platform.

    Attributes:
        state: Killed as soon as the store shows this state; or
        service, request: killed when this request has arrived, so that it takes effect and its response is lost.
        anew: It takes a question that begins a conversation.
        slow: It takes an answer that grows for a while.
        command: It takes a command that runs the workflow.
        private: It happens in direct messages alone.
    """

    platform: str
    state: str = ""
    service: str = ""
    request: str = ""
    anew: bool = False
    slow: bool = False
    private: bool = False
    command: bool = False

    @property
    def name(self) -> str:
        """How the report calls it."""
        return f"{self.platform}: {self.state or f'{self.request} without response'}"

    def is_reached(self, entry: Entry, question: Question, ground: Ground) -> bool:
        """Tell whether this entry of the journal is the request of this question."""
        if (entry.kind, entry.service, entry.name) != ("request", self.service, self.request):
            return False
        return bool(_CONCERNS[self.service](entry.detail, question, ground))


def _concerns_on_coze(detail: Mapping[str, Any], question: Question, ground: Ground) -> bool:
    body = detail.get("body") or {}
    if "workflow_id" in body:
        return (body.get("parameters") or {}).get(PARAMETER) == question.token
    messages = body.get("additional_messages")
    if messages:
        return bool(f"{question.token}:" in str(messages[-1]))
    # A new conversation is nobody's yet: the store tells who is about to ask for one.
    return any(f"{question.token}:" in turn.text and turn.state == "opened" for turn in unfinished(ground.store))


def _concerns_on_slack(detail: Mapping[str, Any], question: Question, ground: Ground) -> bool:
    arguments = detail["args"]
    channel = arguments.get("channel") or arguments.get("channel_id")
    if channel != question.spot.channel:
        return False
    if thread := arguments.get("thread_ts"):
        return str(thread) == question.spot.root
    answers = ground.slack.answers(question.spot.channel, question.spot.root)
    return any(message.ts == arguments.get("ts") for message in answers)


def _concerns_on_discord(detail: Mapping[str, Any], question: Question, ground: Ground) -> bool:
    parameters = detail["params"]
    return question.spot.said == str(parameters.get("message")) or question.spot.channel == str(parameters["channel"])


_CONCERNS = {"coze": _concerns_on_coze, "slack": _concerns_on_slack, "discord": _concerns_on_discord}

POINTS: tuple[Point, ...] = (
    *(Point(platform, state=state, slow=state == "asked") for state in STATES for platform in ("slack", "discord")),
    *(
        Point(platform, service="coze", request=request, anew=request == CREATE_CONVERSATION)
        for request in (CREATE_CONVERSATION, CHAT)
        for platform in ("slack", "discord")
    ),
    *(Point(platform, service="coze", request=RUN, command=True) for platform in ("slack", "discord")),
    Point("slack", service="slack", request="chat.postMessage", anew=True),
    Point("slack", service="slack", request="chat.update", anew=True, slow=True),
    Point("slack", service="slack", request="chat.startStream", private=True),
    Point("slack", service="slack", request="chat.appendStream", private=True, slow=True),
    Point("slack", service="slack", request="chat.stopStream", private=True),
    Point("discord", service="discord", request=THREAD, anew=True),
    Point("discord", service="discord", request=POST),
    Point("discord", service="discord", request=EDIT, slow=True),
)
