"""The app manifest that fits the settings: ``coze-bridge manifest slack`` (pure).

JSON, which Slack takes as it takes YAML (api.slack.com/apps, "Create New App", "From a manifest").
Source: docs.slack.dev, "App manifest reference".
"""

import json
from typing import Any

from adapters.slack import limits
from adapters.slack.commands import SHORTCUT
from adapters.slack.scopes import bot_events, scope_needs
from adapters.slack.settings import SlackSettings
from bridge.model import Offer

USAGE = "run NAME key=value | new | stop | status | help"


def manifest(settings: SlackSettings, offers: tuple[Offer, ...] = ()) -> str:
    """Return the manifest as text to paste."""
    return json.dumps(manifest_data(settings, offers), indent=2, ensure_ascii=False)


def manifest_data(settings: SlackSettings, offers: tuple[Offer, ...] = ()) -> dict[str, Any]:
    """Return the manifest as data.

    Args:
        offers: The configured workflows.
    """
    features: dict[str, Any] = {
        "app_home": {
            "home_tab_enabled": False,
            "messages_tab_enabled": True,  # otherwise direct messages fail with messages_tab_disabled
            "messages_tab_read_only_enabled": False,
        },
        "bot_user": {"display_name": settings.app_name, "always_online": True},
    }
    if settings.agent_view:
        features["agent_view"] = {"agent_description": settings.app_description}
    if commands := slash_commands(settings, offers):
        features["slash_commands"] = commands
    if offers:
        features["shortcuts"] = [
            {
                "name": "Run a workflow",
                "type": "message",
                "callback_id": SHORTCUT,
                "description": "Run a workflow on this message",
            }
        ]
    return {
        "_metadata": {"major_version": 2},
        "display_information": {"name": settings.app_name, "description": settings.app_description},
        "features": features,
        "oauth_config": {"scopes": {"bot": sorted(need.name for need in scope_needs(settings, offers))}},
        "settings": {
            "event_subscriptions": {"bot_events": sorted(bot_events(settings))},
            "interactivity": {"is_enabled": True},  # buttons; over Socket Mode without an address
            "org_deploy_enabled": False,
            "socket_mode_enabled": True,
            "token_rotation_enabled": False,
        },
    }


def slash_commands(settings: SlackSettings, offers: tuple[Offer, ...]) -> list[dict[str, Any]]:
    """Return the one for everything, and those that workflows have of their own."""
    own = [(settings.command, settings.app_description, USAGE)] if settings.command else []
    flows = [(offer.slash, offer.forms["en"].about or f"Run {offer.name}", _usage(offer)) for offer in offers]
    return [
        {
            "command": command,
            "description": description,
            "usage_hint": usage[: limits.USAGE_HINT_CHARS],
            "should_escape": False,
        }
        for command, description, usage in [*own, *flows][: limits.SLASH_COMMANDS_MAX]
        if command
    ]


def _usage(offer: Offer) -> str:
    fields = offer.forms["en"].fields
    return " ".join(f"{f.name}=" if f.required and not f.value else f"[{f.name}=]" for f in fields)
