"""JSON as these emulators type it."""

import json
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

# Go's encoder, which the service uses, escapes these two and leaves U+0085 alone.
_ESCAPED_BY_GO = {"\u2028": "\\u2028", "\u2029": "\\u2029"}


def dump(value: object, *, raw_separators: bool = False, spread: bool = False) -> str:
    """Return compact JSON with readable characters, as the service writes it.

    Args:
        raw_separators: Leave U+2028 and U+2029 as they are, which JSON allows.
        spread: One token a line, for events with several ``data`` lines.
    """
    text = json.dumps(
        value, ensure_ascii=False, separators=(",", ":"), indent=0 if spread and isinstance(value, dict) else None
    )
    if not raw_separators:
        for character, escape in _ESCAPED_BY_GO.items():
            text = text.replace(character, escape)
    return text
