"""The Discord emulator: all parts put together, one server on 127.0.0.1."""

from aiohttp import web

from sandbox.clock import SandboxClock
from sandbox.discord import setup
from sandbox.discord.audience import Audience
from sandbox.discord.cdn import Cdn
from sandbox.discord.commands import CommandBook
from sandbox.discord.control import Control
from sandbox.discord.gateway import Gateway
from sandbox.discord.herald import Herald
from sandbox.discord.ids import Mint
from sandbox.discord.inspector import Inspector
from sandbox.discord.interactions import Interactions
from sandbox.discord.model import Application, User
from sandbox.discord.named_faults import NamedFaults
from sandbox.discord.people import People
from sandbox.discord.rates import RateLimiter
from sandbox.discord.rest import Rest
from sandbox.discord.service import Service
from sandbox.discord.setup import Setup
from sandbox.discord.stage import Stage
from sandbox.discord.switches import DiscordSwitches
from sandbox.discord.threads import Threads
from sandbox.discord.tickets import InteractionBook
from sandbox.discord.timers import Timers
from sandbox.discord.wire import Wire
from sandbox.discord.world import World
from sandbox.journal import Journal
from sandbox.server import EmulatorServer


class DiscordEmulator(EmulatorServer, Setup, People, Interactions, Audience):
    """A Discord of one's own, with the guild ``Sandbox``, its ``owner``, and one application whose bot is there.

    Point a client at ``api_url`` and ``gateway_url`` with ``bot_token``. People act through the methods of ``People``
    and ``Interactions``; what they see is read through ``Audience``. Everything that happens is in the journal.
    """

    def __init__(
        self,
        clock: SandboxClock,
        journal: Journal,
        *,
        port: int = 0,
        seed: int = 0,
        switches: DiscordSwitches | None = None,
    ) -> None:
        super().__init__(port=port)
        self.clock = clock
        self.journal = journal
        self.switches = switches or DiscordSwitches()
        self.service = self._compose(Mint(clock, seed))
        self.rest = Rest(self.service)
        self.service.cdn.add_routes(self.app, self.service.world)
        for path in ("/gateway", "/gateway/", "/resume", "/resume/"):
            self.app.router.add_get(path, self.gateway.serve)
        Control(self).add_routes(self.app)
        self.rest.add_routes(self.app)
        self.app.router.add_route("*", "/{rest:.*}", self._elsewhere)
        self.guild_id = self.add_guild("Sandbox")

    def _compose(self, mint: Mint) -> Service:
        clock, journal, switches = self.clock, self.journal, self.switches
        timers, inspector = Timers(clock), Inspector(journal)
        world = World(_application(mint))
        _furnish(world)
        cdn = Cdn(clock, journal, switches, mint.hex(), lambda: self.base_url)
        wire = Wire(world, cdn)
        gateway = Gateway(clock, journal, switches, mint, timers, world, wire)
        herald = Herald(clock, world, wire, gateway)
        stage = Stage(clock, journal, switches, timers, world, herald, inspector)
        return Service(
            clock=clock,
            journal=journal,
            switches=switches,
            mint=mint,
            timers=timers,
            world=world,
            cdn=cdn,
            wire=wire,
            gateway=gateway,
            herald=herald,
            inspector=inspector,
            stage=stage,
            threads=Threads(clock, mint, world, herald, stage),
            commands=CommandBook(clock, switches, mint, world.application.id),
            interactions=InteractionBook(clock, switches, mint, timers, inspector),
            limiter=RateLimiter(clock, switches),
            base_url=lambda: self.base_url,
        )

    @property
    def api_url(self) -> str:
        """The base of all REST routes, ``http://127.0.0.1:PORT/api/v10``; valid while running."""
        return f"{self.base_url}/api/v10"

    @property
    def gateway_url(self) -> str:
        """Where fresh gateway connections go; valid while running."""
        return f"{self.base_url.replace('http', 'ws', 1)}/gateway"

    @property
    def gateway(self) -> Gateway:
        """The gateway, to disturb it: ``close``, ``drop``, ``reconnect``, ``invalidate``, ``pause`` ..."""
        return self.service.gateway

    @property
    def application(self) -> Application:
        """The application, as the developer portal lets one change it."""
        return self.service.world.application

    @property
    def bot_token(self) -> str:
        """The bot's token; a new one after it was reset."""
        return self.application.token

    @property
    def bot_user_id(self) -> str:
        """The bot's user id."""
        return self.service.bot.id

    @property
    def application_id(self) -> str:
        """The application's id."""
        return self.application.id

    @property
    def faults(self) -> NamedFaults:
        """Planned misbehaviour of REST routes, named as in ``supported``; kinds in ``rest.REST_FAULTS``."""
        return self.rest.faults

    @property
    def gateway_faults(self) -> NamedFaults:
        """Planned misbehaviour of the gateway; names and kinds in ``gateway.GATEWAY_FAULTS`` and beside it."""
        return self.gateway.faults

    async def start(self) -> None:
        """Bind and serve.

        Raises:
            OSError: The wanted port is taken.
        """
        await super().start()
        self.gateway.resume_url = f"{self.base_url.replace('http', 'ws', 1)}/resume"

    async def aclose(self) -> None:
        """Cut every gateway connection, stop serving.

        Raises:
            ExceptionGroup: Something the emulator did by itself had failed.
        """
        try:
            await self.service.timers.aclose()
        finally:
            self.gateway.aclose()
            await super().aclose()

    def rate_limit_next(
        self, route: str, retry_after_s: float = 1.0, *, times: int = 1, via: bool = True, scope: str = "user"
    ) -> None:
        """Let the next calls of a route be rate limited; without ``via`` as Cloudflare does it."""
        self.faults.plan(route, "rate_limited", times=times, retry_after_s=retry_after_s, via=via, scope=scope)

    def set_privileged_intents(self, *names: str) -> None:
        """Switch on exactly these intents in the portal: ``message_content``, ``members``, ``presences``.

        Raises:
            ValueError: There is no such intent.
        """
        known = {"message_content", "members", "presences"}
        if unknown := sorted(set(names) - known):
            raise ValueError(f"no privileged intent {', '.join(unknown)}")
        self.application.privileged = set(names)

    async def _elsewhere(self, request: web.Request) -> web.StreamResponse:
        return await self.rest.unknown(request)


def _application(mint: Mint) -> Application:
    owner_id, bot_id = mint.snowflake(), mint.snowflake()
    return Application(
        id=mint.snowflake(),
        name=setup.BOT_NAME,
        bot_id=bot_id,
        owner_id=owner_id,
        token=setup.BOT_TOKEN,
        verify_key=mint.hex(64),
    )


def _furnish(world: World) -> None:
    app = world.application
    world.users[app.bot_id] = User(app.bot_id, setup.BOT_NAME, bot=True)
    world.users[app.owner_id] = User(app.owner_id, setup.OWNER_NAME, setup.OWNER_NAME.title())
