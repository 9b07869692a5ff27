"""Lines from pipes, files, terminals and devices, without a thread."""

import asyncio
import os
import pty
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.console.keyboard import Keyboard

DEADLINE_S = 10.0


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe: where to read, where to write."""
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            continue


async def read_all(keyboard: Keyboard) -> list[str]:
    """Read until the end, at most for a while."""
    lines = []
    async with asyncio.timeout(DEADLINE_S):
        while (line := await keyboard.read_line()) is not None:
            lines.append(line)
    return lines


async def test_lines_of_a_pipe(pipe: tuple[int, int]) -> None:
    """Line ends of both kinds, a last line without one, characters of any width."""
    reading, writing = pipe
    os.write(writing, "one\r\n\n你好 🌅\nlast".encode())
    os.close(writing)
    assert await read_all(Keyboard(reading)) == ["one", "", "你好 🌅", "last"]


async def test_a_character_may_arrive_in_pieces(pipe: tuple[int, int]) -> None:
    """Bytes come as they come; what is no text is replaced."""
    reading, writing = pipe
    keyboard = Keyboard(reading)
    async with asyncio.TaskGroup() as tasks:
        line = tasks.create_task(keyboard.read_line())
        for byte in "好\n".encode():
            os.write(writing, bytes([byte]))
            await asyncio.sleep(0)
    assert line.result() == "好"
    os.write(writing, b"\xff!\n")
    assert await keyboard.read_line() == "\ufffd!"


async def test_waiting_can_be_cancelled(pipe: tuple[int, int]) -> None:
    """Nothing is left behind, and what comes later is still read."""
    reading, writing = pipe
    keyboard, threads = Keyboard(reading), threading.active_count()
    os.write(writing, b"half")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await keyboard.read_line()
    assert threading.active_count() == threads
    assert asyncio.get_running_loop().remove_reader(reading) is False
    os.write(writing, b" a line\n")
    assert await keyboard.read_line() == "half a line"


async def test_lines_of_a_file_and_of_nothing(tmp_path: Path) -> None:
    """Files and devices that cannot be watched are read as they are."""
    path = tmp_path / "questions.txt"
    path.write_text("a\nb\n", encoding="utf-8")
    for source, lines in ((str(path), ["a", "b"]), (os.devnull, [])):
        descriptor = os.open(source, os.O_RDONLY)
        try:
            assert await read_all(Keyboard(descriptor)) == lines
        finally:
            os.close(descriptor)


async def test_lines_of_a_terminal() -> None:
    """What is typed arrives line by line; Ctrl-D ends; the terminal stays as it was."""
    keys, terminal = pty.openpty()
    try:
        keyboard = Keyboard(terminal)
        os.write(keys, b"typed\n")
        assert await keyboard.read_line() == "typed"
        assert os.get_blocking(terminal)
        os.write(keys, b"\x04")
        async with asyncio.timeout(DEADLINE_S):
            assert await keyboard.read_line() is None
    finally:
        os.close(keys)
        os.close(terminal)
