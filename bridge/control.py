"""Obeys the commands a person gives the bridge itself: new, stop, status, help."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from bridge.asking import history_note
from bridge.commands import Command, parse_command
from bridge.errors import PlatformError
from bridge.keys import conversation_key, participation_note
from bridge.lanes import HeldLease, Lanes
from bridge.model import ControlKind, Envelope, Outcome, Place, Press, Pressed, Scope, TurnRecord, TurnState
from bridge.ports import Clock, Platform, Store
from bridge.routes import Routes
from bridge.texts import Say, say
from bridge.turn import Turns

log = structlog.get_logger(__name__)


class Control:
    """Runs command turns; everything they need to know of running turns they ask of ``Turns`` and ``Lanes``."""

    def __init__(
        self,
        turns: Turns,
        lanes: Lanes,
        routes: Routes,
        store: Store,
        clock: Clock,
        platforms: Mapping[str, Platform],
        *,
        scope: Scope,
    ) -> None:
        self._turns = turns
        self._lanes = lanes
        self._routes = routes
        self._store = store
        self._clock = clock
        self._platforms = platforms
        self._scope = scope

    async def run(self, record: TurnRecord, lease: HeldLease) -> None:
        """Obey one command and answer with a sentence."""
        platform = self._platforms[record.envelope.place.instance]
        envelope = await platform.resolve(record.envelope)
        locale = self._turns.speaks(envelope)
        command = parse_command(envelope.text)
        match command:
            case Command.NEW:
                sentence = await self._new(envelope, locale)
            case Command.STOP:
                sentence = await self._stop(envelope, locale)
            case Command.STATUS:
                sentence = await self._status(envelope, locale)
            case _:
                sentence = say(Say.HELP, locale)
        outcome = Outcome.DELIVERED
        try:
            await platform.reply(envelope, record.turn_id, locale).notice(sentence)
        except PlatformError as error:
            log.warning("the answer to a command cannot be shown", command=command, reason=error.reason)
            outcome = Outcome.FAILED
        changes = {"state": TurnState.ENDED, "outcome": outcome, "reason": f"command {command}"}
        await self._store.advance(record.turn_id, frozenset({TurnState.ACCEPTED}), changes, lease.now)

    async def press(self, press: Press) -> Pressed:
        """Obey what somebody pressed below an answer."""
        if press.kind is not ControlKind.STOP:
            return Pressed(False)
        for live in list(self._turns.live.values()):
            record = live.record
            is_meant = press.turn_id == record.turn_id if press.turn_id else record.envelope.place == press.place
            if is_meant and record.envelope.author.id == press.author.id:
                await live.stop()
        return Pressed(True)

    async def _new(self, envelope: Envelope, locale: str) -> str:
        key = conversation_key(envelope.place, envelope.author, self._scope)
        forgotten = await self._store.unbind(key)
        await self._store.remember(history_note(key), None)
        if forgotten and envelope.place.thread is not None:  # the thread is still ours, without its conversation
            await self._store.remember(participation_note(envelope.place), "yes")
        return say(Say.NEW_DONE if forgotten else Say.NEW_NOTHING, locale)

    async def _stop(self, envelope: Envelope, locale: str) -> str:
        """Stop the caller's own turns here: first those that wait, so that none starts meanwhile."""
        stopped = 0
        for turn in self._questions_waiting():
            stopped += _concerns(turn, envelope) and self._lanes.withdraw(turn.turn_id, Outcome.STOPPED)
        for live in list(self._turns.live.values()):
            if _concerns(live.record, envelope):
                await live.stop()
                stopped += 1
        return say(Say.STOP_DONE if stopped else Say.STOP_NOTHING, locale)

    def _questions_waiting(self) -> list[TurnRecord]:
        return [turn for turn in self._lanes.waiting() if parse_command(turn.envelope.text) is None]

    async def _status(self, envelope: Envelope, locale: str) -> str:
        running = sum(_same_place(live.record.envelope.place, envelope) for live in self._turns.live.values())
        waiting = sum(_same_place(turn.envelope.place, envelope) for turn in self._questions_waiting())
        agent = self._routes.choose(envelope.place).name
        if running or waiting:
            sentences = [say(Say.STATUS_RUNNING, locale, agent=agent, running=running, waiting=waiting)]
        else:
            sentences = [say(Say.STATUS_IDLE, locale, agent=agent)]
        conversation = await self._store.conversation(conversation_key(envelope.place, envelope.author, self._scope))
        if conversation is not None:
            since = datetime.fromtimestamp(conversation.created_at_s, UTC).strftime("%Y-%m-%d %H:%M UTC")
            sentences.append(say(Say.STATUS_CONVERSATION, locale, since=since))
        return " ".join(sentences)


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Questions go to the agent, commands to the bridge itself; implements ``lanes.Work``."""

    turns: Turns
    control: Control

    async def run(self, turn: TurnRecord, lease: HeldLease) -> None:
        worker = self.control if parse_command(turn.envelope.text) is not None else self.turns
        await worker.run(turn, lease)

    async def close(self, turn: TurnRecord, lease: HeldLease, outcome: Outcome) -> None:
        await self.turns.close(turn, lease, outcome)

    async def apologise(self, turn: TurnRecord, lease: HeldLease, error: Exception) -> None:
        await self.turns.apologise(turn, lease, error)


def _concerns(turn: TurnRecord, command: Envelope) -> bool:
    """A command acts on its author's own turns in this channel; inside a thread, on those of the thread."""
    return turn.envelope.author.id == command.author.id and _same_place(turn.envelope.place, command)


def _same_place(place: Place, command: Envelope) -> bool:
    here = command.place
    same_channel = (place.instance, place.team, place.channel) == (here.instance, here.team, here.channel)
    return same_channel and (not command.inside_thread or place.thread == here.thread)
