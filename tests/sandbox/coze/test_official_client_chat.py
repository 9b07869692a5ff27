"""The official client, unpatched, chats with the emulator."""

import asyncio
import json
import time
from typing import Any

import cozepy
import pytest
from cozepy import Chat, ChatEventType, ChatStatus, Coze, Message, MessageType, ToolOutput

from sandbox.coze import Answer, CozeEmulator, Failure, RequiredAction, ToolCall, ToolUse

BOT = "7498000011112222333"


def question(text: str) -> list[Message]:
    """Return one question as the official client builds it."""
    return [Message.build_user_question_text(text)]


async def test_a_stream_brings_the_deltas_then_the_whole(emulator: CozeEmulator, official: Any) -> None:
    """A streamed chat yields its events in the documented order, and its usage at the end."""
    emulator.script(
        Answer(
            deltas=("It is ", "a Tuesday", "."),
            reasoning=("The tool says ", "Tuesday."),
            tools=(ToolUse("calendar-weekday", '{"date":"2024-10-01"}', '{"weekday":"Tuesday"}'),),
            follow_ups=("Is it a public holiday?",),
        )
    )

    def ask(coze: Any) -> list[cozepy.ChatEvent]:
        return list(coze.chat.stream(bot_id=BOT, user_id="u", additional_messages=question("Which day?")))

    events = await official(ask)
    kinds = [(event.event.value, event.message.type.value if event.message else None) for event in events]
    completed = "conversation.message.completed"
    assert kinds == [
        ("conversation.chat.created", None),
        ("conversation.chat.in_progress", None),
        (completed, "function_call"),
        (completed, "tool_response"),
        *[("conversation.message.delta", "answer")] * 5,
        (completed, "answer"),
        (completed, "verbose"),
        (completed, "follow_up"),
        ("conversation.chat.completed", None),
    ]
    called = json.loads(events[2].message.content)
    assert (called["name"], called["arguments"]) == ("calendar-weekday", {"date": "2024-10-01"})
    deltas = [event.message for event in events if event.event == ChatEventType.CONVERSATION_MESSAGE_DELTA]
    assert "".join(delta.content for delta in deltas) == "It is a Tuesday."
    assert "".join(delta.reasoning_content or "" for delta in deltas) == "The tool says Tuesday."
    assert events[-1].chat.usage.token_count > 0
    assert len(events[0].response.logid) == 34


async def test_create_and_poll_ends_with_the_answer(emulator: CozeEmulator, official: Any) -> None:
    """The polling helper finds the chat completed and lists its messages."""
    emulator.script("It is a Tuesday.")
    poll = await official(
        lambda coze: coze.chat.create_and_poll(bot_id=BOT, user_id="u", additional_messages=question("Which day?"))
    )
    assert poll.chat.status == ChatStatus.COMPLETED
    assert [message.content for message in poll.messages if message.type == MessageType.ANSWER] == ["It is a Tuesday."]


async def test_retrieve_and_message_list_after_a_stream(emulator: CozeEmulator, official: Any) -> None:
    """What was streamed can be fetched again, without the question."""
    emulator.script("Once more.")

    def work(coze: Any) -> tuple[Chat, list[Message]]:
        stream = coze.chat.stream(
            bot_id=BOT, user_id="u", additional_messages=question("Again?"), meta_data={"turn": "t1"}
        )
        first = next(iter(list(stream))).chat
        ids = {"conversation_id": first.conversation_id, "chat_id": first.id}
        return coze.chat.retrieve(**ids), list(coze.chat.messages.list(**ids))

    chat, messages = await official(work)
    assert chat.status == ChatStatus.COMPLETED
    assert chat.meta_data == {"turn": "t1"}
    assert [message.type.value for message in messages] == ["answer", "verbose"]


async def test_cancel_stops_a_chat(emulator: CozeEmulator, official: Any) -> None:
    """A running chat can be cancelled once; then 4104 refuses."""
    emulator.script(Answer(text="never said", first_delta_delay_s=3600))

    def work(coze: Any) -> tuple[Chat, int | None]:
        chat = coze.chat.create(bot_id=BOT, user_id="u", additional_messages=question("Long?"))
        ids = {"conversation_id": chat.conversation_id, "chat_id": chat.id}
        cancelled = coze.chat.cancel(**ids)
        with pytest.raises(cozepy.CozeAPIError) as refused:
            coze.chat.cancel(**ids)
        return cancelled, refused.value.code

    cancelled, code = await official(work)
    assert cancelled.status == ChatStatus.CANCELED
    assert code == 4104


@pytest.mark.parametrize("stream", [True, False])
async def test_tool_outputs_continue_the_chat(emulator: CozeEmulator, official: Any, stream: bool) -> None:
    """A chat that needs a client's tool goes on with its output, streamed or not."""
    call = ToolCall("get_rain_probability", '{"location":"Beijing"}')
    emulator.script(Answer(requires_action=RequiredAction((call,), then=Answer(text="It may rain."))))

    def work(coze: Any) -> tuple[cozepy.ChatToolCall, list[str], list[Message]]:
        asked = list(coze.chat.stream(bot_id=BOT, user_id="u", additional_messages=question("Rain?")))[-1].chat
        assert asked.status == ChatStatus.REQUIRES_ACTION
        needed = asked.required_action.submit_tool_outputs.tool_calls[0]
        ids = {"conversation_id": asked.conversation_id, "chat_id": asked.id}
        outputs = [ToolOutput(tool_call_id=needed.id, output='{"probability":0.5}')]
        result = coze.chat.submit_tool_outputs(**ids, tool_outputs=outputs, stream=stream)
        names = [event.event.value for event in result] if stream else []
        while coze.chat.retrieve(**ids).status == ChatStatus.IN_PROGRESS:
            time.sleep(0.02)
        return needed, names, list(coze.chat.messages.list(**ids))

    needed, names, messages = await official(work)
    assert needed.function.name == "get_rain_probability"
    assert [message.content for message in messages if message.type == MessageType.ANSWER] == ["It may rain."]
    assert '{"probability":0.5}' in [m.content for m in messages if m.type == MessageType.TOOL_RESPONSE]
    if stream:
        assert names[0] == "conversation.chat.in_progress"
        assert names[-1] == "conversation.chat.completed"


async def test_a_failed_chat_is_yielded_as_an_event(emulator: CozeEmulator, official: Any) -> None:
    """``chat.failed`` arrives with its code, and nothing follows."""
    emulator.script(Answer(text="half a word", failure=Failure(code=5000, after_deltas=1)))
    events = await official(
        lambda coze: list(coze.chat.stream(bot_id=BOT, user_id="u", additional_messages=question("Fail?")))
    )
    assert events[-1].chat.status == ChatStatus.FAILED
    assert events[-1].chat.last_error.code == 5000


async def test_the_asynchronous_client_streams_too(emulator: CozeEmulator, async_official: Any) -> None:
    """The official asynchronous client reads the same stream."""
    emulator.will_stream("你好", "，", "世界")
    stream = async_official.chat.stream(bot_id=BOT, user_id="u", additional_messages=question("你好？"))
    events = [event async for event in stream]
    deltas = [event.message.content for event in events if event.event == ChatEventType.CONVERSATION_MESSAGE_DELTA]
    assert deltas == ["你好", "，", "世界"]


async def test_the_asynchronous_client_polls_and_cancels(emulator: CozeEmulator, async_official: Any) -> None:
    """Create, retrieve and cancel work through the asynchronous client."""
    emulator.script(Answer(text="never", first_delta_delay_s=3600))
    chat = await async_official.chat.create(bot_id=BOT, user_id="u", additional_messages=question("Long?"))
    ids = {"conversation_id": chat.conversation_id, "chat_id": chat.id}
    assert (await async_official.chat.retrieve(**ids)).status == ChatStatus.IN_PROGRESS
    assert (await async_official.chat.cancel(**ids)).status == ChatStatus.CANCELED


@pytest.mark.parametrize(("token", "bot", "code"), [("pat_of_another_region", BOT, 4101), ("pat_sandbox", "1", 4006)])
async def test_refusals_reach_the_official_client(emulator: CozeEmulator, token: str, bot: str, code: int) -> None:
    """A refused stream is a JSON body that the client raises with code and log id."""

    def work() -> cozepy.CozeAPIError:
        with cozepy.SyncHTTPClient(trust_env=False) as http:  # type: ignore[no-untyped-call] # untyped there
            coze: Any = Coze(cozepy.TokenAuth(token), emulator.base_url, http)
            with pytest.raises(cozepy.CozeAPIError) as refused:
                coze.chat.stream(bot_id=bot, user_id="u", additional_messages=question("hi"))
            return refused.value

    error = await asyncio.to_thread(work)
    assert error.code == code
    assert error.logid
