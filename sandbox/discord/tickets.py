"""Interactions: their tokens, their three seconds, their fifteen minutes, and what became of them (reference 6)."""

import asyncio
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from sandbox.clock import SandboxClock
from sandbox.discord.ids import Mint
from sandbox.discord.inspector import Inspector
from sandbox.discord.model import Json
from sandbox.discord.options import STRING
from sandbox.discord.switches import DiscordSwitches
from sandbox.discord.timers import Timers

MAX_USER_INSTALL_FOLLOWUPS = 5


class InteractionKind(IntEnum):
    """What a person did; the value is ``type`` of INTERACTION_CREATE."""

    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL = 5


class ResponseKind(IntEnum):
    """How the application answers; the value is ``type`` of the callback."""

    MESSAGE = 4
    DEFERRED_MESSAGE = 5
    DEFERRED_UPDATE = 6
    UPDATE = 7
    CHOICES = 8
    MODAL = 9


@dataclass(slots=True)
class Interaction:
    """One interaction.

    Attributes:
        name: The command's name or the control's custom id.
        source_message_id: The message whose control it was, or whose control opened the modal.
        user_install_only: The application is not in the guild: five follow-ups, no messages of its own.
        response: What the application answered first; ``None`` until then.
        original_id: The message that ``@original`` means.
        completes: The kind of the option that completes itself.
        failed: Nothing came in time: the user read "The application did not respond".
        settled: Set when it was answered or has failed.
    """

    id: str
    token: str
    kind: InteractionKind
    name: str
    user_id: str
    channel_id: str
    guild_id: str | None
    created_at: float
    source_message_id: str | None = None
    user_install_only: bool = False
    response: ResponseKind | None = None
    original_id: str | None = None
    completes: int = STRING
    ephemeral: bool = False
    followups: int = 0
    choices: list[Json] = field(default_factory=list)
    modal: Json | None = None
    failed: bool = False
    settled: asyncio.Event = field(default_factory=asyncio.Event)

    def answer(self, response: ResponseKind) -> None:
        """Note the first answer."""
        self.response = response
        self.settled.set()


class InteractionBook:
    """All interactions by id and by token."""

    def __init__(
        self, clock: SandboxClock, switches: DiscordSwitches, mint: Mint, timers: Timers, inspector: Inspector
    ) -> None:
        self._clock = clock
        self._switches = switches
        self._mint = mint
        self._timers = timers
        self._inspector = inspector
        self._by_id: dict[str, Interaction] = {}

    def open(self, kind: InteractionKind, name: str, **place: Any) -> Interaction:
        """Begin an interaction; its three seconds run from now."""
        interaction = Interaction(
            self._mint.snowflake(), f"aW50{self._mint.token(80)}", kind, name, created_at=self._clock.now(), **place
        )
        self._by_id[interaction.id] = interaction
        self._timers.after(self._switches.ack_timeout_s, lambda: self._run_out(interaction))
        return interaction

    def all(self) -> list[Interaction]:
        """Return every interaction there was, oldest first."""
        return list(self._by_id.values())

    def get(self, interaction_id: str) -> Interaction | None:
        """Return an interaction by its id."""
        return self._by_id.get(interaction_id)

    def by_token(self, token: str) -> Interaction | None:
        """Return an interaction by its token, expired or not."""
        return next((interaction for interaction in self._by_id.values() if interaction.token == token), None)

    def expired(self, interaction: Interaction) -> bool:
        """Tell whether the fifteen minutes of a token are over."""
        return self._clock.now() - interaction.created_at >= self._switches.token_lifetime_s

    def _run_out(self, interaction: Interaction) -> None:
        if interaction.response is None:
            interaction.failed = True
            interaction.settled.set()
            self._inspector.note(
                "interaction_not_answered", id=interaction.id, command=interaction.name, what=interaction.kind.name
            )
