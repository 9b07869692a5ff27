"""The conversation routes: create, retrieve, list, rename, delete, clear (reference, section 5)."""

from sandbox.coze.calls import ABSENT, Call, Handlers, Reply
from sandbox.coze.errors import CozeError, bad_parameter
from sandbox.coze.services import Services
from sandbox.coze.state import Chat, Conversation, Identity, Message
from sandbox.coze.validation import EnteredMessage, MessageReader, meta_data_field, name_field, text_field

MAX_FIRST_MESSAGES = 16
MAX_PAGE_SIZE = 50
API_CONNECTOR = "1024"


class ConversationRoutes:
    """Conversations belong to whoever created them."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._reader = MessageReader(services.world)

    def handlers(self) -> Handlers:
        """Return the routes by name."""
        return {
            "POST /v1/conversation/create": self._create,
            "GET /v1/conversation/retrieve": self._retrieve,
            "GET /v1/conversations": self._list,
            "PUT /v1/conversations/{conversation_id}": self._rename,
            "DELETE /v1/conversations/{conversation_id}": self._delete,
            "POST /v1/conversations/{conversation_id}/clear": self._clear,
        }

    async def _create(self, call: Call) -> Reply:
        messages = self._reader.messages(call.body, "messages", call.owner, saved=True)
        if len(messages) > MAX_FIRST_MESSAGES:
            raise CozeError(4004, f"The field messages holds at most {MAX_FIRST_MESSAGES} messages.")
        bot_id = text_field(call.body, "bot_id")
        if bot_id is not None and bot_id not in self._services.world.bots:
            raise CozeError(self._services.switches.unknown_bot_code_on_create)
        name = name_field(call.body) or (messages[0].content[:100] if messages else "")
        conversation = open_conversation(
            self._services,
            call.owner,
            name=name,
            bot_id=bot_id,
            connector_id=text_field(call.body, "connector_id") or API_CONNECTOR,
            meta_data=meta_data_field(call.body),
        )
        for message in messages:
            store_entered(self._services, conversation, message)
        return Reply(self._services.dialect.conversation(conversation))

    async def _retrieve(self, call: Call) -> Reply:
        conversation = self._services.world.conversation(call.needed("conversation_id"), call.owner)
        return Reply(self._services.dialect.conversation(conversation))

    async def _list(self, call: Call) -> Reply:
        bot_id = call.needed("bot_id")
        size = self._services.page_size(call.number("page_size", MAX_PAGE_SIZE), MAX_PAGE_SIZE)
        start = (call.number("page_num", 1) - 1) * size
        order = (call.request.query.get("sort_order") or "DESC").upper()
        if order not in {"ASC", "DESC"}:
            raise bad_parameter("The field sort_order must be ASC or DESC.")
        found = [
            conversation
            for conversation in self._services.world.conversations.values()
            if conversation.owner == call.owner and bot_id in conversation.bot_ids
        ]
        if order == "DESC":
            found.reverse()
        shown = [self._services.dialect.conversation(conversation) for conversation in found[start : start + size]]
        return Reply({"has_more": len(found) > start + size, "conversations": shown})

    async def _rename(self, call: Call) -> Reply:
        conversation = self._services.world.conversation(call.segment("conversation_id"), call.owner)
        name = name_field(call.body)
        if name is not None:
            conversation.name = name
            conversation.updated_at = self._services.now()
        return Reply(self._services.dialect.conversation(conversation))

    async def _delete(self, call: Call) -> Reply:
        conversation = self._services.world.conversation(call.segment("conversation_id"), call.owner)
        del self._services.world.conversations[conversation.conversation_id]
        return Reply(ABSENT)

    async def _clear(self, call: Call) -> Reply:
        conversation = self._services.world.conversation(call.segment("conversation_id"), call.owner)
        conversation.section_id = self._services.ids.next_id()
        return Reply({"id": conversation.section_id, "conversation_id": conversation.conversation_id})


def open_conversation(
    services: Services,
    owner: Identity,
    *,
    name: str,
    bot_id: str | None = None,
    connector_id: str = API_CONNECTOR,
    meta_data: dict[str, str] | None = None,
) -> Conversation:
    """Create a conversation; its first section has its own id."""
    conversation_id = services.ids.next_id()
    conversation = Conversation(
        conversation_id=conversation_id,
        owner=owner,
        name=name,
        created_at=services.now(),
        updated_at=services.now(),
        section_id=conversation_id,
        connector_id=connector_id,
        meta_data=meta_data or {},
        bot_ids={bot_id} if bot_id else set(),
    )
    services.world.conversations[conversation_id] = conversation
    return conversation


def store_entered(
    services: Services, conversation: Conversation, entered: EnteredMessage, chat: Chat | None = None
) -> Message:
    """Store a message that a caller brought, by itself or with a chat."""
    now = services.now()
    message = Message(
        message_id=services.ids.next_id(),
        conversation_id=conversation.conversation_id,
        section_id=conversation.section_id,
        role=entered.role,
        type=entered.type,
        content=entered.content,
        content_type=entered.content_type,
        created_at=now,
        updated_at=now,
        chat_id=chat.chat_id if chat else None,
        bot_id=chat.bot_id if chat else None,
        user_id=chat.user_id if chat else None,
        meta_data=dict(entered.meta_data),
    )
    conversation.messages.append(message)
    return message
