"""One process at a time: an OS lock on a small file beside the store.

The lock belongs to the open file, so the operating system frees it however the process ends. The file itself stays;
its content only tells people who holds the lock, and means nothing when nobody does.
"""

import os
import socket
from contextlib import suppress
from pathlib import Path

import msgspec

from bridge.errors import StoreUnavailable
from bridge.stores import failures
from bridge.stores.database import make_folder


class Holder(msgspec.Struct):
    """Who holds a store. ``since`` is unix seconds."""

    pid: int = 0
    host: str = ""
    since_s: float = 0.0


class FileLock:
    """The lock on ``PATH.lock``. Blocking calls, each of them short."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def take(self, *, now_s: float) -> bool:
        """Take the lock if nobody has it.

        Raises:
            StoreUnavailable: The file cannot be made, or this system has no such locks.
        """
        try:
            import fcntl
        except ImportError as exc:
            raise StoreUnavailable('the store file needs a POSIX system; here use path = "memory:"') from exc
        try:
            make_folder(self.path.parent)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as exc:
            raise failures.file_failure(exc, self.path) from exc
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        except OSError as exc:
            os.close(descriptor)
            raise failures.file_failure(exc, self.path) from exc
        self._descriptor = descriptor
        with suppress(OSError):  # a full disk does not keep the lock from being held, only from being explained
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, msgspec.json.encode(Holder(os.getpid(), socket.gethostname(), now_s)), 0)
        return True

    def holder(self) -> Holder:
        """Tell who wrote the file last; empty fields if that cannot be read."""
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=Holder)
        except (OSError, msgspec.DecodeError):
            return Holder()

    def release(self) -> None:
        """Let go of the lock; nothing happens without it."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
