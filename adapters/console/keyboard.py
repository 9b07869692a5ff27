"""Lines from standard input, without a thread and without changing how the terminal works.

A thread that waits in ``readline`` cannot be ended, and a descriptor switched to non-blocking takes the program's own
output with it, because a terminal's input and output are one. So the event loop only tells when there is something to
read; then one ordinary ``read`` returns at once.
"""

import asyncio
import codecs
import os
import stat

from adapters.console.limits import LINE_MAX_CHARS, READ_BYTES


class Keyboard:
    """Reads lines from a terminal, a pipe or a file."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        # Files are always ready, and the system refuses to watch them.
        self._watchable = not stat.S_ISREG(os.fstat(descriptor).st_mode)
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._text = ""
        self._ended = False

    async def read_line(self) -> str | None:
        """Return the next line without its end, or ``None`` at the end. Cancelling loses nothing."""
        while "\n" not in self._text and len(self._text) < LINE_MAX_CHARS and not self._ended:
            await self._wait_until_readable()
            content = os.read(self._descriptor, READ_BYTES)
            self._ended = not content
            self._text += self._decoder.decode(content, final=self._ended)
        if not self._text:
            return None
        line, _, self._text = self._text.partition("\n")
        return line.removesuffix("\r")

    async def _wait_until_readable(self) -> None:
        if not self._watchable:
            return
        loop, readable = asyncio.get_running_loop(), asyncio.Event()
        try:
            loop.add_reader(self._descriptor, readable.set)
        except PermissionError:  # a device that cannot be watched, such as /dev/null
            self._watchable = False
            return
        try:
            await readable.wait()
        finally:
            loop.remove_reader(self._descriptor)
