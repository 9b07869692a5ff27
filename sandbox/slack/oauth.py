"""OAuth: the authorise page that agrees at once, and ``oauth.v2.access`` with rotation."""

import base64

from aiohttp import web
from yarl import URL

from sandbox.slack.limits import ROTATED_TOKEN_LIFETIME_S
from sandbox.slack.model import App, Installation, Json
from sandbox.slack.refusals import Refusal
from sandbox.slack.service import Service
from sandbox.slack.setup import install


class OAuth:
    """Installs apps into teams; the administrator of the sandbox always agrees."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def add_routes(self, app: web.Application) -> None:
        """Register the authorise page."""
        app.router.add_get("/oauth/v2/authorize", self.authorize)

    async def authorize(self, request: web.Request) -> web.Response:
        """Redirect at once with ``code`` and ``state``; ``team`` chooses the workspace, ``user`` who agrees."""
        query = request.query
        if self._service.registry.app_by_client(query.get("client_id", "")) is None:
            return web.Response(status=400, text="invalid client_id")
        teams = self._service.workspaces
        team_id = query.get("team") or next(iter(teams))
        if team_id not in teams or "redirect_uri" not in query:
            return web.Response(status=400, text="invalid team or redirect_uri")
        people = [user.id for user in teams[team_id].users.values() if user.bot_id is None]
        code = self._service.mint.hex()
        self._service.oauth_codes[code] = (team_id, query.get("user") or (people[0] if people else "U0ADMIN"))
        target = URL(query["redirect_uri"]).update_query(code=code, state=query.get("state", ""))
        raise web.HTTPFound(target)

    def access(self, values: Json, authorization: str | None) -> Json:
        """Answer ``oauth.v2.access``: a code, or a refresh token, for a bot token.

        Raises:
            Refusal: ``invalid_client_id``, ``bad_client_secret``, ``invalid_code``, ``invalid_refresh_token``,
                ``invalid_grant_type``.
        """
        app = self._client(values, authorization)
        grant = values.get("grant_type") or "authorization_code"
        if grant == "refresh_token":
            return self._refresh(app, str(values.get("refresh_token", "")))
        if grant != "authorization_code":
            raise Refusal("invalid_grant_type")
        granted = self._service.oauth_codes.pop(str(values.get("code", "")), None)
        if granted is None:
            raise Refusal("invalid_code")
        team_id, user = granted
        installation = install(self._service, app, team_id)
        if app.token_rotation:
            self._rotate(installation)
        return self._answer(installation) | {"authed_user": {"id": user}}

    def _client(self, values: Json, authorization: str | None) -> App:
        client_id, secret = str(values.get("client_id", "")), str(values.get("client_secret", ""))
        if authorization and authorization.startswith("Basic "):
            client_id, secret = _basic_credentials(authorization)
        app = self._service.registry.app_by_client(client_id)
        if app is None:
            raise Refusal("invalid_client_id")
        if secret != app.client_secret:
            raise Refusal("bad_client_secret")
        return app

    def _refresh(self, app: App, refresh_token: str) -> Json:
        """A refresh token works once."""
        for installation in self._service.registry.installations():
            if installation.app is app and refresh_token and installation.refresh_token == refresh_token:
                self._rotate(installation)
                return self._answer(installation)
        raise Refusal("invalid_refresh_token")

    def _rotate(self, installation: Installation) -> None:
        mint = self._service.mint
        installation.bot_token = f"xoxe.xoxb-1-{mint.hex()}"
        installation.refresh_token = f"xoxe-1-{mint.hex()}"
        installation.expires_at = self._service.clock.now() + ROTATED_TOKEN_LIFETIME_S
        self._service.registry.add(installation)

    def _answer(self, installation: Installation) -> Json:
        team = self._service.workspaces[installation.team_id].team
        answer: Json = {
            "access_token": installation.bot_token,
            "token_type": "bot",
            "scope": ",".join(installation.scopes),
            "bot_user_id": installation.bot_user_id,
            "app_id": installation.app.id,
            "team": {"name": team.name, "id": team.id},
            "enterprise": None,
            "is_enterprise_install": False,
        }
        if installation.refresh_token is not None:
            answer |= {"refresh_token": installation.refresh_token, "expires_in": ROTATED_TOKEN_LIFETIME_S}
        return answer


def _basic_credentials(authorization: str) -> tuple[str, str]:
    try:
        decoded = base64.b64decode(authorization.removeprefix("Basic "), validate=True).decode()
    except ValueError:
        raise Refusal("invalid_client_id") from None
    name, _, secret = decoded.partition(":")
    return name, secret
