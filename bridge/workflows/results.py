"""What a run says, as Markdown that grows (pure).

A node's text is shown while it comes. What begins like JSON is held back until it is whole: a single value is shown as
the text it is, everything else in a code block. An end node that only repeats what a node before it said is not shown
again.
"""

import json
import re
from collections.abc import Callable
from typing import Any

from bridge.delivery.draft import Draft
from bridge.model import (
    AgentEvent,
    AnswerCompleted,
    AnswerDelta,
    AskedField,
    AskKind,
    Interruption,
    NodeOutput,
    ResultFile,
    RunAccepted,
    RunCompleted,
    RunEvent,
    RunInterrupted,
)

FILE_CHARS_MAX = 4_000_000
"""More of one result is cut. Coze itself cuts at 1 MB what runs in the background."""

BACKTICKS = re.compile(r"`{3,}")
CODE_BLOCK = re.compile(r"(?P<fence>`{3,})json\n(?P<body>.*)\n(?P=fence)", re.DOTALL)
"""What ``code_block`` writes."""
NESTING = 3


def readable(text: str, depth: int = NESTING) -> str:
    """Turn a whole output into Markdown: JSON becomes the one value it holds, or a code block; text stays."""
    if text.lstrip()[:1] not in ("{", "["):
        return text
    try:
        decoded = json.loads(text)
    except ValueError:
        return text
    while isinstance(decoded, dict) and len(decoded) == 1:
        decoded = next(iter(decoded.values()))
    if isinstance(decoded, str):
        return readable(decoded, depth - 1) if depth else decoded
    if isinstance(decoded, dict | list):
        return code_block(decoded) if decoded else ""
    return "" if decoded is None else json.dumps(decoded)


def code_block(value: Any) -> str:
    """Write a value as indented JSON in a code block that nothing inside it can end."""
    body = json.dumps(value, ensure_ascii=False, indent=2)
    fence = "`" * (max((len(run) for run in BACKTICKS.findall(body)), default=2) + 1)
    return f"{fence}json\n{body}\n{fence}"


class Telling:
    """Folds a run's events into a draft.

    Attributes:
        node: Title of the node that spoke last.
        execute_id: Of an asynchronous run, once it is known.
        interruption: What the run waits for, once it does.
        completed: How it ended, once it did.
    """

    def __init__(
        self, draft: Draft, most_chars: int | None = None, word_file: Callable[[str, int], str] | None = None
    ) -> None:
        """``most_chars`` of a whole output are text, more of it are a file, for which ``word_file`` has a sentence."""
        self.node = ""
        self.execute_id = ""
        self.interruption: Interruption | None = None
        self.completed: RunCompleted | None = None
        self._draft = draft
        self._most_chars = most_chars
        self._word_file = word_file or (lambda name, size_bytes: f"{name} ({size_bytes})")
        self._texts: dict[str, list[str]] = {}
        self._shown: set[str] = set()
        self._live: set[str] = set()

    def apply(self, event: RunEvent) -> bool:
        """Fold one event in; true when there is new text to show."""
        match event:
            case NodeOutput():
                return self._output(event)
            case RunAccepted(execute_id):
                self.execute_id = execute_id
            case RunInterrupted(interruption):
                self.interruption = interruption
                return self._ask(interruption)
            case RunCompleted():
                self.completed = event
            case _:
                return self._draft.apply(event)
        return False

    def flush(self) -> bool:
        """Show what was held back and will never be whole; true when there was any."""
        held = [key for key in self._texts if key not in self._live]
        changed = [self._finish(key) for key in held]
        return any(changed)

    def _output(self, output: NodeOutput) -> bool:
        self.node = output.title or self.node
        pieces = self._texts.setdefault(output.key, [])
        pieces.append(output.text)
        if output.key in self._live:
            changed = self._show(AnswerDelta(output.key, output.text))
            return self._finish(output.key) or changed if output.finished else changed
        if output.finished:
            return self._finish(output.key)
        begun = "".join(pieces)
        if begun.lstrip()[:1] in ("", "{", "["):
            return False
        self._live.add(output.key)
        return self._show(AnswerDelta(output.key, begun))

    def _finish(self, key: str) -> bool:
        """Show an output as the whole it is now, unless it was shown already."""
        text = readable("".join(self._texts.pop(key)))
        is_live, is_repeat = key in self._live, text.strip() in self._shown
        self._shown.add(text.strip())
        if not text.strip() or (is_repeat and not is_live):
            return False
        return self._show(AnswerCompleted(key, text if is_live else self._short(text)))

    def _short(self, text: str) -> str:
        """Return an output as it is shown: itself, or where it is too long the sentence for a file with it."""
        if self._most_chars is None or len(text) <= self._most_chars:
            return text
        found = CODE_BLOCK.fullmatch(text)
        body, suffix = (found["body"], "json") if found else (text, "md")
        count = len(self._draft.results)
        name = f"result{f'-{count + 1}' if count else ''}.{suffix}"
        result = ResultFile(name, body[:FILE_CHARS_MAX], text)
        self._draft.results.append(result)
        return self._word_file(name, len(result.text.encode("utf-8", "replace")))

    def _ask(self, asked: Interruption) -> bool:
        """Show a question that no node said, and what can be answered."""
        changed = self.flush()
        lines = [] if not asked.question or asked.question.strip() in self._shown else [asked.question]
        lines += [f"{number}. {choice}" for number, choice in enumerate(asked.choices, 1)]
        lines += [f"- {_describe(field)}" for field in asked.fields if asked.kind is AskKind.INPUT]
        if not lines:
            return changed
        return self._show(AnswerCompleted(f"ask:{asked.event_id}", "\n".join(lines))) or changed

    def _show(self, event: AgentEvent) -> bool:
        return self._draft.apply(event)


def _describe(field: AskedField) -> str:
    return f"`{field.name}`" + (f": {field.description}" if field.description else "")
