"""Who is calling: token kinds, installations, scopes."""

from dataclasses import dataclass
from typing import Literal

from aiohttp import web

from sandbox.clock import SandboxClock
from sandbox.slack.model import App, Installation
from sandbox.slack.refusals import Refusal

TokenKind = Literal["bot", "app", "any", "none"]


@dataclass(frozen=True, slots=True)
class Caller:
    """The owner of the token of one request: an app, and for bot tokens its installation."""

    app: App
    installation: Installation | None
    scopes: tuple[str, ...]

    @property
    def bot(self) -> Installation:
        """The installation behind a bot token."""
        if self.installation is None:
            raise Refusal("not_allowed_token_type")
        return self.installation

    def require(self, *alternatives: str) -> None:
        """Refuse callers that have none of these scopes.

        Raises:
            Refusal: ``missing_scope`` with ``needed`` and ``provided``.
        """
        if alternatives and not set(alternatives) & set(self.scopes):
            raise Refusal("missing_scope", needed=alternatives[0], provided=",".join(self.scopes))


class Registry:
    """All apps, and all installations by their tokens."""

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self.apps: dict[str, App] = {}
        self._by_token: dict[str, Installation] = {}

    def add(self, installation: Installation) -> None:
        """Register an app and one installation of it; a token given before is replaced, not kept."""
        self.apps[installation.app.id] = installation.app
        self._by_token = {token: known for token, known in self._by_token.items() if known is not installation}
        self._by_token[installation.bot_token] = installation

    def installations(self, team_id: str | None = None) -> list[Installation]:
        """Return the live installations, of one team or of all."""
        return [
            installation
            for installation in self._by_token.values()
            if not installation.revoked and team_id in (None, installation.team_id)
        ]

    def installation(self, app_id: str, team_id: str) -> Installation | None:
        """Find an installation, a revoked one included."""
        return next((i for i in self._by_token.values() if i.app.id == app_id and i.team_id == team_id), None)

    def app_by_client(self, client_id: str) -> App | None:
        """Find an app by its OAuth client id."""
        return next((app for app in self.apps.values() if app.client_id == client_id), None)

    def identify(self, token: str | None) -> Caller:
        """Find the caller behind a token of any kind.

        Raises:
            Refusal: ``not_authed``, ``invalid_auth``, ``account_inactive`` or ``token_expired``.
        """
        if not token:
            raise Refusal("not_authed")
        for app in self.apps.values():
            if token == app.app_token:
                return Caller(app, None, app.app_token_scopes)
        installation = self._by_token.get(token)
        if installation is None:
            raise Refusal("invalid_auth")
        if installation.revoked:
            raise Refusal("account_inactive")
        if installation.expires_at is not None and self._clock.now() >= installation.expires_at:
            raise Refusal("token_expired")
        return Caller(installation.app, installation, installation.scopes)


def check_kind(caller: Caller, wanted: TokenKind) -> None:
    """Refuse a bot token where an app token is due and the other way round.

    Raises:
        Refusal: ``not_allowed_token_type``.
    """
    kind: TokenKind = "app" if caller.installation is None else "bot"
    if wanted not in ("any", kind):
        raise Refusal("not_allowed_token_type")


def bearer_token(request: web.Request) -> str | None:
    """Return the token of the ``Authorization`` header, or ``None``."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
