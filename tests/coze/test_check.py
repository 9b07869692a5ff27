"""What ``check`` says about a connection: a sentence and a fix for every usual mistake, with few calls."""

from typing import Any

import pytest

from bridge.coze.check import check_connection, region_hint
from bridge.coze.hints import Hint
from bridge.extension import Finding
from sandbox.coze import ALL_PERMISSIONS, CozeEmulator
from tests.coze.tools import BOT, HurriedClock, raw_server, settings_for, until_gone
from tests.coze.tools import Connection as Raw


async def check(url: str, bot: str = BOT, locale: str = "en", **settings: Any) -> list[Finding]:
    return await check_connection(settings_for(url, **settings), bot, HurriedClock(), locale=locale)


def failed(findings: list[Finding]) -> Finding:
    """The one thing that is wrong."""
    [finding] = [finding for finding in findings if not finding.ok]
    return finding


async def test_all_is_well(coze: CozeEmulator) -> None:
    """The bot's name, a conversation, and the number of calls it took."""
    findings = await check(coze.base_url)
    assert [finding.ok for finding in findings] == [True, True, True]
    assert f"News ({BOT})" in findings[0].subject
    assert findings[-1].subject.endswith(": 2")
    assert len(coze.journal.select(kind="request")) == 2


async def test_in_chinese(coze: CozeEmulator) -> None:
    """The same in Chinese."""
    findings = await check(coze.base_url, locale="zh-CN", token="pat_wrong")
    assert "令牌" in failed(findings).fix
    assert findings[-1].subject == "本次检查调用扣子接口 1 次"


async def test_a_wrong_token(coze: CozeEmulator) -> None:
    """The token, and perhaps the region."""
    finding = failed(await check(coze.base_url, token="pat_from_elsewhere"))
    assert "token" in finding.fix
    assert "log id" in finding.subject
    assert "elsewhere" not in finding.subject + finding.fix


@pytest.mark.parametrize(
    ("url", "profile", "hint"),
    [
        ("https://api.coze.cn", "cloud", Hint.REGION_CN),
        ("https://api.coze.com", "cloud", Hint.REGION_COM),
        ("http://localhost:8888", "studio", Hint.STUDIO_TOKEN),
        ("http://localhost:8888", "cloud", Hint.PERMISSION),
    ],
)
def test_the_region_is_named(url: str, profile: str, hint: Hint) -> None:
    """A refused token may be another region's, and the advice says which."""
    assert region_hint(settings_for(url, profile=profile)) is hint


async def test_an_expired_token(coze: CozeEmulator) -> None:
    """Like a wrong one."""
    coze.add_token("pat_old", expires_at=coze.clock.now() - 1)
    assert "Renew the token" in failed(await check(coze.base_url, token="pat_old")).fix


async def test_an_unknown_bot(coze: CozeEmulator) -> None:
    """The advice names the key and where to find the number."""
    assert "bot_id" in failed(await check(coze.base_url, bot="7000000000000000000")).fix


async def test_an_unpublished_bot(coze: CozeEmulator) -> None:
    """4015 is explained."""
    coze.add_bot("7000000000000000001", published=False)
    finding = failed(await check(coze.base_url, bot="7000000000000000001"))
    assert "4015" in finding.subject
    assert "Publish the bot" in finding.fix


@pytest.mark.parametrize(("permission", "calls"), [("getMetadata", 1), ("createConversation", 2)])
async def test_a_missing_permission(coze: CozeEmulator, permission: str, calls: int) -> None:
    """The advice lists the permissions."""
    coze.add_token("pat_poor", ALL_PERMISSIONS - {permission})
    findings = await check(coze.base_url, token="pat_poor")
    assert permission in failed(findings).fix
    assert findings[-1].subject.endswith(f": {calls}")


async def test_an_unreachable_host() -> None:
    """Nothing listens there."""
    finding = failed(await check("http://127.0.0.1:1"))
    assert "no connection" in finding.subject
    assert "firewall" in finding.fix


async def test_an_unknown_host() -> None:
    """No such name."""
    assert "DNS" in failed(await check("http://no-such-host.invalid")).fix


async def test_a_web_page(coze: CozeEmulator) -> None:
    """HTML instead of JSON: the address of a web site."""
    coze.faults.plan("GET /v1/bot/get_online_info", "html", status=200)
    assert "web page" in failed(await check(coze.base_url)).fix


async def test_a_wrong_path(coze: CozeEmulator) -> None:
    """A server that does not know the API."""
    assert "does not know the path" in failed(await check(coze.base_url + "/elsewhere")).fix


async def test_http_instead_of_https() -> None:
    """TLS against a plain port."""

    async def plain(connection: Raw) -> None:
        await connection.reader.read(1)
        await connection.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await until_gone(connection)

    async with raw_server(plain) as server:
        finding = failed(await check(f"https://127.0.0.1:{server.port}"))
    assert "https or http" in finding.fix


async def test_an_unusable_private_key() -> None:
    """A key that cannot be read is found without a call."""
    oauth = {"client_id": "a", "key_id": "b", "private_key": "nonsense"}
    findings = await check("http://127.0.0.1:1", token=None, oauth=oauth)
    assert "PEM" in failed(findings).fix
    assert findings[-1].subject.endswith(": 0")


async def test_what_can_be_seen_without_a_call(coze: CozeEmulator) -> None:
    """History that is off is listed as a choice with consequences; plain http is mentioned off the machine."""
    findings = await check(coze.base_url, auto_save_history=False)
    assert all(finding.ok for finding in findings)
    assert "auto_save_history" in findings[0].subject
    findings = await check("http://no-such-host.invalid")
    assert "unencrypted" in findings[0].subject


async def test_studio(studio: CozeEmulator) -> None:
    """A Studio is checked with the same two calls."""
    assert all(finding.ok for finding in await check(studio.base_url, profile="studio"))
    assert "Coze Studio" in failed(await check(studio.base_url, profile="studio", token="pat_cloud")).fix
