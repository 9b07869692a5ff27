"""One chat at work: it plays an answer, whether anybody listens or not.

created -> in_progress -> completed | failed | requires_action; requires_action -> in_progress again with the
tool outputs; a cancel flips the status at any time before the end and leaves the playing alone (reference 4.2).
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sandbox.clock import SandboxClock
from sandbox.coze.answers import Answer, Failure, Prompt, RequiredAction, ToolCall, Usage
from sandbox.coze.dialect import AUDIO_DELTA, DELTA, IN_PROGRESS, MESSAGE_COMPLETED, CloudDialect
from sandbox.coze.feed import Feed, StreamEvent
from sandbox.coze.ids import IdFactory
from sandbox.coze.jsons import Json, dump
from sandbox.coze.state import Chat, Conversation, Message

_CHARS_PER_TOKEN = 4
_CLOUD_PLUGIN = 1
_CLIENT_PLUGIN = 6
_PLUGIN_ID = 7300000000000000001


class _FailureReached(Exception):
    """The answer's planned failure is due."""


class Schedule:
    """Pauses that add up: after the clock was moved far ahead, everything due by then happens at once."""

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._due = clock.now()

    async def pause(self, seconds: float) -> None:
        """Return when ``seconds`` after the end of the pause before have passed."""
        self._due += seconds
        if (left_s := self._due - self._clock.now()) > 0:
            await self._clock.sleep(left_s)
        else:
            await asyncio.sleep(0)  # readers get their turn between two events


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """What the caller's tool returned."""

    call: ToolCall
    call_id: str
    output: str


class ChatRun:
    """Plays one answer into the feed of its chat and keeps what the chat produced."""

    def __init__(
        self,
        chat: Chat,
        conversation: Conversation,
        prompt: Prompt,
        answer: Answer,
        *,
        clock: SandboxClock,
        ids: IdFactory,
        dialect: CloudDialect,
    ) -> None:
        self.chat = chat
        self.pending_calls: dict[str, ToolCall] = {}
        self._conversation = conversation
        self._prompt = prompt
        self._answer = answer
        self._clock = clock
        self._ids = ids
        self._dialect = dialect

    async def begin(self) -> None:
        """Play from the start to the end or to the interruption."""
        self._publish(*self._dialect.opening(self.chat))
        self.chat.become("in_progress")
        await self._play(self._answer, ())

    async def resume(self, outputs: Sequence[ToolOutput]) -> None:
        """Go on after the tool outputs came, in the feed that the submission opened."""
        action = self._answer.requires_action
        assert action is not None, "only an interrupted chat is resumed"
        self._publish(StreamEvent(IN_PROGRESS, self._dialect.chat(self.chat, status="in_progress")))
        said = " ".join(output.output for output in outputs)
        self._answer = action.then if action.then is not None else Answer(text=said)
        await self._play(self._answer, outputs)

    async def _play(self, answer: Answer, outputs: Sequence[ToolOutput]) -> None:
        schedule = Schedule(self._clock)
        feed = self.chat.feed
        try:
            for output in outputs:
                self._say("tool_response", output.output)
            await self._prepare(answer, schedule)
            if answer.requires_action is not None:
                await self._interrupt(answer, answer.requires_action, schedule)
            else:
                await self._speak(answer, schedule)
                self._finish(answer)
        except _FailureReached:
            assert answer.failure is not None
            self._fail(answer.failure)
        finally:
            feed.close()

    async def _prepare(self, answer: Answer, schedule: Schedule) -> None:
        await schedule.pause(0)
        for msg_type in answer.verbose:
            self._say("verbose", self._dialect.notice(msg_type))
        for tool in answer.tools:
            self._say("function_call", _call_content(tool.name, tool.arguments, _CLOUD_PLUGIN))
            await schedule.pause(tool.duration_s)
            self._say("tool_response", tool.result)
        await schedule.pause(answer.first_delta_delay_s)

    async def _speak(self, answer: Answer, schedule: Schedule) -> None:
        if answer.without_answer:
            self._fail_if_due(answer, None)
            return
        message = self._new_message("answer", content_type=answer.content_type)
        for thought in answer.reasoning:
            self._publish(StreamEvent(DELTA, self._dialect.delta(message, reasoning=thought)))
            await schedule.pause(answer.delta_interval_s)
        await self._stream(message, answer, answer.pieces(), schedule)
        message.reasoning = "".join(answer.reasoning)
        self._complete(message, answer.final_text())
        for text in answer.further_texts:
            further = replace(answer, text=text, deltas=(), failure=None)
            message = self._new_message("answer", content_type=answer.content_type)
            await self._stream(message, further, further.pieces(), schedule)
            self._complete(message, text)
        for piece in answer.audio:
            self._publish(
                StreamEvent(AUDIO_DELTA, self._dialect.delta(self._new_message("answer", "audio"), content=piece))
            )
            await schedule.pause(answer.delta_interval_s)

    async def _stream(self, message: Message, answer: Answer, pieces: Sequence[str], schedule: Schedule) -> None:
        for position, piece in enumerate(pieces):
            self._fail_if_due(answer, position)
            if position > 0:
                await schedule.pause(answer.pause_before_s(piece))
            last = position == len(pieces) - 1
            self._publish(StreamEvent(DELTA, self._dialect.delta(message, content=piece, last=last)))
        await schedule.pause(0)
        self._fail_if_due(answer, None)

    def _fail_if_due(self, answer: Answer, deltas: int | None) -> None:
        failure = answer.failure
        if failure is not None and (deltas is None or deltas >= failure.after_deltas):
            raise _FailureReached

    async def _interrupt(self, answer: Answer, action: RequiredAction, schedule: Schedule) -> None:
        if not self._dialect.may_require_action:
            await self._speak(replace(answer, text=action.calls[0].arguments, deltas=()), schedule)
            self._say("verbose", self._dialect.notice("interrupt"))
            self._finish(replace(answer, follow_ups=()), interrupted=True)
            return
        if action.before:
            self._say("answer", action.before)
        self.pending_calls = {self._ids.next_tool_call_id(): call for call in action.calls}
        for call in action.calls:
            self._say("function_call", _call_content(call.name, call.arguments, _CLIENT_PLUGIN))
        self._say("verbose", self._dialect.notice("interrupt"))
        self._say("verbose", self._dialect.finish_notice(interrupted=True))
        self.chat.completed_at = self._now()
        self.chat.required_action = self._required_action()
        self.chat.become("requires_action")
        self._publish(*self._dialect.interruption(self.chat))

    def _required_action(self) -> Json:
        calls = [
            {
                "id": call_id,
                "type": call.type,
                "function": {"name": call.name, "arguments": call.arguments},
                "require_info": None,
            }
            for call_id, call in self.pending_calls.items()
        ]
        return {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": calls}}

    def _finish(self, answer: Answer, *, interrupted: bool = False) -> None:
        self._say("verbose", self._dialect.finish_notice(interrupted=interrupted))
        for question in answer.follow_ups:
            self._say("follow_up", question)
        self.chat.completed_at = self._now()
        self.chat.usage = self._usage(answer)
        self.chat.become("completed")
        ending = self._dialect.interrupted if interrupted else self._dialect.completion
        self._publish(*ending(self.chat))

    def _fail(self, failure: Failure) -> None:
        self.chat.failed_at = self._now()
        self.chat.last_error = {"code": failure.code, "msg": failure.msg}
        self.chat.become("failed")
        self._publish(*self._dialect.failure(self.chat, failure))

    def _usage(self, answer: Answer) -> Json:
        usage = answer.usage
        if usage is None:
            seen_chars = sum(len(message.content) for message in self._prompt.context)
            said_chars = sum(len(message.content) for message in self.chat.messages if message.type == "answer")
            usage = Usage(seen_chars // _CHARS_PER_TOKEN + 1, said_chars // _CHARS_PER_TOKEN + 1)
        return {
            "token_count": usage.input_count + usage.output_count,
            "output_count": usage.output_count,
            "input_count": usage.input_count,
        }

    def _say(self, kind: str, content: str) -> None:
        """Send a message that is never streamed in pieces."""
        self._complete(self._new_message(kind), content)

    def _complete(self, message: Message, content: str) -> None:
        message.content = content
        message.updated_at = self._now()
        self.chat.messages.append(message)
        if self.chat.saved:
            self._conversation.messages.append(message)
        self._publish(StreamEvent(MESSAGE_COMPLETED, self._dialect.message(message)))

    def _new_message(self, kind: str, content_type: str = "text") -> Message:
        now = self._now()
        return Message(
            message_id=self._ids.next_id(),
            conversation_id=self.chat.conversation_id,
            section_id=self.chat.section_id,
            role="assistant",
            type=kind,
            content="",
            content_type=content_type,
            created_at=now,
            updated_at=now,
            chat_id=self.chat.chat_id,
            bot_id=self.chat.bot_id,
            user_id=self.chat.user_id,
        )

    def _publish(self, *events: StreamEvent) -> None:
        for event in events:
            self.chat.feed.publish(event)

    def _now(self) -> int:
        return int(self._clock.now())


def _call_content(name: str, arguments: str, plugin_type: int) -> str:
    """Return the content of a ``function_call`` message: arguments as an object, ids as bare numbers."""
    try:
        decoded: object = json.loads(arguments)
    except ValueError:
        decoded = arguments  # models get their JSON wrong at times, and a question to the user is plain text
    call = {"name": name, "arguments": decoded, "plugin_id": _PLUGIN_ID, "plugin_name": name}
    return dump(call | {"api_id": _PLUGIN_ID + 1, "api_name": name, "plugin_type": plugin_type})


def reopen(chat: Chat) -> None:
    """Put an interrupted chat back to work, with a fresh feed for the rest of it."""
    chat.required_action = None
    chat.feed = Feed()
    chat.become("in_progress")
