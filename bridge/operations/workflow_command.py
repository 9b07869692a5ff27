"""What ``coze-bridge workflows`` prints: what a token can see, and a configuration section for one of them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bridge.clock import SystemClock
from bridge.config import AgentConfig, Config
from bridge.coze.check import explain
from bridge.coze.codes import for_run
from bridge.coze.workflow_list import WorkflowList, open_workflow_list
from bridge.errors import AgentError
from bridge.extension import Finding
from bridge.model import WorkflowDetails
from bridge.ports import Clock
from bridge.workflows.section import SLASH, section_name, write_section

COMMAND = "coze-bridge workflows"


@dataclass(frozen=True, slots=True)
class Printer:
    """Where lines go: ``out`` may be appended to a configuration, ``note`` is for the person."""

    out: Callable[[str], None]
    note: Callable[[str], None]


async def list_workflows(config: Config, agents: Iterable[str], printer: Printer, clock: Clock | None = None) -> bool:
    """Print what each agent's token can see; false when one could not be asked."""
    fine = True
    for name in agents:
        settings = config.agents[name]
        printer.out(f"agent {name} ({settings.base_url})")
        if settings.profile == "studio":
            printer.out(
                "  A Coze Studio has no list of its workflows. Take the id from the workflow's address, and run"
            )
            printer.out(f"  {COMMAND} ID")
            continue
        async with open_workflow_list(settings, clock or SystemClock()) as listing:
            try:
                await _list(config, listing, printer)
            except AgentError as error:
                _tell(explain_workflows(error, "Listing the workflows", settings), printer)
                fine = False
            printer.note(f"Coze calls made: {listing.calls_made}")
    return fine


async def _list(config: Config, listing: WorkflowList, printer: Printer) -> None:
    known = {flow.id: name for name, flow in config.workflows.items()}
    found = 0
    for workspace in await listing.workspaces():
        workflows = await listing.workflows(workspace.id)
        if workflows:
            printer.out(f"  {workspace.name or 'workspace'} ({workspace.id})")
        for workflow in workflows:
            printer.out(f"    {_line(workflow, known)}")
        found += len(workflows)
    if not found:
        printer.out("  This token sees no published workflow. Publish one, and give the token its workspace and the")
        printer.out("  permissions listWorkflow, getMetaData, run and listRunHistory.")
        return
    printer.out("")
    printer.out(f"  For the section of one of them: {COMMAND} ID --name NAME >> config.toml")


def _line(workflow: WorkflowDetails, known: dict[str, str]) -> str:
    parts = [workflow.workflow_id, workflow.name]
    if workflow.chatflow:
        parts.append("(chatflow)")
    if workflow.workflow_id in known:
        parts.append(f"[configured as {known[workflow.workflow_id]}]")
    if workflow.description:
        parts.append(f"- {' '.join(workflow.description.split())[:80]}")
    return "  ".join(parts)


async def print_sections(
    config: Config,
    agent: str,
    workflow_ids: Iterable[str],
    printer: Printer,
    clock: Clock | None = None,
    *,
    wanted: str = "",
) -> bool:
    """Print a section for each workflow, ready to be appended; false when one could not be described.

    Args:
        wanted: What people shall type, instead of the workflow's own name.
    """
    settings = config.agents[agent]
    fine = True
    taken = set(config.workflows)
    async with open_workflow_list(settings, clock or SystemClock()) as listing:
        for workflow_id in workflow_ids:
            try:
                details = await listing.details(workflow_id)
            except AgentError as error:
                _tell(explain_workflows(error, f"Looking up the workflow {workflow_id}", settings), printer)
                fine = False
                continue
            name = _free_name(section_name(details, wanted), taken)
            taken.add(name)
            printer.out("")
            printer.out(write_section(details, name, "" if agent == config.default_agent else agent).rstrip())
            slash = f", and by slash command: /{name}" if SLASH.fullmatch(name) else ""
            printer.note(f"People run it with: !run {name}{slash}")
        printer.note(f"Coze calls made: {listing.calls_made}")
    return fine


def _free_name(name: str, taken: set[str]) -> str:
    number = 2
    free = name
    while free in taken:
        free = f"{name[:28]}-{number}"
        number += 1
    return free


def explain_workflows(error: AgentError, what: str, settings: AgentConfig) -> Finding:
    """Word one failure; a missing permission is here one of those for workflows."""
    finding = explain(for_run(error), what, settings, "en")
    if error.code in (4100, 4101, 700012006):
        wanted = "For workflows the token needs listWorkflow, getMetaData, run and listRunHistory."
        return Finding(False, finding.subject, f"{finding.fix} {wanted}")
    return finding


def _tell(finding: Finding, printer: Printer) -> None:
    printer.note(f"✗ {finding.subject}")
    if finding.fix:
        printer.note(f"    {finding.fix}")
