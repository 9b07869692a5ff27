"""Application commands become invocations, and what is typed into them a wish for suggestions (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from adapters.discord import forms, limits
from adapters.discord.fields import Payload, mapping_in, text_in
from adapters.discord.ids import command_key
from adapters.discord.inbound import Channel, Identity, attachments_of, place_of, words_of
from adapters.discord.outbound import cut
from adapters.discord.presses import APPLICATION_COMMAND, AUTOCOMPLETE, author_of
from adapters.discord.readable import KnownNames
from adapters.discord.registry import (
    CHAT_INPUT,
    MESSAGE_MENU,
    OWN,
    RUN,
    RUN_ARGUMENTS,
    RUN_FILE,
    RUN_WORKFLOW,
    SUBCOMMANDS,
    choice_value,
    meant_choice,
    options_of,
)
from bridge.model import Addressing, Attachment, Envelope, Field, Invocation, Offer, Typing


def parse_command(
    interaction: Payload, channel: Channel | None, instance: str, us: Identity, offers: Sequence[Offer], now_s: float
) -> Invocation | None:
    """Turn a used command into ours; ``None`` for commands that we did not register.

    Args:
        channel: Where it was used; ``None`` in direct messages.
    """
    data, interaction_id = mapping_in(interaction, "data"), text_in(interaction, "id")
    envelope = envelope_of(interaction, channel, instance, interaction_id, "", now_s, text_in(data, "target_id"))
    if envelope is None or interaction.get("type") != APPLICATION_COMMAND:
        return None
    if data.get("type") == MESSAGE_MENU:
        return _on_message(data, us, envelope)
    if data.get("type", CHAT_INPUT) != CHAT_INPUT:
        return None
    if text_in(data, "name") == OWN:
        return _own(data, envelope)
    offer = next((offer for offer in offers if offer.name == text_in(data, "name")), None)
    return _of_workflow(data, offer, envelope) if offer is not None else None


def parse_typing(
    interaction: Payload, channel: Channel | None, instance: str, offers: Sequence[Offer]
) -> Typing | None:
    """Turn what somebody types into a command's option into ours; ``None`` for options that are not ours."""
    data = mapping_in(interaction, "data")
    envelope = envelope_of(interaction, channel, instance, text_in(interaction, "id"), "", 0.0)
    named, name = _chosen_options(data), text_in(data, "name")
    option = next((option for option in named if option.get("focused")), {})
    typed, option_named = str(option.get("value") or ""), text_in(option, "name")
    if envelope is None or interaction.get("type") != AUTOCOMPLETE or not option:
        return None
    if name == OWN:
        is_name = option_named == RUN_WORKFLOW
        return Typing(envelope.place, envelope.author, typed=typed) if is_name else None
    field = _fields(offers, name).get(option_named)
    return Typing(envelope.place, envelope.author, name, field.name, typed) if field is not None else None


def choices(suggested: Sequence[str]) -> list[dict[str, str]]:
    """Return suggestions as Discord takes them; what is too long to be known again is left out."""
    known: dict[str, str] = {}
    for choice in suggested:
        if choice and len(known) < limits.CHOICES_MAX:
            known.setdefault(choice_value(choice), cut(choice, limits.CHOICE_CHARS))
    return [{"name": name, "value": value} for value, name in known.items()]


def envelope_of(
    interaction: Payload,
    channel: Channel | None,
    instance: str,
    what: str,
    text: str,
    now_s: float,
    about: str = "",
) -> Envelope | None:
    """Make the envelope of a command; ``None`` for an interaction of a strange shape.

    Args:
        what: Tells this command from all others.
        about: The message that it is about.
    """
    author, channel_id = author_of(interaction), text_in(interaction, "channel_id")
    guild = text_in(interaction, "guild_id")
    if not author.id or not channel_id or not what or (guild and channel is None):
        return None
    place = place_of(instance, guild, channel_id, "", channel)
    return Envelope(
        delivery_key=command_key(instance, guild, channel_id, what, about),
        place=replace(place, thread=place.thread or None),  # in a channel nothing stands for it yet
        author=author,
        message_id="",
        text=text,
        addressing=Addressing.DIRECT if place.private else Addressing.MENTION,
        sent_at_s=now_s,
        command=True,
    )


def _own(data: Payload, envelope: Envelope) -> Invocation | None:
    word = next((text_in(option, "name") for option in _options(data)), "")
    if word in SUBCOMMANDS:
        return Invocation(replace(envelope, text=f"!{word}"))
    if word != RUN:
        return None
    given = {text_in(option, "name"): option.get("value") for option in _chosen_options(data)}
    line = " ".join(["!run", *filter(None, (_written(given.get(name)) for name in (RUN_WORKFLOW, RUN_ARGUMENTS)))])
    files = tuple(forms.attached(data, given.get(RUN_FILE), ""))
    return Invocation(replace(envelope, text=line, attachments=files))


def _on_message(data: Payload, us: Identity, envelope: Envelope) -> Invocation | None:
    message = mapping_in(mapping_in(mapping_in(data, "resolved"), "messages"), text_in(data, "target_id"))
    if not message:
        return None
    called = replace(envelope, text="!run", attachments=attachments_of(message))
    return Invocation(called, subject=words_of(message, us, KnownNames()))


def _of_workflow(data: Payload, offer: Offer, envelope: Envelope) -> Invocation:
    fields = _fields([offer], offer.name)
    given: dict[str, str] = {}
    files: list[Attachment] = []
    for option in _options(data):
        field, value = fields.get(text_in(option, "name")), option.get("value")
        if field is not None and field.kind in forms.FILES:
            files += forms.attached(data, value, field.name)
        elif field is not None:
            given[field.name] = meant_choice(field, _written(value))
    called = replace(envelope, text=f"!run {offer.name}", attachments=tuple(files))
    return Invocation(called, given=given)


def _fields(offers: Sequence[Offer], name: str) -> dict[str, Field]:
    """Return a workflow's fields by their options."""
    return options_of(next((offer.forms["en"].fields for offer in offers if offer.name == name), ()))


def _options(data: Payload) -> list[Mapping[str, Any]]:
    options = data.get("options")
    return [option for option in options if isinstance(option, Mapping)] if isinstance(options, list) else []


def _chosen_options(data: Payload) -> list[Mapping[str, Any]]:
    """Return the options that were filled in, of a subcommand or of the command itself."""
    return [inner for option in _options(data) for inner in (_options(option) or [option])]


def _written(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else ""
