"""The ``Agent`` port, spoken to Coze.

Theory of operation. ``ask`` takes a slot of the limits, sends the question and reads until the first event that says
something; so far refusals are repeated where that is safe. From then on an iterator reads the stream. Whatever breaks
it after the run's ids are known (cut, silence, an event that cannot be read) leads to one place, ``_fetched``: the run
is watched by retrieve, at most once a second, and its messages are listed. ``mode = "poll"`` and ``follow`` go there
directly. Asking again is never the client's decision.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Self

import structlog

from bridge.coze import protocol
from bridge.coze.asking import CHAT, Opened, finish_reading, open_question
from bridge.coze.chat_events import ChatEvents
from bridge.coze.codes import CANNOT_CANCEL, INTERNAL_ERROR
from bridge.coze.hints import Hint, advise
from bridge.coze.limits import ChatLimits, WaitCallback
from bridge.coze.polling import POLL_INTERVAL_S, wait_until_over
from bridge.coze.protocol import Answer, ChatView
from bridge.coze.settings import CozeConnection
from bridge.coze.wire import Retries, Wire
from bridge.coze.workflows import CozeWorkflows
from bridge.errors import (
    AgentCancelled,
    AgentError,
    AgentProtocolError,
    AgentRejected,
    AgentSilent,
    AgentUnavailable,
)
from bridge.model import (
    ActionRequired,
    AgentCapabilities,
    AgentEvent,
    AgentProfile,
    AnswerCompleted,
    ChatCompleted,
    ChatRef,
    ChatStarted,
    ChatStatus,
    FileKind,
    FoundQuestion,
    Question,
)
from bridge.ports import Agent, Clock
from bridge.texts.keys import Say

log = structlog.get_logger(__name__)

RETRIEVE = "/v3/chat/retrieve"
MESSAGES = "/v3/chat/message/list"
CANCEL = "/v3/chat/cancel"
UPLOAD = "/v1/files/upload"

GIVE_UP_S = 5.0
"""For cancelling a run whose answer took too long."""

PAGE_MESSAGES = 50
"""The most that one page of a conversation's messages holds."""

SEARCH_PAGES = 4

QUOTE_CHARS = 12
"""So much of a question found in an error is a quotation."""

COMMENT_MAX_CHARS, REASON_MAX_CHARS, REASONS_MAX = 250, 30, 10
"""Source: Coze's message feedback page."""


STUDIO_CAPABILITIES = AgentCapabilities(
    feedback=False,
    tool_outputs=False,
    delete_messages=False,
    conversation_lock=False,
    plain_resume=False,
    workflow_list=False,
    file_kinds=frozenset({FileKind.IMAGE, FileKind.FILE}),  # anything else in a message is passed over in silence
)


class CozeAgent:
    """One agent service with one credential. ``async with`` opens and closes its connections.

    Args:
        on_waiting: Told when a question has to wait for Coze's limits.

    Attributes:
        workflows: What else this credential can run.
    """

    def __init__(
        self,
        settings: CozeConnection,
        clock: Clock,
        *,
        retries: Retries | None = None,
        on_waiting: WaitCallback | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._wire = Wire(settings, clock, retries=retries)
        self.limits = ChatLimits(
            clock,
            chats_per_s=settings.chats_per_s,
            concurrent_chats=settings.concurrent_chats,
            on_waiting=on_waiting,
        )
        self.workflows = CozeWorkflows(settings, clock, self._wire, self.limits, on_waiting)

    async def __aenter__(self) -> Self:
        await self._wire.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._wire.__aexit__(*exc)

    @property
    def capabilities(self) -> AgentCapabilities:
        if self._settings.profile == "studio":
            return STUDIO_CAPABILITIES
        saves = self._settings.saves_history
        return AgentCapabilities(feedback=saves, tool_outputs=saves, delete_messages=saves, saves_history=saves)

    # --- asking -------------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def ask(self, question: Question) -> AsyncIterator[AsyncIterator[AgentEvent]]:
        """Ask and stream the answer; see ``ports.Agent.ask``."""
        async with self.limits.slot(question.mark), AsyncExitStack() as stack:
            stack.enter_context(_unquoted(question.text))
            deadline = self._clock.now() + self._settings.answer_timeout_s
            if self._settings.mode == "poll":
                events = self._polled(await self._create_chat(question), deadline)
            else:
                body = protocol.chat_body(question, stream=True, save=self._save)
                opened = await open_question(
                    self._wire, self.limits, question.mark, body, _conversation_params(question)
                )
                if opened.stream is not None:
                    stack.push_async_callback(opened.stream.aclose)
                events = self._streamed(opened, deadline)
            yield await stack.enter_async_context(aclosing(events))

    @asynccontextmanager
    async def follow(self, chat: ChatRef) -> AsyncIterator[AsyncIterator[AgentEvent]]:
        """Yield a run that was asked earlier, by fetching it; see ``ports.Agent.follow``."""
        deadline = self._clock.now() + self._settings.answer_timeout_s
        state = ChatEvents(f"GET {RETRIEVE}")
        state.chat = chat
        async with aclosing(self._fetched_from_start(state, chat, "", deadline)) as events:
            yield events

    async def _create_chat(self, question: Question) -> ChatView:
        """Start a run without a stream."""
        body = protocol.chat_body(question, stream=False, save=self._save)
        await self.limits.start(question.mark)
        answer = await self._wire.call("POST", CHAT, params=_conversation_params(question), content=body)
        return protocol.read_chat(answer.where, answer.result("ChatV3ChatDetail"))

    @property
    def _save(self) -> bool | None:
        """What to say about history; Coze Studio has no such field and always saves."""
        return None if self._settings.profile == "studio" else self._settings.auto_save_history

    # --- reading ------------------------------------------------------------------------------------------------------

    async def _streamed(self, opened: Opened[ChatEvents, AgentEvent], deadline: float) -> AsyncGenerator[AgentEvent]:
        """Yield the stream's events; what is missing at its end is fetched."""
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

    async def _polled(self, view: ChatView, deadline: float) -> AsyncGenerator[AgentEvent]:
        """Yield a run that was started without a stream."""
        state = ChatEvents(f"POST {CHAT}")
        state.chat = view.chat
        events = self._fetched_from_start(state, view.chat, view.section_id, deadline, POLL_INTERVAL_S)
        async with aclosing(events):
            async for event in events:
                yield event

    async def _fetched_from_start(
        self, state: ChatEvents, chat: ChatRef, section_id: str, deadline: float, first_after_s: float = 0.0
    ) -> AsyncGenerator[AgentEvent]:
        yield ChatStarted(chat, section_id)
        async with aclosing(self._fetched(state, chat, deadline, first_after_s)) as events:
            async for event in events:
                yield event

    async def _fetched(
        self, state: ChatEvents, chat: ChatRef, deadline: float, first_after_s: float = 0.0
    ) -> AsyncGenerator[AgentEvent]:
        """Wait until a run is over, then yield what it left behind."""
        try:
            view = await wait_until_over(
                lambda: self._retrieve(chat, once=True),
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
            answer = await self._wire.call("GET", MESSAGES, params=_chat_params(chat), repeatable=True)
            events = protocol.read_fetched(answer.result("Messages"), state.answers, state.follow_ups)
            if last_look or not state.answers or any(isinstance(event, AnswerCompleted) for event in events):
                break
            await self._clock.sleep(POLL_INTERVAL_S)
        return events

    async def _retrieve(self, chat: ChatRef, *, once: bool = False) -> ChatView:
        answer = await self._wire.call("GET", RETRIEVE, params=_chat_params(chat), repeatable=True, once=once)
        return protocol.read_chat(answer.where, answer.result("ChatV3ChatDetail"), chat)

    async def _give_up(self, chat: ChatRef | None) -> None:
        """Cancel a run that took too long, as well as possible, and say so."""
        if chat is not None:
            with suppress(AgentError, TimeoutError):
                async with asyncio.timeout(GIVE_UP_S):
                    await self._cancel(chat)
        limit_s = self._settings.answer_timeout_s
        reason = f"the answer was not finished within {limit_s:g} s"
        raise AgentSilent(reason, outcome_unknown=True, hint=advise(Hint.IDLE))

    # --- around a run -------------------------------------------------------------------------------------------------

    async def status(self, chat: ChatRef) -> ChatStatus:
        return (await self._retrieve(chat)).status

    async def cancel(self, chat: ChatRef) -> ChatStatus:
        """Stop a run; returns where it stands afterwards. Repeat freely."""
        try:
            view = await self._cancel(chat)
        except AgentRejected as exc:
            if exc.code not in CANNOT_CANCEL:
                raise
        else:
            # Coze's own sample of this reply shows a stale status: only "cancelled" can be believed.
            if view is not None and view.status is ChatStatus.CANCELED:
                return view.status
        return await self.status(chat)

    async def _cancel(self, chat: ChatRef) -> ChatView | None:
        ids = {"conversation_id": chat.conversation_id, "chat_id": chat.chat_id}
        answer = await self._wire.call("POST", CANCEL, json=ids, repeatable=True)
        try:
            return protocol.read_chat(answer.where, answer.result("ChatV3ChatDetail"), chat)
        except AgentProtocolError:
            return None

    async def rate(
        self, conversation_id: str, message_id: str, *, good: bool, comment: str = "", reasons: Sequence[str] = ()
    ) -> None:
        """Send feedback on an answer message; comment and reasons are cut to what Coze takes."""
        feedback: dict[str, object] = {"feedback_type": "like" if good else "unlike"}
        if comment:
            feedback["comment"] = comment[:COMMENT_MAX_CHARS]
        if reasons:
            feedback["reason_types"] = [reason[:REASON_MAX_CHARS] for reason in reasons][:REASONS_MAX]
        path = f"/v1/conversations/{conversation_id}/messages/{message_id}/feedback"
        await self._wire.call("POST", path, json=feedback, repeatable=True)

    async def delete_message(self, conversation_id: str, message_id: str) -> None:
        """Delete a question or an answer; what an answer's turn brought besides goes with it."""
        params = {"conversation_id": conversation_id, "message_id": message_id}
        await self._wire.call("POST", "/v1/conversation/message/delete", params=params, repeatable=True)

    # --- conversations, files, bots -----------------------------------------------------------------------------------

    async def create_conversation(self, bot_id: str) -> str:
        try:
            answer = await self._wire.call("POST", "/v1/conversation/create", json={"bot_id": bot_id}, repeatable=True)
        except AgentUnavailable as trouble:
            if trouble.code == INTERNAL_ERROR and (fault := await self._fault_of(bot_id)) is not None:
                raise fault from trouble
            raise
        return _id_in(answer, "ConversationData")

    async def _fault_of(self, bot_id: str) -> AgentError | None:
        """Return what is wrong with a bot: some calls answer with trouble of Coze's own where a bot is unknown."""
        try:
            await self.profile(bot_id)
        except AgentError as exc:
            return exc if exc.said in (Say.AGENT_UNKNOWN_BOT, Say.AGENT_NOT_PUBLISHED) else None
        return None

    async def conversation_exists(self, conversation_id: str) -> bool:
        """Tell whether Coze still has a conversation of ours."""
        params = {"conversation_id": conversation_id}
        try:
            answer = await self._wire.call("GET", "/v1/conversation/retrieve", params=params, repeatable=True)
        except AgentRejected as exc:
            if exc.code not in (4002, 4200, 103000002):
                raise
            return False
        return bool(protocol.mapping_of(answer.result("ConversationData")).get("id"))

    async def clear(self, conversation_id: str) -> str:
        answer = await self._wire.call("POST", f"/v1/conversations/{conversation_id}/clear", repeatable=True)
        return _id_in(answer)

    async def find_question(self, conversation_id: str, mark: str) -> FoundQuestion | None:
        """Look for the question that carries ``mark`` among the newest messages of a conversation.

        Where the question itself does not tell its run, the answer that follows it does.
        """
        following = ""
        page: dict[str, object] = {"order": "desc", "limit": PAGE_MESSAGES}
        for _ in range(SEARCH_PAGES):
            answer = await self._wire.call(
                "POST",
                "/v1/conversation/message/list",
                params={"conversation_id": conversation_id},
                json=page,
                repeatable=True,
            )
            messages = protocol.items_of(answer.result())
            for message in messages:  # the newest first
                chat_id = protocol.text_of(message.get("chat_id"))
                if protocol.has_mark(message, mark):
                    return FoundQuestion(protocol.text_of(message.get("id")), chat_id or following)
                following = chat_id if message.get("role") == "assistant" else ""
            last_id = protocol.text_of(answer.body.get("last_id"))
            if not answer.body.get("has_more") or not messages or not last_id:
                break
            page["after_id"] = last_id
        return None

    async def upload(self, name: str, media_type: str, content: bytes) -> str:
        """Upload a file; returns its id, or from Coze Studio its address: messages there know no ids of files."""
        part = (name, content, media_type or "application/octet-stream")
        answer = await self._wire.call("POST", UPLOAD, files={"file": part}, repeatable=True)
        if self._settings.profile == "studio":
            if url := protocol.text_of(protocol.mapping_of(answer.result()).get("url")):
                return url
        return _id_in(answer)

    async def profile(self, bot_id: str) -> AgentProfile:
        params = {"bot_id": bot_id}
        answer = await self._wire.call("GET", "/v1/bot/get_online_info", params=params, repeatable=True)
        return protocol.read_profile(bot_id, answer.result())


@contextmanager
def _unquoted(text: str) -> Iterator[None]:
    """Cut an error's reason where it begins to quote the question: users' words are not for logs."""
    opening = " ".join(text.split())[:QUOTE_CHARS]
    try:
        yield
    except AgentError as exc:
        if len(opening) == QUOTE_CHARS and opening in exc.reason:
            exc.reason = exc.reason.partition(opening)[0] + "…"
            exc.args = (exc.reason,)
        raise


# --- small pieces -----------------------------------------------------------------------------------------------------


def _lost_for_good(broken: AgentError | None) -> AgentError:
    hint = advise(Hint.HISTORY_OFF)
    if isinstance(broken, AgentSilent):
        return AgentSilent(broken.reason, outcome_unknown=True, log_id=broken.log_id, hint=hint)
    reason = broken.reason if broken else f"POST {CHAT}: the stream ended unfinished"
    return AgentUnavailable(reason, outcome_unknown=True, hint=hint)


def _conversation_params(question: Question) -> dict[str, str]:
    return {"conversation_id": question.conversation_id} if question.conversation_id else {}


def _chat_params(chat: ChatRef) -> dict[str, str]:
    return {"conversation_id": chat.conversation_id, "chat_id": chat.chat_id}


def _id_in(answer: Answer, *other_keys: str) -> str:
    found = protocol.text_of(protocol.mapping_of(answer.result(*other_keys)).get("id"))
    if not found:
        raise AgentProtocolError(f"{answer.where}: no id in the reply", log_id=answer.log_id)
    return found


if TYPE_CHECKING:
    _: type[Agent] = CozeAgent
