"""How the cloud words things: objects, envelopes, errors, the end of a stream. Studio overrides what differs."""

from typing import ClassVar

from sandbox.coze.answers import Failure
from sandbox.coze.calls import ABSENT, Reply
from sandbox.coze.errors import CozeError
from sandbox.coze.feed import StreamEvent
from sandbox.coze.ids import IdFactory
from sandbox.coze.jsons import Json, dump
from sandbox.coze.state import Bot, Chat, ChatStatus, Conversation, Message, UploadedFile
from sandbox.coze.supported import Endpoint
from sandbox.coze.switches import CozeSwitches
from sandbox.coze.workflow_words import WorkflowWords

CREATED = "conversation.chat.created"
IN_PROGRESS = "conversation.chat.in_progress"
COMPLETED = "conversation.chat.completed"
FAILED = "conversation.chat.failed"
REQUIRES_ACTION = "conversation.chat.requires_action"
DELTA = "conversation.message.delta"
MESSAGE_COMPLETED = "conversation.message.completed"
AUDIO_DELTA = "conversation.audio.delta"
ERROR = "error"
DONE = "done"


class CloudDialect:
    """The words of api.coze.cn and api.coze.com."""

    log_header = "x-tt-logid"
    stream_headers: ClassVar[dict[str, str]] = {"Content-Type": "text/event-stream"}
    streams_by_default = False
    has_lock = True
    always_saves = False
    may_require_action = True
    numeric_ids = False
    workflow_info = "details"
    """What ``GET /v1/workflows/{id}`` tells: everything, or the chatflow's role alone."""

    def __init__(self, switches: CozeSwitches) -> None:
        self._switches = switches
        self.workflows = WorkflowWords(switches)

    def new_log_id(self, ids: IdFactory) -> str:
        """Return what the log header carries."""
        return ids.next_log_id()

    def chat(self, chat: Chat, *, status: ChatStatus | None = None) -> Json:
        """Return the whole chat; ``status`` is what the pipeline says, which a cancel does not change."""
        shown: Json = {
            "id": chat.chat_id,
            "conversation_id": chat.conversation_id,
            "bot_id": chat.bot_id,
            "created_at": chat.created_at,
            "last_error": dict(chat.last_error),
            "status": status or chat.status,
            "usage": dict(chat.usage),
            "section_id": chat.section_id,
        }
        if chat.completed_at is not None:
            shown["completed_at"] = chat.completed_at
        if chat.failed_at is not None:
            shown["failed_at"] = chat.failed_at
        if chat.meta_data:
            shown["meta_data"] = dict(chat.meta_data)
        if chat.required_action is not None:
            shown["required_action"] = chat.required_action
        if self._switches.inserted_additional_messages and chat.saved:
            shown["inserted_additional_messages"] = [{"id": message.message_id} for message in chat.inserted]
        return shown

    def begun_chat(self, chat: Chat) -> Json:
        """Return the chat as ``POST /v3/chat`` replies without a stream: no usage yet."""
        shown = self.chat(chat, status=self._switches.first_status_without_stream)
        return {key: value for key, value in shown.items() if key not in {"usage", "section_id"}}

    def message(self, message: Message) -> Json:
        """Return a whole message, as completed events and lists show it."""
        shown = self._message_head(message, message.content)
        if message.reasoning and self._switches.reasoning_on_completed:
            shown["reasoning_content"] = message.reasoning
        if message.meta_data:
            shown["meta_data"] = dict(message.meta_data)
        return shown | {"created_at": message.created_at, "updated_at": message.updated_at}

    def delta(self, message: Message, *, content: str = "", reasoning: str = "", last: bool = False) -> Json:
        """Return a fragment of a message; only the last one has a time."""
        shown = self._message_head(message, content)
        if reasoning:
            shown["reasoning_content"] = reasoning
        if last:
            shown["created_at"] = message.created_at
        return shown

    def _message_head(self, message: Message, content: str) -> Json:
        shown: Json = {"id": message.message_id, "conversation_id": message.conversation_id}
        if message.bot_id is not None:
            shown["bot_id"] = message.bot_id
        shown |= {
            "role": message.role,
            "type": message.type,
            "content": content,
            "content_type": message.content_type,
        }
        if (chat_id := self.shown_chat_id(message)) is not None:
            shown["chat_id"] = chat_id
        return shown | {"section_id": message.section_id}

    def shown_chat_id(self, message: Message) -> str | None:
        """Return the chat id a message shows; questions may hide theirs."""
        if message.type == "question" and not self._switches.question_has_chat_id:
            return None
        return message.chat_id

    def conversation(self, conversation: Conversation) -> Json:
        """Return a conversation."""
        return {
            "id": conversation.conversation_id,
            "name": conversation.name,
            "meta_data": dict(conversation.meta_data),
            "creator_id": conversation.owner.account_id,
            "created_at": conversation.created_at,
            "updated_at": conversation.updated_at,
            "last_section_id": conversation.section_id,
            "connector_id": conversation.connector_id,
        }

    def file(self, file: UploadedFile) -> Json:
        """Return an uploaded file."""
        return {
            "id": file.file_id,
            "bytes": file.size_bytes,
            "file_name": file.file_name,
            "created_at": file.created_at,
        }

    def bot(self, bot: Bot, *, endpoint: Endpoint) -> Json:
        """Return a bot's configuration."""
        onboarding: Json = {"prologue": bot.prologue}
        if bot.suggested_questions:  # absent when the feature is off
            onboarding["suggested_questions"] = list(bot.suggested_questions)
        if self._switches.bot_keys == "PascalCase" and endpoint.path == "/v1/bots/{bot_id}":
            names = {"prologue": "Prologue", "suggested_questions": "SuggestedQuestions"}
            onboarding = {names[key]: value for key, value in onboarding.items()} | {"OnboardingMode": 1}
        return {
            "bot_id": bot.bot_id,
            "name": bot.name,
            "description": bot.description,
            "icon_url": "https://example.invalid/icon.png",
            "create_time": bot.created_at,
            "update_time": bot.created_at,
            "version": str(bot.created_at * 1000),
            "bot_mode": 0,
            "prompt_info": {"prompt": "You are helpful."},
            "onboarding_info": onboarding,
            "model_info": {"model_id": "1706077826", "model_name": "Sandbox model", "context_round": 30},
            "plugin_info_list": [],
            "workflow_info_list": [],
            "shortcut_commands": [],
            "suggest_reply_info": {"reply_mode": "enable", "customized_prompt": ""},
            "default_user_input_type": "text",
            "background_image_info": {},
            "owner_user_id": bot.account_id or "0",
        }

    def finish_notice(self, *, interrupted: bool = False) -> str:
        """Return the content of the verbose message that ends every answer."""
        data = dump({"finish_reason": int(interrupted), "FinData": ""})
        return dump({"msg_type": "generate_answer_finish", "data": data, "from_module": None, "from_unit": None})

    def notice(self, msg_type: str) -> str:
        """Return the content of another verbose message."""
        return dump({"msg_type": msg_type, "data": "", "from_module": None, "from_unit": None})

    def opening(self, chat: Chat) -> list[StreamEvent]:
        """Return the events that begin a stream."""
        return [
            StreamEvent(CREATED, self.chat(chat, status="created")),
            StreamEvent(IN_PROGRESS, self.chat(chat, status="in_progress")),
        ]

    def completion(self, chat: Chat) -> list[StreamEvent]:
        """Return the events that end a good stream."""
        return [StreamEvent(COMPLETED, self.chat(chat, status="completed")), self.done()]

    def interrupted(self, chat: Chat) -> list[StreamEvent]:
        """Return the events that end a stream whose answer was a question, where nothing is required."""
        return self.completion(chat)

    def interruption(self, chat: Chat) -> list[StreamEvent]:
        """Return the events that end a stream which waits for tool outputs."""
        events = [StreamEvent(REQUIRES_ACTION, self.chat(chat, status="requires_action"))]
        return [*events, self.done()] if self._switches.done_after_requires_action else events

    def failure(self, chat: Chat, failure: Failure) -> list[StreamEvent]:
        """Return the events that end a stream which failed."""
        bare = {"code": failure.code, "msg": failure.msg}
        if failure.shape == "error":
            events = [StreamEvent(ERROR, bare)]
        elif failure.shape == "bare":
            events = [StreamEvent(FAILED, bare)]
        else:
            events = [StreamEvent(FAILED, self.chat(chat, status="failed"))]
        return self._perhaps_done(events)

    def refusal(self, error: CozeError) -> list[StreamEvent]:
        """Return the stream that only says no."""
        return self._perhaps_done([StreamEvent(ERROR, {"code": error.code, "msg": error.msg})])

    def _perhaps_done(self, events: list[StreamEvent]) -> list[StreamEvent]:
        return [*events, self.done()] if self._switches.done_after_failure else events

    def done(self) -> StreamEvent:
        """Return the last event: a JSON string, quotes included."""
        return StreamEvent(DONE, "[DONE]")

    def envelope(self, reply: Reply, *, endpoint: Endpoint | None, log_id: str) -> Json:
        """Return the JSON body of a reply."""
        body: Json = {"code": reply.code, "msg": reply.msg, "detail": {"logid": log_id}}
        if reply.data is not ABSENT:
            body[reply.key] = reply.data
        return body | reply.more

    def error(self, error: CozeError) -> Reply:
        """Return the reply that refuses."""
        return Reply(code=error.code, msg=error.msg, status=error.status, headers=error.headers)

    def unknown_path(self) -> Reply | str:
        """Return the reply to a path or method that does not exist; a string is plain text."""
        return Reply(code=4000, msg="The requested API endpoint does not exist.", status=404)
