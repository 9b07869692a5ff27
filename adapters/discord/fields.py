"""Looking into what Discord sends without trusting its shape (pure)."""

from collections.abc import Mapping
from typing import Any

Payload = Mapping[str, Any]


def mapping_in(source: Payload, key: str) -> Payload:
    """Return an object's field that is an object; an empty one for anything else."""
    value = source.get(key)
    return value if isinstance(value, Mapping) else {}


def text_in(source: Payload, key: str) -> str:
    """Return an object's field that is a string; an empty one for anything else."""
    value = source.get(key)
    return value if isinstance(value, str) else ""
