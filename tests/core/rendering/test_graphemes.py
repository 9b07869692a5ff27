"""Where text may be cut: whole characters, whole lines of Chinese and Japanese."""

import pytest

from bridge.rendering.graphemes import boundary_at_or_before, is_boundary, is_cjk, may_break_cjk

CLUSTERS = [
    "e\u0301",
    "👨‍👩‍👧‍👦",
    "👍🏽",
    "🇨🇳",
    "❤️",
    "1\ufe0f\u20e3",
    "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "한",
    "각",
    "क्षि",
    "ກໍ",
    "\r\n",
    "\ud83d\ude00",
]


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_a_cluster_is_never_broken(cluster: str) -> None:
    """What looks like one character has no place for a cut inside, and one on either side."""
    text = f"a{cluster}b"
    assert [at for at in range(len(text) + 1) if is_boundary(text, at)] == [0, 1, 1 + len(cluster), len(text)]


def test_flags_are_cut_in_pairs() -> None:
    """Three flags in a row can be cut between flags only."""
    assert [at for at in range(7) if is_boundary("🇨🇳🇩🇪🇫🇷", at)] == [0, 2, 4, 6]


def test_a_line_break_ends_every_cluster() -> None:
    """A joiner at the beginning of a line belongs to nothing before it."""
    assert is_boundary("a\n\u200db", 2)


def test_the_boundary_before_a_place_is_found() -> None:
    """Going back from inside a cluster ends at its beginning."""
    assert boundary_at_or_before("ab👨‍👩‍👧c", 5) == 2


@pytest.mark.parametrize(
    ("text", "at", "allowed"),
    [
        ("中文", 1, True),
        ("中，文", 1, False),
        ("中，文", 2, True),
        ("（中", 1, False),
        ("中）", 1, False),
        ("“中", 1, False),
        ("中A", 1, True),
        ("AB", 1, False),
        ("データ", 1, False),
        ("のデ", 1, True),
        ("안녕", 1, False),
        ("中", 0, False),
        ("中", 1, False),
    ],
)
def test_chinese_and_japanese_lines_break_by_their_rules(text: str, at: int, *, allowed: bool) -> None:
    """No closing mark begins a line, no opening mark ends one, loan words and Korean words stay whole."""
    assert may_break_cjk(text, at) is allowed


def test_wide_characters_are_told_from_korean() -> None:
    """Korean is wide too but has spaces."""
    assert [is_cjk(character) for character in "中，a안あ"] == [True, True, False, False, True]
