"""What is not known for certain about Discord, or differs between applications, as switches of one dataclass.

Every default is the behaviour the reference considers most likely; tests run the interesting ones both ways.
"""

from dataclasses import dataclass
from typing import Literal

RateLimits = Literal["off", "generous", "discord"]


@dataclass(slots=True)
class DiscordSwitches:
    """The adjustable behaviour of one emulator; change a field at any time.

    Attributes:
        latency_s: How long each REST call takes, half of it before it is applied, half before it is answered.
        jitter_s: Up to so many seconds more before a call is applied, drawn anew for each: concurrent calls overtake.
        rate_limits: ``discord``: the numbers of ``rates.OBSERVED``; ``generous``: 1 000 a second on every route;
            ``off``: none, and no headers either.
        rate_limit_scale: Multiplies the allowances of ``discord``; 0.2 makes limits five times tighter.
        global_per_s: All calls of the bot in one second; interaction routes are exempt.
        shared_send_edit_bucket: Creating and editing messages count against one bucket.
        old_message_age_s: Edits of older messages have a limit of their own, announced in no header (30046).
        old_message_edits: How many of those edits per channel ...
        old_message_window_s: ... in so many seconds; 6 and 20 are both reported.
        invalid_request_limit: 401, 403 and 429 answers in ten minutes before Cloudflare answers instead.
        strict_user_agent: Calls with a bot token need a ``DiscordBot (`` user agent, else 40333.
        nonce_window_s: How long ``enforce_nonce`` remembers; "the past few minutes".
        whitespace_is_empty: A message of blanks alone is empty (50006).
        unfurl_delay_s: How long after a message its links are unfurled; ``None`` for never.
        v2_limit_everywhere: The 10 170 bytes of Components v2 hold for the bot's own messages too, not only webhooks.
        deferred_message_in_callback: The answer to a type 5 callback carries ``resource.message``.
        first_followup_edits_loading: The first follow-up after a deferral fills the loading message.
        expired_token_status: HTTP status of an interaction token after its 15 minutes: 401, sometimes seen as 404.
        ack_timeout_s: How long an application has for the first answer to an interaction.
        token_lifetime_s: How long an interaction's token works.
        commands_per_day: New application commands a day and scope (30034).
        heartbeat_interval_s: What HELLO asks for.
        heartbeats_enforced: A connection without heartbeats is closed with 4009.
        gateway_sends_per_minute: More frames than that from the client close with 4008.
        compression: ``asked``: what the client asks for; ``never``: plain text frames whatever it asks for.
        identify_interval_s: The time in which ``max_concurrency`` identifies are allowed.
        max_concurrency: Identifies per interval, in buckets ``shard_id % max_concurrency``.
        identifies_per_day: Beyond it the token is reset.
        recommended_shards: What ``GET /gateway/bot`` proposes.
        guilds_per_shard: More guilds on one shard close with 4011.
        replay_events: How many events a session keeps for RESUME.
        replay_overlap: So many events that a client has had already a RESUME brings again; some is seen in practice.
        replay_s: How long a session without connection can be resumed.
        member_chunk_interval_s: Requests for all members of a guild: one in so many seconds.
        attachment_limit_bytes: The size of one file.
        request_limit_bytes: The size of one request.
        cdn_link_lifetime_s: How long a signed attachment address works.
    """

    latency_s: float = 0.0
    jitter_s: float = 0.0
    rate_limits: RateLimits = "discord"
    rate_limit_scale: float = 1.0
    global_per_s: int = 50
    shared_send_edit_bucket: bool = False
    old_message_age_s: float = 3600.0
    old_message_edits: int = 3
    old_message_window_s: float = 6.0
    invalid_request_limit: int = 10_000
    strict_user_agent: bool = True
    nonce_window_s: float = 300.0
    whitespace_is_empty: bool = True
    unfurl_delay_s: float | None = 0.3
    v2_limit_everywhere: bool = False
    deferred_message_in_callback: bool = False
    first_followup_edits_loading: bool = True
    expired_token_status: int = 401
    ack_timeout_s: float = 3.0
    token_lifetime_s: float = 900.0
    commands_per_day: int = 200
    heartbeat_interval_s: float = 41.25
    heartbeats_enforced: bool = True
    gateway_sends_per_minute: int = 120
    compression: Literal["asked", "never"] = "asked"
    identify_interval_s: float = 5.0
    max_concurrency: int = 1
    identifies_per_day: int = 1000
    recommended_shards: int = 1
    guilds_per_shard: int = 2500
    replay_events: int = 1000
    replay_overlap: int = 0
    replay_s: float = 300.0
    member_chunk_interval_s: float = 30.0
    attachment_limit_bytes: int = 10 * 1024 * 1024
    request_limit_bytes: int = 25 * 1024 * 1024
    cdn_link_lifetime_s: float = 86_400.0
