"""The composition root: builds everything, owns the root TaskGroup, starts and stops the adapters.

The adapter supervisor here is one of the two firebreaks (the other is in ``lanes``): an adapter that fails is
reported and started again after a while; one whose credentials are wrong rests until the operator acts. The others
never notice.
"""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from bridge.clock import SystemClock
from bridge.config import Config
from bridge.core import Core, CoreOptions
from bridge.coze.client import CozeAgent
from bridge.delivery.delivering import Pace
from bridge.errors import BridgeError, CredentialsError, StoreError
from bridge.extension import Missed, Services
from bridge.files.answer_files import AnswerFileRules, read_origins
from bridge.files.attachments import MEGABYTE, FileRules
from bridge.files.downloading import Downloads
from bridge.files.fetching import Fetcher
from bridge.intake.gate import AccessList, GateRules
from bridge.observing import Connection
from bridge.operations.collecting import spare_the_lasting
from bridge.operations.health import Health
from bridge.operations.http_server import health_routes, http_server
from bridge.operations.metrics import Metrics
from bridge.operations.systemd import READY, STOPPING, Systemd
from bridge.operations.watched_agent import WatchedAgent
from bridge.operations.watched_workflows import WatchedWorkflows
from bridge.ports import Clock, Platform, Store
from bridge.routes import AgentBinding, Route, Routes
from bridge.settings import GateSettings
from bridge.stores import open_store
from bridge.texts import say
from bridge.tools.endpoints import ToolEndpoints
from bridge.turns.asking import AskingOptions
from bridge.turns.live import LiveTurn
from bridge.turns.offers import Offers
from bridge.turns.turn import TurnOptions
from bridge.workflows.book import Flow, WorkflowBook
from bridge.workflows.forms import offers

log = structlog.get_logger(__name__)

RESTART_FIRST_S = 1.0
RESTART_MAX_S = 60.0
STEADY_S = 60.0
"""An adapter that ran this long has recovered: its next restart is quick again."""
PURGE_EVERY_S = 3600.0
STOP_TRIES = 5
STOP_AGAIN_S = 3.0


class Bridge:
    """The running bridge: one process's core with its platforms. Made by ``assemble``."""

    def __init__(
        self,
        config: Config,
        store: Store,
        clock: Clock,
        routes: Routes,
        book: WorkflowBook,
        live: dict[str, LiveTurn],
        tasks: asyncio.TaskGroup,
        agents: Mapping[str, WatchedAgent],
        metrics: Metrics,
        fetcher: Fetcher | None = None,
    ) -> None:
        self._config = config
        self._store = store
        self._clock = clock
        self._tasks = tasks
        self._platforms: dict[str, Platform] = {}
        self.connected: dict[str, Connection] = {}
        self.metrics = metrics
        self.health = Health(store, clock, self.connected, agents)
        self._serving: list[asyncio.Task[None]] = []
        self._live = live
        self._core = Core(
            tasks,
            store,
            clock,
            routes,
            self._platforms,
            core_options(config),
            holder=f"{socket.gethostname()}:{os.getpid()}",
            book=book,
            live=live,
            observer=metrics,
            fetcher=fetcher,
        )
        self.intake, lanes = self._core.intake, self._core.lanes
        metrics.watch_lanes(
            active=lambda: lanes.active, waiting=lambda: len(lanes.waiting()), running=lambda: len(live)
        )

    def add(self, platform: Platform) -> None:
        """Make a platform known, whose clients are open; nothing is received from it yet."""
        self._platforms[platform.name] = platform
        self.connected[platform.name] = Connection(platform.name, self._clock, self.metrics)

    def serve(self) -> None:
        """Begin to receive from every platform."""
        self._serving = [self._tasks.create_task(self._supervise(platform)) for platform in self._platforms.values()]

    async def take_up(self) -> None:
        """Queue what the last stop or crash left unfinished; before anything new is received."""
        await self._core.take_up()

    async def all_rest(self) -> None:
        """Return when no adapter is left that could receive anything."""
        if self._serving:
            await asyncio.wait(self._serving)

    async def keep_tidy(self) -> None:
        """Forget, every hour, ended turns that no repeat and no button reaches any more, and unused conversations."""
        kept = self._config.store
        while True:
            await self._clock.sleep(PURGE_EVERY_S)
            now_s = self._clock.wall()
            turns_s, conversations_s = kept.keep_turns_h * 3600.0, kept.keep_conversations_days * 86400.0
            try:
                await self._core.end_overdue()
                await self._store.purge(turns_before_s=now_s - turns_s, conversations_before_s=now_s - conversations_s)
            except StoreError as error:
                log.warning("what is old was not deleted", reason=error.reason)

    async def stop(self) -> None:
        """Begin nothing new, stop receiving, let running answers finish until the deadline, cut the rest.

        What still arrives until the sockets are closed is written down; the next start takes it up, and what was cut.
        """
        self.health.stopping = True
        self._core.rest()
        await self._stop_serving()
        log.info("stopping", running=len(self._live), waiting_at_most_s=self._config.bridge.drain_s)
        cut = await self._core.drain(self._config.bridge.drain_s)
        log.info("stopped", cut=cut)

    async def _stop_serving(self) -> None:
        """Cancel the adapters, again where a library swallowed it."""
        pending = set(self._serving)
        for _ in range(STOP_TRIES):
            for task in pending:
                task.cancel()
            if pending:
                _, pending = await asyncio.wait(pending, timeout=STOP_AGAIN_S)
        if pending:
            log.error("adapters do not stop", count=len(pending))

    async def _supervise(self, platform: Platform) -> None:
        pause_s = RESTART_FIRST_S
        while True:
            started_at = self._clock.now()
            try:
                await platform.serve(self.intake, self.connected[platform.name])
                log.info("adapter ended", adapter=platform.name)
                return
            except CredentialsError as error:
                log.error(
                    "adapter rests until its credentials are mended",
                    adapter=platform.name,
                    reason=error.reason,
                    fix=error.fix,
                )
                return
            except BridgeError as error:
                log.warning("adapter failed", adapter=platform.name, reason=error.reason, again_in_s=pause_s)
            except Exception:  # the firebreak: one adapter's fault stays its own
                log.exception("adapter failed unexpectedly", adapter=platform.name, again_in_s=pause_s)
            finally:
                self.connected[platform.name].clear()
            if self._clock.now() - started_at > STEADY_S:
                pause_s = RESTART_FIRST_S
            await self._clock.sleep(pause_s)
            pause_s = min(RESTART_MAX_S, pause_s * 2)


@asynccontextmanager
async def assemble(
    config: Config, *, kinds: Callable[[str], bool], clock: Clock | None = None, with_page: bool = False
) -> AsyncIterator[Bridge]:
    """Open the store, the agents and the platforms whose kind ``kinds`` accepts; leaving stops everything in order.

    The health page is served ``with_page``: from when the store is ours until it is let go, so that a successor that
    waits for the store finds the port free.

    Raises:
        StoreError: The store cannot be opened.
        CredentialsError: An agent's key cannot be read.
    """
    clock = clock or SystemClock()
    live: dict[str, LiveTurn] = {}

    def tell_waiting(turn: str, before: int) -> None:
        if turn in live:
            live[turn].queued(before)

    async with AsyncExitStack() as resources:
        store = await resources.enter_async_context(open_store(config.store, clock))
        bindings, agents, metrics = {}, {}, Metrics()
        for name, entry in config.agents.items():
            agent = await resources.enter_async_context(CozeAgent(entry, clock, on_waiting=tell_waiting))
            agents[name] = WatchedAgent(name, agent, clock, metrics)
            runs = WatchedWorkflows(agents[name], agent.workflows)
            tools = ToolEndpoints(entry.tools, proxy=entry.proxy) if entry.tools else None
            bindings[name] = AgentBinding(
                name,
                agents[name],
                entry.bot_id,
                entry.variables,
                runs,
                await resources.enter_async_context(tools) if tools else None,
                entry.ask_people,
                entry.waiting_hours * 3600.0,
                entry.reasoning,
            )
        routes = Routes(
            bindings,
            config.default_agent,
            [Route(route.agent, route.adapter, route.team, route.channel, route.on_busy) for route in config.routes],
            on_busy=config.bridge.on_busy,
        )
        missed = Missed(config.bridge.missed_hours * 3600.0, config.bridge.missed_messages)
        services = Services(clock, store, say, config.bridge.language, missed, offers(config.workflows))
        platforms = [
            await resources.enter_async_context(adapter.adapter.build(name, adapter.settings, services))
            for name, adapter in config.adapters.items()
            if kinds(adapter.kind)
        ]
        fetcher = await resources.enter_async_context(answer_downloads(config)) if reads_answers(config) else None
        async with asyncio.TaskGroup() as tasks:
            bridge = Bridge(
                config, store, clock, routes, workflow_book(config, bindings), live, tasks, agents, metrics, fetcher
            )
            tending = [tasks.create_task(bridge.keep_tidy())]
            if with_page:
                await resources.enter_async_context(http_server(config.health, health_routes(bridge.health, metrics)))
                tending.append(tasks.create_task(metrics.watch_loop(clock)))
            for platform in platforms:
                bridge.add(platform)
            try:
                await bridge.take_up()
                bridge.serve()
                yield bridge
            finally:
                await bridge.stop()
                for task in tending:
                    task.cancel()


async def run(config: Config) -> int:
    """Run until SIGTERM or SIGINT; a second signal aborts. Returns the exit code: 1 when no adapter is left."""
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    main = asyncio.current_task()

    def on_signal() -> None:
        if stopping.is_set() and main is not None:
            main.cancel()
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    try:
        async with assemble(config, kinds=lambda kind: config_runs(config, kind), with_page=True) as bridge:
            return await _until(stopping, bridge, Systemd(os.environ))
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


async def _until(stopping: asyncio.Event, bridge: Bridge, systemd: Systemd) -> int:
    """Wait for the signal or for the last adapter to rest."""
    spare_the_lasting()
    systemd.tell(READY)
    async with asyncio.TaskGroup() as tasks:
        announcing = tasks.create_task(_announce(bridge))
        feeding = tasks.create_task(systemd.feed_watchdog(SystemClock()))
        signalled = tasks.create_task(stopping.wait())
        resting = tasks.create_task(bridge.all_rest())
        await asyncio.wait({signalled, resting}, return_when=asyncio.FIRST_COMPLETED)
        for task in (announcing, feeding, signalled, resting):
            task.cancel()
    systemd.tell(STOPPING)
    if not stopping.is_set():
        log.error("no adapter is left, ending")
        return 1
    return 0


async def _announce(bridge: Bridge) -> None:
    for name, connected in bridge.connected.items():
        await connected.wait()
        log.info("connected", adapter=name)
    log.info("ready", adapters=list(bridge.connected))


def config_runs(config: Config, kind: str) -> bool:
    """Tell whether adapters of a kind belong into ``run`` (a terminal does not)."""
    return any(entry.kind == kind and entry.adapter.in_run for entry in config.adapters.values())


def core_options(config: Config) -> CoreOptions:
    """Gather what the operator decides about the core."""
    settings = config.bridge
    late_within_s = settings.missed_hours * 3600.0
    return CoreOptions(turn_options(config), gate_rules(config.gate), settings.max_waiting, late_within_s)


def turn_options(config: Config) -> TurnOptions:
    """Gather what the operator decides about turns."""
    settings, pace, files, below = config.bridge, config.pace, config.files, config.controls
    asking = AskingOptions(
        scope=settings.scope,
        identity_secret=settings.identity_key,
        name_authors=settings.name_authors,
        earlier_messages=settings.earlier_messages,
        earlier_chars=settings.earlier_chars,
        keep_s=config.store.keep_conversations_days * 86400.0,
    )
    return TurnOptions(
        asking=asking,
        files=FileRules(frozenset(files.kinds), int(files.max_mb * MEGABYTE), files.max_count, files.timeout_s),
        answer_files=AnswerFileRules(
            read_origins(files.answer_hosts), int(files.max_mb * MEGABYTE), files.max_count, files.timeout_s
        ),
        result_chars=files.result_chars,
        pace=Pace(pace.edit_interval_s, pace.first_words_chars, pace.first_words_wait_s),
        default_language=settings.language,
        offers=Offers(below.regenerate, below.follow_ups, below.feedback, below.feedback_reason),
        turn_timeout_s=settings.turn_timeout_s,
        take_up_within_s=settings.take_up_hours * 3600.0,
    )


def reads_answers(config: Config) -> bool:
    """Tell whether files that answers link to are fetched."""
    return config.files.answers == "upload" and bool(config.files.answer_hosts)


def answer_downloads(config: Config) -> Downloads:
    """Return what fetches them: from the hosts named for that alone, through the default agent's proxy."""
    proxy = config.agents[config.default_agent].proxy
    return Downloads(read_origins(config.files.answer_hosts), silence_s=config.files.timeout_s, proxy=proxy or None)


def workflow_book(config: Config, bindings: Mapping[str, AgentBinding]) -> WorkflowBook:
    """Bind each configured workflow to the agent that runs it."""
    return WorkflowBook(
        {
            name: Flow(name, settings, bindings[settings.agent or config.default_agent])
            for name, settings in config.workflows.items()
        }
    )


def gate_rules(settings: GateSettings) -> GateRules:
    """Translate the ``[gate]`` section: an absent list allows everybody, an empty one nobody."""

    def access(name: str) -> AccessList:
        allowed = getattr(settings.allow, name)
        return AccessList(None if allowed is None else frozenset(allowed), frozenset(getattr(settings.deny, name)))

    return GateRules(
        teams=access("teams"),
        channels=access("channels"),
        users=access("users"),
        roles=access("roles"),
        questions=settings.user_questions or None,
        window_s=settings.user_window_s,
        stop_users=frozenset(settings.stop_users),
        stop_roles=frozenset(settings.stop_roles),
    )
