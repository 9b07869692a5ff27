"""Emphasis beside Chinese and Japanese, for readers that keep to CommonMark's letter."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.rendering import repair
from bridge.rendering.loosening import HAIR_SPACE, growth, loosened
from tests.core.rendering.answers import visible
from tests.core.rendering.real import REAL

GAP = HAIR_SPACE


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("**重点：**说明", f"**重点：**{GAP}说明"),
        ("的**“引用”**部分", f"的{GAP}**“引用”**{GAP}部分"),
        ("**`pip`**命令", f"**`pip`**{GAP}命令"),
        ("**[文档](https://a.b)**里", f"**[文档](https://a.b)**{GAP}里"),
        ("***重要。***然后", f"***重要。***{GAP}然后"),
        ("~~删除，~~保留", f"~~删除，~~{GAP}保留"),
        ("重要**（必读", f"重要{GAP}**（必读"),
        ("中文**重点**中文，**末尾：**", "中文**重点**中文，**末尾：**"),
        ("`**重点：**说明`", "`**重点：**说明`"),
        ("价格 2 * 3，**好**", "价格 2 * 3，**好**"),
        ('**"bold"**ly and a**b', '**"bold"**ly and a**b'),
    ],
)
def test_marks_get_the_room_they_need(line: str, expected: str) -> None:
    """Where the letter asks for it and nowhere else; code and English stay as they are."""
    assert loosened(line) == expected
    assert loosened(expected) == expected


WORDS = st.sampled_from(["数据", "分析：", "“引用”", "（注）", "，", "`x`", "ok", "[链接](https://a.b)", "。", "3%"])
LINES = st.lists(st.tuples(WORDS, st.sampled_from(["", "**", "~~"])), min_size=1, max_size=8).map(
    lambda pairs: "".join(f"{mark}{word}{mark}字" for word, mark in pairs)
)


@given(LINES)
@settings(max_examples=100, deadline=None)
def test_no_mark_is_seen(line: str) -> None:
    """A strict reader shows all of it as emphasis, the same words, and no more than was foretold is added."""
    shown = loosened(line)
    assert not set(visible(shown)) & {"*", "~"}
    assert shown.replace(GAP, "") == line
    assert len(shown) <= len(line) + growth(line)


@given(LINES, st.integers(0, 60))
@settings(max_examples=100, deadline=None)
def test_what_is_settled_stays(line: str, end: int) -> None:
    """A line that grows behind a letter keeps what was made of its beginning."""
    beginning = line[: line.find("字", end) + 1]
    assert loosened(line).startswith(loosened(beginning))


@pytest.mark.parametrize("name", ["chinese", "japanese"])
def test_no_mark_flashes_up_while_a_real_answer_grows(name: str) -> None:
    """Repaired and loosened, whatever stage it is at."""
    text = REAL[name]
    for end in range(0, len(text) + 1, 2):
        shown = "\n".join(map(loosened, repair(text[:end]).split("\n")))
        assert "*" not in visible(shown), text[:end]
