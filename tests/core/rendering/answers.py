"""Answers to try the rendering on, and an independent judge of how they would be read."""

from collections.abc import Callable

from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from bridge.model import PartRules
from bridge.rendering.blocks import QUOTE, START, Kind, step

MARKS = frozenset("*_~[]()<>|#`")


def utf16_units(text: str) -> int:
    """Measure a text as UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


def utf8_bytes(text: str) -> int:
    """Measure a text as UTF-8 bytes."""
    return len(text.encode())


MEASURES: tuple[Callable[[str], int], ...] = (len, utf16_units, utf8_bytes)


def rules(least: int = 64, most: int = 4000) -> st.SearchStrategy[PartRules]:
    """Limits, small ones more often, in all three units, which add up whether we say so or not."""
    limits = st.one_of(st.integers(least, min(most, 200)), st.integers(least, most))
    return st.builds(_rules, limits, st.sampled_from(MEASURES), st.booleans())


def _rules(limit: int, measure: Callable[[str], int], add_up: bool) -> PartRules:
    return PartRules(limit, measure, (lambda text: (measure(text), text.count("\n"))) if add_up else None)


def quiet_places(text: str) -> list[int]:
    """List where a line of a text has ended and no block is open behind it."""
    state, places, at = START, [], 0
    for line in text.split("\n")[:-1]:
        state, at = step(state, line.removesuffix("\r")).state, at + len(line) + 1
        places += [at] if state == START else []
    return places


_PIECES = [
    *("a", "word ", "词语", "。", "，", "sentence end. ", "x" * 30, "字" * 20, "Ünïcode "),
    *("**", "*", "_", "__", "~~", "`", "``", "[", "](", "[la bel](http://x.y/z)", "\\", "|", "=", "&", "&amp;"),
    *("http://example.com/path_x_y ", "<http://a.b>", "```", "```py\n", "\n```\n", "````\n", "~~~\n", "\n> ```\n> "),
    *("\n", "\n\n", "\n    ", "\n  - ", "\n- ", "\n1. ", "\n> ", "# ", "\n## h\n", "--- ", "\n---\n"),
    *("| a | b |\n| - | - |\n", "\n| x | y |", "`" * 20, "\r\n", "\t", "   ", " " * 80, "\n" * 30),
    *("👨‍👩‍👧", "🇩🇪", "e\u0301", "👍🏽"),
]


def soups(most: int = 250) -> st.SearchStrategy[str]:
    """Pieces of Markdown thrown together without sense."""
    return st.lists(st.sampled_from(_PIECES), max_size=most).map("".join)


_WORDS = st.lists(
    st.sampled_from(["alpha", "beta", "gamma", "数据", "分析结果", "ok", "délta", "x1"]), min_size=1, max_size=3
).map(" ".join)


def _styled(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    bold = inner.filter(lambda text: "*" not in text).map("**{}**".format)
    strike = inner.filter(lambda text: "~" not in text).map("~~{}~~".format)
    return st.one_of(bold, strike)


_LEAF = st.one_of(
    _WORDS,
    _WORDS,
    _WORDS.map("*{}*".format),
    _WORDS.map("_{}_".format),
    _WORDS.map("***{}***".format),
    _WORDS.map("`{}`".format),
    _WORDS.map("`` {} ``".format),
    _WORDS.map("[{}](https://a.example/p_a_th?q=1)".format),
    _WORDS.map('[**{}**](https://a.example/x(y) "title")'.format),
    st.sampled_from(["&copy;", "![alt](https://i.example/a.png)", "<https://a.example/b>", "snake_case_name"]),
)
_INLINE = st.recursive(_LEAF, _styled, max_leaves=2)
_LINE = st.lists(_INLINE, min_size=1, max_size=5).map(" ".join)
_CODE = st.lists(_WORDS, min_size=1, max_size=4).map("\n\n".join)
_BLOCK = st.one_of(
    _LINE,
    _LINE,
    st.builds("{} {}".format, st.sampled_from(["#", "##", "####"]), _LINE),
    st.lists(_LINE.map("- {}".format), min_size=1, max_size=4).map("\n".join),
    st.builds("1. {}\n   - {}\n2. {}".format, _LINE, _LINE, _LINE),
    st.builds("```{}\n{}\n```".format, st.sampled_from(["", "py", "python title"]), _CODE),
    st.builds("- {}\n\n  ```sh\n  {}\n  ```".format, _LINE, _WORDS),
    st.builds("| {} | {} |\n| --- | :-: |\n| {} | {} |\n| {} | {} |".format, *[_LINE] * 6),
    st.builds("> {}\n> {}".format, _LINE, _LINE),
)


def documents(most: int = 5) -> st.SearchStrategy[str]:
    """Well-formed answers in which no mark is meant to be read."""
    return st.lists(_BLOCK, min_size=1, max_size=most).map("\n\n".join)


def chunked(text: str) -> st.SearchStrategy[list[str]]:
    """Return ways in which a text may arrive."""
    cuts = st.lists(st.integers(0, len(text)), max_size=20).map(sorted)
    return cuts.map(lambda at: [text[a:b] for a, b in zip([0, *at], [*at, len(text)], strict=True)])


def visible(markdown: str) -> str:
    """Return the characters that a reader of rendered Markdown sees."""
    reader = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    return "".join(_visible(reader.parse(markdown)))


def code_blocks(markdown: str) -> list[tuple[str, str]]:
    """Return the language and the text of every fenced block of code."""
    tokens = MarkdownIt("commonmark", {"html": False}).parse(markdown)
    return [(token.info.strip(), token.content) for token in tokens if token.type == "fence"]


def squeezed(text: str) -> str:
    """Return a text without its white space."""
    return "".join(text.split())


def _visible(tokens: list[Token]) -> list[str]:
    seen = []
    for token in tokens:
        if token.children is not None:
            seen += _visible(token.children)
        elif token.type not in ("inline", "softbreak"):
            seen.append(token.content)
    return seen


Block = tuple[str, str]
"""What kind of line it is, and the quotes (``q``) and list items (``i``) round it, outermost first."""


def judged_blocks(markdown: str) -> list[Block | None]:
    """Return what an independent parser takes each line for; ``None`` for blank ones.

    Definitions of references are text here, as HTML is: no chat platform knows them.
    """
    reader = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["reference", "html_block"])
    lines = markdown.split("\n")
    kinds, containers = [""] * (len(lines) + 1), [""] * (len(lines) + 1)
    for token in reader.parse(markdown):
        if token.map is None:
            continue
        start, stop = token.map
        if token.type in ("blockquote_open", "list_item_open"):
            for line in range(start, stop):
                containers[line] += "q" if token.type == "blockquote_open" else "i"
        elif token.type in ("fence", "code_block"):
            kinds[start:stop] = [token.type] * (stop - start)
        elif token.type == "heading_open":
            kinds[start if token.markup.startswith("#") else stop - 1] = "heading"
        elif token.type in ("hr", "tr_open"):
            kinds[start] = token.type
    return [(kinds[n], containers[n]) if line.strip(" \t>") else None for n, line in enumerate(lines)]


_KINDS = {
    Kind.FENCE_OPEN: "fence",
    Kind.FENCE_LINE: "fence",
    Kind.FENCE_CLOSE: "fence",
    Kind.CODE: "code_block",
    Kind.RULE: "hr",
    Kind.HEADING: "heading",
    Kind.TABLE_ROW: "tr_open",
}


def our_blocks(markdown: str) -> list[Block | None]:
    """Return what ``blocks.step`` takes each line for, in the same words."""
    blocks: list[Block | None] = []
    state = START
    for line in markdown.split("\n"):
        found = step(state, line)
        state = found.state
        if found.kind is Kind.TABLE_RULE and blocks[-1] is not None:
            blocks[-1] = ("tr_open", blocks[-1][1])  # the line before it was a header
        round_it = "".join("q" if width == QUOTE else "i" for width in state.containers)
        blocks.append((_KINDS.get(found.kind, ""), round_it) if line.strip(" \t>") else None)
    return blocks


def leaves_fence_open(markdown: str) -> bool:
    """Tell whether what follows this text would be swallowed by a fence."""
    tokens = MarkdownIt("commonmark", {"html": False}).parse(f"{markdown}\n\nSENTINEL\n")
    return any(token.type == "fence" and "SENTINEL" in token.content for token in tokens)
