"""How chatflows differ from chats in their objects and in the end of their stream (reference 6.6)."""

from sandbox.coze.answers import Failure
from sandbox.coze.dialect import DONE, REQUIRES_ACTION, CloudDialect
from sandbox.coze.feed import StreamEvent
from sandbox.coze.jsons import Json
from sandbox.coze.state import Chat, ChatStatus, Message
from sandbox.coze.studio import StudioDialect
from sandbox.coze.switches import CozeSwitches


class ChatflowDialect(CloudDialect):
    """The cloud's words."""

    may_require_action = False

    def __init__(self, switches: CozeSwitches, debug_url: str) -> None:
        super().__init__(switches)
        self._debug_url = debug_url

    def chat(self, chat: Chat, *, status: ChatStatus | None = None) -> Json:
        """Return the chat: no bot is named."""
        shown = super().chat(chat, status=status)
        del shown["bot_id"]
        return shown

    def _message_head(self, message: Message, content: str) -> Json:
        shown = super()._message_head(message, content)
        shown.pop("bot_id", None)
        return shown

    def interrupted(self, chat: Chat) -> list[StreamEvent]:
        """Return the end of a stream that asked something; no chat.completed."""
        if self._switches.chatflow_interruption == "requires_action":
            return [StreamEvent(REQUIRES_ACTION, self.chat(chat, status="requires_action")), self.done()]
        return [self.done()]

    def done(self) -> StreamEvent:
        """Return the last event: an object."""
        return StreamEvent(DONE, {"debug_url": self._debug_url})


class StudioChatflowDialect(StudioDialect):
    """Studio's words: its own end, and error codes as strings."""

    def failure(self, chat: Chat, failure: Failure) -> list[StreamEvent]:
        """Return the failing end; its code is a string here."""
        return [
            StreamEvent(event.name, event.data | {"code": str(event.data["code"])}) if event.name == "error" else event
            for event in super().failure(chat, failure)
        ]
