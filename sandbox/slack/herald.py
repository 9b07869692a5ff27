"""Which app hears of what: subscriptions, scopes and membership decide (reference 6.3)."""

from collections.abc import Callable

from sandbox.clock import SandboxClock
from sandbox.slack import events
from sandbox.slack.auth import Registry
from sandbox.slack.delivery import Delivery
from sandbox.slack.model import Channel, ChannelKind, Installation, Json, Message
from sandbox.slack.switches import SlackSwitches
from sandbox.slack.transport import Outgoing
from sandbox.slack.wire import MessageWire
from sandbox.slack.workspace import Workspace

SCOPE_BY_EVENT = {
    "app_mention": "app_mentions:read",
    "reaction_added": "reactions:read",
    "reaction_removed": "reactions:read",
    "file_shared": "files:read",
    "member_joined_channel": "channels:read",
}


class Herald:
    """Turns what happened into events, one per app that may hear of it."""

    def __init__(
        self,
        clock: SandboxClock,
        switches: SlackSwitches,
        registry: Registry,
        delivery: Delivery,
        base_url: Callable[[], str],
    ) -> None:
        self._clock = clock
        self._switches = switches
        self._registry = registry
        self._delivery = delivery
        self._base_url = base_url

    def wire(self, workspace: Workspace) -> MessageWire:
        """Return the writer of a workspace's messages."""
        installations = {i.app.id: i for i in self._registry.installations(workspace.team.id)}
        return MessageWire(workspace, installations, self._base_url())

    def tell(self, workspace: Workspace, installation: Installation, event: Json, *, shared: bool = False) -> None:
        """Send one event to one app if it subscribed to it and has the scope for it."""
        kind = event["type"]
        scope = SCOPE_BY_EVENT.get(kind)
        subscribed = kind == "message" or kind in installation.app.events
        if not subscribed or (scope is not None and scope not in installation.scopes):
            return
        self._send(workspace, installation, event, shared=shared)

    def tell_all(self, workspace: Workspace, event: Json, channel: Channel | None = None) -> None:
        """Send an event to every app of the workspace, or only to those whose bot is in the channel."""
        for installation in self._registry.installations(workspace.team.id):
            if channel is None or installation.bot_user_id in channel.members:
                self.tell(workspace, installation, event)

    def posted(self, workspace: Workspace, message: Message) -> None:
        """Announce a new message: as ``message`` to members, as ``app_mention`` to the mentioned, in either order."""
        channel = workspace.channels[message.channel]
        body = self.wire(workspace).body(message)
        author = workspace.users.get(message.user)
        if author is not None:
            body["team"] = author.team_id
            if author.team_id != workspace.team.id:
                body |= {"user_team": author.team_id, "source_team": author.team_id}
        for installation in self._registry.installations(workspace.team.id):
            token = f"{message.channel}.{message.root_ts}" if self._is_agent_dm(installation, channel) else None
            ready: list[Json] = []
            if self._mentions(installation, message, channel):
                ready.append(events.app_mention(body, channel))
            if self._hears_messages(installation, channel):
                ready.append(events.message_posted(body, channel, thread_token=token))
            if len(ready) == 2 and not self._mention_goes_first(workspace):
                ready.reverse()
            for event in ready:
                self.tell(workspace, installation, event, shared=channel.shared)

    def changed(self, workspace: Workspace, message: Message, previous: Json) -> None:
        """Announce an edit; ``previous`` is the message's JSON before it."""
        channel = workspace.channels[message.channel]
        body = self.wire(workspace).body(message)
        self._to_listeners(workspace, channel, events.message_changed(body, previous, channel, workspace.mint.ts()))

    def deleted(self, workspace: Workspace, message: Message, previous: Json) -> None:
        """Announce a deletion; the root of a thread may leave a tombstone instead."""
        channel = workspace.channels[message.channel]
        ts = workspace.mint.ts()
        event = events.message_deleted(previous, channel, ts)
        is_root = message.thread_ts is None and bool(workspace.replies(channel.id, message.ts))
        if is_root and self._switches.root_deletion_as_tombstone:
            event = events.message_changed(events.tombstone(previous), previous, channel, ts)
        self._to_listeners(workspace, channel, event)

    def _to_listeners(self, workspace: Workspace, channel: Channel, event: Json) -> None:
        for installation in self._registry.installations(workspace.team.id):
            if self._hears_messages(installation, channel):
                self.tell(workspace, installation, event, shared=channel.shared)

    def _hears_messages(self, installation: Installation, channel: Channel) -> bool:
        family = channel.kind.family
        return (
            installation.bot_user_id in channel.members
            and f"message.{family}" in installation.app.events
            and f"{family}:history" in installation.scopes
        )

    def _mentions(self, installation: Installation, message: Message, channel: Channel) -> bool:
        if channel.kind is ChannelKind.IM or message.user == installation.bot_user_id:
            return False
        if f"<@{installation.bot_user_id}>" not in message.text:
            return False
        return installation.bot_user_id in channel.members or self._switches.mention_reaches_non_members

    def _mention_goes_first(self, workspace: Workspace) -> bool:
        if self._switches.mention_first is not None:
            return self._switches.mention_first
        return workspace.mint.random.random() < 0.5

    def _is_agent_dm(self, installation: Installation, channel: Channel) -> bool:
        return channel.kind is ChannelKind.IM and installation.app.view is not None

    def _send(self, workspace: Workspace, installation: Installation, event: Json, *, shared: bool) -> None:
        payload = events.envelope(
            installation,
            event,
            event_id=workspace.mint.id("Ev"),
            event_time=int(self._clock.now()),
            shared=shared,
        )
        self._delivery.emit(Outgoing(installation.app, "events_api", str(event["type"]), payload))
