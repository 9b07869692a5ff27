"""The ``Agent`` port, spoken to Coze.

Theory of operation. ``ask`` takes a slot of the limits, sends the question and reads until the first event that says
something; so far refusals are repeated where that is safe. From then on an iterator reads the stream, and fetches what
it did not bring: ``chat_reading``. ``mode = "poll"`` and ``follow`` go there directly. ``submit`` is sent and read like
a question. Asking again is never the client's decision.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Self

from bridge.coze import protocol
from bridge.coze.asking import CHAT, open_question
from bridge.coze.chat_reading import ChatReading, chat_params
from bridge.coze.codes import CANNOT_CANCEL, INTERNAL_ERROR
from bridge.coze.limits import ChatLimits, WaitCallback
from bridge.coze.protocol import Answer
from bridge.coze.settings import CozeConnection
from bridge.coze.wire import Retries, Wire
from bridge.coze.workflows import CozeWorkflows
from bridge.errors import AgentError, AgentProtocolError, AgentRejected, AgentUnavailable
from bridge.model import (
    AgentCapabilities,
    AgentEvent,
    AgentProfile,
    ChatRef,
    ChatStatus,
    FileKind,
    FoundQuestion,
    Question,
    ToolOutput,
)
from bridge.ports import Agent, Clock
from bridge.texts.keys import Say

SUBMIT = "/v3/chat/submit_tool_outputs"
UPLOAD = "/v1/files/upload"

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
        self._reading = ChatReading(settings, clock, self._wire)
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
        body = protocol.chat_body(question, stream=self._streams, save=self._save)
        with _unquoted(question.text):
            async with self._begun(CHAT, body, _conversation_params(question), question.mark) as events:
                yield events

    @asynccontextmanager
    async def submit(self, chat: ChatRef, outputs: Sequence[ToolOutput]) -> AsyncIterator[AsyncIterator[AgentEvent]]:
        """Hand over what tools said, and stream the rest of the answer; see ``ports.Agent.submit``."""
        body = protocol.outputs_body(outputs, stream=self._streams)
        async with self._begun(SUBMIT, body, chat_params(chat), "") as events:
            yield events

    @asynccontextmanager
    async def follow(self, chat: ChatRef) -> AsyncIterator[AsyncIterator[AgentEvent]]:
        """Yield a run that was asked earlier, by fetching it; see ``ports.Agent.follow``."""
        async with aclosing(self._reading.polled(chat, begun=False)) as events:
            yield events

    @asynccontextmanager
    async def _begun(
        self, path: str, body: bytes, params: Mapping[str, str], mark: str
    ) -> AsyncIterator[AsyncIterator[AgentEvent]]:
        """Send what lets the agent work, and yield what it says."""
        async with self.limits.slot(mark), AsyncExitStack() as stack:
            if self._streams:
                deadline = self._reading.deadline
                opened = await open_question(self._wire, self.limits, mark, body, params, path)
                if opened.stream is not None:
                    stack.push_async_callback(opened.stream.aclose)
                events = self._reading.streamed(opened, deadline)
            else:
                await self.limits.start(mark)
                answer = await self._wire.call("POST", path, params=params, content=body)
                view = protocol.read_chat(answer.where, answer.result("ChatV3ChatDetail"))
                events = self._reading.polled(view.chat, view.section_id)
            yield await stack.enter_async_context(aclosing(events))

    @property
    def _streams(self) -> bool:
        return self._settings.mode == "stream"

    @property
    def _save(self) -> bool | None:
        """What to say about history; Coze Studio has no such field and always saves."""
        return None if self._settings.profile == "studio" else self._settings.auto_save_history

    # --- around a run -------------------------------------------------------------------------------------------------

    async def status(self, chat: ChatRef) -> ChatStatus:
        return (await self._reading.retrieve(chat)).status

    async def cancel(self, chat: ChatRef) -> ChatStatus:
        """Stop a run; returns where it stands afterwards. Repeat freely."""
        try:
            view = await self._reading.cancel(chat)
        except AgentRejected as exc:
            if exc.code not in CANNOT_CANCEL:
                raise
        else:
            # Coze's own sample of this reply shows a stale status: only "cancelled" can be believed.
            if view is not None and view.status is ChatStatus.CANCELED:
                return view.status
        return await self.status(chat)

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


def _conversation_params(question: Question) -> dict[str, str]:
    return {"conversation_id": question.conversation_id} if question.conversation_id else {}


def _id_in(answer: Answer, *other_keys: str) -> str:
    found = protocol.text_of(protocol.mapping_of(answer.result(*other_keys)).get("id"))
    if not found:
        raise AgentProtocolError(f"{answer.where}: no id in the reply", log_id=answer.log_id)
    return found


if TYPE_CHECKING:
    _: type[Agent] = CozeAgent
