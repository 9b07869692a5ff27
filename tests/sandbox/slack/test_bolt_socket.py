"""The real Bolt over Socket Mode: events in, messages out."""

from typing import Any

from slack_bolt.async_app import AsyncApp

from sandbox.journal import Journal
from sandbox.slack import FileUpload, SlackEmulator


async def test_a_mention_is_answered_and_the_answer_grows(
    slack: SlackEmulator, bolt: AsyncApp, connect: Any, journal: Journal
) -> None:
    """app_mention in, say out, three edits, each a step people could read."""

    @bolt.event("app_mention")
    async def answer(event: dict[str, Any], say: Any, client: Any) -> None:
        posted = await say(text="one", thread_ts=event["ts"], unfurl_links=False, unfurl_media=False)
        for text in ("one two", "one two three"):
            blocks = [{"type": "markdown", "text": text}]
            await client.chat_update(channel=event["channel"], ts=posted["ts"], text=text[:3], blocks=blocks)

    @bolt.event("message")
    async def ignore() -> None: ...

    async with connect(bolt):
        asked = slack.mention("ann", "#general", "count")
        shown = await slack.wait_for_text("C1", "one two three", asked)
        await slack.settled()
    assert [step.text for step in slack.steps("C1", shown.ts)] == ["one", "one two", "one two three"]
    assert shown.thread_ts == asked
    assert not shown.edited
    assert shown.author == "coze"
    assert not slack.violations()
    assert {entry.name for entry in journal.select(kind="ack")} == {"app_mention", "message"}


async def test_a_mention_gives_two_events_with_one_timestamp(
    slack: SlackEmulator, bolt: AsyncApp, connect: Any
) -> None:
    """app_mention and message have the same author, text and ts, but different event ids."""
    seen: list[dict[str, Any]] = []

    @bolt.event("app_mention")
    async def mention(body: dict[str, Any]) -> None:
        seen.append(body)

    @bolt.event("message")
    async def message(body: dict[str, Any]) -> None:
        seen.append(body)

    async with connect(bolt):
        ts = slack.mention("ann", "C1", "hello")
        await slack.settled()
    assert {body["event"]["type"] for body in seen} == {"app_mention", "message"}
    assert {body["event"]["ts"] for body in seen} == {ts}
    assert len({body["event_id"] for body in seen}) == 2
    assert all(body["event"]["text"] == "<@U0BOT> hello" for body in seen)
    mentioned = next(body["event"] for body in seen if body["event"]["type"] == "app_mention")
    assert "channel_type" not in mentioned


async def test_a_direct_message_with_a_file_is_a_file_share_that_can_be_downloaded(
    slack: SlackEmulator, bolt: AsyncApp, connect: Any, client: Any
) -> None:
    """The event carries the file's address; the bytes come with the bot's token."""
    got: list[bytes] = []

    @bolt.event({"type": "message", "subtype": "file_share"})
    async def shared(event: dict[str, Any]) -> None:
        headers = {"Authorization": f"Bearer {slack.bot_token}"}
        async with client.session.get(event["files"][0]["url_private_download"], headers=headers) as response:
            got.append(await response.read())

    async with connect(bolt):
        dm = slack.open_dm("ann")
        slack.say("ann", dm, "look", files=[FileUpload("cat.png", b"\x89PNG cat")])
        await slack.settled()
    assert got == [b"\x89PNG cat"]


async def test_own_posts_come_back_and_bolt_drops_them(
    slack: SlackEmulator, bolt: AsyncApp, connect: Any, client: Any, journal: Journal
) -> None:
    """Posts, edits and deletions of the bot are echoed with its bot_id and acknowledged."""
    heard: list[str] = []

    @bolt.event("message")
    async def message(event: dict[str, Any]) -> None:
        heard.append(event.get("subtype", "plain"))

    async with connect(bolt):
        posted = await client.chat_postMessage(channel="C1", text="hi", unfurl_links=False, unfurl_media=False)
        await client.chat_update(channel="C1", ts=posted["ts"], text="hi again")
        await client.chat_delete(channel="C1", ts=posted["ts"])
        await slack.settled()
    echoes = [entry.detail["payload"]["event"] for entry in journal.select(kind="event", name="message")]
    assert [echo.get("subtype") for echo in echoes] == [None, "message_changed", "message_deleted"]
    assert echoes[0]["bot_id"] == "B0BOT"
    assert echoes[0]["bot_profile"]["app_id"] == "A1"
    assert len(journal.select(kind="ack", name="message")) == 3


async def test_streaming_through_the_sdk_helper(slack: SlackEmulator, bolt: AsyncApp, connect: Any) -> None:
    """chat_stream appends become steps; the stop settles the text and the final blocks."""
    buttons = {
        "type": "context_actions",
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": "rate",
                "positive_button": {"text": {"type": "plain_text", "text": "Good"}, "value": "good"},
                "negative_button": {"text": {"type": "plain_text", "text": "Bad"}, "value": "bad"},
            }
        ],
    }

    @bolt.event("message")
    async def stream(event: dict[str, Any], client: Any, context: Any) -> None:
        if event.get("bot_id") or event.get("subtype"):
            return
        stream = await client.chat_stream(
            channel=event["channel"],
            thread_ts=event["ts"],
            recipient_user_id=event["user"],
            recipient_team_id=context.team_id,
            buffer_size=1,
        )
        for piece in ("a ", "b ", "c"):
            await stream.append(markdown_text=piece)
        await stream.stop(blocks=[buttons])

    async with connect(bolt):
        asked = slack.say("ann", "C1", "abc?")
        shown = await slack.wait_for_text("C1", "a b c", asked)
        await slack.settled()
    assert [step.text for step in slack.steps("C1", shown.ts)] == ["a ", "a b ", "a b c"]
    shown = slack.shown("C1", shown.ts)
    assert shown.buttons == ["Good", "Bad"]
    assert not shown.streaming
    assert not slack.violations()


async def test_reactions_status_and_names(slack: SlackEmulator, client: Any) -> None:
    """The small calls an adapter makes around an answer."""
    asked = slack.say("bob", "C1", "hi")
    await client.assistant_threads_setStatus(channel_id="C1", thread_ts=asked, status="is thinking...")
    assert slack.status("C1", asked) == "is thinking..."
    await client.reactions_add(channel="C1", timestamp=asked, name="eyes")
    assert slack.shown("C1", asked).reactions == {"eyes": ["U0BOT"]}
    await client.reactions_remove(channel="C1", timestamp=asked, name="eyes")
    assert slack.shown("C1", asked).reactions == {}
    person = await client.users_info(user="U2", include_locale=True)
    assert (person["user"]["locale"], person["user"]["profile"]["display_name"]) == ("zh-CN", "bob")
    await client.chat_postMessage(channel="C1", thread_ts=asked, text="done")
    assert slack.status("C1", asked) == ""
