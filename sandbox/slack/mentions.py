"""What a text would do to people: whom it pings, which links it holds, what of it is read (pure)."""

import re
from collections.abc import Iterator
from typing import Any

from sandbox.slack.model import Json

BROADCASTS = ("channel", "here", "everyone")
_CONTROL = re.compile(r"<(@[UW][A-Z0-9]+|!(?:channel|here|everyone)|!subteam\^[A-Z0-9]+)(?:\|[^<>]*)?>")
_LINK = re.compile(r"https?://[^\s<>|)\]\"'`]+")
_KEPT_WHEN_TYPED = re.compile(r"<(?:@[UW][A-Z0-9]+|#[CG][A-Z0-9]+|![a-z^A-Z0-9]+)(?:\|[^<>]*)?>")
_TYPED_LINK = re.compile(r"https?://[^\s<>]+")


def escape(text: str) -> str:
    """Replace the three characters that mean something in mrkdwn."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    """Undo ``escape``: what people read."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def escape_typed(text: str) -> str:
    """Return a person's words as Slack hands them to apps: escaped, mentions kept, links in angle brackets."""
    pieces: list[str] = []
    end = 0
    for found in re.finditer(f"{_KEPT_WHEN_TYPED.pattern}|{_TYPED_LINK.pattern}", text):
        pieces.append(escape(text[end : found.start()]))
        whole = found.group()
        pieces.append(whole if whole.startswith("<") else f"<{escape(whole)}>")
        end = found.end()
    return "".join([*pieces, escape(text[end:])])


def pings_in(text: str, blocks: list[Json], attachments: list[Json]) -> set[str]:
    """Return everybody a message notifies: ``@U1``, ``!channel``, ``!subteam^S1``.

    Plain-text objects notify nobody, escaped sequences neither.
    """
    found = set(_CONTROL.findall(text))
    for piece in _interpreted_texts([*blocks, *attachments]):
        found.update(_CONTROL.findall(piece))
    return found


def links_in(text: str, blocks: list[Json], attachments: list[Json]) -> set[str]:
    """Return the web addresses Slack could fetch to unfurl."""
    found = set(_LINK.findall(text))
    for piece in _interpreted_texts([*blocks, *attachments]):
        found.update(_LINK.findall(piece))
    return found


def readable_text(text: str, blocks: list[Json]) -> str:
    """Return what people read in a message: its blocks' text, or its ``text`` when no block has any.

    Context blocks are small print and buttons are buttons: neither is part of it (see ``small_print``, ``labels``).
    """
    shown = [piece for block in blocks if (piece := _block_text(block))]
    return unescape("\n".join(shown) if shown else text)


def small_print(blocks: list[Json]) -> str:
    """Return the text of the context blocks."""
    contexts = [block for block in blocks if block.get("type") == "context"]
    return unescape("\n".join(" ".join(_interpreted_texts(block.get("elements"), plain=True)) for block in contexts))


def labels(blocks: list[Json]) -> list[str]:
    """Return the labels of all buttons, feedback buttons included, in order."""
    return list(_labels(blocks))


def _labels(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _labels(item)
    elif isinstance(node, dict):
        if node.get("type") in ("button", "icon_button") and isinstance(node.get("text"), dict):
            yield str(node["text"].get("text", ""))
        for key in ("positive_button", "negative_button"):
            if isinstance(node.get(key), dict):
                yield str(node[key].get("text", {}).get("text", ""))
        yield from _labels(node.get("elements"))
        yield from _labels(node.get("accessory"))


def _block_text(block: Json) -> str:
    match block.get("type"):
        case "markdown":
            return str(block.get("text", ""))
        case "section":
            fields = block.get("fields") or []
            objects = [block["text"], *fields] if block.get("text") else fields
            return "\n".join(str(item.get("text", "")) for item in objects if isinstance(item, dict))
        case "header":
            return str((block.get("text") or {}).get("text", ""))
        case "rich_text":
            return "\n".join(_rich_text(element) for element in block.get("elements", []))
        case "table":
            return "\n".join(" | ".join(_cell_text(cell) for cell in row) for row in block.get("rows", []))
    return ""


def _cell_text(cell: Json) -> str:
    return str(cell.get("text", "")) if cell.get("type") == "raw_text" else _rich_text(cell)


def _rich_text(element: Json) -> str:
    match element.get("type"):
        case "text":
            return escape(str(element.get("text", "")))
        case "user":
            return f"<@{element.get('user_id')}>"
        case "link":
            return str(element.get("url", ""))
        case "emoji":
            return f":{element.get('name')}:"
        case "broadcast":
            return f"<!{element.get('range')}>"
    joint = "\n" if element.get("type") in ("rich_text", "rich_text_list") else ""
    return joint.join(_rich_text(child) for child in element.get("elements", []))


def _interpreted_texts(node: Any, *, plain: bool = False) -> Iterator[str]:
    """Walk blocks and attachments for every text in which Slack interprets mentions and links."""
    if isinstance(node, list):
        for item in node:
            yield from _interpreted_texts(item, plain=plain)
        return
    if not isinstance(node, dict):
        return
    match node.get("type"):
        case "mrkdwn" | "markdown" if isinstance(node.get("text"), str):
            yield node["text"]
            return
        case "plain_text" if plain:
            yield str(node.get("text", ""))
            return
        case "user":
            yield f"<@{node.get('user_id')}>"
        case "usergroup":
            yield f"<!subteam^{node.get('usergroup_id')}>"
        case "broadcast":
            yield f"<!{node.get('range')}>"
        case "link":
            yield str(node.get("url", ""))
        case None:  # an attachment
            for key in ("pretext", "text", "fallback"):
                if isinstance(node.get(key), str):
                    yield node[key]
    for value in node.values():
        if isinstance(value, dict | list):
            yield from _interpreted_texts(value, plain=plain)
