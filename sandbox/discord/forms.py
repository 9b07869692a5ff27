"""The body of a message to be created or edited: read, checked against every limit, ready to be applied."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.discord import components as parts
from sandbox.discord.errors import FormErrors, http_error, refusal
from sandbox.discord.ids import as_snowflake
from sandbox.discord.mentions import Allowed, parse_allowed
from sandbox.discord.model import Attachment, Json, MessageFlag
from sandbox.discord.switches import DiscordSwitches

MAX_CONTENT_CHARS = 2000
MAX_NONCE_CHARS = 25
MAX_EMBEDS = 10
MAX_EMBED_TOTAL_CHARS = 6000
MAX_FIELDS = 25
MAX_FILES = 10
EMBED_LIMITS_CHARS = {"title": 256, "description": 4096, "footer.text": 2048, "author.name": 256}
FIELD_LIMITS_CHARS = {"name": 256, "value": 1024}
FLAGS_ON_CREATE = MessageFlag.SUPPRESS_EMBEDS | MessageFlag.SUPPRESS_NOTIFICATIONS | MessageFlag.COMPONENTS_V2
LEGACY_FIELDS = ("content", "embeds", "poll", "sticker_ids")


@dataclass(slots=True)
class MessageForm:
    """What a caller wants a message to be; ``None`` means that the field was not given.

    Attributes:
        cleared: ``content`` was given as ``null``: an edit empties it.
        allowed: What may ping.
        kept_attachments: Ids an edit keeps; ``None`` keeps all.
    """

    content: str | None = None
    cleared: bool = False
    embeds: list[Json] | None = None
    components: list[Json] | None = None
    flags: int | None = None
    files: list[Attachment] = field(default_factory=list)
    kept_attachments: list[str] | None = None
    allowed: Allowed = field(default_factory=Allowed)
    nonce: str | int | None = None
    enforce_nonce: bool = False
    reference: Json | None = None

    @property
    def text(self) -> str:
        """Everything in which mentions and links count."""
        return "\n".join(filter(None, (self.content, parts.text_of(self.components or []))))


def read_form(
    body: Json,
    files: list[Attachment],
    switches: DiscordSwitches,
    *,
    default: Allowed,
    flags_allowed: int = FLAGS_ON_CREATE,
    v2_already: bool = False,
    webhook: bool = False,
) -> MessageForm:
    """Read and check a body.

    Args:
        default: What may ping when the body does not say.
        flags_allowed: Others are ignored, as Discord does.
        v2_already: The message to be edited has Components v2.
        webhook: It comes by a webhook or an interaction, where v2 has a ceiling of bytes.

    Raises:
        ApiError: 50035 with the errors; 40005 too large; 500 above the v2 ceiling.
    """
    errors = FormErrors()
    form = MessageForm(files=files, allowed=parse_allowed(body.get("allowed_mentions"), default, errors))
    _read_content(body, form, errors)
    form.embeds = _list(body, "embeds", errors)
    form.components = _list(body, "components", errors)
    if isinstance(flags := body.get("flags"), int):
        form.flags = flags & flags_allowed
    _read_rest(body, form, errors)
    v2 = v2_already or bool((form.flags or 0) & MessageFlag.COMPONENTS_V2)
    if v2:
        _refuse_legacy(body, errors)
    check_embeds(form.embeds or [], errors)
    parts.check_components(form.components or [], errors, v2=v2)
    errors.raise_if_any()
    _check_sizes(form, switches)
    if v2 and (webhook or switches.v2_limit_everywhere):
        if parts.v2_bytes(form.components or []) > parts.MAX_V2_BYTES:
            raise http_error(500, "Internal Server Error")
    return form


def _read_content(body: Json, form: MessageForm, errors: FormErrors) -> None:
    content = body.get("content")
    form.cleared = "content" in body and content is None
    if content is None:
        return
    form.content = content if isinstance(content, str) else str(content)
    errors.too_long("content", form.content, MAX_CONTENT_CHARS)


def _read_rest(body: Json, form: MessageForm, errors: FormErrors) -> None:
    nonce = body.get("nonce")
    if isinstance(nonce, str | int) and not isinstance(nonce, bool):
        form.nonce = nonce
        errors.too_long("nonce", str(nonce), MAX_NONCE_CHARS)
    form.enforce_nonce = bool(body.get("enforce_nonce")) and form.nonce is not None
    reference = body.get("message_reference")
    form.reference = reference if isinstance(reference, dict) else None
    listed = body.get("attachments")
    if isinstance(listed, list):
        errors.too_long("attachments", listed, MAX_FILES)
        form.kept_attachments = [snowflake for entry in listed if (snowflake := as_snowflake(entry.get("id")))]
    errors.too_long("attachments", form.files, MAX_FILES)


def _list(body: Json, name: str, errors: FormErrors) -> list[Json] | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, list):
        errors.add(name, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
        return None
    return value


def _refuse_legacy(body: Json, errors: FormErrors) -> None:
    for name in LEGACY_FIELDS:
        if body.get(name):
            sentence = "The 'MessageFlags.IS_COMPONENTS_V2' flag excludes this field"
            errors.add(name, "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", sentence)


def check_embeds(embeds: list[Json], errors: FormErrors) -> None:
    """Note what breaks a limit in embeds; blanks round a text do not count."""
    errors.too_long("embeds", embeds, MAX_EMBEDS)
    total_chars = 0
    for index, embed in enumerate(embeds):
        for path, limit in EMBED_LIMITS_CHARS.items():
            text = _dig(embed, path)
            errors.too_long(f"embeds.{index}.{path}", text, limit)
            total_chars += len(text)
        fields = embed.get("fields") or []
        errors.too_long(f"embeds.{index}.fields", fields, MAX_FIELDS)
        for number, entry in enumerate(fields):
            for name, limit in FIELD_LIMITS_CHARS.items():
                text = str(entry.get(name) or "").strip()
                errors.too_long(f"embeds.{index}.fields.{number}.{name}", text, limit)
                total_chars += len(text)
    if total_chars > MAX_EMBED_TOTAL_CHARS:
        sentence = f"Embed size exceeds maximum size of {MAX_EMBED_TOTAL_CHARS}"
        errors.add("embeds", "MAX_EMBED_SIZE_EXCEEDED", sentence)


def _dig(embed: Json, path: str) -> str:
    value: Any = embed
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return str(value or "").strip()


def _check_sizes(form: MessageForm, switches: DiscordSwitches) -> None:
    if any(len(file.content) > switches.attachment_limit_bytes for file in form.files):
        raise refusal(40005)


def check_not_empty(form: MessageForm, switches: DiscordSwitches) -> None:
    """Refuse a new message that shows nothing.

    Raises:
        ApiError: 50006.
    """
    content = form.content or ""
    shown = content.strip() if switches.whitespace_is_empty else content
    if not (shown or form.embeds or form.components or form.files):
        raise refusal(50006)
