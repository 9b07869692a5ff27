"""Coze's JSON in our words: codes, envelopes, chats, lists, bots, bodies."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.coze import protocol
from bridge.coze.protocol import (
    chat_body,
    normalise_code,
    read_answer,
    read_chat,
    read_fetched,
    read_profile,
    retry_after_s,
)
from bridge.errors import AgentError, AgentProtocolError, AgentRateLimited, AgentRejected
from bridge.model import AnswerCompleted, ChatRef, ChatStatus, ContextMessage, FollowUp, Usage
from bridge.texts.keys import Say
from tests.coze.tools import question


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (0, 0),
        (4000, 4000),
        ("4000", 4000),
        (" 720702204 ", 720702204),
        ("", 0),
        (None, 0),
        ("x", 0),
        (True, 0),
        ({}, 0),
    ],
)
def test_codes(value: object, code: int) -> None:
    """Integers, numeric strings, null, empty and nonsense."""
    assert normalise_code(value) == code


@pytest.mark.parametrize(
    ("body", "data"),
    [
        (b'{"code":0,"data":{"id":"1"}}', {"id": "1"}),
        (b'{"data":{"id":"1"}}', {"id": "1"}),
        (b'{"code":"0","data":[]}', []),
        (b'{"code":0,"data":null,"Messages":[1]}', [1]),
        (b'{"code":0,"BaseResp":null}', None),
        (b"", None),
        (b"  ", None),
    ],
)
def test_envelopes(body: bytes, data: Any) -> None:
    """Success in all its forms; Studio's keys stand in for ``data``."""
    assert read_answer("GET /x", 200, {}, body).result("Messages") == data


def test_the_log_id_is_found() -> None:
    """The header first, Studio's header, then the body."""
    body = b'{"code":0,"detail":{"logid":"BODY"}}'
    assert read_answer("x", 200, {"x-tt-logid": "HEADER"}, body).log_id == "HEADER"
    assert read_answer("x", 200, {"x-log-id": "STUDIO"}, body).log_id == "STUDIO"
    assert read_answer("x", 200, {}, body).log_id == "BODY"
    with pytest.raises(AgentError) as caught:
        read_answer("x", 200, {}, b'{"code":"4000","msg":"m","detail":{"logid":"BODY"}}')
    assert (caught.value.code, caught.value.log_id) == (4000, "BODY")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>"),
        (200, b"[1]"),
        (200, b'"text"'),
        (200, b'{"code":0'),
        (200, b"\xff\xfe"),
        (302, b""),
        (301, b"{}"),
    ],
)
def test_what_is_not_the_protocol(status: int, body: bytes) -> None:
    """Pages, arrays, torn JSON, bytes and redirects."""
    with pytest.raises(AgentProtocolError) as caught:
        read_answer("GET /x", status, {"content-type": "text/html"}, body)
    assert caught.value.hint


@given(st.binary(max_size=200), st.sampled_from([200, 204, 400, 401, 404, 429, 500, 502]))
def test_any_bytes_are_a_result_or_an_error_of_ours(body: bytes, status: int) -> None:
    """No body breaks anything."""
    try:
        read_answer("GET /x", status, {}, body)
    except AgentError:
        pass


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-1"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT"}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    """Seconds, or a date beside the reply's own."""
    assert retry_after_s(headers) == seconds


def test_a_throttled_page_keeps_its_wait() -> None:
    """Also a gateway's HTML can say how long to wait."""
    with pytest.raises(AgentRateLimited) as caught:
        read_answer("POST /x", 429, {"retry-after": "7"}, b"<html>")
    assert caught.value.retry_after_s == 7.0


@pytest.mark.parametrize(("word", "status"), list(protocol.STATUSES.items()))
def test_chats(word: str, status: ChatStatus) -> None:
    """Every status and spelling; ids may come from elsewhere."""
    view = read_chat("x", {"status": word, "usage": None, "last_error": None}, ChatRef("1", "2"))
    assert (view.chat, view.status, view.usage) == (ChatRef("1", "2"), status, Usage())
    assert view.over == (status is not ChatStatus.RUNNING)


@pytest.mark.parametrize("value", [None, [], {}, {"id": "1", "conversation_id": "2"}, {"id": "1", "status": "created"}])
def test_what_is_no_chat(value: object) -> None:
    """A chat needs ids and a status."""
    with pytest.raises(AgentProtocolError):
        read_chat("x", value)


def listed(kind: str, content: str, message_id: str, created_at: Any = 0, **more: Any) -> dict[str, Any]:
    return {"type": kind, "content": content, "id": message_id, "created_at": created_at} | more


def test_fetched_messages() -> None:
    """Answers in the order the stream showed, then by time; verbose and tools left out; follow-ups once."""
    messages = [
        listed("verbose", "{}", "1"),
        listed("answer", "fourth", "14", "40"),
        listed("answer", "third", "13", 30),
        listed("answer", "first", "12", 99),
        listed("answer", "second", "11", 98),
        listed("answer", "AAAA", "15", content_type="audio"),
        listed("follow_up", "seen", "21"),
        listed("follow_up", "new", "22"),
        listed("follow_up", "new", "23"),
        listed("function_call", "{}", "31"),
    ]
    events = read_fetched([*messages, None, "x"], {"12": 0, "11": 1}, ["seen"])
    assert events == [
        AnswerCompleted("12", "first"),
        AnswerCompleted("11", "second"),
        AnswerCompleted("13", "third"),
        AnswerCompleted("14", "fourth"),
        FollowUp("new"),
    ]


@pytest.mark.parametrize("messages", [None, {}, "x"])
def test_no_messages(messages: object) -> None:
    """A list that is none is empty."""
    assert read_fetched(messages, {}, ()) == []


@pytest.mark.parametrize(
    "onboarding",
    [
        {"prologue": "Hi", "suggested_questions": ["a", "", "b"]},
        {"Prologue": "Hi", "SuggestedQuestions": ["a", "b"], "OnboardingMode": 1},
    ],
)
def test_profiles(onboarding: dict[str, Any]) -> None:
    """Both spellings of the onboarding keys."""
    profile = read_profile("7", {"name": "N", "onboarding_info": onboarding})
    assert (profile.bot_id, profile.name, profile.prologue) == ("7", "N", "Hi")
    assert profile.suggested_questions == ("a", "b")


def test_a_bare_profile() -> None:
    """The feature may be off, the bot may be nearly empty."""
    assert read_profile("7", {"onboarding_info": {"prologue": ""}}).suggested_questions == ()
    assert read_profile("7", None).bot_id == "7"


def test_bodies() -> None:
    """Only what is needed is sent."""
    body = json.loads(chat_body(question("hi", mark=""), stream=False, save=None))
    assert set(body) == {"bot_id", "user_id", "stream", "additional_messages"}
    assert body["additional_messages"] == [
        {"role": "user", "type": "question", "content": "hi", "content_type": "text"}
    ]
    assert json.loads(chat_body(question(), stream=True, save=False))["auto_save_history"] is False


def test_empty_context_is_left_out() -> None:
    """Coze refuses messages without content."""
    body = json.loads(chat_body(question(context=(ContextMessage("user", ""),)), stream=True, save=True))
    assert len(body["additional_messages"]) == 1


def test_a_body_that_is_too_large() -> None:
    """Refused before it is sent, as too long."""
    with pytest.raises(AgentRejected) as caught:
        chat_body(question("字" * (5 * 1024 * 1024 + 1)), stream=True, save=True)
    assert caught.value.said is Say.AGENT_TOO_LONG
