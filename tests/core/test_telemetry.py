"""What the operator reads: one line per happening, with context, without secrets, libraries included."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from bridge.operations.telemetry import set_up_logging
from bridge.settings import LogSettings

TOKEN = "xoxb-1234-5678-AbCdEfGh"


@pytest.fixture
def output() -> Iterator[io.StringIO]:
    """Where the log goes; afterwards logging is as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in ("bridge", "adapters", "elsewhere"):
        logging.getLogger(name).setLevel(logging.NOTSET)
    structlog.reset_defaults()


def lines(output: io.StringIO) -> list[dict[str, Any]]:
    """Parse what was written as JSON lines."""
    return [json.loads(line) for line in output.getvalue().splitlines()]


def test_a_line_has_its_context(output: io.StringIO) -> None:
    """Level, logger, time and everything bound round it."""
    set_up_logging(LogSettings(format="json"), stream=output)
    with structlog.contextvars.bound_contextvars(turn="t1", platform="console"):
        structlog.get_logger("bridge.turns.turn").info("turn ended", took_s=1.5, 话="中文")
    (line,) = lines(output)
    assert line.pop("at").endswith("Z")
    assert line == {
        "event": "turn ended",
        "level": "info",
        "logger": "bridge.turns.turn",
        "turn": "t1",
        "platform": "console",
        "took_s": 1.5,
        "话": "中文",
    }


def test_no_secret_is_written(output: io.StringIO) -> None:
    """Not in the sentence, a value, a traceback, or a library's line; configured ones whatever they look like."""
    set_up_logging(LogSettings(format="json"), {"correct horse"}, stream=output)
    log = structlog.get_logger("bridge.x")
    log.warning(f"token {TOKEN}", url=f"https://x/?token={TOKEN}", password="hunter2hunter2", deep={"a": [TOKEN]})
    try:
        raise ValueError(f"battery correct horse {TOKEN}")
    except ValueError:
        log.exception("failed")
    logging.getLogger("some.library").error("sent %s to %s", TOKEN, "correct horse")
    text = output.getvalue()
    assert len(lines(output)) == 3
    assert "Traceback" in text
    assert "ValueError" in text
    for secret in (TOKEN, "AbCdEfGh", "hunter2hunter2", "correct horse"):
        assert secret not in text


def test_libraries_speak_less(output: io.StringIO) -> None:
    """Ours follow the level; a library's info lines appear only while we debug, its debug lines never."""
    set_up_logging(LogSettings(format="json"), stream=output)
    for name in ("bridge.a", "adapters.b", "library"):
        logging.getLogger(name).debug("debug of %s", name)
        logging.getLogger(name).info("info of %s", name)
    assert [line["event"] for line in lines(output)] == ["info of bridge.a", "info of adapters.b"]
    output.truncate(0)
    output.seek(0)
    set_up_logging(LogSettings(format="json", level="debug"), stream=output)
    for name in ("bridge.a", "library"):
        logging.getLogger(name).debug("debug of %s", name)
        logging.getLogger(name).info("info of %s", name)
    assert [line["event"] for line in lines(output)] == ["debug of bridge.a", "info of bridge.a", "info of library"]


def test_another_package_can_be_ours(output: io.StringIO) -> None:
    """An adapter that somebody else brought speaks as ours do."""
    set_up_logging(LogSettings(format="json"), stream=output, packages=("bridge", "elsewhere"))
    logging.getLogger("elsewhere.adapter").info("hello")
    assert [line["event"] for line in lines(output)] == ["hello"]


def test_people_read_plain_lines(output: io.StringIO) -> None:
    """The console form is no JSON, and without a terminal it has no colours."""
    set_up_logging(LogSettings(format="console"), stream=output)
    structlog.get_logger("bridge.a").info("connected", adapter="x")
    assert "connected" in output.getvalue()
    assert "adapter=x" in output.getvalue()
    assert "\x1b[" not in output.getvalue()


def test_setting_up_twice_writes_once(output: io.StringIO) -> None:
    """The second call replaces the first."""
    set_up_logging(LogSettings(format="json"), stream=io.StringIO())
    set_up_logging(LogSettings(format="json"), stream=output)
    structlog.get_logger("bridge.a").info("once")
    assert len(lines(output)) == 1
