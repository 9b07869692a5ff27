"""Sections written from a workflow's own description, which the loader takes as they are."""

import tomllib

import pytest

from bridge.coze.workflow_list import read_details
from bridge.model import RunMode, SchemaParameter, ValueKind, WorkflowDetails
from bridge.workflows.section import section_name, write_section
from bridge.workflows.settings import WorkflowSettings

SHAPES = {
    "city": {"type": "string", "required": True, "description": 'Where, "exactly"?'},
    "days": {"type": "integer", "required": False, "default_value": "3"},
    "photos": {"type": "array", "required": True, "items": {"type": "image"}},
    "more": {"type": "object", "required": False},
}
DETAIL = {"workflow_id": "75", "workflow_name": "Trip Planner!", "description": "Plans\na trip", "app_id": "0"}


def loaded(text: str, name: str) -> WorkflowSettings:
    """What the loader makes of a section."""
    return WorkflowSettings.model_validate(tomllib.loads(text)["workflows"][name])


def test_a_workflow_with_its_schema() -> None:
    """Types, lists, descriptions and what is required come from the start node."""
    details = read_details("75", {"workflow_detail": DETAIL, "input": {"parameters": SHAPES}})
    assert section_name(details) == "trip-planner"
    flow = loaded(write_section(details, "trip-planner", "other"), "trip-planner")
    assert (flow.id, flow.agent, flow.description, flow.mode) == ("75", "other", "Plans a trip", RunMode.STREAM)
    assert [(n, p.type, p.required, p.many) for n, p in flow.parameters.items()] == [
        ("city", ValueKind.STRING, True, False),
        ("days", ValueKind.INTEGER, False, False),
        ("photos", ValueKind.IMAGE, True, True),
        ("more", ValueKind.JSON, False, False),
    ]
    assert flow.parameters["city"].description == 'Where, "exactly"?'
    assert flow.slash == "/trip-planner"
    assert section_name(details, "Plan a trip!") == "plan-a-trip"


def test_a_chatflow() -> None:
    """What every chatflow has is no parameter; what is its own stays."""
    shapes = {"CONVERSATION_NAME": {"type": "string"}, "USER_INPUT": {"type": "string"}, "tone": {"type": "string"}}
    details = read_details("75", {"workflow_detail": DETAIL | {"app_id": "9"}, "input": {"parameters": shapes}})
    flow = loaded(write_section(details, "guide"), "guide")
    assert (flow.mode, flow.app_id, list(flow.parameters)) == (RunMode.CHAT, "9", ["tone"])


def test_a_server_that_tells_nothing() -> None:
    """The person is told what to add."""
    details = read_details("75", {"role": {"name": "guide"}})
    assert (details.name, details.chatflow, details.parameters) == ("guide", True, None)
    text = write_section(details, "guide")
    assert "add a section for each parameter" in text
    assert loaded(text, "guide").parameters == {}


@pytest.mark.parametrize(
    ("name", "typed"),
    [("翻译 助手", "翻译-助手"), ("***", "workflow-4567"), ("A" * 50, "a" * 32), ("weather_v2", "weather_v2")],
)
def test_names_can_be_typed(name: str, typed: str) -> None:
    """Small letters of any script; a name without any becomes the id's end."""
    details = WorkflowDetails("1234567", name)
    assert section_name(details) == typed
    assert loaded(write_section(details, typed), typed).id == "1234567"


def test_a_name_that_cannot_be_given_is_told() -> None:
    """Rather a comment than a section that the loader refuses."""
    details = WorkflowDetails("1", "x", parameters=(SchemaParameter("two words", ValueKind.STRING),))
    text = write_section(details, "x")
    assert "'two words' cannot be given" in text
    assert loaded(text, "x").parameters == {}
