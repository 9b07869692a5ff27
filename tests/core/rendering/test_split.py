"""One answer as parts that fit: nothing lost, nothing broken that belongs together."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.model import PartRules
from bridge.rendering import LEAST_LIMIT, NOTHING, Carry, repair, split
from bridge.rendering.graphemes import is_boundary
from tests.core.rendering.answers import (
    code_blocks,
    documents,
    leaves_fence_open,
    rules,
    soups,
    squeezed,
    utf16_units,
    visible,
)
from tests.core.rendering.real import REAL


def bodies(text: str, limit: int) -> list[str]:
    return [part.body for part in split(text, PartRules(limit))]


def texts(text: str, limit: int) -> list[str]:
    return [part.text for part in split(text, PartRules(limit))]


@given(st.one_of(soups(), documents(12), st.text(max_size=300)), rules())
@settings(max_examples=250, deadline=None)
def test_nothing_is_lost_and_everything_fits(text: str, rules: PartRules) -> None:
    """Bodies put together are the text; every part fits, also repaired; no fence is left open; no part is blank."""
    parts = split(text, rules)
    assert "".join(part.body for part in parts) == text
    assert [part.index for part in parts] == list(range(len(parts)))
    for part in parts:
        assert part.body
        assert rules.measure(part.text) <= rules.limit
        assert rules.measure(repair(part.text)) <= rules.limit
        assert not leaves_fence_open(part.text)
        assert part.text.strip() or len(parts) == 1


@given(soups(), st.integers(200, 1000))
@settings(max_examples=100, deadline=None)
def test_characters_stay_whole(text: str, limit: int) -> None:
    """No part ends inside a grapheme cluster."""
    at = 0
    for body in bodies(text, limit):
        at += len(body)
        assert is_boundary(text, at)


@given(documents(8), st.integers(200, 600))
@settings(max_examples=30, deadline=None)
def test_code_stays_code_in_its_language(text: str, limit: int) -> None:
    """As an independent parser reads the parts, each a document of its own: the same code, under the same names."""
    whole = code_blocks(text)
    parts = [block for shown in texts(text, limit) for block in code_blocks(shown)]
    assert squeezed("".join(code for _, code in parts)) == squeezed("".join(code for _, code in whole))
    assert {language for language, _ in parts} == {language for language, _ in whole}


@pytest.mark.parametrize("limit", [250, 333, 500, 777])
@pytest.mark.parametrize("text", REAL.values(), ids=REAL.keys())
def test_real_answers_read_the_same_in_parts(text: str, limit: int) -> None:
    """Readers of the parts see the words of the whole: no mark more, none less."""
    assert squeezed("".join(map(visible, texts(text, limit)))) == squeezed(visible(text))


@given(st.text(st.sampled_from("\ud83d\ude00a字 \u200d\ufe0f👩‍👧🇩🇪\u0301\n"), max_size=400), st.integers(40, 80))
@settings(max_examples=60, deadline=None)
def test_surrogates_are_survived_and_pairs_stay_whole(text: str, limit: int) -> None:
    """A broken encoder may send them; nothing is lost, and two that belong together are not parted."""
    found = bodies(text, limit)
    assert "".join(found) == text
    ends = [body[-1] for body in found[:-1]]
    begins = [body[0] for body in found[1:]]
    assert not any(a == "\ud83d" and b == "\ude00" for a, b in zip(ends, begins, strict=True))


def test_an_empty_text_has_no_parts() -> None:
    """Nothing to show, no message."""
    assert split("", PartRules(100)) == []


def test_a_text_that_fits_is_one_part_as_it_is() -> None:
    """No repair where none is needed."""
    (part,) = split("Hello **world**.\n", PartRules(100))
    assert (part.index, part.body, part.text) == (0, "Hello **world**.\n", "Hello **world**.\n")


def test_a_limit_without_room_is_refused() -> None:
    """The mistake is told at once, with the number."""
    with pytest.raises(ValueError, match=str(LEAST_LIMIT)):
        split("text", PartRules(LEAST_LIMIT - 1))


def test_parts_can_continue_others() -> None:
    """The index and what was open are handed in."""
    (part,) = split("x = 1\n```", PartRules(100), carried=Carry("```py\n"), first_index=3)
    assert (part.index, part.body, part.text) == (3, "x = 1\n```", "```py\nx = 1\n```")
    assert split("a", PartRules(100), carried=NOTHING)[0].index == 0


# --- where it is cut ---


def test_a_blank_line_is_the_best_place() -> None:
    """A paragraph that would be cut moves to the next part."""
    first, second = "One sentence. " * 5 + "End.\n\n", "Another one. " * 5
    assert bodies(first + second, 110) == [first, second]


def test_a_blank_line_too_early_is_not() -> None:
    """A part is not cut short for it; the end of a sentence serves."""
    text = "Hi.\n\n" + "Some words make a sentence. " * 10
    assert bodies(text, 120)[0] == "Hi.\n\n" + "Some words make a sentence. " * 3


def test_a_heading_is_not_left_behind() -> None:
    """It goes with the text it announces."""
    text = "Words of the paragraph before it, quite a few.\n\n## Title\n\n" + "More words, which are many. " * 4
    assert bodies(text, 90)[1].startswith("## Title")


def test_words_with_a_colon_are_not_left_behind() -> None:
    """Nor is a line that announces a list, in Chinese as well."""
    text = (
        "前面的一段话说明了一些情况，这里就不再重复介绍了。\n\n步骤如下：\n\n"
        + "1. 安装所需要的软件\n2. 启动服务程序\n"
    )
    assert bodies(text, 64)[1].startswith("步骤如下：")


def test_list_items_stay_whole() -> None:
    """The cut lies between items."""
    items = [f"- item number {number} with some words to fill the line\n" for number in range(8)]
    for body in bodies("".join(items), 130):
        assert body.startswith("- item")
        assert body.endswith("line\n")


def test_chinese_is_cut_behind_a_sentence() -> None:
    """There are no spaces; the full stop is the place."""
    text = "首先，我们需要分析这个问题。这是一个比较复杂的问题，需要从多个角度来考虑！" * 8
    assert all(body[-1] in "。！" for body in bodies(text, 80))


def test_chinese_without_any_mark_is_cut_between_characters() -> None:
    """A closing mark never begins a part."""
    text = "数据（" + "字" * 44 + "）" + "文" * 60
    first, *_ = bodies(text, 64)
    assert len(first) > 40
    assert not any(body.startswith(("）", "。")) for body in bodies(text, 64))


def test_japanese_loan_words_stay_whole() -> None:
    """A run of Katakana is one word."""
    text = (
        "これはとても長い文章なので途中で切れる可能性があるけれども"
        + "コンピューター"
        + "の話を続けることにするとしようではないかと思うので" * 2
    )
    assert "コンピューター" in "|".join(bodies(text, 64))


def test_english_is_cut_between_words() -> None:
    """Without any mark, spaces are left."""
    text = "word and another " * 20
    assert all(body.endswith(" ") for body in bodies(text, 64))


def test_numbers_are_not_taken_for_ends_of_sentences() -> None:
    """The part goes on behind the number of a list item, or one with a dot."""
    for number in ("1. ", "2.5 "):
        assert len(bodies("word " * 9 + number + "word " * 20, 80)[0]) > 55


def test_the_next_part_does_not_seem_to_begin_with_a_list() -> None:
    """A dash between words is not put at a beginning, where it would be a list."""
    text = "a - b " * 40
    assert not any(body.startswith("- ") for body in bodies(text, 64))


# --- what stays whole ---


@pytest.mark.parametrize(
    "piece",
    [
        "[the label](https://example.com/a_b)",
        "`some inline code`",
        "``some ` code``",
        "**bold words here**",
        "<https://example.com/x>",
        "https://example.com/some/path_x",
        "![picture](https://example.com/p.png)",
        "~~no longer true~~",
        "&hellip;",
        "👨‍👩‍👧‍👦",
        "**重要的内容在这里**",
    ],
)
def test_a_piece_that_fits_is_never_cut(piece: str) -> None:
    """Wherever it happens to lie, it is in one part."""
    for before in range(30, 64):
        text = "x" * 5 + " word" * (before // 5) + "字" * (before % 5) + piece + " and then more words follow here" * 2
        assert any(piece in body for body in bodies(text, 64)), text


def test_a_link_longer_than_a_part_is_cut_at_last() -> None:
    """Nothing else is possible, and nothing is lost."""
    text = "[label](https://example.com/" + "x" * 300 + ")"
    assert len(bodies(text, 64)) > 4
    assert "".join(bodies(text, 64)) == text


def test_one_cluster_longer_than_a_part_is_cut_at_last() -> None:
    """A thousand accents on a letter do not stop an answer."""
    text = "a" + "\u0301" * 1000
    assert "".join(bodies(text, 64)) == text


def test_long_emphasis_is_closed_and_opened_anew() -> None:
    """Bold over several parts is bold in each of them."""
    shown = texts("**" + "words in bold " * 20 + "end** plain", 100)
    assert len(shown) > 2
    assert all(text.startswith("**w") for text in shown[:-1])
    assert all(text.rstrip().endswith("**") for text in shown[:-1])
    assert shown[-1].endswith("end** plain")


def test_marks_that_nothing_closes_are_not_repeated() -> None:
    """The next part does not show them raw."""
    text = "a *b " + "words without end " * 8 + "\n\nnew paragraph"
    assert not texts(text, 100)[-1].startswith("*")


def test_long_inline_code_is_closed_and_opened_anew() -> None:
    """The same for code."""
    shown = texts("`" + "code and more " * 20 + "end`", 100)
    assert all(text.startswith("`") and text.rstrip().endswith("`") for text in shown)


# --- fences ---


def test_a_fence_is_closed_and_opened_with_its_language() -> None:
    """Each part is a code block of its own; bodies know nothing of it."""
    code = "".join(f"line_{number} = {number}\n" for number in range(20))
    parts = split(f"```python\n{code}```\nAfter.", PartRules(120))
    assert "".join(part.body for part in parts) == f"```python\n{code}```\nAfter."
    assert all(part.text.startswith("```python\nline_") for part in parts)
    assert all(part.text.endswith("\n```") for part in parts[:-1])
    assert parts[-1].text.endswith("```\nAfter.")


def test_a_line_that_only_looks_like_a_closing_fence_closes_nothing() -> None:
    """With words behind the marks it is code."""
    shown = texts("```\n" + "```not a close\n" * 12 + "```", 80)
    assert all(text.startswith("```\n```not") and text.endswith("\n```") for text in shown)


def test_tildes_and_longer_fences_keep_their_marks() -> None:
    """What is reopened holds what it held before."""
    shown = texts("~~~~md\n" + "```\nx\n```\n" * 10 + "~~~~", 90)
    assert all(text.startswith("~~~~md\n") and text.endswith("\n~~~~") for text in shown)


def test_a_very_long_language_is_left_out() -> None:
    """The opening line must not fill the part."""
    shown = texts("```" + "x" * 60 + "\n" + "code line\n" * 20 + "```", 100)
    assert shown[1].startswith("```\ncode line")


def test_code_is_cut_at_its_blank_lines() -> None:
    """Functions stay whole where they can."""
    function = "def name():\n    one = 1\n    return one\n\n"
    shown = texts("```py\n" + function * 6 + "```", 120)
    assert all(text.startswith("```py\ndef name") for text in shown)


def test_a_long_line_of_code_is_cut_inside_the_fence() -> None:
    """As the last resort, and still as code."""
    shown = texts("```\n" + "x" * 200 + "\n```", 80)
    assert all(text.startswith("```\n") and text.endswith("\n```") for text in shown)


def test_a_fence_that_would_fit_moves_whole() -> None:
    """It is not cut where the text before it fills half a part."""
    text = "Some words before the code, and then some more of them.\n\n```py\none = 1\ntwo = 2\nthree = 3\n```\n"
    assert bodies(text, 90)[1].startswith("```py")


def test_a_fence_in_a_quote_is_reopened_in_a_quote() -> None:
    """The quote marks belong to the opening and to the closing line."""
    shown = texts("> ```py\n" + "> some = 'code'\n" * 10 + "> ```\n", 90)
    assert all(text.startswith("> ```py\n> some") and text.rstrip().endswith("> ```") for text in shown)


def test_a_fence_in_a_list_loses_its_indentation() -> None:
    """Without its list item it would not be a fence; the code keeps its own indentation."""
    text = "1. First:\n\n   ```py\n" + "   if a:\n       b = 1\n" * 8 + "   ```\n2. Second"
    parts = split(text, PartRules(90))
    assert "".join(part.body for part in parts) == text
    assert parts[1].text.startswith("```py\nif a:\n    b = 1\n")
    assert parts[2].text.endswith("\n    b = 1\n```\n")


# --- lists, quotes, tables ---


def test_nested_items_lose_the_indentation_of_a_list_left_behind() -> None:
    """Four spaces at the beginning of a message would make code of them."""
    text = "1. First item\n" + "".join(f"    - nested item {number} has words\n" for number in range(6)) + "2. Second\n"
    shown = texts(text, 90)
    assert len(shown) > 2
    assert not any(text.startswith("    ") for text in shown)
    assert shown[-1].endswith("2. Second\n")


def test_a_quote_cut_inside_a_line_stays_a_quote() -> None:
    """The mark is shown again."""
    assert all(text.startswith("> ") for text in texts("> " + "quoted words go on " * 12, 80))


TABLE = "| 名称 | value |\n| --- | --- |\n" + "".join(f"| 项目{number} | number {number} |\n" for number in range(5))


def test_a_table_that_fits_is_not_cut() -> None:
    """It moves to the next part, however short this one gets."""
    for words in range(1, 12):
        text = "Words of an introduction.\n" * words + "\n" + TABLE + "\nEnd."
        assert any(TABLE in body for body in bodies(text, 190)), words


def test_a_table_right_behind_words_is_not_cut_either() -> None:
    """Without a blank line before it, too; and its introduction comes along if it can."""
    text = "A paragraph of words that fills most of this part. " * 2 + "\n\n如下表：\n" + TABLE
    assert any(("如下表：\n" + TABLE) in body for body in bodies(text, 190))


def test_a_table_longer_than_a_part_is_cut_between_rows_and_its_header_repeated() -> None:
    """Each part is a table of its own."""
    rows = "".join(f"| item {number} | value {number} |\n" for number in range(30))
    parts = split("| a | b |\n|---|---|\n" + rows, PartRules(150))
    assert all(part.text.startswith("| a | b |\n|---|---|\n| item") for part in parts)
    assert "".join(part.body for part in parts).endswith(rows)


def test_a_wide_header_is_not_repeated() -> None:
    """It must not fill the part."""
    header = "| " + "wide header " * 6 + " | b |\n|---|---|\n"
    shown = texts(header + "| item | value of it |\n" * 12, 150)
    assert shown[1].startswith("| item")


# --- other measures ---


def test_units_are_the_platforms() -> None:
    """An emoji is two UTF-16 units: half as many fit."""
    assert len(split("😀" * 100, PartRules(112, utf16_units))) == 2
    assert len(split("😀" * 100, PartRules(112))) == 1


@given(soups(), st.integers(64, 300))
@settings(max_examples=60, deadline=None)
def test_a_measure_that_jumps_is_held_too(text: str, limit: int) -> None:
    """A platform may count more than characters, for example a share for every block."""

    def measure(shown: str) -> int:
        return max(len(shown), 7 * shown.count("\n\n"), 11 * shown.count("```"))

    parts = split(text, PartRules(limit, measure))
    assert "".join(part.body for part in parts) == text
    assert all(measure(part.text) <= limit for part in parts)


@pytest.mark.parametrize("filler", ["\n", " ", "\t", "\u3000", "\r\n", " \n"])
def test_a_flood_of_blanks_makes_no_blank_part(filler: str) -> None:
    """Platforms refuse a message without anything to see; nobody misses the blanks."""
    text = "a" + filler * 3000 + "b" + filler * 3000
    parts = split(text, PartRules(100))
    assert "".join(part.body for part in parts) == text
    assert [part.text.strip() for part in parts] == ["a", "b"]
