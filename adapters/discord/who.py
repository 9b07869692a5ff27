"""Who the token belongs to, and which privileged intents its application has switched on."""

from dataclasses import dataclass

from adapters.discord.web import Web
from bridge.errors import PlatformUnavailable

MESSAGE_CONTENT = 1 << 18 | 1 << 19
"""Application flags of the message content intent: granted after a review, or switched on by hand."""


@dataclass(frozen=True, slots=True)
class Me:
    """One bot and its application."""

    user_id: str
    application_id: str
    name: str
    may_read_content: bool


async def who_we_are(web: Web) -> Me:
    """Ask who the token belongs to: two requests.

    Raises:
        CredentialsError: The token is wrong.
        PlatformError: As ``Web.call``.
    """
    user = await web.ask("GET", "/users/@me", patience_s=30.0)
    application = await web.ask("GET", "/oauth2/applications/@me", patience_s=30.0)
    if not isinstance(user, dict) or not isinstance(application, dict) or not user.get("id"):
        raise PlatformUnavailable("GET /users/@me: no user; is api_url right?", outcome_unknown=False)
    flags = application.get("flags")
    return Me(
        user_id=str(user["id"]),
        application_id=str(application.get("id") or user["id"]),
        name=str(user.get("username") or ""),
        may_read_content=isinstance(flags, int) and bool(flags & MESSAGE_CONTENT),
    )
