"""The check tells in plain sentences what is wrong and how to mend it."""

from typing import Any

import pytest

from adapters.discord.check import check
from bridge.extension import Finding
from sandbox.discord import DiscordEmulator
from sandbox.journal import Journal

PERMISSIONS = 1 << 6 | 1 << 10 | 1 << 11 | 1 << 16 | 1 << 35 | 1 << 38


def failed(findings: list[Finding]) -> list[str]:
    """Return what is wrong."""
    return [finding.subject for finding in findings if not finding.ok]


def permit(discord: DiscordEmulator, bits: int) -> None:
    """Let everybody on the server have exactly these permissions."""
    discord.default_guild.roles[discord.guild_id].permissions = bits


async def test_a_complete_installation_passes(discord: DiscordEmulator, settings_for: Any, journal: Journal) -> None:
    """With a handful of requests, without posting and without beginning a session."""
    findings = await check("work", settings_for())
    assert failed(findings) == []
    subjects = "\n".join(finding.subject for finding in findings)
    assert "the token works (bot coze" in subjects
    assert "message content intent is switched on" in subjects
    assert "1000 of 1000 new sessions" in subjects
    assert "all permissions are there on Sandbox" in subjects
    assert len(journal.select(kind="request")) == 5
    assert not journal.select(kind="frame")
    assert not discord.violations()


async def test_a_wrong_token_is_told(discord: DiscordEmulator, settings_for: Any) -> None:
    """With its mending, and nothing else."""
    (finding,) = await check("work", settings_for(token="nobody"))
    assert not finding.ok
    assert "does not know the token" in finding.subject
    assert "Developer Portal" in finding.fix


@pytest.mark.parametrize(
    ("settings", "ok"),
    [
        ({}, True),
        ({"message_content": "off"}, True),
        ({"message_content": "on"}, False),
        ({"forums": ("1310000000000000015",)}, False),
        ({"message_content": "off", "forums": ("1310000000000000015",)}, False),
    ],
)
async def test_what_the_intent_would_add_is_told(
    discord: DiscordEmulator, settings_for: Any, settings: Any, ok: bool
) -> None:
    """Without it the bot works, unless the configuration needs it."""
    discord.set_privileged_intents()
    findings = await check("work", settings_for(**settings))
    (finding,) = [finding for finding in findings if "message content intent" in finding.subject]
    assert "answer follow-ups in threads" in finding.subject
    assert finding.ok is ok
    assert failed(findings) == ([] if ok else [finding.subject])
    assert finding.fix or settings == {"message_content": "off"}


async def test_each_missing_permission_is_named_with_its_purpose(discord: DiscordEmulator, settings_for: Any) -> None:
    """What the bridge cannot do without fails; what it can do without is told; the link grants all of it."""
    permit(discord, PERMISSIONS & ~(1 << 11) & ~(1 << 35))
    findings = await check("work", settings_for())
    assert failed(findings) == [
        f"work: Send Messages is missing on Sandbox ({discord.guild_id}); it is needed to answer in channels"
    ]
    (without,) = [finding for finding in findings if "without Create Public Threads" in finding.subject]
    assert without.ok
    assert f"client_id={discord.application_id}" in without.fix
    permit(discord, PERMISSIONS & ~(1 << 35))
    assert not [f for f in await check("work", settings_for(answer_in="reply")) if "Public Threads" in f.subject]


async def test_a_bot_on_no_server_gets_its_invitation(discord: DiscordEmulator, settings_for: Any) -> None:
    """With the application's real id."""
    discord.remove_bot("Sandbox")
    findings = await check("work", settings_for())
    assert failed(findings) == ["work: the bot is on no server yet"]
    assert f"client_id={discord.application_id}" in findings[-1].fix


async def test_a_server_without_the_scope_for_commands_is_told(discord: DiscordEmulator, settings_for: Any) -> None:
    """Everything else works there."""
    discord.faults.plan("GET /applications/{app}/guilds/{guild}/commands", "error", status=403, code=50001)
    findings = await check("work", settings_for())
    assert failed(findings) == []
    assert "without the scope applications.commands" in findings[-1].subject
    assert "applications.commands" in findings[-1].fix


async def test_sessions_that_run_out_are_told(discord: DiscordEmulator, settings_for: Any) -> None:
    """Mostly a second process with the same token."""
    discord.switches.identifies_per_day = 1
    discord.gateway.budget.admit(0)
    discord.gateway.budget.count_today()
    (subject,) = failed(await check("work", settings_for()))
    assert "new sessions" in subject


async def test_an_address_that_does_not_answer_is_told(
    discord: DiscordEmulator, settings_for: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what it tried, and a hint at proxies that are not read."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    (finding,) = await check("work", settings_for(api_url="http://127.0.0.1:9/api/v10"))
    assert not finding.ok
    assert "http://127.0.0.1:9/api/v10" in finding.fix
    assert "set proxy" in finding.fix
    discord.faults.plan("*", "status", status=502, times=None)
    (finding,) = await check("work", settings_for())
    assert "502" in finding.subject
