"""Slash commands, the message shortcut and sent modals become invocations (pure).

Sources: docs.slack.dev, "Slash commands" (fields, no ``thread_ts``), "Shortcuts" (``message_action``),
"``view_submission`` payload".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from adapters.slack import forms
from adapters.slack.ids import command_key
from adapters.slack.inbound import Identity, InboundRules, attachments_of, text_of
from adapters.slack.readable import readable
from bridge.model import Addressing, Author, Envelope, Invocation, Offer, Place

SHORTCUT = "coze_bridge.run"
"""The callback id of "Run a workflow" on a message."""


@dataclass(frozen=True, slots=True)
class Called:
    """A command, and what Slack lets us do about it.

    Attributes:
        trigger_id: Opens one modal, within three seconds; empty for a sent modal.
        response_url: Where its author alone can be answered, five times within half an hour; may be empty.
        view: The modal that was sent.
        is_slash: What it is acknowledged with is shown to its author; of a shortcut it is not.
    """

    invocation: Invocation
    trigger_id: str = ""
    response_url: str = ""
    view: Mapping[str, Any] | None = None
    is_slash: bool = False

    @property
    def context(self) -> dict[str, str]:
        """What a modal has to carry so that its sending finds back here."""
        place = self.invocation.envelope.place
        return {"channel": place.channel, "thread": place.thread or ""}


@dataclass(frozen=True, slots=True)
class CommandWords:
    """What the app's slash commands are called.

    Attributes:
        own: The one for everything; empty for none.
        workflows: The name of the workflow by the slash command of its own.
    """

    own: str
    workflows: Mapping[str, str]

    @classmethod
    def of(cls, own: str, offers: Iterable[Offer]) -> "CommandWords":
        """Gather them from the settings and the workflows that are offered."""
        return cls(own, {offer.slash: offer.name for offer in offers if offer.slash})


def parse_called(
    body: Mapping[str, Any], words: CommandWords, rules: InboundRules, us: Identity, now_s: float
) -> Called | None:
    """Turn a payload into a command of ours; ``None`` for everything else.

    Args:
        now_s: Unix time, for Slack tells none.
    """
    if text_of(body, "command"):
        return _slash(body, words, rules, us, now_s)
    match body.get("type"):
        case "message_action" if text_of(body, "callback_id") == SHORTCUT:
            return _shortcut(body, rules, us, now_s)
        case "view_submission":
            return _sent(body, rules, us, now_s)
    return None


def _slash(
    body: Mapping[str, Any], words: CommandWords, rules: InboundRules, us: Identity, now_s: float
) -> Called | None:
    command, text = text_of(body, "command"), readable(text_of(body, "text")).strip()
    if workflow := words.workflows.get(command):
        line = f"!run {workflow} {text}".rstrip()
    elif command == words.own:
        line = f"!{text or 'help'}"
    else:
        return None
    trigger_id = text_of(body, "trigger_id")
    place = _place(rules, us, text_of(body, "channel_id"), "")
    author = Author(text_of(body, "user_id"), text_of(body, "user_name"))
    envelope = _command(place, author, f"trigger.{trigger_id}", line, now_s)
    if envelope is None or not trigger_id:
        return None
    return Called(Invocation(envelope), trigger_id, text_of(body, "response_url"), is_slash=True)


def _shortcut(body: Mapping[str, Any], rules: InboundRules, us: Identity, now_s: float) -> Called | None:
    message, trigger_id = _object(body, "message"), text_of(body, "trigger_id")
    root = text_of(message, "thread_ts") or text_of(message, "ts") or text_of(body, "message_ts")
    place = _place(rules, us, text_of(_object(body, "channel"), "id"), root)
    envelope = _command(place, _user(body), f"trigger.{trigger_id}", "!run", now_s)
    if envelope is None or not trigger_id:
        return None
    envelope = replace(envelope, attachments=attachments_of(message.get("files")))
    subject = readable(text_of(message, "text")).strip()
    return Called(Invocation(envelope, subject=subject), trigger_id, text_of(body, "response_url"))


def _sent(body: Mapping[str, Any], rules: InboundRules, us: Identity, now_s: float) -> Called | None:
    view = _object(body, "view")
    context, view_id = forms.context_of(view), text_of(view, "id")
    if text_of(view, "callback_id") != forms.FORM or not view_id:
        return None
    place = _place(rules, us, context.get("channel", ""), context.get("thread", ""))
    line = f"!run {context.get('workflow', '')}".rstrip()
    envelope = _command(place, _user(body), f"view.{view_id}", line, now_s)
    if envelope is None:
        return None
    envelope = replace(envelope, attachments=forms.attached(view))
    return Called(Invocation(envelope, filled=forms.filled(view)), view=view)


def _command(place: Place, author: Author, what: str, line: str, now_s: float) -> Envelope | None:
    if not place.channel or not author.id:
        return None
    return Envelope(
        delivery_key=command_key(place.instance, place.team, place.channel, what),
        place=place,
        author=author,
        message_id="",
        text=line,
        addressing=Addressing.DIRECT if place.private else Addressing.MENTION,
        sent_at_s=now_s,
        command=True,
    )


def _place(rules: InboundRules, us: Identity, channel: str, root: str) -> Place:
    return Place(rules.instance, us.team_id, channel, root or None, private=channel.startswith("D"))


def _user(body: Mapping[str, Any]) -> Author:
    user = _object(body, "user")
    return Author(text_of(user, "id"), text_of(user, "name") or text_of(user, "username"))


def _object(source: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = source.get(key)
    return value if isinstance(value, Mapping) else {}
