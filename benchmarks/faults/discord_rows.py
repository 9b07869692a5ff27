"""The faults and switches of the Discord emulator as rows."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from adapters.discord.limits import QUIET_GATEWAY_S
from benchmarks.faults.row import PATIENCE_S, REQUEST_S, Row, Scene
from benchmarks.faults.stand import Stand
from sandbox.discord import DiscordEmulator
from sandbox.discord.gateway import EVENT_FAULTS, GATEWAY_FAULTS
from sandbox.discord.identify import CLOSE_CODES
from sandbox.discord.rest import REST_FAULTS

CHANNEL = "/channels/{channel}"
MESSAGE = f"{CHANNEL}/messages/{{message}}"
ROUTES: Mapping[str, Scene] = {
    "GET /users/@me": Scene.STARTING,
    "GET /oauth2/applications/@me": Scene.STARTING,
    "GET /gateway/bot": Scene.STARTING,
    f"POST {MESSAGE}/threads": Scene.PLAIN,
    f"POST {CHANNEL}/typing": Scene.PLAIN,
    f"POST {CHANNEL}/messages": Scene.PLAIN,
    f"PATCH {MESSAGE}": Scene.PLAIN,
    f"GET {CHANNEL}/messages": Scene.AWAY,
    "GET /guilds/{guild}/members/{user}": Scene.AWAY,
    f"PUT {MESSAGE}/reactions/{{emoji}}/@me": Scene.WAITING,
    f"DELETE {MESSAGE}/reactions/{{emoji}}/@me": Scene.WAITING,
}
"""What the bridge calls, and the scene in which it does."""
LATE_S = REQUEST_S + 1.0
ARGUMENTS: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "status": ({"status": 502}, {"status": 503, "applied": True}),
    "delay": ({"delay_s": 0.5}, {"delay_s": LATE_S}, {"delay_s": LATE_S, "applied": True}),
    "error": ({"status": 500}, {"status": 500, "applied": True}),
    "rate_limited": ({"retry_after_s": 1.0}, {"retry_after_s": 1.0, "scope": "global"}, {"via": False}),
}
EVENT_ARGUMENTS: Mapping[str, Mapping[str, Any]] = {"delay": {"delay_s": 0.5}, "mangle": {"remove": ["nonce", "tts"]}}
FINAL_CODES = frozenset({4004, *range(4010, 4015)})
"""After these the gateway wants something else than another attempt: somebody must act."""
GATEWAY_ARGUMENTS: Mapping[str, Mapping[str, Any]] = {"status": {"status": 503}, "close": {"code": 4000}}

ACTIONS: Mapping[str, Callable[[DiscordEmulator], Any]] = {
    "drop": lambda discord: discord.gateway.drop(),
    "reconnect": lambda discord: discord.gateway.reconnect(),
    "invalidate (resumable)": lambda discord: discord.gateway.invalidate(resumable=True),
    "invalidate": lambda discord: discord.gateway.invalidate(),
    "heartbeats not acknowledged": lambda discord: discord.gateway.acknowledge(False),
    "pause": lambda discord: discord.gateway.pause(),
}

SWITCHES: Mapping[str, tuple[Any, Scene]] = {
    "latency_s": (0.4, Scene.PLAIN),
    "jitter_s": (0.4, Scene.WAITING),
    "rate_limits": ("generous", Scene.PLAIN),
    "rate_limit_scale": (0.2, Scene.PLAIN),
    "global_per_s": (2, Scene.PLAIN),
    "shared_send_edit_bucket": (True, Scene.PLAIN),
    "old_message_age_s": (0.0, Scene.PLAIN),
    "old_message_edits": (1, Scene.PLAIN),
    "old_message_window_s": (20.0, Scene.PLAIN),
    "nonce_window_s": (120.0, Scene.LOST_POST),
    "whitespace_is_empty": (False, Scene.PLAIN),
    "unfurl_delay_s": (None, Scene.PLAIN),
    "v2_limit_everywhere": (True, Scene.PLAIN),
    "heartbeat_interval_s": (0.5, Scene.PLAIN),
    "heartbeats_enforced": (False, Scene.PLAIN),
    "compression": ("never", Scene.STARTING),
    "identify_interval_s": (2.0, Scene.STARTING),
    "max_concurrency": (16, Scene.STARTING),
    "recommended_shards": (2, Scene.STARTING),
    "replay_events": (0, Scene.RUNNING),
    "replay_s": (0.0, Scene.RUNNING),
    "replay_overlap": (5, Scene.RUNNING),
}
"""Switches with another value than their default, and the scene in which that matters."""
ELSEWHERE: Mapping[str, str] = {
    "invalid_request_limit": "ten thousand refusals in ten minutes",
    "strict_user_agent": "our user agent is always the same",
    "deferred_message_in_callback": "no slash commands here",
    "first_followup_edits_loading": "no slash commands here",
    "expired_token_status": "no slash commands here",
    "ack_timeout_s": "no slash commands here",
    "token_lifetime_s": "no slash commands here",
    "commands_per_day": "no slash commands here",
    "gateway_sends_per_minute": "we send heartbeats only",
    "identifies_per_day": "one process starts a few times a day",
    "guilds_per_shard": "a wrong configuration, said at the start",
    "member_chunk_interval_s": "members are not asked for",
    "attachment_limit_bytes": "no files are sent",
    "request_limit_bytes": "no files are sent",
    "cdn_link_lifetime_s": "no files are read",
}
"""Switches that cannot concern whoever asks a question, and why."""


def rows() -> Iterator[Row]:
    """Yield all rows."""
    for route, scene in ROUTES.items():
        for kind in sorted(REST_FAULTS):
            for arguments in ARGUMENTS.get(kind, ({},)):
                yield Row(
                    "discord", "fault", route, kind, "discord", _planned(route, kind, arguments), scene, arguments
                )
    yield from _gateway_rows()
    for kind in sorted(EVENT_FAULTS - {"lose"}):
        event_arguments = EVENT_ARGUMENTS.get(kind, {})
        arrange = _at_gateway("MESSAGE_CREATE", kind, event_arguments)
        yield Row("discord", "gateway", "MESSAGE_CREATE", kind, "discord", arrange, args=event_arguments)
    for name, (value, scene) in SWITCHES.items():
        yield Row("discord", "switch", name, repr(value), "discord", _switched(name, value), scene, needs_hit=False)


def _gateway_rows() -> Iterator[Row]:
    for name, kinds in GATEWAY_FAULTS.items():
        for kind in sorted(kinds):
            arguments = GATEWAY_ARGUMENTS.get(kind, {})
            again = name in ("resume", "RESUME")
            arrange = _dropped_and(name, kind, arguments) if again else _at_gateway(name, kind, arguments)
            scene = Scene.RUNNING if again else Scene.STARTING
            yield Row("discord", "gateway", name, kind, "discord", arrange, scene, arguments, needs_hit=False)
    for code in sorted(CLOSE_CODES):
        final = code in FINAL_CODES
        arrange = _closed(code)
        yield Row(
            *("discord", "gateway", "close", str(code), "discord", arrange, Scene.RUNNING),
            is_final=final,
            needs_hit=False,
        )
    for name, act in ACTIONS.items():
        patience_s = PATIENCE_S + QUIET_GATEWAY_S if name == "pause" else PATIENCE_S
        yield Row(
            *("discord", "gateway", "gateway", name, "discord", _acted(act), Scene.RUNNING),
            needs_hit=False,
            patience_s=patience_s,
        )


def _planned(route: str, kind: str, arguments: Mapping[str, Any]) -> Callable[[Stand], None]:
    return lambda stand: stand.ground.discord.faults.plan(route, kind, **arguments)


def _at_gateway(name: str, kind: str, arguments: Mapping[str, Any]) -> Callable[[Stand], None]:
    return lambda stand: stand.ground.discord.gateway_faults.plan(name, kind, **arguments)


def _dropped_and(name: str, kind: str, arguments: Mapping[str, Any]) -> Callable[[Stand], None]:
    def arrange(stand: Stand) -> None:
        stand.ground.discord.gateway_faults.plan(name, kind, **arguments)
        stand.ground.discord.gateway.drop()

    return arrange


def _closed(code: int) -> Callable[[Stand], None]:
    def arrange(stand: Stand) -> None:
        stand.ground.discord.gateway.close(code)

    return arrange


def _acted(act: Callable[[DiscordEmulator], Any]) -> Callable[[Stand], None]:
    def arrange(stand: Stand) -> None:
        act(stand.ground.discord)

    return arrange


def _switched(name: str, value: Any) -> Callable[[Stand], None]:
    def arrange(stand: Stand) -> None:
        setattr(stand.ground.discord.switches, name, value)
        if name.startswith("old_message"):
            stand.ground.discord.switches.old_message_age_s = 0.0
        if name.startswith("replay"):
            stand.ground.discord.gateway.drop()

    return arrange
