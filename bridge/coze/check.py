"""What is wrong with one agent's configuration, in plain sentences, found with as few calls as possible.

The free plan counts every call of its lifetime, so the check makes two or three and says so. It starts no run: whether
the agent answers well is for people to try.
"""

from urllib.parse import urlsplit

from bridge.coze.hints import Advice, Hint, advise, translated
from bridge.coze.protocol import Answer, read_profile
from bridge.coze.settings import CozeConnection
from bridge.coze.wire import NO_RETRIES, Wire
from bridge.errors import AgentError, AgentUnauthorized, CredentialsError
from bridge.extension import Finding
from bridge.ports import Clock

BOT_PATH = "/v1/bot/get_online_info"
CONVERSATION_PATH = "/v1/conversation/create"

_BOT_FOUND = Advice("Coze at {url} knows the bot {bot}", "{url} 上的扣子可以找到智能体 {bot}")
_CONVERSATION_OPENED = Advice("A conversation with the bot can be opened", "可以与该智能体建立会话")
_HISTORY_OFF = Advice(
    "auto_save_history is off: a broken answer cannot be fetched, and feedback is not offered",
    "auto_save_history 已关闭：中断的回答无法取回，也不提供反馈",
)
_PLAIN_HTTP = Advice(
    "base_url {url} is plain http: the token travels unencrypted", "base_url {url} 使用明文 http：令牌未加密传输"
)
_USE_HTTPS = Advice("Use https outside of your own machine.", "除本机外请使用 https。")
_FAILED = Advice("{what} failed: {reason}", "{what}失败：{reason}")
_ASKING_BOT = Advice("Looking up the bot {bot}", "查询智能体 {bot}")
_OPENING = Advice("Opening a conversation", "建立会话")
_LOG_ID = Advice(" (log id {log_id})", "（log id {log_id}）")
_CALLS = Advice("Coze calls made by this check: {calls}", "本次检查调用扣子接口 {calls} 次")

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")


async def check_connection(settings: CozeConnection, bot_id: str, clock: Clock, *, locale: str = "en") -> list[Finding]:
    """Try credential, region, address and bot; never raises for what it finds."""
    findings = _read_settings(settings, locale)
    calls = 0
    try:
        async with Wire(settings, clock, retries=NO_RETRIES) as wire:
            try:
                findings += await _try(wire, settings, bot_id, locale)
            finally:
                calls = wire.calls_made
    except CredentialsError as exc:
        findings.append(Finding(False, exc.reason, translated(exc.fix, locale)))
    findings.append(Finding(True, _CALLS(locale).format(calls=calls)))
    return findings


def _read_settings(settings: CozeConnection, locale: str) -> list[Finding]:
    """Find what can be seen without a call."""
    findings = []
    parts = urlsplit(settings.base_url)
    if parts.scheme == "http" and parts.hostname not in LOOPBACK_HOSTS:
        findings.append(Finding(True, _PLAIN_HTTP(locale).format(url=settings.base_url), _USE_HTTPS(locale)))
    if not settings.auto_save_history:
        findings.append(Finding(True, _HISTORY_OFF(locale)))
    return findings


async def _try(wire: Wire, settings: CozeConnection, bot_id: str, locale: str) -> list[Finding]:
    asking = _ASKING_BOT(locale).format(bot=bot_id)
    try:
        answer = await wire.call("GET", BOT_PATH, params={"bot_id": bot_id}, repeatable=True)
    except AgentError as exc:
        return [explain(exc, asking, settings, locale)]
    findings = [Finding(True, _describe(answer, settings, bot_id, locale))]
    try:
        await wire.call("POST", CONVERSATION_PATH, json={"bot_id": bot_id}, repeatable=True)
    except AgentError as exc:
        return [*findings, explain(exc, _OPENING(locale), settings, locale)]
    return [*findings, Finding(True, _CONVERSATION_OPENED(locale))]


def _describe(answer: Answer, settings: CozeConnection, bot_id: str, locale: str) -> str:
    profile = read_profile(bot_id, answer.result())
    name = f"{profile.name} ({bot_id})" if profile.name else bot_id
    return _BOT_FOUND(locale).format(url=settings.base_url, bot=name)


def explain(exc: AgentError, what: str, settings: CozeConnection, locale: str) -> Finding:
    """Word one failure with everything an operator can do about it."""
    subject = _FAILED(locale).format(what=what, reason=exc.reason)
    if exc.log_id:
        subject += _LOG_ID(locale).format(log_id=exc.log_id)
    fix = translated(exc.hint, locale) or advise(Hint.REPORT, locale=locale)
    if isinstance(exc, AgentUnauthorized):
        fix = " ".join(filter(None, (fix, advise(region_hint(settings), locale=locale))))
    return Finding(False, subject, fix)


def region_hint(settings: CozeConnection) -> Hint:
    """Say which region a refused token may belong to: the commonest reason of all."""
    host = urlsplit(settings.base_url).hostname or ""
    if settings.profile == "studio":
        return Hint.STUDIO_TOKEN
    if host.endswith("coze.cn"):
        return Hint.REGION_CN
    if host.endswith("coze.com"):
        return Hint.REGION_COM
    return Hint.PERMISSION
