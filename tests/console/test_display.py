"""What appears: bare text in a pipe, drawn Markdown on a terminal."""

import io

from rich.console import Console

from adapters.console.display import PlainDisplay, RichDisplay
from bridge.model import View


def test_plain_text_grows_line_by_line() -> None:
    """Finished lines are printed at once, the rest at the end, each word once."""
    output = io.StringIO()
    display = PlainDisplay(output)
    display.begin("thinking")
    display.show(0, View("one\ntw", live=True))
    assert output.getvalue() == "one\n"
    display.show(0, View("one\ntwo **b**", live=True))
    display.show(0, View("one\ntwo **bold**", footer="(interrupted)"))
    display.end()
    display.end()
    assert output.getvalue() == "one\ntwo **bold**\n(interrupted)\n"


def test_plain_parts_follow_each_other() -> None:
    """A new part finishes the one before."""
    output = io.StringIO()
    display = PlainDisplay(output)
    display.show(0, View("first ", live=True))
    display.show(1, View("second"))
    display.end()
    assert output.getvalue() == "first second\n"


def test_plain_output_has_no_status() -> None:
    """Prompts, spinners and hints are for people."""
    output = io.StringIO()
    display = PlainDisplay(output)
    display.prompt()
    display.begin("thinking")
    display.tick()
    display.hint("waiting")
    display.end()
    assert output.getvalue() == ""
    display.remark("help")
    assert output.getvalue() == "help\n"


def drawn(output: io.StringIO) -> str:
    """What was written, without the movements."""
    return output.getvalue()


def test_markdown_is_drawn() -> None:
    """The status is shown first, the markup becomes style, the footer stands below."""
    output = io.StringIO()
    display = RichDisplay(Console(file=output, force_terminal=True, width=40, height=10))
    display.prompt()
    display.begin("… thinking")
    display.tick()
    assert "thinking" in drawn(output)
    display.show(0, View("some **bold** text", live=True))
    display.show(0, View("some **bold** text", footer="stopped"))
    display.end()
    final = drawn(output).rpartition("\x1b[2K")[2]
    assert "\x1b[1mbold\x1b[0m" in final
    assert "**" not in final
    assert "stopped" in final


def test_a_long_answer_shows_its_end_while_it_grows_and_all_of_it_at_the_end() -> None:
    """The newest words are in view; when the answer is whole nothing is missing."""
    output = io.StringIO()
    display = RichDisplay(Console(file=output, force_terminal=True, width=40, height=10))
    display.begin("")
    text = "\n".join(f"- item {number}" for number in range(50))
    display.show(0, View(text, live=True))
    assert "item 49" in drawn(output)
    assert "item 10" not in drawn(output)
    display.show(1, View("next part"))
    display.end()
    assert all(f"item {number}" in drawn(output) for number in range(50))
    assert drawn(output).count("next part") == 2
