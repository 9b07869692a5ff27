"""Application commands over REST: scopes, limits, the day's quota (reference 2.11 and 4)."""

from typing import Any

import pytest

from sandbox.clock import SandboxClock
from sandbox.discord import DiscordEmulator


@pytest.fixture
def path(emulator: DiscordEmulator) -> str:
    """The route of the global commands."""
    return f"/applications/{emulator.application_id}/commands"


async def test_overwriting_keeps_the_ids_of_names(emulator: DiscordEmulator, api: Any, path: str) -> None:
    """Who stays keeps the id and counts no creation; who is not listed is gone."""
    first = await api.call("PUT", path, [command("ask"), command("stop")])
    second = await api.call("PUT", path, [command("ask", description="Other words"), command("help")])
    assert [c["name"] for c in second] == ["ask", "help"]
    assert second[0]["id"] == first[0]["id"]
    assert second[0]["version"] != first[0]["version"]
    assert second[0]["application_id"] == emulator.application_id
    assert await api.call("GET", path) == second


async def test_one_by_one(emulator: DiscordEmulator, api: Any, path: str) -> None:
    """Created, read, changed, deleted; a guild's commands are its own."""
    guild_path = f"/applications/{emulator.application_id}/guilds/{emulator.guild_id}/commands"
    made = await api.call("POST", guild_path, command("ask"), status=201)
    assert made["guild_id"] == emulator.guild_id
    assert (await api.call("POST", guild_path, command("ask"), status=200))["id"] == made["id"]
    renamed = await api.call("PATCH", f"{guild_path}/{made['id']}", {"name": "tell"})
    assert (await api.call("GET", f"{guild_path}/{made['id']}"))["name"] == renamed["name"] == "tell"
    assert await api.call("GET", path) == []
    await api.call("DELETE", f"{guild_path}/{made['id']}", status=204)
    assert await api.refusal("GET", f"{guild_path}/{made['id']}") == (404, 10063)
    assert await api.refusal("GET", "/applications/1/commands") == (403, 0)
    assert await api.refusal("GET", f"/applications/{emulator.application_id}/guilds/1/commands") == (404, 10004)


def command(name: str = "ask", **fields: Any) -> dict[str, Any]:
    """Return a command."""
    return {"name": name, "description": "Does it", **fields}


@pytest.mark.parametrize(
    "wrong",
    [
        command("Ask"),
        command("a b"),
        command("x" * 33),
        command(description=""),
        command(description="d" * 101),
        command(options=[{"type": 3, "name": f"o{n}", "description": "d"} for n in range(26)]),
        command(
            options=[
                {
                    "type": 3,
                    "name": "o",
                    "description": "d",
                    "choices": [{"name": "c", "value": "v"} for _ in range(26)],
                }
            ]
        ),
        command(options=[{"type": 3, "name": "o", "description": ""}]),
        command(options=[{"type": 12, "name": "o", "description": "d"}]),
        command(options=[{"type": 3, "name": "o", "description": "d"}] * 2),
        command(options=[{"type": 3, "name": n, "description": "d", "required": n == "p"} for n in "op"]),
        command(options=[{"type": 11, "name": "o", "description": "d", "autocomplete": True}]),
        command(
            options=[
                {
                    "type": 3,
                    "name": "o",
                    "description": "d",
                    "autocomplete": True,
                    "choices": [{"name": "c", "value": "v"}],
                }
            ]
        ),
        command(options=[{"type": 3, "name": "o", "description": "d", "choices": [{"name": "c", "value": 1}]}]),
        command(description_localizations={"zh": "x"}),
        command(name_localizations={"zh-TW": "A"}),
        {"type": 3, "name": "Ask", "description": "d"},
        {"type": 3, "name": "x" * 33},
        command(
            options=[
                {
                    "type": 3,
                    "name": f"o{n}",
                    "description": "d" * 100,
                    "choices": [{"name": "c" * 100, "value": "v" * 100} for _ in range(25)],
                }
                for n in range(2)
            ]
        ),
    ],
)
async def test_limits_of_commands(api: Any, path: str, wrong: dict[str, Any]) -> None:
    """Names, descriptions, options, choices, 8 000 characters in all."""
    assert await api.refusal("PUT", path, [wrong]) == (400, 50035)


async def test_too_many_commands(api: Any, path: str) -> None:
    """A hundred of one kind, fifteen in a menu."""
    assert await api.refusal("PUT", path, [command(f"c{n}") for n in range(101)]) == (400, 50035)
    assert await api.refusal("PUT", path, [{"name": f"Menu {n}", "type": 3} for n in range(16)]) == (400, 50035)


async def test_creations_a_day(emulator: DiscordEmulator, api: Any, path: str, clock: SandboxClock) -> None:
    """Beyond the day's quota 30034; the same list again costs nothing; tomorrow is another day."""
    emulator.switches.commands_per_day = 2
    await api.call("PUT", path, [command("a"), command("b")])
    await api.call("PUT", path, [command("a"), command("b")])
    assert await api.refusal("PUT", path, [command("c")]) == (400, 30034)
    clock.advance(86_401)
    await api.call("PUT", path, [command("c")])
