"""The answer to one question in Discord: typing, a thread if wanted, messages that grow, the waiting mark."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog

from adapters.discord import limits, outbound
from adapters.discord.callers import Callers
from adapters.discord.chains import Chains
from adapters.discord.history import messages_after
from adapters.discord.ids import (
    ANNOUNCED,
    FILES_FROM,
    MessageRef,
    delivery_key,
    is_name_of,
    message_about,
    notice_nonce,
    parse_delivery_key,
    part_nonce,
    snowflake_at,
)
from adapters.discord.inbound import SPOKEN, attachments_of
from adapters.discord.presses import controlled_turns
from adapters.discord.refusals import UNKNOWN_MESSAGE, DiscordRefused
from adapters.discord.room import PATIENCE_S, Room
from adapters.discord.settings import DiscordSettings
from adapters.discord.spot import fallen_back
from adapters.discord.web import Web
from bridge.delivery.hourglass import Hourglass
from bridge.errors import FileTooLarge, PartTooLong, PlatformError, PlatformRejected, PlatformUnavailable
from bridge.extension import Services
from bridge.keys import join_key
from bridge.model import AnswerFile, Budget, Envelope, Place, ResultPlace, Root, TurnId, View, Way
from bridge.texts.keys import Say

log = structlog.get_logger(__name__)

CLOCK_ERROR_S = 5.0
"""How far our clock may be ahead of Discord's."""
NOTICE_ATTEMPTS = 3
RETRY_PAUSE_S = 0.5


@dataclass(slots=True)
class _Attempt:
    """A post whose outcome we do not know: the same body does no harm when sent again soon."""

    body: dict[str, Any]
    first_sent_at: float


class DiscordReply:
    """Implements ``bridge.ports.Reply``; made from an envelope alone, so that it can be made again after a restart."""

    def __init__(
        self,
        envelope: Envelope,
        turn_id: TurnId,
        locale: str,
        *,
        settings: DiscordSettings,
        services: Services,
        web: Web,
        hourglass: Hourglass[MessageRef],
        chains: Chains,
        callers: Callers,
        our_id: Callable[[], Awaitable[str]],
    ) -> None:
        self._callers = callers
        self._given_as = envelope.delivery_key
        self._is_unseen = envelope.command and not envelope.message_id
        self._envelope = envelope = _where_it_stands(envelope)
        self._turn_id = turn_id
        self._locale = locale
        self._services = services
        self._web = web
        self._hourglass = hourglass
        self._chains = chains
        self._our_id = our_id
        self._room = Room(envelope, settings, web)
        self._told_waiting = False
        self._editions: dict[int, int] = {}
        self._attempts: dict[int, _Attempt] = {}
        self._posted: set[str] = set()
        self._all_requests = Budget(join_key(envelope.place.instance, "requests"), settings.requests_per_s, 1.0)

    @property
    def ways(self) -> Sequence[Way]:
        """A message that is edited: about one post and one edit a second in a channel, and all requests of the bot."""
        return (Way(post=(self._room.creates, self._all_requests), edit=(self._room.edits, self._all_requests)),)

    # --- signs of life ---

    async def waiting(self, position: int) -> None:
        """Put an hourglass on the question; where reactions are not allowed, post a sentence, once."""
        if self._is_unseen:
            return  # the answer to the command shows that it goes on
        if not await self._hourglass.put(self._room.spot.question) and not self._told_waiting:
            self._told_waiting = True
            await self.notice(self._services.speech(Say.WAITING, self._locale, position=position))

    async def open(self) -> str | None:
        """Begin the thread if one is wanted, and show that we type there; never a placeholder."""
        await self._room.begin_thread()
        await self.refresh()
        await self._hourglass.lift(self._room.spot.question)
        return None

    async def refresh(self) -> None:
        """Show that we type; Discord stops showing it after ten seconds."""
        try:
            await self._web.call("POST", f"/channels/{self._room.spot.channel}/typing")
        except PlatformError as error:
            log.debug("typing not shown", reason=error.reason)

    async def settle(self) -> None:
        """Take the waiting mark away; typing ends by itself. Safe to repeat."""
        if self._is_unseen:
            return
        await self._hourglass.lift(self._room.spot.question, thorough=True)

    # --- parts ---

    async def post(self, index: int, view: View, way: Way | None = None) -> str:
        """Post one part under a name of its own; never sent twice from here."""
        await self._room.begin_thread()
        nonce = part_nonce(self._turn_id, index, self._editions.get(index, 0))
        body = outbound.create_body(_fitting(view), nonce, self._room.replied_to, view.controls)
        self._attempts[index] = _Attempt(body, self._services.clock.now())
        return await self._create_part(index, body)

    async def edit(self, message_id: str, view: View) -> None:
        """Replace one message. Safe to repeat."""
        await self._room.begin_thread()
        await self._room.edit(message_id, outbound.edit_body(_fitting(view), view.controls))

    async def end(self, message_id: str, view: View) -> None:
        """Every message can be edited for ever here: none has to be ended."""

    async def remove(self, message_id: str) -> None:
        """Delete one of our messages; one that is gone is fine."""
        await self._room.remove(message_id)

    async def find_posted(self, index: int, known: Mapping[int, str] | None = None) -> str | None:
        """Find a part after a post of unknown outcome.

        Soon after it, by sending exactly the same again: under the same name Discord creates nothing and tells the
        message. Later by reading what we wrote after the question.
        """
        attempt = self._attempts.get(index)
        if attempt is not None and self._services.clock.now() < attempt.first_sent_at + limits.NONCE_TRUSTED_S:
            return await self._create_part(index, attempt.body)
        found = await self._look_through_history(index, known or {})
        if found is None:
            self._editions[index] = self._editions.get(index, 0) + 1  # the old name is not trusted any more
        return found

    async def find_doubles(self, indices: Collection[int], known: Mapping[int, str]) -> Sequence[str]:
        """Read what we wrote after the question for more messages with a part's name, or with this turn's controls.

        Under one name nothing is created twice; but a post that was applied when its name was not trusted any more.
        """
        await self._room.begin_thread()
        doubles, us = [], await self._our_id()
        async for message in messages_after(self._web, self._room.spot.channel, self._asked_after()):
            message_id = str(message.get("id"))
            if _text(message, "author", "id") != us or message_id in known.values():
                continue
            is_named = any(is_name_of(message.get("nonce"), self._turn_id, index) for index in indices)
            if is_named or self._turn_id in controlled_turns(message):
                doubles.append(message_id)
        return doubles

    async def notice(self, text: str) -> str:
        """Post a sentence of ours: in the thread if there is one already, else beside the question.

        It replies to the question, which in a thread tells it from the parts of an answer. While nothing stands for a
        command, it is for its author alone.
        """
        if self._is_unseen:
            return await self._whisper(text)
        spot = self._room.spot if self._room.is_there else fallen_back(self._room.spot)
        reply_to = spot.question.message if spot.channel == spot.question.channel else ""
        body = outbound.create_body(_cut(text), notice_nonce(self._turn_id, text), reply_to)
        attempt = 0
        while True:
            try:
                message_id = await self._room.create(spot.channel, body, patience_s=PATIENCE_S)
            except PlatformUnavailable:
                attempt += 1
                if attempt >= NOTICE_ATTEMPTS:
                    raise
                await self._services.clock.sleep(RETRY_PAUSE_S * attempt)
            else:
                self._posted.add(message_id)
                return message_id

    # --- commands ---

    async def announce(self, text: str, *, where: ResultPlace) -> Root:
        """Post the line that stands for a command; what said that more follows is taken away.

        It replies to the message that the command is about.
        """
        place, channel = await self._announced_at(where)
        about = message_about(self._given_as)
        reply_to = about.message if about is not None and about.channel == channel else ""
        body = outbound.create_body(_cut(text), part_nonce(self._turn_id, ANNOUNCED), reply_to)
        root = _root(place, await self._room.create(channel, body, patience_s=PATIENCE_S), where)
        await self._lead_to(root, channel, where)
        return root

    async def find_announced(self, *, where: ResultPlace) -> Root | None:
        """Look for that line by its name, from shortly before the command on."""
        place, channel = await self._announced_at(where)
        after, us = str(snowflake_at(self._envelope.sent_at_s - CLOCK_ERROR_S)), await self._our_id()
        async for message in messages_after(self._web, channel, after):
            is_ours = _text(message, "author", "id") == us
            if is_ours and is_name_of(message.get("nonce"), self._turn_id, ANNOUNCED):
                root = _root(place, str(message.get("id")), where)
                await self._lead_to(root, channel, where)
                return root
        return None

    async def _lead_to(self, root: Root, channel: str, where: ResultPlace) -> None:
        """Let the first answer to the command lead to what stands for it, or go where that is seen anyway."""
        link = f"https://discord.com/channels/{root.place.team or '@me'}/{channel}/{root.message_id}"
        await self._answer_again(link if where is ResultPlace.ONLY_ME else "")
        if (caller := await self._callers.find(self._given_as)) is not None:
            await self._callers.forget(caller)

    async def _announced_at(self, where: ResultPlace) -> tuple[Place, str]:
        """Return where a command is announced, and the channel that this is."""
        place = self._envelope.place
        if where is ResultPlace.CHANNEL and not place.private:
            return replace(place, thread=None), place.channel
        if where is not ResultPlace.ONLY_ME or place.private:
            return place, place.thread or place.channel
        opened = await self._web.call("POST", "/users/@me/channels", {"recipient_id": self._envelope.author.id})
        channel = str(opened.get("id") or "") if isinstance(opened, dict) else ""
        return Place(place.instance, "", channel, private=True), channel

    async def _whisper(self, text: str) -> str:
        """Tell the author of a command alone: in its answer, or where that is over in the direct conversation."""
        if await self._answer_again(text):
            return ""
        _, channel = await self._announced_at(ResultPlace.ONLY_ME)
        body = outbound.create_body(_cut(text), notice_nonce(self._turn_id, text), "")
        return await self._room.create(channel, body, patience_s=PATIENCE_S)

    async def _answer_again(self, text: str) -> bool:
        """Change the first answer to a command, or take it away; false where that cannot be done."""
        caller = await self._callers.find(self._given_as)
        if caller is None or not await self._services.clock.wait(caller.answered, limits.ANSWER_PRESS_WITHIN_S):
            return False
        content = {"content": _cut(text), "flags": outbound.SUPPRESS_EMBEDS, "allowed_mentions": outbound.NOBODY}
        try:
            await self._web.answer_again("PATCH" if text else "DELETE", caller.path, content if text else None)
        except PlatformError as error:
            log.info("the answer to a command stays as it is", reason=error.reason)
            return False
        return True

    async def _create_part(self, index: int, body: dict[str, Any]) -> str:
        try:
            message_id = await self._room.create(self._room.spot.channel, body)
        except PlatformUnavailable:
            raise
        except DiscordRefused as error:
            self._attempts.pop(index, None)
            if error.code == UNKNOWN_MESSAGE:
                # The message of this name was deleted meanwhile: the next one needs another name.
                self._editions[index] = self._editions.get(index, 0) + 1
                raise PlatformUnavailable(error.reason, outcome_unknown=False) from error
            raise
        self._attempts.pop(index, None)
        self._editions[index] = self._editions.get(index, 0) + 1
        self._posted.add(message_id)
        spot = self._room.spot
        if spot.chained:
            await self._chains.remember(spot.channel, message_id, self._envelope.place.thread or spot.question.message)
        return message_id

    async def attach(self, file: AnswerFile, noted: str, note: Callable[[str], Awaitable[None]]) -> None:
        """Show a file below the answer, once; see ``ports.FilingReply``.

        What is noted is the time of the attempt: soon after it the same name creates nothing, later we look. Behind it
        stands the message, once it is known.
        """
        if len(file.content) > limits.FILE_BYTES:
            raise FileTooLarge(f"a file of {len(file.content)} bytes, Discord takes {limits.FILE_BYTES}")
        await self._room.begin_thread()
        index, now_s = FILES_FROM + file.number, self._services.clock.wall()
        tried_at, _, message_id = noted.partition(":")
        is_old = bool(tried_at) and now_s > float(tried_at) + limits.NONCE_TRUSTED_S
        if message_id or (is_old and await self._has_file(index, file.name)):
            return
        if is_old or not tried_at:
            tried_at = f"{now_s:.0f}"
            await note(tried_at)
        body = outbound.file_body(file.name, part_nonce(self._turn_id, index), self._room.replied_to)
        spot = self._room.spot
        message_id = await self._room.create(spot.channel, body, PATIENCE_S, file)
        self._posted.add(message_id)
        await note(f"{tried_at}:{message_id}")
        if spot.chained:
            await self._chains.remember(spot.channel, message_id, self._envelope.place.thread or spot.question.message)

    async def detach(self, noted: str) -> None:
        """Take a file of an answer away again, if its message is known."""
        if message_id := noted.partition(":")[2]:
            await self._room.remove(message_id)

    async def _has_file(self, index: int, name: str) -> bool:
        """Look for a file below the question: by the message's name, or where that is not told by the file's."""
        us = await self._our_id()
        async for message in messages_after(self._web, self._room.spot.channel, self._asked_after()):
            if _text(message, "author", "id") != us:
                continue
            names = [attached.name for attached in attachments_of(message)]
            if is_name_of(message.get("nonce"), self._turn_id, index) or (not message.get("nonce") and name in names):
                return True
        return False

    # --- looking back ---

    def _asked_after(self) -> str:
        """Return the id of a message before the answer; asked again, it stands below the one that failed."""
        asked_at = str(snowflake_at(self._envelope.sent_at_s - CLOCK_ERROR_S))
        return max(self._room.spot.question.message, asked_at, key=int)

    async def _look_through_history(self, index: int, known: Mapping[int, str]) -> str | None:
        await self._room.begin_thread()
        if self._room.spot.shared and not self._room.spot.replies:
            raise PlatformRejected("messages in a shared channel do not tell whom they answer")
        # Before the last part we know of stands nothing of what follows it, but perhaps the answer to another question.
        before = [message_id for part, message_id in known.items() if part < index]
        after = max([self._asked_after(), *before], key=int)
        nameless, us = [], await self._our_id()
        async for message in messages_after(self._web, self._room.spot.channel, after):
            message_id = str(message.get("id"))
            if _text(message, "author", "id") != us or message.get("type") not in SPOKEN:
                continue
            if message_id in self._posted or message_id in known.values():
                continue
            if is_name_of(message.get("nonce"), self._turn_id, index):
                return message_id
            if (
                not message.get("nonce")
                and not message.get("attachments")
                and _text(message, "message_reference", "message_id") == self._room.replied_to
            ):
                nameless.append(message_id)
        # Discord may not tell the names: then the parts are told by their order.
        place = index - sum(part < index for part in {*self._editions, *known})
        return nameless[place] if 0 <= place < len(nameless) else None


def _where_it_stands(envelope: Envelope) -> Envelope:
    """Return a command as the message that stands for it, once there is one; so a message whose answer has moved."""
    is_itself = not envelope.command and parse_delivery_key(envelope.delivery_key).message == envelope.message_id
    if is_itself or not envelope.message_id:
        return envelope
    place = envelope.place
    inside = place.thread if place.thread not in (None, envelope.message_id) else None
    key = delivery_key(MessageRef(place.instance, place.team, inside or place.channel, envelope.message_id))
    return replace(envelope, delivery_key=key)


def _root(place: Place, message_id: str, where: ResultPlace) -> Root:
    """Return where the answer goes: in a channel the message begins its own thread, unless it stays there."""
    stays = place.private or where is ResultPlace.CHANNEL
    return Root(place if stays else replace(place, thread=place.thread or message_id), message_id)


def _fitting(view: View) -> str:
    """Return what a message shows.

    Raises:
        PartTooLong: More than a message holds.
    """
    content = outbound.content(view)
    if len(content) > limits.MESSAGE_CHARS:
        raise PartTooLong(f"{len(content)} characters, a message holds {limits.MESSAGE_CHARS}")
    return content


def _cut(text: str) -> str:
    content = outbound.render(text)
    return content if len(content) <= limits.MESSAGE_CHARS else content[: limits.MESSAGE_CHARS - 1] + outbound.ELLIPSIS


def _text(source: Mapping[str, Any], outer: str, inner: str) -> str:
    value = source.get(outer)
    found = value.get(inner) if isinstance(value, Mapping) else None
    return str(found) if found else ""
