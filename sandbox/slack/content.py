"""What a message of an app says: text, blocks or markdown, checked against the limits of section 5."""

import json
from dataclasses import dataclass, field
from typing import Any

from sandbox.slack import limits
from sandbox.slack.blocks import check_message_blocks
from sandbox.slack.calls import Arguments
from sandbox.slack.model import Json
from sandbox.slack.refusals import Refusal, invalid_argument
from sandbox.slack.switches import SlackSwitches


@dataclass(frozen=True, slots=True)
class Content:
    """Accepted content of a message.

    Attributes:
        warnings: For ``response_metadata.warnings``.
        metadata: ``None`` when none was given.
    """

    text: str
    blocks: list[Json]
    attachments: list[Json]
    metadata: Json | None = None
    warnings: list[str] = field(default_factory=list)


def read_content(args: Arguments, switches: SlackSwitches, *, text_max_chars: int | None = None) -> Content:
    """Take a message's content out of the arguments of a call.

    Args:
        text_max_chars: Beyond this ``msg_too_long``; ``None`` cuts at 40 000 with a warning instead.

    Raises:
        Refusal: ``no_text``, ``msg_too_long``, ``markdown_text_conflict``, ``invalid_blocks``,
            ``invalid_blocks_format``, ``msg_blocks_too_long``, ``too_many_attachments``, ``invalid_metadata_format``,
            ``metadata_too_large``.
    """
    metadata = _read_metadata(args)
    markdown = args.text("markdown_text")
    if markdown:
        check_markdown_text(args, switches)
        if "text" in args or args.values.get("blocks"):
            raise Refusal("markdown_text_conflict")
        return Content(markdown, [{"type": "markdown", "text": markdown}], [], metadata)
    text = args.text("text")
    blocks = read_blocks(args, switches)
    attachments = read_attachments(args)
    if not text.strip() and not blocks and not attachments:
        raise Refusal("no_text")
    warnings: list[str] = []
    if text_max_chars is not None and len(text) > text_max_chars:
        raise Refusal("msg_too_long")
    if len(text) > limits.POST_TEXT_MAX_CHARS:
        text = text[: limits.POST_TEXT_MAX_CHARS]
        warnings.append("message_truncated")
    return Content(text, blocks, attachments, metadata, warnings)


def check_markdown_text(args: Arguments, switches: SlackSwitches) -> str:
    """Return ``markdown_text`` if it is short enough."""
    markdown = args.text("markdown_text")
    if len(markdown) > limits.MARKDOWN_TEXT_MAX_CHARS:
        raise Refusal(switches.markdown_text_too_long)
    return markdown


def read_blocks(args: Arguments, switches: SlackSwitches) -> list[Json]:
    """Return valid blocks, each with a ``block_id``."""
    blocks = args.array("blocks", "invalid_blocks_format") or []
    check_message_blocks(
        blocks,
        markdown_total_chars=switches.markdown_total_chars,
        expand_markdown=switches.expand_markdown_blocks,
    )
    return [{"type": block["type"], "block_id": f"b{index}"} | block for index, block in enumerate(blocks)]


def read_attachments(args: Arguments) -> list[Json]:
    """Return legacy attachments."""
    attachments: list[Any] = args.array("attachments", "invalid_attachments") or []
    if len(attachments) > limits.ATTACHMENTS_MAX:
        raise Refusal("too_many_attachments")
    if not all(isinstance(attachment, dict) for attachment in attachments):
        raise invalid_argument("attachments", "must be objects")
    return attachments


def _read_metadata(args: Arguments) -> Json | None:
    metadata = args.object("metadata", "invalid_metadata_format")
    if not metadata:
        return None
    if not isinstance(metadata.get("event_type"), str) or not isinstance(metadata.get("event_payload"), dict):
        raise Refusal("invalid_metadata_format")
    if len(json.dumps(metadata)) > limits.METADATA_MAX_BYTES:
        raise Refusal("metadata_too_large")
    return metadata
