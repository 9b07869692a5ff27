"""Secrets made unreadable before anything is written or printed (pure).

Two nets: the very secrets of this configuration, wherever they occur, and whatever looks like a token. A redacted
secret keeps the few characters that tell its kind, so that a person can see *which* token is meant.
"""

import re
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, SecretStr

KEPT_CHARS = 4
MASK = "…"
SECRET_NAME = re.compile(r"token|secret|password|passphrase|private_key|credential|authorization|cookie", re.IGNORECASE)
"""Names of keys whose values are nobody's business."""

MIN_LITERAL_CHARS = 6
"""A shorter configured secret would blacken ordinary words."""

TOKENS = re.compile(
    r"""
      -----BEGIN[ ][A-Z ]*PRIVATE[ ]KEY-----.*?(?:-----END[ ][A-Z ]*PRIVATE[ ]KEY-----|\Z)  # PEM
    | \b(?:xox[a-z](?:\.xox[a-z])?|xapp|xwfp)-[\w-]{4,}           # workspace apps: bot, user, app, refresh
    | \b(?:pat|czs|czu|sat)_[\w-]{6,}                             # the agent service's own
    | \beyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*                           # JSON web tokens
    | \b[\w-]{23,28}\.[\w-]{6,7}\.[\w-]{27,}                      # id.time.signature, as chat services' bots have
    | (?<=\bBearer[ ])[^\s"',;]+
    | (?<=\bBot[ ])[\w-]{20,}\.[\w.-]+
    | (?<=[?&]ticket=)[^\s&"']+
    | (?<=[?&]token=)[^\s&"']+
    | (?<=[?&]secret=)[^\s&"']+
    | (?<=[?&]access_token=)[^\s&"']+
    | (?<=[?&]signature=)[^\s&"']+
    | (?<=://)[^\s/@:]*:[^\s/@]+(?=@)                             # user:password in an address
    | (?:(?<=/webhooks/)|(?<=/interactions/))\d+/[\w-]{20,}       # one-time addresses
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,  # between Chinese characters a token is a word too
)


def mask(secret: str) -> str:
    """Shorten a secret to the beginning that tells its kind."""
    if secret.startswith("-----BEGIN"):
        return "-----BEGIN" + MASK
    return (secret[:KEPT_CHARS] if len(secret) > 3 * KEPT_CHARS else "") + MASK


def secrets_in(value: Any) -> set[str]:
    """Collect every ``SecretStr`` inside models, mappings and sequences."""
    if isinstance(value, SecretStr):
        return {value.get_secret_value()}
    if isinstance(value, BaseModel):
        return secrets_in([getattr(value, name) for name in type(value).model_fields])
    if isinstance(value, dict):
        return secrets_in(list(value.values()))
    if isinstance(value, list | tuple | set | frozenset):
        return {secret for item in value for secret in secrets_in(item)}
    return set()


class Redactor:
    """Makes secrets unreadable in texts and in whole log entries."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        literals = sorted({s for s in secrets if len(s) >= MIN_LITERAL_CHARS}, key=len, reverse=True)
        self._literals = re.compile("|".join(map(re.escape, literals))) if literals else None

    def text(self, text: str) -> str:
        """Return ``text`` with every secret shortened."""
        if self._literals is not None:
            text = self._literals.sub(lambda found: mask(found.group()), text)
        return TOKENS.sub(lambda found: mask(found.group()), text)

    def value(self, value: Any, name: str = "") -> Any:
        """Return ``value`` for printing under ``name``; containers are copied, other objects become text if needed."""
        if isinstance(value, str):
            return mask(value) if SECRET_NAME.search(name) and value else self.text(value)
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, dict):
            return {key: self.value(item, str(key)) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(item, name) for item in value]
        if isinstance(value, bytes):
            return self.value(value.decode(errors="replace"), name)
        return self.text(str(value))
