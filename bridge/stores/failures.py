"""What is wrong with a store file, in sentences an operator can act on (pure)."""

import errno
import sqlite3

from bridge.errors import StoreUnavailable

ASIDE = "Move the file (and its -wal and -shm files, if any) aside, or restore a copy, and start again"

_FULL = "the disk of {path} is full. Free some space; the bridge goes on by itself"
_BY_CODE = {
    "SQLITE_FULL": _FULL,
    "SQLITE_IOERR_SHMSIZE": _FULL,
    "SQLITE_IOERR": "{path} cannot be read or written. Look after the disk, its quota and the file size limit",
    "SQLITE_READONLY": "{path} is read-only. Give this user the right to write the file and its folder",
    "SQLITE_CANTOPEN": "{path} cannot be opened. Give this user the right to write the file and its folder",
    "SQLITE_PERM": "{path} may not be written. Give this user the right to write the file and its folder",
    "SQLITE_BUSY": "another program holds {path} locked. Close what has it open",
    "SQLITE_LOCKED": "another program holds {path} locked. Close what has it open",
    "SQLITE_NOTADB": "{path} is not a store: it is no SQLite database. " + ASIDE + "; or name another path",
    "SQLITE_CORRUPT": "{path} is damaged. " + ASIDE + "; without it conversations begin anew",
}


def database_failure(exc: sqlite3.Error, path: object) -> StoreUnavailable:
    """Translate an error of SQLite; its own words stand at the end in brackets."""
    name = getattr(exc, "sqlite_errorname", None) or ""
    sentence = next((words for code, words in _BY_CODE.items() if name.startswith(code)), "{path} cannot be used")
    return StoreUnavailable(f"{sentence.format(path=path)} [{name.lower() or type(exc).__name__}: {exc}]")


def file_failure(exc: OSError, path: object) -> StoreUnavailable:
    """Translate an error of the file system."""
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreUnavailable(f"{_FULL.format(path=path)} [{exc.strerror}]")
    return StoreUnavailable(
        f"{path} cannot be opened for writing: {exc.strerror or exc}."
        " Give this user the right to write the file and its folder, or name another path"
    )


def damaged(path: object, finding: str) -> StoreUnavailable:
    """Tell what a look at the file's structure found."""
    return StoreUnavailable(f"{_BY_CODE['SQLITE_CORRUPT'].format(path=path)} [{finding}]")


def unreadable_row(path: object, name: str, why: str) -> StoreUnavailable:
    """Tell that one row is none of ours."""
    return StoreUnavailable(f"{path} holds something unreadable at {name!r}: {why}. {ASIDE}")
