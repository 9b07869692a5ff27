"""Ten kills of ``benchmarks.chaos``, the same in every run: nothing is lost, doubled, left standing or out of order."""

from pathlib import Path

from benchmarks.chaos.points import EDIT, POINTS, How
from benchmarks.chaos.storm import Plan, Storm
from benchmarks.proving.ground import open_ground

AIMED = ("discord: accepted", "slack: asking", "discord: delivering", f"discord: {EDIT} without response, {How.LONG}")
PLAN = Plan(kills=10, each=1, points=tuple(point for point in POINTS if point.name in AIMED), seed=4)


async def test_ten_kills_lose_nothing(tmp_path: Path) -> None:
    """Some at moments that were chosen, some at random, one after the other, with questions on both platforms."""
    async with open_ground(tmp_path, seed=PLAN.seed, warmly=True) as ground:
        storm = Storm(ground, PLAN)
        verdict = await storm.run()
    assert verdict.good, verdict
    assert not storm.record.deaths
    assert storm.record.kills == PLAN.kills
