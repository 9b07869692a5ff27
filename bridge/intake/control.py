"""Obeys the commands a person gives the bridge itself: new, stop, status, help."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import structlog

from bridge.errors import PlatformError
from bridge.intake.busy import Busy
from bridge.intake.commands import Command, parse_command
from bridge.intake.stopping import Stopping, Verdict
from bridge.keys import conversation_key, history_note, latest_note, participation_note
from bridge.model import ConversationKey, Envelope, Outcome, Place, Scope, TurnRecord, TurnState
from bridge.ports import Platform, Store
from bridge.routes import Routes
from bridge.texts import Say, say
from bridge.turns.announcing import as_it_stands
from bridge.turns.lanes import HeldLease, Lanes
from bridge.turns.run_order import Surroundings
from bridge.turns.turn import Turns

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
        key, thread = await self._meant(envelope)
        known = await self._store.conversation(key)
        # One that is younger than the command was begun after it: the command is obeyed again after a crash.
        forgotten = known is not None and known.created_at_s <= record.created_at_s and await self._store.unbind(key)
        if forgotten:
            await self._store.remember(history_note(key), None)
            if thread is not None:  # the thread is still ours, without its conversation
                place = replace(envelope.place, thread=thread)
                await self._store.remember(participation_note(place), "yes", ttl_s=self._keep_s)
        if forgotten and known is not None and envelope.command and self._scope is Scope.THREAD:
            return say(Say.NEW_DONE_SINCE, locale, since=_written(known.created_at_s))
        return say(Say.NEW_DONE if forgotten else Say.NEW_NOTHING, locale)

    async def _meant(self, envelope: Envelope) -> tuple[ConversationKey, str | None]:
        """Return which conversation is meant, and its thread: for a command, the caller's latest in this channel."""
        key = conversation_key(envelope.place, envelope.author, self._scope)
        if not envelope.command or self._scope is not Scope.THREAD:
            return key, envelope.place.thread
        latest = await self._store.note(latest_note(envelope.place, envelope.author))
        thread: str | None = json.loads(latest) if latest else None
        place = replace(envelope.place, thread=thread)
        return conversation_key(place, envelope.author, self._scope), thread

    async def _stop(self, record: TurnRecord, envelope: Envelope, locale: str) -> str:
        """Stop the caller's own questions here, those that came before the command."""

        def is_meant(turn: TurnRecord) -> bool:
            is_question = parse_command(turn.envelope.text) is None
            is_earlier = turn.created_at_s <= record.created_at_s
            return is_question and is_earlier and _is_here(turn, envelope)

        verdict = await self._stopping.all(is_meant, envelope.author, waiting=True)
        gave_up = await self._give_up_waiting(envelope)
        return say(Say.STOP_DONE if verdict is Verdict.STOPPED or gave_up else Say.STOP_NOTHING, locale)

    async def _give_up_waiting(self, envelope: Envelope) -> bool:
        """Let the caller's run that waits for her answer here end, in its own lane."""
        waiting = await self._runs_waiting(envelope)
        for turn in waiting:
            stopped = replace(turn, state=TurnState.WAITING, stopping=Outcome.STOPPED)
            self._lanes.reserve(turn.key, bounded=False).fill(stopped)
        return bool(waiting)

    async def _runs_waiting(self, envelope: Envelope) -> list[TurnRecord]:
        """Return the caller's runs that wait for her answer: the newest here, or for a command all of the channel."""
        if not envelope.command:
            waiting = await self._runs.waits.find(envelope)
            return [waiting] if waiting is not None else []
        return [
            turn
            for turn in await self._store.unfinished()
            if turn.state is TurnState.WAITING
            and turn.envelope.author.id == envelope.author.id
            and _is_here(turn, envelope)
        ]

    def _questions_waiting(self) -> list[TurnRecord]:
        return [turn for turn in self._lanes.waiting() if parse_command(turn.envelope.text) is None]

    async def _status(self, envelope: Envelope, locale: str) -> str:
        def is_meant(turn: TurnRecord) -> bool:
            is_whose = not envelope.command or turn.envelope.author.id == envelope.author.id
            return is_whose and _is_here(turn, envelope)

        running = sum(is_meant(live.record) for live in self._turns.live.values())
        waiting = sum(is_meant(turn) for turn in self._questions_waiting())
        agent = self._routes.choose(envelope.place).name
        if running or waiting:
            sentences = [say(Say.STATUS_RUNNING, locale, agent=agent, running=running, waiting=waiting)]
        else:
            sentences = [say(Say.STATUS_IDLE, locale, agent=agent)]
        conversation = await self._store.conversation((await self._meant(envelope))[0])
        if conversation is not None:
            sentences.append(say(Say.STATUS_CONVERSATION, locale, since=_written(conversation.created_at_s)))
        return " ".join(sentences)


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Questions and runs become turns, commands go to the bridge itself; implements ``lanes.Work``."""

    turns: Turns
    control: Control
    busy: Busy
    runs: Surroundings

    async def run(self, turn: TurnRecord, lease: HeldLease) -> None:
        is_answer = turn.answers is not None  # whatever it says: a choice may be called "stop"
        if not is_answer and parse_command(turn.envelope.text) is not None:
            await self.control.run(turn, lease)
        elif is_answer or self.runs.book.call(turn.envelope.text) is not None:
            await self.turns.run(turn, lease)
        else:
            await self.turns.run(await self.busy.gather(turn, lease), lease)

    async def apologise(self, turn: TurnRecord, lease: HeldLease, error: Exception) -> None:
        await self.turns.apologise(turn, lease, error)


def _written(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _is_here(turn: TurnRecord, command: Envelope) -> bool:
    """Tell whether a turn was asked, or is answered, where a command was given."""
    return _same_place(as_it_stands(turn).place, command) or _same_place(turn.envelope.place, command)


def _same_place(place: Place, command: Envelope) -> bool:
    here = command.place
    same_channel = (place.instance, place.team, place.channel) == (here.instance, here.team, here.channel)
    return same_channel and (not command.inside_thread or place.thread == here.thread)
