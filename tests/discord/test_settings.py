"""The section [adapters.discord], and the invitation that fits it."""

import base64
import subprocess
import sys
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import ValidationError

from adapters.discord import ADAPTER, DiscordSettings
from adapters.discord.permissions import application_in, missing, needed

APPLICATION = "1200000000000000001"
TOKEN = f"{base64.b64encode(APPLICATION.encode()).decode().rstrip('=')}.Gabcde.0123456789abcdefghijklmnopq"


def settings(**changes: Any) -> DiscordSettings:
    """Make settings with a token."""
    return DiscordSettings(**{"token": TOKEN, **changes})


def test_a_token_is_all_it_takes() -> None:
    """Everything else has a default; people copy it with spaces and with its scheme."""
    assert settings().api_url == "https://discord.com/api/v10"
    assert settings(token=f" Bot {TOKEN}\n").token.get_secret_value() == TOKEN
    assert TOKEN not in repr(settings())


def test_every_field_is_explained() -> None:
    """config.example.toml is written from the descriptions."""
    assert all(field.description for field in DiscordSettings.model_fields.values())


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("api_url", "http://discord.example/api", "https://"),
        ("api_url", "discord.com/api", "no https:// address"),
        ("gateway_url", "ws://gateway.example/", "wss://"),
        ("gateway_url", "https://gateway.example/", "no wss:// address"),
        ("proxy", "proxy:3128", "http://host:port"),
        ("answer_in", "channel", "thread"),
        ("shards", 0, "1 or more"),
        ("shards", "many", "auto"),
        ("forums", ["help"], "Copy Channel ID"),
        ("thread_archive_minutes", 5, "60"),
        ("request_timeout_s", 0, "greater than 0"),
        ("token", "", "at least 1"),
        ("tokn", "x", "not permitted"),
    ],
)
def test_mistakes_are_refused(field: str, value: Any, words: str) -> None:
    """With words that lead to the mending."""
    with pytest.raises(ValidationError, match=words):
        settings(**{field: value})


def test_plain_addresses_are_for_this_machine() -> None:
    """Emulators speak http and ws."""
    made = settings(api_url="http://127.0.0.1:80/api/v10/", gateway_url="ws://localhost:80/gateway")
    assert (made.api_url, made.gateway_url) == ("http://127.0.0.1:80/api/v10", "ws://localhost:80/gateway")


def test_the_invitation_asks_for_exactly_what_is_needed() -> None:
    """Both scopes and the bits of the permissions, and no others."""
    url = ADAPTER.commands["invite"](settings(), ())
    query = parse_qs(urlsplit(url).query)
    assert query["client_id"] == [APPLICATION]
    assert query["scope"] == ["bot applications.commands"]
    bits = int(query["permissions"][0])
    assert bits == 1 << 6 | 1 << 10 | 1 << 11 | 1 << 15 | 1 << 16 | 1 << 35 | 1 << 38
    assert missing(bits, settings()) == []
    replies = int(
        parse_qs(urlsplit(ADAPTER.commands["invite"](settings(answer_in="reply"), ())).query)["permissions"][0]
    )
    assert replies == bits & ~(1 << 35)


def test_an_invitation_without_a_token_says_what_to_put_in() -> None:
    """The application's id stands in the Developer Portal."""
    text = ADAPTER.commands["invite"](settings(token="nothing"), ())
    assert "client_id=APPLICATION_ID" in text
    assert "Developer Portal" in text


@pytest.mark.parametrize("token", ["", "x", "....", "MTIz.a.b", "bm90IGEgbnVtYmVyIGF0IGFsbA.a.b", "ü.a.b"])
def test_what_is_no_token_names_no_application(token: str) -> None:
    """A number of an id's length, in base64, or nothing."""
    assert application_in(token) == ""
    assert application_in(TOKEN) == APPLICATION


def test_missing_permissions_are_named() -> None:
    """An administrator misses nothing."""
    assert {permission.name for permission in missing(0, settings())} == {p.name for p in needed(settings())}
    assert missing(1 << 3, settings()) == []
    assert [p.name for p in missing(~(1 << 11 | 1 << 3), settings())] == ["Send Messages"]


def test_the_settings_import_no_sdk() -> None:
    """Help, config and the invitation stay quick."""
    program = "import sys, adapters.discord.permissions; sys.exit('discord' in sys.modules or 'aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
