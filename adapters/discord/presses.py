"""A pressed button becomes a ``Press``, and what became of it the one answer Discord wants (pure).

Buttons carry what they stand for in their custom id. Discord tells of a press as an interaction, and takes one answer
to it within three seconds. Source: docs.discord.com, "Receiving and Responding to Interactions".
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from adapters.discord import forms
from adapters.discord.fields import Payload, mapping_in, text_in
from adapters.discord.ids import parse_control_id
from adapters.discord.inbound import Channel, author_name, language_of, place_of
from adapters.discord.outbound import EPHEMERAL, NOBODY, SUPPRESS_EMBEDS, cut, render
from bridge.model import Author, Press, Pressed, TurnId

APPLICATION_COMMAND, MESSAGE_COMPONENT, AUTOCOMPLETE, MODAL_SUBMIT = 2, 3, 4, 5
"""``type`` of an interaction. Source: there, "Interaction Type"."""


class ResponseKind(IntEnum):
    """The first answers to an interaction that we give. Source: there, "Interaction Callback Type"."""

    MESSAGE = 4
    DEFERRED_MESSAGE = 5
    DEFERRED_UPDATE = 6
    UPDATE_MESSAGE = 7
    CHOICES = 8
    MODAL = 9


@dataclass(frozen=True, slots=True)
class Ticket:
    """What an interaction is answered under; its token alone authorizes, so nobody may read it."""

    id: str
    token: str = field(repr=False)


def parse_ticket(interaction: Payload) -> Ticket | None:
    """Return what an interaction is answered under; ``None`` for what cannot be answered."""
    ticket = Ticket(text_in(interaction, "id"), text_in(interaction, "token"))
    return ticket if ticket.id and ticket.token else None


def controlled_turns(message: Mapping[str, Any]) -> set[TurnId]:
    """Return the turns that the controls below a message stand for."""
    rows = message.get("components")
    found = [parse_control_id(str(button.get("custom_id") or "")) for button in _buttons(rows)]
    return {turn_id for _, turn_id, _ in filter(None, found)}


def _buttons(rows: object) -> Iterator[Mapping[str, Any]]:
    for row in rows if isinstance(rows, list) else ():
        inside = row.get("components") if isinstance(row, Mapping) else None
        yield from (button for button in inside or () if isinstance(button, Mapping))


def parse_press(interaction: Payload, channel: Channel | None, instance: str, application_id: str) -> Press | None:
    """Turn the use of a component, or of the form that it opened, into ours; ``None`` for what we did not make.

    Below a message in a channel its place is the reply chain that this message would begin; ``in_chain`` knows better.

    Args:
        channel: Where it stands; ``None`` in direct messages.
    """
    meant = parse_control_id(text_in(mapping_in(interaction, "data"), "custom_id"))
    guild, channel_id = text_in(interaction, "guild_id"), text_in(interaction, "channel_id")
    author = author_of(interaction)
    kind_of_use = interaction.get("type")
    if text_in(interaction, "application_id") not in ("", application_id):
        return None
    if kind_of_use not in (MESSAGE_COMPONENT, MODAL_SUBMIT):
        return None
    if meant is None or not author.id or not channel_id or (guild and channel is None):
        return None
    message_id = text_in(mapping_in(interaction, "message"), "id")
    kind, turn, choice = meant
    place = place_of(instance, guild, channel_id, message_id, channel)
    sent = forms.filled(mapping_in(interaction, "data")) if kind_of_use == MODAL_SUBMIT else None
    return Press(kind, turn, place, author, message_id, choice, sent)


def without_pressed(interaction: Payload) -> dict[str, Any]:
    """Return the body that takes the pressed button away, with those that are over with it; nothing else changes."""
    pressed = text_in(mapping_in(interaction, "data"), "custom_id")
    rows = mapping_in(interaction, "message").get("components")
    left = []
    for row in rows if isinstance(rows, list) else ():
        buttons = row.get("components") if isinstance(row, Mapping) else None
        kept = [b for b in buttons if isinstance(b, Mapping) and not _is_over(b, pressed)] if buttons else []
        if kept:
            left.append({"type": row.get("type"), "components": kept})
    return {"components": left, "allowed_mentions": NOBODY}


def _is_over(button: Payload, pressed: str) -> bool:
    """Tell whether a button was pressed, or is one of those of which one alone can be."""
    this, that = parse_control_id(text_in(button, "custom_id")), parse_control_id(pressed)
    alike = this is not None and that is not None and this[:2] == that[:2] and this[0].ends_its_kind
    return alike or button.get("custom_id") == pressed


def is_over(press: Press | None, pressed: Pressed | None) -> bool:
    """Tell whether a button is used up. Others go when the message they stand below changes."""
    return press is not None and pressed is not None and pressed.done and press.kind.is_good_once


def answer_to(press: Press | None, pressed: Pressed | None, interaction: Payload) -> dict[str, Any]:
    """Return the body that answers a press.

    A form is opened; else a sentence is shown to the presser alone; else a control that is used up is taken away; else
    nothing changes.

    Args:
        press: ``None`` for what was not ours.
        pressed: ``None`` where nothing was done.
    """
    if pressed is not None and pressed.form is not None:
        custom_id = text_in(mapping_in(interaction, "data"), "custom_id")
        fields = forms.next_fields(pressed.form, {})
        data = forms.modal(pressed.form, fields, custom_id, (forms.YES, forms.NO), {})
        return {"type": int(ResponseKind.MODAL), "data": data}
    if pressed is not None and pressed.sentence:
        return {"type": int(ResponseKind.MESSAGE), "data": whispered(_with_what_was_filled_in(pressed, press))}
    if is_over(press, pressed):
        return {"type": int(ResponseKind.UPDATE_MESSAGE), "data": without_pressed(interaction)}
    return {"type": int(ResponseKind.DEFERRED_UPDATE)}


def _with_what_was_filled_in(pressed: Pressed, press: Press | None) -> str:
    """Return the sentence; where a form was not taken, with what stood in it: the form itself is gone."""
    if pressed.done or press is None or not press.filled:
        return pressed.sentence
    return "\n".join([pressed.sentence, *(f"> {value}" for value in press.filled.values())])


def whispered(sentence: str) -> dict[str, Any]:
    """Return a message that one person alone sees."""
    flags = EPHEMERAL | SUPPRESS_EMBEDS
    return {"content": cut(render(sentence)), "flags": flags, "allowed_mentions": NOBODY}


def author_of(interaction: Payload) -> Author:
    """Return who did it: on a server a member, in private a user; she tells her own language."""
    member = mapping_in(interaction, "member")
    user = mapping_in(member, "user") or mapping_in(interaction, "user")
    roles = member.get("roles")
    return Author(
        id=text_in(user, "id"),
        name=author_name({"author": user, "member": member}),
        locale=language_of(text_in(interaction, "locale")) or language_of(text_in(interaction, "guild_locale")),
        roles=tuple(str(role) for role in roles) if isinstance(roles, list) else (),
    )
