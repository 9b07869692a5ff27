"""Delivery by signed HTTP requests to the app's request URL."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import aiohttp

from sandbox.clock import SandboxClock
from sandbox.journal import Journal
from sandbox.slack.background import within
from sandbox.slack.model import App
from sandbox.slack.switches import SlackSwitches
from sandbox.slack.transport import Answer, Attempt, Outgoing
from sandbox.slack.workspace import Mint

REDIRECTS_MAX = 2
STALE_BY_S = 400
"""Apps refuse timestamps that are more than 300 s away."""
FORM = "application/x-www-form-urlencoded"


class HttpDelivery:
    """Posts payloads, signed with the app's secret over the raw body."""

    def __init__(self, clock: SandboxClock, journal: Journal, switches: SlackSwitches, mint: Mint) -> None:
        self._clock = clock
        self._journal = journal
        self._switches = switches
        self._mint = mint
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Open the client session; proxies of the environment are not used."""
        self._session = aiohttp.ClientSession(trust_env=False, timeout=aiohttp.ClientTimeout(total=None))

    async def aclose(self) -> None:
        """Close the client session."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def verify(self, app: App, url: str) -> None:
        """Play the ``url_verification`` handshake that Slack demands before it stores a request URL.

        Raises:
            ValueError: The app did not echo the challenge.
        """
        challenge = self._mint.hex()
        payload = {"token": app.verification_token, "challenge": challenge, "type": "url_verification"}
        outgoing = Outgoing(app, "events_api", "url_verification", payload)
        answer = await self._attempt(url, outgoing, Attempt())
        echoed = answer.payload.get("challenge") if isinstance(answer.payload, dict) else answer.payload
        if not answer.accepted or echoed != challenge:
            raise ValueError(f"{url} did not answer the challenge: {answer.failure or echoed!r}")

    async def attempt(self, outgoing: Outgoing, attempt: Attempt) -> Answer:
        """Send one signed request and wait for the answer."""
        assert outgoing.app.request_url is not None
        return await self._attempt(outgoing.app.request_url, outgoing, attempt)

    async def _attempt(self, url: str, outgoing: Outgoing, attempt: Attempt) -> Answer:
        content_type, body = _encode(outgoing)
        headers = {"Content-Type": content_type, **self._signature(outgoing.app, body, attempt)}
        if attempt.number:
            headers |= {"X-Slack-Retry-Num": str(attempt.number), "X-Slack-Retry-Reason": attempt.reason}
        self._journal.record(
            "slack",
            "event",
            outgoing.name,
            envelope_type=outgoing.kind,
            attempt=attempt.number,
            payload=outgoing.payload,
        )
        started_at = self._clock.now()
        timeout_s = self._switches.ack_timeout_s
        try:
            answer = await within(self._clock, timeout_s, lambda: self._post(url, body, headers))
        except TimeoutError:
            self._journal.record("slack", "violation", "not_acknowledged", payload=outgoing.name, waited_s=timeout_s)
            return Answer("http_timeout")
        latency_s = self._clock.now() - started_at
        kind = "ack" if answer.accepted else "refused"
        self._journal.record(
            "slack", kind, outgoing.name, latency_s=latency_s, failure=answer.failure, payload=answer.payload
        )
        return answer

    def _signature(self, app: App, body: bytes, attempt: Attempt) -> dict[str, str]:
        fault = attempt.fault.kind if attempt.fault else ""
        # The app compares with its own clock, which the sandbox cannot advance: real time, not the sandbox's.
        now_s = int(datetime.now(UTC).timestamp())
        timestamp = str(now_s - (STALE_BY_S if fault == "stale_timestamp" else 0))
        secret = "not the signing secret" if fault == "wrong_signature" else app.signing_secret
        return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": sign(secret, timestamp, body)}

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        assert self._session is not None
        try:
            async with self._session.post(url, data=body, headers=headers, max_redirects=REDIRECTS_MAX) as response:
                payload = _decode(response.content_type, await response.text())
                if response.ok:
                    return Answer(payload=payload)
                no_retry = response.headers.get("X-Slack-No-Retry") == "1"
                return Answer("http_error", payload, no_retry)
        except aiohttp.TooManyRedirects:
            return Answer("too_many_redirects")
        except aiohttp.ClientSSLError:
            return Answer("ssl_error")
        except aiohttp.ClientConnectionError:
            return Answer("connection_failed")
        except aiohttp.ClientError:
            return Answer("unknown_error")


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Return Slack's request signature, version 0 (reference section 9)."""
    base = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


def _encode(outgoing: Outgoing) -> tuple[str, bytes]:
    if outgoing.kind == "events_api":
        return "application/json", json.dumps(outgoing.payload).encode()
    fields: dict[str, Any] = outgoing.payload
    if outgoing.kind == "interactive":
        fields = {"payload": json.dumps(outgoing.payload)}
    return FORM, urlencode({name: _form_value(value) for name, value in fields.items()}).encode()


def _form_value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _decode(content_type: str, text: str) -> Any:
    if content_type == "application/json":
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text or None
