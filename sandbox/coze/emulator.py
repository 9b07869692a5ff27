"""The Coze emulator: everything put together, and the methods by which tests, demo and benchmarks drive it."""

from collections.abc import Collection, Iterable

from aiohttp import web

from sandbox.clock import SandboxClock
from sandbox.coze.agents import AnswerBook
from sandbox.coze.answers import Answer
from sandbox.coze.auth import Keyring, OAuthApp
from sandbox.coze.bots import BotRoutes
from sandbox.coze.calls import Handlers
from sandbox.coze.chat import ChatRoutes
from sandbox.coze.chatflows import ChatflowRoutes
from sandbox.coze.control import ControlRoutes
from sandbox.coze.conversations import ConversationRoutes
from sandbox.coze.dialect import CloudDialect
from sandbox.coze.faults import KNOWN_FAULTS
from sandbox.coze.file_host import FileHost
from sandbox.coze.files import FileRoutes
from sandbox.coze.gateway import Gateway
from sandbox.coze.ids import IdFactory
from sandbox.coze.messages import MessageRoutes
from sandbox.coze.oauth import OAuthRoutes
from sandbox.coze.services import Services
from sandbox.coze.state import Bot, Identity, World
from sandbox.coze.studio import StudioDialect
from sandbox.coze.supported import ALL_PERMISSIONS, Profile, supported_by
from sandbox.coze.switches import CozeSwitches
from sandbox.coze.tasks import OwnedTasks
from sandbox.coze.throttle import Throttle
from sandbox.coze.workflow_catalogue import WorkflowCatalogue
from sandbox.coze.workflow_routes import WorkflowRoutes
from sandbox.coze.workflow_script import RunScript, Workflow
from sandbox.coze.workflow_world import WorkflowWorld
from sandbox.faults import FaultSwitches
from sandbox.journal import Journal
from sandbox.server import MAX_BODY_BYTES, EmulatorServer

DEFAULT_ACCOUNT = "1000"
DEFAULT_WORKSPACE = "7498204883280400001"


class CozeEmulator(EmulatorServer):
    """Coze's Open API on 127.0.0.1.

    Attributes:
        switches: How it behaves where the documentation is silent; change them at any time.
        faults: What shall go wrong, by call name such as ``POST /v3/chat``; kinds are listed in ``faults.py``.
        answers: The scripted answers and the agent behind them.
        world: All that is stored, for looking at.
        workflows: The workflows, their scripted runs and what became of them.
    """

    def __init__(
        self, clock: SandboxClock, journal: Journal, *, profile: Profile = "cloud", port: int = 0, seed: int = 0
    ) -> None:
        super().__init__(port=port)
        self.clock = clock
        self.journal = journal
        self.profile: Profile = profile
        self.switches = CozeSwitches()
        self.faults = FaultSwitches(KNOWN_FAULTS)
        self.answers = AnswerBook()
        self.world = World()
        self.workflows = WorkflowWorld()
        self._tasks = OwnedTasks()
        ids = IdFactory(clock, seed)
        self._keyring = Keyring(clock, ids, self.switches)
        dialect = CloudDialect(self.switches) if profile == "cloud" else StudioDialect(self.switches)
        self._services = Services(
            clock=clock,
            ids=ids,
            world=self.world,
            switches=self.switches,
            dialect=dialect,
            answers=self.answers,
            keyring=self._keyring,
            throttle=Throttle(clock, self.switches),
            tasks=self._tasks,
        )
        self._gateway = Gateway(self._services, self.faults, journal)
        self.hosted = FileHost(journal)
        self._handlers = self._all_handlers()
        self.app = self._new_app()

    def _all_handlers(self) -> Handlers:
        services, chats = self._services, ChatRoutes(self._services)
        return {
            **chats.handlers(),
            **WorkflowRoutes(services, self.workflows).handlers(),
            **WorkflowCatalogue(services, self.workflows).handlers(),
            **ChatflowRoutes(services, self.workflows, chats).handlers(),
            **ConversationRoutes(services).handlers(),
            **MessageRoutes(services).handlers(),
            **FileRoutes(services).handlers(),
            **BotRoutes(services).handlers(),
            **OAuthRoutes(services).handlers(),
        }

    def _new_app(self) -> web.Application:
        app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[self._gateway.unknown_paths])
        for endpoint in supported_by(self.profile):
            handler = self._gateway.route(endpoint, self._handlers[endpoint.name])
            app.router.add_route(endpoint.method, endpoint.path, handler)
        ControlRoutes(self).add_to(app)
        self.hosted.add_to(app)
        app.on_response_prepare.append(self._gateway.finish_headers)
        return app

    async def aclose(self) -> None:
        """End all chats and stop serving.

        Raises:
            ExceptionGroup: A chat ended by a bug of the emulator.
        """
        try:
            await self._tasks.aclose()
        finally:
            await super().aclose()

    async def go_offline(self) -> None:
        """Refuse connections and drop the open ones, as in an outage of the network: chats go on."""
        self._tasks.hang_up()
        await super().aclose()

    async def go_online(self) -> None:
        """Serve again, at the same address and with everything remembered."""
        self.app = self._new_app()
        await self.start()

    def add_token(
        self,
        token: str,
        permissions: Collection[str] = ALL_PERMISSIONS,
        *,
        expires_at: float | None = None,
        account_id: str = DEFAULT_ACCOUNT,
    ) -> None:
        """Make a personal access token valid.

        Every other token is refused, which is also what the token of another region meets.

        Args:
            token: The bearer value.
            permissions: Names as in the reference, section 1.2.
            expires_at: Unix seconds on the sandbox's clock; None for never.
            account_id: Whose token it is; conversations and files belong to accounts.
        """
        self._keyring.add_token(token, Identity(account_id), frozenset(permissions), expires_at)

    def revoke(self, token: str) -> None:
        """Make a token invalid from the next request on."""
        self._keyring.revoke(token)

    def add_bot(
        self,
        bot_id: str,
        *,
        published: bool = True,
        name: str = "Sandbox agent",
        prologue: str = "",
        suggested_questions: Iterable[str] = (),
        account_id: str | None = None,
        workspace_id: str = DEFAULT_WORKSPACE,
    ) -> None:
        """Create an agent.

        Args:
            bot_id: A decimal string.
            published: To the API channel; otherwise asking it is refused with 4015.
            name: Its name.
            prologue: Its first words.
            suggested_questions: Shown with them; none means the feature is off.
            account_id: Its owner; None lets every account use it.
            workspace_id: Where it lives.
        """
        self.world.bots[bot_id] = Bot(
            bot_id=bot_id,
            name=name,
            published=published,
            prologue=prologue,
            suggested_questions=tuple(suggested_questions),
            account_id=account_id,
            description=f"{name} of the sandbox",
            workspace_id=workspace_id,
            created_at=int(self.clock.now()),
        )

    def add_oauth_app(
        self,
        client_id: str,
        key_id: str,
        public_key_pem: str,
        *,
        permissions: Collection[str] = ALL_PERMISSIONS,
        account_id: str = DEFAULT_ACCOUNT,
        active: bool = True,
    ) -> None:
        """Register an OAuth app of the JWT kind, or a further key, or its deactivation."""
        app = OAuthApp(client_id, account_id, frozenset(permissions), active, {key_id: public_key_pem})
        self._keyring.add_app(app)

    def script(
        self, answer: Answer | str, *, bot_id: str | None = None, matching: str | None = None, times: int | None = 1
    ) -> None:
        """Queue an answer; see ``AnswerBook.script``. A string is a plain answer without pauses."""
        self.answers.script(
            Answer(text=answer) if isinstance(answer, str) else answer, bot_id=bot_id, matching=matching, times=times
        )

    def will_stream(self, *deltas: str, interval_s: float = 0.0) -> None:
        """Queue an answer of exactly these deltas."""
        self.script(Answer(deltas=deltas, delta_interval_s=interval_s))

    def host_file(self, name: str, content: bytes, media_type: str) -> str:
        """Keep what an agent made; return the address to link to."""
        return self.base_url + self.hosted.host(name, content, media_type)

    def host_redirect(self, name: str, target: str) -> str:
        """Return a short address that leads elsewhere."""
        return self.base_url + self.hosted.redirect(name, target)

    def add_workflow(self, workflow: Workflow) -> None:
        """Create a workflow or chatflow, or publish its next version."""
        self.workflows.workflows[workflow.workflow_id] = workflow

    def script_run(self, run: RunScript, *, workflow_id: str | None = None, times: int | None = 1) -> None:
        """Queue a run; see ``RunBook.script``. Chatflows answer by ``script`` with their id as ``bot_id``."""
        self.workflows.scripts.script(run, workflow_id=workflow_id, times=times)
