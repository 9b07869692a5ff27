"""Obeys the commands a person gives the bridge itself: new, stop, status, help."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import structlog

from bridge.asking import history_note
from bridge.busy import Busy
from bridge.commands import Command, parse_command
from bridge.errors import PlatformError
from bridge.keys import conversation_key, participation_note
from bridge.lanes import HeldLease, Lanes
from bridge.model import Envelope, Outcome, Place, Scope, TurnRecord, TurnState
from bridge.ports import Platform, Store
from bridge.routes import Routes
from bridge.running import Surroundings
from bridge.stopping import Stopping, Verdict
from bridge.texts import Say, say
from bridge.turn import Turns

log = structlog.get_logger(__name__)


class Control:
    """Runs command turns; everything they need to know of running turns they ask of ``Turns`` and ``Lanes``."""

    def __init__(
        self,
        turns: Turns,
        lanes: Lanes,
        stopping: Stopping,
        routes: Routes,
        runs: Surroundings,
        store: Store,
        platforms: Mapping[str, Platform],
        *,
        scope: Scope,
        keep_s: float,
    ) -> None:
        self._turns = turns
        self._lanes = lanes
        self._routes = routes
        self._runs = runs
        self._store = store
        self._stopping = stopping
        self._platforms = platforms
        self._scope = scope
        self._keep_s = keep_s

    async def run(self, record: TurnRecord, lease: HeldLease) -> None:
        """Obey one command and answer with a sentence."""
        platform = self._platforms[record.envelope.place.instance]
        envelope = await platform.resolve(record.envelope)
        locale = self._turns.speaks(envelope)
        command = parse_command(envelope.text)
        match command:
            case Command.NEW:
                sentence = await self._new(record, envelope, locale)
            case Command.STOP:
                sentence = await self._stop(record, envelope, locale)
            case Command.STATUS:
                sentence = await self._status(envelope, locale)
            case _:
                sentence = say(Say.HELP, locale)
                if self._runs.book.flows:
                    sentence = f"{sentence}\n{self._runs.book.listed(envelope.place, envelope.author, locale)}"
        outcome = Outcome.DELIVERED
        try:
            await platform.reply(envelope, record.turn_id, locale).notice(sentence)
        except PlatformError as error:
            log.warning("the answer to a command cannot be shown", command=command, reason=error.reason)
            outcome = Outcome.FAILED
        changes = {"state": TurnState.ENDED, "outcome": outcome, "reason": f"command {command}"}
        await self._store.advance(record.turn_id, frozenset({TurnState.ACCEPTED}), changes, lease.now)

    async def _new(self, record: TurnRecord, envelope: Envelope, locale: str) -> str:
        key = conversation_key(envelope.place, envelope.author, self._scope)
        known = await self._store.conversation(key)
        # One that is younger than the command was begun after it: the command is obeyed again after a crash.
        forgotten = known is not None and known.created_at_s <= record.created_at_s and await self._store.unbind(key)
        if forgotten:
            await self._store.remember(history_note(key), None)
            if envelope.place.thread is not None:  # the thread is still ours, without its conversation
                await self._store.remember(participation_note(envelope.place), "yes", ttl_s=self._keep_s)
        return say(Say.NEW_DONE if forgotten else Say.NEW_NOTHING, locale)

    async def _stop(self, record: TurnRecord, envelope: Envelope, locale: str) -> str:
        """Stop the caller's own questions here, those that came before the command."""

        def is_meant(turn: TurnRecord) -> bool:
            is_question = parse_command(turn.envelope.text) is None
            is_earlier = turn.created_at_s <= record.created_at_s
            return is_question and is_earlier and _same_place(turn.envelope.place, envelope)

        verdict = await self._stopping.all(is_meant, envelope.author, waiting=True)
        gave_up = await self._give_up_waiting(envelope)
        return say(Say.STOP_DONE if verdict is Verdict.STOPPED or gave_up else Say.STOP_NOTHING, locale)

    async def _give_up_waiting(self, envelope: Envelope) -> bool:
        """Let the caller's run that waits for her answer here end, in its own lane."""
        waiting = await self._runs.waits.find(envelope)
        if waiting is None:
            return False
        stopped = replace(waiting, state=TurnState.WAITING, stopping=Outcome.STOPPED)
        self._lanes.reserve(waiting.key, bounded=False).fill(stopped)
        return True

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
    """Questions and runs become turns, commands go to the bridge itself; implements ``lanes.Work``."""

    turns: Turns
    control: Control
    busy: Busy
    runs: Surroundings

    async def run(self, turn: TurnRecord, lease: HeldLease) -> None:
        if parse_command(turn.envelope.text) is not None:
            await self.control.run(turn, lease)
        elif turn.answers is not None or self.runs.book.call(turn.envelope.text) is not None:
            await self.turns.run(turn, lease)
        else:
            await self.turns.run(await self.busy.gather(turn, lease), lease)

    async def apologise(self, turn: TurnRecord, lease: HeldLease, error: Exception) -> None:
        await self.turns.apologise(turn, lease, error)


def _same_place(place: Place, command: Envelope) -> bool:
    here = command.place
    same_channel = (place.instance, place.team, place.channel) == (here.instance, here.team, here.channel)
    return same_channel and (not command.inside_thread or place.thread == here.thread)
