"""What is typed: bytes from a terminal, a pipe or a file become lines, with the little editing a line needs."""

import asyncio
import codecs
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

READ_BYTES = 4096
ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|O.|.)?", re.DOTALL)
"""Arrow keys and their like, which mean nothing here."""
BACKSPACES, END_OF_INPUT, CLEAR_LINE, CLEAR_WORD = "\x7f\b", "\x04", "\x15", "\x17"


class Keyboard:
    """Reads a descriptor without a thread: the event loop tells when one ordinary ``read`` returns at once."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._watchable = not stat.S_ISREG(os.fstat(descriptor).st_mode)  # files are always ready
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    async def read(self) -> str | None:
        """Return what was typed since the last call; ``None`` at the end."""
        while True:
            await self._readable()
            content = os.read(self._descriptor, READ_BYTES)
            if not content:
                return None
            if text := self._decoder.decode(content):
                return text

    async def _readable(self) -> None:
        if not self._watchable:
            return
        loop, ready = asyncio.get_running_loop(), asyncio.Event()
        try:
            loop.add_reader(self._descriptor, ready.set)
        except PermissionError:  # a device nobody can watch, such as /dev/null
            self._watchable = False
            return
        try:
            await ready.wait()
        finally:
            loop.remove_reader(self._descriptor)


class LineEditor:
    """The line being typed. Pure: text in, finished lines out.

    Attributes:
        text: The unfinished line.
        ended: The end was typed on an empty line.
    """

    def __init__(self) -> None:
        self.text = ""
        self.ended = False

    def feed(self, typed: str) -> list[str]:
        """Apply what was typed and return the lines it finished."""
        finished: list[str] = []
        for character in ESCAPES.sub("", typed):
            if character in "\r\n":
                finished.append(self.text)
                self.text = ""
            elif character in BACKSPACES:
                self.text = self.text[:-1]
            elif character == CLEAR_LINE:
                self.text = ""
            elif character == CLEAR_WORD:
                self.text = self.text.rstrip().rpartition(" ")[0]
            elif character == END_OF_INPUT:
                self.ended = self.ended or not self.text
            elif character.isprintable() or character == "\t":
                self.text += character.replace("\t", " ")
        return finished

    def finish(self) -> list[str]:
        """Return the last line, which had no end."""
        left, self.text = self.text, ""
        return [left] if left else []


@contextmanager
def key_by_key(descriptor: int) -> Iterator[None]:
    """Let a terminal hand over each key at once and not show it; ctrl-C stays what it is."""
    import termios
    import tty

    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor, termios.TCSANOW)
        yield
    finally:
        with suppress(termios.error):
            termios.tcsetattr(descriptor, termios.TCSANOW, before)
