"""What comes in: whose it is, who may speak, seen before?, written down, put in its lane.

``accept`` returns when the question is durable, so the adapter may acknowledge; the lane position was taken before
the first ``await``, so questions keep their order. Commands take no place behind what they command: each runs in a lane
of its own, under the same duplicate check and the same firebreak.
"""

import asyncio
import math
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace

import structlog

from bridge.errors import PlatformError, StoreError, StoreUnavailable
from bridge.intake.admission import Admission
from bridge.intake.commands import parse_command
from bridge.intake.gate import Gate, Refusal
from bridge.intake.invoking import Invocations
from bridge.intake.pressing import Presses
from bridge.keys import conversation_key, participation_note, runs_note, turn_id
from bridge.model import (
    Addressing,
    ConversationKey,
    Envelope,
    Invocation,
    Invoked,
    Outcome,
    Place,
    Press,
    Pressed,
    Root,
    Scope,
    TurnRecord,
    Typing,
)
from bridge.ports import Clock, Platform, Store
from bridge.texts import Say, say
from bridge.turns.announcing import as_it_stands
from bridge.turns.lanes import LaneFull, Lanes, Ticket
from bridge.turns.run_order import Surroundings
from bridge.turns.waits import asked_by
from bridge.workflows.answers import is_choice

log = structlog.get_logger(__name__)

MAX_REMEMBERED_REFUSALS = 1000
REFUSAL_PAUSE_S = 60.0
"""One person reads the same refusal at most once in this time."""
PRESS_S = 2.0
"""Platforms want to hear within about three seconds that a press was heard."""


class Intake:
    """The entrance; implements ``ports.Intake`` for every platform."""

    def __init__(
        self,
        gate: Gate,
        lanes: Lanes,
        store: Store,
        clock: Clock,
        platforms: Mapping[str, Platform],
        admission: Admission,
        presses: Presses,
        invocations: Invocations,
        *,
        runs: Surroundings,
        scope: Scope,
        keep_s: float,
        late_within_s: float,
    ) -> None:
        self._gate = gate
        self._lanes = lanes
        self._store = store
        self._clock = clock
        self._platforms = platforms
        self._admission = admission
        self._presses = presses
        self._invocations = invocations
        self._runs = runs
        self._scope = scope
        self._keep_s = keep_s
        self._late_within_s = late_within_s
        self._refused_at: OrderedDict[tuple[str, str, Say], float] = OrderedDict()
        self._promised: OrderedDict[str, None] = OrderedDict()
        self._admitting: list[str] = []

    async def accept(self, envelope: Envelope) -> bool:
        """Write the message down and queue it; see ``ports.Intake``."""
        if envelope.late and self._clock.wall() - envelope.sent_at_s > self._late_within_s:
            log.info("missed, and too old to be answered", platform=envelope.place.instance)
            return False
        key = conversation_key(envelope.place, envelope.author, self._scope)
        lane = self._lane(envelope, key)
        urgent = parse_command(envelope.text) is not None
        try:  # of those that were missed the adapter has read so many only
            ticket = self._lanes.reserve(lane, bounded=not envelope.late, urgent=urgent)
        except LaneFull:
            if not await self._is_repeat(envelope):
                log.warning("lane full", lane=key)
                self._refuse(envelope, Refusal(Say.QUEUE_FULL))
            return False
        self._admitting.append(envelope.delivery_key)
        # Not cut when the adapter is: what is being written down must not end up written and nobody's.
        return await asyncio.shield(self._lanes.beside(self._take(envelope, key, lane, ticket)))

    def _lane(self, envelope: Envelope, key: ConversationKey) -> ConversationKey:
        """Name the lane of a message: commands and runs have their own."""
        turn = turn_id(envelope.delivery_key)
        if parse_command(envelope.text) is not None:
            return ConversationKey(f"command:{turn}")
        call = self._runs.book.call(envelope.text)
        return self._runs.book.lane(call, key, turn) if call is not None else key

    async def _is_repeat(self, envelope: Envelope) -> bool:
        """Tell whether a message for which there is no room has a place already, written down or about to be."""
        if envelope.delivery_key in self._admitting:
            return True
        return await self._store.turn(turn_id(envelope.delivery_key)) is not None

    async def press(self, press: Press) -> Pressed:
        """Obey what somebody pressed; see ``ports.Intake``."""
        obeying = self._lanes.beside(self._presses.obey(press))
        await asyncio.wait([obeying], timeout=PRESS_S)
        if not obeying.done():  # it goes on; pressing again does nothing twice
            raise StoreUnavailable(f"the press was not written down within {PRESS_S:g} s")
        return obeying.result()

    async def invoke(self, call: Invocation) -> Invoked:
        """Take a command of a platform's own; see ``ports.Intake``."""
        decided = self._invocations.decide(call)
        if isinstance(decided, Invoked):
            return decided
        await self.accept(decided)
        return Invoked(accepted=True)

    def suggest(self, typing: Typing) -> tuple[str, ...]:
        """Return what fits what somebody is typing; see ``ports.Intake``."""
        return self._invocations.suggest(typing)

    async def withdraw(self, delivery_key: str) -> None:
        """Drop a question that still waits, because its author deleted it."""
        if await self._lanes.withdraw(turn_id(delivery_key), Outcome.WITHDRAWN):
            log.info("waiting question withdrawn", turn=turn_id(delivery_key))

    async def _take(self, envelope: Envelope, key: ConversationKey, lane: ConversationKey, ticket: Ticket) -> bool:
        try:
            return await self._admit(envelope, key, lane, ticket)
        except StoreError:
            if not envelope.command:  # whoever takes commands tells it with its answer
                self._tell_unwritten(envelope)
            raise
        finally:
            self._admitting.remove(envelope.delivery_key)
            ticket.drop()

    async def _admit(self, envelope: Envelope, key: ConversationKey, lane: ConversationKey, ticket: Ticket) -> bool:
        asked = await self._runs.waits.find(envelope) if lane == key else None
        is_for_us = envelope.addressing is not Addressing.FOLLOW_UP or await self._is_for_us(envelope, key, lane)
        if not asked and lane == key and await self._answers_for_another(envelope, is_for_us=is_for_us):
            return False
        if not (asked or is_for_us):
            return False
        if refusal := self._gate.check(envelope, self._clock.now()):
            log.info("refused at the gate", why=refusal.say, platform=envelope.place.instance)
            if envelope.addressing is not Addressing.FOLLOW_UP:
                self._refuse(envelope, refusal)
            return False
        turn = TurnRecord(turn_id(envelope.delivery_key), lane, envelope, created_at_s=self._clock.wall())
        if asked is not None:
            return await self._admit_answer(turn, asked)
        if not await self._admission.admit(turn, ticket):
            return False
        await self._remember_part(envelope)
        return True

    async def _answers_for_another(self, envelope: Envelope, *, is_for_us: bool) -> bool:
        """Tell somebody, once, that a workflow waits for what another person says.

        Where she would be answered as ever, only if she chose one of the answers that the workflow offers.
        """
        if envelope.place.thread is None or envelope.place.private:
            return False
        waiting = await self._runs.waits.for_another(envelope)
        asked = asked_by(waiting) if waiting is not None else None
        if waiting is None or asked is None or self._gate.check_access(envelope.place, envelope.author) is not None:
            return False
        if is_for_us and not is_choice(asked.question, envelope.text):
            return False
        self._refuse(envelope, Refusal(Say.RUN_NOT_YOURS, waits_for=waiting))
        return True

    async def _remember_part(self, envelope: Envelope) -> None:
        """Remember that a thread is ours where no conversation tells so; one with runs alone is so for commands."""
        if envelope.place.thread is None:
            return
        if self._runs.book.call(envelope.text) is not None:
            await self._store.remember(runs_note(envelope.place), "yes", ttl_s=self._keep_s)
        elif self._scope is not Scope.THREAD:
            await self._store.remember(participation_note(envelope.place), "yes", ttl_s=self._keep_s)

    async def _admit_answer(self, turn: TurnRecord, asked: TurnRecord) -> bool:
        """Let what answers a run go into the run's lane."""
        root = _root_of_answer(turn.envelope, as_it_stands(asked).place)
        try:
            return await self._admission.queue(
                replace(turn, key=asked.key, answers=asked.turn_id, agent=asked.agent, root=root)
            )
        except LaneFull:
            self._refuse(turn.envelope, Refusal(Say.QUEUE_FULL))
            return False

    async def _is_for_us(self, envelope: Envelope, key: ConversationKey, lane: ConversationKey) -> bool:
        """Tell whether a message that does not name us is meant for us all the same."""
        if await self._takes_part(envelope, key):
            return True
        is_order = lane != key and envelope.place.thread is not None
        return is_order and await self._store.note(runs_note(envelope.place)) is not None

    async def _takes_part(self, envelope: Envelope, key: ConversationKey) -> bool:
        """Tell whether we already speak in the thread of a message that does not name us."""
        if envelope.place.thread is None:
            return False
        if self._scope is Scope.THREAD and (
            self._lanes.is_active(key) or await self._store.conversation(key) is not None
        ):
            return True
        return await self._store.note(participation_note(envelope.place)) is not None

    def _tell_unwritten(self, envelope: Envelope) -> None:
        """Tell the author that her message could not be written down: whether it comes again by itself, or is lost."""
        comes_again = envelope.late or self._platforms[envelope.place.instance].capabilities.delivers_again
        if not comes_again:
            self._refuse(envelope, Refusal(Say.STORE_FAILED), each=True)  # each one is lost
        elif envelope.delivery_key not in self._promised:  # however often it comes again meanwhile
            self._promised[envelope.delivery_key] = None
            if len(self._promised) > MAX_REMEMBERED_REFUSALS:
                self._promised.popitem(last=False)
            self._refuse(envelope, Refusal(Say.STORE_FAILED_FOR_NOW))

    def _refuse(self, envelope: Envelope, refusal: Refusal, *, each: bool = False) -> None:
        """Tell the author once in a while why she is not answered; a command, to which only she listens, each time."""
        now = self._clock.now()
        where, pause_s = envelope.place.channel, REFUSAL_PAUSE_S
        if refusal.waits_for is not None:
            where, pause_s = refusal.waits_for.turn_id, math.inf
        person = (where, envelope.author.id, refusal.say)
        if not (envelope.command or each) and now - self._refused_at.get(person, -math.inf) < pause_s:
            return
        self._refused_at[person] = now
        if len(self._refused_at) > MAX_REMEMBERED_REFUSALS:
            self._refused_at.popitem(last=False)
        self._lanes.errand(self._tell_refusal(envelope, refusal), "refusal")

    async def _tell_refusal(self, envelope: Envelope, refusal: Refusal) -> None:
        platform = self._platforms[envelope.place.instance]
        envelope = await platform.resolve(envelope)
        locale = self._admission.speaks(envelope)
        asker = (await platform.resolve(refusal.waits_for.envelope)).author if refusal.waits_for else envelope.author
        name, seconds = asker.name or asker.id, max(1, math.ceil(refusal.wait_s))
        sentence = say(refusal.say, locale, seconds=seconds, name=name)
        try:
            await platform.reply(envelope, turn_id(envelope.delivery_key), locale).notice(sentence)
        except PlatformError as error:
            log.info("refusal not shown", reason=error.reason)


def _root_of_answer(answer: Envelope, asked_in: Place) -> Root | None:
    """Return where the rest of a run goes: where it asked, also if it was answered in a thread below that."""
    is_there = (answer.place.channel, answer.place.thread) == (asked_in.channel, asked_in.thread)
    return None if is_there else Root(asked_in, answer.message_id)
