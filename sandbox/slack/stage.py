"""What people see, and when they saw it: every visible change passes here.

A change is stored, remembered as a step with its time, inspected, and announced to the apps.
"""

from dataclasses import dataclass, field
from typing import Any

from sandbox.clock import SandboxClock
from sandbox.journal import Journal
from sandbox.slack import events
from sandbox.slack.herald import Herald
from sandbox.slack.inspector import Inspector
from sandbox.slack.mentions import readable_text
from sandbox.slack.model import Json, Message
from sandbox.slack.switches import SlackSwitches
from sandbox.slack.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Step:
    """The text of a message as people could read it from ``at`` on (unix seconds of the sandbox)."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Status:
    """An assistant status: shown under the composer of a thread until something replaces it."""

    app_id: str
    text: str
    set_at: float
    loading_messages: tuple[str, ...] = field(default=())


class Stage:
    """Posts, changes and removes messages, and keeps the statuses."""

    def __init__(
        self, clock: SandboxClock, journal: Journal, switches: SlackSwitches, herald: Herald, inspector: Inspector
    ) -> None:
        self._clock = clock
        self._journal = journal
        self._switches = switches
        self._herald = herald
        self._inspector = inspector
        self._steps: dict[tuple[str, str], list[Step]] = {}
        self._statuses: dict[tuple[str, str], Status] = {}

    def steps(self, channel: str, ts: str) -> list[Step]:
        """Return how a message's visible text came about; a deletion ends it with an empty text."""
        return list(self._steps.get((channel, ts), ()))

    def post(self, workspace: Workspace, message: Message, *, announce: bool = True) -> Message:
        """Show a new message and tell the apps."""
        workspace.add_message(message)
        self._remember(message)
        if message.author_app is not None:
            thread_exists = message.thread_ts is None or workspace.parent(message) is not None
            self._inspector.look_at_new(message, thread_exists=thread_exists)
            self._inspector.look_at(message, may_unfurl=not message.streamed)
            if message.ephemeral_for is None:
                self.clear_status(message.channel, message.root_ts, message.author_app)
        if announce and message.ephemeral_for is None:
            self._herald.posted(workspace, message)
        return message

    def change(self, workspace: Workspace, message: Message, *, announce: bool = True, **fields: Any) -> None:
        """Set fields of a message, show the result and tell the apps."""
        previous = self._herald.wire(workspace).body(message)
        for name, value in fields.items():
            setattr(message, name, value)
        self._remember(message)
        if message.author_app is not None:
            may_unfurl = self._switches.updates_unfurl_links and not message.streamed
            self._inspector.look_at(message, may_unfurl=may_unfurl)
        if announce and message.ephemeral_for is None:
            self._herald.changed(workspace, message, previous)

    def remove(self, workspace: Workspace, message: Message) -> None:
        """Take a message away and tell the apps."""
        previous = self._herald.wire(workspace).body(message)
        message.deleted = True
        self._remember(message)
        if message.ephemeral_for is None:
            self._herald.deleted(workspace, message, previous)

    def react(self, workspace: Workspace, message: Message, user: str, name: str, *, add: bool = True) -> bool:
        """Add or take back a reaction; ``False`` when nothing changed."""
        users = message.reactions.setdefault(name, [])
        if (user in users) is add:
            return False
        if add:
            users.append(user)
        else:
            users.remove(user)
        if not users:
            del message.reactions[name]
        self._journal.record("slack", "reaction", name, channel=message.channel, ts=message.ts, user=user, added=add)
        kind = "reaction_added" if add else "reaction_removed"
        event = events.reaction(kind, user, name, message, workspace.mint.ts())
        self._herald.tell_all(workspace, event, workspace.channels[message.channel])
        return True

    def status(self, channel: str, thread_ts: str) -> Status | None:
        """Return the status shown in a thread now."""
        status = self._statuses.get((channel, thread_ts))
        if status is None or self._clock.now() >= status.set_at + self._switches.status_lifetime_s:
            return None
        return status

    def set_status(self, channel: str, thread_ts: str, app_id: str, text: str, loading: tuple[str, ...] = ()) -> None:
        """Show a status; an empty one clears it."""
        if text:
            self._statuses[channel, thread_ts] = Status(app_id, text, self._clock.now(), loading)
        else:
            self._statuses.pop((channel, thread_ts), None)
        self._journal.record("slack", "status", text, channel=channel, thread_ts=thread_ts, app=app_id)

    def clear_status(self, channel: str, thread_ts: str, app_id: str) -> None:
        """Remove an app's status, because it posted or opened a stream."""
        status = self.status(channel, thread_ts)
        if status is not None and status.app_id == app_id:
            self.set_status(channel, thread_ts, app_id, "")

    def body(self, workspace: Workspace, message: Message, *, metadata: bool = False) -> Json:
        """Return a message as JSON."""
        return self._herald.wire(workspace).body(message, metadata=metadata)

    def _remember(self, message: Message) -> None:
        text = "" if message.deleted else readable_text(message.text, message.blocks)
        steps = self._steps.setdefault((message.channel, message.ts), [])
        if steps and steps[-1].text == text:
            return
        entry = self._journal.record(
            "slack",
            "shown",
            message.channel,
            ts=message.ts,
            thread_ts=message.thread_ts,
            user=message.user,
            text=text,
            deleted=message.deleted,
            ephemeral_for=message.ephemeral_for,
        )
        steps.append(Step(entry.at, text))
