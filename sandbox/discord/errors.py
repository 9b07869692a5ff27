"""Refusals: HTTP status, Discord's code and sentence, and the tree of field errors of code 50035."""

from typing import Any

from sandbox.discord.model import Json

SENTENCES: dict[int, tuple[int, str]] = {
    10003: (404, "Unknown Channel"),
    10004: (404, "Unknown Guild"),
    10007: (404, "Unknown Member"),
    10008: (404, "Unknown Message"),
    10013: (404, "Unknown User"),
    10014: (400, "Unknown Emoji"),
    10015: (404, "Unknown Webhook"),
    10062: (404, "Unknown interaction"),
    10063: (404, "Unknown application command"),
    30034: (400, "Max number of daily application command creates has been reached"),
    40005: (413, "Request entity too large"),
    40058: (400, "Cannot message this thread until after the post author has sent an initial message"),
    40060: (400, "Interaction has already been acknowledged."),
    40067: (400, "A tag is required to create a forum post in this channel"),
    40094: (400, "This interaction has reached the maximum number of follow up messages"),
    40333: (403, "internal network error"),
    50001: (403, "Missing Access"),
    50005: (403, "Cannot edit a message authored by another user"),
    50006: (400, "Cannot send an empty message"),
    50007: (403, "Cannot send messages to this user"),
    50008: (400, "Cannot send messages in a non-text channel"),
    50013: (403, "Missing Permissions"),
    50016: (400, "Provided too few or too many messages to delete. Must provide at least 2 and at most 100 messages."),
    50021: (403, "Cannot execute action on a system message"),
    50024: (400, "Cannot execute action on this channel type"),
    50027: (401, "Invalid Webhook Token"),
    50034: (400, "A message provided was too old to bulk delete"),
    50083: (400, "Thread is archived"),
    50109: (400, "The request body contains invalid JSON."),
    50278: (403, "Cannot send messages to this user due to having no mutual guilds"),
    160002: (403, "Cannot reply without permission to read message history"),
    160004: (400, "A thread has already been created for this message"),
    160005: (403, "Thread is locked"),
    30010: (400, "Maximum number of reactions reached (20)"),
}


class ApiError(Exception):
    """The call is refused."""

    def __init__(self, status: int, body: Json) -> None:
        super().__init__(f"{status} {body.get('code')} {body.get('message')}")
        self.status = status
        self.body = body

    @property
    def code(self) -> int:
        """Discord's own code; 0 for general HTTP errors."""
        return int(self.body.get("code", 0))


def refusal(code: int, *, status: int | None = None) -> ApiError:
    """Return the refusal of a code in ``SENTENCES``."""
    default_status, message = SENTENCES[code]
    return ApiError(status or default_status, {"message": message, "code": code})


def http_error(status: int, words: str) -> ApiError:
    """Return a general error such as ``404: Not Found``."""
    return ApiError(status, {"message": f"{status}: {words}", "code": 0})


class FormErrors:
    """Collects what is wrong with the fields of a body."""

    def __init__(self) -> None:
        self._tree: Json = {}

    def add(self, path: str, code: str, message: str) -> None:
        """Note one error at a dotted path: ``embeds.0.title``."""
        node: dict[str, Any] = self._tree
        for step in path.split("."):
            node = node.setdefault(step, {})
        node.setdefault("_errors", []).append({"code": code, "message": message})

    def too_long(self, path: str, value: object, limit: int) -> None:
        """Note a text or list above its limit."""
        if isinstance(value, str) and len(value) > limit:
            self.add(path, "BASE_TYPE_MAX_LENGTH", f"Must be {limit} or fewer in length.")
        elif isinstance(value, list) and len(value) > limit:
            self.add(path, "BASE_TYPE_MAX_LENGTH", f"Must be {limit} or fewer in length.")

    def required(self, path: str) -> None:
        """Note a missing field."""
        self.add(path, "BASE_TYPE_REQUIRED", "This field is required")

    def bad_length(self, path: str, least: int, most: int) -> None:
        """Note a text outside its bounds."""
        self.add(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {least} and {most} in length.")

    def wrong_choice(self, path: str, choices: object) -> None:
        """Note a value that is none of those allowed."""
        self.add(path, "BASE_TYPE_CHOICES", f"Value must be one of {choices}.")

    def raise_if_any(self) -> None:
        """Refuse the call if something was noted.

        Raises:
            ApiError: 50035 with the tree of errors.
        """
        if self._tree:
            raise ApiError(400, {"message": "Invalid Form Body", "code": 50035, "errors": self._tree})


def invalid_form(path: str, code: str, message: str) -> ApiError:
    """Return the refusal of one field."""
    errors = FormErrors()
    errors.add(path, code, message)
    try:
        errors.raise_if_any()
    except ApiError as error:
        return error
    raise AssertionError("an error was added")
