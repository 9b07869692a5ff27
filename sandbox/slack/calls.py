"""The arguments of a Web API call, wherever they travelled: query, form, multipart or JSON."""

import json
from typing import Any

from aiohttp import web

from sandbox.slack.model import Json
from sandbox.slack.refusals import Refusal, invalid_argument, missing_argument

FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
TRUTHY = ("1", "true", "t", "yes")


class Arguments:
    """Typed access to merged arguments; values are strings, or whatever the JSON body held."""

    def __init__(self, values: Json) -> None:
        self.values = values

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) not in (None, "")

    def text(self, name: str, default: str = "") -> str:
        """Return an argument as text; absent and null read as the default."""
        value = self.values.get(name)
        if value is None:
            return default
        if isinstance(value, str):
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            return str(value)
        raise invalid_argument(name, "must be a string")

    def required(self, name: str) -> str:
        """Return an argument that must be there and must not be empty."""
        value = self.text(name)
        if not value:
            raise missing_argument(name)
        return value

    def optional(self, name: str) -> str | None:
        """Return an argument, or ``None`` when it is absent or empty."""
        return self.text(name) or None

    def flag(self, name: str, default: bool = False) -> bool:
        """Return a boolean: JSON booleans, ``1``/``0``, ``true``/``false``."""
        value = self.values.get(name)
        if value is None or value == "":
            return default
        return value if isinstance(value, bool) else str(value).lower() in TRUTHY

    def number(self, name: str, default: int) -> int:
        """Return a whole number."""
        value = self.text(name)
        if not value:
            return default
        try:
            return int(value)
        except ValueError:
            raise invalid_argument(name, "must be a number") from None

    def array(self, name: str, error: str | None = None) -> list[Any] | None:
        """Return a list, given as JSON or as a string of JSON; ``None`` when absent.

        Raises:
            Refusal: It is something else; with the code ``error`` if one is given.
        """
        value = self._structure(name, error)
        if value is None or isinstance(value, list):
            return value
        raise Refusal(error) if error else invalid_argument(name, "must be an array")

    def object(self, name: str, error: str | None = None) -> Json | None:
        """Return an object, given as JSON or as a string of JSON; ``None`` when absent."""
        value = self._structure(name, error)
        if value is None or isinstance(value, dict):
            return value
        raise Refusal(error) if error else invalid_argument(name, "must be an object")

    def names(self, name: str) -> list[str]:
        """Return a comma-separated list."""
        value = self.values.get(name)
        if isinstance(value, list):
            return [str(item) for item in value]
        return [part.strip() for part in self.text(name).split(",") if part.strip()]

    def _structure(self, name: str, error: str | None) -> Any:
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise (Refusal(error) if error else invalid_argument(name, "is not valid JSON")) from None


async def read_arguments(request: web.Request) -> Json:
    """Merge query, form fields and JSON body; the later ones win. Unknown names stay and hurt nobody.

    Raises:
        Refusal: ``invalid_json`` or ``json_not_object``.
    """
    values: Json = dict(request.query)
    if request.content_type == "application/json":
        raw = await request.read()
        if raw.strip():
            values.update(_parse_json(raw))
    elif request.content_type in FORM_TYPES:
        form = await request.post()
        values.update({name: value for name, value in form.items() if isinstance(value, str)})
    return values


def _parse_json(raw: bytes) -> Json:
    try:
        body = json.loads(raw)
    except ValueError:
        raise Refusal("invalid_json") from None
    if not isinstance(body, dict):
        raise Refusal("json_not_object")
    return body
