"""What is not known for certain about Slack, or differs between workspaces, as switches of one dataclass.

Every default is the behaviour the reference considers most likely; tests run the interesting ones both ways.
"""

from dataclasses import dataclass
from typing import Literal

RateLimits = Literal["off", "window", "bucket"]


@dataclass(slots=True)
class SlackSwitches:
    """The adjustable behaviour of one emulator; change a field at any time.

    Attributes:
        latency_s: How long each Web API call takes, half of it before it is applied, half before it is answered.
        rate_limits: ``window``: a sliding minute; ``bucket``: steady refill with a burst; ``off``.
        rate_limit_scale: Multiplies every allowance; 0.1 makes limits ten times tighter.
        bucket_burst_share: The burst of the bucket mode as a share of the calls per window.
        posting_burst: Posts per channel: one a second with so many at once; ``None``: ten in ten seconds.
        rate_limited_as_http_200: Answer ``ratelimited`` with status 200 and no ``Retry-After``.
        posting_says_rate_limited: ``chat.*`` spell the error ``rate_limited``.
        commercial_history: Reading history is limited as outside the Marketplace: once a minute, 15 messages.
        ack_timeout_s: How long an app has to acknowledge a delivery.
        retry_delays_s: Waits before each repetition of an unacknowledged event.
        lost_without_connection: What happens while the app has no connection is not kept for a later one; Slack does
            not say (Socket Mode).
        mention_first: Which of a mention's two events is sent first; ``None`` lets the seed choose.
        mention_reaches_non_members: ``app_mention`` is sent for channels the bot has not joined.
        repeat_slash_commands: An unacknowledged slash command is delivered again (Socket Mode).
        root_deletion_as_tombstone: Deleting a root with replies shows as ``message_changed`` to a tombstone.
        markdown_total_chars: All ``markdown`` blocks of one message together; 12 000 documented, 13 297 observed.
        markdown_text_too_long: The error for a ``markdown_text`` above 12 000 characters.
        expand_markdown_blocks: A ``markdown`` block counts as one block for each of its paragraphs.
        updates_unfurl_links: Links that first appear through ``chat.update`` are unfurled.
        stream_lifetime_s: How long a stream can be appended to, counted from its start.
        stream_cap_chars: The size at which a streamed message is full.
        stream_needs_thread: ``chat.startStream`` without ``thread_ts`` is refused.
        stream_needs_recipients_in_dm: Recipients are demanded in direct messages too.
        stream_recipients_checked_at: When a recipient who does not exist is noticed.
        stream_start_echoes: The app receives a ``message`` event for the stream it opened.
        stream_stop_echoes: The app receives ``message_changed`` when it stops a stream.
        status_refusal: The error of ``assistant.threads.setStatus`` in this workspace; ``None`` accepts.
        status_lifetime_s: How long a status stays when no message follows.
        agent_sessions_enabled: ``False`` answers ``agents.sessions.*`` with ``feature_disabled``.
        response_url_failure_status: HTTP status of a used-up or expired ``response_url``.
        file_sign_in_redirects: A download without rights answers 302 to the sign-in page instead of the page itself.
        file_share_delay_s: How long after ``files.completeUploadExternal`` the message appears.
        ticket_lifetime_s: How long a Socket Mode URL may be used.
        connection_lifetime_s: When Slack asks a Socket Mode connection to reconnect.
        disconnect_grace_s: How long after a ``disconnect`` message Slack closes the connection itself.
    """

    latency_s: float = 0.0
    rate_limits: RateLimits = "window"
    rate_limit_scale: float = 1.0
    bucket_burst_share: float = 0.2
    posting_burst: int | None = None
    rate_limited_as_http_200: bool = False
    posting_says_rate_limited: bool = False
    commercial_history: bool = False
    ack_timeout_s: float = 3.0
    retry_delays_s: tuple[float, ...] = (0.0, 60.0, 300.0)
    lost_without_connection: bool = False
    mention_first: bool | None = None
    mention_reaches_non_members: bool = True
    repeat_slash_commands: bool = False
    root_deletion_as_tombstone: bool = False
    markdown_total_chars: int = 12_000
    markdown_text_too_long: str = "msg_too_long"
    expand_markdown_blocks: bool = False
    updates_unfurl_links: bool = True
    stream_lifetime_s: float = 300.0
    stream_cap_chars: int = 12_000
    stream_needs_thread: bool = True
    stream_needs_recipients_in_dm: bool = False
    stream_recipients_checked_at: Literal["start", "stop"] = "start"
    stream_start_echoes: bool = True
    stream_stop_echoes: bool = True
    status_refusal: str | None = None
    status_lifetime_s: float = 120.0
    agent_sessions_enabled: bool = True
    response_url_failure_status: int = 404
    file_sign_in_redirects: bool = False
    file_share_delay_s: float = 0.0
    ticket_lifetime_s: float = 30.0
    connection_lifetime_s: float = 18_060.0
    disconnect_grace_s: float = 10.0
