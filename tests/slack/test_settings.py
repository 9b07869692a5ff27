"""The section [adapters.slack], and the manifest that fits it."""

import json
import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from adapters.slack import ADAPTER, SlackSettings
from adapters.slack.manifest import manifest_data
from adapters.slack.scopes import scope_needs

TOKENS = {"bot_token": "xoxb-1", "app_token": "xapp-1"}


def settings(**changes: Any) -> SlackSettings:
    """Make settings with tokens."""
    return SlackSettings(**{**TOKENS, **changes})


def test_two_tokens_are_all_it_takes() -> None:
    """Everything else has a default."""
    assert settings().base_url == "https://slack.com/api/"


def test_every_field_is_explained() -> None:
    """config.example.toml is written from the descriptions."""
    assert all(field.description for field in SlackSettings.model_fields.values())


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("base_url", "http://slack.example/api/", "https://"),
        ("base_url", "slack.com/api", "no web address"),
        ("proxy", "proxy:3128", "http://host:port"),
        ("direct_messages", "both", "thread"),
        ("request_timeout_s", 0, "greater than 0"),
        ("app_name", "x" * 36, "35"),
        ("bot_token", "", "at least 1"),
        ("bot_tokn", "xoxb-1", "not permitted"),
    ],
)
def test_mistakes_are_refused(field: str, value: Any, words: str) -> None:
    """With words that lead to the mending."""
    with pytest.raises(ValidationError, match=words):
        settings(**{field: value})


@pytest.mark.parametrize("address", ["http://127.0.0.1:80/api", "http://localhost/api/", "http://[::1]:9/api/"])
def test_plain_http_is_for_this_machine(address: str) -> None:
    """Emulators speak it; the address always ends with a slash."""
    assert settings(base_url=address).base_url.endswith("/api/")


def test_tokens_do_not_show_in_the_settings() -> None:
    """Settings are printed when something is wrong."""
    assert "xoxb-1" not in repr(settings())


def test_the_manifest_asks_for_what_the_settings_need() -> None:
    """Scopes and events of the whole, Socket Mode on, the panel declared."""
    data = json.loads(ADAPTER.commands["manifest"](settings(app_name="Kozi", app_description="Asks Kozi"), ()))
    assert data["display_information"] == {"name": "Kozi", "description": "Asks Kozi"}
    assert data["settings"]["socket_mode_enabled"] is True
    assert data["features"]["app_home"]["messages_tab_enabled"] is True
    assert data["features"]["agent_view"] == {"agent_description": "Asks Kozi"}
    assert set(data["oauth_config"]["scopes"]["bot"]) == {need.name for need in scope_needs(settings())}
    assert data["settings"]["interactivity"] == {"is_enabled": True}
    assert data["settings"]["event_subscriptions"]["bot_events"] == [
        "agent_session_stopped",
        "app_mention",
        "message.channels",
        "message.groups",
        "message.im",
        "message.mpim",
    ]


def test_the_manifest_asks_for_nothing_else() -> None:
    """Without following and without the panel it shrinks."""
    data = manifest_data(settings(follow_threads=False, agent_view=False))
    assert data["settings"]["event_subscriptions"]["bot_events"] == ["app_mention", "message.im"]
    assert "agent_view" not in data["features"]
    assert "assistant:write" not in data["oauth_config"]["scopes"]["bot"]


def test_the_sdk_is_imported_only_when_needed() -> None:
    """The command line's help does not pay for it."""
    code = "import sys, adapters.slack; print([m for m in sys.modules if m.startswith(('slack_', 'aiohttp'))])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
