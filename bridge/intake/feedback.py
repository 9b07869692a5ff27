"""Passes on what people think of an answer, to the agent's own feedback on messages.

An opinion counts when it is pressed. Whoever thinks badly of an answer is asked why, if that is wanted; what she writes
is passed on with the same opinion once more, and whoever closes the form has said enough.
"""

import asyncio
from collections.abc import Mapping

import structlog

from bridge.errors import AgentError
from bridge.model import ControlKind, Field, Form, Press, ValueKind
from bridge.ports import Store
from bridge.routes import Routes
from bridge.texts import Say, say
from bridge.workflows.values import Problem, Rules, read_value

log = structlog.get_logger(__name__)

FEEDBACK_S = 1.6
"""The presser waits for it, and platforms wait three seconds for us."""

REASONS, COMMENT = "reasons", "comment"
REASON_NAMES: Mapping[str, Say] = {
    "incorrect": Say.REASON_INCORRECT,
    "incomplete": Say.REASON_INCOMPLETE,
    "off_topic": Say.REASON_OFF_TOPIC,
    "unclear": Say.REASON_UNCLEAR,
    "harmful": Say.REASON_HARMFUL,
}
"""What is passed on is the same in every language, so that it can be counted."""
COMMENT_CHARS = 250
"""What Coze takes (reference page "Submit message feedback")."""


def reason_form(locale: str) -> Form:
    """Make the form that asks what was bad about an answer; nothing in it is required."""
    labels = tuple(say(words, locale) for words in REASON_NAMES.values())
    return Form(
        "",
        say(Say.REASON_TITLE, locale),
        (
            Field(
                REASONS,
                ValueKind.CHOICE,
                say(Say.REASON_CHOICES, locale),
                required=False,
                choices=tuple(REASON_NAMES),
                labels=labels,
                many=True,
            ),
            Field(COMMENT, ValueKind.TEXT, say(Say.REASON_COMMENT, locale), required=False, max_length=COMMENT_CHARS),
        ),
        submit=say(Say.FORM_SEND, locale),
    )


class Feedback:
    """One opinion for each answer, the newest; whoever can read an answer may have one."""

    def __init__(self, store: Store, routes: Routes) -> None:
        self._store = store
        self._routes = routes

    async def give(self, press: Press) -> Say:
        """Pass an opinion on; repeat freely. Returns what the presser reads.

        Raises:
            StoreError: The answer could not be looked up.
        """
        turn = await self._store.turn(press.turn_id) if press.turn_id else None
        binding = self._routes.binding(turn.agent) if turn else None
        if turn is None or binding is None or not turn.answer_ids or not binding.agent.capabilities.feedback:
            return Say.ANSWER_TOO_OLD
        good, filled = press.kind is ControlKind.GOOD, press.filled or {}
        comment = filled.get(COMMENT, "").strip()[:COMMENT_CHARS]
        reasons = _reasons(filled.get(REASONS, ""))
        if press.filled is not None and not comment and not reasons:
            return Say.FEEDBACK_SENT  # when it was pressed
        try:
            async with asyncio.timeout(FEEDBACK_S):
                await binding.agent.rate(
                    turn.conversation_id, turn.answer_ids[-1], good=good, comment=comment, reasons=reasons
                )
        except (AgentError, TimeoutError) as error:
            log.warning("feedback not passed on", turn=press.turn_id, reason=str(error))
            return Say.FEEDBACK_FAILED
        return Say.FEEDBACK_SENT


def _reasons(chosen: str) -> tuple[str, ...]:
    """Return the reasons that were chosen; whatever else a form may bring is none."""
    read = read_value(chosen, Rules(REASONS, ValueKind.CHOICE, choices=tuple(REASON_NAMES), many=True))
    return () if isinstance(read, Problem) or not isinstance(read, list) else tuple(dict.fromkeys(read))
