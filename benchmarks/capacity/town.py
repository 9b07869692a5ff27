"""The bridge as a process between a lean Coze and a lean Slack, with what it uses and how late it is."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.children import Child
from benchmarks.fairness import Spent, resident_kb, spent, usage_of
from benchmarks.lean_coze import BOT

EDIT_INTERVAL_S = 1.0
PATIENCE_S = 120.0
LOOK_S = 0.05
WARM_UP = 20
"""Questions that are answered before anything is measured: pools are filled, caches are warm."""
WARM_UP_DELTAS = 30
SETTLE_S = 1.5
SPREAD_S = 3.0
"""Within so long the answers begin: were it one moment, all of them would begin their second message in one, too."""
LATE_MS = 10.0
"""A Coze whose deltas leave later than this (99th percentile) did not keep the pace."""
FOREIGN = ("COZE_", "SLACK_", "DISCORD_")


@dataclass(frozen=True, slots=True)
class Window:
    """What happened in one window of a run.

    Attributes:
        used: By the bridge.
        shown: Deltas whose text became visible.
        delays_s: Of every request: its arrival minus the later of (its newest delta left Coze, the answer to the
            reply's request before it plus the edit interval).
        kb: Resident memory at the window's end, beyond that before the questions.
        void: Why it does not count; empty if it does.
    """

    used: Spent
    shown: int
    delays_s: list[float]
    kb: float
    void: str


class Town:
    """The three processes. Made by ``open_town``."""

    def __init__(self, coze: Child, slack: Child, bridge: subprocess.Popen[bytes], folder: Path) -> None:
        self._coze = coze
        self._slack = slack
        self._bridge = bridge
        self._folder = folder
        self._asked = 0

    # --- asking ---

    def connected(self) -> None:
        """Wait until the bridge has opened its socket."""
        self._until(lambda: bool(self._slack.ask(do="status")["connected"]), "the bridge's socket")

    def warm_up(self) -> None:
        """Let some questions be answered."""
        self._coze.ask(do="plan", deltas=WARM_UP_DELTAS, interval_s=0.02, words="markdown")
        for _ in range(WARM_UP):
            self._wait_whole(self._ask(1), WARM_UP_DELTAS)
        time.sleep(SETTLE_S)

    def window(self, replies: int, deltas_per_s: float, warm_s: float, measure_s: float, seed: int) -> Window:
        """Let so many answers grow at once and measure while they do; they are not waited for."""
        memory_before = resident_kb(self._bridge.pid)
        deltas = int(deltas_per_s * (warm_s + measure_s + 60))
        plan = {"deltas": deltas, "interval_s": 1 / deltas_per_s, "words": "markdown", "waits": True, "seed": seed}
        self._coze.ask(do="plan", spread_s=SPREAD_S, **plan)
        self._ask(replies)
        self._until(lambda: bool(self._coze.ask(do="status")["waiting"] == replies), f"{replies} questions at Coze")
        self._coze.ask(do="go")
        time.sleep(warm_s)
        before = {name: usage_of(process_id) for name, process_id in self._process_ids.items()}
        time.sleep(measure_s)
        after = {name: usage_of(process_id) for name, process_id in self._process_ids.items()}
        memory = resident_kb(self._bridge.pid) - memory_before
        used = {name: spent(before[name], after[name]) for name in before}
        late_ms = self._coze.ask(do="status")["late_p99_ms"]
        void = [f"{name} was short of CPU" for name, its in used.items() if its.starved]
        if late_ms > LATE_MS:
            void.append(f"deltas left Coze {late_ms:.0f} ms late")
        calls, left = self._logs()
        begin, end = before["bridge"].at, after["bridge"].at
        return Window(
            used["bridge"], shown_between(calls, begin, end), delays_s(calls, left, begin, end), memory, ", ".join(void)
        )

    def answer_cpu_s(self, deltas: int, deltas_per_s: float) -> float:
        """Let one answer of so many deltas grow; return the CPU time from the question to the whole text."""
        self._coze.ask(do="plan", deltas=deltas, interval_s=1 / deltas_per_s, words="markdown")
        before = usage_of(self._bridge.pid)
        self._wait_whole(self._ask(1), deltas)
        time.sleep(LOOK_S)
        return spent(before, usage_of(self._bridge.pid)).cpu_s

    def idle_share(self, seconds: float) -> float:
        """Return how much of a core the bridge uses for nothing."""
        before = usage_of(self._bridge.pid)
        time.sleep(seconds)
        return spent(before, usage_of(self._bridge.pid)).core_share

    def _ask(self, count: int) -> int:
        first = self._asked
        self._asked += count
        self._slack.ask(do="ask", first=first, count=count)
        return first

    def _wait_whole(self, question: int, deltas: int) -> None:
        self._until(
            lambda: bool(self._slack.ask(do="status", question=question)["newest"] == deltas - 1),
            f"the answer to q{question}",
        )

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            if self._bridge.poll() is not None:
                raise RuntimeError(f"the bridge has ended; its log: {self._folder / 'bridge.log'}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {PATIENCE_S:g} s for {what}")
            time.sleep(LOOK_S)

    @property
    def _process_ids(self) -> dict[str, int]:
        return {"bridge": self._bridge.pid, "coze": self._coze.process_id, "slack": self._slack.process_id}

    def _logs(self) -> tuple[list[list[Any]], dict[str, list[float]]]:
        paths = self._folder / "calls.json", self._folder / "left.json"
        self._slack.ask(do="log", path=str(paths[0]))
        self._coze.ask(do="log", path=str(paths[1]))
        return json.loads(paths[0].read_text()), json.loads(paths[1].read_text())


def shown_between(calls: list[list[Any]], begin: float, end: float) -> int:
    """Count the deltas that became visible in a window: by the newest one in each reply before and at its end."""
    before: dict[int, int] = {}
    after: dict[int, int] = {}
    for question, came_at, _, newest, _ in calls:
        if came_at <= begin:
            before[question] = max(newest, before.get(question, -1))
        if came_at <= end:
            after[question] = max(newest, after.get(question, -1))
    return sum(newest - before.get(question, -1) for question, newest in after.items())


def delays_s(calls: list[list[Any]], left: Mapping[str, list[float]], begin: float, end: float) -> list[float]:
    """Return the added delay of every request that came in a window, sorted."""
    answered: dict[int, float] = {}
    delays = []
    for question, came_at, answered_at, newest, _ in calls:
        departures = left.get(str(question), [])
        if begin <= came_at <= end and newest < len(departures):
            ready_at = departures[newest]
            if question in answered:
                ready_at = max(ready_at, answered[question] + EDIT_INTERVAL_S)
            delays.append(came_at - ready_at)
        answered[question] = answered_at
    return sorted(delays)


def share_of(values: list[float], share: float) -> float:
    """Return a quantile of sorted values."""
    return values[min(len(values) - 1, int(len(values) * share))] if values else float("nan")


@contextmanager
def open_town(folder: Path, certificate: tuple[str, str] | None = None) -> Iterator[Town]:
    """Start all three; leaving kills the bridge."""
    folder.mkdir(parents=True)
    with ExitStack() as stack:
        coze = stack.enter_context(Child("benchmarks.lean_coze", *(certificate or ())))
        slack = stack.enter_context(Child("benchmarks.lean_slack"))
        config = folder / "config.toml"
        scheme = "http" if certificate is None else "https"
        config.write_text(
            configuration(f"{scheme}://127.0.0.1:{coze.answer()['port']}", slack.answer()["port"], folder)
        )
        with (folder / "bridge.log").open("wb") as log:
            bridge = subprocess.Popen(
                [sys.executable, "-m", "bridge.cli", "run", "--config", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment(certificate),
            )
        try:
            town = Town(coze, slack, bridge, folder)
            town.connected()
            town.warm_up()
            yield town
        finally:
            bridge.kill()
            bridge.wait()


def configuration(coze_url: str, slack_port: int, folder: Path) -> str:
    """Write the bridge's settings: no limit of a service, one edit a second for each reply."""
    return f"""
[bridge]
identity_secret = "a secret of sixteen"
[agents.default]
bot_id = "{BOT}"
token = "pat_benchmark"
base_url = "{coze_url}"
chats_per_s = 1000
concurrent_chats = 2000
[adapters.slack]
bot_token = "xoxb-benchmark"
app_token = "xapp-benchmark"
base_url = "http://127.0.0.1:{slack_port}/api/"
updates_per_minute = 10000000
posts_per_minute = 10000000
[gate]
user_questions = 0
[pace]
edit_interval_s = {EDIT_INTERVAL_S}
first_words_chars = 1
first_words_wait_s = 0.0
[store]
path = "{folder / "bridge.sqlite"}"
[health]
port = 0
"""


def environment(certificate: tuple[str, str] | None) -> dict[str, str]:
    """Return the environment without what leads to real services, with the certificate as the only one trusted."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(FOREIGN) and not name.lower().endswith("_proxy")
    }
    return kept if certificate is None else kept | {"SSL_CERT_FILE": certificate[0]}
