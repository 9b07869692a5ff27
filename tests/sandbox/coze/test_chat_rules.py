"""What holds for chats: one at a time, isolated contexts, what is stored, what a cancel does."""

import asyncio
from typing import Any

import pytest

from sandbox.coze import Answer, CozeEmulator, Failure, RequiredAction, ToolCall, echo_agent

SLOW = Answer(deltas=("a", "b", "c"), delta_interval_s=10.0)


async def test_a_second_stream_is_refused_by_an_error_event(frozen: CozeEmulator, frozen_api: Any) -> None:
    """While a chat runs, a streamed one in its conversation gets 4016 as an event on HTTP 200."""
    frozen.script(SLOW)
    first = await frozen_api.begin()
    events = await frozen_api.chat(conversation=first["conversation_id"])
    assert [event.name for event in events] == ["error"]
    assert events[0].data["code"] == 4016
    assert events[0].data["msg"].startswith("Conversation occupied")


async def test_a_second_chat_without_a_stream_is_refused_as_json(frozen: CozeEmulator, frozen_api: Any) -> None:
    """The same refusal comes as JSON when no stream was asked for."""
    frozen.script(SLOW)
    first = await frozen_api.begin()
    reply = await frozen_api.post("/v3/chat", frozen_api.body(), conversation_id=first["conversation_id"])
    assert reply["code"] == 4016
    assert len(reply["detail"]["logid"]) == 34


@pytest.mark.parametrize("stream", [True, False])
async def test_the_shape_of_the_refusal_is_a_switch(frozen: CozeEmulator, frozen_api: Any, stream: bool) -> None:
    """Either shape can be had for either kind of chat."""
    frozen.switches.occupied_stream_shape = "json"
    frozen.switches.occupied_json_shape = "event"
    frozen.script(SLOW)
    first = await frozen_api.begin()
    reply = await frozen_api.http.post(
        "/v3/chat", json=frozen_api.body(stream=stream), params={"conversation_id": first["conversation_id"]}
    )
    assert ("event-stream" in reply.headers["Content-Type"]) is not stream


async def test_without_the_lock_two_chats_run_at_once(frozen: CozeEmulator, frozen_api: Any) -> None:
    """The lock can be switched off."""
    frozen.switches.lock_exists = False
    frozen.script(SLOW)
    first = await frozen_api.begin()
    frozen.script("at once")
    assert await frozen_api.answer(conversation=first["conversation_id"]) == "at once"


@pytest.mark.parametrize(("locks", "code"), [(True, 4016), (False, 0)])
async def test_unsaved_chats_lock_by_switch(frozen: CozeEmulator, frozen_api: Any, locks: bool, code: int) -> None:
    """Whether an unsaved chat occupies its conversation is a switch."""
    frozen.switches.lock_for_unsaved = locks
    frozen.script(SLOW)
    conversation = await frozen_api.conversation()
    body = frozen_api.body(stream=True, auto_save_history=False)
    async with frozen_api.http.stream("POST", "/v3/chat", json=body, params={"conversation_id": conversation}):
        reply = await frozen_api.post("/v3/chat", frozen_api.body(), conversation_id=conversation)
    assert reply["code"] == code


@pytest.mark.parametrize(("locks", "code"), [(True, 4016), (False, 0)])
async def test_a_waiting_chat_locks_by_switch(api: Any, emulator: CozeEmulator, locks: bool, code: int) -> None:
    """Whether a chat that waits for tool outputs occupies its conversation is a switch."""
    emulator.switches.lock_in_requires_action = locks
    emulator.script(Answer(requires_action=RequiredAction((ToolCall("t"),))))
    chat = await api.settled(await api.begin())
    assert chat["status"] == "requires_action"
    reply = await api.post("/v3/chat", api.body(), conversation_id=chat["conversation_id"])
    assert reply["code"] == code


async def test_other_conversations_are_free(frozen: CozeEmulator, frozen_api: Any) -> None:
    """A running chat occupies its own conversation only."""
    frozen.script(SLOW)
    await frozen_api.begin()
    frozen.script("free")
    assert await frozen_api.answer() == "free"


async def test_context_is_shared_within_a_user_and_hidden_from_others(emulator: CozeEmulator, api: Any) -> None:
    """In one conversation each user id sees its own turns and what was inserted, nothing else."""
    emulator.answers.agent = echo_agent
    conversation = await api.conversation()
    inserted = {"role": "user", "content": "for all", "content_type": "text"}
    await api.post("/v1/conversation/message/create", inserted, conversation_id=conversation)
    await api.answer("from A", conversation=conversation, user_id="A")
    other = await api.answer("from B", conversation=conversation, user_id="B")
    again = await api.answer("again A", conversation=conversation, user_id="A")
    assert other.splitlines() == ["Questions in this context: 2", "1. for all", "2. from B"]
    assert again.splitlines() == ["Questions in this context: 3", "1. for all", "2. from A", "3. again A"]


async def test_context_is_not_shared_between_conversations(emulator: CozeEmulator, api: Any) -> None:
    """The same user in another conversation begins anew."""
    emulator.answers.agent = echo_agent
    await api.answer("first", conversation=await api.conversation())
    second = await api.answer("second", conversation=await api.conversation())
    assert second == "Questions in this context: 1\n1. second"


async def test_isolation_by_user_can_be_switched_off(emulator: CozeEmulator, api: Any) -> None:
    """With the switch off a conversation is one context for everybody."""
    emulator.switches.context_isolated_by_user = False
    emulator.answers.agent = echo_agent
    conversation = await api.conversation()
    await api.answer("from A", conversation=conversation, user_id="A")
    assert "1. from A" in await api.answer("from B", conversation=conversation, user_id="B")


async def test_another_account_sees_nothing(emulator: CozeEmulator, api: Any, api_with: Any) -> None:
    """Conversations and chats of another account look as if they did not exist."""
    emulator.add_token("pat_other", account_id="2000")
    chat = await api.settled(await api.begin())
    other = await api_with("pat_other")
    ids = {"conversation_id": chat["conversation_id"], "chat_id": chat["id"]}
    assert (await other.get("/v3/chat/retrieve", **ids))["code"] == 4002
    assert (await other.post("/v3/chat", other.body(), conversation_id=chat["conversation_id"]))["code"] == 4002
    ids["conversation_id"] = await other.conversation()
    assert (await other.get("/v3/chat/retrieve", **ids))["code"] == 4001


async def test_clear_begins_a_section_without_context(emulator: CozeEmulator, api: Any) -> None:
    """After a clear earlier messages are no context but remain listed."""
    emulator.answers.agent = echo_agent
    conversation = await api.conversation()
    await api.answer("before", conversation=conversation)
    section = (await api.post(f"/v1/conversations/{conversation}/clear"))["data"]["id"]
    assert await api.answer("after", conversation=conversation) == "Questions in this context: 1\n1. after"
    listed = (await api.post("/v1/conversation/message/list", {"order": "asc"}, conversation_id=conversation))["data"]
    assert [message["section_id"] for message in listed] == [conversation, conversation, section, section]


async def test_all_additional_messages_are_stored(emulator: CozeEmulator, api: Any) -> None:
    """With saving on, the history sent along is stored beside the question, and is context from then on."""
    emulator.answers.agent = echo_agent
    history = [
        {"role": "user", "content": "one", "content_type": "text"},
        {"role": "assistant", "type": "answer", "content": "1", "content_type": "text"},
        {"role": "user", "content": "two", "content_type": "text"},
    ]
    conversation = await api.conversation()
    await api.answer(conversation=conversation, additional_messages=history)
    listed = (await api.post("/v1/conversation/message/list", {"order": "asc"}, conversation_id=conversation))["data"]
    assert [message["content"] for message in listed[:3]] == ["one", "1", "two"]
    assert "Questions in this context: 3" in await api.answer("three", conversation=conversation)


async def test_an_unsaved_chat_leaves_nothing(emulator: CozeEmulator, api: Any) -> None:
    """With saving off nothing is stored, nothing can be retrieved, and stored turns still are context."""
    emulator.answers.agent = echo_agent
    conversation = await api.conversation()
    await api.answer("kept", conversation=conversation)
    events = await api.chat("lost", conversation=conversation, auto_save_history=False)
    chat_id = events[0].data["id"]
    ids = {"conversation_id": conversation, "chat_id": chat_id}
    assert (await api.get("/v3/chat/retrieve", **ids))["code"] == 4001
    assert (await api.get("/v3/chat/message/list", **ids))["code"] == 4001
    assert (await api.answer("later", conversation=conversation)).splitlines()[1:] == ["1. kept", "2. later"]


async def test_tool_outputs_of_an_unsaved_chat_are_an_internal_error(emulator: CozeEmulator, api: Any) -> None:
    """Client tools cannot be used with saving off: the service answers 5000."""
    emulator.script(Answer(requires_action=RequiredAction((ToolCall("t"),))))
    chat = (await api.chat(auto_save_history=False))[-2].data
    call_id = chat["required_action"]["submit_tool_outputs"]["tool_calls"][0]["id"]
    reply = await api.post(
        "/v3/chat/submit_tool_outputs",
        {"tool_outputs": [{"tool_call_id": call_id, "output": "x"}]},
        conversation_id=chat["conversation_id"],
        chat_id=chat["id"],
    )
    assert reply["code"] == 5000


async def test_wrong_tool_outputs_are_refused(emulator: CozeEmulator, api: Any) -> None:
    """Outputs must answer the calls that wait, and only a waiting chat takes any."""
    emulator.script(Answer(requires_action=RequiredAction((ToolCall("t"),))))
    chat = await api.settled(await api.begin())
    ids = {"conversation_id": chat["conversation_id"], "chat_id": chat["id"]}
    outputs = {"tool_outputs": [{"tool_call_id": "nobody's", "output": "x"}]}
    assert (await api.post("/v3/chat/submit_tool_outputs", outputs, **ids))["code"] == 4000
    call_id = chat["required_action"]["submit_tool_outputs"]["tool_calls"][0]["id"]
    outputs["tool_outputs"][0]["tool_call_id"] = call_id
    assert (await api.post("/v3/chat/submit_tool_outputs", outputs, **ids))["code"] == 0
    await api.settled(chat)
    assert (await api.post("/v3/chat/submit_tool_outputs", outputs, **ids))["code"] == 4000


async def test_a_cancelled_stream_keeps_flowing(frozen: CozeEmulator, frozen_api: Any) -> None:
    """A cancel flips the status and frees the conversation; the open stream goes on to its end."""
    frozen.script(SLOW)
    frozen.answers.agent = echo_agent
    async with frozen_api.http.stream("POST", "/v3/chat", json=frozen_api.body("cut", stream=True)) as stream:
        await frozen.journal.wait_until(
            lambda: bool(frozen.journal.select(kind="event", name="conversation.message.delta")), what="a delta"
        )
        chat = next(iter(frozen.world.chats.values()))
        ids = {"conversation_id": chat.conversation_id, "chat_id": chat.chat_id}
        assert (await frozen_api.post("/v3/chat/cancel", ids))["data"]["status"] == "canceled"
        frozen.clock.advance(60)
        text = (await stream.aread()).decode()
    assert text.endswith('event:done\ndata:"[DONE]"\n\n')
    assert (await frozen_api.get("/v3/chat/retrieve", **ids))["data"]["status"] == "canceled"
    assert await frozen_api.answer("next", conversation=chat.conversation_id) == "Questions in this context: 1\n1. next"


async def test_a_cancelled_stream_may_end_at_once(frozen: CozeEmulator, frozen_api: Any) -> None:
    """By switch, a cancel ends the open stream without another event."""
    frozen.switches.stream_after_cancel = "ends"
    frozen.script(SLOW)
    async with frozen_api.http.stream("POST", "/v3/chat", json=frozen_api.body(stream=True)) as stream:
        chat = next(iter(frozen.world.chats.values()))
        await frozen_api.post("/v3/chat/cancel", {"conversation_id": chat.conversation_id, "chat_id": chat.chat_id})
        text = (await stream.aread()).decode()
    assert "done" not in text


async def test_a_chat_survives_its_client(frozen: CozeEmulator, frozen_api: Any) -> None:
    """After the client hangs up the chat runs on and its answer can be fetched."""
    frozen.script(SLOW)
    async with frozen_api.http.stream("POST", "/v3/chat", json=frozen_api.body(stream=True)):
        chat = next(iter(frozen.world.chats.values()))
    frozen.clock.advance(60)
    shown = await frozen_api.settled({"conversation_id": chat.conversation_id, "id": chat.chat_id})
    assert shown["status"] == "completed"
    ids = {"conversation_id": chat.conversation_id, "chat_id": chat.chat_id}
    listed = (await frozen_api.get("/v3/chat/message/list", **ids))["data"]
    assert [message["content"] for message in listed if message["type"] == "answer"] == ["abc"]


async def test_a_chat_survives_an_outage(frozen: CozeEmulator, frozen_api: Any) -> None:
    """Offline the emulator refuses connections; back again it remembers, and chats went on meanwhile."""
    frozen.script(SLOW)
    chat = await frozen_api.begin()
    address = frozen.base_url
    await frozen.go_offline()
    with pytest.raises(OSError, match="onnect"):
        await asyncio.open_connection("127.0.0.1", frozen.port)
    frozen.clock.advance(60)
    await frozen.go_online()
    assert frozen.base_url == address
    assert (await frozen_api.settled(chat))["status"] == "completed"


async def test_a_frozen_clock_holds_the_answer_back(frozen: CozeEmulator, frozen_api: Any) -> None:
    """Words come when the sandbox's time comes, and all that is due comes at once."""
    frozen.script(Answer(deltas=tuple("abcdef"), delta_interval_s=1.0, first_delta_delay_s=5.0))
    journal = frozen.journal

    def deltas() -> int:
        return len(journal.select(kind="event", name="conversation.message.delta"))

    async with frozen_api.http.stream("POST", "/v3/chat", json=frozen_api.body(stream=True)) as stream:
        await journal.wait_until(
            lambda: bool(journal.select(kind="event", name="conversation.chat.in_progress")), what="in_progress"
        )
        frozen.clock.advance(4.9)
        await frozen_api.get("/v1/users/me")
        assert deltas() == 0
        frozen.clock.advance(0.1)
        await journal.wait_until(lambda: deltas() == 1, what="the first delta")
        frozen.clock.advance(3.0)
        await journal.wait_until(lambda: deltas() == 4, what="three more")
        frozen.clock.advance(100.0)
        await stream.aread()
    assert deltas() == 6


async def test_chars_per_second_set_the_pace(frozen: CozeEmulator, frozen_api: Any) -> None:
    """The speed can be given in characters."""
    frozen.script(Answer(deltas=("12345", "1234567890"), chars_per_second=10.0))
    chat = await frozen_api.begin()
    await frozen_api.until(lambda: len(frozen.world.chats[chat["id"]].feed.events) == 3)
    frozen.clock.advance(0.9)
    await frozen_api.get("/v1/users/me")
    assert frozen.world.chats[chat["id"]].running
    frozen.clock.advance(0.1)
    assert (await frozen_api.settled(chat))["status"] == "completed"


async def test_several_answers_and_a_differing_final_text(emulator: CozeEmulator, api: Any) -> None:
    """Each answer message has its own id; a completed text may differ from its deltas."""
    emulator.script(Answer(deltas=("a", "b"), completed_text="AB", further_texts=("second",)))
    events = await api.chat()
    completed = [e.data for e in events if e.name.endswith("message.completed") and e.data["type"] == "answer"]
    assert [message["content"] for message in completed] == ["AB", "second"]
    assert len({message["id"] for message in completed}) == 2


async def test_audio_and_usage_as_scripted(emulator: CozeEmulator, api: Any) -> None:
    """Audio comes as its own event, base64 in content."""
    emulator.script(Answer(text="spoken", audio=("AAAA", "BBBB"), verbose=("knowledge_recall",)))
    events = await api.chat()
    audio = [event.data for event in events if event.name == "conversation.audio.delta"]
    assert [(piece["content_type"], piece["content"]) for piece in audio] == [("audio", "AAAA"), ("audio", "BBBB")]
    assert "knowledge_recall" in events[2].data["content"]


async def test_an_empty_answer_and_none_at_all(emulator: CozeEmulator, api: Any) -> None:
    """An agent may answer with an empty message, or with none."""
    emulator.script(Answer())
    emulator.script(Answer(without_answer=True))
    empty, none = await api.chat(), await api.chat()
    assert [event.data["type"] for event in empty[2:4]] == ["answer", "verbose"]
    assert empty[2].data["content"] == ""
    assert [event.name for event in none[3:]] == ["conversation.chat.completed", "done"]


@pytest.mark.parametrize("shape", ["chat", "bare", "error"])
@pytest.mark.parametrize("with_done", [True, False])
async def test_failures_come_in_three_shapes(emulator: CozeEmulator, api: Any, shape: Any, with_done: bool) -> None:
    """A failing chat ends with the shape of the script; ``done`` follows by switch; retrieve says failed."""
    emulator.switches.done_after_failure = with_done
    emulator.script(Answer(text="one two three", failure=Failure("720702204", "broken", after_deltas=2, shape=shape)))
    events = await api.chat()
    if with_done:
        assert events.pop().name == "done"
    last = events[-1]
    assert last.name == ("error" if shape == "error" else "conversation.chat.failed")
    if shape == "chat":
        assert last.data["last_error"] == {"code": "720702204", "msg": "broken"}
    else:
        assert last.data == {"code": "720702204", "msg": "broken"}
    ids = {"conversation_id": events[0].data["conversation_id"], "id": events[0].data["id"]}
    assert (await api.settled(ids))["status"] == "failed"


@pytest.mark.parametrize("shown", [True, False])
async def test_a_question_is_listed_while_it_runs_by_switch(frozen: CozeEmulator, frozen_api: Any, shown: bool) -> None:
    """Whether the question of a running chat is listed, and with its chat id, are switches."""
    frozen.switches.question_listed_while_running = shown
    frozen.switches.question_has_chat_id = shown
    frozen.script(SLOW)
    question = {"role": "user", "content": "q", "content_type": "text", "meta_data": {"turn": "t1"}}
    chat = await frozen_api.begin(additional_messages=[question])
    conversation = chat["conversation_id"]
    listed = (await frozen_api.post("/v1/conversation/message/list", conversation_id=conversation))["data"]
    assert [message["meta_data"] for message in listed] == ([{"turn": "t1"}] if shown else [])
    frozen.clock.advance(60)
    await frozen_api.settled(chat)
    listed = (await frozen_api.post("/v1/conversation/message/list", {}, conversation_id=conversation))["data"]
    assert [message["type"] for message in listed] == ["answer", "question"]
    assert ("chat_id" in listed[-1]) is shown


async def test_the_default_agent_is_deterministic_and_bilingual(emulator: CozeEmulator, api: Any) -> None:
    """The same question gets the same answer in its own language; later ones know their number."""
    first, again = await api.answer("What is a list?"), await api.answer("What is a list?")
    assert first == again
    assert "What is a list?" in first
    conversation = await api.conversation()
    await api.answer("列表是什么？", conversation=conversation)
    assert "第 2 个问题" in await api.answer("字典是什么？", conversation=conversation)


async def test_scripts_are_chosen_by_bot_and_question(emulator: CozeEmulator, api: Any) -> None:
    """A scripted answer can be kept for one bot or one kind of question, for a number of times."""
    emulator.add_bot("42")
    emulator.answers.agent = echo_agent
    emulator.script("only 42", bot_id="42")
    emulator.script("weather!", matching="weather", times=2)
    assert await api.answer("hi") == "Questions in this context: 1\n1. hi"
    assert await api.answer("the weather?") == "weather!"
    assert await api.answer("hi", bot_id="42") == "only 42"
    assert await api.answer("weather again") == "weather!"
    assert await api.answer("weather thrice") != "weather!"


async def test_inserted_messages_are_told_by_switch(emulator: CozeEmulator, api: Any) -> None:
    """``inserted_additional_messages`` lists the stored question's id when the switch is on."""
    emulator.switches.inserted_additional_messages = True
    created = (await api.chat())[0].data
    (inserted,) = created["inserted_additional_messages"]
    found = await api.get(
        "/v1/conversation/message/retrieve",
        conversation_id=created["conversation_id"],
        message_id=inserted["id"],
    )
    assert found["data"]["content"] == "hi"


async def test_small_switches_change_what_is_said(emulator: CozeEmulator, api: Any) -> None:
    """First status, repeated reasoning and an empty list without data follow their switches."""
    emulator.switches.first_status_without_stream = "created"
    emulator.switches.reasoning_on_completed = False
    emulator.switches.empty_list_omits_data = True
    emulator.script(Answer(text="x", reasoning=("hm",)))
    emulator.script(Answer(failure=Failure()))
    assert not any("reasoning_content" in e.data for e in await api.chat() if e.name.endswith("message.completed"))
    chat = await api.begin()
    assert chat["status"] == "created"
    await api.settled(chat)
    ids = {"conversation_id": chat["conversation_id"], "chat_id": chat["id"]}
    assert "data" not in await api.get("/v3/chat/message/list", **ids)
