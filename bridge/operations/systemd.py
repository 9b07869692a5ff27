"""Tells systemd how the bridge is: ready, stopping, still alive. Silent where nobody listens.

The protocol: datagrams of ``NAME=value`` lines to the socket named by ``NOTIFY_SOCKET``.
Source: sd_notify(3), sd_watchdog_enabled(3).
"""

import os
import socket
from collections.abc import Mapping

import structlog

from bridge.ports import Clock

log = structlog.get_logger(__name__)

READY, STOPPING, ALIVE = "READY=1", "STOPPING=1", "WATCHDOG=1"


class Systemd:
    """Our side of the notify socket of this process."""

    def __init__(self, environ: Mapping[str, str], pid: int | None = None) -> None:
        """``pid`` is ours: a watchdog that systemd keeps over another process is not for us to feed."""
        self._address = environ.get("NOTIFY_SOCKET", "")
        pid = os.getpid() if pid is None else pid
        fed_by_us = environ.get("WATCHDOG_PID", str(pid)) == str(pid)
        usec = environ.get("WATCHDOG_USEC", "") if fed_by_us else ""
        self.watchdog_s: float | None = int(usec) / 1e6 if usec.isdecimal() and int(usec) else None
        """systemd kills us when it hears nothing for so long; ``None``: it does not listen."""

    def tell(self, *lines: str) -> bool:
        """Send lines at once; false when there is nobody to tell or it could not be sent."""
        if not self._address:
            return False
        # "@" stands for the zero byte that begins the name of an abstract socket.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.setblocking(False)
                sender.sendto("\n".join(lines).encode(), address)
        except OSError as error:
            log.warning("systemd was not told", lines=lines, reason=str(error))
            return False
        return True

    async def feed_watchdog(self, clock: Clock) -> None:
        """Tell, as long as the event loop runs, that it does; returns at once where no watchdog is set."""
        if self.watchdog_s is None:
            return
        while True:
            self.tell(ALIVE)
            await clock.sleep(self.watchdog_s / 2)
