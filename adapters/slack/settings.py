"""The section ``[adapters.slack]`` of the configuration (pure)."""

import ipaddress
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from adapters.slack import limits
from adapters.slack.inbound import InboundRules
from bridge.extension import AdapterSettings

API_URL = "https://slack.com/api/"


class SlackSettings(AdapterSettings):
    """One app in one workspace, reached by Socket Mode."""

    bot_token: SecretStr = Field(
        min_length=1,
        description="The bot's token, xoxb-...: app settings, OAuth & Permissions, after the app was installed.",
        json_schema_extra={"env": "SLACK_BOT_TOKEN"},
    )
    app_token: SecretStr = Field(
        min_length=1,
        description="The app-level token, xapp-..., with the scope connections:write: app settings, Basic Information.",
        json_schema_extra={"env": "SLACK_APP_TOKEN"},
    )
    base_url: str = Field(
        API_URL, description="Where Slack's Web API answers; another one for a proxy or an emulator (http on loopback)."
    )
    proxy: str | None = Field(
        None, description="An HTTP proxy for everything Slack, http://host:port. HTTPS_PROXY is not read by itself."
    )
    follow_threads: bool = Field(
        True, description="Answer replies without a mention in threads where the bot takes part already."
    )
    answer_bots: bool = Field(
        False,
        description="Answer other bots and workflows when they mention the bot. Two bots can keep each other busy.",
    )
    direct_messages: Literal["thread", "channel"] = Field(
        "thread",
        description="thread: each direct message at the top begins a thread and a conversation, as in apps with agent "
        "view. channel: all of them are one conversation, answered at the top.",
    )
    command: str = Field(
        "/coze",
        pattern=r"^(/[a-z0-9_-]{1,31})?$",
        description="The slash command for everything: run, new, stop, status, help. Empty: none.",
    )
    status_lines: bool = Field(
        True, description='Show "is thinking..." as a status until the first words; false posts a placeholder instead.'
    )
    agent_view: bool = Field(
        True, description="The manifest declares an AI app with its own panel. Guests may not use such apps."
    )
    native_streams: bool = Field(
        True,
        description="Answer direct messages by Slack's own streams while agent_view is true; false edits messages "
        "there as in channels.",
    )
    app_name: str = Field(
        "Coze bridge", min_length=1, max_length=limits.APP_NAME_CHARS, description="The app's name in the manifest."
    )
    app_description: str = Field(
        "Talk to your Coze agent",
        min_length=1,
        max_length=limits.DESCRIPTION_CHARS,
        description="The app's description in the manifest.",
    )
    request_timeout_s: float = Field(15.0, gt=0, description="The longest one call of the Web API may take.")
    ping_interval_s: float = Field(
        3.0, gt=0, description="How often the socket is tried; four missing answers count as a lost connection."
    )
    rebuild_after_s: float = Field(
        20.0, gt=0, description="How long the socket may be lost or mute before it is built anew from the ground."
    )
    updates_per_minute: int = Field(
        limits.UPDATES_PER_MINUTE, ge=1, description="Edits of messages (chat.update) per minute and workspace."
    )
    posts_per_minute: int = Field(
        limits.POSTS_PER_MINUTE, ge=1, description="New messages (chat.postMessage) per minute and workspace."
    )
    streams_per_minute: int = Field(
        limits.STREAMS_PER_MINUTE,
        ge=1,
        description="Native streams begun, and as many ended (chat.startStream), per minute and workspace.",
    )
    appends_per_minute: int = Field(
        limits.APPENDS_PER_MINUTE,
        ge=1,
        description="Additions to native streams (chat.appendStream) per minute and workspace.",
    )

    @field_validator("base_url")
    @classmethod
    def _usable_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"is no web address; the usual one is {API_URL}")
        if parts.scheme == "http" and not _is_loopback(parts.hostname):
            raise ValueError("would send the tokens unencrypted; use https:// (http:// is for this machine only)")
        return value.rstrip("/") + "/"

    @field_validator("proxy")
    @classmethod
    def _usable_proxy(cls, value: str | None) -> str | None:
        if not value:
            return None
        if urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname:
            raise ValueError("is no address of an HTTP proxy; write http://host:port")
        return value

    def inbound_rules(self, instance: str) -> InboundRules:
        """Return what these settings mean for inbound messages."""
        return InboundRules(
            instance,
            follow_threads=self.follow_threads,
            answer_bots=self.answer_bots,
            thread_private=self.direct_messages == "thread",
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
