"""The ``/v3/chat`` routes."""

from collections.abc import Sequence
from dataclasses import replace

from sandbox.coze.answers import Answer, Failure, Prompt
from sandbox.coze.calls import ABSENT, Call, EventStream, Handlers, Reply
from sandbox.coze.chat_request import ChatRequest, read_chat_request
from sandbox.coze.context import context_of
from sandbox.coze.conversations import open_conversation, store_entered
from sandbox.coze.dialect import CloudDialect
from sandbox.coze.errors import CANNOT_CANCEL, OCCUPIED, CozeError, bad_parameter
from sandbox.coze.faults import ANSWER_FAULTS
from sandbox.coze.feed import Feed
from sandbox.coze.running import ChatRun, ToolOutput, reopen
from sandbox.coze.services import Services
from sandbox.coze.state import Bot, Chat, Conversation, Identity
from sandbox.coze.validation import MessageReader, flag_field, needed_text


class ChatRoutes:
    """Starts chats, tells how they stand, cancels them and takes their tool outputs."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._reader = MessageReader(services.world)
        self._runs: dict[str, ChatRun] = {}

    def handlers(self) -> Handlers:
        """Return the routes by name."""
        return {
            "POST /v3/chat": self._create,
            "GET /v3/chat/retrieve": self._retrieve,
            "POST /v3/chat/retrieve": self._retrieve,
            "GET /v3/chat/message/list": self._messages,
            "POST /v3/chat/cancel": self._cancel,
            "POST /v3/chat/submit_tool_outputs": self._submit,
        }

    async def _create(self, call: Call) -> Reply | EventStream:
        dialect = self._services.dialect
        wanted = read_chat_request(call.body, call.owner, self._reader, dialect)
        self._check_bot(wanted, call.owner)
        conversation = self._conversation(call, wanted)
        self._services.throttle.check_concurrency(self._services.world.running_chats(call.owner.account_id))
        if self.occupied(conversation, saved=wanted.saved):
            return self._refuse_occupied(wanted)
        answer_fault = ANSWER_FAULTS.get(call.fault_kind() or "")
        failure = answer_fault(call.fault.args) if answer_fault is not None and call.fault is not None else None
        run = self._prepare(conversation, wanted, call.owner, failure)
        shown = dialect.begun_chat(run.chat)
        self._services.tasks.spawn(run.begin())
        return EventStream(run.chat.feed) if wanted.stream else Reply(shown)

    def _check_bot(self, wanted: ChatRequest, owner: Identity) -> None:
        if self._services.dialect.numeric_ids and not wanted.bot_id.isdecimal():
            raise bad_parameter("The field bot_id must be a number.")
        bot = find_bot(self._services, wanted.bot_id, owner)
        if not bot.published and not wanted.draft:
            raise not_published(bot)

    def _conversation(self, call: Call, wanted: ChatRequest) -> Conversation:
        conversation_id = call.request.query.get("conversation_id", "")
        if not conversation_id:
            if not wanted.messages:
                raise bad_parameter("additional_messages is required for a new conversation.")
            name = wanted.messages[0].content[:100]
            return open_conversation(self._services, call.owner, name=name, bot_id=wanted.bot_id)
        if self._services.dialect.numeric_ids and not conversation_id.isdecimal():
            raise bad_parameter("The field conversation_id must be a number.")
        return self._services.world.conversation(conversation_id, call.owner)

    def occupied(self, conversation: Conversation, *, saved: bool) -> bool:
        """Tell whether a running chat keeps one more out of a conversation."""
        switches = self._services.switches
        if not self._services.dialect.has_lock or not switches.lock_exists:
            return False
        if not saved and not switches.lock_for_unsaved:
            return False
        return any(
            (chat.running or (chat.status == "requires_action" and switches.lock_in_requires_action))
            and (chat.saved or switches.lock_for_unsaved)
            for chat in conversation.chats
        )

    def _refuse_occupied(self, wanted: ChatRequest) -> EventStream:
        switches = self._services.switches
        error = CozeError(OCCUPIED)
        shape = switches.occupied_stream_shape if wanted.stream else switches.occupied_json_shape
        if shape == "json":
            raise error
        return EventStream(Feed.of(*self._services.dialect.refusal(error)))

    def _prepare(
        self, conversation: Conversation, wanted: ChatRequest, owner: Identity, failure: Failure | None
    ) -> ChatRun:
        prompt = self.prompt(conversation, wanted)
        answer = self._services.answers.answer(prompt)
        if failure is not None:
            answer = replace(answer, failure=failure, requires_action=None)
        chat = self.new_chat(conversation, wanted, owner)
        return self.start(chat, conversation, prompt, answer)

    def prompt(self, conversation: Conversation, wanted: ChatRequest) -> Prompt:
        """Return what the agent sees.

        Raises:
            CozeError: 4000, it sees nothing.
        """
        context = context_of(conversation, wanted.bot_id, wanted.user_id, wanted.messages, self._services.switches)
        if not context:
            raise bad_parameter("additional_messages is required for an empty conversation.")
        variables = dict(wanted.custom_variables)
        return Prompt(wanted.bot_id, wanted.user_id, conversation.conversation_id, context, variables)

    def new_chat(self, conversation: Conversation, wanted: ChatRequest, owner: Identity) -> Chat:
        """Create a chat and store what came with it."""
        services = self._services
        chat = Chat(
            chat_id=services.ids.next_id(),
            conversation_id=conversation.conversation_id,
            section_id=conversation.section_id,
            bot_id=wanted.bot_id,
            user_id=wanted.user_id,
            owner=owner,
            saved=wanted.saved,
            created_at=services.now(),
            feed=Feed(),
            meta_data=wanted.meta_data,
        )
        conversation.bot_ids.add(wanted.bot_id)
        conversation.updated_at = services.now()
        if wanted.saved:  # the whole history that came along is stored, not the question alone (2.5)
            chat.inserted = [store_entered(services, conversation, message, chat) for message in wanted.messages]
        conversation.chats.append(chat)
        services.world.chats[chat.chat_id] = chat
        return chat

    def start(
        self,
        chat: Chat,
        conversation: Conversation,
        prompt: Prompt,
        answer: Answer,
        dialect: CloudDialect | None = None,
    ) -> ChatRun:
        """Make the run of a chat; ``dialect`` if it speaks otherwise than the emulator."""
        services = self._services
        dialect = dialect or services.dialect
        run = ChatRun(chat, conversation, prompt, answer, clock=services.clock, ids=services.ids, dialect=dialect)
        self._runs[chat.chat_id] = run
        return run

    def _saved_chat(self, conversation_id: str, chat_id: str, owner: Identity) -> Chat:
        chat = self._services.world.chat(conversation_id, chat_id, owner)
        if not chat.saved:
            raise CozeError(4001)
        return chat

    async def _retrieve(self, call: Call) -> Reply:
        chat = self._saved_chat(call.needed("conversation_id"), call.needed("chat_id"), call.owner)
        return Reply(self._services.dialect.chat(chat))

    async def _messages(self, call: Call) -> Reply:
        chat = self._saved_chat(call.needed("conversation_id"), call.needed("chat_id"), call.owner)
        shown = [self._services.dialect.message(message) for message in chat.messages]
        if not shown and self._services.switches.empty_list_omits_data:
            return Reply(ABSENT)
        return Reply(shown)

    async def _cancel(self, call: Call) -> Reply:
        conversation_id, chat_id = needed_text(call.body, "conversation_id"), needed_text(call.body, "chat_id")
        chat = self._services.world.chat(conversation_id, chat_id, call.owner)
        switches = self._services.switches
        if not chat.saved and not switches.unsaved_chat_cancellable:
            raise CozeError(4001)
        if not chat.running:
            raise CozeError(CANNOT_CANCEL)
        chat.status = "canceled"
        if switches.stream_after_cancel == "ends":
            chat.feed.close()
        return Reply(self._services.dialect.chat(chat))

    async def _submit(self, call: Call) -> Reply | EventStream:
        chat = self._services.world.chat(call.needed("conversation_id"), call.needed("chat_id"), call.owner)
        stream = flag_field(call.body, "stream", False)
        if not chat.saved:
            raise CozeError(5000)  # what the service says to tool outputs for an unsaved chat
        if chat.status != "requires_action":
            raise bad_parameter("The chat does not wait for tool outputs.")
        run = self._runs[chat.chat_id]
        outputs = self._read_outputs(call, run)
        reopen(chat)
        run.pending_calls = {}
        shown = self._services.dialect.chat(chat)
        self._services.tasks.spawn(run.resume(outputs))
        return EventStream(chat.feed) if stream else Reply(shown)

    def _read_outputs(self, call: Call, run: ChatRun) -> Sequence[ToolOutput]:
        entries = call.body.get("tool_outputs")
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise bad_parameter("The field tool_outputs must be an array of objects.")
        outputs = {needed_text(entry, "tool_call_id"): needed_text(entry, "output") for entry in entries}
        if set(outputs) != set(run.pending_calls):
            raise bad_parameter("The tool_outputs must answer exactly the calls that wait.")
        return [ToolOutput(run.pending_calls[call_id], call_id, output) for call_id, output in outputs.items()]


def find_bot(services: Services, bot_id: str, owner: Identity) -> Bot:
    """Return a bot that the caller may use.

    Raises:
        CozeError: 4006 (a switch), it does not exist or is another account's.
    """
    bot = services.world.bots.get(bot_id)
    if bot is None or bot.account_id not in {None, owner.account_id}:
        raise CozeError(services.switches.unknown_bot_code)
    return bot


def not_published(bot: Bot) -> CozeError:
    """Return the 4015 that names the bot."""
    return CozeError(4015, f"The bot_id {bot.bot_id} has not been published to the channel Agent As API.")
