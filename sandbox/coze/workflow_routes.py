"""The routes that run workflows, resume them and tell how they went (reference 6.2 to 6.5)."""

import asyncio
import json
from typing import Any

from sandbox.coze.calls import ABSENT, Call, EventStream, Handlers, HangUp, Reply
from sandbox.coze.errors import WorkflowError
from sandbox.coze.feed import Feed
from sandbox.coze.jsons import Json, dump
from sandbox.coze.services import Services
from sandbox.coze.state import Identity
from sandbox.coze.validation import flag_field, needed_text, object_field, text_field, text_map_field
from sandbox.coze.workflow_runs import Pending, Run, RunMode, RunPlayer, Said, reopen
from sandbox.coze.workflow_script import RunScript, Workflow
from sandbox.coze.workflow_world import WorkflowWorld, find_workflow

EXT_KEYS = frozenset({"latitude", "longitude", "user_id"})
_HISTORY = "/v1/workflows/{workflow_id}/run_histories/{execute_id}"
_MODE_NUMBERS: dict[RunMode, int] = {"sync": 0, "stream": 1, "async": 2}


class WorkflowRoutes:
    """Starts runs, takes their answers, remembers their outputs."""

    def __init__(self, services: Services, world: WorkflowWorld) -> None:
        self._services = services
        self._world = world
        self._words = services.dialect.workflows
        self._players: dict[str, RunPlayer] = {}

    def handlers(self) -> Handlers:
        """Return the routes by name."""
        return {
            "POST /v1/workflow/run": self._run,
            "POST /v1/workflow/stream_run": self._stream_run,
            "POST /v1/workflow/stream_resume": self._stream_resume,
            "POST /v1/workflows/resume": self._resume,
            f"GET {_HISTORY}": self._history,
            f"GET {_HISTORY}/execute_nodes/{{node_execute_uuid}}": self._node_output,
            "GET /v1/workflow/get_run_history": self._old_history,
        }

    # --- running ------------------------------------------------------------------------------------------------------

    async def _run(self, call: Call) -> Reply | HangUp:
        is_async = flag_field(call.body, "is_async", False)
        workflow, parameters = self._wanted(call)
        if is_async and not self._services.switches.async_runs:
            raise WorkflowError(6003)
        if not is_async and workflow.streams:
            raise bad_run("The workflow holds nodes that stream: use stream_run.")
        player = self._begin(call, workflow, parameters, "async" if is_async else "sync")
        return self._accepted(player.run) if is_async else await self._plain_outcome(player.run)

    async def _stream_run(self, call: Call) -> EventStream:
        workflow, parameters = self._wanted(call)
        player = self._begin(call, workflow, parameters, "stream")
        return EventStream(player.run.feed, self._words.run_framing)

    def _wanted(self, call: Call) -> tuple[Workflow, Json]:
        """Check what every run must bring; return the workflow and its parameters."""
        check_association(call.body)
        if unknown := set(text_map_field(call.body, "ext")) - EXT_KEYS:
            raise bad_run(f"Unknown keys in ext: {', '.join(sorted(unknown))}.")
        workflow = find_workflow(self._world, needed_text(call.body, "workflow_id"), call.owner)
        parameters = run_parameters(call.body)
        if missing := workflow.missing(parameters):
            raise bad_run(f"Missing required parameters: {', '.join(missing)}.")
        return workflow, parameters

    def _begin(self, call: Call, workflow: Workflow, parameters: Json, mode: RunMode) -> RunPlayer:
        services, script = self._services, self._world.scripts.take(workflow.workflow_id)
        run = Run(
            execute_id=services.ids.next_id(),
            workflow=workflow,
            owner=call.owner,
            mode=mode,
            parameters=parameters,
            log_id=call.log_id,
            created_at=services.now(),
            updated_at=services.now(),
            bot_id=text_field(call.body, "bot_id") or "0",
            user_id=text_map_field(call.body, "ext").get("user_id", call.owner.account_id),
        )
        return self._play(run, script)

    def _play(self, run: Run, script: RunScript) -> RunPlayer:
        services = self._services
        player = RunPlayer(run, script, clock=services.clock, ids=services.ids, words=self._words)
        self._world.runs[run.execute_id] = run
        self._players[run.execute_id] = player
        services.tasks.spawn(player.begin())
        return player

    def _accepted(self, run: Run) -> Reply:
        """Return the reply to an asynchronous run; the sample has neither code nor detail."""
        return Reply({"debug_url": run.debug_url, "execute_id": run.execute_id, "msg": ""}, bare=True)

    async def _plain_outcome(self, run: Run) -> Reply | HangUp:
        """Wait for what became of a run that was not streamed."""
        if not await self._ends(run.feed, self._services.switches.plain_run_timeout_s):
            return HangUp()
        if run.pending is not None:
            if not self._words.may_resume_plainly:
                raise WorkflowError(6039)
            data = self._words.interrupt_data(run.pending.ask, run.pending.event_id)
            more = {"execute_id": run.execute_id, "debug_url": run.debug_url, "interrupt_data": data}
            return Reply(ABSENT, more=more)
        if run.status == "Fail":
            return Reply(ABSENT, code=run.error_code, msg=run.error_message, more={"debug_url": run.debug_url})
        return Reply(run.result, more={"debug_url": run.debug_url, "usage": run.usage})

    async def _ends(self, feed: Feed, within_s: float) -> bool:
        """Tell whether a feed got its end in time."""
        tasks = self._services.tasks
        ended, late = tasks.spawn(feed.until_closed()), tasks.spawn(self._services.clock.sleep(within_s))
        try:
            await asyncio.wait({ended, late}, return_when=asyncio.FIRST_COMPLETED)
            return ended.done()
        finally:
            ended.cancel()
            late.cancel()

    # --- resuming -----------------------------------------------------------------------------------------------------

    async def _stream_resume(self, call: Call) -> EventStream:
        run = self._reopened(call, ("stream",))
        return EventStream(run.feed, self._words.run_framing)

    async def _resume(self, call: Call) -> Reply | HangUp:
        run = self._reopened(call, ("sync", "async"))
        return self._accepted(run) if run.mode == "async" else await self._plain_outcome(run)

    def _reopened(self, call: Call, modes: tuple[RunMode, ...]) -> Run:
        """Find the run that waits for this answer and set it going again."""
        workflow_id, event_id = needed_text(call.body, "workflow_id"), needed_text(call.body, "event_id")
        answer, kind = call.body.get("resume_data"), call.body.get("interrupt_type")
        if not isinstance(answer, str):
            raise bad_run("The field resume_data is required and must be a string.")
        run = self._world.run(event_id.partition("/")[0], call.owner)
        if run.workflow.workflow_id != workflow_id:
            raise WorkflowError(4314)
        pending = run.pending
        if run.over or (pending is not None and self._expired(pending)):
            raise WorkflowError(4315)
        if pending is None or pending.event_id != event_id:
            raise bad_run("The run does not wait for this event.")
        if kind != pending.ask.type:
            raise bad_run("The field interrupt_type does not fit the event.")
        if run.mode not in modes:
            raise bad_run("The run was started in another way.")
        reopen(run)
        self._services.tasks.spawn(self._players[run.execute_id].resume(answer))
        return run

    def _expired(self, pending: Pending) -> bool:
        lifetime_s = self._services.switches.interruption_lifetime_s
        return lifetime_s is not None and self._services.clock.now() > pending.since + lifetime_s

    # --- looking back -------------------------------------------------------------------------------------------------

    async def _history(self, call: Call) -> Reply:
        return Reply([self._row(self._past(call.segment("workflow_id"), call.segment("execute_id"), call.owner))])

    async def _old_history(self, call: Call) -> Reply:
        """Answer as Studio does, under its own path with its own names (12.4)."""
        run = self._past(call.needed("workflow_id"), call.needed("execute_id"), call.owner)
        row = self._row(run)
        row["log_id"], row["error_msg"] = row.pop("logid"), row.pop("error_message")
        row["execute_id"] = int(run.execute_id)
        return Reply([row])

    async def _node_output(self, call: Call) -> Reply:
        run = self._past(call.segment("workflow_id"), call.segment("execute_id"), call.owner)
        uuid = call.segment("node_execute_uuid")
        for said in run.said:
            if said.uuid == uuid:
                return Reply({"is_finish": True, "node_output": said.text})
        raise WorkflowError(4200)

    def _past(self, workflow_id: str, execute_id: str, owner: Identity) -> Run:
        run = self._world.run(execute_id, owner)
        if run.workflow.workflow_id != workflow_id:
            raise WorkflowError(4314)
        return run

    def _row(self, run: Run) -> Json:
        output = _output_of(run)
        limit = self._services.switches.max_output_bytes
        trimmed = len(output.encode()) > limit
        row: Json = {
            "execute_id": run.execute_id,
            "execute_status": run.status,
            "run_mode": _MODE_NUMBERS[run.mode],
            "bot_id": run.bot_id,
            "connector_id": "1024",
            "connector_uid": run.user_id,
            "logid": run.log_id,
            "create_time": run.created_at,
            "update_time": run.updated_at,
            "output": output[:limit] if trimmed else output,
            "error_code": run.error_code if run.error_code == "" else str(run.error_code),
            "error_message": run.error_message,
            "debug_url": run.debug_url,
            "usage": run.usage,
            "token": "0",
            "cost": "0.00000",
            "is_output_trimmed": trimmed,
            "node_execute_status": {key: _node_status(said) for key, said in _keyed(run).items()},
        }
        if run.pending is not None:
            row["interrupt_data"] = self._words.interrupt_data(run.pending.ask, run.pending.event_id)
        return row


def _keyed(run: Run) -> dict[str, Said]:
    """Return what the nodes said by title; a node that spoke twice gets another name."""
    keyed: dict[str, Said] = {}
    for said in run.said:
        keyed[said.title if said.title not in keyed else f"{said.title}_{said.uuid}"] = said
    return keyed


def _output_of(run: Run) -> str:
    """Return JSON text: the end node's output under ``Output``, each output node's under its name."""
    outputs: dict[str, Any] = {} if run.result is None else {"Output": run.result}
    for title, said in _keyed(run).items():
        outputs.setdefault(title if title != "Output" else "Output_1", said.text)
    return dump(outputs) if outputs else ""


def _node_status(said: Said) -> Json:
    return {
        "node_id": said.node_id,
        "is_finish": True,
        "update_time": said.updated_at,
        "node_execute_uuid": said.uuid,
    }


def check_association(body: Json) -> None:
    """Refuse a run that names both a bot and an app.

    Raises:
        WorkflowError: 4000.
    """
    if text_field(body, "bot_id") and text_field(body, "app_id"):
        raise bad_run("bot_id and app_id cannot be given together.")


def run_parameters(body: Json) -> Json:
    """Return the parameters: an object as everybody sends it, or the JSON text that the reference declares.

    Raises:
        WorkflowError: 4000, they are neither.
    """
    value = body.get("parameters")
    if not isinstance(value, str):
        return object_field(body, "parameters")
    try:
        decoded = json.loads(value)
    except ValueError as error:
        raise bad_run("The field parameters must be an object.") from error
    return object_field({"parameters": decoded}, "parameters")


def bad_run(what: str) -> WorkflowError:
    """Return the 4000 that says what is wrong with a run."""
    return WorkflowError(4000, f"Request parameter error. {what}")
