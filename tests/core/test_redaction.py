"""No token gets through, and ordinary text does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from bridge.operations.redaction import Redactor, mask, secrets_in

SECRETS = [
    "xoxb-1234-5678-AbCdEfGh",
    "xoxp-1234-5678-AbCdEfGh",
    "xoxe.xoxp-1-AbCdEfGh",
    "xapp-1-A0123-456-abcdef",
    "pat_AbCdEf0123456789",
    "czs_AbCdEf0123456789",
    "czu_AbCdEf0123456789",
    "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIxIn0.c2lnbmF0dXJl",
    "MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcdE.abcdefghijklmnopqrstuvwxyz01",
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "around", ["{}", "token={},", '"{}"', "({})", "Bearer {}", "https://x/?token={}&a=b", "错误{}。"]
)
def test_tokens_are_recognised_anywhere(secret: str, around: str) -> None:
    """Whatever stands round a token, its tail is not shown."""
    shown = Redactor().text(around.format(secret))
    assert secret not in shown
    assert secret[-6:] not in shown


def test_other_secrets_by_their_place() -> None:
    """What follows Bearer, a ticket in a socket's address, a password in a URL, a private key."""
    redactor = Redactor()
    assert redactor.text("Authorization: Bearer abcdefghijklmnop") == "Authorization: Bearer abcd…"
    assert "s3cr3ts3cr3t" not in redactor.text("wss://host/link/?ticket=s3cr3ts3cr3t&app_id=1")
    assert redactor.text("http://me:hunter2hunter@proxy:1/") == "http://me:h…@proxy:1/"
    pem = "-----BEGIN PRIVATE KEY-----\nMIIEv\nAAAA\n-----END PRIVATE KEY----- after"
    assert redactor.text(pem) == "-----BEGIN… after"


@pytest.mark.parametrize(
    "text",
    [
        "An ordinary sentence.",
        "path/to/file.py:73",
        "turn=abcdefghij234567",
        "1712345678.000100",
        "bearer of news",
        "扣子",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    """Logs stay readable."""
    assert Redactor().text(text) == text


@given(st.text(min_size=6), st.text(), st.text())
def test_a_known_secret_never_gets_through(secret: str, before: str, after: str) -> None:
    """Whatever a configured secret looks like, a text that holds it does not show it whole."""
    shown = Redactor([secret]).text(before + secret + after)
    assert secret not in shown or secret in mask(secret) + after or secret in before + mask(secret)


def test_values_are_redacted_by_name_and_depth() -> None:
    """Under a telling name everything is a secret; containers are searched; numbers stay numbers."""
    entry = {"token": "unremarkable-text", "inner": [{"url": "x?token=abcdefghijkl"}], "input_tokens": 7, "none": None}
    shown = Redactor().value(entry)
    assert shown == {"token": "unre…", "inner": [{"url": "x?token=…"}], "input_tokens": 7, "none": None}
    assert Redactor().value(b"xoxb-1234-5678-AbCdEfGh") == "xoxb…"
    assert Redactor().value(ValueError("pat_AbCdEf0123456789")) == "pat_…"


def test_secrets_are_collected_from_everything_configured() -> None:
    """Models, lists and mappings are searched for SecretStr."""

    class Part(BaseModel):
        token: SecretStr
        name: str = "n"

    assert secrets_in([Part(token=SecretStr("a")), {"x": Part(token=SecretStr("b"))}, None, "c"]) == {"a", "b"}


def test_masks_keep_the_kind() -> None:
    """Four characters tell which token is meant; of a short one nothing is kept."""
    assert mask("xoxb-1234-5678") == "xoxb…"
    assert mask("short") == "…"
