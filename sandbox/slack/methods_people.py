"""``auth.test``, ``apps.connections.open``, ``users.info``, ``bots.info``, ``team.info``, ``reactions.*``."""

import re
from collections.abc import Callable

from sandbox.slack.model import Json, Message
from sandbox.slack.refusals import Refusal
from sandbox.slack.service import Call
from sandbox.slack.wire import user_body

_EMOJI = re.compile(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?|[^\x00-\x7f]+")


def auth_test(call: Call) -> Json:
    """``auth.test``: who the token is."""
    if call.caller.installation is None:
        return {"app_id": call.caller.app.id, "app_name": call.caller.app.name}
    bot, team = call.bot, call.workspace.team
    return {
        "url": f"https://{team.domain}.slack.com/",
        "team": team.name,
        "user": call.workspace.users[bot.bot_user_id].name,
        "team_id": team.id,
        "user_id": bot.bot_user_id,
        "bot_id": bot.bot_id,
        "is_enterprise_install": False,
    }


def open_connection(call: Call) -> Json:
    """``apps.connections.open``: a Socket Mode address that works once."""
    return {"url": call.service.sockets.issue_url(call.caller.app, call.service.base_url())}


def users_info(call: Call) -> Json:
    """``users.info``."""
    return {"user": user_body(call.person("user"), include_locale=call.args.flag("include_locale"))}


def bots_info(call: Call) -> Json:
    """``bots.info``."""
    wanted = call.args.text("bot", call.bot.bot_id)
    for user in call.workspace.users.values():
        if user.bot_id == wanted:
            bot = {"id": wanted, "deleted": False, "name": user.name, "user_id": user.id, "app_id": user.app_id or ""}
            return {"bot": bot | {"icons": {}}}
    raise Refusal("bot_not_found")


def team_info(call: Call) -> Json:
    """``team.info``."""
    team = call.workspace.team
    return {"team": {"id": team.id, "name": team.name, "domain": team.domain, "email_domain": "", "icon": {}}}


def add_reaction(call: Call) -> Json:
    """``reactions.add``."""
    message, name = _target(call)
    if not call.service.stage.react(call.workspace, message, call.bot.bot_user_id, name):
        raise Refusal("already_reacted")
    return {}


def remove_reaction(call: Call) -> Json:
    """``reactions.remove``."""
    message, name = _target(call)
    if not call.service.stage.react(call.workspace, message, call.bot.bot_user_id, name, add=False):
        raise Refusal("no_reaction")
    return {}


def _target(call: Call) -> tuple[Message, str]:
    channel = call.writable_channel()
    name = call.args.required("name").strip(":")
    if not _EMOJI.fullmatch(name):
        raise Refusal("invalid_name")
    return call.message(channel, call.args.required("timestamp")), name


HANDLERS: dict[str, Callable[[Call], Json]] = {
    "apps.connections.open": open_connection,
    "auth.test": auth_test,
    "bots.info": bots_info,
    "reactions.add": add_reaction,
    "reactions.remove": remove_reaction,
    "team.info": team_info,
    "users.info": users_info,
}
