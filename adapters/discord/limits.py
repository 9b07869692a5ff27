"""Discord's limits, each with its unit and where it comes from (pure).

Sources: docs.discord.com, pages "Rate Limits", "Message", "Channel", "Gateway"; where Discord publishes no number, the
reports are named. Discord asks not to rely on its per-route numbers: what the headers say goes before these.
"""

MESSAGE_CHARS = 2_000
"""``content`` of one message, in Unicode code points (discord/discord-api-docs#1315)."""

PART_CHARS = 1_900
"""What we put into one message as rendered. The margin of 100 is for a line of ours below it."""

NONCE_CHARS = 25
NONCE_TRUSTED_S = 120.0
"""Discord recognises a repeated nonce for "the past few minutes"; we believe in two."""

THREAD_NAME_CHARS = 100
THREAD_NAME_SHOWN_CHARS = 80
"""Longer names are cut in the list of channels anyway."""

BUTTON_LABEL_CHARS = 80
ROW_BUTTONS_MAX = 5
ROWS_MAX = 5

COMMANDS_MAX = 100
COMMAND_NAME_CHARS = 32
DESCRIPTION_CHARS = 100
COMMAND_CHARS = 8_000
OPTIONS_MAX = 25
OPTION_TEXT_CHARS = 6_000
CHOICES_MAX = 25
CHOICE_CHARS = 100
"""Application commands."""

MODAL_FIELDS_MAX = 5
MODAL_LABEL_CHARS = 45
MODAL_ABOUT_CHARS = 1_000
MODAL_FILES_MAX = 10
INPUT_CHARS = 4_000
PLACEHOLDER_CHARS = 100
"""Modals; the title counts as a label. For texts beside the inputs no number is known: this much is read."""

ANSWER_PRESS_WITHIN_S = 3.0
"""Afterwards the presser reads that the interaction failed, and its token is dead."""

INTERACTION_S = 900.0
"""How long an interaction that was answered can be answered further. Documented."""

CHANNEL_CREATES = 5
CHANNEL_EDITS = 5
CHANNEL_WINDOW_S = 5.0
"""Messages and edits per channel (discord-net/Discord.Net#2375, discord/discord-api-docs#20). Whether both draw on one
allowance is unconfirmed: they are thought not to until the headers of both tell otherwise."""

REQUESTS_PER_S = 50
"""All requests of one bot. Documented."""

EDIT_INTERVAL_S = 0.35
"""Between the answer to one edit and the next one of the same message; the pacer keeps the channel's limit."""

TYPING_REFRESH_S = 8.0
""""is typing" disappears by itself after 10 s."""

RETRY_AFTER_S = 5.0
"""The wait when a refusal for too many requests names none."""

BAN_RETRY_FIRST_S = 2.0
BAN_RETRY_MAX_S = 60.0
"""The waits when a refusal is not Discord's own but of the proxy before it, which may ban for minutes; they double."""

IDENTIFY_INTERVAL_S = 5.0
"""One new session per 5 s. Documented as ``max_concurrency``; 1 for all but the largest bots."""

HISTORY_PAGE = 100
HISTORY_PAGES_MAX = 3
CHAIN_STEPS_MAX = 10
"""How far a reply chain is followed by requests when nothing of it is remembered."""

GUILDS_PAGE = 200

QUIET_GATEWAY_S = 60.0
"""Without any frame for so long a socket is dead: the heartbeat alone brings one every 41 s."""

GATEWAY_DISORDER_S = 10.0
"""How much later than its neighbours a message may come over one connection; generous, nothing is published."""

FILE_BYTES = 10 * 1024 * 1024
"""Of one file, wherever a server has not been boosted. Source: docs.discord.com, "Uploading Files"."""

FILE_HOSTS = frozenset({"cdn.discordapp.com", "media.discordapp.net"})
"""Where attachments are. Their addresses are signed for about a day; no token goes along."""
