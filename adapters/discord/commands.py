"""Application commands and sent modals become invocations (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from adapters.discord.fields import Payload, mapping_in, text_in
from adapters.discord.ids import MessageRef, delivery_key
from adapters.discord.inbound import Channel, place_of
from adapters.discord.presses import author_of
from adapters.discord.registry import OWN, SUBCOMMANDS
from bridge.model import Addressing, Envelope, Field, Invocation, Offer

APPLICATION_COMMAND, MODAL_SUBMIT = 2, 5
"""``type`` of the interactions that bring commands."""


def is_command(interaction: Payload) -> bool:
    """Tell whether somebody used a command, or sent a form."""
    return interaction.get("type") in (APPLICATION_COMMAND, MODAL_SUBMIT)


def parse_command(
    interaction: Payload, channel: Channel | None, instance: str, offers: Sequence[Offer], now_s: float
) -> Invocation | None:
    """Turn a used command into ours; ``None`` for commands that we did not register.

    Args:
        channel: Where it was used; ``None`` in direct messages.
    """
    data, interaction_id = mapping_in(interaction, "data"), text_in(interaction, "id")
    name = text_in(data, "name")
    envelope = envelope_of(interaction, channel, instance, interaction_id, "", now_s)
    if envelope is None or data.get("type", 1) != 1:
        return None
    if name == OWN:
        word = next((text_in(option, "name") for option in _options(data)), "")
        return Invocation(replace(envelope, text=f"!{word}")) if word in SUBCOMMANDS else None
    offer = next((offer for offer in offers if offer.name == name), None)
    if offer is None:
        return None
    named = {_option_name(field): field.name for field in offer.forms["en"].fields}
    values = {text_in(option, "name"): _written(option.get("value")) for option in _options(data)}
    given = {named[option]: value for option, value in values.items() if option in named}
    return Invocation(replace(envelope, text=f"!run {name}"), given=given)


def envelope_of(
    interaction: Payload, channel: Channel | None, instance: str, what: str, text: str, now_s: float
) -> Envelope | None:
    """Make the envelope of a command; ``None`` for an interaction of a strange shape.

    Args:
        what: Tells this command from all others.
    """
    author, channel_id = author_of(interaction), text_in(interaction, "channel_id")
    guild = text_in(interaction, "guild_id")
    if not author.id or not channel_id or not what or (guild and channel is None):
        return None
    place = place_of(instance, guild, channel_id, "", channel)
    return Envelope(
        delivery_key=delivery_key(MessageRef(instance, guild, channel_id, what)),
        place=replace(place, thread=place.thread or None),  # in a channel nothing stands for it yet
        author=author,
        message_id="",
        text=text,
        addressing=Addressing.DIRECT if place.private else Addressing.MENTION,
        sent_at_s=now_s,
        command=True,
    )


def _option_name(field: Field) -> str:
    return field.name.lower()[:32]


def _options(data: Payload) -> list[Mapping[str, Any]]:
    options = data.get("options")
    return [option for option in options if isinstance(option, Mapping)] if isinstance(options, list) else []


def _written(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else ""
