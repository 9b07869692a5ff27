"""``views.*``: modals and home tabs."""

from collections.abc import Callable

from sandbox.slack.model import Json
from sandbox.slack.refusals import Refusal, missing_argument
from sandbox.slack.service import Call
from sandbox.slack.tickets import Trigger
from sandbox.slack.views import View


def open_view(call: Call) -> Json:
    """``views.open``: needs a trigger of the last three seconds."""
    definition = _definition(call)
    view = call.service.views.open(call.bot, _trigger(call).user, definition)
    return _shown(call, view)


def push_view(call: Call) -> Json:
    """``views.push``: at most three views deep, with a trigger from inside a modal."""
    definition = _definition(call)
    trigger = _trigger(call)
    if trigger.view_id is None:
        raise Refusal("invalid_trigger_id")
    return _shown(call, call.service.views.push(call.bot, trigger.user, definition))


def update_view(call: Call) -> Json:
    """``views.update``: by ``view_id`` or ``external_id``, guarded by ``hash``."""
    definition = _definition(call)
    views = call.service.views
    if "view_id" in call.args:
        view = views.get(call.args.text("view_id"))
    else:
        view = views.by_external_id(call.args.required("external_id"))
    if view is None or view.installation.app.id != call.bot.app.id:
        raise Refusal("not_found")
    return _shown(call, views.update(view, definition, call.args.optional("hash")))


def publish_view(call: Call) -> Json:
    """``views.publish``: the home tab of one person."""
    definition = _definition(call)
    user = call.person("user_id")
    current = call.service.views.home(call.bot, user.id)
    expected = call.args.optional("hash")
    if expected and current is not None and current.body["hash"] != expected:
        raise Refusal("hash_conflict")
    return _shown(call, call.service.views.publish(call.bot, user.id, definition))


def _definition(call: Call) -> Json:
    definition = call.args.object("view")
    if definition is None:
        raise missing_argument("view")
    blocks = definition.get("blocks")
    elements = [block.get("element") for block in blocks if isinstance(block, dict)] if isinstance(blocks, list) else []
    if any(isinstance(element, dict) and element.get("type") == "file_input" for element in elements):
        call.caller.require("files:read")  # the element's page demands it; how its lack is told is not documented
    return definition


def _trigger(call: Call) -> Trigger:
    return call.service.triggers.exchange(call.args.required("trigger_id"))


def _shown(call: Call, view: View) -> Json:
    call.service.journal.record("slack", "view", call.method, view_id=view.id, user=view.user, view=view.body)
    return {"view": view.body}


HANDLERS: dict[str, Callable[[Call], Json]] = {
    "views.open": open_view,
    "views.publish": publish_view,
    "views.push": push_view,
    "views.update": update_view,
}
