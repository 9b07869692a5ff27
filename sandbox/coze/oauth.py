"""The OAuth routes: a signed JWT for an access token."""

from sandbox.coze.calls import Call, Handlers, Reply
from sandbox.coze.services import Services


class OAuthRoutes:
    """The exchange, for one account and for enterprise organisations alike."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def handlers(self) -> Handlers:
        """Return the routes by name."""
        return {
            "POST /api/permission/oauth2/token": self._exchange,
            "POST /api/permission/oauth2/account/{account_id}/token": self._exchange,
        }

    async def _exchange(self, call: Call) -> Reply:
        return Reply(self._services.keyring.exchange(call.request, call.body), bare=True)
