"""The parts of one emulator, as its routes and its people need them, and one call of the REST API."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.clock import SandboxClock
from sandbox.discord.cdn import Cdn
from sandbox.discord.commands import CommandBook
from sandbox.discord.errors import refusal
from sandbox.discord.gateway import Gateway
from sandbox.discord.herald import Herald
from sandbox.discord.ids import Mint
from sandbox.discord.inspector import Inspector
from sandbox.discord.model import Attachment, Channel, ChannelKind, Guild, Json, Message, MessageKind, User
from sandbox.discord.permissions import Permission
from sandbox.discord.rates import RateLimiter
from sandbox.discord.stage import Stage
from sandbox.discord.switches import DiscordSwitches
from sandbox.discord.threads import Threads
from sandbox.discord.tickets import InteractionBook
from sandbox.discord.timers import Timers
from sandbox.discord.wire import Wire
from sandbox.discord.world import World
from sandbox.journal import Journal


@dataclass(slots=True)
class Service:
    """Everything an emulator is made of."""

    clock: SandboxClock
    journal: Journal
    switches: DiscordSwitches
    mint: Mint
    timers: Timers
    world: World
    cdn: Cdn
    wire: Wire
    gateway: Gateway
    herald: Herald
    inspector: Inspector
    stage: Stage
    threads: Threads
    commands: CommandBook
    interactions: InteractionBook
    limiter: RateLimiter
    base_url: Callable[[], str]
    message_by_nonce: dict[str, Message] = field(default_factory=dict)

    @property
    def bot(self) -> User:
        """The application's bot user."""
        return self.world.bot

    def direct_channel(self, user_id: str) -> Channel:
        """Find or open the direct conversation of the bot with a user."""
        channel = self.world.direct_channel(user_id)
        if channel is None:
            channel = Channel(self.mint.snowflake(), ChannelKind.DM, recipients=[user_id])
            self.world.channels[channel.id] = channel
        return channel

    def new_message(self, channel_id: str, author_id: str, content: str = "", **fields: Any) -> Message:
        """Make a message of now, not yet posted."""
        kind = MessageKind.REPLY if fields.get("reference") else MessageKind.DEFAULT
        fields = {"kind": kind} | fields
        return Message(self.mint.snowflake(), channel_id, author_id, content, sent_at=self.clock.now(), **fields)


@dataclass(slots=True)
class Reply:
    """An answer before it is written; ``None`` as its body is a 204."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


@dataclass(slots=True)
class Call:
    """One call of the REST API, past authorization and rate limits."""

    service: Service
    route: str
    params: dict[str, str]
    query: dict[str, str]
    body: Any
    files: list[Attachment]

    @property
    def fields(self) -> Json:
        """The body as an object; anything else counts as an empty one."""
        return self.body if isinstance(self.body, dict) else {}

    @property
    def world(self) -> World:
        """What exists."""
        return self.service.world

    @property
    def bot_id(self) -> str:
        """The caller."""
        return self.service.world.application.bot_id

    def channel(self) -> Channel:
        """Return the channel in the path, if the bot may see it.

        Raises:
            ApiError: 10003; 50001 without VIEW_CHANNEL.
        """
        channel = self.world.channels.get(self.params["channel"])
        if channel is None:
            raise refusal(10003)
        self.require(channel, Permission.VIEW_CHANNEL)
        self.service.threads.settle(channel)
        return channel

    def message(self, channel: Channel) -> Message:
        """Return the message in the path.

        Raises:
            ApiError: 10008: absent, deleted or ephemeral.
        """
        message = self.world.message(channel.id, self.params["message"])
        if message is None or message.ephemeral_for is not None:
            raise refusal(10008)
        return message

    def guild(self) -> Guild:
        """Return the guild in the path, if the bot is in it.

        Raises:
            ApiError: 10004.
        """
        guild = self.world.guilds.get(self.params["guild"])
        if guild is None or self.bot_id not in guild.members:
            raise refusal(10004)
        return guild

    def allowed(self, channel: Channel, permission: Permission) -> bool:
        """Tell whether the bot has a permission in a channel."""
        return self.world.may(self.bot_id, channel, permission)

    def require(self, channel: Channel, *permissions: Permission) -> None:
        """Refuse the call unless the bot has all these permissions.

        Raises:
            ApiError: 50001 when it may not even see the channel, else 50013.
        """
        if not self.allowed(channel, Permission.VIEW_CHANNEL):
            raise refusal(50001)
        if not all(self.allowed(channel, permission) for permission in permissions):
            raise refusal(50013)
