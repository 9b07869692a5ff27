"""The check tells in plain sentences what is wrong and how to mend it."""

from typing import Any

import pytest
from pydantic import SecretStr

from adapters.slack.check import check
from bridge.extension import Finding
from sandbox.journal import Journal
from sandbox.slack import SlackEmulator


def failed(findings: list[Finding]) -> list[Finding]:
    """Return what is wrong."""
    return [finding for finding in findings if not finding.ok]


async def test_a_complete_installation_passes(slack: SlackEmulator, settings_for: Any, journal: Journal) -> None:
    """With two calls, and without posting anything."""
    findings = await check("work", settings_for())
    assert not failed(findings)
    assert any("Socket Mode can be opened" in finding.subject for finding in findings)
    assert len(journal.select(kind="request")) == 2


async def test_each_missing_scope_is_named_with_its_purpose(slack: SlackEmulator, settings_for: Any) -> None:
    """What the bridge cannot do without fails; what it can do without is told."""
    slack.add_app(scopes=["chat:write", "app_mentions:read", "channels:history", "groups:history", "mpim:history"])
    findings = await check("work", settings_for())
    wrong = failed(findings)
    assert [finding.subject for finding in wrong] == [
        "work: the scope im:history is missing; it is needed to receive direct messages"
    ]
    assert "reinstall" in wrong[0].fix
    assert any("without the scope reactions:write" in finding.subject for finding in findings)


async def test_scopes_for_following_are_needed_when_following(slack: SlackEmulator, settings_for: Any) -> None:
    """And only then."""
    slack.add_app(scopes=["chat:write", "app_mentions:read", "im:history"])
    wrong = failed(await check("work", settings_for()))
    assert len(wrong) == 3
    assert all("follow_threads = false" in finding.fix for finding in wrong)
    assert not failed(await check("work", settings_for(follow_threads=False)))


async def test_wrong_tokens_are_told_apart(slack: SlackEmulator, settings_for: Any) -> None:
    """Which of the two, and where to find the right one."""
    wrong = failed(await check("work", settings_for(bot_token=SecretStr("xoxb-wrong"))))
    assert len(wrong) == 1
    assert "SLACK_BOT_TOKEN" in wrong[0].fix
    wrong = failed(await check("work", settings_for(app_token=SecretStr("xapp-wrong"))))
    assert len(wrong) == 1
    assert "SLACK_APP_TOKEN" in wrong[0].fix


async def test_swapped_tokens_are_recognised(slack: SlackEmulator, settings_for: Any) -> None:
    """The most common mistake of all."""
    swapped = {"bot_token": SecretStr(slack.app_token), "app_token": SecretStr(slack.bot_token)}
    wrong = failed(await check("work", settings_for(**swapped)))
    assert len(wrong) == 2
    assert all("swapped" in finding.fix for finding in wrong)


async def test_an_unreachable_slack_is_told(settings_for: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the address that was tried, and a hint at a proxy that is not used."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    wrong = failed(await check("work", settings_for(base_url="http://127.0.0.1:9/api/")))
    assert len(wrong) == 2
    assert all("http://127.0.0.1:9/api/" in finding.fix and "HTTPS_PROXY" in finding.fix for finding in wrong)


async def test_no_finding_shows_a_token(slack: SlackEmulator, settings_for: Any) -> None:
    """Findings are printed."""
    findings = await check("work", settings_for(bot_token=SecretStr("xoxb-not-this-one")))
    assert "xoxb-not-this-one" not in str(findings)
    assert slack.app_token not in str(findings)


async def test_what_cannot_be_tried_is_told(slack: SlackEmulator, settings_for: Any) -> None:
    """Interactivity and events of an app show in no answer: whoever made it earlier is told what to compare."""
    told = [finding for finding in await check("work", settings_for()) if "not seen from here" in finding.subject]
    assert "agent_session_stopped" in told[0].subject
    assert "coze-bridge manifest" in told[0].fix
    told = [f for f in await check("work", settings_for(agent_view=False)) if "not seen from here" in f.subject]
    assert "agent_session_stopped" not in told[0].subject
