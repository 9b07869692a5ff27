"""Everything the Web API's methods work with, and one call of a method."""

from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.clock import SandboxClock
from sandbox.journal import Journal
from sandbox.slack.auth import Caller, Registry
from sandbox.slack.background import Background
from sandbox.slack.calls import Arguments
from sandbox.slack.delivery import Delivery
from sandbox.slack.herald import Herald
from sandbox.slack.inspector import Inspector
from sandbox.slack.model import Channel, ChannelKind, Installation, Json, Message, User
from sandbox.slack.refusals import Refusal
from sandbox.slack.socket_mode import SocketMode
from sandbox.slack.stage import Stage
from sandbox.slack.streams import StreamBook
from sandbox.slack.switches import SlackSwitches
from sandbox.slack.tickets import ResponseUrls, Triggers
from sandbox.slack.views import ViewBook
from sandbox.slack.workspace import Mint, Workspace


@dataclass(slots=True)
class Service:
    """The parts of one emulator.

    Attributes:
        base_url: Asked at each use, for the port is known only once the server runs.
        session_by_thread: Agent sessions: ``status`` and ``title`` by ``(channel, thread)``.
        oauth_codes: Authorization codes not yet exchanged: the team and the user of each.
    """

    clock: SandboxClock
    journal: Journal
    switches: SlackSwitches
    mint: Mint
    background: Background
    registry: Registry
    inspector: Inspector
    sockets: SocketMode
    delivery: Delivery
    herald: Herald
    stage: Stage
    streams: StreamBook
    triggers: Triggers
    response_urls: ResponseUrls
    views: ViewBook
    base_url: Callable[[], str]
    workspaces: dict[str, Workspace] = field(default_factory=dict)
    session_by_thread: dict[tuple[str, str], Json] = field(default_factory=dict)
    oauth_codes: dict[str, tuple[str, str]] = field(default_factory=dict)

    def direct_channel(self, workspace: Workspace, members: set[str]) -> Channel:
        """Find or open the direct or group conversation of these users."""
        existing = workspace.direct_channel(members)
        if existing is not None:
            return existing
        kind = ChannelKind.IM if len(members) <= 2 else ChannelKind.MPIM
        prefix = "D" if kind is ChannelKind.IM else "G"
        name = "" if kind is ChannelKind.IM else f"mpdm-{'-'.join(sorted(members)).lower()}"
        taken = {channel_id for known in self.workspaces.values() for channel_id in known.channels}
        channel_id = self.mint.short_id(prefix, taken)
        channel = Channel(channel_id, kind, name, set(members), created=int(self.clock.now()))
        workspace.channels[channel.id] = channel
        return channel

    def workspace_of(self, channel_id: str) -> Workspace:
        """Find the workspace a channel belongs to.

        Raises:
            KeyError: No workspace has it.
        """
        for workspace in self.workspaces.values():
            if channel_id in workspace.channels:
                return workspace
        raise KeyError(channel_id)


@dataclass(slots=True)
class Call:
    """One authorised call of a Web API method."""

    service: Service
    method: str
    caller: Caller
    args: Arguments

    @property
    def bot(self) -> Installation:
        """The calling app in its workspace."""
        return self.caller.bot

    @property
    def workspace(self) -> Workspace:
        """The workspace of the token."""
        return self.service.workspaces[self.bot.team_id]

    @property
    def switches(self) -> SlackSwitches:
        """The emulator's switches."""
        return self.service.switches

    def known_channel(self, name: str = "channel", error: str = "channel_not_found") -> Channel:
        """Return the channel an argument names, if this bot may know of it.

        Raises:
            Refusal: ``channel_not_found`` (or ``error``): absent, or private and not joined.
        """
        channel = self.workspace.channel(self.args.required(name))
        if channel is None:
            raise Refusal(error)
        if channel.kind is not ChannelKind.PUBLIC and self.bot.bot_user_id not in channel.members:
            raise Refusal(error)
        return channel

    def writable_channel(self, name: str = "channel", *, people_too: bool = False) -> Channel:
        """Return the channel an argument names, if this bot may post there.

        Args:
            people_too: A user's id stands for the direct conversation with them.

        Raises:
            Refusal: ``channel_not_found``, ``is_archived``, ``not_in_channel``, ``messages_tab_disabled``.
        """
        wanted = self.args.required(name)
        if people_too and wanted in self.workspace.users:
            channel = self.service.direct_channel(self.workspace, {wanted, self.bot.bot_user_id})
        else:
            channel = self.known_channel(name)
        if channel.archived:
            raise Refusal("is_archived")
        joined = self.bot.bot_user_id in channel.members
        if not joined and "chat:write.public" not in self.caller.scopes:
            raise Refusal("not_in_channel")
        if channel.kind is ChannelKind.IM and not self.bot.app.messages_tab_enabled:
            raise Refusal("messages_tab_disabled")
        return channel

    def readable_channel(self, name: str = "channel") -> Channel:
        """Return a channel whose history this bot may read.

        Raises:
            Refusal: ``channel_not_found``, ``missing_scope``, ``not_in_channel``.
        """
        channel = self.known_channel(name)
        self.caller.require(f"{channel.kind.family}:history")
        if self.bot.bot_user_id not in channel.members:
            raise Refusal("not_in_channel")
        return channel

    def message(self, channel: Channel, ts: str, error: str = "message_not_found") -> Message:
        """Return a visible message.

        Raises:
            Refusal: ``message_not_found`` (or ``error``): absent, deleted or ephemeral.
        """
        message = self.workspace.message(channel.id, ts)
        if message is None or message.deleted or message.ephemeral_for is not None:
            raise Refusal(error)
        return message

    def own_message(self, channel: Channel, foreign: str) -> Message:
        """Return the message ``ts`` names, if this app posted it.

        Raises:
            Refusal: ``message_not_found``, or ``foreign`` for somebody else's.
        """
        message = self.message(channel, self.args.required("ts"))
        if message.author_app != self.bot.app.id:
            raise Refusal(foreign)
        return message

    def person(self, name: str, error: str = "user_not_found") -> User:
        """Return the user an argument names."""
        user = self.workspace.users.get(self.args.required(name))
        if user is None:
            raise Refusal(error)
        return user

    def thread_ts(self) -> str | None:
        """Return ``thread_ts`` if it looks like a timestamp; the thread need not exist.

        Slack takes a reply to an unknown thread and shows it nowhere (slackapi/python-slack-sdk#840).

        Raises:
            Refusal: ``invalid_thread_ts``.
        """
        thread_ts = self.args.optional("thread_ts")
        if thread_ts is not None and not is_ts(thread_ts):
            raise Refusal("invalid_thread_ts", messages=[f"[ERROR] {thread_ts} is not a valid thread_ts"])
        return thread_ts

    def new_message(self, channel: Channel, *, thread_ts: str | None) -> Message:
        """Make a message by this bot, not yet posted."""
        return Message(
            channel=channel.id,
            ts=self.workspace.mint.ts(),
            user=self.bot.bot_user_id,
            author_app=self.bot.app.id,
            bot_id=self.bot.bot_id,
            thread_ts=thread_ts,
        )


def is_ts(text: str) -> bool:
    """Tell whether a text has the form of a message timestamp."""
    seconds, _, micros = text.partition(".")
    return seconds.isdigit() and len(seconds) >= 9 and micros.isdigit()
