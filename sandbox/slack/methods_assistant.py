"""``assistant.threads.*`` and ``agents.sessions.*``: status lines, prompts, titles."""

from collections.abc import Callable
from typing import Any

from sandbox.slack import events, limits
from sandbox.slack.model import Channel, ChannelKind, Json
from sandbox.slack.refusals import Refusal, invalid_argument
from sandbox.slack.service import Call, is_ts

SESSION_STATUSES = ("active", "processing", "suspended", "closed")


def set_status(call: Call) -> Json:
    """``assistant.threads.setStatus``: shown until the app's next message, or two minutes."""
    if call.switches.status_refusal is not None:
        raise Refusal(call.switches.status_refusal)
    channel, thread_ts = _thread(call)
    loading: list[Any] = call.args.array("loading_messages") or []
    if len(loading) > limits.LOADING_MESSAGES_MAX:
        raise invalid_argument("loading_messages", f"no more than {limits.LOADING_MESSAGES_MAX} items allowed")
    status = call.args.text("status")
    call.service.stage.set_status(channel.id, thread_ts, call.bot.app.id, status, tuple(map(str, loading)))
    _session(call, channel.id, thread_ts)["status"] = "processing" if status else "active"
    return {}


def set_suggested_prompts(call: Call) -> Json:
    """``assistant.threads.setSuggestedPrompts``: at most four."""
    _agents_only(call)
    channel = _channel(call)
    prompts: list[Any] = call.args.array("prompts") or []
    well_formed = all(isinstance(p, dict) and p.get("title") and p.get("message") for p in prompts)
    if not well_formed or len(prompts) > limits.SUGGESTED_PROMPTS_MAX:
        raise invalid_argument("prompts", f"must be at most {limits.SUGGESTED_PROMPTS_MAX} of title and message")
    thread_ts = call.args.text("thread_ts")
    _session(call, channel.id, thread_ts)["prompts"] = prompts
    call.service.journal.record("slack", "prompts", channel.id, thread_ts=thread_ts, prompts=prompts)
    return {}


def set_title(call: Call) -> Json:
    """``assistant.threads.setTitle``."""
    _agents_only(call)
    channel, thread_ts = _thread(call)
    _session(call, channel.id, thread_ts)["title"] = call.args.required("title")
    return {}


def set_session_status(call: Call) -> Json:
    """``agents.sessions.setStatus``."""
    _sessions_only(call)
    status = call.args.required("status")
    if status not in SESSION_STATUSES:
        raise Refusal("invalid_status")
    channel = call.known_channel()
    thread_ts = call.args.text("thread_ts")
    if not thread_ts and channel.kind in (ChannelKind.PUBLIC, ChannelKind.PRIVATE, ChannelKind.IM):
        raise Refusal("thread_ts_required")
    session = _session(call, channel.id, thread_ts)
    session["status"] = status
    if "title" not in session:
        session["title"] = call.args.text("title")[: limits.SESSION_TITLE_MAX_CHARS]
    return {"status": status, "agent_status": status, "title": session["title"]}


def rename_session(call: Call) -> Json:
    """``agents.sessions.rename``."""
    _sessions_only(call)
    channel = call.known_channel()
    thread_ts = call.args.text("thread_ts")
    title = call.args.required("title")
    if len(title) > limits.SESSION_TITLE_MAX_CHARS:
        raise invalid_argument("title", "too long")
    session = _session(call, channel.id, thread_ts)
    previous, session["title"] = session.get("title", ""), title
    bot = call.bot.bot_user_id
    event = events.title_changed(bot, channel.id, thread_ts, title, previous, call.workspace.team.id)
    call.service.herald.tell_all(call.workspace, event, channel)
    return {"title": title}


def _session(call: Call, channel: str, thread_ts: str) -> Json:
    return call.service.session_by_thread.setdefault((channel, thread_ts), {"status": "active"})


def _channel(call: Call) -> Channel:
    channel = call.known_channel("channel_id")
    if call.bot.bot_user_id not in channel.members:
        raise Refusal("channel_not_found", detail="the app is not in this channel")
    return channel


def _thread(call: Call) -> tuple[Channel, str]:
    channel = _channel(call)
    thread_ts = call.args.required("thread_ts")
    if not is_ts(thread_ts) or call.workspace.message(channel.id, thread_ts) is None:
        raise Refusal("invalid_thread_ts")
    return channel, thread_ts


def _agents_only(call: Call) -> None:
    if call.bot.app.view is None:
        raise Refusal("not_agent_app")


def _sessions_only(call: Call) -> None:
    if not call.switches.agent_sessions_enabled:
        raise Refusal("feature_disabled")


HANDLERS: dict[str, Callable[[Call], Json]] = {
    "agents.sessions.rename": rename_session,
    "agents.sessions.setStatus": set_session_status,
    "assistant.threads.setStatus": set_status,
    "assistant.threads.setSuggestedPrompts": set_suggested_prompts,
    "assistant.threads.setTitle": set_title,
}
