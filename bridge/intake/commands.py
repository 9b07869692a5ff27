"""The words that are commands on every platform: new, stop, status, help, run and their Chinese forms (pure).

``！`` equals ``!``. A bare Chinese word is a command when it is the whole message; an unknown ``!word`` is a question.
"""

import re
from collections.abc import Container
from dataclasses import dataclass
from enum import StrEnum


class Command(StrEnum):
    """What a person can tell the bridge itself."""

    NEW = "new"
    STOP = "stop"
    STATUS = "status"
    HELP = "help"


WORDS: dict[str, Command] = {
    "new": Command.NEW,
    "stop": Command.STOP,
    "status": Command.STATUS,
    "help": Command.HELP,
    "新对话": Command.NEW,
    "停止": Command.STOP,
    "状态": Command.STATUS,
    "帮助": Command.HELP,
}
MARKS = "!！"
BARE_WORDS = {**{word: command for word, command in WORDS.items() if not word.isascii()}, "stop": Command.STOP}


def parse_command(text: str) -> Command | None:
    """Return the command a message is, or ``None`` when it is a question for the agent.

    The word ``stop`` alone is a command too: until an answer has its first message there is nothing to press.
    """
    word = text.strip()
    if word[:1] and word[0] in MARKS:
        return WORDS.get(word[1:].strip().lower())
    return BARE_WORDS.get(word.lower())


RUN = re.compile(r"\s*([!！]\s*)?(run|运行)(?:\s+(\S+)\s*(.*))?", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class RunCall:
    """A workflow's name as it was typed, in small letters, and what stands behind it; both may be empty."""

    name: str
    arguments: str


def parse_run(text: str, known: Container[str] = ()) -> RunCall | None:
    """Read ``!run NAME ...``, or ``None`` when the message is something else.

    Without its mark ``运行`` is an ordinary word: it counts only before a name that is known.
    """
    found = RUN.fullmatch(text.strip())
    if found is None:
        return None
    mark, verb, name, behind = found.groups(default="")
    if not mark and (verb.isascii() or name.lower() not in known):
        return None
    return RunCall(name.lower(), behind)
