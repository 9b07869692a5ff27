"""The workflows that a credential can see, and what they take; for the command line, not for the running bridge."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from bridge.coze.protocol import items_of, mapping_of, text_of
from bridge.coze.settings import CozeConnection
from bridge.coze.wire import NO_RETRIES, Wire
from bridge.coze.workflow_wire import read_kind
from bridge.model import SchemaParameter, WorkflowDetails
from bridge.ports import Clock

WORKFLOWS = "/v1/workflows"
PAGE_SIZE = 30
"""The most that a page of workflows holds."""

MAX_PAGES = 20
WORKSPACE_PAGE_SIZE = 50
CHATFLOW_INPUTS = frozenset({"USER_INPUT", "CONVERSATION_NAME"})
"""Parameters of every chatflow's start node, which are said otherwise. Source: Coze's chatflow page."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace that the credential can see."""

    id: str
    name: str


class WorkflowList:
    """Lists and describes; made by ``open_workflow_list``. Errors are ``AgentError``."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    @property
    def calls_made(self) -> int:
        """Requests so far: the free plan counts them."""
        return self._wire.calls_made

    async def workspaces(self) -> list[Workspace]:
        """Return the workspaces, up to one page of them."""
        params = {"page_num": "1", "page_size": str(WORKSPACE_PAGE_SIZE)}
        answer = await self._wire.call("GET", "/v1/workspaces", params=params, repeatable=True)
        rows = items_of(mapping_of(answer.result()).get("workspaces"))
        return [Workspace(text_of(row.get("id")), text_of(row.get("name"))) for row in rows]

    async def workflows(self, workspace_id: str) -> list[WorkflowDetails]:
        """Return the published workflows and chatflows of a workspace; their parameters are not told."""
        found = []
        for mode in ("workflow", "chatflow"):
            for page in range(1, MAX_PAGES + 1):
                params = {"workspace_id": workspace_id, "workflow_mode": mode, "page_size": str(PAGE_SIZE)}
                answer = await self._wire.call(
                    "GET", WORKFLOWS, params=params | {"page_num": str(page)}, repeatable=True
                )
                listed = mapping_of(answer.result())
                found += [replace(_basics(row), chatflow=mode == "chatflow") for row in items_of(listed.get("items"))]
                if listed.get("has_more") is not True:
                    break
        return found

    async def details(self, workflow_id: str) -> WorkflowDetails:
        """Return what a workflow takes, as far as the server tells it."""
        params = {"include_input_output": "true"}
        answer = await self._wire.call("GET", f"{WORKFLOWS}/{workflow_id}", params=params, repeatable=True)
        return read_details(workflow_id, answer.result())


@asynccontextmanager
async def open_workflow_list(settings: CozeConnection, clock: Clock) -> AsyncIterator[WorkflowList]:
    """Connect with one agent's credential.

    Raises:
        CredentialsError: Its key cannot be read.
    """
    async with Wire(settings, clock, retries=NO_RETRIES) as wire:
        yield WorkflowList(wire)


def read_details(workflow_id: str, value: object) -> WorkflowDetails:
    """Read a description; Coze Studio tells a chatflow's role alone."""
    described = mapping_of(value)
    if role := mapping_of(described.get("role")):
        return WorkflowDetails(workflow_id, text_of(role.get("name")), chatflow=True)
    basics = replace(_basics(mapping_of(described.get("workflow_detail"))), workflow_id=workflow_id)
    shapes = mapping_of(described.get("input")).get("parameters")
    if not isinstance(shapes, dict):
        return basics
    chatflow = "CONVERSATION_NAME" in shapes
    parameters = tuple(
        _parameter(name, mapping_of(shape))
        for name, shape in shapes.items()
        if not (chatflow and name in CHATFLOW_INPUTS)
    )
    return replace(basics, chatflow=chatflow, parameters=parameters)


def _basics(row: Mapping[str, Any]) -> WorkflowDetails:
    app_id = text_of(row.get("app_id"))
    return WorkflowDetails(
        text_of(row.get("workflow_id")),
        text_of(row.get("workflow_name")),
        text_of(row.get("description")),
        "" if app_id == "0" else app_id,
    )


def _parameter(name: str, shape: Mapping[str, Any]) -> SchemaParameter:
    kind, many = read_kind(shape)
    return SchemaParameter(
        name,
        kind,
        shape.get("required") is True,
        text_of(shape.get("description")),
        text_of(shape.get("default_value")),
        many,
    )
