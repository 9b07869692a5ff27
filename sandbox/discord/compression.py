"""Transport compression of the gateway: one context per connection, flushed after every message (reference 2.8)."""

import zlib
from typing import Protocol


class Compressor(Protocol):
    """Turns one gateway message after another into the bytes of its frame."""

    def compress(self, text: str) -> bytes:
        """Return a frame that the client can read without waiting for the next."""
        ...


class ZlibStream:
    """``zlib-stream``: every frame ends in ``00 00 FF FF``."""

    def __init__(self) -> None:
        self._context = zlib.compressobj()

    def compress(self, text: str) -> bytes:
        """Return the message, flushed with Z_SYNC_FLUSH."""
        return self._context.compress(text.encode()) + self._context.flush(zlib.Z_SYNC_FLUSH)


class ZstdStream:
    """``zstd-stream``: one zstd frame as long as the connection, a flushed block per message.

    Raises:
        ImportError: The package ``zstandard`` is not installed.
    """

    def __init__(self) -> None:
        import zstandard  # optional: only clients that have it ask for it

        self._context = zstandard.ZstdCompressor().compressobj()
        self._flush_block = zstandard.COMPRESSOBJ_FLUSH_BLOCK

    def compress(self, text: str) -> bytes:
        """Return the message, flushed as a block of the endless frame."""
        return self._context.compress(text.encode()) + self._context.flush(self._flush_block)


def compressor_for(wanted: str | None) -> Compressor | None:
    """Return what a client asked for with ``compress=``; ``None`` for plain text frames.

    Clients read plain frames whatever they asked for, so that a missing package costs nothing but bytes.
    """
    if wanted == "zlib-stream":
        return ZlibStream()
    if wanted == "zstd-stream":
        try:
            return ZstdStream()
        except ImportError:
            return None
    return None
