"""Who may call: tokens with permissions, and the OAuth JWT exchange (reference 1.2, 1.3)."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

import jwt
from aiohttp import web

from sandbox.clock import SandboxClock
from sandbox.coze.errors import CozeError, OAuthError
from sandbox.coze.ids import IdFactory
from sandbox.coze.jsons import Json
from sandbox.coze.state import Identity
from sandbox.coze.supported import ALL_PERMISSIONS, Endpoint
from sandbox.coze.switches import CozeSwitches

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
DEFAULT_DURATION_S = 900
MAX_DURATION_S = 86_399
_CHAT = "POST /v3/chat"


@dataclass(slots=True)
class Token:
    """What a bearer token stands for. ``expires_at`` is a unix time, None means never."""

    identity: Identity
    permissions: frozenset[str]
    expires_at: float | None
    revoked: bool = False


@dataclass(slots=True)
class OAuthApp:
    """An OAuth app of the JWT kind; ``public_keys`` maps the console's fingerprint to a PEM."""

    client_id: str
    account_id: str
    permissions: frozenset[str]
    active: bool = True
    public_keys: dict[str, str] = field(default_factory=dict)


class Keyring:
    """All credentials this emulator knows."""

    def __init__(self, clock: SandboxClock, ids: IdFactory, switches: CozeSwitches) -> None:
        self._clock = clock
        self._ids = ids
        self._switches = switches
        self._tokens: dict[str, Token] = {}
        self._apps: dict[str, OAuthApp] = {}
        self._used_jwt_ids: set[str] = set()

    def add_token(
        self,
        value: str,
        identity: Identity,
        permissions: frozenset[str] = ALL_PERMISSIONS,
        expires_at: float | None = None,
    ) -> None:
        """Make a token valid, or valid again."""
        self._tokens[value] = Token(identity, permissions, expires_at)

    def revoke(self, value: str) -> None:
        """Make a token invalid from the next call on.

        Raises:
            KeyError: There is no such token.
        """
        self._tokens[value].revoked = True

    def add_app(self, app: OAuthApp) -> None:
        """Register an OAuth app; a further key of a known app is added to it."""
        known = self._apps.setdefault(app.client_id, app)
        known.public_keys |= app.public_keys
        known.active = app.active

    def authenticate(self, request: web.Request, endpoint: Endpoint) -> Token:
        """Return the token of a request.

        Raises:
            CozeError: The token is missing, unknown here (another region's too), expired, revoked or not permitted.
        """
        token = self._tokens.get(bearer(request))
        expired = token is not None and token.expires_at is not None and token.expires_at <= self._clock.now()
        if token is None or token.revoked or expired:
            raise self._invalid(endpoint)
        missing = [name for name in endpoint.permissions if name not in token.permissions]
        if missing:
            text = f"You do not have permission to call this API: {', '.join(missing)} is required."
            raise CozeError(4101, text, status=self._switches.permission_error_http_status)
        return token

    def _invalid(self, endpoint: Endpoint) -> CozeError:
        is_chat = endpoint.name == _CHAT
        code, status = self._switches.invalid_token_code, self._switches.auth_error_http_status
        return CozeError(
            (4101 if is_chat else 700012006) if code == "by_route" else code,
            status=(200 if is_chat else 401) if status == "by_route" else status,
        )

    def exchange(self, request: web.Request, body: Json) -> Json:
        """Return ``{"access_token", "expires_in"}`` for a signed JWT; ``expires_in`` is a unix time.

        Raises:
            OAuthError: Nothing is granted.
        """
        if body.get("grant_type") != JWT_GRANT:
            raise OAuthError("unsupported_grant_type", "The grant type is not supported.")
        duration_s = body.get("duration_seconds")
        duration_s = DEFAULT_DURATION_S if duration_s is None else duration_s
        if not isinstance(duration_s, int) or not 0 < duration_s <= MAX_DURATION_S:
            raise OAuthError("invalid_request", f"duration_seconds must be between 1 and {MAX_DURATION_S}.")
        app, claims = self._verify(request)
        expires_at = int(self._clock.now()) + duration_s
        access_token = self._ids.next_token("czs_")
        session_name = claims.get("session_name")
        identity = Identity(app.account_id, session_name if isinstance(session_name, str) else None)
        self.add_token(access_token, identity, app.permissions, float(expires_at))
        return {"access_token": access_token, "expires_in": expires_at}

    def _verify(self, request: web.Request) -> tuple[OAuthApp, dict[str, Any]]:
        assertion = bearer(request)
        try:
            key_id = jwt.get_unverified_header(assertion).get("kid")
            issuer = jwt.decode(assertion, options={"verify_signature": False}).get("iss")
            app = self._apps.get(issuer) if isinstance(issuer, str) else None
            if app is None or not isinstance(key_id, str) or key_id not in app.public_keys:
                raise OAuthError("invalid_client", "The client or the public key is unknown.")
            claims = jwt.decode(
                assertion,
                app.public_keys[key_id],
                algorithms=["RS256"],
                audience=[request.host, request.host.rpartition(":")[0] or request.host],
                # Times are judged by the sandbox's clock, below.
                options={"require": ["iss", "aud", "iat", "exp", "jti"], "verify_exp": False, "verify_iat": False},
            )
        except jwt.PyJWTError as error:
            raise OAuthError("invalid_client", f"The JWT is not acceptable: {error}.") from error
        if not app.active:
            raise OAuthError("access_deny", "The app is deactivated.")
        self._check_times(claims)
        return app, claims

    def _check_times(self, claims: dict[str, Any]) -> None:
        issued_at, expires_at, jwt_id = claims["iat"], claims["exp"], claims["jti"]
        if not isinstance(issued_at, int) or not isinstance(expires_at, int) or expires_at <= issued_at:
            raise OAuthError("invalid_request", "exp must be later than iat.")
        if expires_at <= self._clock.now():
            raise OAuthError("invalid_client", "The JWT has expired.")
        if jwt_id in self._used_jwt_ids:
            raise OAuthError("invalid_request", "The jti was used before.")
        self._used_jwt_ids.add(jwt_id)


def bearer(request: web.Request) -> str:
    """Return the bearer token of a request, or an empty string."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""


def fingerprint(token: str) -> str:
    """Return a short hash that tells tokens apart without telling them."""
    return hashlib.sha256(token.encode()).hexdigest()[:8] if token else ""
