"""Where commands are taken: handed to the intake, then answered with a modal, a sentence, or nothing.

The answer is the acknowledgement, which Slack wants within three seconds; a modal must be opened within the same time,
so it is opened beside it. No command is delivered again by Slack: what could not be written down is told at once.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import structlog

from adapters.slack import forms, outbound
from adapters.slack.callers import Callers
from adapters.slack.chores import Chores
from adapters.slack.commands import Called
from adapters.slack.directory import Directory
from adapters.slack.ids import command_key
from adapters.slack.web import Web
from bridge.errors import PlatformError, StoreError
from bridge.extension import Services
from bridge.model import Envelope, Form, Invoked, View
from bridge.ports import Intake
from bridge.texts.keys import Say

log = structlog.get_logger(__name__)

LANGUAGE_TIMEOUT_S = 0.7
"""How long the language of somebody new is asked for, of the three seconds that there are."""


class Counter:
    """Takes the commands of one adapter instance."""

    def __init__(
        self, web: Web, directory: Directory, services: Services, callers: Callers, chores: Chores, intake: Intake
    ) -> None:
        self._web = web
        self._directory = directory
        self._services = services
        self._callers = callers
        self._chores = chores
        self._intake = intake

    async def take(self, called: Called) -> dict[str, Any]:
        """Obey a command; return the acknowledgement's content, empty for none."""
        envelope = await self._known(called.invocation.envelope)
        called = replace(called, invocation=replace(called.invocation, envelope=envelope))
        if called.response_url:
            self._callers.remember(envelope.delivery_key, called.response_url)
        try:
            invoked = await self._intake.invoke(called.invocation)
        except StoreError as error:
            log.error("command not written down", reason=error.reason)
            invoked = Invoked(sentence=self._services.speech(Say.STORE_FAILED, self._locale(envelope)))
        if called.view is not None:
            return self._to_view(called, called.view, invoked)
        if invoked.form is not None:
            self._chores.start(self._open(called, invoked.form, invoked.sentence), "form to open")
            return {}
        if invoked.sentence and not called.is_slash:
            self._chores.start(self._tell(called, invoked.sentence), "word to the caller")
            return {}
        return _said(invoked.sentence) if invoked.sentence else {}

    def _to_view(self, called: Called, view: Mapping[str, Any], invoked: Invoked) -> dict[str, Any]:
        """Answer a modal that was sent: it closes, shows its mistakes, or becomes the next one."""
        blocks = forms.field_blocks(view)
        if invoked.form is not None:
            return {"response_action": "update", "view": self._modal(called, invoked.form)}
        errors = {forms.block_id(name): sentence for name, sentence in invoked.errors.items()}
        shown = {block: sentence for block, sentence in errors.items() if block in blocks}
        elsewhere = [sentence for block, sentence in errors.items() if block not in blocks]
        if not shown and blocks and (rest := elsewhere or ([invoked.sentence] if invoked.sentence else [])):
            shown = {blocks[0]: "\n".join(rest)}
        return {"response_action": "errors", "errors": shown} if shown else {}

    async def _open(self, called: Called, form: Form, otherwise: str) -> None:
        """Open a modal; who cannot see it is told what to write instead."""
        envelope = called.invocation.envelope
        try:
            opened = await self._web.call(
                "views.open", {"trigger_id": called.trigger_id, "view": self._modal(called, form)}
            )
        except PlatformError as error:
            log.warning("form not opened", reason=error.reason)
            await self._tell(called, otherwise)
            return
        view = opened.get("view")
        if isinstance(view, Mapping) and called.response_url:
            place = envelope.place
            key = command_key(place.instance, place.team, place.channel, f"view.{view.get('id')}")
            self._callers.remember(key, called.response_url)

    async def _tell(self, called: Called, sentence: str) -> None:
        try:
            await self._web.respond(called.response_url, {"response_type": "ephemeral", **_said(sentence)})
        except PlatformError as error:
            log.info("the caller was not told", reason=error.reason)

    def _modal(self, called: Called, form: Form) -> dict[str, Any]:
        envelope = called.invocation.envelope
        return forms.modal(
            form, called.context, self._services.speech, self._locale(envelope), files=envelope.attachments
        )

    async def _known(self, envelope: Envelope) -> Envelope:
        """Add name and language of the caller, as far as they can be had in time."""
        author = envelope.author
        await self._directory.learn([author.id], timeout_s=LANGUAGE_TIMEOUT_S)
        person = self._directory.person(author.id)
        return replace(envelope, author=replace(author, name=person.name or author.name, locale=person.language))

    def _locale(self, envelope: Envelope) -> str:
        return envelope.author.locale or self._services.default_locale


def _said(sentence: str) -> dict[str, Any]:
    return {**outbound.message(View(sentence)), "unfurl_links": False, "unfurl_media": False}
