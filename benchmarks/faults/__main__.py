"""Try every fault switch of the three emulators, one by one, and tell what the person who asked saw.

    python -m benchmarks.faults [--json] [--only WORD] [--jobs 2] [--side-by-side 8]

Each row has emulators and a bridge of its own. Somebody asks while the fault is planned, and asks once more in the same
conversation afterwards. The table tells what was seen, whether anything was lost or shown twice, and the longest time
without a change or a sign of life. The patience of the settings is shortened, so that a row takes seconds (see
``stand.SHORTENED``); what is no setting is waited for. Exit code 0: no row lost or doubled anything or was silent for
longer than its patience.
"""

import argparse
import asyncio
import json
import logging
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from benchmarks.faults import coze_rows, discord_rows, slack_rows
from benchmarks.faults.row import Finding, Row
from benchmarks.faults.trial import try_row

ROW_S = 200.0


def main() -> int:
    """Run, print, tell by the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", default="", help="rows whose title contains this")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--side-by-side", type=int, default=8, help="rows at the same time in each process")
    parser.add_argument("--share", default="", help=argparse.SUPPRESS)
    parser.add_argument("--log", action="store_true", help="show what the bridge logs")
    options = parser.parse_args()
    chosen = [row for row in all_rows() if options.only in f"{row.emulator} {row.kind} {row.title}"]
    if options.share or options.jobs == 1:
        number, count = map(int, (options.share or "0/1").split("/"))
        set_up_log(shown=options.log)
        asyncio.run(try_all(chosen, range(number, len(chosen), count), options.side_by_side))
        return 0
    began = time.monotonic()
    found = asyncio.run(share_out(options, chosen))
    report = [entry_of(row, found.get(number)) for number, row in enumerate(chosen)]
    bad = [entry for entry in report if not entry["good"]]
    print(json.dumps({"rows": report}, indent=1, ensure_ascii=False) if options.json else in_words(report))
    seconds = time.monotonic() - began
    covered = {f"{row.emulator} {row.name}" for row in chosen}
    if not options.only and (bare := sorted({call for f in found.values() for call in f.calls} - covered)):
        print(f"no row hits: {', '.join(bare)}", file=sys.stderr)
    print(f"{len(report)} rows, {len(bad)} of them bad, {seconds:.0f} s", file=sys.stderr)
    return 1 if bad else 0


def all_rows() -> list[Row]:
    """Return the whole table, still without what was seen."""
    return [*coze_rows.rows(), *slack_rows.rows(), *discord_rows.rows()]


async def share_out(options: argparse.Namespace, chosen: Sequence[Row]) -> dict[int, Finding]:
    """Let several processes try a share of the rows each; tell how it goes on the way."""
    found: dict[int, Finding] = {}

    async def one(number: int) -> None:
        arguments = ("--share", f"{number}/{options.jobs}", "--only", options.only)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.faults", *arguments, "--side-by-side", str(options.side_by_side)),
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        async for line in process.stdout:
            answer = json.loads(line)
            at = answer.pop("row")
            row, finding = chosen[at], Finding(**answer | {"calls": tuple(answer["calls"])})
            found[at] = finding
            mark = "" if entry_of(row, finding)["good"] else "  <-- BAD"
            print(f"{len(found):>4}/{len(chosen)} {row.emulator} {row.title}: {finding.seen}{mark}", file=sys.stderr)
        await process.wait()

    async with asyncio.TaskGroup() as tasks:
        for number in range(options.jobs):
            tasks.create_task(one(number))
    return found


async def try_all(chosen: Sequence[Row], numbers: Sequence[int], side_by_side: int) -> None:
    """Try some rows, a few at the same time; print each finding as a line of JSON."""
    waiting = iter(numbers)

    async def work() -> None:
        for number in waiting:
            try:
                async with asyncio.timeout(ROW_S):
                    finding = await try_row(chosen[number], seed=number)
            except Exception as error:
                finding = Finding(f"the trial broke: {type(error).__name__} {error}"[:300], True, False, 0.0)
                traceback.print_exc()
            print(json.dumps({"row": number} | asdict(finding)), flush=True)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(side_by_side):
            tasks.create_task(work())


def entry_of(row: Row, finding: Finding | None) -> dict[str, Any]:
    """Return one row as JSON has it."""
    finding = finding or Finding("not tried", True, False, 0.0, False)
    good = finding.hit and not finding.lost and not finding.doubled and finding.silent_s <= row.patience_s
    return {
        "fault": f"{row.kind} {row.title}",
        "platform": row.emulator,
        "asked_on": row.asked_on,
        "seen": finding.seen if finding.hit else f"{finding.seen}; THE FAULT NEVER HAPPENED",
        "lost": finding.lost,
        "doubled": finding.doubled,
        "silent_s": finding.silent_s,
        "patience_s": row.patience_s,
        "good": good,
    }


def in_words(report: Sequence[dict[str, Any]]) -> str:
    """The table as lines for people."""
    lines = []
    for entry in report:
        verdict = "ok " if entry["good"] else "BAD"
        marks = " LOST" * entry["lost"] + " DOUBLED" * entry["doubled"]
        asked = "" if entry["asked_on"] == entry["platform"] else f" on {entry['asked_on']}"
        lines.append(
            f"{verdict} {entry['platform']}{asked} {entry['fault']}: {entry['seen']}, "
            f"silent {entry['silent_s']:.1f} s{marks}"
        )
    return "\n".join(lines)


def set_up_log(*, shown: bool) -> None:
    """Let the bridge speak on standard error, or not at all."""
    from bridge.operations.telemetry import set_up_logging
    from bridge.settings import LogSettings

    set_up_logging(LogSettings(level="debug" if shown else "error", format="console"))
    if not shown:
        logging.disable(logging.CRITICAL)


if __name__ == "__main__":
    sys.exit(main())
