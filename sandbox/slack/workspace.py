"""One workspace's memory: people, channels and their messages, looked up and added to; no rules, no wire."""

import random
from collections.abc import Container, Iterable, Iterator

from sandbox.clock import SandboxClock
from sandbox.slack.model import Channel, ChannelKind, FileRecord, Message, Team, User

HEX = "0123456789abcdef"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


class Mint:
    """Makes ids and timestamps: unique, and the same ones again for the same seed."""

    def __init__(self, clock: SandboxClock, seed: int) -> None:
        self._clock = clock
        self.random = random.Random(seed)
        self._last_micros = 0
        self._count = 0

    def ts(self) -> str:
        """Return a message timestamp: seconds and micros of the sandbox's time, strictly increasing."""
        self._last_micros = max(self._last_micros + 1, int(self._clock.now() * 1_000_000))
        return f"{self._last_micros // 1_000_000}.{self._last_micros % 1_000_000:06d}"

    def id(self, prefix: str, length: int = 8) -> str:
        """Return an id such as ``F1K3P0QZ7``: the prefix, then ``length`` capitals and digits."""
        return prefix + "".join(self.random.choices(LETTERS, k=length))

    def short_id(self, prefix: str, taken: Container[str]) -> str:
        """Return an id that is easy to read in a test, ``C1``, ``C2`` …, not among those taken."""
        number = 1
        while f"{prefix}{number}" in taken:
            number += 1
        return f"{prefix}{number}"

    def hex(self, length: int = 32) -> str:
        """Return hexadecimal digits: secrets, hashes, signatures of links."""
        return "".join(self.random.choices(HEX, k=length))

    def uuid(self) -> str:
        """Return an id such as envelopes and client messages carry."""
        digits = self.hex()
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    def number(self) -> int:
        """Return 1, 2, 3 …"""
        self._count += 1
        return self._count


class Workspace:
    """The state of one team."""

    def __init__(self, team: Team, mint: Mint) -> None:
        self.team = team
        self.mint = mint
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self.files: dict[str, FileRecord] = {}
        self._messages: dict[str, dict[str, Message]] = {}
        self._replies: dict[tuple[str, str], list[Message]] = {}

    def user(self, id_or_name: str) -> User | None:
        """Find somebody by id, or by name as a test calls them."""
        if found := self.users.get(id_or_name):
            return found
        return next((user for user in self.users.values() if user.name == id_or_name), None)

    def channel(self, id_or_name: str) -> Channel | None:
        """Find a channel by id or by name, with or without ``#``."""
        if found := self.channels.get(id_or_name):
            return found
        name = id_or_name.removeprefix("#")
        return next((channel for channel in self.channels.values() if name and channel.name == name), None)

    def direct_channel(self, members: Iterable[str]) -> Channel | None:
        """Find the direct or group conversation of exactly these user ids."""
        wanted = set(members)
        kinds = (ChannelKind.IM, ChannelKind.MPIM)
        return next((c for c in self.channels.values() if c.kind in kinds and c.members == wanted), None)

    def add_message(self, message: Message) -> None:
        """Store a message under its channel and ts; they come in the order of their timestamps."""
        self._messages.setdefault(message.channel, {})[message.ts] = message
        if message.thread_ts is not None:
            self._replies.setdefault((message.channel, message.thread_ts), []).append(message)

    def message(self, channel: str, ts: str) -> Message | None:
        """Find a message, deleted and ephemeral ones included."""
        return self._messages.get(channel, {}).get(ts)

    def messages(self, channel: str) -> Iterator[Message]:
        """Iterate over a channel's messages in order of ``ts``, deleted and ephemeral ones included."""
        return iter(list(self._messages.get(channel, {}).values()))

    def thread(self, channel: str, root_ts: str) -> list[Message]:
        """Return a thread's root, unless it is deleted, and its visible replies, in order."""
        root = self.message(channel, root_ts)
        shown = [root] if root is not None and not root.deleted else []
        return shown + self.replies(channel, root_ts)

    def replies(self, channel: str, root_ts: str) -> list[Message]:
        """Return the visible replies of a thread, in order."""
        replies = self._replies.get((channel, root_ts), [])
        return [message for message in replies if not message.deleted and message.ephemeral_for is None]

    def parent(self, message: Message) -> Message | None:
        """Return the root of a reply's thread."""
        return None if message.thread_ts is None else self.message(message.channel, message.thread_ts)
