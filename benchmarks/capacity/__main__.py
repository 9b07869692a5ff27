"""How much one process of the bridge carries: R answers that grow at once, and answers of growing length.

    python -m benchmarks.capacity [--json] [--all] [--replies 50,200] [--seed 1]

The whole bridge runs in one process, as ``coze-bridge run`` starts it, with the Slack adapter and its store, between a
lean Coze and a lean Slack in processes of their own (``benchmarks.lean_coze``, ``benchmarks.lean_slack``: our emulators
write everything down and are too slow for this). No limit of a service plays a part; the pace is fixed at one edit a
second for each reply by the configuration. Every answer is Markdown (headings, bold words, lists, code, tables, links)
at 40 deltas a second, some 270 characters a second; the answers begin within 3 s; questions come from 50 people in
channels of their own.

For each R, in a window of some seconds while all answers grow:

- ``cpu_us_per_delta``: CPU time of the bridge over the deltas that became visible: everything is in it, the edits too;
- ``added_delay``: of every request, its arrival minus the later of (its newest delta left Coze, the answer to the
  reply's request before it plus one second): median and 99th percentile;
- ``kb_per_reply``: resident memory beyond that after a warm-up, for each reply; ``_tls``: in a run of its own, with
  Coze behind TLS (with ``--all`` for every R, otherwise for the small ones);
- ``core_share``: of one core. ``full_at`` is the R at which one core would be full, by the largest R below it.

``length``: CPU time of one answer from the question to its whole text, at a thousand deltas a second, less what the
bridge uses for nothing meanwhile; the slope between two lengths is the cost of one more character, the exponent what
the length has to be raised to (1: linear).

A window in which a process had to wait for a CPU, or deltas left Coze late, is void and says so.
"""

import argparse
import itertools
import json
import math
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.capacity.certificate import make_certificate
from benchmarks.capacity.town import Window, open_town, share_of
from benchmarks.fairness import machine
from benchmarks.lean_words import word

REPLIES = (50, 200, 500, 1000)
TLS_REPLIES = (50, 200)
DELTAS_PER_S = 40.0
WARM_S, MEASURE_S = 5.0, 10.0
TLS_MEASURE_S = 3.0
LENGTHS = {1_000: 7, 10_000: 3, 100_000: 1}
"""Characters of an answer, and how many of such answers are measured."""
LENGTH_DELTAS_PER_S = 1000.0
IDLE_S = 3.0
FULL = 0.97
"""Of a core: from here on it counts as full."""


def measure_replies(folder: Path, replies: int, seed: int, *, tls: bool) -> dict[str, Any]:
    """Run R answers at once, and again behind TLS; return the row."""
    with open_town(folder / f"r{replies}") as town:
        plain = town.window(replies, DELTAS_PER_S, WARM_S, MEASURE_S, seed)
    row = row_of(replies, plain)
    if tls:
        certificate = make_certificate(folder)
        with open_town(folder / f"r{replies}tls", certificate) as town:
            secret = town.window(replies, DELTAS_PER_S, WARM_S, TLS_MEASURE_S, seed)
        row["kb_per_reply_tls"] = round(secret.kb / replies, 1)
    return row


def row_of(replies: int, window: Window) -> dict[str, Any]:
    """One row of the results."""
    shown = max(1, window.shown)
    return {
        "replies": replies,
        "deltas_per_s": int(replies * DELTAS_PER_S),
        "shown_per_s": round(shown / window.used.wall_s),
        "cpu_us_per_delta": round(1e6 * window.used.cpu_s / shown, 1),
        "added_delay_p50_ms": round(1000 * share_of(window.delays_s, 0.5), 1),
        "added_delay_p99_ms": round(1000 * share_of(window.delays_s, 0.99), 1),
        "requests": len(window.delays_s),
        "kb_per_reply": round(window.kb / replies, 1),
        "kb_per_reply_tls": None,
        "core_share": round(window.used.core_share, 3),
        "void": window.void,
    }


def measure_lengths(folder: Path) -> list[dict[str, Any]]:
    """Let single answers grow to each length."""
    rows = []
    with open_town(folder / "length") as town:
        idle = town.idle_share(IDLE_S)
        for chars, times in LENGTHS.items():
            deltas = deltas_of(chars)
            lasted_s = deltas / LENGTH_DELTAS_PER_S
            cpu_s = [town.answer_cpu_s(deltas, LENGTH_DELTAS_PER_S) - idle * lasted_s for _ in range(times)]
            rows.append({"chars": chars, "cpu_ms": round(1000 * statistics.median(cpu_s), 1)})
    for shorter, row in itertools.pairwise(rows):
        more_ms, more = row["cpu_ms"] - shorter["cpu_ms"], row["chars"] - shorter["chars"]
        row["slope_us_per_char"] = round(1000 * more_ms / more, 2)
        row["exponent"] = round(math.log(row["cpu_ms"] / shorter["cpu_ms"], row["chars"] / shorter["chars"]), 2)
    return rows


def deltas_of(chars: int) -> int:
    """Return how many deltas make so many characters."""
    total = 0
    for number in itertools.count():
        total += len(word(number))
        if total >= chars:
            return number + 1
    raise AssertionError("counting has no end")


def full_at(rows: list[dict[str, Any]]) -> int | None:
    """Return the R at which one core would be full, by the largest R that left some of it."""
    below = [row for row in rows if row["core_share"] < FULL]
    return round(below[-1]["replies"] / below[-1]["core_share"]) if below else None


def in_words(figures: dict[str, Any], seed: int) -> str:
    """The figures as tables for people."""
    lines = [
        f"R answers at once, {DELTAS_PER_S:g} deltas a second each, one edit a second each; seed {seed}",
        machine(),
        "",
        "    R  deltas/s  CPU us/delta   core   added delay p50/p99 ms  KB/reply    TLS",
    ]
    for row in figures["results"]:
        delay = f"{row['added_delay_p50_ms']:.1f} / {row['added_delay_p99_ms']:.1f}"
        tls = "" if row["kb_per_reply_tls"] is None else f"{row['kb_per_reply_tls']:.0f}"
        void = f"   VOID: {row['void']}" if row["void"] else ""
        lines.append(
            f"{row['replies']:>5}{row['deltas_per_s']:>10}{row['cpu_us_per_delta']:>14.1f}{row['core_share']:>7.2f}"
            f"{delay:>25}{row['kb_per_reply']:>10.0f}{tls:>7}{void}"
        )
    lines += [
        f"one core is full at about {figures['full_at']} answers at once",
        "targets: 200 answers within 50 ms (p99) on one core; at most 150 KB a reply",
        "",
        "CPU of one answer, by its length",
    ]
    for row in figures["length"]:
        slope = (
            f"{row['slope_us_per_char']:>10.2f} us/character, exponent {row['exponent']}" if "exponent" in row else ""
        )
        lines.append(f"{row['chars']:>8} characters{row['cpu_ms']:>10.1f} ms{slope}")
    lines += ["", "repeat: python -m benchmarks.capacity" + (f" --seed {seed}" if seed != 1 else "")]
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--all", action="store_true", help="memory behind TLS for every R")
    parser.add_argument("--replies", default=",".join(map(str, REPLIES)), help="the Rs, separated by commas")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(prefix="coze-bridge-capacity-") as name:
        folder = Path(name)
        for replies in map(int, options.replies.split(",")):
            rows.append(measure_replies(folder, replies, options.seed, tls=options.all or replies in TLS_REPLIES))
            print(".", end="", file=sys.stderr, flush=True)
        figures = {"results": rows, "full_at": full_at(rows), "length": measure_lengths(folder)}
    print(file=sys.stderr)
    print(json.dumps(figures, indent=2) if options.json else in_words(figures, options.seed))


if __name__ == "__main__":
    main()
