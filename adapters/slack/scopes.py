"""Which scopes and events the app needs for what, for the manifest and for the check (pure).

Source: docs.slack.dev, reference pages of the methods and events named.
"""

from dataclasses import dataclass

from adapters.slack.settings import SlackSettings
from bridge.model import Offer


@dataclass(frozen=True, slots=True)
class ScopeNeed:
    """One scope of the bot token.

    Attributes:
        purpose: Completes "needed to ...".
        without: What happens otherwise, for a scope the bridge can do without; empty: it cannot.
    """

    name: str
    purpose: str
    without: str = ""


BASIC = (
    ScopeNeed("chat:write", "post and edit answers and show the status"),
    ScopeNeed("app_mentions:read", "receive mentions"),
    ScopeNeed("im:history", "receive direct messages"),
)
FOLLOWING = (
    ScopeNeed("channels:history", "follow threads and read their earlier messages in public channels"),
    ScopeNeed("groups:history", "follow threads and read their earlier messages in private channels"),
    ScopeNeed("mpim:history", "follow threads and read their earlier messages in group direct messages"),
)
READING = tuple(
    ScopeNeed(need.name, "read a thread's earlier messages", "threads bring no earlier messages along there")
    for need in FOLLOWING
)
COMFORT = (
    ScopeNeed("reactions:write", "mark a waiting question with an hourglass", "a short message says that it waits"),
    ScopeNeed(
        "users:read", "learn names and languages of people", "the agent sees ids, and people get the default language"
    ),
    ScopeNeed(
        "files:read",
        "pass files on to the agent and to workflows",
        "files are left out, which answers say, and forms that take files do not open",
    ),
    ScopeNeed("files:write", "show files that the agent makes", "they stay links, and long results become messages"),
    ScopeNeed("channels:read", "learn names of public channels", "the agent sees ids instead"),
    ScopeNeed("groups:read", "learn names of private channels", "the agent sees ids instead"),
)
AGENT_VIEW = ScopeNeed("assistant:write", "offer the app's panel with agent view", "there is no panel")


COMMANDS = ScopeNeed("commands", "offer slash commands and the shortcut", "people write !run, !new and the like")
PRIVATE_RESULTS = ScopeNeed(
    "im:write", "answer in private what a workflow says for one person alone", "such workflows fail outside of it"
)


def scope_needs(settings: SlackSettings, offers: tuple[Offer, ...] = ()) -> tuple[ScopeNeed, ...]:
    """Return every scope these settings and workflows want, the indispensable ones first."""
    commands = (COMMANDS,) if settings.command or offers else ()
    private = (PRIVATE_RESULTS,) if any(offer.private for offer in offers) else ()
    threads = FOLLOWING if settings.follow_threads else READING
    panel = (AGENT_VIEW,) if settings.agent_view else ()
    return (*BASIC, *threads, *COMFORT, *commands, *private, *panel)


def bot_events(settings: SlackSettings) -> tuple[str, ...]:
    """Return the events these settings subscribe to: what is handled, nothing else."""
    threads = ("message.channels", "message.groups", "message.mpim") if settings.follow_threads else ()
    panel = ("agent_session_stopped",) if settings.agent_view else ()
    return ("app_mention", "message.im", *threads, *panel)
