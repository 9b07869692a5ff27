"""``coze-bridge check`` for Discord: token, intents, gateway, servers, permissions, commands, in plain sentences."""

import os
from typing import Any

from adapters.discord import limits
from adapters.discord.permissions import Permission, invite_url, missing
from adapters.discord.refusals import FORBIDDEN, DiscordRefused
from adapters.discord.sessions import session_starts
from adapters.discord.settings import DiscordSettings
from adapters.discord.web import Web
from adapters.discord.who import Me, who_we_are
from bridge.clock import SystemClock
from bridge.errors import CredentialsError, PlatformError
from bridge.extension import Finding

GUILDS_LOOKED_AT = 20
"""Servers whose permissions and commands are looked at: one request each."""

PORTAL_SWITCH = "Switch on Message Content Intent in the Developer Portal (your application, Bot)"


async def check(name: str, settings: DiscordSettings) -> list[Finding]:
    """Try everything that can be tried without posting and without beginning a session."""
    async with Web(settings, SystemClock()) as web:
        try:
            me = await who_we_are(web)
            findings = [Finding(True, f"{name}: the token works (bot {me.name}, application {me.application_id})")]
            findings.append(_check_intent(name, settings, me))
            findings.append(await _check_gateway(name, web))
            return findings + await _check_guilds(name, settings, web, me)
        except CredentialsError as error:
            return [Finding(False, f"{name}: {error.reason}", error.fix)]
        except PlatformError as error:
            return [_unreachable(name, settings, error)]


def _check_intent(name: str, settings: DiscordSettings, me: Me) -> Finding:
    adds = "answer follow-ups in threads" + (" and new forum posts" if settings.forums else "") + " without a mention"
    if settings.message_content == "off":
        wanted = settings.forums
        subject = f"{name}: the message content intent is not used; with it the bot could {adds}"
        fix = 'Set message_content = "auto": the forums of the configuration need it.' if wanted else ""
        return Finding(not wanted, subject, fix)
    if me.may_read_content:
        return Finding(True, f"{name}: the message content intent is switched on, to {adds}")
    without = f"{name}: the message content intent is switched off; everything works with mentions and in direct "
    without += f"messages, with it the bot could also {adds}"
    if settings.message_content == "on":
        return Finding(False, without, f'{PORTAL_SWITCH}, or set message_content = "auto".')
    if settings.forums:
        return Finding(False, without, f"{PORTAL_SWITCH}: the forums of the configuration need it.")
    return Finding(True, without, f"{PORTAL_SWITCH}, if you want that.")


async def _check_gateway(name: str, web: Web) -> Finding:
    starts = await session_starts(web)
    subject = f"{name}: {starts.remaining} of {starts.total} new sessions with the gateway are left for today"
    if starts.remaining * 2 >= starts.total:
        return Finding(True, subject)
    return Finding(False, subject, "Something keeps connecting with this token: look for a second process.")


async def _check_guilds(name: str, settings: DiscordSettings, web: Web, me: Me) -> list[Finding]:
    query = {"limit": str(limits.GUILDS_PAGE)}
    guilds = await web.ask("GET", "/users/@me/guilds", query=query, patience_s=10.0)
    guilds = [guild for guild in guilds if isinstance(guild, dict)] if isinstance(guilds, list) else []
    link = invite_url(me.application_id, settings)
    if not guilds:
        return [Finding(False, f"{name}: the bot is on no server yet", f"Invite it: {link}")]
    more = "" if len(guilds) < limits.GUILDS_PAGE else " or more"
    findings = [Finding(True, f"{name}: the bot is on {len(guilds)}{more} server(s)")]
    for guild in guilds[:GUILDS_LOOKED_AT]:
        findings += _check_permissions(name, settings, guild, link)
        findings += await _check_commands(name, web, me, guild, link)
    return findings


def _check_permissions(name: str, settings: DiscordSettings, guild: dict[str, Any], link: str) -> list[Finding]:
    try:
        granted = int(guild.get("permissions", ""))
    except (TypeError, ValueError):
        return [Finding(True, f"{name}: Discord does not tell the bot's permissions on {_called(guild)}")]
    lacking = missing(granted, settings)
    if not lacking:
        return [Finding(True, f"{name}: all permissions are there on {_called(guild)}; channels may still take some")]
    return [_lacking(name, guild, permission, link) for permission in lacking]


def _lacking(name: str, guild: dict[str, Any], permission: Permission, link: str) -> Finding:
    fix = f"Give it to the bot's role in the server settings, or invite the bot again: {link}"
    if permission.without:
        subject = f"{name}: without {permission.name} on {_called(guild)} (to {permission.purpose}), "
        return Finding(True, subject + permission.without, fix)
    subject = f"{name}: {permission.name} is missing on {_called(guild)}; it is needed to {permission.purpose}"
    return Finding(False, subject, fix)


async def _check_commands(name: str, web: Web, me: Me, guild: dict[str, Any], link: str) -> list[Finding]:
    path = f"/applications/{me.application_id}/guilds/{guild.get('id')}/commands"
    try:
        await web.ask("GET", path, patience_s=10.0)
    except DiscordRefused as error:
        if error.code not in FORBIDDEN:
            raise
        subject = f"{name}: {_called(guild)} invited the bot without the scope applications.commands"
        return [Finding(True, f"{subject}; slash commands cannot be offered there", f"Invite it again: {link}")]
    return []


def _called(guild: dict[str, Any]) -> str:
    return f"{guild.get('name')!s} ({guild.get('id')})"


def _unreachable(name: str, settings: DiscordSettings, error: PlatformError) -> Finding:
    fix = f"Check the network, and that api_url = {settings.api_url!r} is right."
    if settings.proxy is None and any(os.environ.get(key) for key in ("HTTPS_PROXY", "https_proxy")):
        fix += " HTTPS_PROXY is set in the environment, which is not read by itself: set proxy."
    return Finding(False, f"{name}: Discord does not answer as it should ({error.reason})", fix)
