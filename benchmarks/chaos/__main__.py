"""Kill the bridge between the emulators, many times, and see whether anybody's answer is lost or doubled.

    python -m benchmarks.chaos [--kills 200] [--seed 0] [--json]

The bridge is a process of its own, users ask on both platforms, every question carries a token. First every state of a
turn and every response that may get lost is aimed at on both platforms, five times each; the other kills come at random
moments, also while the bridge is starting. Between a kill and the next start 0.1 s to 30 minutes pass on the clock of
the emulators (and on the bridge's wall clock), and people ask meanwhile too, where they have asked before: of a private
conversation that begins while the bridge is away no platform tells. Then come rolling restarts (SIGTERM, the next
process waits for the store) and seconds in which nothing can be written to files. At the end everything has time to
settle, and people's screens and the emulators' records are judged. Exit code 0: nothing lost, doubled, left standing or
out of order.

Shorter or wider than in life, and why: requests per minute (20 times what a workspace allows, for the crowd of an hour
asks within minutes) and the pause between two Discord sessions (1 s for 5 s). Everything else is as delivered.
"""

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.chaos.storm import Plan, Record, Storm
from benchmarks.proving.ground import open_ground
from benchmarks.proving.judge import Verdict


def main() -> int:
    """Run, print, tell by the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--each", type=int, default=5, help="how often each point is aimed at")
    parser.add_argument("--deploys", type=int, help="rolling restarts (SIGTERM); a tenth of the kills unless told")
    parser.add_argument("--full-disks", type=int, help="times without space; a twentieth of the kills unless told")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--nobody-asks-while-away", action="store_true", help="only while it is up")
    parser.add_argument("--keep", type=Path, help="keep journal, log and store in this folder")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    plan = Plan(
        options.kills,
        options.each,
        deploys=options.kills // 10 if options.deploys is None else options.deploys,
        full_disks=options.kills // 20 if options.full_disks is None else options.full_disks,
        seed=options.seed,
        asks_while_away=not options.nobody_asks_while_away,
    )
    folder = options.keep or Path(tempfile.mkdtemp(prefix="coze-bridge-chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()

    def tell(line: str) -> None:
        print(f"[{time.monotonic() - began:6.1f} s] {line}", file=sys.stderr, flush=True)

    try:
        verdict, record = asyncio.run(chaos(plan, folder, tell, keep=options.keep is not None))
    finally:
        if options.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    report = report_of(plan, verdict, record) | {"seconds": round(time.monotonic() - began)}
    print(json.dumps(report, indent=2, ensure_ascii=False) if options.json else in_words(report))
    return 0 if verdict.good and not record.deaths else 1


async def chaos(plan: Plan, folder: Path, tell: Any, *, keep: bool = False) -> tuple[Verdict, Record]:
    """Run a plan in a folder."""
    async with open_ground(folder, seed=plan.seed) as ground:
        storm = Storm(ground, plan, tell)
        verdict = await storm.run()
        if keep:
            with (folder / "journal.jsonl").open("w", encoding="utf-8") as file:
                for entry in ground.journal:
                    line = [round(entry.at, 4), entry.service, entry.kind, entry.name, entry.detail]
                    file.write(json.dumps(line, default=str, ensure_ascii=False) + "\n")
        return verdict, storm.record


def report_of(plan: Plan, verdict: Verdict, record: Record) -> dict[str, Any]:
    """Return the report as JSON has it."""
    return {
        "kills": record.kills,
        **verdict.counts(),
        "stopped": verdict.stopped,
        "asked_again": verdict.asked_again,
        "refused_with_a_sentence": len(verdict.refused),
        "overtaken_by_redelivery": len(verdict.overtaken),
        "expired_while_away": len(verdict.expired),
        "may_have_run": len(verdict.maybe_run),
        "kills_by_state": {platform: dict(counts) for platform, counts in record.by_state.items()},
        "kills_by_point": dict(sorted(record.by_point.items())),
        "points_not_reached": dict(record.missed),
        "deploys": record.deploys,
        "full_disks": record.full_disks,
        "deaths": record.deaths,
        "violations": verdict.violations,
        "details": {
            name: getattr(verdict, name)[:20]
            for name in (
                *("unanswered", "answered_twice", "chats_twice", "standing_placeholders", "out_of_order"),
                *("refused", "overtaken", "expired", "maybe_run", "apologies"),
            )
        },
        "seed": plan.seed,
    }


def in_words(report: dict[str, Any]) -> str:
    """The report as lines for people."""
    names = ("unanswered", "answered_twice", "chats_twice", "standing_placeholders", "out_of_order")
    bad = [f"{report[name]} {name.replace('_', ' ')}" for name in names if report[name]]
    lines = [
        f"{report['kills']} kills, {report['questions']} questions, {report['seconds']} s",
        *(f"  {platform:<8} {counts}" for platform, counts in report["kills_by_state"].items()),
        *(f"  {count:>3} x {name}" for name, count in report["kills_by_point"].items()),
        *(f"  never reached ({count} tries): {name}" for name, count in report["points_not_reached"].items()),
        *(f"  {name}: {line}" for name, found in report["details"].items() for line in found),
        *(f"  died: {line}" for line in report["deaths"]),
        f"  violations: {report['violations']}" if report["violations"] else "",
        "Nothing lost, doubled, left standing or out of order." if not bad else f"WRONG: {', '.join(bad)}.",
    ]
    return "\n".join(line for line in lines if line)


if __name__ == "__main__":
    sys.exit(main())
