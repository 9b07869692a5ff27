"""Reading one chat to its end: from its stream, or by looking until it is over and fetching what it left behind.

Whatever breaks a stream after the run's ids are known (cut, silence, an event that cannot be read) leads to one place,
``_fetched``: the run is watched by retrieve, at most once a second, and its messages are listed.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

import structlog

from bridge.coze import protocol
from bridge.coze.asking import CHAT, Opened, finish_reading
from bridge.coze.chat_events import ChatEvents
from bridge.coze.hints import Hint, advise
from bridge.coze.polling import POLL_INTERVAL_S, wait_until_over
from bridge.coze.protocol import ChatView
from bridge.coze.settings import CozeConnection
from bridge.coze.wire import Wire
from bridge.errors import AgentCancelled, AgentError, AgentProtocolError, AgentSilent, AgentUnavailable
from bridge.model import (
    ActionRequired,
    AgentEvent,
    AnswerCompleted,
    ChatCompleted,
    ChatRef,
    ChatStarted,
    ChatStatus,
)
from bridge.ports import Clock

log = structlog.get_logger(__name__)

RETRIEVE = "/v3/chat/retrieve"
MESSAGES = "/v3/chat/message/list"
CANCEL = "/v3/chat/cancel"

GIVE_UP_S = 5.0
"""For cancelling a run whose answer took too long."""


class ChatReading:
    """Reads chats of one credential; each generator is closed by whoever began it."""

    def __init__(self, settings: CozeConnection, clock: Clock, wire: Wire) -> None:
        self._settings = settings
        self._clock = clock
        self._wire = wire

    @property
    def deadline(self) -> float:
        """When an answer that is asked for now must have ended."""
        return self._clock.now() + self._settings.answer_timeout_s

    async def streamed(self, opened: Opened[ChatEvents, AgentEvent], deadline: float) -> AsyncGenerator[AgentEvent]:
        """Yield a stream's events, and close it; what is missing at its end is fetched.

        Args:
            deadline: When the answer must have ended (``Clock.now``).
        """
        state, stream = opened.state, opened.stream
        for event in opened.first:
            yield event
        broken: AgentError | None = None
        while stream is not None and not state.over:
            if self._clock.now() > deadline:
                await self._give_up(state.chat)
            try:
                received = await stream.batch()
            except AgentUnavailable as exc:
                broken = exc
                break
            if not received:
                break
            try:
                for name, data in received:
                    for event in state.feed(name, data):
                        yield event
            except (AgentUnavailable, AgentProtocolError) as exc:
                broken = exc
                break
        if stream is not None:
            await finish_reading(stream, whole=state.complete)
        if not state.complete:
            async with aclosing(self._recovered(state, broken, deadline)) as events_left:
                async for event in events_left:
                    yield event

    async def _recovered(
        self, state: ChatEvents, broken: AgentError | None, deadline: float
    ) -> AsyncGenerator[AgentEvent]:
        """Fetch what a broken stream did not bring, if Coze kept it."""
        if state.chat is None:
            raise broken or AgentUnavailable(f"POST {CHAT}: the stream ended unfinished", outcome_unknown=True)
        if not self._settings.saves_history:
            raise _lost_for_good(broken)
        reason = broken.reason if broken else "ended unfinished"
        log.info("coze stream broke, fetching the answer", chat=state.chat.chat_id, reason=reason)
        async with aclosing(self._fetched(state, state.chat, deadline)) as events:
            async for event in events:
                yield event

    async def polled(self, chat: ChatRef, section_id: str = "", *, begun: bool = True) -> AsyncGenerator[AgentEvent]:
        """Yield a run by looking at it; ``begun`` just now, so that the first look can wait."""
        state = ChatEvents(f"GET {RETRIEVE}")
        state.chat = chat
        yield ChatStarted(chat, section_id)
        fetched = self._fetched(state, chat, self.deadline, POLL_INTERVAL_S if begun else 0.0)
        async with aclosing(fetched) as events:
            async for event in events:
                yield event

    async def _fetched(
        self, state: ChatEvents, chat: ChatRef, deadline: float, first_after_s: float = 0.0
    ) -> AsyncGenerator[AgentEvent]:
        """Wait until a run is over, then yield what it left behind."""
        try:
            view = await wait_until_over(
                lambda: self.retrieve(chat, once=True),
                self._clock,
                deadline=deadline,
                unreachable_s=self._settings.idle_timeout_s,
                first_after_s=first_after_s,
            )
        except AgentSilent:
            await self._give_up(chat)
            return
        match view.status:
            case ChatStatus.FAILED:
                raise protocol.failure_of("the run failed", view)
            case ChatStatus.CANCELED:
                raise AgentCancelled("the run was cancelled")
            case ChatStatus.REQUIRES_ACTION:
                for event in await self._messages(state, chat):
                    if isinstance(event, AnswerCompleted):
                        yield event
                yield ActionRequired(chat, view.calls)
            case _:
                if view.code:
                    raise protocol.failure_of("the run ended with an error", view)
                for event in await self._messages(state, chat):
                    yield event
                yield ChatCompleted(view.usage)

    async def _messages(self, state: ChatEvents, chat: ChatRef) -> list[AgentEvent]:
        """List a finished run's messages; when the answer that was seen is not listed yet, look once more."""
        events: list[AgentEvent] = []
        for last_look in (False, True):
            answer = await self._wire.call("GET", MESSAGES, params=chat_params(chat), repeatable=True)
            events = protocol.read_fetched(
                answer.result("Messages"), state.answers, state.follow_ups, state.with_reasoning
            )
            if last_look or not state.answers or any(isinstance(event, AnswerCompleted) for event in events):
                break
            await self._clock.sleep(POLL_INTERVAL_S)
        return events

    async def retrieve(self, chat: ChatRef, *, once: bool = False) -> ChatView:
        """Ask where a run stands; ``once``: without repeating what fails in passing."""
        answer = await self._wire.call("GET", RETRIEVE, params=chat_params(chat), repeatable=True, once=once)
        return protocol.read_chat(answer.where, answer.result("ChatV3ChatDetail"), chat)

    async def _give_up(self, chat: ChatRef | None) -> None:
        """Cancel a run that took too long, as well as possible, and say so."""
        if chat is not None:
            with suppress(AgentError, TimeoutError):
                async with asyncio.timeout(GIVE_UP_S):
                    await self.cancel(chat)
        limit_s = self._settings.answer_timeout_s
        reason = f"the answer was not finished within {limit_s:g} s"
        raise AgentSilent(reason, outcome_unknown=True, hint=advise(Hint.IDLE))

    async def cancel(self, chat: ChatRef) -> ChatView | None:
        """Cancel a run; returns what Coze then says of it, if that can be read."""
        ids = {"conversation_id": chat.conversation_id, "chat_id": chat.chat_id}
        answer = await self._wire.call("POST", CANCEL, json=ids, repeatable=True)
        try:
            return protocol.read_chat(answer.where, answer.result("ChatV3ChatDetail"), chat)
        except AgentProtocolError:
            return None


def chat_params(chat: ChatRef) -> dict[str, str]:
    """Return the query that names a run."""
    return {"conversation_id": chat.conversation_id, "chat_id": chat.chat_id}


def _lost_for_good(broken: AgentError | None) -> AgentError:
    hint = advise(Hint.HISTORY_OFF)
    if isinstance(broken, AgentSilent):
        return AgentSilent(broken.reason, outcome_unknown=True, log_id=broken.log_id, hint=hint)
    reason = broken.reason if broken else f"POST {CHAT}: the stream ended unfinished"
    return AgentUnavailable(reason, outcome_unknown=True, hint=hint)
