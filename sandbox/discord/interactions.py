"""What people do with the application's own controls: slash commands, buttons, selections, modals.

Each tells the application and waits for its first answer, or for the three seconds to be over.
"""

import mimetypes
from dataclasses import dataclass, field
from typing import Any

from sandbox.discord import payloads
from sandbox.discord.commands import MESSAGE, USER
from sandbox.discord.components import LINK_STYLES, SELECTS, find_control
from sandbox.discord.lookups import Lookups
from sandbox.discord.modals import modal_data
from sandbox.discord.model import Attachment, Channel, Json, Message, User
from sandbox.discord.people import FileUpload
from sandbox.discord.permissions import Permission
from sandbox.discord.tickets import Interaction, InteractionKind


@dataclass(frozen=True, slots=True)
class Answer:
    """What the application answered first.

    Attributes:
        failure: Empty, or what the user read: ``The application did not respond``.
        response: The kind of the answer: ``MESSAGE``, ``DEFERRED_MESSAGE``, ``MODAL`` ...; empty without one.
        message_id: The message that ``@original`` means.
        choices: What autocomplete proposes.
        modal: The form that opened.
    """

    interaction_id: str
    failure: str = ""
    response: str = ""
    message_id: str | None = None
    ephemeral: bool = False
    choices: list[Json] = field(default_factory=list)
    modal: Json | None = None

    @property
    def accepted(self) -> bool:
        """The application answered in time."""
        return not self.failure


class Interactions(Lookups):
    """Actions on controls; every one returns the application's first ``Answer``."""

    async def slash(
        self,
        user: str,
        channel: str,
        command: str,
        options: dict[str, Any] | None = None,
        *,
        user_install_only: bool = False,
    ) -> Answer:
        """Use a slash command: ``"ask"``, or with subcommands ``"coze ask"``; a file is a ``FileUpload``.

        Args:
            user_install_only: The command comes from the user's own installation, the bot is not in the place.

        Raises:
            ValueError: The command is not registered, or its options are not filled in as it declares.
        """
        person, place = self._scene(user, channel)
        known, path = self._command(command, place)
        values = {name: self._value(value, place) for name, value in (options or {}).items()}
        data = payloads.command_data(self.service, known, path, values)
        name = f"/{command}"
        interaction = self._open(InteractionKind.COMMAND, name, person, place, user_install_only=user_install_only)
        return await self._ask(interaction, data, person, place)

    async def autocomplete(
        self, user: str, channel: str, command: str, option: str, typed: str, options: dict[str, Any] | None = None
    ) -> Answer:
        """Type into an option that completes itself; the answer holds the choices."""
        person, place = self._scene(user, channel)
        known, path = self._command(command, place)
        declared = {each["name"]: each for each in payloads.find_subcommand(known, path)}.get(option, {})
        if not declared.get("autocomplete"):
            raise ValueError(f"the option {option!r} of /{command} does not complete itself")
        values = {**(options or {}), option: typed}
        data = payloads.command_data(self.service, known, path, values, focused=option)
        completes = declared["type"]
        interaction = self._open(InteractionKind.AUTOCOMPLETE, f"/{command}", person, place, completes=completes)
        return await self._ask(interaction, data, person, place)

    async def context_menu(
        self, user: str, channel: str, command: str, *, message_id: str | None = None, target: str | None = None
    ) -> Answer:
        """Use a command from the menu of a message, or of a person."""
        person, place = self._scene(user, channel)
        aim: Message | User = self.find_message(channel, message_id) if message_id else self.find_user(target or user)
        kind = MESSAGE if message_id else USER
        known = self.service.commands.named(command, place.guild_id, kind)
        if known is None:
            raise ValueError(f"there is no command {command!r} in this menu")
        interaction = self._open(InteractionKind.COMMAND, command, person, place)
        return await self._ask(interaction, payloads.target_data(self.service, known, aim), person, place)

    async def click(
        self, user: str, channel: str, message_id: str, control: str, values: list[str] | None = None
    ) -> Answer:
        """Press a button, or choose options, on a message.

        Args:
            control: Its custom id or its label.
            values: What is chosen in a selection.
        """
        person, place = self._scene(user, channel)
        message = self.find_message(channel, message_id)
        found = find_control(message.components, control)
        if found is None or found.get("style") in LINK_STYLES:
            raise ValueError(f"message {message_id} has no control {control!r}")
        if message.ephemeral_for not in (None, person.id):
            raise ValueError(f"{person.name} does not see message {message_id}")
        if found.get("disabled"):
            raise ValueError(f"{control!r} is disabled")
        if (found["type"] in SELECTS) != (values is not None):
            raise ValueError(f"{control!r} is {'a selection' if values is None else 'no selection'}")
        interaction = self._open(
            InteractionKind.COMPONENT, found["custom_id"], person, place, source_message_id=message.id
        )
        data = payloads.control_data(found, values or [])
        return await self._ask(interaction, data, person, place, message)

    async def submit_modal(self, user: str, interaction_id: str, values: dict[str, Any] | None = None) -> Answer:
        """Fill in and submit the form that answered an interaction.

        Args:
            values: By custom id: a text, or a list of chosen values or of ``FileUpload``.
        """
        opened = self.service.interactions.get(interaction_id)
        if opened is None or opened.modal is None:
            raise ValueError(f"interaction {interaction_id} opened no modal")
        person, place = self._scene(user, opened.channel_id)
        given = {name: self._values(value, place) for name, value in (values or {}).items()}
        data = modal_data(self.service, opened.modal, given)
        source = opened.source_message_id
        interaction = self._open(
            InteractionKind.MODAL, opened.modal["custom_id"], person, place, source_message_id=source
        )
        message = self.service.world.message(place.id, source) if source else None
        return await self._ask(interaction, data, person, place, message)

    async def _ask(
        self, interaction: Interaction, data: Json, person: User, place: Channel, message: Message | None = None
    ) -> Answer:
        payload = payloads.interaction_create(self.service, interaction, data, person, place)
        if message is not None:
            payload["message"] = self.service.wire.message(message)
        self.service.herald.interaction(payload, place.guild_id)
        await interaction.settled.wait()
        if interaction.failed:
            failure = "The application did not respond"
            self.service.journal.record("discord", "user_error", interaction.name, failure=failure)
            return Answer(interaction.id, failure)
        assert interaction.response is not None
        return Answer(
            interaction.id,
            response=interaction.response.name,
            message_id=interaction.original_id,
            ephemeral=interaction.ephemeral,
            choices=interaction.choices,
            modal=interaction.modal,
        )

    def _open(self, kind: InteractionKind, name: str, person: User, place: Channel, **more: Any) -> Interaction:
        fields = {"user_id": person.id, "channel_id": place.id, "guild_id": place.guild_id} | more
        interaction = self.service.interactions.open(kind, name, **fields)
        self.service.journal.record(
            "discord", "action", kind.name.lower(), id=interaction.id, command=name, user=person.id, channel=place.id
        )
        return interaction

    def _scene(self, user: str, channel: str) -> tuple[User, Channel]:
        person, place = self.find_user(user), self.find_channel(channel)
        if not self.service.world.may(person.id, place, Permission.USE_APPLICATION_COMMANDS):
            raise ValueError(f"{person.name} may not use commands in {place.name or place.id}")
        return person, place

    def _command(self, typed: str, place: Channel) -> tuple[Json, list[str]]:
        name, *path = typed.split()
        command = self.service.commands.named(name, place.guild_id)
        if command is None:
            raise ValueError(f"no command /{name} is registered here")
        return command, path

    def _values(self, value: Any, place: Channel) -> Any:
        return [self._value(each, place) for each in value] if isinstance(value, list) else self._value(value, place)

    def _value(self, value: Any, place: Channel) -> Any:
        if not isinstance(value, FileUpload):
            return value
        attachment = Attachment(
            id=self.service.mint.snowflake(),
            name=value.name,
            content=value.content,
            content_type=value.mimetype or mimetypes.guess_type(value.name)[0] or "application/octet-stream",
            channel_id=place.id,
            ephemeral=True,
        )
        self.service.world.attachments[attachment.id] = attachment
        return attachment
