"""Validation of what blocks are made of: text objects, buttons, selects, inputs, confirmations (pure)."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.slack import limits
from sandbox.slack.model import Json

SELECT_TYPES = frozenset({"static_select", "multi_static_select", "overflow", "checkboxes", "radio_buttons"})
INPUT_ONLY_TYPES = frozenset(
    {"email_text_input", "file_input", "number_input", "plain_text_input", "rich_text_input", "url_text_input"}
)
"""These stand in input blocks alone."""
PLAIN_ELEMENT_TYPES = frozenset(
    {
        "channels_select",
        "conversations_select",
        "datepicker",
        "datetimepicker",
        "email_text_input",
        "external_select",
        "file_input",
        "multi_channels_select",
        "multi_conversations_select",
        "multi_external_select",
        "multi_users_select",
        "number_input",
        "plain_text_input",
        "rich_text_input",
        "timepicker",
        "url_text_input",
        "users_select",
        "workflow_button",
    }
)


@dataclass(slots=True)
class ElementChecks:
    """Collects errors with JSON pointers; ``at`` is always the pointer of the thing checked."""

    errors: list[str] = field(default_factory=list, init=False)

    def error(self, problem: str, at: str) -> None:
        """Note one problem."""
        self.errors.append(f"[ERROR] {problem} [json-pointer:{at}]")

    def string(self, owner: Json, name: str, most_chars: int, at: str, *, required: bool = False) -> None:
        """Check a string field."""
        value = owner.get(name)
        if value is None or value == "":
            if required:
                self.error(f"missing required field: {name}", at)
        elif not isinstance(value, str):
            self.error("must be a string", f"{at}/{name}")
        elif len(value) > most_chars:
            self.error(f"must be less than {most_chars + 1} characters", f"{at}/{name}")

    def listed(self, owner: Json, name: str, most: int | None, at: str, *, required: bool = False) -> list[Any]:
        """Check a list field and return it, empty when it is not one."""
        value = owner.get(name)
        if value is None or value == []:
            if required:
                self.error(f"missing required field: {name}", at)
            return []
        if not isinstance(value, list):
            self.error("must be an array", f"{at}/{name}")
            return []
        if most is not None and len(value) > most:
            self.error(f"no more than {most} items allowed", f"{at}/{name}")
        return value

    def text_object(self, value: Any, most_chars: int, at: str, *, plain: bool = False) -> None:
        """Check ``{"type": "mrkdwn" | "plain_text", "text": …}``."""
        if not isinstance(value, dict):
            self.error("missing required text object", at)
            return
        kinds = ("plain_text",) if plain else ("plain_text", "mrkdwn")
        if value.get("type") not in kinds:
            self.error(f"must be one of: {', '.join(kinds)}", f"{at}/type")
        self.string(value, "text", most_chars, at, required=True)

    def element(self, element: Any, at: str, *, in_input: bool = False) -> None:
        """Check one interactive element, or an image used as an accessory."""
        if not isinstance(element, dict):
            self.error("missing required element", at)
            return
        if element.get("type") in INPUT_ONLY_TYPES and not in_input:
            self.error(f"unsupported element type: {element.get('type')}", f"{at}/type")
        match element.get("type"):
            case "button":
                self._button(element, at)
            case "feedback_buttons":
                for name in ("positive_button", "negative_button"):
                    self._feedback_button(element.get(name), f"{at}/{name}")
            case "icon_button":
                self.string(element, "icon", limits.ID_MAX_CHARS, at, required=True)
                self.text_object(element.get("text"), limits.BUTTON_TEXT_MAX_CHARS, f"{at}/text", plain=True)
                self.string(element, "value", limits.BUTTON_VALUE_MAX_CHARS, at)
            case "image":
                self.string(element, "alt_text", limits.IMAGE_ALT_MAX_CHARS, at, required=True)
            case "file_input":
                self._file_input(element, at)
            case "number_input":
                if not isinstance(element.get("is_decimal_allowed"), bool):
                    self.error("missing required field: is_decimal_allowed", at)
            case "plain_text_input":
                self._text_input(element, at)
            case kind if kind in SELECT_TYPES:
                self._options(element, at)
            case kind if kind not in PLAIN_ELEMENT_TYPES:
                self.error(f"unsupported element type: {kind}", f"{at}/type")
        self.string(element, "action_id", limits.ID_MAX_CHARS, at)
        if "confirm" in element:
            self._confirm(element["confirm"], f"{at}/confirm")

    def _file_input(self, element: Json, at: str) -> None:
        most = element.get("max_files", limits.FILE_INPUT_FILES_MAX)
        if not isinstance(most, int) or isinstance(most, bool) or not 1 <= most <= limits.FILE_INPUT_FILES_MAX:
            self.error(f"must be between 1 and {limits.FILE_INPUT_FILES_MAX}", f"{at}/max_files")
        for index, name in enumerate(self.listed(element, "filetypes", None, at)):
            if not isinstance(name, str) or not name.isalnum():
                self.error("must be a file extension", f"{at}/filetypes/{index}")

    def _text_input(self, element: Json, at: str) -> None:
        most = element.get("max_length", limits.INPUT_TEXT_MAX_CHARS)
        if not isinstance(most, int) or not 1 <= most <= limits.INPUT_TEXT_MAX_CHARS:
            self.error(f"must be between 1 and {limits.INPUT_TEXT_MAX_CHARS}", f"{at}/max_length")
            return
        self.string(element, "initial_value", most, at)

    def _button(self, element: Json, at: str) -> None:
        self.text_object(element.get("text"), limits.BUTTON_TEXT_MAX_CHARS, f"{at}/text", plain=True)
        self.string(element, "value", limits.BUTTON_VALUE_MAX_CHARS, at)
        self.string(element, "url", limits.BUTTON_URL_MAX_CHARS, at)
        if element.get("style", "primary") not in ("primary", "danger"):
            self.error("must be one of: primary, danger", f"{at}/style")

    def _feedback_button(self, button: Any, at: str) -> None:
        if not isinstance(button, dict):
            self.error("missing required button", at)
            return
        self.text_object(button.get("text"), limits.BUTTON_TEXT_MAX_CHARS, f"{at}/text", plain=True)
        self.string(button, "value", limits.BUTTON_VALUE_MAX_CHARS, at, required=True)

    def _options(self, element: Json, at: str) -> None:
        if element.get("option_groups") is not None:
            for index, group in enumerate(self.listed(element, "option_groups", limits.SELECT_OPTIONS_MAX, at)):
                if isinstance(group, dict):
                    self._options(group, f"{at}/option_groups/{index}")
            return
        options = self.listed(element, "options", limits.SELECT_OPTIONS_MAX, at, required=True)
        for index, option in enumerate(options):
            where = f"{at}/options/{index}"
            if not isinstance(option, dict):
                self.error("must be an object", where)
                continue
            self.text_object(option.get("text"), limits.OPTION_TEXT_MAX_CHARS, f"{where}/text")
            self.string(option, "value", limits.OPTION_VALUE_MAX_CHARS, where)
        chosen = [element["initial_option"]] if element.get("initial_option") else []
        for option in [*chosen, *self.listed(element, "initial_options", None, at)]:
            if option not in options:
                self.error("the initial option must be one of the options", at)

    def _confirm(self, confirm: Any, at: str) -> None:
        if not isinstance(confirm, dict):
            self.error("must be an object", at)
            return
        self.text_object(confirm.get("title"), limits.CONFIRM_TITLE_MAX_CHARS, f"{at}/title", plain=True)
        self.text_object(confirm.get("text"), limits.CONFIRM_TEXT_MAX_CHARS, f"{at}/text")
        for name in ("confirm", "deny"):
            if name in confirm:
                self.text_object(confirm[name], limits.CONFIRM_BUTTON_MAX_CHARS, f"{at}/{name}", plain=True)
