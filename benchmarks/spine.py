"""What the bridge itself costs: start, memory, and the delay it adds between Coze and the platform.

    python -m benchmarks.spine [--questions 20] [--json]

The bridge runs as a process of its own between the emulators, which share one clock. Told are

- ``help_s``: ``coze-bridge --help``, and beside it the same after importing everything ``run`` needs (eager imports);
- ``connected_s``: from the start of ``run`` to its socket being open;
- ``rss_mb``: resident memory when idle, after the start and after the questions;
- ``first_text``: from the agent's first delta leaving the Coze emulator to the arrival of the first request that shows
  text, one reply at a time. It contains the wait for a few words (``[pace] first_words_*``), told beside it;
- ``delta``: for every delta, from leaving Coze to the first request that shows it: what pacing and transport cost;
- ``relay``: for every request, its arrival minus the departure of the newest delta it shows. An interim request goes
  when the pace allows it, on average half the time between two deltas after the newest one;
- ``last``: from the last delta leaving Coze to the request that shows the whole text.

Answers are generated at 60 characters a second. Absolute figures depend on the machine; repeat them on yours.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.coze.answers import Answer
from sandbox.demo.process import BridgeProcess, demo_folder
from sandbox.demo.town import ANN, CHANNEL, Town, open_town
from sandbox.demo.words import WORDS
from sandbox.journal import Entry

COMMAND = (sys.executable, "-m", "bridge.cli")
EAGER = (
    "import bridge.app, adapters.slack.adapter, adapters.discord.adapter, adapters.console.adapter, bridge.cli; "
    "bridge.cli.main(['--help'])"
)
PLATFORMS = ("slack", "discord")
DELAYS = ("first_text", "delta", "relay", "last")
CHARS_PER_S = 60.0
HELP_ROUNDS = 7
TEXT = (
    "A bridge is judged by what crosses it. Words should arrive in the order in which they were said, none missing and "
    "none twice, and the first soon. Everything else is comfort. What is said twice is heard once, what is lost "
    "is never heard, and nobody knows whom to ask. So a bridge counts what it carries."
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures: dict[str, Any] = measure_help()
    figures |= asyncio.run(measure_bridge(options.questions))
    print(json.dumps(figures, indent=2) if options.json else in_words(figures))


def measure_help() -> dict[str, float]:
    """Run ``--help`` with lazy and with eager imports, in turns; medians."""
    seconds: dict[str, list[float]] = {"help_s": [], "help_eager_s": []}
    for _ in range(HELP_ROUNDS):
        for name, command in (("help_s", (*COMMAND, "--help")), ("help_eager_s", (sys.executable, "-c", EAGER))):
            began = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            seconds[name].append(time.perf_counter() - began)
    return {name: statistics.median(values) for name, values in seconds.items()}


async def measure_bridge(questions: int) -> dict[str, Any]:
    """Start the bridge between the emulators and ask one question after another, on each platform."""
    words = WORDS["en"]
    with demo_folder() as folder, BridgeProcess(COMMAND, folder) as bridge:
        async with open_town(words, bridge) as town:
            connected_s = await town.start_bridge(words)
            idle_mb = resident_mb(bridge)
            answers = {name: [await ask(town, name) for _ in range(questions)] for name in PLATFORMS}
            return {
                "connected_s": connected_s,
                "rss_idle_mb": idle_mb,
                "rss_after_mb": resident_mb(bridge),
                "questions": questions,
                **{platform: delays_of(asked) for platform, asked in answers.items()},
            }


def delays_of(answers: list[dict[str, list[float]]]) -> dict[str, dict[str, float]]:
    """Median and worst of each delay over all answers of one platform."""
    return {name: spread([delay for answer in answers for delay in answer[name]]) for name in DELAYS}


async def ask(town: Town, platform: str) -> dict[str, list[float]]:
    """Ask once; return the delays by name, in seconds."""
    town.coze.script(Answer(text=TEXT, chars_per_second=CHARS_PER_S))
    before = len(town.journal)
    service = town.slack if platform == "slack" else town.discord
    service.mention(ANN, CHANNEL, "What makes a good bridge?")

    def seen() -> list[tuple[float, str]]:
        return [
            (entry.at, text)
            for entry in list(town.journal)[before:]
            if (entry.service, entry.kind) == (platform, "shown")
            and entry.detail["user"] == service.bot_user_id
            and (text := entry.detail["text"].rstrip())
        ]

    await town.journal.wait_until(lambda: seen()[-1:] != [] and seen()[-1][1] == TEXT, what="all of it", timeout_s=60.0)
    sent, shown = departures(list(town.journal)[before:]), seen()
    newest = [(at, newest_departure(sent, text)) for at, text in shown]
    return {
        "first_text": [shown[0][0] - sent[0][0]],
        "delta": [first_sight(shown, total) - left for left, total in sent],
        "relay": [at - left for at, left in newest if left is not None],
        "last": [first_sight(shown, len(TEXT)) - sent[-1][0]],
    }


def first_sight(shown: list[tuple[float, str]], chars: int) -> float:
    """When the first request arrived that shows so many characters (white space at an interim end is not shown)."""
    return next(at for at, text in shown if len(text) >= min(chars, len(TEXT)) - 1)


def departures(entries: list[Entry]) -> list[tuple[float, int]]:
    """When each delta left Coze, and how many characters had left by then."""
    total, result = 0, []
    for entry in entries:
        if entry.service == "coze" and entry.kind == "event" and entry.name == "conversation.message.delta":
            total += len(entry.detail["content"])
            result.append((entry.at, total))
    return result


def newest_departure(sent: list[tuple[float, int]], text: str) -> float | None:
    """When the newest delta that ``text`` shows had left; ``None`` when nothing of it had (a status, a notice)."""
    chars = len(text.rstrip("*_`~ \n"))
    return next((at for at, total in sent if total >= chars), None)


def resident_mb(bridge: BridgeProcess) -> float:
    """Resident memory of the bridge's process (Linux)."""
    status = Path(f"/proc/{bridge.process_id}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


def spread(seconds: list[float]) -> dict[str, float]:
    """Median and worst, in milliseconds."""
    return {"median": round(1000 * statistics.median(seconds), 1), "worst": round(1000 * max(seconds), 1)}


def in_words(figures: Mapping[str, Any]) -> str:
    """The figures as lines for people."""
    lines = [
        f"coze-bridge --help        {figures['help_s']:.2f} s (eager imports {figures['help_eager_s']:.2f} s)",
        f"run, start to connected   {figures['connected_s']:.2f} s",
        f"resident memory           {figures['rss_idle_mb']:.0f} MB idle, {figures['rss_after_mb']:.0f} MB after",
    ]
    for platform in PLATFORMS:
        lines.append(f"{platform}, ms")
        lines += [f"  {name:<23} {d['median']} median, {d['worst']} worst" for name, d in figures[platform].items()]
    return "\n".join(
        [*lines, f"({figures['questions']} questions each, one at a time, {CHARS_PER_S:g} characters a second)"]
    )


if __name__ == "__main__":
    main()
