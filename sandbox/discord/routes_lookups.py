"""What is only read: the bot, its application, the gateway's address, users, guilds, members (reference 10.2)."""

from sandbox.discord.errors import refusal
from sandbox.discord.service import Call, Reply


def me(call: Call) -> Reply:
    """``GET /users/@me``."""
    return Reply(call.service.wire.me())


def user(call: Call) -> Reply:
    """``GET /users/{user}``."""
    found = call.world.users.get(call.params["user"])
    if found is None:
        raise refusal(10013)
    return Reply(call.service.wire.user(found))


def my_guilds(call: Call) -> Reply:
    """``GET /users/@me/guilds``."""
    shown = []
    for guild in call.world.bot_guilds:
        own = {"id": guild.id, "name": guild.name, "icon": None, "owner": guild.owner_id == call.bot_id}
        shown.append(own | {"permissions": str(guild.roles[guild.id].permissions), "features": []})
    return Reply(shown)


def application(call: Call) -> Reply:
    """``GET /oauth2/applications/@me`` and ``GET /applications/@me``."""
    return Reply(call.service.wire.application())


def gateway(call: Call) -> Reply:
    """``GET /gateway``."""
    return Reply({"url": _gateway_url(call)})


def gateway_bot(call: Call) -> Reply:
    """``GET /gateway/bot``: the address, the shards proposed, the identifies left."""
    limits = call.service.gateway.budget.limits()
    shards = call.service.switches.recommended_shards
    return Reply({"url": _gateway_url(call), "shards": shards, "session_start_limit": limits})


def _gateway_url(call: Call) -> str:
    return f"{call.service.base_url().replace('http', 'ws', 1)}/gateway"


def guild(call: Call) -> Reply:
    """``GET /guilds/{guild}``."""
    found = call.guild()
    shown = call.service.wire.guild(found)
    if call.query.get("with_counts") in ("1", "true", "True"):
        shown |= {"approximate_member_count": len(found.members), "approximate_presence_count": len(found.members)}
    return Reply(shown)


def channels(call: Call) -> Reply:
    """``GET /guilds/{guild}/channels``, threads left out."""
    return Reply([call.service.wire.channel(channel) for channel in call.world.channels_of(call.guild())])


def roles(call: Call) -> Reply:
    """``GET /guilds/{guild}/roles``."""
    return Reply([call.service.wire.role(role) for role in call.guild().roles.values()])


def member(call: Call) -> Reply:
    """``GET /guilds/{guild}/members/{user}``."""
    found = call.guild().members.get(call.params["user"])
    if found is None:
        raise refusal(10007)
    return Reply(call.service.wire.member(found))


def active_threads(call: Call) -> Reply:
    """``GET /guilds/{guild}/threads/active``."""
    found = call.guild()
    for channel in tuple(call.world.threads_of(found)):
        call.service.threads.settle(channel)
    threads = call.world.threads_of(found)
    own = [t for t in threads if t.thread and call.bot_id in t.thread.members]
    memberships = [call.service.wire.thread_member(channel, call.bot_id) for channel in own]
    return Reply({"threads": [call.service.wire.thread(channel) for channel in threads], "members": memberships})


HANDLERS = {
    "GET /users/@me": me,
    "GET /users/@me/guilds": my_guilds,
    "GET /users/{user}": user,
    "GET /oauth2/applications/@me": application,
    "GET /applications/@me": application,
    "GET /gateway": gateway,
    "GET /gateway/bot": gateway_bot,
    "GET /guilds/{guild}": guild,
    "GET /guilds/{guild}/channels": channels,
    "GET /guilds/{guild}/roles": roles,
    "GET /guilds/{guild}/members/{user}": member,
    "GET /guilds/{guild}/threads/active": active_threads,
}
