"""The REST routes this emulator supports: which bucket they count against, whether they need the bot's token.

A test compares this table with the handlers that are really there. Routes by an interaction's token take no
authorization and do not count against the global limit (reference 3.1 and 10.1).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RouteRule:
    """How a route is limited.

    Attributes:
        bucket: The bucket it shares with others of this name, per major parameter.
        by_token: It is authorized by the interaction's token in its path.
    """

    bucket: str
    by_token: bool = False


_CHANNEL = "/channels/{channel}"
_MESSAGE = f"{_CHANNEL}/messages/{{message}}"
_WEBHOOK = "/webhooks/{app}/{token}"
_GLOBAL_COMMANDS = "/applications/{app}/commands"
_GUILD_COMMANDS = "/applications/{app}/guilds/{guild}/commands"

SUPPORTED_ROUTES: dict[str, RouteRule] = {
    "GET /users/@me": RouteRule("me"),
    "GET /users/@me/guilds": RouteRule("my.guilds"),
    "POST /users/@me/channels": RouteRule("dm.open"),
    "GET /users/{user}": RouteRule("user"),
    "GET /oauth2/applications/@me": RouteRule("application"),
    "GET /applications/@me": RouteRule("application"),
    "GET /gateway": RouteRule("gateway"),
    "GET /gateway/bot": RouteRule("gateway"),
    "GET /guilds/{guild}": RouteRule("guild"),
    "GET /guilds/{guild}/channels": RouteRule("guild.channels"),
    "GET /guilds/{guild}/roles": RouteRule("guild.roles"),
    "GET /guilds/{guild}/members/{user}": RouteRule("guild.member"),
    "GET /guilds/{guild}/threads/active": RouteRule("guild.threads"),
    f"GET {_CHANNEL}": RouteRule("channel.read"),
    f"PATCH {_CHANNEL}": RouteRule("channel.edit"),
    f"DELETE {_CHANNEL}": RouteRule("channel.delete"),
    f"POST {_CHANNEL}/threads": RouteRule("thread.create"),
    f"PUT {_CHANNEL}/thread-members/{{user}}": RouteRule("thread.members"),
    f"DELETE {_CHANNEL}/thread-members/{{user}}": RouteRule("thread.members"),
    f"POST {_CHANNEL}/typing": RouteRule("typing"),
    f"POST {_CHANNEL}/messages": RouteRule("message.create"),
    f"GET {_CHANNEL}/messages": RouteRule("message.history"),
    f"POST {_CHANNEL}/messages/bulk-delete": RouteRule("message.bulk_delete"),
    f"GET {_MESSAGE}": RouteRule("message.read"),
    f"PATCH {_MESSAGE}": RouteRule("message.edit"),
    f"DELETE {_MESSAGE}": RouteRule("message.delete"),
    f"POST {_MESSAGE}/threads": RouteRule("thread.create"),
    f"PUT {_MESSAGE}/reactions/{{emoji}}/@me": RouteRule("reaction"),
    f"DELETE {_MESSAGE}/reactions/{{emoji}}/@me": RouteRule("reaction"),
    f"PUT {_CHANNEL}/pins/{{message}}": RouteRule("pins"),
    f"DELETE {_CHANNEL}/pins/{{message}}": RouteRule("pins"),
    f"PUT {_CHANNEL}/messages/pins/{{message}}": RouteRule("pins"),
    f"DELETE {_CHANNEL}/messages/pins/{{message}}": RouteRule("pins"),
    "POST /interactions/{interaction}/{token}/callback": RouteRule("interaction", by_token=True),
    f"POST {_WEBHOOK}": RouteRule("webhook", by_token=True),
    f"GET {_WEBHOOK}/messages/{{message}}": RouteRule("webhook", by_token=True),
    f"PATCH {_WEBHOOK}/messages/{{message}}": RouteRule("webhook", by_token=True),
    f"DELETE {_WEBHOOK}/messages/{{message}}": RouteRule("webhook", by_token=True),
} | {
    f"{method} {place}{rest}": RouteRule("commands")
    for place in (_GLOBAL_COMMANDS, _GUILD_COMMANDS)
    for method, rest in (
        *(("GET", ""), ("PUT", ""), ("POST", "")),
        *(("GET", "/{command}"), ("PATCH", "/{command}"), ("DELETE", "/{command}")),
    )
}
MAJOR_PARAMETERS = ("channel", "guild", "app", "token")
"""Parts of a path that have a bucket each; ``app`` stands for the webhook's id."""
