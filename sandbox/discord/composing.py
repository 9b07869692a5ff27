"""From a checked form to a message: new ones, and changes to old ones."""

from sandbox.discord import components as parts
from sandbox.discord.errors import invalid_form, refusal
from sandbox.discord.forms import MessageForm
from sandbox.discord.model import Attachment, Json, Message, MessageFlag
from sandbox.discord.service import Service

SETTABLE_ON_EDIT = MessageFlag.SUPPRESS_EMBEDS | MessageFlag.COMPONENTS_V2


def own_embeds(embeds: list[Json]) -> list[Json]:
    """Return embeds as Discord stores an application's own."""
    return [{**embed, "type": "rich"} for embed in embeds]


def compose(service: Service, form: MessageForm, channel_id: str, *, flags: int = 0, **fields: object) -> Message:
    """Make a message of the bot, not yet posted.

    Args:
        flags: Set besides those of the form.
        fields: Further fields of ``Message``.
    """
    message = service.new_message(channel_id, service.bot.id, form.content or "", **fields)
    message.embeds = own_embeds(form.embeds or [])
    message.components = parts.numbered(form.components or [])
    message.flags = (form.flags or 0) | flags
    message.nonce = form.nonce
    message.attachments = keep_files(service, form.files, channel_id)
    return message


def keep_files(service: Service, files: list[Attachment], channel_id: str) -> list[Attachment]:
    """Put files where the CDN finds them."""
    for file in files:
        file.channel_id = channel_id
        service.world.attachments[file.id] = file
    return files


def apply_form(service: Service, message: Message, form: MessageForm) -> None:
    """Change the fields of a message that a form gives; flags of the form: previews both ways, v2 only on.

    Raises:
        ApiError: 50006: nothing would be left; 50035: v2 while content or embeds remain.
    """
    content = "" if form.cleared else form.content if form.content is not None else message.content
    embeds = message.embeds if form.embeds is None else own_embeds(form.embeds)
    components = message.components if form.components is None else parts.numbered(form.components)
    flags = message.flags
    if form.flags is not None:
        flags = flags & ~MessageFlag.SUPPRESS_EMBEDS | form.flags & SETTABLE_ON_EDIT
    if flags & MessageFlag.COMPONENTS_V2 and (content or embeds):
        sentence = "The 'MessageFlags.IS_COMPONENTS_V2' flag excludes this field"
        raise invalid_form("content", "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", sentence)
    kept = message.attachments
    if form.kept_attachments is not None:
        kept = [file for file in kept if file.id in form.kept_attachments]
    attachments = [*kept, *keep_files(service, form.files, message.channel_id)]
    if not (content.strip() or embeds or components or attachments):
        raise refusal(50006)
    message.content, message.embeds, message.components = content, embeds, components
    message.attachments = attachments
    message.flags = flags & ~MessageFlag.LOADING
