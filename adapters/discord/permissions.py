"""Which permissions the bot needs for what, for the invitation and for the check (pure).

Source: docs.discord.com, "Permissions".
"""

import base64
import binascii
from dataclasses import dataclass
from urllib.parse import urlencode

from adapters.discord.settings import DiscordSettings

AUTHORIZE_URL = "https://discord.com/oauth2/authorize"
SCOPES = ("bot", "applications.commands")
ADMINISTRATOR = 1 << 3


@dataclass(frozen=True, slots=True)
class Permission:
    """One permission.

    Attributes:
        name: As server settings show it.
        purpose: Completes "needed to ...".
        without: What happens otherwise, for one the bridge can do without; empty: it cannot.
    """

    bit: int
    name: str
    purpose: str
    without: str = ""


VIEW = Permission(1 << 10, "View Channels", "receive questions")
SEND = Permission(1 << 11, "Send Messages", "answer in channels")
SEND_IN_THREADS = Permission(1 << 38, "Send Messages in Threads", "answer in threads and forum posts")
CREATE_THREADS = Permission(
    1 << 35, "Create Public Threads", "answer in a new thread", "questions in channels are answered there, as replies"
)
HISTORY = Permission(
    1 << 16,
    "Read Message History",
    "reply to questions, and to read what was said before or while the bridge was away",
    "answers are no replies, threads bring no earlier messages along, and what was asked meanwhile stays unanswered",
)
REACT = Permission(
    1 << 6, "Add Reactions", "mark a waiting question with an hourglass", "a short message says that it waits"
)

ATTACH = Permission(
    1 << 15,
    "Attach Files",
    "show files that the agent makes",
    "they stay links, and long results become messages",
)


def needed(settings: DiscordSettings) -> tuple[Permission, ...]:
    """Return every permission these settings want, the indispensable ones first."""
    threads = (CREATE_THREADS,) if settings.answer_in == "thread" else ()
    return (VIEW, SEND, SEND_IN_THREADS, *threads, HISTORY, REACT, ATTACH)


def missing(granted: int, settings: DiscordSettings) -> list[Permission]:
    """Return which of the needed permissions these bits lack."""
    if granted & ADMINISTRATOR:
        return []
    return [permission for permission in needed(settings) if not granted & permission.bit]


def invite_url(application_id: str, settings: DiscordSettings) -> str:
    """Return the link under which somebody lets the bot onto a server, with exactly what it needs."""
    bits = sum(permission.bit for permission in needed(settings))
    query = {"client_id": application_id, "permissions": str(bits), "scope": " ".join(SCOPES)}
    return f"{AUTHORIZE_URL}?{urlencode(query)}"


def invite(settings: DiscordSettings) -> str:
    """Print the link for ``coze-bridge invite discord``."""
    application_id = application_in(settings.token.get_secret_value())
    if application_id:
        return invite_url(application_id, settings)
    return (
        invite_url("APPLICATION_ID", settings)
        + "\nPut the number from the Developer Portal (General Information, Application ID) in the place of"
        + " APPLICATION_ID; a configured token (DISCORD_BOT_TOKEN) would tell it."
    )


def application_in(token: str) -> str:
    """Return the id that a bot's token begins with, in base64; empty when it has none.

    Bots share it with their application, but for some made before 2016: `check` prints the link with the real one.
    """
    first = token.partition(".")[0]
    try:
        decoded = base64.b64decode(first + "=" * (-len(first) % 4), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return ""
    return decoded if decoded.isdecimal() and 15 <= len(decoded) <= 20 else ""
