"""What the emulator holds against an app by itself."""

from typing import Any

import pytest

from sandbox.slack import SlackEmulator

QUIET = {"unfurl_links": False, "unfurl_media": False}
MARKDOWN = "markdown"


def pings(slack: SlackEmulator) -> list[str]:
    """Return everybody who would have been notified."""
    return [entry.detail["target"] for entry in slack.violations("ping")]


@pytest.mark.parametrize(
    ("content", "targets"),
    [
        ({"text": "<!channel> hi"}, ["!channel"]),
        ({"text": "<!here|here>"}, ["!here"]),
        ({"text": "<!everyone> <!subteam^S1>"}, ["!everyone", "!subteam^S1"]),
        ({"text": "`<@U1>`"}, ["@U1"]),
        ({"markdown_text": "**<!channel>**"}, ["!channel"]),
        ({"text": "x", "blocks": [{"type": MARKDOWN, "text": "<!channel>"}]}, ["!channel"]),
        ({"text": "x", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "<@U2>"}}]}, ["@U2"]),
        ({"text": "x", "blocks": [{"type": "section", "text": {"type": "plain_text", "text": "<@U2>"}}]}, []),
        ({"text": "&lt;!channel&gt; @channel <!\u2060channel>"}, []),
        ({"text": "<#C1> <!date^1700000000^{date}|x>"}, []),
    ],
)
async def test_pings(slack: SlackEmulator, api: Any, content: dict[str, Any], targets: list[str]) -> None:
    """Control sequences notify wherever Slack interprets them; escaped or broken ones do not."""
    assert (await api.call("chat.postMessage", channel="C1", **content, **QUIET))["ok"]
    assert pings(slack) == targets
    broadcasts = [entry.detail["broadcast"] for entry in slack.violations("ping")]
    assert broadcasts == [target.startswith("!") for target in targets]


async def test_pings_of_edits_and_streams_count_once(slack: SlackEmulator, api: Any) -> None:
    """A ping that first appears in an edit or a stream is noted, a repeated one is not."""
    ts = await api.post("fine", **QUIET)
    for _ in range(2):
        await api.call("chat.update", channel="C1", ts=ts, text="<!channel>")
    asked = slack.say("ann", "C1", "q")
    to_ann = {"recipient_user_id": "U1", "recipient_team_id": "T1"}
    started = await api.call("chat.startStream", channel="C1", thread_ts=asked, markdown_text="<!he", **to_ann)
    await api.call("chat.appendStream", channel="C1", ts=started["ts"], markdown_text="re>")
    assert pings(slack) == ["!channel", "!here"]


async def test_unfurling(slack: SlackEmulator, api: Any) -> None:
    """Links need both flags off, also when an edit brings them; streams never unfurl."""
    await api.post("https://evil.example/?q=secret", unfurl_links=False)
    assert len(slack.violations("unfurl")) == 1
    await api.post("https://evil.example/?q=secret", **QUIET)
    await api.post("no link")
    assert len(slack.violations("unfurl")) == 1
    careless, careful = await api.post("…"), await api.post("…", **QUIET)
    for ts in (careless, careful):
        await api.call("chat.update", channel="C1", ts=ts, text="[x](https://evil.example)")
    assert [entry.detail["ts"] for entry in slack.violations("unfurl")][1:] == [careless]
    slack.switches.updates_unfurl_links = False
    later = await api.post("…")
    await api.call("chat.update", channel="C1", ts=later, text="https://evil.example")
    assert len(slack.violations("unfurl")) == 2


async def test_names_parsed_by_flag(slack: SlackEmulator, api: Any) -> None:
    """link_names and parse=full are never right for model output."""
    await api.post("@channel", link_names=True, **QUIET)
    await api.post("@channel", parse="full", **QUIET)
    assert len(slack.violations("parsed_names")) == 2


async def test_the_same_part_twice(slack: SlackEmulator, api: Any) -> None:
    """Two messages with the same metadata in one thread are one part posted twice; other parts are not."""

    def part(number: int) -> dict[str, Any]:
        return {"event_type": "coze_turn", "event_payload": {"turn": "t", "part": number}}

    first = await api.post("a", metadata=part(0))
    await api.post("b", metadata=part(1))
    assert slack.violations("same_part_twice") == []
    await api.post("a", metadata=part(0))
    (entry,) = slack.violations("same_part_twice")
    assert entry.detail["first_ts"] == first


async def test_orphans_tokens_sizes_and_open_streams(slack: SlackEmulator, api: Any) -> None:
    """The rest of the list."""
    await api.post("hidden", thread_ts="1700000000.000001")
    await api.post("my token is xoxb-123456")
    await api.call("chat.postMessage", channel="C1", markdown_text="x" * 12_001)
    asked = slack.say("ann", "C1", "q")
    to_ann = {"recipient_user_id": "U1", "recipient_team_id": "T1"}
    for _ in range(2):
        await api.call("chat.startStream", channel="C1", thread_ts=asked, markdown_text="x", **to_ann)
    names = [entry.name for entry in slack.violations()]
    assert names == [
        "orphan_reply",
        "token_shown",
        "too_big",
        "several_streams_in_thread",
        "stream_left_open",
        "stream_left_open",
    ]
