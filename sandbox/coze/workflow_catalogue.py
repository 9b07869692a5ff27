"""The routes that list and describe workflows (reference 6.7)."""

from sandbox.coze.calls import Call, Handlers, Reply
from sandbox.coze.errors import bad_parameter
from sandbox.coze.jsons import Json
from sandbox.coze.services import Services
from sandbox.coze.workflow_script import Workflow
from sandbox.coze.workflow_world import WorkflowWorld, find_workflow

MAX_PAGE_SIZE = 30
DEFAULT_PAGE_SIZE = 10
CREATED_AT = 1752060786
CHATFLOW_INPUTS: Json = {
    "CONVERSATION_NAME": {"type": "string", "required": False, "description": "", "default_value": ""},
    "USER_INPUT": {"type": "string", "required": False},
}
"""Of every chatflow's start node."""
_PUBLISH_STATUS = frozenset({"all", "published_online", "unpublished_draft"})
_MODES = frozenset({"", "workflow", "chatflow"})


class WorkflowCatalogue:
    """What can be read about workflows."""

    def __init__(self, services: Services, world: WorkflowWorld) -> None:
        self._services = services
        self._world = world

    def handlers(self) -> Handlers:
        """Return the routes by name."""
        return {"GET /v1/workflows": self._list, "GET /v1/workflows/{workflow_id}": self._info}

    async def _list(self, call: Call) -> Reply:
        workspace_id, query = call.needed("workspace_id"), call.request.query
        mode, app_id = query.get("workflow_mode", ""), query.get("app_id", "")
        status = query.get("publish_status") or "published_online"
        if mode not in _MODES or status not in _PUBLISH_STATUS:
            raise bad_parameter("The field workflow_mode or publish_status has no such value.")
        size = self._services.page_size(call.number("page_size", DEFAULT_PAGE_SIZE), MAX_PAGE_SIZE)
        start = (call.number("page_num", 1) - 1) * size
        found = [
            workflow
            for workflow in self._world.workflows.values()
            if workflow.workspace_id == workspace_id
            and workflow.account_id in {None, call.owner.account_id}
            and mode in {"", workflow.mode}
            and app_id in {"", workflow.app_id}
            and (status == "all" or workflow.published == (status == "published_online"))
        ]
        shown = [_basics(workflow, text_times=True) for workflow in found[start : start + size]]
        return Reply({"items": shown, "has_more": len(found) > start + size})

    async def _info(self, call: Call) -> Reply:
        workflow = find_workflow(self._world, call.segment("workflow_id"), call.owner, published=False)
        if self._services.dialect.workflow_info == "role":
            return Reply({"role": {"id": workflow.workflow_id, "name": workflow.name, "avatar": {}}})
        shown: Json = {"workflow_detail": _basics(workflow, text_times=False)}
        if call.request.query.get("include_input_output", "").lower() == "true":
            every_chatflow = CHATFLOW_INPUTS if workflow.mode == "chatflow" else {}
            shown["input"] = {"parameters": every_chatflow | dict(workflow.parameters)}
            shown["output"] = _output(workflow)
        return Reply(shown)


def _basics(workflow: Workflow, *, text_times: bool) -> Json:
    """Return what lists and details share; times are strings in lists and numbers in details."""
    time: int | str = str(CREATED_AT) if text_times else CREATED_AT
    return {
        "workflow_id": workflow.workflow_id,
        "workflow_name": workflow.name,
        "description": workflow.description,
        "icon_url": "https://example.invalid/workflow.png",
        "app_id": workflow.app_id,
        "creator": {"id": workflow.account_id or "1", "name": "sandbox"},
        "created_at": time,
        "updated_at": time,
    }


def _output(workflow: Workflow) -> Json:
    shown: Json = {"parameters": dict(workflow.outputs), "terminate_plan": "return_variables"}
    if workflow.answer_content is not None:
        shown |= {"terminate_plan": "use_answer_content", "content": workflow.answer_content}
    return shown
