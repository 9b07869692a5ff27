"""Payloads of commands, clicks, forms and shortcuts, exactly as Slack builds them (reference section 7); pure."""

from typing import Any

from sandbox.slack.model import Channel, ChannelKind, Installation, Json, Message, Team, User


def slash_command(
    installation: Installation, team: Team, user: User, channel: Channel, command: str, text: str
) -> Json:
    """The fields of a slash command; without ``thread_ts``, for commands do not work in threads."""
    return {
        "token": installation.app.verification_token,
        "team_id": team.id,
        "team_domain": team.domain,
        "channel_id": channel.id,
        "channel_name": _channel_name(channel),
        "user_id": user.id,
        "user_name": user.name,
        "command": command,
        "text": text,
        "api_app_id": installation.app.id,
        "is_enterprise_install": "false",
    }


def interaction(kind: str, installation: Installation, team: Team, user: User) -> Json:
    """What every interactive payload has."""
    return {
        "type": kind,
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team_id},
        "api_app_id": installation.app.id,
        "token": installation.app.verification_token,
        "team": {"id": team.id, "domain": team.domain},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def on_message(message: Message, channel: Channel, body: Json) -> Json:
    """What a click on a message adds; ``body`` is the message's JSON, absent for ephemeral ones."""
    container: Json = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": channel.id,
        "is_ephemeral": message.ephemeral_for is not None,
    }
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    added: Json = {
        "container": container,
        "channel": {"id": channel.id, "name": _channel_name(channel)},
        "state": {"values": {}},
    }
    return added if message.ephemeral_for is not None else added | {"message": body}


def on_view(view: Json) -> Json:
    """What a click inside a view adds."""
    return {"container": {"type": "view", "view_id": view["id"]}, "view": view}


def action(element: Json, block_id: str, value: str | None, action_ts: str) -> Json:
    """The entry of ``actions`` for one element, given what the user chose."""
    kind = str(element["type"])
    pressed: Json = {"type": kind, "action_id": element.get("action_id", ""), "block_id": block_id}
    match kind:
        case "feedback_buttons":
            pressed["value"] = value
        case "button" | "icon_button":
            pressed["text"] = element.get("text")
            if "value" in element:
                pressed["value"] = element["value"]
        case _:
            pressed |= input_state(element, value)
    return pressed | {"action_ts": action_ts}


def input_state(element: Json, value: Any) -> Json:
    """An element's entry in ``view.state.values``; ``value`` is a text, an option's value, or a list of those."""
    kind = str(element["type"])
    if isinstance(value, dict):
        return {"type": kind} | value
    if kind in ("static_select", "radio_buttons", "overflow", "external_select"):
        return {"type": kind, "selected_option": _option(element, value)}
    if kind in ("checkboxes", "multi_static_select", "multi_external_select"):
        return {"type": kind, "selected_options": [_option(element, one) for one in value or []]}
    if kind.endswith("_select"):
        return {"type": kind, f"selected_{kind.removesuffix('s_select')}": value}
    if kind in ("datepicker", "timepicker"):
        return {"type": kind, f"selected_{kind.removesuffix('picker')}": value}
    return {"type": kind, "value": value}


def initial(element: Json) -> Any:
    """What stands in an element before anybody touches it: a text, an option's value, or a list of those."""
    if "initial_options" in element:
        return [option["value"] for option in element["initial_options"]]
    if "initial_option" in element:
        return element["initial_option"]["value"]
    return element.get("initial_value")


def find_element(blocks: list[Json], action_id: str, value: str | None = None) -> tuple[Json, str] | None:
    """Return the element with an action id and its block's id; ``value`` chooses among equal ones."""
    for block in blocks:
        candidates = [*block.get("elements", []), block.get("accessory"), block.get("element")]
        for element in candidates:
            if not isinstance(element, dict) or element.get("action_id") != action_id:
                continue
            if element.get("type") == "button" and value is not None and element.get("value") != value:
                continue
            return element, str(block.get("block_id", ""))
    return None


def _option(element: Json, value: Any) -> Json | None:
    if value is None:
        return None
    options = [*element.get("options", [])]
    for group in element.get("option_groups", []):
        options += group.get("options", [])
    known = next((option for option in options if option.get("value") == value), None)
    if known is None and element["type"] != "external_select":
        raise ValueError(f"{element.get('action_id')!r} has no option {value!r}")
    return known or {"text": {"type": "plain_text", "text": str(value)}, "value": value}


def _channel_name(channel: Channel) -> str:
    if channel.kind is ChannelKind.IM:
        return "directmessage"
    return "privategroup" if channel.kind is ChannelKind.PRIVATE else channel.name
