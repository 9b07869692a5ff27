"""What is typed and pressed in Slack, as its payloads tell it: commands, forms, buttons (pure)."""

from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.demo.side import Blank, Form
from sandbox.slack import payloads
from sandbox.slack.mentions import unescape


def form_of(view: Mapping[str, Any]) -> Form:
    """Return a modal as somebody sees it."""
    blanks = [blank for block in view["blocks"] if (blank := _blank(block)) is not None]
    about = "\n".join(unescape(block["text"]["text"]) for block in view["blocks"] if block.get("type") == "section")
    return Form(view["title"]["text"], tuple(blanks), about)


def _blank(block: Mapping[str, Any]) -> Blank | None:
    if block.get("type") != "input":
        return None
    element = block["element"]
    value = payloads.initial(element)
    hint = ", ".join(option["value"] for option in element.get("options", ()))
    return Blank(
        id=block["block_id"],
        label=block["label"]["text"],
        required=not block.get("optional", False),
        value=", ".join(value) if isinstance(value, list) else value or "",
        hint=hint,
    )


def state_of(view: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return what is sent of a modal when these blanks are filled in."""
    return {
        block["block_id"]: {block["element"]["action_id"]: values[block["block_id"]]}
        for block in view["blocks"]
        if block.get("type") == "input" and block["block_id"] in values
    }


def sent_values(view: Mapping[str, Any]) -> list[str]:
    """Return what stands in the inputs of a modal that was sent."""
    found: list[str] = []
    for inputs in view["state"]["values"].values():
        for entry in inputs.values():
            chosen = entry.get("selected_option") or {}
            found += [str(text) for text in (entry.get("value"), chosen.get("value")) if text]
    return found


def button(blocks: list[dict[str, Any]], label: str) -> tuple[str, str | None] | None:
    """Return the action id and the value of the button with a label."""
    for element in _buttons(blocks):
        if element["text"]["text"] == label:
            return element["action_id"], element.get("value")
    return None


def _buttons(blocks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for block in blocks:
        for element in (*block.get("elements", ()), block.get("accessory")):
            if isinstance(element, dict) and element.get("type") == "button":
                yield element
