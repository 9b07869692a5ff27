"""Block Kit validation: which blocks a message or a view may hold, and what Slack says about the others (pure)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.slack import limits
from sandbox.slack.elements import ElementChecks
from sandbox.slack.model import Json
from sandbox.slack.refusals import Refusal

Surface = Literal["message", "modal", "home"]

FREE_FORM_TYPES = frozenset(
    {"divider", "file", "video", "plan", "task_card", "alert", "card", "carousel", "container", "data_table"}
)
"""Types whose inside is not checked."""


def check_message_blocks(blocks: list[Any], *, markdown_total_chars: int, expand_markdown: bool = False) -> None:
    """Refuse blocks that a message cannot hold.

    Raises:
        Refusal: ``msg_blocks_too_long`` for too much markdown, else ``invalid_blocks`` with JSON pointers.
    """
    errors = block_errors(blocks, "message")
    if errors:
        raise Refusal("invalid_blocks", messages=errors)
    markdown = [str(block.get("text", "")) for block in blocks if block.get("type") == "markdown"]
    if sum(map(len, markdown)) > markdown_total_chars:
        raise Refusal("msg_blocks_too_long")
    if expand_markdown:
        pieces = sum(len([p for p in text.split("\n\n") if p.strip()]) for text in markdown)
        if len(blocks) - len(markdown) + pieces > limits.MESSAGE_BLOCKS_MAX:
            raise Refusal("invalid_blocks", messages=[_too_many(limits.MESSAGE_BLOCKS_MAX)])


def block_errors(blocks: list[Any], surface: Surface, pointer: str = "/blocks") -> list[str]:
    """Return what is wrong with a list of blocks, in Slack's form ``[ERROR] … [json-pointer:/blocks/0/text]``."""
    most = limits.MESSAGE_BLOCKS_MAX if surface == "message" else limits.VIEW_BLOCKS_MAX
    checks = BlockChecks(surface)
    if len(blocks) > most:
        checks.errors.append(_too_many(most, pointer))
    for index, block in enumerate(blocks):
        checks.check(block, f"{pointer}/{index}")
    return checks.errors


def _too_many(most: int, pointer: str = "/blocks") -> str:
    return f"[ERROR] no more than {most} items allowed [json-pointer:{pointer}]"


@dataclass(slots=True)
class BlockChecks(ElementChecks):
    """Collects the errors of one list of blocks."""

    surface: Surface
    seen_ids: set[str] = field(default_factory=set)

    def check(self, block: Any, at: str) -> None:
        """Check one block of any type."""
        if not isinstance(block, dict):
            self.error("must be an object", at)
            return
        check_type = CHECK_BY_TYPE.get(str(block.get("type")))
        if check_type is None:
            if block.get("type") not in FREE_FORM_TYPES:
                self.error(f"unsupported type: {block.get('type')}", f"{at}/type")
        else:
            check_type(self, block, at)
        self._check_id(block, at)

    def _check_id(self, block: Json, at: str) -> None:
        block_id = block.get("block_id")
        if not block_id or block.get("type") == "markdown":  # a markdown block's id is ignored
            return
        self.string(block, "block_id", limits.ID_MAX_CHARS, at)
        if block_id in self.seen_ids:
            self.error(f"block_id already exists: {block_id}", f"{at}/block_id")
        self.seen_ids.add(str(block_id))

    def check_section(self, block: Json, at: str) -> None:
        """A text of at most 3000 characters, or up to ten fields of 2000, and one accessory."""
        if "text" in block:
            self.text_object(block["text"], limits.SECTION_TEXT_MAX_CHARS, f"{at}/text")
        fields = self.listed(block, "fields", limits.SECTION_FIELDS_MAX, at)
        for index, item in enumerate(fields):
            self.text_object(item, limits.SECTION_FIELD_MAX_CHARS, f"{at}/fields/{index}")
        if "text" not in block and not block.get("fields"):
            self.error("missing required field: text", at)
        if "accessory" in block:
            self.element(block["accessory"], f"{at}/accessory")

    def check_header(self, block: Json, at: str) -> None:
        """One plain text."""
        self.text_object(block.get("text"), limits.HEADER_MAX_CHARS, f"{at}/text", plain=True)

    def check_context(self, block: Json, at: str) -> None:
        """Texts and images."""
        elements = self.listed(block, "elements", limits.CONTEXT_ELEMENTS_MAX, at, required=True)
        for index, element in enumerate(elements):
            where = f"{at}/elements/{index}"
            if isinstance(element, dict) and element.get("type") == "image":
                self.check_image(element, where)
            else:
                self.text_object(element, limits.SECTION_TEXT_MAX_CHARS, where)

    def check_actions(self, block: Json, at: str) -> None:
        """Interactive elements."""
        elements = self.listed(block, "elements", limits.ACTIONS_ELEMENTS_MAX, at, required=True)
        for index, element in enumerate(elements):
            self.element(element, f"{at}/elements/{index}")
        action_ids = [e["action_id"] for e in elements if isinstance(e, dict) and e.get("action_id")]
        if len(action_ids) != len(set(action_ids)):
            self.error("action_id must be unique within a block", f"{at}/elements")

    def check_context_actions(self, block: Json, at: str) -> None:
        """Feedback buttons and icon buttons; messages only."""
        self._messages_only(at)
        elements = self.listed(block, "elements", limits.CONTEXT_ACTIONS_ELEMENTS_MAX, at, required=True)
        for index, element in enumerate(elements):
            where = f"{at}/elements/{index}"
            if isinstance(element, dict) and element.get("type") in ("feedback_buttons", "icon_button"):
                self.element(element, where)
            else:
                self.error("unsupported element type", where)

    def check_image(self, block: Json, at: str) -> None:
        """An address or a Slack file, and a description."""
        if "slack_file" not in block:
            self.string(block, "image_url", limits.IMAGE_URL_MAX_CHARS, at, required=True)
        self.string(block, "alt_text", limits.IMAGE_ALT_MAX_CHARS, at, required=True)

    def check_input(self, block: Json, at: str) -> None:
        """A label, one element, perhaps a hint."""
        self.text_object(block.get("label"), limits.INPUT_LABEL_MAX_CHARS, f"{at}/label", plain=True)
        if "hint" in block:
            self.text_object(block["hint"], limits.INPUT_LABEL_MAX_CHARS, f"{at}/hint", plain=True)
        element = block.get("element")
        self.element(element, f"{at}/element", in_input=True)
        if isinstance(element, dict) and element.get("type") == "file_input" and self.surface != "modal":
            self.error("unsupported element type: file_input", f"{at}/element/type")

    def check_markdown(self, block: Json, at: str) -> None:
        """Standard markdown; messages only. Its length counts with that of its siblings."""
        self._messages_only(at)
        if not isinstance(block.get("text"), str) or not block["text"]:
            self.error("missing required field: text", at)

    def check_rich_text(self, block: Json, at: str) -> None:
        """A tree whose leaves are not checked."""
        self.listed(block, "elements", None, at, required=True)

    def check_table(self, block: Json, at: str) -> None:
        """At most 100 rows of at most 20 cells."""
        rows = self.listed(block, "rows", 100, at, required=True)
        for index, row in enumerate(rows):
            if not isinstance(row, list) or len(row) > 20:
                self.error("must be an array of at most 20 cells", f"{at}/rows/{index}")

    def _messages_only(self, at: str) -> None:
        if self.surface != "message":
            self.error("unsupported type in a view", f"{at}/type")


CHECK_BY_TYPE: dict[str, Callable[[BlockChecks, Json, str], None]] = {
    "section": BlockChecks.check_section,
    "header": BlockChecks.check_header,
    "context": BlockChecks.check_context,
    "actions": BlockChecks.check_actions,
    "context_actions": BlockChecks.check_context_actions,
    "image": BlockChecks.check_image,
    "input": BlockChecks.check_input,
    "markdown": BlockChecks.check_markdown,
    "rich_text": BlockChecks.check_rich_text,
    "table": BlockChecks.check_table,
}
