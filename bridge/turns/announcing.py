"""The message of ours that stands for a command: what a run that was begun by a slash command grows below.

That it may be posted is written down before, and where it stands afterwards; a crash in between looks for it. So it is
there once, and everything that comes later finds its place.
"""

from dataclasses import replace

import structlog

from bridge.errors import PlatformError, PlatformUnavailable
from bridge.model import Envelope, ResultPlace, Root, TurnRecord
from bridge.ports import CommandReply, Platform
from bridge.turns.ledger import Ledger

log = structlog.get_logger(__name__)


def as_it_stands(turn: TurnRecord) -> Envelope:
    """Return a turn's question where it can be seen: a command at the message that stands for it."""
    root = turn.root
    return turn.envelope if root is None else replace(turn.envelope, place=root.place, message_id=root.message_id)


def is_unseen(turn: TurnRecord) -> bool:
    """Tell whether a turn is a command that nothing stands for yet."""
    return turn.envelope.command and not turn.envelope.message_id and turn.root is None


async def announce(
    ledger: Ledger, platform: Platform, envelope: Envelope, line: str, locale: str, where: ResultPlace
) -> None:
    """Let a message of ours stand for a command, or for a message whose answer goes elsewhere.

    Args:
        where: There the message stands, and all that follows.

    Raises:
        PlatformError: Nothing can be posted there.
        StoreError: The intent could not be written down; nothing was posted.
    """
    reply = platform.reply(envelope, ledger.record.turn_id, locale)
    if not isinstance(reply, CommandReply):
        raise TypeError(f"{platform.name} hands over commands, and its replies cannot announce them")
    root = await _find(reply, where) if ledger.record.announcing else None
    if root is None:
        await ledger.advance(ledger.state, announcing=True)
        root = await _post(reply, line, where)
    await ledger.advance(ledger.state, root=root)


async def _post(reply: CommandReply, line: str, where: ResultPlace) -> Root:
    try:
        return await reply.announce(line, where=where)
    except PlatformUnavailable as error:
        if not error.outcome_unknown:
            raise
        log.info("lost on the way, looking for it", reason=error.reason)
    return await _find(reply, where) or await reply.announce(line, where=where)


async def _find(reply: CommandReply, where: ResultPlace) -> Root | None:
    try:
        return await reply.find_announced(where=where)
    except PlatformError as error:
        log.info("cannot look for what was announced", reason=error.reason)
        return None
