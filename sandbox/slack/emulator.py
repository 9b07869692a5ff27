"""The Slack emulator: all parts put together, one server on 127.0.0.1."""

from collections.abc import Iterable

from sandbox.clock import SandboxClock
from sandbox.faults import FaultSwitches
from sandbox.journal import Journal
from sandbox.server import EmulatorServer
from sandbox.slack import setup
from sandbox.slack.audience import Audience
from sandbox.slack.auth import Registry
from sandbox.slack.background import Background
from sandbox.slack.control import Control
from sandbox.slack.delivery import Delivery
from sandbox.slack.file_server import FileServer
from sandbox.slack.herald import Herald
from sandbox.slack.http_delivery import HttpDelivery
from sandbox.slack.inspector import Inspector
from sandbox.slack.interactions import Interactions
from sandbox.slack.model import App, Installation, User
from sandbox.slack.oauth import OAuth
from sandbox.slack.people import People
from sandbox.slack.response_urls import ResponseUrlServer
from sandbox.slack.service import Service
from sandbox.slack.socket_mode import SocketMode
from sandbox.slack.stage import Stage
from sandbox.slack.streams import StreamBook
from sandbox.slack.switches import SlackSwitches
from sandbox.slack.tickets import ResponseUrls, Triggers
from sandbox.slack.views import ViewBook
from sandbox.slack.web_api import WebApi
from sandbox.slack.workspace import Mint


class SlackEmulator(EmulatorServer, People, Interactions, Audience):
    """A Slack of one's own, with team ``T1`` and the app ``A1`` installed in it.

    Point an app at ``api_url`` with ``bot_token`` and ``app_token``. People act through the methods of ``People``
    and ``Interactions``; what they see is read through ``Audience``. Everything that happens is in the journal.
    """

    def __init__(
        self,
        clock: SandboxClock,
        journal: Journal,
        *,
        port: int = 0,
        seed: int = 0,
        switches: SlackSwitches | None = None,
    ) -> None:
        super().__init__(port=port)
        self.clock = clock
        self.journal = journal
        self.switches = switches or SlackSwitches()
        self._background = Background()
        mint = Mint(clock, seed)
        self.sockets = SocketMode(clock, journal, self.switches, mint)
        self._http = HttpDelivery(clock, journal, self.switches, mint)
        self.service = self._compose(mint)
        oauth = OAuth(self.service)
        self.web_api = WebApi(self.service, oauth)
        self.app.router.add_route("*", "/api/{method}", self.web_api.handle)
        self.app.router.add_get("/link/", self.sockets.serve)
        for part in (FileServer(self.service), ResponseUrlServer(self.service), oauth, Control(self)):
            part.add_routes(self.app)
        self.add_team()
        self.installation = self.add_app()

    def _compose(self, mint: Mint) -> Service:
        clock, journal, switches = self.clock, self.journal, self.switches
        registry = Registry(clock)
        inspector = Inspector(journal)
        delivery = Delivery(clock, journal, switches, self._background, socket=self.sockets, http=self._http)
        herald = Herald(clock, switches, registry, delivery, lambda: self.base_url)
        return Service(
            clock=clock,
            journal=journal,
            switches=switches,
            mint=mint,
            background=self._background,
            registry=registry,
            inspector=inspector,
            sockets=self.sockets,
            delivery=delivery,
            herald=herald,
            stage=Stage(clock, journal, switches, herald, inspector),
            streams=StreamBook(),
            triggers=Triggers(clock, mint),
            response_urls=ResponseUrls(clock, mint),
            views=ViewBook(mint),
            base_url=lambda: self.base_url,
        )

    @property
    def api_url(self) -> str:
        """The base URL of the Web API, with its trailing slash; valid while running."""
        return f"{self.base_url}/api/"

    @property
    def authorize_url(self) -> str:
        """The OAuth page that installs an app."""
        return f"{self.base_url}/oauth/v2/authorize"

    @property
    def bot_token(self) -> str:
        """The ``xoxb-`` token of the first installation."""
        return self.installation.bot_token

    @property
    def app_token(self) -> str:
        """The ``xapp-`` token of the first app."""
        return self.installation.app.app_token

    @property
    def signing_secret(self) -> str:
        """The secret that signs HTTP deliveries to the first app."""
        return self.installation.app.signing_secret

    @property
    def bot_user_id(self) -> str:
        """The first installation's bot user: ``U0BOT``."""
        return self.installation.bot_user_id

    @property
    def faults(self) -> FaultSwitches:
        """Planned misbehaviour of Web API methods; kinds and arguments in ``web_api.WEB_FAULTS``."""
        return self.web_api.faults

    @property
    def delivery_faults(self) -> FaultSwitches:
        """Planned misbehaviour of deliveries by event type; kinds in ``transport.DELIVERY_FAULTS``."""
        return self.service.delivery.faults

    async def start(self) -> None:
        """Bind and serve, and begin delivering.

        Raises:
            OSError: The wanted port is taken.
        """
        await super().start()
        await self._http.start()
        await self._background.start()

    async def aclose(self) -> None:
        """Stop delivering, cut every socket, stop serving.

        Raises:
            ExceptionGroup: Something the emulator did in the background had failed.
        """
        try:
            await self._background.aclose()
        finally:
            await self._http.aclose()
            self.sockets.aclose()
            await super().aclose()

    def add_team(self, team_id: str = setup.DEFAULT_TEAM, name: str = "Acme", domain: str = "acme") -> str:
        """Add a workspace, unless it is there already; return its id."""
        return setup.add_team(self.service, team_id, name, domain).team.id

    def add_app(
        self,
        app_id: str = setup.DEFAULT_APP,
        name: str = "coze",
        *,
        team_id: str = setup.DEFAULT_TEAM,
        scopes: Iterable[str] | None = None,
        events: Iterable[str] | None = None,
        commands: Iterable[str] | None = None,
        view: str | None = "agent",
    ) -> Installation:
        """Install an app into a team, or change what is there: scopes, subscriptions, commands.

        Args:
            scopes: ``None`` keeps the manifest of the reference; likewise ``events`` and ``commands``.
            view: ``agent``, ``assistant`` (the older one), or ``None``.
        """
        app = setup.make_app(self.service, app_id, name)
        app.scopes = tuple(scopes) if scopes is not None else app.scopes
        app.events = frozenset(events) if events is not None else app.events
        app.commands = frozenset(commands) if commands is not None else app.commands
        app.view = view
        return setup.install(self.service, app, team_id)

    def add_user(
        self,
        name: str,
        locale: str = "en-US",
        *,
        user_id: str | None = None,
        real_name: str = "",
        display_name: str = "",
        team_id: str = setup.DEFAULT_TEAM,
        home_team_id: str | None = None,
    ) -> str:
        """Add a person to a workspace and return their id.

        Args:
            home_team_id: Their own team, for people who come through Slack Connect.
        """
        user = User(
            id=user_id or setup.free_id(self.service, "U"),
            name=name,
            team_id=home_team_id or team_id,
            locale=locale,
            real_name=real_name,
            display_name=display_name,
        )
        return setup.add_user(self.service, self.service.workspaces[team_id], user).id

    def add_channel(
        self,
        name: str,
        private: bool = False,
        members: Iterable[str] | None = None,
        *,
        channel_id: str | None = None,
        team_id: str = setup.DEFAULT_TEAM,
        with_bot: bool = True,
    ) -> str:
        """Add a channel and return its id.

        Args:
            members: Ids or names; ``None`` means everybody who is there now.
            with_bot: The apps installed in the team are members too.
        """
        workspace = self.service.workspaces[team_id]
        people = [user.id for user in workspace.users.values() if user.bot_id is None and user.id != "USLACKBOT"]
        joined = set(people if members is None else (self.find_user(member).id for member in members))
        if with_bot:
            joined |= {installation.bot_user_id for installation in self.service.registry.installations(team_id)}
        channel = setup.add_channel(
            self.service, workspace, name, private=private, members=joined, channel_id=channel_id
        )
        return channel.id

    def app_named(self, app_id: str = setup.DEFAULT_APP) -> App:
        """Return an app to change it."""
        return self.service.registry.apps[app_id]

    async def deliver_by_http(self, request_url: str, *, app_id: str = setup.DEFAULT_APP) -> None:
        """Enter a request URL for an app: it is verified, then all deliveries go there instead of Socket Mode.

        Raises:
            ValueError: The app does not answer the challenge.
        """
        app = self.app_named(app_id)
        await self._http.verify(app, request_url)
        app.request_url = request_url

    def deliver_by_socket(self, *, app_id: str = setup.DEFAULT_APP) -> None:
        """Switch an app back to Socket Mode."""
        self.app_named(app_id).request_url = None

    def rate_limit_next(
        self, method: str, retry_after_s: int = 1, *, times: int = 1, as_http_200: bool = False
    ) -> None:
        """Let the next calls of a method be rate limited."""
        self.faults.plan(method, "ratelimited", times=times, retry_after_s=retry_after_s, as_http_200=as_http_200)

    def hold_events(self) -> None:
        """Keep all events back until ``release_events``."""
        self.service.delivery.hold()

    def release_events(self, *, reverse: bool = False) -> int:
        """Deliver the events kept back, the newest first if ``reverse``; return how many."""
        return self.service.delivery.release(reverse=reverse)
