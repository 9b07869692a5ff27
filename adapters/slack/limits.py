"""Slack's limits, each with its unit and where it comes from (pure).

Sources: docs.slack.dev, pages "Rate limits", "Blocks", ``chat.postMessage``, ``chat.update``; where practice and
documentation differ, the reports are named.
"""

MARKDOWN_TOTAL_CHARS = 12_000
"""All ``markdown`` blocks of one message together. Documented; 13 297 was observed (slackapi/bolt-js#2509)."""

PART_CHARS = 11_000
"""What we put into one message. The margin of 1 000 covers what is not documented: whether Slack counts before or after
its own rewriting of links and entities, and in which unit (we count UTF-16 units, the largest of the likely ones)."""

BLOCKS_MAX = 50
"""Blocks of one message. A ``markdown`` block is expanded into several on the server, and those count."""

PART_PIECES = 45
"""Pieces of markdown (see ``outbound.pieces``) in one message, so that its expansion stays below ``BLOCKS_MAX``
together with the blocks we add."""

UPDATE_TEXT_CHARS = 4_000
"""``text`` of ``chat.update``; beyond it ``msg_too_long``. Recommended for ``chat.postMessage`` as well."""

BUTTON_ROWS_MAX = 4
"""Rows of buttons of one message: all that ``PART_PIECES`` leaves beside a footer."""

ROW_BUTTONS_MAX = 25
"""Elements of an ``actions`` block."""

BUTTON_CHARS = 75
"""The text on a button."""

FOOTER_CHARS = 600
"""A footer before it is escaped, which makes it five times as long at most; a context block's text may have 3 000."""

EXCERPT_CHARS = 150
"""``text`` beside blocks: notifications show about this much."""

UPDATES_PER_MINUTE = 50
"""``chat.update`` per workspace and app (tier 3, "50+")."""

BURST_SHARE = 0.2
"""How much of a minute's calls may come at once. Slack tells that short bursts are tolerated ("50+"), not how short
and not whether it counts minutes or refills steadily; a fifth is what a steadily refilled bucket would plausibly hold.
"""

POSTS_PER_MINUTE = 200
"""``chat.postMessage`` per workspace; documented as "several hundred"."""

CHANNEL_POSTS = 10
CHANNEL_POSTS_WINDOW_S = 10.0
CHANNEL_POSTS_AT_ONCE = 5
"""``chat.postMessage`` per channel: about one a second, short bursts tolerated. How short is not told, nor whether
seconds are counted or it refills steadily: both are kept."""

PRESSES_AT_ONCE = 50
"""Presses whose consequences (a word to the presser, a button to take away) are under way at once; ours."""

STREAMS_PER_MINUTE = 20
"""``chat.startStream`` and ``chat.stopStream``, each, per workspace and app (tier 2, "20+")."""

APPENDS_PER_MINUTE = 100
"""``chat.appendStream`` per workspace and app (tier 4, "100+")."""

STREAM_LASTS_S = 240.0
"""A stream dies about 300 s after it was opened, however busy it is (slackapi/python-slack-sdk#1859); undocumented."""

EDIT_INTERVAL_S = 0.25
"""Between the answer to one edit and the next one of the same message; the pacer keeps the minute's limit."""

STATUS_REFRESH_S = 90.0
"""A status line disappears by itself after 120 s."""

RETRY_AFTER_S = 30.0
"""The wait of whoever is in no hurry when a refusal for too many calls names none; the SDK's own default."""

HISTORY_PAGE = 200
HISTORY_PAGES_MAX = 5
"""Pages read of one thread: 1 000 messages. Apps sold outside the Marketplace get 15 a page, one page a minute."""

MODAL_TITLE_CHARS = 24
"""Title and buttons of a modal."""

MODAL_FIELDS_MAX = 99
"""Fields of one modal: it may have 100 blocks, and one tells what it is for."""

MODAL_ABOUT_CHARS = 3_000
"""The text of a section, as it is sent."""

LABEL_CHARS = 2_000
INPUT_CHARS = 3_000
"""The label of an input, and the text in it."""

FILES_MAX = 10
"""Files of one file input; each may have 10 MB."""

METADATA_CHARS = 3_000
"""What a modal carries along for us (``private_metadata``)."""

OPTIONS_MAX = 100
OPTION_CHARS = 75
"""Options of one select, and their text."""

SLASH_COMMANDS_MAX = 50
USAGE_HINT_CHARS = 1_000
SHORTCUT_NAME_CHARS = 24
SHORTCUT_DESCRIPTION_CHARS = 150
"""Slash commands and shortcuts in an app manifest."""

APP_NAME_CHARS = 35
DESCRIPTION_CHARS = 140
"""Names and short descriptions in an app manifest."""

MISSED_READS_PER_MINUTE = 30
"""Pages of history read for what was missed; the rest of tier 3 ("50+") is left to threads and lost responses."""

MISSED_THREADS_MAX = 30
"""Threads of one channel that are read for what was missed: a call each, so a minute for the busiest channel."""

PLACES_MAX = 1_000
"""Channels that are remembered, those of late; direct messages are a channel each."""

OLD_THREADS_MAX = 5
"""Older threads remembered of one channel; the newer ones stand in the newest page of its history."""

FILE_HOSTS = frozenset({".slack.com", ".slack-gov.com"})
"""Where files are, and where the bot's token may go with a request for one: url_private is at files.slack.com; Slack
sends on within its own domains."""
