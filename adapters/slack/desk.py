"""Where presses are obeyed: handed to the intake, acknowledged by the caller, then their consequences shown.

The consequences come after the acknowledgement, which Slack wants within three seconds, and may fail without harm: a
button that was not taken away is known again by the core.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import structlog

from adapters.slack import outbound
from adapters.slack.chores import Chores
from adapters.slack.directory import Directory
from adapters.slack.inbound import Identity
from adapters.slack.presses import Pressing, parse_press, without_control
from adapters.slack.web import Web
from bridge.errors import PlatformError, StoreError
from bridge.extension import Services
from bridge.model import Press, View
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

    async def take(self, body: Mapping[str, Any]) -> None:
        """Obey an interactive payload if it is a press of ours; the caller acknowledges it whatever it was.

        It is never delivered again, so one that could not be written down is told to the presser instead.
        """
        pressing = parse_press(body, self._instance, self._us)
        if pressing is None:
            log.debug("interaction ignored", type=body.get("type"))
            return
        try:
            done = await self.obey(pressing.press)
        except StoreError as error:
            log.error("press not written down", reason=error.reason)
            locale = self._known(pressing.press).author.locale or self._services.default_locale
            self._tell(pressing.press, self._services.speech(Say.STORE_FAILED, locale))
            return
        if done and pressing.press.kind.is_good_once:
            self._chores.start(self._take_away(pressing), "button to take away")

    async def obey(self, press: Press) -> bool:
        """Hand a press on and tell the presser what there is to tell; return whether it was obeyed.

        Raises:
            StoreError: It was not written down.
        """
        pressed = await self._intake.press(self._known(press))
        if pressed.sentence:
            self._tell(press, pressed.sentence)
        return pressed.done

    def _known(self, press: Press) -> Press:
        """Add what we happen to know of the presser; a look-up would cost the three seconds."""
        person = self._directory.person(press.author.id)
        return replace(press, author=replace(press.author, name=person.name, locale=person.language))

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
