"""Draw the README's picture of the live demo: python -m sandbox.demo.picture docs/demo.svg."""

import asyncio
import io
import re
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from sandbox.demo.process import BridgeProcess, demo_folder
from sandbox.demo.screen import Screen, Seat
from sandbox.demo.side import Side
from sandbox.demo.town import ANN, Town, open_town
from sandbox.demo.words import EN

WIDTH, HEIGHT = 120, 29
GROWN_CHARS = 150
PATIENCE_S = 60.0
FOREIGN_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
"""Whoever looks at the picture shall load nothing from anywhere."""


async def draw(target: str) -> None:
    """Let people use both services for a while, and draw what they see in the middle of it."""
    with demo_folder() as folder, BridgeProcess((sys.executable, "-m", "bridge.cli"), folder) as bridge:
        async with open_town(EN, bridge) as town:
            await town.start_bridge(EN)
            slack, discord = town.sides
            await _run(town, slack, "weather city=Lisbon days=2", EN.weather_result[-12:])
            await _run(town, discord, "trip city=Kyoto", EN.trip_question)
            slack.mention(ANN, EN.mention_question)
            discord.mention(ANN, EN.discord_mention_question)
            await _until(town, lambda: all(_grown(side) for side in town.sides))
            console = Console(record=True, width=WIDTH, height=HEIGHT, file=io.StringIO(), force_terminal=True)
            console.print(Screen(town, EN, Seat(slack, typing="/press Stop")))
            drawn = FOREIGN_FONTS.sub("", console.export_svg(title="python3 dev.py demo"))
            Path(target).write_text(drawn, encoding="utf-8")  # noqa: ASYNC240 - nothing else is going on any more


async def _run(town: Town, side: Side, line: str, last: str) -> None:
    """Run a workflow, and wait until it has said its last words."""
    await _until(town, lambda: line.partition(" ")[0] in side.commands())
    await side.command(ANN, line)
    await _until(town, lambda: any(last in said.text for thread in side.threads() for said in thread.said))


def _grown(side: Side) -> bool:
    last = side.threads()[-1].said[-1]
    return last.of_bot and len(last.text) > GROWN_CHARS


async def _until(town: Town, condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await town.something_happens()


if __name__ == "__main__":
    asyncio.run(draw(sys.argv[1]))
