"""Child processes that obey lines of JSON on their standard input and answer each with one."""

import json
import subprocess
import sys
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

STOP_TIMEOUT_S = 10.0


class Child:
    """One ``python -m MODULE ARGUMENTS``; leaving the context ends it, by force if it must be."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._command = [sys.executable, "-m", module, *arguments]
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._pipe(self._running.stdin).close()
        try:
            self._running.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._running.kill()
            self._running.wait()
        self._pipe(self._running.stdout).close()

    @property
    def process_id(self) -> int:
        """The process's number."""
        return self._running.pid

    def tell(self, **command: Any) -> None:
        """Give a command whose answer is read later, or has none."""
        pipe = self._pipe(self._running.stdin)
        pipe.write(json.dumps(command) + "\n")
        pipe.flush()

    def answer(self) -> dict[str, Any]:
        """Read the next answer.

        Raises:
            RuntimeError: The process has ended.
        """
        line = self._pipe(self._running.stdout).readline()
        if not line:
            raise RuntimeError(f"{' '.join(self._command)} ended")
        answer = json.loads(line)
        assert isinstance(answer, dict)
        return answer

    def ask(self, **command: Any) -> dict[str, Any]:
        """Give a command and read its answer."""
        self.tell(**command)
        return self.answer()

    @property
    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise RuntimeError("use the process inside 'with'")
        return self._process

    @staticmethod
    def _pipe(pipe: Any) -> Any:
        assert pipe is not None
        return pipe
