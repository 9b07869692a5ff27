"""The message of ours that stands for a command: what a run that was begun by a slash command grows below.

That it may be posted is written down before, and where it stands afterwards; a crash in between looks for it. So it is
there once, and everything that comes later finds its place.
"""

from collections.abc import Sequence
from dataclasses import replace

import structlog

from bridge.delivery.pacing import Pacer
from bridge.errors import PlatformError, PlatformRateLimited, PlatformUnavailable
from bridge.model import Budget, Envelope, ResultPlace, Root, TurnId, TurnRecord
from bridge.ports import Clock, CommandReply, Platform
from bridge.turns.ledger import Ledger

log = structlog.get_logger(__name__)

PATIENCE_S = 60.0
"""How long a line may wait for room in its channel; whoever gave the command can be told meanwhile and after."""
LOOK_S = 0.5


def as_it_stands(turn: TurnRecord) -> Envelope:
    """Return a turn's question where it can be seen: a command at the message that stands for it."""
    root = turn.root
    return turn.envelope if root is None else replace(turn.envelope, place=root.place, message_id=root.message_id)


def is_unseen(turn: TurnRecord) -> bool:
    """Tell whether a turn is a command that nothing stands for yet."""
    return turn.envelope.command and not turn.envelope.message_id and turn.root is None


class Announcer:
    """Lets messages of ours stand for commands. They draw on the posts of their channel, as answers do."""

    def __init__(self, pacer: Pacer, clock: Clock) -> None:
        self._pacer = pacer
        self._clock = clock

    async def announce(
        self, ledger: Ledger, platform: Platform, envelope: Envelope, line: str, locale: str, where: ResultPlace
    ) -> None:
        """Let a message of ours stand for a command, or for a message whose answer goes elsewhere.

        Args:
            where: There the message stands, and all that follows.

        Raises:
            PlatformError: Nothing can be posted there.
            StoreError: The intent could not be written down; nothing was posted.
        """
        turn = ledger.record.turn_id
        reply = platform.reply(envelope, turn, locale)
        if not isinstance(reply, CommandReply):
            raise TypeError(f"{platform.name} hands over commands, and its replies cannot announce them")
        root = await _find(reply, where) if ledger.record.announcing else None
        if root is None:
            await ledger.advance(ledger.state, announcing=True)
            root = await self._post(turn, reply, line, where)
        await ledger.advance(ledger.state, root=root)

    async def _post(self, turn: TurnId, reply: CommandReply, line: str, where: ResultPlace) -> Root:
        try:
            return await self._post_in_time(turn, reply, line, where)
        except PlatformUnavailable as error:
            if not error.outcome_unknown:
                raise
            log.info("lost on the way, looking for it", reason=error.reason)
        return await _find(reply, where) or await self._post_in_time(turn, reply, line, where)

    async def _post_in_time(self, turn: TurnId, reply: CommandReply, line: str, where: ResultPlace) -> Root:
        """Post when the channel has room for it, and again when it had none after all."""
        give_up_at = self._clock.now() + PATIENCE_S
        while True:
            budgets = reply.ways[-1].post
            while (wait_s := self._pacer.wait_s(budgets, self._clock.now())) > 0 and self._clock.now() < give_up_at:
                await self._clock.sleep(min(wait_s, LOOK_S))
            try:
                return await self._once(turn, reply, line, where, budgets)
            except PlatformRateLimited as error:
                now = self._clock.now()
                self._pacer.refused(
                    budgets, error.retry_after_s, now, exhausted=error.budget, held_back=error.held_back
                )
                if now >= give_up_at:
                    raise

    async def _once(
        self, turn: TurnId, reply: CommandReply, line: str, where: ResultPlace, budgets: Sequence[Budget]
    ) -> Root:
        left_at, well, sent = self._clock.now(), False, True
        self._pacer.spent(budgets, left_at)
        try:
            root = await reply.announce(line, where=where)
            well = True
            return root
        except PlatformRateLimited as error:
            sent = not error.held_back
            raise
        finally:
            self._pacer.returned(turn, budgets, left_at, self._clock.now(), well=well, sent=sent)


async def _find(reply: CommandReply, where: ResultPlace) -> Root | None:
    try:
        return await reply.find_announced(where=where)
    except PlatformError as error:
        log.info("cannot look for what was announced", reason=error.reason)
        return None
