"""The channel or thread in which an answer stands: begun where it must be, woken when it was put away, written to."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import structlog

from adapters.discord import limits, outbound
from adapters.discord.refusals import (
    ARCHIVED,
    LOCKED,
    NO_HISTORY_PERMISSION,
    REASONS,
    THREAD_EXISTS,
    UNKNOWN_MESSAGE,
    DiscordRefused,
)
from adapters.discord.settings import DiscordSettings
from adapters.discord.spot import Spot, fallen_back, spot_of
from adapters.discord.web import Web
from bridge.errors import MessageGone, PlatformRejected, PlatformUnavailable
from bridge.keys import join_key
from bridge.model import AnswerFile, Budget, Envelope

log = structlog.get_logger(__name__)

PATIENCE_S = 10.0
"""How long what does not grow old (a thread, a notice) may wait for its bucket."""


class Room:
    """Where one answer stands, and what is sent there."""

    def __init__(self, envelope: Envelope, settings: DiscordSettings, web: Web) -> None:
        self._envelope = envelope
        self._settings = settings
        self._web = web
        self.spot: Spot = spot_of(envelope, settings)
        self.is_there = not self.spot.thread

    # --- what may be sent ---

    @property
    def creates(self) -> Budget:
        """What posting here draws on."""
        return self._in_channel("create", self._settings.channel_creates)

    @property
    def edits(self) -> Budget:
        """What editing here draws on."""
        return self._in_channel("edit", self._settings.channel_edits)

    def _in_channel(self, kind: str, calls: int) -> Budget:
        """Creates and edits are two allowances, unless Discord has told that they are one: the first edit shows it."""
        if self._web.edits_are_creates:
            kind, calls = "message", min(self._settings.channel_creates, self._settings.channel_edits)
        place = self._envelope.place
        name = join_key(place.instance, place.team, self.spot.channel, kind)
        return Budget(name, calls, limits.CHANNEL_WINDOW_S)

    # --- the thread ---

    async def begin_thread(self) -> None:
        """Make sure of the thread the answer belongs to. Safe to repeat; where none can be begun, we reply instead.

        Raises:
            PlatformError: It could not be made now; nothing was posted.
        """
        if self.is_there:
            return
        question = self.spot.question
        body = {
            "name": outbound.thread_name(self._envelope.text, self._envelope.author.name),
            "auto_archive_duration": self._settings.thread_archive_minutes,
        }
        path = f"/channels/{question.channel}/messages/{question.message}/threads"
        try:
            await self._web.call("POST", path, body, patience_s=PATIENCE_S)
        except PlatformUnavailable as error:
            raise PlatformUnavailable(error.reason, outcome_unknown=False) from error
        except DiscordRefused as error:
            if error.code == UNKNOWN_MESSAGE:
                raise PlatformRejected("the question was deleted") from error
            if error.code != THREAD_EXISTS:
                log.warning("no thread can be begun, replying instead", reason=error.reason)
                self.spot = fallen_back(self.spot)
        self.is_there = True

    async def _unarchive(self) -> None:
        """Wake the thread somebody put away while we were answering; one that is locked was ended, and stays so."""
        path = f"/channels/{self.spot.channel}"
        thread = await self._web.call("GET", path, patience_s=PATIENCE_S)
        metadata = thread.get("thread_metadata") if isinstance(thread, dict) else None
        if isinstance(metadata, dict) and metadata.get("locked"):
            raise DiscordRefused(f"PATCH {path}: {REASONS[LOCKED]}", code=LOCKED)
        await self._web.call("PATCH", path, {"archived": False}, patience_s=PATIENCE_S)

    # --- messages ---

    @property
    def replied_to(self) -> str:
        """The message that the answer replies to; empty for none."""
        return self.spot.question.message if self.spot.replies else ""

    def _path(self, message_id: str) -> str:
        return f"/channels/{self.spot.channel}/messages/{message_id}"

    async def edit(self, message_id: str, body: Mapping[str, Any]) -> None:
        """Change one message; in a thread that was put away, wake it first."""
        try:
            await self._edit(message_id, body)
        except DiscordRefused as error:
            if error.code != ARCHIVED:
                raise
            await self._unarchive()
            await self._edit(message_id, body)

    async def remove(self, message_id: str) -> None:
        """Delete one message; one that is gone is fine."""
        try:
            await self._web.call("DELETE", self._path(message_id), patience_s=PATIENCE_S)
        except MessageGone:
            return

    async def _edit(self, message_id: str, body: Mapping[str, Any]) -> None:
        await self._web.call("PATCH", self._path(message_id), body, budget=self.edits.name)

    async def create(
        self, channel: str, body: dict[str, Any], patience_s: float = 0.0, file: AnswerFile | None = None
    ) -> str:
        """Post a message and return its id; without its reference where the question's history may not be read.

        Never repeated after an unknown outcome: ``body`` is what would have to be sent again, exactly.
        """
        path = f"/channels/{channel}/messages"
        try:
            data = await self._post(path, body, patience_s, file)
        except DiscordRefused as error:
            if error.code == ARCHIVED:
                await self._unarchive()
            elif error.code == NO_HISTORY_PERMISSION and body.pop("message_reference", None):
                self.spot = replace(self.spot, replies=False)
            else:
                raise
            data = await self._post(path, body, patience_s, file)
        message_id = data.get("id") if isinstance(data, dict) else None
        if not isinstance(message_id, str) or not message_id:
            raise PlatformUnavailable(f"POST {path}: an answer without id", outcome_unknown=True)
        return message_id

    async def _post(self, path: str, body: Mapping[str, Any], patience_s: float, file: AnswerFile | None) -> Any:
        return await self._web.call("POST", path, body, budget=self.creates.name, patience_s=patience_s, file=file)
