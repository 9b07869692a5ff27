"""The faults and switches of the Slack emulator as rows."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from adapters.slack.limits import RETRY_AFTER_S
from benchmarks.faults.row import PATIENCE_S, REQUEST_S, Row, Scene
from benchmarks.faults.stand import Stand
from sandbox.slack import SlackEmulator
from sandbox.slack.transport import DELIVERY_FAULTS
from sandbox.slack.web_api import WEB_FAULTS

METHODS: Mapping[str, Scene] = {
    "auth.test": Scene.STARTING,
    "apps.connections.open": Scene.STARTING,
    "users.info": Scene.PLAIN,
    "conversations.info": Scene.PLAIN,
    "assistant.threads.setStatus": Scene.PLAIN,
    "chat.postMessage": Scene.PLAIN,
    "chat.update": Scene.PLAIN,
    "conversations.replies": Scene.LOST_POST,
    "conversations.history": Scene.AWAY,
    "reactions.add": Scene.WAITING,
    "reactions.remove": Scene.WAITING,
}
"""What the bridge calls, and the scene in which it does."""
LATE_S = REQUEST_S + 1.0
ARGUMENTS: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "status": ({"status": 502}, {"status": 503, "applied": True}),
    "delay": ({"delay_s": 0.5}, {"delay_s": LATE_S}, {"delay_s": LATE_S, "applied": True}),
    "error": ({"error": "internal_error"}, {"error": "fatal_error", "applied": True}),
    "ratelimited": ({"retry_after_s": 1}, {"as_http_200": True}),
}
EVENTS = ("app_mention", "message")
ONLY_BY_HTTP = frozenset({"wrong_signature", "stale_timestamp"})
"""Faults of deliveries to a request URL; the bridge receives by Socket Mode."""

SOCKETS: Mapping[str, Callable[[SlackEmulator], Awaitable[None] | None]] = {
    "disconnect (warning)": lambda slack: slack.sockets.disconnect("warning"),
    "disconnect (refresh_requested)": lambda slack: slack.sockets.disconnect("refresh_requested"),
    "drop": lambda slack: slack.sockets.drop(),
    "go_silent": lambda slack: slack.sockets.go_silent(),
}

SWITCHES: Mapping[str, tuple[Any, Scene]] = {
    "lost_without_connection": (True, Scene.AWAY),
    "latency_s": (0.4, Scene.PLAIN),
    "rate_limits": ("bucket", Scene.PLAIN),
    "rate_limit_scale": (0.1, Scene.PLAIN),
    "bucket_burst_share": (0.05, Scene.PLAIN),
    "rate_limited_as_http_200": (True, Scene.PLAIN),
    "posting_says_rate_limited": (True, Scene.PLAIN),
    "posting_burst": (2, Scene.PLAIN),
    "commercial_history": (True, Scene.LOST_POST),
    "mention_first": (True, Scene.PLAIN),
    "mention_reaches_non_members": (False, Scene.PLAIN),
    "root_deletion_as_tombstone": (True, Scene.PLAIN),
    "markdown_total_chars": (13_297, Scene.PLAIN),
    "markdown_text_too_long": ("invalid_arguments", Scene.PLAIN),
    "expand_markdown_blocks": (True, Scene.PLAIN),
    "updates_unfurl_links": (False, Scene.PLAIN),
    "stream_lifetime_s": (0.5, Scene.DIRECT),
    "stream_cap_chars": (400, Scene.DIRECT),
    "stream_needs_thread": (False, Scene.DIRECT),
    "stream_needs_recipients_in_dm": (True, Scene.DIRECT),
    "stream_recipients_checked_at": ("stop", Scene.DIRECT),
    "stream_start_echoes": (False, Scene.DIRECT),
    "stream_stop_echoes": (False, Scene.DIRECT),
    "status_refusal": ("feature_not_enabled", Scene.PLAIN),
    "status_lifetime_s": (0.5, Scene.PLAIN),
    "agent_sessions_enabled": (False, Scene.DIRECT),
    "connection_lifetime_s": (11.0, Scene.PLAIN),
    "disconnect_grace_s": (0.2, Scene.PLAIN),
}
"""Switches with another value than their default, and the scene in which that matters."""
ABOUT_LIMITS = frozenset({"bucket_burst_share", "rate_limited_as_http_200", "posting_says_rate_limited"})
"""They matter where limits are met."""
ELSEWHERE: Mapping[str, str] = {
    "ack_timeout_s": "how long Slack waits for us; we acknowledge at once",
    "retry_delays_s": "when Slack repeats; tried by lost deliveries",
    "repeat_slash_commands": "no slash commands here",
    "response_url_failure_status": "no slash commands here",
    "file_sign_in_redirects": "no files are read",
    "file_share_delay_s": "no files are read",
    "ticket_lifetime_s": "tickets are used at once",
}
"""Switches that cannot concern whoever asks a question, and why."""


def rows() -> Iterator[Row]:
    """Yield all rows."""
    for method, scene in METHODS.items():
        for kind in sorted(WEB_FAULTS):
            for arguments in ARGUMENTS.get(kind, ({},)):
                arrange = _planned(method, kind, arguments)
                unsaid_s = RETRY_AFTER_S if arguments.get("as_http_200") else 0.0
                yield Row(
                    *("slack", "fault", method, kind, "slack", arrange, scene, arguments),
                    patience_s=PATIENCE_S + unsaid_s,
                )
    for event in EVENTS:
        for kind in sorted(DELIVERY_FAULTS - ONLY_BY_HTTP):
            arguments = {"delay_s": 0.5} if kind == "delay" else {}
            yield Row("slack", "delivery", event, kind, "slack", _delivered(event, kind, arguments), args=arguments)
    for name in SOCKETS:
        yield Row("slack", "socket", "Socket Mode", name, "slack", _disturbed(name), Scene.RUNNING, needs_hit=False)
    yield Row("slack", "socket", "Socket Mode", "handshake refused", "slack", _refused, Scene.STARTING)
    for name, (value, scene) in SWITCHES.items():
        yield Row("slack", "switch", name, repr(value), "slack", _switched(name, value), scene, needs_hit=False)


def _planned(method: str, kind: str, arguments: Mapping[str, Any]) -> Callable[[Stand], None]:
    return lambda stand: stand.ground.slack.faults.plan(method, kind, **arguments)


def _delivered(event: str, kind: str, arguments: Mapping[str, Any]) -> Callable[[Stand], None]:
    return lambda stand: stand.ground.slack.delivery_faults.plan(event, kind, **arguments)


def _disturbed(name: str) -> Callable[[Stand], Awaitable[None] | None]:
    return lambda stand: SOCKETS[name](stand.ground.slack)


def _refused(stand: Stand) -> None:
    stand.ground.slack.sockets.handshakes_to_refuse = 2


def _switched(name: str, value: Any) -> Callable[[Stand], None]:
    def arrange(stand: Stand) -> None:
        switches = stand.ground.slack.switches
        if name in ABOUT_LIMITS:
            switches.rate_limits, switches.rate_limit_scale = "bucket", 0.5
        setattr(switches, name, value)

    return arrange
