"""The table of ``benchmarks.faults``: no switch of an emulator is forgotten, and a few rows are tried."""

import asyncio
from dataclasses import fields
from typing import Any

import pytest

from benchmarks.faults import coze_rows, discord_rows, slack_rows
from benchmarks.faults.__main__ import all_rows
from benchmarks.faults.trial import try_row
from sandbox.coze.faults import KNOWN_FAULTS
from sandbox.coze.switches import CozeSwitches
from sandbox.discord.gateway import EVENT_FAULTS, GATEWAY_FAULTS
from sandbox.discord.rest import REST_FAULTS
from sandbox.discord.switches import DiscordSwitches
from sandbox.slack.switches import SlackSwitches
from sandbox.slack.transport import DELIVERY_FAULTS
from sandbox.slack.web_api import WEB_FAULTS

TRIED = (
    "coze fault POST /v3/chat: hang_up_after",
    "slack fault chat.postMessage: drop_after",
    "discord gateway gateway: invalidate",
)


@pytest.mark.parametrize(
    ("table", "switches"),
    [(coze_rows, CozeSwitches), (slack_rows, SlackSwitches), (discord_rows, DiscordSwitches)],
    ids=["coze", "slack", "discord"],
)
def test_every_switch_is_in_the_table_or_says_why_not(table: Any, switches: Any) -> None:
    """And only once."""
    there_are = [field.name for field in fields(switches)]
    assert sorted([*table.SWITCHES, *table.ELSEWHERE]) == sorted(there_are)


def test_every_fault_is_in_the_table() -> None:
    """Each kind at one call at least; what is lost on the way in Discord nobody can know of."""
    tried: dict[str, set[str]] = {}
    for row in all_rows():
        tried.setdefault(f"{row.emulator} {row.kind}", set()).add(row.fault)
    assert tried["coze fault"] == KNOWN_FAULTS
    assert tried["slack fault"] == WEB_FAULTS
    assert tried["slack delivery"] == DELIVERY_FAULTS - slack_rows.ONLY_BY_HTTP
    assert tried["discord fault"] == REST_FAULTS
    assert tried["discord gateway"] >= frozenset().union(EVENT_FAULTS - {"lose"}, *GATEWAY_FAULTS.values())


async def test_some_rows_lose_nothing() -> None:
    """Each with emulators and a bridge of its own, side by side."""
    chosen = [row for row in all_rows() if f"{row.emulator} {row.kind} {row.title}" in TRIED]
    assert len(chosen) == len(TRIED)
    async with asyncio.TaskGroup() as tasks:
        trials = [tasks.create_task(try_row(row)) for row in chosen]
    found = {row.title: trial.result() for row, trial in zip(chosen, trials, strict=True)}
    # How long it was silent would tell of this machine.
    assert {
        title: finding for title, finding in found.items() if finding.lost or finding.doubled or not finding.hit
    } == {}
