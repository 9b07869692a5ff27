"""What a request may say: the documented types and limits of bodies (reference 2.2, 2.3)."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.coze.errors import CozeError, bad_parameter
from sandbox.coze.jsons import Json
from sandbox.coze.state import Identity, World

MAX_ADDITIONAL_MESSAGES = 100
MAX_META_PAIRS = 16
MAX_META_KEY_CHARS = 64
MAX_META_VALUE_CHARS = 512
MAX_NAME_CHARS = 100

_VARIABLE_NAME = re.compile(r"[A-Za-z_]+")
_TYPES_BY_ROLE = {"user": frozenset({"question"}), "assistant": frozenset({"answer"})}
_UNSAVED_TYPES = frozenset({"function_call", "tool_output", "tool_response"})
_ITEM_TYPES = frozenset({"text", "image", "file", "audio"})


@dataclass(frozen=True, slots=True)
class EnteredMessage:
    """One message as a caller brings it."""

    role: str
    type: str
    content: str
    content_type: str
    meta_data: dict[str, str]


def text_field(body: Mapping[str, Any], name: str, *, required: bool = False) -> str | None:
    """Return a string field; null counts as absent.

    Raises:
        CozeError: 4000, it is no string (ids are never numbers) or it is required and missing.
    """
    value = body.get(name)
    if value is None or value == "":
        if required:
            raise bad_parameter(f"The field {name} is required.")
        return None
    if not isinstance(value, str):
        raise bad_parameter(f"The field {name} must be a string.")
    return value


def needed_text(body: Mapping[str, Any], name: str) -> str:
    """Return a string field that must be there.

    Raises:
        CozeError: 4000.
    """
    value = text_field(body, name, required=True)
    assert value is not None
    return value


def flag_field(body: Mapping[str, Any], name: str, default: bool) -> bool:
    """Return a boolean field; null counts as absent.

    Raises:
        CozeError: 4000, it is something else.
    """
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise bad_parameter(f"The field {name} must be a boolean.")
    return value


def object_field(body: Mapping[str, Any], name: str) -> Json:
    """Return an object field, empty when absent.

    Raises:
        CozeError: 4000, it is something else, such as JSON text.
    """
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise bad_parameter(f"The field {name} must be an object.")
    return value


def text_map_field(body: Mapping[str, Any], name: str) -> dict[str, str]:
    """Return a map of strings.

    Raises:
        CozeError: 4000.
    """
    value = object_field(body, name)
    if not all(isinstance(item, str) for item in value.values()):
        raise bad_parameter(f"The values of {name} must be strings.")
    return value


def meta_data_field(body: Mapping[str, Any]) -> dict[str, str]:
    """Return ``meta_data``.

    Raises:
        CozeError: 4000 for wrong types, 4003 for too much.
    """
    meta_data = text_map_field(body, "meta_data")
    fits = len(meta_data) <= MAX_META_PAIRS and all(
        1 <= len(key) <= MAX_META_KEY_CHARS and 1 <= len(value) <= MAX_META_VALUE_CHARS
        for key, value in meta_data.items()
    )
    if not fits:
        raise CozeError(4003)
    return meta_data


def custom_variables_field(body: Mapping[str, Any]) -> dict[str, str]:
    """Return ``custom_variables``: strings whose names are letters and underscores.

    Raises:
        CozeError: 4000.
    """
    variables = text_map_field(body, "custom_variables")
    for name in variables:
        if _VARIABLE_NAME.fullmatch(name) is None:
            raise bad_parameter(f"The name {name!r} in custom_variables must be letters and underscores.")
    return variables


def name_field(body: Mapping[str, Any]) -> str | None:
    """Return a conversation's name.

    Raises:
        CozeError: 4000, it is longer than 100 characters.
    """
    name = text_field(body, "name")
    if name is not None and len(name) > MAX_NAME_CHARS:
        raise bad_parameter(f"The field name is longer than {MAX_NAME_CHARS} characters.")
    return name


class MessageReader:
    """Reads the messages a caller brings; it must know the files that ``object_string`` may name."""

    def __init__(self, world: World) -> None:
        self._world = world

    def messages(self, body: Mapping[str, Any], field: str, owner: Identity, *, saved: bool) -> list[EnteredMessage]:
        """Return a list of messages.

        Raises:
            CozeError: 4000 for anything malformed, 4003 for their ``meta_data``, 4004 for more than 100.
        """
        entries = body.get(field)
        if entries is None:
            return []
        if not isinstance(entries, list):
            raise bad_parameter(f"The field {field} must be an array.")
        if len(entries) > MAX_ADDITIONAL_MESSAGES:
            raise CozeError(4004)
        messages = [self.message(entry, owner, saved=saved) for entry in entries]
        self._check_neighbours(messages)
        return messages

    def message(self, entry: object, owner: Identity, *, saved: bool) -> EnteredMessage:
        """Return one message.

        Raises:
            CozeError: 4000 or 4003.
        """
        if not isinstance(entry, dict):
            raise bad_parameter("A message must be an object.")
        role = text_field(entry, "role")
        if role not in _TYPES_BY_ROLE:
            raise bad_parameter("The field role must be user or assistant.")
        kind = text_field(entry, "type") or next(iter(_TYPES_BY_ROLE[role]))
        if kind not in _TYPES_BY_ROLE[role] and (saved or kind not in _UNSAVED_TYPES):
            raise bad_parameter(f"The type {kind} is not accepted from the role {role}.")
        content, content_type = self.content(entry, owner)
        return EnteredMessage(role, kind, content, content_type, meta_data_field(entry))

    def content(self, entry: Mapping[str, Any], owner: Identity) -> tuple[str, str]:
        """Return a message's content and its type.

        Raises:
            CozeError: 4000.
        """
        content = entry.get("content")
        if not isinstance(content, str):
            raise bad_parameter("The field content is required and must be a string.")
        content_type = text_field(entry, "content_type", required=bool(content)) or "text"
        if content_type == "object_string":
            self._check_objects(content, owner)
        elif content_type != "text":
            raise bad_parameter(f"The content_type {content_type} is not accepted.")
        return content, content_type

    def _check_objects(self, content: str, owner: Identity) -> None:
        items = object_string_items(content)
        texts = [item for item in items if item.get("type") == "text"]
        if len(texts) > 1:
            raise bad_parameter("An object_string holds at most one text.")
        if len(texts) == len(items):
            raise bad_parameter("Pure text must use the content_type text.")
        for item in items:
            if item.get("type") != "text":
                self._check_attachment(item, owner)

    def _check_attachment(self, item: Json, owner: Identity) -> None:
        file_id, file_url = text_field(item, "file_id"), text_field(item, "file_url")
        if file_id is None and file_url is None:
            raise bad_parameter("A file or image needs a file_id or a file_url.")
        if file_id is not None:
            file = self._world.files.get(file_id)
            if file is None or file.owner.account_id != owner.account_id:
                raise bad_parameter(f"The file {file_id} does not exist.")
        elif file_url is not None and not file_url.startswith(("http://", "https://")):
            raise bad_parameter("The field file_url must be a public address.")

    def _check_neighbours(self, messages: Sequence[EnteredMessage]) -> None:
        for position, message in enumerate(messages):
            if message.content_type != "object_string":
                continue
            if any(item.get("type") == "text" for item in object_string_items(message.content)):
                continue
            beside = [*messages[max(0, position - 1) : position], *messages[position + 1 : position + 2]]
            if not any(neighbour.content_type == "text" for neighbour in beside):
                raise bad_parameter("A message with only files needs a plain-text message beside it.")


def object_string_items(content: str) -> list[Json]:
    """Return the items of an ``object_string``.

    Raises:
        CozeError: 4000, it is not a non-empty JSON array of typed objects.
    """
    try:
        items = json.loads(content)
    except ValueError as error:
        raise bad_parameter("The content of an object_string must be JSON.") from error
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
        raise bad_parameter("The content of an object_string must be an array of objects.")
    if not all(item.get("type") in _ITEM_TYPES for item in items):
        raise bad_parameter("An item's type must be text, image, file or audio.")
    return items
