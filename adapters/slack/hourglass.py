"""The mark on a question that waits, in Slack: a reaction. Reactions may be removed 20 times a minute only."""

from typing import Any

import structlog

from adapters.slack.ids import MessageRef, hourglass_note
from adapters.slack.refusals import MissingScope, SlackRefused
from adapters.slack.web import Web

log = structlog.get_logger(__name__)

REACTION = "hourglass_flowing_sand"


class WaitingMarks:
    """Implements ``bridge.delivery.hourglass.Marks`` for one workspace."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._scope_missing = False

    def note_of(self, ref: MessageRef) -> str:
        return hourglass_note(ref)

    def are_possible(self, ref: MessageRef) -> bool:
        return not self._scope_missing

    async def put(self, ref: MessageRef) -> bool:
        try:
            await self._web.call("reactions.add", _target(ref))
        except SlackRefused as error:
            if isinstance(error, MissingScope):
                self._scope_missing = True
                log.warning("waiting questions get a message instead of a mark", reason=error.reason)
            return error.code == "already_reacted"
        return True

    async def take(self, ref: MessageRef) -> None:
        try:
            await self._web.call("reactions.remove", _target(ref))
        except SlackRefused:
            pass  # no such reaction, message or channel any more


def _target(ref: MessageRef) -> dict[str, Any]:
    return {"channel": ref.channel, "timestamp": ref.ts, "name": REACTION}
