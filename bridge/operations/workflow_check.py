"""What ``coze-bridge check`` finds out about one configured workflow: one call, and no run."""

from collections.abc import Iterator

from bridge.config import AgentConfig
from bridge.coze.workflow_list import open_workflow_list
from bridge.errors import AgentError
from bridge.extension import Finding
from bridge.model import WorkflowDetails
from bridge.operations.workflow_command import explain_workflows
from bridge.ports import Clock
from bridge.workflows.settings import WorkflowSettings


async def check_workflow(name: str, flow: WorkflowSettings, agent: AgentConfig, clock: Clock) -> list[Finding]:
    """Look a workflow up and compare what it takes with its section; never raises for what the service says.

    Raises:
        CredentialsError: The agent's key cannot be read.
    """
    try:
        async with open_workflow_list(agent, clock) as listing:
            details = await listing.details(flow.id)
    except AgentError as error:
        return [explain_workflows(error, f"Looking up the workflow {flow.id}", agent)]
    return [Finding(True, f"Coze knows {details.name or flow.id}"), *_compare(name, flow, details)]


def _compare(name: str, flow: WorkflowSettings, details: WorkflowDetails) -> Iterator[Finding]:
    if details.chatflow is not None and details.chatflow != flow.as_chat:
        kind = "a chatflow" if details.chatflow else "no chatflow"
        wanted = str(details.chatflow).lower()
        yield Finding(False, f"it is {kind}, but as_chat = {str(flow.as_chat).lower()}", f"Set as_chat = {wanted}.")
    if details.parameters is None:
        yield Finding(True, "this server does not tell what it takes: compare its start node yourself")
        return
    taken = {parameter.name: parameter for parameter in details.parameters}
    for parameter in taken.values():
        if parameter.required and parameter.name not in flow.parameters:
            section = f"[workflows.{name}.parameters.{parameter.name}]"
            yield Finding(False, f"it needs {parameter.name}, which is not configured", f"Write a section {section}.")
    for unknown in flow.parameters.keys() - taken.keys():
        there_are = ", ".join(taken) or "none"
        yield Finding(False, f"it takes no {unknown}", f"Rename or remove the parameter; there are: {there_are}.")
