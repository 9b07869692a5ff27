"""Where presses are obeyed: handed to the intake, acknowledged by the caller, then their consequences shown.

A press may open a form; what is sent in it is the same press once more.

The consequences come after the acknowledgement, which Slack wants within three seconds, and may fail without harm: a
button that was not taken away is known again by the core.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import structlog

from adapters.slack import forms, outbound
from adapters.slack.chores import Chores
from adapters.slack.directory import Directory
from adapters.slack.inbound import Identity
from adapters.slack.presses import Pressing, parse_press, parse_reasons, without_control
from adapters.slack.web import Web
from bridge.errors import PlatformError, StoreError
from bridge.extension import Services
from bridge.model import Form, Press, Pressed, View
from bridge.ports import Intake
from bridge.texts.keys import Say

log = structlog.get_logger(__name__)


class Desk:
    """Takes the presses of one adapter instance."""

    def __init__(
        self,
        instance: str,
        us: Identity,
        web: Web,
        directory: Directory,
        services: Services,
        chores: Chores,
        intake: Intake,
    ) -> None:
        self._instance = instance
        self._us = us
        self._web = web
        self._directory = directory
        self._services = services
        self._chores = chores
        self._intake = intake

    async def take(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Obey an interactive payload if it is ours; return the acknowledgement's content, empty for none.

        It is never delivered again, so one that could not be written down is told to the presser instead.
        """
        if sent := parse_reasons(body, self._instance, self._us):
            return await self._take_reasons(sent, body)
        pressing = parse_press(body, self._instance, self._us)
        if pressing is None:
            log.debug("interaction ignored", type=body.get("type"))
            return {}
        pressed = await self._obey(pressing.press)
        if pressed.form is not None:
            self._chores.start(self._open(pressing, pressed.form, pressed.sentence), "form to open")
        elif pressed.sentence:
            self._tell(pressing.press, pressed.sentence)
        if pressed.done and pressing.press.kind.is_good_once:
            self._chores.start(self._take_away(pressing), "button to take away")
        return {}

    async def obey(self, press: Press) -> None:
        """Hand a press on that is no interaction, and tell the presser what there is to tell.

        Raises:
            StoreError: It was not written down.
        """
        pressed = await self._intake.press(self._known(press))
        if pressed.sentence:
            self._tell(press, pressed.sentence)

    async def _obey(self, press: Press) -> Pressed:
        try:
            return await self._intake.press(self._known(press))
        except StoreError as error:
            log.error("press not written down", reason=error.reason)
            return Pressed(False, self._services.speech(Say.STORE_FAILED, self._locale(press)))

    async def _take_reasons(self, press: Press, body: Mapping[str, Any]) -> dict[str, Any]:
        """Pass on what was written in a form; it stays open, with all that is in it, where that did not work."""
        pressed = await self._obey(press)
        blocks = forms.field_blocks(body["view"])
        if not pressed.done and blocks:
            return {"response_action": "errors", "errors": {blocks[-1]: pressed.sentence}}
        if pressed.sentence:
            self._tell(press, pressed.sentence)
        return {}

    async def _open(self, pressing: Pressing, form: Form, otherwise: str) -> None:
        """Open a form; a presser who cannot see it reads what became of the press."""
        speech, locale = self._services.speech, self._locale(pressing.press)
        view = forms.modal(form, pressing.context, speech, locale, callback=forms.REASONS)
        try:
            await self._web.call("views.open", {"trigger_id": pressing.trigger_id, "view": view})
        except PlatformError as error:
            log.warning("form not opened", reason=error.reason)
            await self._whisper(pressing.press, otherwise)

    def _known(self, press: Press) -> Press:
        """Add what we happen to know of the presser; a look-up would cost the three seconds."""
        person = self._directory.person(press.author.id)
        return replace(press, author=replace(press.author, name=person.name, locale=person.language))

    def _locale(self, press: Press) -> str:
        return self._known(press).author.locale or self._services.default_locale

    def _tell(self, press: Press, sentence: str) -> None:
        self._chores.start(self._whisper(press, sentence), "word to the presser")

    async def _whisper(self, press: Press, sentence: str) -> None:
        arguments = {"channel": press.place.channel, "user": press.author.id, **outbound.message(View(sentence))}
        arguments |= {"unfurl_links": False, "unfurl_media": False}
        if press.place.thread is not None:
            arguments["thread_ts"] = press.place.thread
        try:
            await self._web.call("chat.postEphemeral", arguments)
        except PlatformError as error:
            log.info("the presser was not told", reason=error.reason)

    async def _take_away(self, pressing: Pressing) -> None:
        """Take the pressed button away by the address that came with it: the workspace's few edits are for answers."""
        content = without_control(pressing)
        if content is None or not pressing.response_url:
            return
        try:
            await self._web.respond(pressing.response_url, content)
        except PlatformError as error:
            log.info("button not taken away", reason=error.reason)
