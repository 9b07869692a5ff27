"""What people do in Discord: talk, reply, open threads and posts, edit, react, moderate.

Every action takes effect at once; a mistake (no such channel, no right to write there) is a ``ValueError``.
"""

import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.discord.lookups import Lookups
from sandbox.discord.mentions import ALL_MENTIONS, Allowed
from sandbox.discord.model import Attachment, Channel, Json, Message, MessageFlag, User
from sandbox.discord.permissions import Permission


@dataclass(frozen=True, slots=True)
class FileUpload:
    """A file somebody attaches; the type is guessed from the name when ``None``."""

    name: str
    content: bytes = b""
    mimetype: str | None = None


class People(Lookups):
    """Actions of users; ``user`` and ``channel`` are ids or names, threads are channels."""

    def say(
        self,
        user: str,
        channel: str,
        text: str,
        files: Sequence[FileUpload] = (),
        *,
        reply_to: str | None = None,
        ping: bool = True,
        webhook_id: str | None = None,
    ) -> str:
        """Post a message as a user and return its id; mentions are typed as Discord stores them, ``<@ID>``.

        Args:
            reply_to: The message it answers.
            ping: The reply mentions the author of that message.
            webhook_id: It comes by this webhook; the author should be a bot then.
        """
        author, place = self.find_user(user), self.find_channel(channel)
        self._may_write(author, place)
        reference: Json | None = None
        if reply_to is not None:
            answered = self.find_message(place.id, reply_to)
            reference = {"message_id": answered.id, "channel_id": place.id}
            reference |= {"guild_id": place.guild_id} if place.guild_id else {}
        self.service.threads.wrote(place, author.id)
        message = self.service.new_message(place.id, author.id, text, reference=reference, webhook_id=webhook_id)
        message.attachments = self._keep(message, files)
        self._put_on_record("say", author, place, id=message.id, text=text, reply_to=reply_to)
        self.service.stage.post(message, ALL_MENTIONS if ping else Allowed(replied_user=False))
        return message.id

    def mention(
        self,
        user: str,
        channel: str,
        text: str,
        files: Sequence[FileUpload] = (),
        *,
        reply_to: str | None = None,
        ping: bool = True,
    ) -> str:
        """Post a message that begins with a mention of the bot and return its id."""
        mention = f"<@{self.service.bot.id}>"
        return self.say(
            user, channel, text if mention in text else f"{mention} {text}", files, reply_to=reply_to, ping=ping
        )

    def reply(self, user: str, channel: str, message_id: str, text: str, *, ping: bool = True) -> str:
        """Answer a message and return the answer's id."""
        return self.say(user, channel, text, reply_to=message_id, ping=ping)

    def open_dm(self, user: str) -> str:
        """Return the id of a person's direct conversation with the bot."""
        return self.service.direct_channel(self.find_user(user).id).id

    def dm(self, user: str, text: str, files: Sequence[FileUpload] = ()) -> str:
        """Write to the bot directly and return the message's id."""
        return self.say(user, self.open_dm(user), text, files)

    def start_thread(
        self, user: str, channel: str, name: str, message_id: str | None = None, text: str | None = None
    ) -> str:
        """Open a thread, from a message or of its own, and return its id.

        Args:
            text: The first message in it.
        """
        author, place = self.find_user(user), self.find_channel(channel)
        self._may(author, place, Permission.CREATE_PUBLIC_THREADS)
        if message_id is not None:
            thread = self.service.threads.open_from(self.find_message(place.id, message_id), author.id, name)
        else:
            thread = self.service.threads.open_bare(place, author.id, name)
        self._put_on_record("start_thread", author, place, id=thread.id, title=name)
        if text is not None:
            self.say(user, thread.id, text)
        return thread.id

    def forum_post(
        self,
        user: str,
        forum: str,
        name: str,
        text: str,
        files: Sequence[FileUpload] = (),
        *,
        tags: Sequence[str] = (),
    ) -> str:
        """Write a post and return its id, which its thread and its first message share.

        Args:
            tags: Names of the forum's tags.
        """
        author, place = self.find_user(user), self.find_channel(forum)
        if not place.kind.is_forum:
            raise ValueError(f"{place.name} is no forum")
        self._may(author, place, Permission.SEND_MESSAGES)
        tag_ids = [tag.id for tag in place.tags if tag.name in tags]
        if place.requires_tag and not tag_ids:
            raise ValueError(f"{place.name} demands a tag")
        message = self.service.new_message(place.id, author.id, text)
        message.attachments = self._keep(message, files)
        self._put_on_record("forum_post", author, place, id=message.id, title=name, text=text)
        return self.service.threads.open_post(place, message, name, ALL_MENTIONS, tags=tag_ids).id

    def edit(self, user: str, channel: str, message_id: str, text: str) -> None:
        """Edit one's own message."""
        author, message = self.find_user(user), self.find_message(channel, message_id)
        if message.author_id != author.id:
            raise ValueError(f"message {message_id} is not by {author.name}")
        message.content = text
        self.service.stage.change(message)

    def delete(self, user: str, channel: str, message_id: str) -> None:
        """Delete one's own message, or anybody's as the owner or a moderator."""
        author, message = self.find_user(user), self.find_message(channel, message_id)
        if message.author_id != author.id:
            self._may(author, self.find_channel(channel), Permission.MANAGE_MESSAGES)
        self._put_on_record("delete", author, self.find_channel(channel), id=message_id)
        self.service.stage.remove(message)

    def react(self, user: str, channel: str, message_id: str, name: str, *, add: bool = True) -> None:
        """Add a reaction to a message, or take it back."""
        author, message = self.find_user(user), self.find_message(channel, message_id)
        self.service.stage.react(message, author.id, name, add=add)

    def start_typing(self, user: str, channel: str) -> None:
        """Begin to type."""
        self.service.stage.type(self.find_channel(channel), self.find_user(user).id)

    def suppress_embeds(self, channel: str, message_id: str) -> None:
        """Remove the previews of a message, as a moderator does."""
        message = self.find_message(channel, message_id)
        message.flags |= MessageFlag.SUPPRESS_EMBEDS
        self.service.stage.change(message, edited=False)

    def archive(self, thread: str, *, locked: bool | None = None) -> None:
        """Archive a thread, and lock it if told."""
        self.service.threads.set_archived(self._thread(thread), True, locked=locked)

    def unarchive(self, thread: str) -> None:
        """Wake and unlock a thread."""
        self.service.threads.set_archived(self._thread(thread), False, locked=False)

    def delete_channel(self, channel: str) -> None:
        """Delete a channel or a thread."""
        place = self.find_channel(channel)
        self.service.herald.channel("CHANNEL_DELETE", place)
        del self.service.world.channels[place.id]

    def _thread(self, thread: str) -> Channel:
        place = self.find_channel(thread)
        if place.thread is None:
            raise ValueError(f"{place.name} is no thread")
        return place

    def _may_write(self, author: User, place: Channel) -> None:
        self.service.threads.settle(place)
        in_thread = place.thread is not None
        self._may(author, place, Permission.SEND_MESSAGES_IN_THREADS if in_thread else Permission.SEND_MESSAGES)
        if place.thread is not None and place.thread.locked:
            self._may(author, place, Permission.MANAGE_THREADS)
        if place.kind.is_forum:
            raise ValueError(f"{place.name} holds posts only")

    def _may(self, author: User, place: Channel, permission: Permission) -> None:
        if not self.service.world.may(author.id, place, permission):
            raise ValueError(f"{author.name} lacks {permission.name} in {place.name or place.id}")

    def _keep(self, message: Message, files: Sequence[FileUpload]) -> list[Attachment]:
        kept = []
        for file in files:
            guessed = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            attachment = Attachment(
                id=self.service.mint.snowflake(),
                name=file.name,
                content=file.content,
                content_type=file.mimetype or guessed,
                channel_id=message.channel_id,
            )
            self.service.world.attachments[attachment.id] = attachment
            kept.append(attachment)
        return kept

    def _put_on_record(self, action: str, user: User, channel: Channel, **detail: object) -> None:
        self.service.journal.record("discord", "action", action, user=user.id, channel=channel.id, **detail)
