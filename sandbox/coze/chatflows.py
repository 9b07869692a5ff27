"""The route that runs chatflows: a chat whose answers come from a workflow (reference 6.6)."""

from dataclasses import replace

from sandbox.coze.answers import Answer, Prompt
from sandbox.coze.calls import Call, EventStream, Handlers
from sandbox.coze.chat import ChatRoutes, find_bot, not_published
from sandbox.coze.chat_request import ChatRequest
from sandbox.coze.chatflow_words import ChatflowDialect, StudioChatflowDialect
from sandbox.coze.conversations import open_conversation
from sandbox.coze.dialect import CloudDialect
from sandbox.coze.errors import OCCUPIED, CozeError, WorkflowError
from sandbox.coze.faults import ANSWER_FAULTS
from sandbox.coze.services import Services
from sandbox.coze.state import Conversation
from sandbox.coze.validation import MessageReader, needed_text, text_field, text_map_field
from sandbox.coze.workflow_routes import bad_run, check_association, run_parameters
from sandbox.coze.workflow_world import WorkflowWorld, find_workflow

MAX_MESSAGES = 50
NAME_PARAMETER = "CONVERSATION_NAME"


class ChatflowRoutes:
    """Runs chatflows. The answers are those of the answer book, scripted for the workflow's id."""

    def __init__(self, services: Services, world: WorkflowWorld, chats: ChatRoutes) -> None:
        self._services = services
        self._world = world
        self._chats = chats
        self._reader = MessageReader(services.world)
        self._continued: dict[str, Answer] = {}

    def handlers(self) -> Handlers:
        """Return the routes by name."""
        return {"POST /v1/workflows/chat": self._chat}

    async def _chat(self, call: Call) -> EventStream:
        wanted = self._read(call)
        conversation = self._conversation(call, wanted)
        if self._chats.occupied(conversation, saved=True):
            raise CozeError(OCCUPIED)
        question = wanted.messages[-1].content
        prompt_of = self._chats.prompt(conversation, wanted)
        answer = self._answer(conversation, prompt_of)
        fault = ANSWER_FAULTS.get(call.fault_kind() or "")
        if fault is not None and call.fault is not None:
            answer = replace(answer, failure=fault(call.fault.args), requires_action=None)
        chat = self._chats.new_chat(conversation, wanted, call.owner)
        conversation.name = conversation.name or question[:100]
        debug_url = (
            f"https://www.coze.cn/work_flow?execute_id={chat.chat_id}"
            f"&space_id={self._world.workflows[wanted.bot_id].workspace_id}&workflow_id={wanted.bot_id}&execute_mode=2"
        )
        run = self._chats.start(chat, conversation, prompt_of, answer, self._dialect(debug_url))
        self._services.tasks.spawn(run.begin())
        return EventStream(chat.feed, self._services.dialect.workflows.chat_framing)

    def _dialect(self, debug_url: str) -> CloudDialect:
        if self._services.dialect.numeric_ids:
            return StudioChatflowDialect(self._services.switches)
        return ChatflowDialect(self._services.switches, debug_url)

    def _read(self, call: Call) -> ChatRequest:
        """Check the request; the chatflow stands where a chat has its bot."""
        body = call.body
        check_association(body)
        workflow = find_workflow(self._world, needed_text(body, "workflow_id"), call.owner)
        if workflow.mode != "chatflow":
            raise bad_run("The workflow is no chatflow.")
        bot_id = text_field(body, "bot_id")
        if bot_id is None and text_field(body, "app_id") is None:
            raise bad_run("One of bot_id and app_id is required.")
        if bot_id is not None and not (bot := find_bot(self._services, bot_id, call.owner)).published:
            raise not_published(bot)
        if "parameters" not in body:
            raise bad_run("The field parameters is required.")
        parameters = run_parameters(body)
        messages = self._reader.messages(body, "additional_messages", call.owner, saved=True)
        if not messages or messages[-1].role != "user":
            raise bad_run("additional_messages must end with a message of the user.")
        if len(messages) > MAX_MESSAGES:
            raise WorkflowError(4004, f"additional_messages: at most {MAX_MESSAGES} messages.")
        if any(message.content_type != "text" for message in messages):
            raise bad_run("A chatflow takes messages of the content_type text only.")
        return ChatRequest(
            bot_id=workflow.workflow_id,
            user_id=text_map_field(body, "ext").get("user_id", call.owner.account_id),
            stream=True,
            saved=True,
            draft=False,
            messages=tuple(messages),
            custom_variables={name: str(value) for name, value in parameters.items()},
            meta_data={},
        )

    def _conversation(self, call: Call, wanted: ChatRequest) -> Conversation:
        services = self._services
        if conversation_id := text_field(call.body, "conversation_id"):
            return services.world.conversation(conversation_id, call.owner)
        name = wanted.custom_variables.get(NAME_PARAMETER, "")
        if name and text_field(call.body, "app_id"):
            for conversation in services.world.conversations.values():
                if conversation.owner == call.owner and conversation.name == name:
                    return conversation
        return open_conversation(services, call.owner, name=name)

    def _answer(self, conversation: Conversation, prompt: Prompt) -> Answer:
        """Return what the chatflow says: after a question it asked, what it goes on with."""
        continued = self._continued.pop(conversation.conversation_id, None)
        answer = continued or self._services.answers.answer(prompt)
        action = answer.requires_action
        if action is not None and action.then is not None:
            self._continued[conversation.conversation_id] = action.then
        return answer
