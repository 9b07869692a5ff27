"""What people write after a workflow's name, in the ways they write it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model import ValueKind
from bridge.texts import Say
from bridge.workflows.arguments import QUOTES, parse_arguments
from bridge.workflows.values import Problem, Rules, read_value

TRANSLATE = {"text": Rules("text", ValueKind.TEXT), "lang": Rules("lang")}
TRIP = {
    "city": Rules("city"),
    "days": Rules("days", ValueKind.INTEGER, min=1, max=30),
    "hotel": Rules("hotel", ValueKind.BOOLEAN),
    "class": Rules("class", ValueKind.CHOICE, ("Economy", "Business")),
    "tags": Rules("tags", many=True),
}
PHOTO = {"image": Rules("image", ValueKind.IMAGE), "note": Rules("note")}


def values(text: str, rules: dict[str, Rules], *required: str) -> dict[str, Any]:
    """Read a line that must be fine."""
    found = parse_arguments(text, rules, required)
    assert found.problems == ()
    return dict(found.values)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("text=Hello lang=fr", {"text": "Hello", "lang": "fr"}),
        ("text=Good morning lang=fr", {"text": "Good morning", "lang": "fr"}),
        ("lang=fr Good morning", {"text": "Good morning", "lang": "fr"}),
        ("lang=fr “Good morning”", {"text": "Good morning", "lang": "fr"}),
        ("Good morning lang=fr", {"text": "Good morning", "lang": "fr"}),
        ("lang=fr text=Good morning", {"text": "Good morning", "lang": "fr"}),
        ('text="Good morning" lang="fr"', {"text": "Good morning", "lang": "fr"}),
        ("text=“早上好，world” lang＝fr", {"text": "早上好，world", "lang": "fr"}),
        ("text：「你好 世界」，lang：fr", {"text": "你好 世界", "lang": "fr"}),
        ("TEXT = hi , Lang = fr", {"text": "hi", "lang": "fr"}),
        ("text=hi，lang=fr", {"text": "hi", "lang": "fr"}),
        ("“Good morning”", {"text": "Good morning"}),
        ('say "hi" to him', {"text": 'say "hi" to him'}),
        ('"hi" he said', {"text": '"hi" he said'}),
        ("it's 5 o'clock", {"text": "it's 5 o'clock"}),
        ("text='tis fine lang=fr", {"text": "'tis fine", "lang": "fr"}),
        (r'text="a \"b\" \\ c"', {"text": 'a "b" \\ c'}),
        ("1+1=2 and E=mc2: why?", {"text": "1+1=2 and E=mc2: why?"}),
        ("see https://x.io/?lang=fr", {"text": "see https://x.io/?lang=fr"}),
        ("lang=py\ndef f():\n    return 1", {"lang": "py", "text": "def f():\n    return 1"}),
        ("def f():\n    return 1", {"text": "def f():\n    return 1"}),
        ("lang= hello", {"lang": "hello"}),
        ("", {}),
        (" \u3000 ", {}),
    ],
)
def test_a_text_and_its_language(text: str, expected: dict[str, Any]) -> None:
    """Keys, positions, quotes of every keyboard; a text keeps what it holds."""
    assert values(text, TRANSLATE, "text") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Paris", {"city": "Paris"}),
        ("city=New York days=３ hotel=是", {"city": "New York", "days": 3, "hotel": True}),
        ("days=3 New York", {"city": "New York", "days": 3}),
        (
            "Paris class=business tags=art, wine，bread",
            {"city": "Paris", "class": "Business", "tags": ["art", "wine", "bread"]},
        ),
        ('Paris tags=["a b","c"]', {"city": "Paris", "tags": ["a b", "c"]}),
        ("Paris tags=a b、c", {"city": "Paris", "tags": ["a b", "c"]}),
    ],
)
def test_typed_values(text: str, expected: dict[str, Any]) -> None:
    """Numbers, yes and no, choices, lists."""
    assert values(text, TRIP, "city") == expected


def test_a_link_needs_no_key() -> None:
    """An address is no key, whatever its colon."""
    assert values("<https://x.io/a.png>", PHOTO, "image") == {"image": "https://x.io/a.png"}
    assert values("https://x.io/a.png note=a cat", PHOTO, "image") == {"image": "https://x.io/a.png", "note": "a cat"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Paris days=soon", [Say.VALUE_NOT_INTEGER]),
        ("Paris days=0", [Say.VALUE_TOO_SMALL]),
        ("Paris days=31", [Say.VALUE_TOO_LARGE]),
        ("Paris hotel=perhaps", [Say.VALUE_NOT_BOOLEAN]),
        ("Paris class=first", [Say.VALUE_NOT_CHOICE]),
        ("Paris dayz=3", [Say.ARGUMENT_UNKNOWN]),
        ("city=Paris city=Rome", [Say.ARGUMENT_TWICE]),
        ("days=3 city=Paris hotel=yes please", [Say.ARGUMENT_NOWHERE]),
        ('city="Paris days=3', [Say.ARGUMENT_UNCLOSED]),
        ("Paris days=x hotel=maybe", [Say.VALUE_NOT_INTEGER, Say.VALUE_NOT_BOOLEAN]),
    ],
)
def test_mistakes(text: str, says: list[Say]) -> None:
    """Everything that is wrong is said at once."""
    found = parse_arguments(text, TRIP, ["city"])
    assert [problem.say for problem in found.problems] == says
    for problem in found.problems:
        assert problem.sentence("en") != problem.sentence("zh-CN")


def test_words_for_nobody() -> None:
    """With two values missing a bare word could be either; a workflow without parameters takes none."""
    found = parse_arguments("hello", TRANSLATE, ["text", "lang"])
    assert [problem.say for problem in found.problems] == [Say.ARGUMENT_NOWHERE]
    assert [problem.say for problem in parse_arguments("hello", {}, []).problems] == [Say.ARGUMENT_NONE]
    assert values("", {}) == {}


def test_the_only_parameter_needs_no_key() -> None:
    """Even when it is not required."""
    assert values("hello there", {"text": Rules("text")}) == {"text": "hello there"}


@pytest.mark.parametrize("kind", [ValueKind.IMAGE, ValueKind.FILE])
@pytest.mark.parametrize("text", ["ftp://x", "cat.png", "https://a b", "javascript:alert(1)"])
def test_files_are_links(kind: ValueKind, text: str) -> None:
    """Nothing else can be handed on."""
    assert isinstance(read_value(text, Rules("x", kind)), Problem)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (ValueKind.NUMBER, "１.５", 1.5),
        (ValueKind.NUMBER, "-2", -2),
        (ValueKind.NUMBER, "1,234.5", 1234.5),
        (ValueKind.INTEGER, "1,234", 1234),
        (ValueKind.INTEGER, "+7", 7),
        (ValueKind.BOOLEAN, "否", False),
        (ValueKind.BOOLEAN, "ＯＮ", True),
        (ValueKind.JSON, '{"a":[1]}', {"a": [1]}),
    ],
)
def test_readable_values(kind: ValueKind, text: str, value: object) -> None:
    """In the forms people write them."""
    assert read_value(text, Rules("x", kind)) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (ValueKind.NUMBER, "nan"),
        (ValueKind.NUMBER, "1e999"),
        (ValueKind.NUMBER, "1,5"),
        (ValueKind.NUMBER, "1_0"),
        (ValueKind.INTEGER, "1.5"),
        (ValueKind.INTEGER, "٣x"),
        (ValueKind.JSON, "{a}"),
    ],
)
def test_unreadable_values(kind: ValueKind, text: str) -> None:
    """Rather a question than a guess."""
    assert isinstance(read_value(text, Rules("x", kind)), Problem)


def test_texts_have_a_length() -> None:
    """One character too many is told with both numbers."""
    problem = read_value("x" * 11, Rules("x", max_length=10))
    assert isinstance(problem, Problem)
    assert "10" in problem.sentence("en")
    assert "11" in problem.sentence("en")


@given(st.text(min_size=1).filter(str.strip), st.text(min_size=1).filter(str.strip))
def test_whatever_is_quoted_comes_back(text: str, lang: str) -> None:
    """Straight quotes with escapes carry any text."""

    def quoted(value: str) -> str:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    assert values(f"lang={quoted(lang)} text={quoted(text)}", TRANSLATE) == {"text": text, "lang": lang}


@given(st.text(alphabet=st.sampled_from("text lang=＝:： ,，\"'“”「」\\\n５a是")))
def test_nothing_breaks_it(line: str) -> None:
    """Any line gives values or problems, never an error."""
    for problem in parse_arguments(line, TRANSLATE, ["text"]).problems:
        assert problem.sentence("zh")


def test_quotes_come_in_pairs() -> None:
    """Each opening sign has one closing sign."""
    assert all(len(opening) == len(closing) == 1 for opening, closing in QUOTES.items())
