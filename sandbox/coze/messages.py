"""The message routes of a conversation, and feedback on answers (reference, section 5)."""

from typing import Any

from sandbox.coze.calls import ABSENT, Call, Handlers, Reply
from sandbox.coze.context import is_listed
from sandbox.coze.conversations import store_entered
from sandbox.coze.errors import CozeError, bad_parameter
from sandbox.coze.services import Services
from sandbox.coze.state import LISTED_TYPES, Conversation, Message
from sandbox.coze.validation import MessageReader, flag_field, meta_data_field, needed_text, text_field

MAX_LIMIT = 50
MAX_REASONS = 10
MAX_REASON_CHARS = 30
MAX_COMMENT_CHARS = 250
_FEEDBACK = "/v1/conversations/{conversation_id}/messages/{message_id}/feedback"


class MessageRoutes:
    """Messages of a conversation, whoever brought them."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._reader = MessageReader(services.world)

    def handlers(self) -> Handlers:
        """Return the routes by name."""
        return {
            "POST /v1/conversation/message/create": self._create,
            "POST /v1/conversation/message/list": self._list,
            "GET /v1/conversation/message/retrieve": self._retrieve,
            "POST /v1/conversation/message/modify": self._modify,
            "POST /v1/conversation/message/delete": self._delete,
            f"POST {_FEEDBACK}": self._like,
            f"DELETE {_FEEDBACK}": self._withdraw,
        }

    def _conversation(self, call: Call) -> Conversation:
        return self._services.world.conversation(call.needed("conversation_id"), call.owner)

    async def _create(self, call: Call) -> Reply:
        conversation = self._conversation(call)
        entered = self._reader.message(call.body, call.owner, saved=True)
        return Reply(self._services.dialect.message(store_entered(self._services, conversation, entered)))

    async def _retrieve(self, call: Call) -> Reply:
        message = self._conversation(call).message(call.needed("message_id"))
        return Reply(self._services.dialect.message(message))

    async def _modify(self, call: Call) -> Reply:
        message = self._conversation(call).message(call.needed("message_id"))
        if call.body.get("content") is not None:
            message.content, message.content_type = self._reader.content(call.body, call.owner)
        if call.body.get("meta_data") is not None:
            message.meta_data = dict(meta_data_field(call.body))
        message.updated_at = self._services.now()
        return Reply(self._services.dialect.message(message), key="message")

    async def _delete(self, call: Call) -> Reply:
        conversation = self._conversation(call)
        message = conversation.message(call.needed("message_id"))
        if message.type not in LISTED_TYPES:
            raise CozeError(4005)
        conversation.messages = [kept for kept in conversation.messages if not _goes_with(kept, message)]
        return Reply(self._services.dialect.message(message))

    async def _list(self, call: Call) -> Reply:
        conversation = self._conversation(call)
        messages = self._visible(conversation, call)
        limit = call.body.get("limit")
        limit = MAX_LIMIT if limit is None else limit
        if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= MAX_LIMIT:
            raise bad_parameter(f"The field limit must be between 1 and {MAX_LIMIT}.")
        page, has_more = _page(messages, text_field(call.body, "before_id"), text_field(call.body, "after_id"), limit)
        return Reply(
            [self._services.dialect.message(message) for message in page],
            more={
                "first_id": page[0].message_id if page else "",
                "last_id": page[-1].message_id if page else "",
                "has_more": has_more,
            },
        )

    def _visible(self, conversation: Conversation, call: Call) -> list[Message]:
        order = text_field(call.body, "order") or "desc"
        if order not in {"asc", "desc"}:
            raise bad_parameter("The field order must be asc or desc.")
        chat_id = text_field(call.body, "chat_id")
        with_middle = flag_field(call.body, "include_middle_message", False)
        messages = [
            message
            for message in conversation.messages
            if (with_middle or message.type in LISTED_TYPES)
            and (chat_id is None or self._services.dialect.shown_chat_id(message) == chat_id)
            and is_listed(message, conversation, self._services.switches)
        ]
        return messages if order == "asc" else messages[::-1]

    def _answer(self, call: Call) -> Message:
        conversation = self._services.world.conversation(call.segment("conversation_id"), call.owner)
        message = conversation.message(call.segment("message_id"))
        if message.role != "assistant":
            raise CozeError(4005)
        return message

    async def _like(self, call: Call) -> Reply:
        message = self._answer(call)
        verdict = needed_text(call.body, "feedback_type")
        if verdict not in {"like", "unlike"}:
            raise bad_parameter("The field feedback_type must be like or unlike.")
        comment = text_field(call.body, "comment") or ""
        if len(comment) > MAX_COMMENT_CHARS:
            raise bad_parameter(f"The field comment is longer than {MAX_COMMENT_CHARS} characters.")
        reasons = _reasons(call.body.get("reason_types"))
        message.feedback = {"feedback_type": verdict, "reason_types": reasons, "comment": comment}
        return Reply(ABSENT)

    async def _withdraw(self, call: Call) -> Reply:
        self._answer(call).feedback = None
        return Reply(ABSENT)


def _reasons(value: Any) -> list[str]:
    reasons = [] if value is None else value
    if not isinstance(reasons, list) or not all(isinstance(reason, str) for reason in reasons):
        raise bad_parameter("The field reason_types must be an array of strings.")
    if len(reasons) > MAX_REASONS or any(len(reason) > MAX_REASON_CHARS for reason in reasons):
        raise bad_parameter(f"reason_types: at most {MAX_REASONS} of at most {MAX_REASON_CHARS} characters.")
    return reasons


def _goes_with(message: Message, deleted: Message) -> bool:
    """Tell whether a message goes when another is deleted: itself, and the intermediate ones of its turn."""
    if message is deleted:
        return True
    return deleted.chat_id is not None and message.chat_id == deleted.chat_id and message.type not in LISTED_TYPES


def _page(
    messages: list[Message], before_id: str | None, after_id: str | None, limit: int
) -> tuple[list[Message], bool]:
    """Return the entries before or after a position of the list as it is ordered, and whether there are more."""
    places = {message.message_id: place for place, message in enumerate(messages)}
    if any(anchor is not None and anchor not in places for anchor in (before_id, after_id)):
        raise CozeError(4005)
    if before_id is not None:
        end = places[before_id]
        start = max(0, end - limit)
        return messages[start:end], start > 0
    start = 0 if after_id is None else places[after_id] + 1
    return messages[start : start + limit], len(messages) > start + limit
