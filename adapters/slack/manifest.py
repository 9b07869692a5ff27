"""The app manifest that fits the settings: ``coze-bridge manifest slack`` (pure).

JSON, which Slack takes as it takes YAML (api.slack.com/apps, "Create New App", "From a manifest").
Source: docs.slack.dev, "App manifest reference".
"""

import json
from typing import Any

from adapters.slack.scopes import bot_events, scope_needs
from adapters.slack.settings import SlackSettings


def manifest(settings: SlackSettings) -> str:
    """Return the manifest as text to paste."""
    return json.dumps(manifest_data(settings), indent=2, ensure_ascii=False)


def manifest_data(settings: SlackSettings) -> dict[str, Any]:
    """Return the manifest as data."""
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
    return {
        "_metadata": {"major_version": 2},
        "display_information": {"name": settings.app_name, "description": settings.app_description},
        "features": features,
        "oauth_config": {"scopes": {"bot": sorted(need.name for need in scope_needs(settings))}},
        "settings": {
            "event_subscriptions": {"bot_events": sorted(bot_events(settings))},
            "interactivity": {"is_enabled": True},  # buttons; over Socket Mode without an address
            "org_deploy_enabled": False,
            "socket_mode_enabled": True,
            "token_rotation_enabled": False,
        },
    }
