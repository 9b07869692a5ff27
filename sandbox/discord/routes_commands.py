"""Application commands over REST, global and per guild (reference 2.11)."""

from sandbox.discord.commands import GLOBAL
from sandbox.discord.errors import http_error, refusal
from sandbox.discord.service import Call, Reply


def _scope(call: Call) -> str | None:
    """Return the scope of the path.

    Raises:
        ApiError: 403 for another application, 10004 or 50001 for a guild it is not in.
    """
    if call.params["app"] != call.world.application.id:
        raise http_error(403, "Forbidden")
    if "guild" not in call.params:
        return GLOBAL
    if call.params["guild"] not in call.world.guilds:
        raise refusal(10004)
    if call.bot_id not in call.world.guilds[call.params["guild"]].members:
        raise refusal(50001)
    return call.params["guild"]


def listed(call: Call) -> Reply:
    """``GET .../commands``."""
    return Reply(call.service.commands.listed(_scope(call)))


def overwrite(call: Call) -> Reply:
    """``PUT .../commands``."""
    return Reply(call.service.commands.overwrite(_scope(call), call.body))


def create(call: Call) -> Reply:
    """``POST .../commands``: 201 for a new one, 200 for a name that was there."""
    scope = _scope(call)
    known = len(call.service.commands.listed(scope))
    command = call.service.commands.create(scope, call.fields)
    return Reply(command, 201 if len(call.service.commands.listed(scope)) > known else 200)


def read(call: Call) -> Reply:
    """``GET .../commands/{command}``."""
    return Reply(call.service.commands.get(_scope(call), call.params["command"]))


def edit(call: Call) -> Reply:
    """``PATCH .../commands/{command}``."""
    return Reply(call.service.commands.edit(_scope(call), call.params["command"], call.fields))


def delete(call: Call) -> Reply:
    """``DELETE .../commands/{command}``."""
    call.service.commands.delete(_scope(call), call.params["command"])
    return Reply()


_PLACES = ("/applications/{app}/commands", "/applications/{app}/guilds/{guild}/commands")
HANDLERS = {
    f"{method} {place}{rest}": handler
    for place in _PLACES
    for method, rest, handler in (
        ("GET", "", listed),
        ("PUT", "", overwrite),
        ("POST", "", create),
        ("GET", "/{command}", read),
        ("PATCH", "/{command}", edit),
        ("DELETE", "/{command}", delete),
    )
}
