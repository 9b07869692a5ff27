"""What an agent sees of a conversation (reference 2.6), and what is stored of a chat (2.5)."""

from collections.abc import Iterable

from sandbox.coze.answers import ContextMessage
from sandbox.coze.state import Conversation, Message
from sandbox.coze.switches import CozeSwitches
from sandbox.coze.validation import EnteredMessage

_SEEN_TYPES = frozenset({"question", "answer", ""})


def context_of(
    conversation: Conversation,
    bot_id: str,
    user_id: str,
    additional: Iterable[EnteredMessage],
    switches: CozeSwitches,
) -> tuple[ContextMessage, ...]:
    """Return all messages an agent sees, oldest first, the question last."""
    cancelled = {chat.chat_id for chat in conversation.chats if chat.status == "canceled"}
    stored = [
        ContextMessage(message.role, message.content)
        for message in conversation.messages
        if message.section_id == conversation.section_id
        and message.type in _SEEN_TYPES
        and message.chat_id not in cancelled
        and _belongs(message, bot_id, user_id, switches)
    ]
    return (*stored, *(ContextMessage(message.role, message.content) for message in additional))


def _belongs(message: Message, bot_id: str, user_id: str, switches: CozeSwitches) -> bool:
    """Tell whether a turn is this user's with this bot; what no chat brought belongs to everybody."""
    if message.user_id is None or not switches.context_isolated_by_user:
        return True
    return message.user_id == user_id and message.bot_id == bot_id


def is_listed(message: Message, conversation: Conversation, switches: CozeSwitches) -> bool:
    """Tell whether a message shows in its conversation's list at this moment."""
    if switches.question_listed_while_running or message.type != "question":
        return True
    running = {message.message_id for chat in conversation.chats if chat.running for message in chat.inserted}
    return message.message_id not in running
