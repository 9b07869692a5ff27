"""The section ``[adapters.discord]`` of the configuration (pure)."""

import ipaddress
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from adapters.discord import limits
from adapters.discord.inbound import InboundRules
from bridge.extension import AdapterSettings

API_URL = "https://discord.com/api/v10"
GATEWAY_URL = "wss://gateway.discord.gg/"


class DiscordSettings(AdapterSettings):
    """One bot, on all servers it was invited to."""

    token: SecretStr = Field(
        min_length=1,
        description="The bot's token: Developer Portal, your application, Bot, Reset Token.",
        json_schema_extra={"env": ["DISCORD_BOT_TOKEN", "DISCORD_TOKEN"]},
    )
    answer_in: Literal["thread", "place", "reply"] = Field(
        "thread",
        description="thread: a question in a channel is answered in a new thread named after it. place: in the channel "
        "itself. reply: there too, as a reply. Threads, forum posts and direct messages are answered where they are.",
    )
    commands: bool = Field(
        True,
        description="Register slash commands: /coze, and one for each workflow. They take the place of all that the "
        "application had.",
    )
    follow_threads: bool = Field(
        True,
        description="Answer messages without a mention in threads where the bot takes part already; needs the message "
        "content intent.",
    )
    forums: tuple[str, ...] = Field(
        (),
        description="Ids of forum channels whose new posts are answered without a mention; needs the message content "
        "intent.",
    )
    message_content: Literal["auto", "on", "off"] = Field(
        "auto",
        description="The privileged message content intent. auto: use it if it is switched on in the Developer Portal.",
    )
    thread_archive_minutes: Literal[60, 1440, 4320, 10080] = Field(
        1440, description="Minutes of silence after which a thread the bot began is put away."
    )
    shards: int | Literal["auto"] = Field(
        1,
        description="Connections to the gateway. 1 serves up to 2500 servers; more, or auto for as many as Discord "
        "recommends, share the servers among several connections of this process.",
    )
    api_url: str = Field(
        API_URL, description="Where the REST API answers; another one for a proxy or an emulator (http on loopback)."
    )
    gateway_url: str = Field(GATEWAY_URL, description="Where the gateway answers; ws:// is for this machine only.")
    proxy: str | None = Field(
        None, description="An HTTP proxy for everything Discord, http://host:port. HTTPS_PROXY is not read by itself."
    )
    request_timeout_s: float = Field(15.0, gt=0, description="The longest one request may take.")
    rebuild_after_s: float = Field(
        120.0, gt=0, description="How long the gateway may be lost before the connection is built anew from the ground."
    )
    identify_interval_s: float = Field(
        limits.IDENTIFY_INTERVAL_S, ge=0, description="The pause between two new sessions; Discord asks for 5 s."
    )
    channel_creates: int = Field(
        limits.CHANNEL_CREATES, ge=1, description="New messages per channel and 5 s; what Discord's headers say wins."
    )
    channel_edits: int = Field(
        limits.CHANNEL_EDITS, ge=1, description="Edits per channel and 5 s; what Discord's headers say wins."
    )
    requests_per_s: int = Field(limits.REQUESTS_PER_S, ge=1, description="Requests per second of the whole bot.")

    @field_validator("token")
    @classmethod
    def _bare_token(cls, value: SecretStr) -> SecretStr:
        token = value.get_secret_value().strip()
        return SecretStr(token.removeprefix("Bot ").strip())

    @field_validator("shards")
    @classmethod
    def _at_least_one(cls, value: int | Literal["auto"]) -> int | Literal["auto"]:
        if value != "auto" and value < 1:
            raise ValueError('must be 1 or more, or "auto"')
        return value

    @field_validator("forums")
    @classmethod
    def _snowflakes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for forum in value:
            if not forum.isdecimal():
                raise ValueError("must hold ids of channels: right-click the forum, Copy Channel ID (developer mode)")
        return value

    @field_validator("api_url")
    @classmethod
    def _usable_api(cls, value: str) -> str:
        return _usable(value, ("https", "http"), API_URL).rstrip("/")

    @field_validator("gateway_url")
    @classmethod
    def _usable_gateway(cls, value: str) -> str:
        return _usable(value, ("wss", "ws"), GATEWAY_URL)

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
        return InboundRules(instance, follow_threads=self.follow_threads, forums=frozenset(self.forums))


def _usable(value: str, schemes: tuple[str, str], usual: str) -> str:
    safe, plain = schemes
    parts = urlsplit(value)
    if parts.scheme not in schemes or not parts.hostname:
        raise ValueError(f"is no {safe}:// address; the usual one is {usual}")
    if parts.scheme == plain and not _is_loopback(parts.hostname):
        raise ValueError(f"would send the token unencrypted; use {safe}:// ({plain}:// is for this machine only)")
    return value


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
