"""``coze-bridge check`` for Slack: tokens, Socket Mode, scopes, each in a plain sentence with its mending."""

import os

from adapters.slack.inbound import Identity
from adapters.slack.scopes import ScopeNeed, bot_events, scope_needs
from adapters.slack.settings import SlackSettings
from adapters.slack.web import Web
from bridge.errors import CredentialsError, PlatformError
from bridge.extension import Finding

BOT_PREFIX = "xoxb-"
APP_PREFIX = "xapp-"
UNSEEN = "In the app's settings, compare both with what `coze-bridge manifest` prints for this section."
REINSTALL = 'Add it in the app\'s settings under "OAuth & Permissions", then reinstall the app to the workspace.'


async def check(name: str, settings: SlackSettings) -> list[Finding]:
    """Try everything that can be tried without posting: three calls at most."""
    findings: list[Finding] = []
    async with Web(settings) as web:
        findings += await _check_bot(name, settings, web)
        findings.append(await _check_socket(name, settings, web))
    return findings


async def _check_bot(name: str, settings: SlackSettings, web: Web) -> list[Finding]:
    try:
        us, granted = await web.who_we_are()
    except CredentialsError as error:
        return [_refused(f"{name}: the bot token is refused ({error.reason})", error, settings)]
    except PlatformError as error:
        return [_unreachable(name, settings, error)]
    scopes = [_check_scope(name, need, granted) for need in scope_needs(settings)]
    return [_welcome(name, us), *scopes, _tell_unseen(name, settings)]


def _welcome(name: str, us: Identity) -> Finding:
    return Finding(True, f"{name}: the bot token works (workspace {us.team_id}, bot user {us.user_id})")


def _check_scope(name: str, need: ScopeNeed, granted: frozenset[str]) -> Finding:
    if not granted:
        return Finding(True, f"{name}: Slack does not tell whether the scope {need.name} was granted")
    if need.name in granted:
        return Finding(True, f"{name}: the scope {need.name} is there, to {need.purpose}")
    if need.without:
        return Finding(True, f"{name}: without the scope {need.name} (to {need.purpose}), {need.without}", REINSTALL)
    fix = REINSTALL
    if need.name in ("channels:history", "groups:history", "mpim:history"):
        fix += " Or set follow_threads = false."
    return Finding(False, f"{name}: the scope {need.name} is missing; it is needed to {need.purpose}", fix)


def _tell_unseen(name: str, settings: SlackSettings) -> Finding:
    """Tell what no call with these tokens tells: an app made before a setting was changed may lack it."""
    events = ", ".join(sorted(bot_events(settings)))
    subject = (
        f"{name}: not seen from here: Interactivity (for buttons) is on, and these events are subscribed: {events}"
    )
    return Finding(True, subject, UNSEEN)


async def _check_socket(name: str, settings: SlackSettings, web: Web) -> Finding:
    try:
        await web.open_connection()
    except CredentialsError as error:
        return _refused(f"{name}: Socket Mode is not possible ({error.reason})", error, settings)
    except PlatformError as error:
        return _unreachable(name, settings, error)
    return Finding(True, f"{name}: Socket Mode can be opened with the app token")


def _refused(subject: str, error: CredentialsError, settings: SlackSettings) -> Finding:
    bot, app = settings.bot_token.get_secret_value(), settings.app_token.get_secret_value()
    if bot.startswith(APP_PREFIX) and app.startswith(BOT_PREFIX):
        return Finding(False, subject, "The two tokens are swapped: bot_token begins with xoxb-, app_token with xapp-.")
    return Finding(False, subject, error.fix)


def _unreachable(name: str, settings: SlackSettings, error: PlatformError) -> Finding:
    fix = f"Check the network, and that base_url = {settings.base_url!r} is right."
    if settings.proxy is None and any(os.environ.get(key) for key in ("HTTPS_PROXY", "https_proxy")):
        fix += " HTTPS_PROXY is set in the environment, which is not read by itself: set proxy."
    return Finding(False, f"{name}: Slack does not answer as it should ({error.reason})", fix)
