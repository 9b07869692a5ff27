"""The body of ``POST /v3/chat``, read and checked."""

from dataclasses import dataclass

from sandbox.coze.dialect import CloudDialect
from sandbox.coze.errors import CozeError, bad_parameter
from sandbox.coze.jsons import Json
from sandbox.coze.state import Identity
from sandbox.coze.validation import (
    EnteredMessage,
    MessageReader,
    custom_variables_field,
    flag_field,
    meta_data_field,
    needed_text,
    object_field,
    text_field,
    text_map_field,
)

_PUBLISH_STATUS = frozenset({"published_online", "unpublished_draft"})
_EXTRA_PARAMS = frozenset({"latitude", "longitude"})


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What a caller asks of an agent. ``messages`` ends with the question, when there are any."""

    bot_id: str
    user_id: str
    stream: bool
    saved: bool
    draft: bool
    messages: tuple[EnteredMessage, ...]
    custom_variables: dict[str, str]
    meta_data: dict[str, str]


def read_chat_request(body: Json, owner: Identity, reader: MessageReader, dialect: CloudDialect) -> ChatRequest:
    """Return the request of one body.

    Raises:
        CozeError: 4000, 4003, 4004 or 4007, by the documented rules.
    """
    stream = flag_field(body, "stream", dialect.streams_by_default)
    saved = dialect.always_saves or flag_field(body, "auto_save_history", True)
    if not stream and not saved:
        raise CozeError(4007)
    bot_id, user_id = needed_text(body, "bot_id"), needed_text(body, "user_id")
    messages = reader.messages(body, "additional_messages", owner, saved=saved)
    if (shortcut := _shortcut_question(body)) is not None:
        messages.append(shortcut)
    _check_options(body)
    return ChatRequest(
        bot_id=bot_id,
        user_id=user_id,
        stream=stream,
        saved=saved,
        draft=_is_draft(body),
        messages=tuple(messages),
        custom_variables=custom_variables_field(body),
        meta_data=meta_data_field(body),
    )


def _is_draft(body: Json) -> bool:
    publish_status = text_field(body, "publish_status") or "published_online"
    if publish_status not in _PUBLISH_STATUS:
        raise bad_parameter("The field publish_status must be published_online or unpublished_draft.")
    draft = publish_status == "unpublished_draft"
    if draft and text_field(body, "bot_version") is not None:
        raise bad_parameter("bot_version cannot be given for a draft.")
    return draft


def _check_options(body: Json) -> None:
    flag_field(body, "enable_card", False)
    text_field(body, "connector_id")
    object_field(body, "parameters")
    if unknown := set(text_map_field(body, "extra_params")) - _EXTRA_PARAMS:
        raise bad_parameter(f"Unknown keys in extra_params: {', '.join(sorted(unknown))}.")


def _shortcut_question(body: Json) -> EnteredMessage | None:
    """Return the question that the server builds from a shortcut command, if one is used."""
    command = object_field(body, "shortcut_command")
    if not command:
        return None
    command_id = needed_text(command, "command_id")
    parameters = text_map_field(command, "parameters")
    content = " ".join([f"/{command_id}", *parameters.values()])
    return EnteredMessage("user", "question", content, "text", {})
