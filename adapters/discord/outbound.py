"""What an agent says, put into Discord's markup (pure).

Discord knows most of Markdown, but no tables, images, rules and deep headings, only one kind of fence, and four marks
of its own that an agent does not mean: ``||`` hides, ``-#`` makes small print (ours), ``>>>`` quotes all that follows,
and ``@everyone`` and ``<@1>`` call people. That nobody is called is the work of ``allowed_mentions``, which every
request carries; here such text also stops looking like a call. Links lead where their words say. Code is left as it
is, but for what would end its fence.
"""

import re
from collections.abc import Sequence
from enum import IntEnum
from typing import Any
from urllib.parse import urlsplit

from adapters.discord import limits
from adapters.discord.ids import control_id
from adapters.discord.tables import aligned, cells, listed
from bridge.model import Control, ControlKind, View
from bridge.rendering.blocks import START, Kind, State, Step, step

UNSEEN = "\u200b"
"""Zero width space: breaks a mark without being seen."""

ELLIPSIS = "…"
FENCE = "```"
RULE = "⎯" * 8
SMALL_PRINT = "-# "
NOBODY: dict[str, Any] = {"parse": []}
"""``allowed_mentions`` under which no text calls anybody. An edit without it falls back to the default: everybody."""

SUPPRESS_EMBEDS = 1 << 2
"""Message flag. An edit that sends flags without it brings the previews back."""

EPHEMERAL = 1 << 6
"""Message flag of an answer to an interaction: only who caused it sees it."""


class ComponentKind(IntEnum):
    """The components we use. Source: docs.discord.com, "Component Reference"."""

    ACTION_ROW = 1
    BUTTON = 2
    STRING_SELECT = 3


class ButtonStyle(IntEnum):
    """The looks of buttons. Source: there, "Button Styles"."""

    SECONDARY = 2
    SUCCESS = 3
    DANGER = 4


STYLES = {ControlKind.STOP: ButtonStyle.DANGER}

_CODE_SPAN = re.compile(r"(?<![`\\])(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_MANY_TICKS = re.compile(r"`{3,}")
_LANGUAGE = re.compile(r"[A-Za-z0-9_+\-.#]+$")
_CALL = re.compile(r"(?<!/)@(?=everyone|here)|<(?=@[!&]?\d+>)", re.IGNORECASE)
_SPOILER = re.compile(r"\|(?=\|)")
_LINK = re.compile(
    r"(?P<image>!?)\[(?P<label>[^\[\]\n]*)\]"
    r"\(\s*<?(?P<target>[^\s()<>]*(?:\([^\s()]*\)[^\s()<>]*)*)>?(?:\s+(?:\"[^\"\n]*\"|'[^'\n]*'))?\s*\)"
)
_ADDRESS_LIKE = re.compile(r"^(?:https?://|www\.)|^[\w\-]+(?:\.[\w\-]+)*\.[A-Za-z]{2,}(?:[/:?#]|$)", re.IGNORECASE)
_DEEP_HEADING = re.compile(r"#{4,6}(?:[ \t]+|$)(.*)$")
_CLOSING_MARKS = re.compile(r"(?:^|[ \t]+)#+[ \t]*$")
_TASK = re.compile(r"\[(?P<done>[ xX])\](?=\s)")


def render(markdown: str) -> str:
    """Return a text as it is sent; ordinary text is left exactly as it is, every fence is closed."""
    return _Rendering().of(markdown)


def measure(text: str) -> int:
    """Measure a part's text against ``limits.PART_CHARS``: code points as sent."""
    return len(render(text))


def amounts(text: str) -> tuple[int]:
    """Return what a text takes of a message, so that texts behind which no block is open add up."""
    return (measure(text),)


def content(view: View) -> str:
    """Return what a message shows: the rendered text and below it, as small print, the sentence of ours.

    Raises:
        ValueError: There is nothing to show.
    """
    body = render(view.text) if view.text.strip() else ""
    room = limits.MESSAGE_CHARS - len(body) - bool(body)
    footer = _small_print(view.footer, room) if view.footer else ""
    if not body and not footer:
        raise ValueError("a message needs text or footer")
    return "\n".join(filter(None, (body, footer)))


def create_body(text: str, nonce: str, reply_to: str = "", controls: Sequence[Control] = ()) -> dict[str, Any]:
    """Return the body that creates a message: calls nobody, unfurls nothing, creates nothing when repeated.

    Args:
        text: As it shall be sent.
        reply_to: Id of a message in the same channel; it may have been deleted meanwhile.
        controls: What can be pressed below it.
    """
    body: dict[str, Any] = {
        "content": text,
        "nonce": nonce,
        "enforce_nonce": True,
        "flags": SUPPRESS_EMBEDS,
        "allowed_mentions": {**NOBODY, "replied_user": False},
        "components": components(controls),
    }
    if reply_to:
        body["message_reference"] = {"message_id": reply_to, "fail_if_not_exists": False}
    return body


def file_body(name: str, nonce: str, reply_to: str = "") -> dict[str, Any]:
    """Return the body that creates a message with one file and no words; it is seen in the message, as files are."""
    body = create_body("", nonce, reply_to)
    del body["flags"]
    return {**body, "attachments": [{"id": 0, "filename": name}]}


def edit_body(text: str, controls: Sequence[Control] = ()) -> dict[str, Any]:
    """Return the body that replaces a message's text and controls: calls nobody, unfurls nothing."""
    return {
        "content": text,
        "flags": SUPPRESS_EMBEDS,
        "allowed_mentions": NOBODY,
        "components": components(controls),
    }


def components(controls: Sequence[Control]) -> list[dict[str, Any]]:
    """Return what stands below a message: rows of buttons, or nothing, which takes away what stood there.

    A suggested question is long and has a row for itself.
    """
    rows: list[list[dict[str, Any]]] = []
    others: list[dict[str, Any]] = []
    for control in {control_id(control): control for control in controls}.values():
        if control.kind is ControlKind.FOLLOW_UP:
            rows.append([_button(control)])
        else:
            others.append(_button(control))
    rows += [others[at : at + limits.ROW_BUTTONS_MAX] for at in range(0, len(others), limits.ROW_BUTTONS_MAX)]
    return [{"type": int(ComponentKind.ACTION_ROW), "components": row} for row in rows[: limits.ROWS_MAX]]


def _button(control: Control) -> dict[str, Any]:
    return {
        "type": int(ComponentKind.BUTTON),
        "style": int(STYLES.get(control.kind, ButtonStyle.SECONDARY)),
        "label": cut(control.label, limits.BUTTON_LABEL_CHARS),
        "custom_id": control_id(control),
    }


def cut(text: str, most_chars: int = limits.MESSAGE_CHARS) -> str:
    """Shorten a text to what its place holds."""
    return text if len(text) <= most_chars else text[: most_chars - 1] + ELLIPSIS


def thread_name(question: str, fallback: str) -> str:
    """Return a name for the thread that answers a question: its first words."""
    line = next((line for line in question.splitlines() if line.strip(" \t`*_~#>|-")), fallback)
    words = " ".join(re.sub(r"[`*_~|\u200b]+", "", line).strip(" \t#>-").split()) or fallback
    if len(words) > limits.THREAD_NAME_SHOWN_CHARS:
        cut = words[: limits.THREAD_NAME_SHOWN_CHARS - 1]
        head, gap, _ = cut.rpartition(" ")
        words = (head if gap and len(head) > limits.THREAD_NAME_SHOWN_CHARS // 2 else cut) + ELLIPSIS
    return words[: limits.THREAD_NAME_CHARS] or ELLIPSIS


def spoken_text(shown: str) -> str:
    """Return the text of a message of ours without what rendering put there: small print and invisible marks."""
    lines = [line for line in shown.split("\n") if not line.startswith(SMALL_PRINT)]
    return "\n".join(lines).replace(UNSEEN, "").strip()


def _small_print(footer: str, room: int) -> str:
    lines = [SMALL_PRINT + harmless(line.strip()) for line in footer.splitlines() if line.strip()]
    text = "\n".join(lines)
    if len(text) <= room:
        return text
    return text[: room - 1] + ELLIPSIS if room > len(SMALL_PRINT) + 1 else ""


# --- one document ---


class _Rendering:
    """Reads a text line by line, as the core's own rendering does, and collects the lines to send."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._state: State = START
        self._rows: list[str] = []

    def of(self, markdown: str) -> str:
        for line in markdown.replace("\r\n", "\n").split("\n"):
            found = step(self._state, line)
            if self._state.fence is not None and found.kind not in (Kind.FENCE_LINE, Kind.FENCE_CLOSE):
                self._lines.append(FENCE)  # the list or quote around it has ended, and the fence with it
            if self._rows and found.kind is not Kind.TABLE_ROW:
                self._end_table()
            self._read(line, found)
            self._state = found.state
        if self._rows:
            self._end_table()
        if self._state.fence is not None:
            self._lines.append(FENCE)
        return "\n".join(self._lines)

    def _read(self, line: str, found: Step) -> None:
        margin, text = line[: found.content], line[found.content :]
        match found.kind:
            case Kind.FENCE_OPEN:
                self._lines.append(margin + FENCE + _language(found.state))
            case Kind.FENCE_CLOSE:
                self._lines.append(margin + FENCE)
            case Kind.FENCE_LINE:
                self._lines.append(_MANY_TICKS.sub(_broken, line) if FENCE in line else line)
            case Kind.TABLE_RULE if self._begins_table(found):
                self._rows.append(text)
            case Kind.TABLE_ROW if self._rows:
                self._rows.append(text)
            case Kind.RULE:
                self._lines.append(margin + RULE)
            case Kind.HEADING:
                self._lines.append(margin + _heading(text))
            case _:
                self._lines.append(_text_line(margin, text, found))

    def _begins_table(self, found: Step) -> bool:
        """Take the header back, which was read as text; behind the mark of a list or quote a table stays as it is."""
        header = found.state.header
        if not self._lines or self._lines[-1].strip() != harmless(header).strip():
            return False
        self._lines.pop()
        self._rows.append(header)
        return True

    def _end_table(self) -> None:
        header, rule, *rows = self._rows
        self._rows = []
        names, values = cells(header), [cells(row) for row in rows]
        lines = aligned(names, rule, values)
        if lines is not None:
            self._lines += [FENCE, *(_MANY_TICKS.sub(_broken, line) for line in lines), FENCE]
        else:
            self._lines += [harmless(line) for line in listed(names, values)]


def _language(state: State) -> str:
    """Return a fence's language: its first word, if Discord would take it for one."""
    info = state.fence.info.split() if state.fence is not None else []
    return info[0] if info and _LANGUAGE.match(info[0]) else ""


def _heading(text: str) -> str:
    if set(text.strip()) == {"-"}:
        return RULE  # mostly meant as a rule, without the blank line above it
    deep = _DEEP_HEADING.match(text)
    if deep is None:
        return harmless(text)
    title = _CLOSING_MARKS.sub("", deep[1]).strip()
    return f"**{harmless(title.replace('**', ''))}**" if title.strip("*") else ""


def _text_line(margin: str, text: str, found: Step) -> str:
    if margin.lstrip().startswith(">>>"):
        margin = margin.replace(">>>", "> ", 1).replace(">  ", "> ")
    if found.opened and (task := _TASK.match(text)) is not None:
        text = ("☐" if task["done"] == " " else "☑") + text[task.end() :]
    elif text.startswith("-#"):
        text = "\\" + text
    return margin + harmless(text)


def harmless(line: str) -> str:
    """Return one line of text that calls nobody, hides nothing, loads no image and opens no fence; code stays."""
    if "`" not in line:
        return _plain(line)
    pieces = []
    at = 0
    for code in _CODE_SPAN.finditer(line):
        pieces += [_plain(line[at : code.start()]), _code(code[1], code[2])]
        at = code.end()
    return "".join([*pieces, _plain(line[at:])])


def _code(ticks: str, code: str) -> str:
    """Return a code span with at most two backticks: three would open a block."""
    if len(ticks) < 3:
        return ticks + _MANY_TICKS.sub(_broken, code) + ticks
    if "`" not in code:
        return f"`{code}`"
    return f"`` {code.strip()} ``" if "``" not in code else _MANY_TICKS.sub(_broken, ticks + code + ticks)


def _plain(text: str) -> str:
    if "](" in text:
        text = _LINK.sub(_link, text)
    if "@" in text:
        text = _CALL.sub(lambda found: found.group() + UNSEEN, text)
    if "||" in text:
        text = _SPOILER.sub("|" + UNSEEN, text)
    return _MANY_TICKS.sub(_broken, text) if FENCE in text else text


def _link(found: re.Match[str]) -> str:
    label, target = found["label"].strip(), found["target"]
    if not found["image"] and not _ADDRESS_LIKE.match(label):
        return found.group()
    if not _is_web(target):
        return found.group() if not found["image"] else f"[{label}]({target})" if label else target
    if not label or _bare(label) == _bare(target):
        return target
    return f"{label} (<{target}>)" if _ADDRESS_LIKE.match(label) else f"[{label}]({target})"


def _is_web(target: str) -> bool:
    """Tell whether a link's target is an address of the web."""
    try:
        return urlsplit(target).scheme in ("http", "https")
    except ValueError:
        return False


def _bare(address: str) -> str:
    return re.sub(r"^https?://(?:www\.)?", "", address.lower()).rstrip("/")


def _broken(ticks: re.Match[str]) -> str:
    return UNSEEN.join(ticks.group())
