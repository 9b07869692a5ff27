"""An agent in this process that answers as scripted."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from bridge.errors import AgentError
from bridge.model import (
    AgentCapabilities,
    AgentEvent,
    AgentProfile,
    ChatRef,
    ChatStarted,
    ChatStatus,
    FoundQuestion,
    Question,
    ToolOutput,
)
from bridge.ports import Agent

Step = AgentEvent | Exception | asyncio.Event


class FakeAgent:
    """Answers each question with the next script: events, errors to raise, and gates (events) to wait at."""

    def __init__(self, *scripts: Sequence[Step]) -> None:
        self.capabilities = AgentCapabilities()
        self.scripts = list(scripts)
        self.questions: list[Question] = []
        self.cancelled: list[ChatRef] = []
        self.followed: list[ChatRef] = []
        self.submitted: list[tuple[ChatRef, tuple[ToolOutput, ...]]] = []
        self.found: FoundQuestion | None = None
        self.conversations = 0
        self.uploads: dict[str, bytes | AgentError] = {}
        """What was uploaded, by name; an error put here beforehand is raised for that name."""
        self.rated: list[tuple[str, str, bool]] = []
        self.reasons: list[tuple[str, ...]] = []
        """Beside each of ``rated``: the comment, then the reasons."""
        self.deleted: list[tuple[str, str]] = []
        self.failures: list[Exception] = []
        """Raised by the next calls of ``rate`` and ``delete_message``."""

    async def create_conversation(self, bot_id: str) -> str:
        self.conversations += 1
        return f"conversation-{self.conversations}"

    @asynccontextmanager
    async def ask(self, question: Question) -> AsyncIterator[AsyncIterator[AgentEvent]]:
        self.questions.append(question)
        yield self._play(self.scripts.pop(0), question.conversation_id)

    @asynccontextmanager
    async def follow(self, chat: ChatRef) -> AsyncIterator[AsyncIterator[AgentEvent]]:
        self.followed.append(chat)
        yield self._play(self.scripts.pop(0), chat.conversation_id)

    async def _play(self, script: Sequence[Step], conversation_id: str) -> AsyncIterator[AgentEvent]:
        for step in script:
            await asyncio.sleep(0)
            match step:
                case Exception():
                    raise step
                case asyncio.Event():
                    await step.wait()
                case ChatStarted(chat):
                    yield ChatStarted(ChatRef(conversation_id, chat.chat_id))
                case _:
                    yield step

    @asynccontextmanager
    async def submit(self, chat: ChatRef, outputs: Sequence[ToolOutput]) -> AsyncIterator[AsyncIterator[AgentEvent]]:
        self.submitted.append((chat, tuple(outputs)))
        yield self._play(self.scripts.pop(0), chat.conversation_id)

    async def status(self, chat: ChatRef) -> ChatStatus:
        return ChatStatus.COMPLETED

    async def cancel(self, chat: ChatRef) -> ChatStatus:
        self.cancelled.append(chat)
        return ChatStatus.CANCELED

    async def clear(self, conversation_id: str) -> str:
        return f"{conversation_id}-cleared"

    async def find_question(self, conversation_id: str, mark: str) -> FoundQuestion | None:
        return self.found

    async def upload(self, name: str, media_type: str, content: bytes) -> str:
        if isinstance(error := self.uploads.get(name), AgentError):
            raise error
        self.uploads[name] = content
        return f"file-{name}"

    async def rate(
        self, conversation_id: str, message_id: str, *, good: bool, comment: str = "", reasons: Sequence[str] = ()
    ) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.rated.append((conversation_id, message_id, good))
        self.reasons.append((comment, *reasons))

    async def delete_message(self, conversation_id: str, message_id: str) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.deleted.append((conversation_id, message_id))

    async def profile(self, bot_id: str) -> AgentProfile:
        return AgentProfile(bot_id, "fake")


def _fits_the_port(agent: FakeAgent) -> Agent:
    """Let the type checker hold the fake to the port."""
    return agent
