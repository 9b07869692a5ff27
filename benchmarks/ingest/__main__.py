"""CPU time per delta of reading an agent's streams: our Coze client, the official one, and as little as can be.

    python -m benchmarks.ingest [--json] [--all] [--rounds 5] [--seed 1]

Compared are, on the same streams (events of some 310 bytes over a chunked event stream, each in an HTTP chunk of its
own, from a server in a process of its own):

- ``bridge``: our client as shipped (its default transport, its settings, typed events), folded into a draft;
- ``cozepy``: the official client's ``chat.stream``, each delta's text put into a list;
- ``floor``: an asyncio protocol with one regular expression over each read and a JSON decoder. It skips HTTP: a
  yardstick, no client.

Scenarios: ``paced-200``: 200 streams, one delta each 50 ms, each at its own moment and so in a read of its own;
``saturated``: 20 streams that are never empty, 50 deltas in each write. With ``--all`` also ``saturated-1`` (one such
stream) and ``saturated-packed`` (50 deltas in one chunk).

Each client runs in a process of its own, one at a time, in turns, with the order changing from round to round; a figure
is the median of the rounds, a ratio the median of the rounds' ratios. Counted is the process's own CPU time within a
window that begins when all streams speak and ends before any of them does: opening and closing do not count. A window
in which the client or the server had to wait for a CPU is void, and is taken again later; a figure without enough good
windows says so.
"""

import argparse
import json
import random
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from benchmarks.children import Child
from benchmarks.fairness import machine, spent, usage_of

CLIENTS = ("bridge", "cozepy", "floor")
LOOPS = ("asyncio", "uvloop")
TARGETS = {"paced-200": 0.65, "saturated": 0.3}
"""At most so much of cozepy's CPU time per delta."""
ENDLESS = 10**9
OPENING_TIMEOUT_S = 60.0
LATE_MS = 5.0
"""A server whose deltas leave later than this (99th percentile) did not keep the pace."""
BUDGET_S = 270.0
"""No further round begins, and no void window is taken again, after this long."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """How many streams, how they speak, and how long they are listened to."""

    name: str
    streams: int
    plan: dict[str, Any]
    warm_s: float
    measure_s: float


PACED = Scenario("paced-200", 200, {"interval_s": 0.05}, 1.0, 3.0)
SATURATED = Scenario("saturated", 20, {"interval_s": 0, "together": 50}, 0.5, 1.5)
MORE = (
    Scenario("saturated-1", 1, {"interval_s": 0, "together": 50}, 0.5, 1.5),
    Scenario("saturated-packed", 20, {"interval_s": 0, "together": 50, "one_chunk": True}, 0.5, 1.5),
)


@dataclass(slots=True)
class Figure:
    """The windows of one client in one scenario on one loop, by round: microseconds per delta."""

    good: dict[int, float] = field(default_factory=dict)
    void: dict[int, float] = field(default_factory=dict)

    def rounds(self) -> dict[int, float]:
        """The good windows; where there is none, the void ones."""
        return self.good or self.void


Key = tuple[str, str, str]


class Bench:
    """The server and one process for each client and loop, kept for all rounds."""

    def __init__(self, stack: ExitStack, seed: int) -> None:
        self._seed = seed
        self._server = stack.enter_context(Child("benchmarks.lean_coze"))
        url = f"http://127.0.0.1:{self._server.answer()['port']}"
        self._clients = {
            (loop, client): stack.enter_context(Child("benchmarks.ingest.clients", client, loop, url))
            for loop in LOOPS
            for client in CLIENTS
        }

    def window(self, loop: str, scenario: Scenario, client: str) -> tuple[float, bool]:
        """Take one window; return microseconds per delta, and whether it is void."""
        reader = self._clients[loop, client]
        self._server.ask(do="plan", deltas=ENDLESS, waits=True, seed=self._seed, **scenario.plan)
        reader.tell(streams=scenario.streams)
        deadline = time.monotonic() + OPENING_TIMEOUT_S
        while self._server.ask(do="status")["waiting"] < scenario.streams:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{client} has not opened its streams within {OPENING_TIMEOUT_S:g} s")
            time.sleep(0.02)
        self._server.ask(do="go")
        time.sleep(scenario.warm_s)
        before = usage_of(self._server.process_id)
        seen = reader.ask(measure_s=scenario.measure_s)
        serving = spent(before, usage_of(self._server.process_id))
        reader.ask()
        late = self._server.ask(do="status")["late_p99_ms"] > LATE_MS
        return 1e6 * seen["cpu_s"] / max(1, seen["deltas"]), seen["starved"] or late or serving.starved


def measure(scenarios: Iterable[Scenario], rounds: int, seed: int) -> dict[Key, Figure]:
    """Take all windows, and the void ones again while there is time."""
    figures: dict[Key, Figure] = defaultdict(Figure)
    began = time.monotonic()
    order = random.Random(seed)
    wanted = [(number, loop, scenario) for number in range(rounds) for scenario in scenarios for loop in LOOPS]

    def late(number: int) -> bool:
        return number > 0 and time.monotonic() - began > BUDGET_S

    with ExitStack() as stack:
        bench = Bench(stack, seed)
        for again in (0, 1):
            for number, loop, scenario in wanted:
                for client in order.sample(CLIENTS, len(CLIENTS)):
                    figure = figures[loop, scenario.name, client]
                    if number not in figure.good and not late(number + again):
                        per_delta_us, void = bench.window(loop, scenario, client)
                        (figure.void if void else figure.good)[number] = per_delta_us
                print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return figures


def ratio(figures: dict[Key, Figure], loop: str, scenario: str, client: str = "bridge", to: str = "cozepy") -> float:
    """Return the median of the rounds' ratios; of rounds in which both were good, if there are such."""
    ours, theirs = figures[loop, scenario, client], figures[loop, scenario, to]
    both = ours.good.keys() & theirs.good.keys()
    if both:
        return statistics.median(ours.good[n] / theirs.good[n] for n in both)
    return statistics.median(ours.rounds().values()) / statistics.median(theirs.rounds().values())


def results(figures: dict[Key, Figure]) -> list[dict[str, Any]]:
    """The figures as rows."""
    rows = []
    for (loop, scenario, client), figure in figures.items():
        row = {
            "loop": loop,
            "scenario": scenario,
            "client": client,
            "cpu_us_per_delta": round(statistics.median(figure.rounds().values()), 2),
            "good_windows": len(figure.good),
            "void": not figure.good,
        }
        if client == "bridge":
            row |= {
                "of_cozepy": round(ratio(figures, loop, scenario), 3),
                "of_floor": round(ratio(figures, loop, scenario, to="floor"), 2),
                "target": TARGETS.get(scenario),
            }
        rows.append(row)
    return rows


def in_words(rows: list[dict[str, Any]], rounds: int, seed: int) -> str:
    """The figures as a table for people."""
    lines = [
        f"CPU time per delta, in microseconds: median of {rounds} rounds, the clients in turns, seed {seed}",
        machine(),
        "",
        f"{'scenario':<18}{'loop':<9}{'bridge':>8}{'cozepy':>8}{'floor':>8}   bridge/cozepy (target)  bridge/floor",
    ]
    by_key = {(row["scenario"], row["loop"], row["client"]): row for row in rows}
    for scenario, loop in dict.fromkeys((row["scenario"], row["loop"]) for row in rows):
        three = [by_key[scenario, loop, client] for client in CLIENTS]
        ours = three[0]
        target = "" if ours["target"] is None else f"(at most {ours['target']:g})"
        figures = "".join(f"{row['cpu_us_per_delta']:>8.1f}" for row in three)
        void = [row["client"] for row in three if row["void"]]
        note = f"   VOID, short of CPU: {', '.join(void)}" if void else ""
        lines.append(
            f"{scenario:<18}{loop:<9}{figures}   {ours['of_cozepy']:>5.2f}  {target:<15}{ours['of_floor']:>7.2f}{note}"
        )
    lines += ["", "repeat: python -m benchmarks.ingest" + (f" --seed {seed}" if seed != 1 else "")]
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--all", action="store_true", help="more scenarios")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    scenarios = (PACED, SATURATED, *(MORE if options.all else ()))
    rows = results(measure(scenarios, options.rounds, options.seed))
    print(json.dumps({"results": rows}, indent=2) if options.json else in_words(rows, options.rounds, options.seed))


if __name__ == "__main__":
    main()
