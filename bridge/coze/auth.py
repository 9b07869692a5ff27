"""Credentials: a token that is simply there, or one that an OAuth application earns with signed JWTs.

The JWT exchange, exactly: ``POST /api/permission/oauth2/token`` with the JWT as bearer token; the reply is not
wrapped in an envelope, and its ``expires_in`` is an instant in unix seconds, despite its name. There is no refresh
token: a new JWT with a new ``jti`` buys the next one. Source: Coze's OAuth JWT page and the official clients.
"""

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any, Protocol

import httpx
import jwt
import msgspec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from bridge.coze.hints import Hint, advise
from bridge.coze.http import read_body, send
from bridge.coze.protocol import log_id_of, mapping_of, read_answer, text_of
from bridge.coze.settings import CozeConnection, OAuthApp
from bridge.errors import AgentError, AgentProtocolError, AgentUnauthorized, AgentUnavailable, CredentialsError
from bridge.operations.redaction import Redactor
from bridge.ports import Clock

TOKEN_PATH = "/api/permission/oauth2/token"
GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
JWT_LIFETIME_S = 3600
"""As the official clients choose; it bounds the exchange, not the token."""

MARGIN_S = 60.0
"""A token is renewed this long before its end, so that none expires on its way."""

RENEWAL_PAUSE_S = 30.0
"""A token refused this soon after a renewal lacks something that a further one would lack too."""

_REDACTOR = Redactor()

_HINTS: Mapping[str, Hint] = {
    "invalid_request": Hint.OAUTH_CLIENT,
    "invalid_client": Hint.OAUTH_CLIENT,
    "unsupported_grant_type": Hint.OAUTH_CLIENT,
    "access_deny": Hint.OAUTH_INACTIVE,
}


class TokenSource(Protocol):
    """Where the bearer token comes from."""

    async def token(self) -> str:
        """Return a token that should be accepted; raises ``AgentError`` when none can be had."""
        ...

    async def renew(self, refused: str) -> bool:
        """Replace a token that was refused; false when that cannot help."""
        ...


class PersonalToken:
    """A token from the configuration; it cannot be renewed."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def token(self) -> str:
        return self._token

    async def renew(self, refused: str) -> bool:
        return False


class OAuthJwt:
    """Tokens of an OAuth application; one exchange at a time, however many ask.

    Args:
        private_key: PEM.
        client: Its base URL decides the audience.
    """

    def __init__(self, app: OAuthApp, private_key: str, client: httpx.AsyncClient, clock: Clock) -> None:
        self._app = app
        self._private_key = private_key
        self._client = client
        self._clock = clock
        self._lock = asyncio.Lock()
        self._token = ""
        self._renew_at_s = 0.0
        self._renewed_at: float | None = None

    async def token(self) -> str:
        if not self._current():
            async with self._lock:
                if not self._current():
                    await self._exchange()
        return self._token

    async def renew(self, refused: str) -> bool:
        async with self._lock:
            if refused != self._token:
                return True  # somebody was faster
            now = self._clock.now()
            if self._renewed_at is not None and now - self._renewed_at < RENEWAL_PAUSE_S:
                return False
            self._renewed_at = now
            await self._exchange()
            return True

    def _current(self) -> bool:
        return bool(self._token) and self._clock.wall() < self._renew_at_s

    async def _exchange(self) -> None:
        request = self._client.build_request(
            "POST",
            TOKEN_PATH,
            headers={"Authorization": f"Bearer {self._sign()}"},
            json={"grant_type": GRANT_TYPE, "duration_seconds": self._app.token_lifetime_s},
        )
        response = await send(self._client, request)
        body = await read_body(response, f"POST {TOKEN_PATH}")
        self._token, expires_at_s = read_token(response.status_code, response.headers, body)
        now_s = self._clock.wall()
        margin_s = min(MARGIN_S, max(0.0, expires_at_s - now_s) / 4)
        self._renew_at_s = expires_at_s - margin_s

    def _sign(self) -> str:
        now_s = int(self._clock.wall())
        claims = {
            "iss": self._app.client_id,
            "aud": self._client.base_url.netloc.decode(),
            "iat": now_s,
            "exp": now_s + JWT_LIFETIME_S,
            "jti": secrets.token_urlsafe(32),
        }
        return jwt.encode(claims, self._private_key, algorithm="RS256", headers={"kid": self._app.key_id})


def read_token(status: int, headers: Mapping[str, str], body: bytes) -> tuple[str, float]:
    """Read the reply of the exchange: the token and the unix second of its end.

    Raises:
        AgentUnauthorized: The application, its key or the request was refused.
        AgentUnavailable: Coze failed.
    """
    where = f"POST {TOKEN_PATH}"
    try:
        reply: Mapping[str, Any] = mapping_of(msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError):
        reply = {}
    token, expires = text_of(reply.get("access_token")), reply.get("expires_in")
    if token and isinstance(expires, int | float) and status < 400:
        return token, float(expires)
    error = text_of(reply.get("error_code")) or text_of(reply.get("error"))
    if error:
        raise _refused(where, error, text_of(reply.get("error_message")), log_id_of(headers))
    read_answer(where, status, headers, body)  # raises for envelopes with a code, bad statuses and web pages
    raise AgentProtocolError(f"{where}: no token in the reply", log_id=log_id_of(headers))


def _refused(where: str, error: str, message: str, log_id: str) -> AgentError:
    reason = _REDACTOR.text(f"{where}: {error}: {message}")
    if error == "internal_error":
        return AgentUnavailable(reason, outcome_unknown=False, log_id=log_id, hint=advise(Hint.LATER))
    return AgentUnauthorized(reason, log_id=log_id, hint=advise(_HINTS.get(error, Hint.OAUTH_CLIENT)))


async def open_credentials(settings: CozeConnection, client: httpx.AsyncClient, clock: Clock) -> TokenSource:
    """Make the configured token source.

    Raises:
        CredentialsError: The private key cannot be read.
    """
    if settings.oauth is None:
        if settings.token is None:
            raise ValueError("settings without a credential")
        return PersonalToken(settings.token.get_secret_value())
    private_key = await _private_key(settings.oauth)
    return OAuthJwt(settings.oauth, private_key, client, clock)


async def _private_key(app: OAuthApp) -> str:
    fix = advise(Hint.OAUTH_KEY)
    if app.private_key is not None:
        pem = app.private_key.get_secret_value()
    else:
        path = app.private_key_file
        if path is None:
            raise ValueError("settings without a private key")
        try:
            pem = await asyncio.to_thread(path.read_text, "ascii")
        except (OSError, UnicodeDecodeError) as exc:
            raise CredentialsError(f"oauth.private_key_file {path}: {type(exc).__name__}", fix=fix) from exc
    try:
        load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError) as exc:
        raise CredentialsError("oauth: the private key is not an unencrypted PEM key", fix=fix) from exc
    return pem
