"""The agent service: its chats, and its workflows."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from bridge.model import (
    AgentCapabilities,
    AgentEvent,
    AgentProfile,
    ChatRef,
    ChatStatus,
    FoundQuestion,
    Interruption,
    Question,
    RunEvent,
    ToolCall,
    ToolOutput,
    WorkflowRun,
)


class Agent(Protocol):
    """One agent service with one credential. Errors are ``AgentError`` and, when opening, ``CredentialsError``."""

    @property
    def capabilities(self) -> AgentCapabilities: ...

    async def create_conversation(self, bot_id: str) -> str:
        """Create an empty conversation and return its id. A lost one does no harm: repeat freely."""
        ...

    def ask(self, question: Question) -> AbstractAsyncContextManager[AsyncIterator[AgentEvent]]:
        """Ask and stream the answer.

        A stream that breaks after ``ChatStarted`` is finished by fetching the answer, never by asking again. Leaving
        the context closes the connection; the run itself goes on at the service until ``cancel``.

        Raises, on entering or while iterating:
            AgentUnavailable: With ``outcome_unknown`` the question may have been received.
            AgentBusy: Another run occupies the conversation.
            AgentRateLimited, AgentRejected, AgentCancelled, AgentProtocolError: See ``errors``.
        """
        ...

    def follow(self, chat: ChatRef) -> AbstractAsyncContextManager[AsyncIterator[AgentEvent]]:
        """Yield the rest of a run that was asked earlier, by fetching it; events and errors as in ``ask``."""
        ...

    def submit(
        self, chat: ChatRef, outputs: Sequence[ToolOutput]
    ) -> AbstractAsyncContextManager[AsyncIterator[AgentEvent]]:
        """Hand over what tools said, an output for each call of ``ActionRequired``; events and errors as in ``ask``.

        After ``AgentUnavailable`` with ``outcome_unknown`` ``follow`` tells whether they were taken: as long as they
        were not, it yields the same ``ActionRequired`` again.
        """
        ...

    async def status(self, chat: ChatRef) -> ChatStatus: ...

    async def cancel(self, chat: ChatRef) -> ChatStatus:
        """Stop a run; returns where it stands afterwards (it may have completed first). Repeat freely."""
        ...

    async def clear(self, conversation_id: str) -> str:
        """Forget the context of a conversation; returns the id of its new section."""
        ...

    async def find_question(self, conversation_id: str, mark: str) -> FoundQuestion | None:
        """Look for the question that carries ``mark``."""
        ...

    async def upload(self, name: str, media_type: str, content: bytes) -> str:
        """Upload a file and return what a question refers to it by. Repeat freely: only the reference leads there.

        Args:
            name: With a suffix that tells the type, where the service goes by it.
        """
        ...

    async def rate(
        self, conversation_id: str, message_id: str, *, good: bool, comment: str = "", reasons: Sequence[str] = ()
    ) -> None:
        """Send feedback on an answer message; the newest counts."""
        ...

    async def delete_message(self, conversation_id: str, message_id: str) -> None:
        """Let the agent forget one message, a question or an answer; ``AgentRejected`` where it is gone already."""
        ...

    async def profile(self, bot_id: str) -> AgentProfile: ...


class Tools(Protocol):
    """What an agent may use at our side."""

    def knows(self, name: str) -> bool:
        """Tell whether there is such a tool."""
        ...

    async def use(self, call: ToolCall, user_id: str) -> str:
        """Return what the tool says to a call; never empty. After a crash the same call may come again.

        Args:
            user_id: Whom the agent answers, as the agent knows her.

        Raises:
            ToolFailed: It gave nothing.
        """
        ...


class Workflows(Protocol):
    """The workflows of one agent service. Errors are ``AgentError``.

    A run has no key against repeats and cannot be cancelled; streamed and synchronous ones have no id until they end.
    So one of unknown outcome is never repeated here: the caller learns that it may have run.
    """

    def run(self, run: WorkflowRun) -> AbstractAsyncContextManager[AsyncIterator[RunEvent]]:
        """Run a workflow and yield what it says.

        It is sent again only if it certainly was not taken. Leaving the context ends our listening, not the run.

        Raises, on entering or while iterating:
            AgentUnavailable: With ``outcome_unknown`` it may have run, or be running.
            AgentRateLimited, AgentRejected, AgentProtocolError, AgentError: See ``errors``.
        """
        ...

    def resume(
        self, run: WorkflowRun, asked: Interruption, answer: str
    ) -> AbstractAsyncContextManager[AsyncIterator[RunEvent]]:
        """Answer what an earlier run asked, and yield the rest of it; events and errors as in ``run``.

        Args:
            run: As it was started; its parameters do not matter any more.
            answer: The person's words, or for a form the JSON text of its fields.
        """
        ...

    def follow(
        self, run: WorkflowRun, execute_id: str, answered: str = ""
    ) -> AbstractAsyncContextManager[AsyncIterator[RunEvent]]:
        """Yield the rest of an asynchronous run by looking it up; repeat freely.

        Args:
            answered: The event that was answered last: while the service still shows it, the run goes on.
        """
        ...
