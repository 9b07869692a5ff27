"""What ``coze-bridge check`` finds out: everything side by side, each with a time limit, reported in order.

The checks themselves belong to those who know: the agent's client, the store, every adapter. Here is what only the
whole configuration can tell, and the order in which a person wants to read it.
"""

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from bridge.clock import SystemClock
from bridge.config import AdapterConfig, AgentConfig, Config
from bridge.coze.check import check_connection
from bridge.errors import BridgeError, CredentialsError, StoreError, StoreOccupied
from bridge.extension import Finding
from bridge.operations.workflow_check import check_workflow
from bridge.stores import open_store
from bridge.stores.settings import MEMORY, StoreSettings
from bridge.workflows.settings import WorkflowSettings

CHECK_TIMEOUT_S = 45.0
"""Longer than any single request's own limit, so that the more precise sentence comes first."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One thing to look at."""

    title: str
    look: Callable[[], Awaitable[list[Finding]]]


@dataclass(frozen=True, slots=True)
class Report:
    """What was found about one topic."""

    title: str
    findings: list[Finding]

    @property
    def ok(self) -> bool:
        return all(finding.ok for finding in self.findings)


def topics(config: Config) -> list[Topic]:
    """List what there is to look at, in reading order."""
    return [
        Topic(f"configuration ({config.source})", lambda: _look_at_config(config)),
        Topic(f"store {config.store.path}", lambda: look_at_store(config.store)),
        *(_agent_topic(name, agent, config.bridge.language) for name, agent in config.agents.items()),
        *(_workflow_topic(name, flow, config) for name, flow in config.workflows.items()),
        *(_adapter_topic(adapter) for adapter in config.adapters.values()),
    ]


async def examine(
    config: Config, tell: Callable[[Report], None], *, timeout_s: float = CHECK_TIMEOUT_S
) -> list[Report]:
    """Look at everything at once; ``tell`` is called for each topic in order, as soon as it is its turn."""
    reports = []
    async with asyncio.TaskGroup() as tasks:
        looking = [tasks.create_task(_look(topic, timeout_s)) for topic in topics(config)]
        for task in looking:
            reports.append(await task)
            tell(reports[-1])
    return reports


async def _look(topic: Topic, timeout_s: float) -> Report:
    try:
        async with asyncio.timeout(timeout_s):
            return Report(topic.title, await topic.look())
    except TimeoutError:
        fix = "Is the network slow, or a proxy in between? Try again."
        return Report(topic.title, [Finding(False, f"no answer within {timeout_s:g} s", fix)])
    except CredentialsError as error:
        return Report(topic.title, [Finding(False, error.reason, error.fix)])
    except BridgeError as error:
        return Report(topic.title, [Finding(False, error.reason)])


def _agent_topic(name: str, agent: AgentConfig, locale: str) -> Topic:
    def look() -> Awaitable[list[Finding]]:
        return check_connection(agent, agent.bot_id, SystemClock(), locale=locale)

    return Topic(f"agent {name} (bot {agent.bot_id} at {agent.base_url})", look)


def _workflow_topic(name: str, flow: WorkflowSettings, config: Config) -> Topic:
    agent = config.agents[flow.agent or config.default_agent]
    return Topic(f"workflow {name} ({flow.id})", lambda: check_workflow(name, flow, agent, SystemClock()))


def _adapter_topic(entry: AdapterConfig) -> Topic:
    return Topic(f"adapter {entry.name}", lambda: entry.adapter.check(entry.name, entry.settings))


async def _look_at_config(config: Config) -> list[Finding]:
    findings = [
        Finding(
            True, f"agents: {', '.join(config.agents)}; {config.default_agent} answers where no route says otherwise"
        )
    ]
    if any(entry.adapter.in_run for entry in config.adapters.values()):
        findings.append(Finding(True, f"platforms: {', '.join(config.adapters)}"))
    else:
        fix = "Write a section [adapters.NAME], or set the platform's tokens in the environment."
        findings.append(Finding(False, "no platform is configured, so `run` refuses to start", fix))
    return [*findings, _identity(config), *_gate(config)]


def _identity(config: Config) -> Finding:
    if config.bridge.user_id == "plain":
        return Finding(True, "the agent's service learns the plain ids of your users (user_id = plain)")
    if config.bridge.identity_secret is None:
        fix = "`coze-bridge secret` prints a fresh one for [bridge]."
        return Finding(False, "identity_secret is missing, so `run` refuses to start", fix)
    return Finding(True, "the agent's service learns no ids of your users")


def _gate(config: Config) -> list[Finding]:
    allow = config.gate.allow
    return [
        Finding(False, f"[gate.allow] {name} is an empty list: nobody may ask", f"List ids, or remove {name}.")
        for name in type(allow).model_fields
        if getattr(allow, name) == ()
    ]


async def look_at_store(settings: StoreSettings) -> list[Finding]:
    """Tell whether the store can be used. Creates no store: its file would belong to whoever ran the check."""
    if settings.path == MEMORY:
        return [Finding(True, "kept in memory: everything is forgotten at the end")]
    if absent := _absent_file(settings):
        return [absent]
    try:
        async with open_store(settings.model_copy(update={"lock_wait_s": 0.0}), SystemClock()) as store:
            await store.check()
    except StoreOccupied as error:
        return [Finding(True, f"in use ({error.reason}); that is fine if it is your running bridge")]
    except StoreError as error:
        return [
            Finding(False, error.reason, "Mend the path, its permissions or the disk; a copy helps if it is corrupt.")
        ]
    return [Finding(True, "exists, can be read and written")]


def _absent_file(settings: StoreSettings) -> Finding | None:
    """Tell whether a store that does not exist could be created; ``None`` when it exists."""
    path = Path(settings.path).expanduser().absolute()
    if path.exists():
        return None
    # The store makes missing folders itself: what counts is the deepest one that is there.
    folder = next(parent for parent in path.parents if parent.exists())
    try:
        with tempfile.TemporaryFile(dir=folder):
            return Finding(True, "does not exist yet; `run` will create it")
    except OSError as error:
        reason = error.strerror or os.strerror(error.errno or 0)
        return Finding(
            False, f"cannot be created in {folder}: {reason}", "Choose another path, or mend the permissions."
        )
