"""What the service remembers of workflows, found the way the service finds it."""

from dataclasses import dataclass, field

from sandbox.coze.errors import WorkflowError
from sandbox.coze.state import Identity
from sandbox.coze.workflow_runs import Run
from sandbox.coze.workflow_script import RunBook, Workflow


@dataclass(slots=True)
class WorkflowWorld:
    """Definitions, scripts and runs of one emulator."""

    workflows: dict[str, Workflow] = field(default_factory=dict)
    scripts: RunBook = field(default_factory=RunBook)
    runs: dict[str, Run] = field(default_factory=dict)

    def run(self, execute_id: str, owner: Identity) -> Run:
        """Return a run of the same account.

        Raises:
            WorkflowError: 4314.
        """
        found = self.runs.get(execute_id)
        if found is None or found.owner.account_id != owner.account_id:
            raise WorkflowError(4314)
        return found

    def last_run(self) -> Run:
        """Return the newest run, for looking at."""
        return next(reversed(self.runs.values()))


def find_workflow(world: WorkflowWorld, workflow_id: str, owner: Identity, *, published: bool = True) -> Workflow:
    """Return a workflow that the caller may use.

    Raises:
        WorkflowError: 4200, it does not exist, is another account's or was never published.
    """
    found = world.workflows.get(workflow_id)
    if found is None or found.account_id not in {None, owner.account_id}:
        raise WorkflowError(4200, f"The workflow {workflow_id} does not exist.")
    if published and not found.published:
        raise WorkflowError(4200, f"The workflow {workflow_id} has not been published.")
    return found
