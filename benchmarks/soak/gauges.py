"""What one process of the bridge uses, seen from outside: memory, files, sockets, and what its metrics tell."""

import re
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import aiohttp

METRIC = re.compile(r"^coze_bridge_(tasks|lanes_active|turns_running|turns_waiting) ([0-9.e+]+)$", re.MULTILINE)
PAGE_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One look.

    Attributes:
        at_s: Seconds since the soak began.
        rss_mb: Resident memory, binary megabytes.
        files: Open descriptors, the sockets among them included.
    """

    at_s: float
    rss_mb: float
    files: int
    sockets: int
    threads: int
    tasks: int
    lanes_active: int
    turns_running: int
    turns_waiting: int

    def as_json(self) -> dict[str, float]:
        """Return the sample as JSON has it."""
        return asdict(self)


async def take_sample(pid: int, port: int, at_s: float) -> Sample:
    """Look once.

    Raises:
        OSError, aiohttp.ClientError: The process or its page is gone.
    """
    numbers = await read_metrics(port)
    status, links = read_status(pid), read_links(pid)
    return Sample(
        at_s=round(at_s, 1),
        rss_mb=round(int(status["VmRSS"].split()[0]) / 1024, 2),
        files=len(links),
        sockets=sum(link.startswith("socket:") for link in links),
        threads=int(status["Threads"]),
        **numbers,
    )


def read_status(pid: int) -> dict[str, str]:
    """Return what Linux tells of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


def read_links(pid: int) -> list[str]:
    """Return what the open descriptors of a process lead to."""
    links = []
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed since
            links.append(str(descriptor.readlink()))
    return links


async def read_metrics(port: int) -> dict[str, int]:
    """Return the gauges of the metrics page that tell what is alive."""
    timeout = aiohttp.ClientTimeout(total=PAGE_TIMEOUT_S)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.get(f"http://127.0.0.1:{port}/metrics") as response,
    ):
        text = await response.text()
    return {name: int(float(value)) for name, value in METRIC.findall(text)}
