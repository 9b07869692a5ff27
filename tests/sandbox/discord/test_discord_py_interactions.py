"""The real discord.py answers interactions over every transport (checklist of reference 10.7)."""

from typing import Any

import discord
import pytest
from discord import app_commands

from sandbox.discord import DiscordEmulator

pytestmark = pytest.mark.usefixtures("every_wire")


class StopView(discord.ui.View):
    """A message's button."""

    def __init__(self) -> None:
        super().__init__(timeout=None)

    @discord.ui.button(label="Stop", custom_id="stop:1")
    async def stop_run(self, interaction: discord.Interaction, _: discord.ui.Button[Any]) -> None:
        """Change the message in place."""
        await interaction.response.edit_message(content="stopped", view=None)


class Form(discord.ui.Modal, title="Ask"):
    """A form with one text."""

    question: discord.ui.TextInput[Any] = discord.ui.TextInput(label="Question", custom_id="question")

    async def on_submit(self, interaction: discord.Interaction) -> None:
        """Say what was written."""
        await interaction.response.send_message(f"asked: {self.question.value}")


def add_commands(bot: Any) -> None:
    """Give a bot the commands of these tests."""
    tree: app_commands.CommandTree[Any] = bot.tree

    @tree.command(name="ask", description="Ask the agent")
    async def ask(interaction: discord.Interaction, question: str) -> None:
        await interaction.response.defer()
        for text in ("thinking", f"answer to {question}"):
            await interaction.edit_original_response(content=text)
        await interaction.followup.send("one more thing")

    @ask.autocomplete("question")
    async def complete(_: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=f"{typed}?", value=typed)]

    @tree.command(name="secret", description="Only for you")
    async def secret(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("psst", ephemeral=True)

    @tree.command(name="form", description="Open a form")
    async def form(interaction: discord.Interaction) -> None:
        await interaction.response.send_modal(Form())

    @tree.command(name="run", description="Run with a button")
    async def run(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("running", view=StopView())


@pytest.fixture
async def bot(emulator: DiscordEmulator, library: Any, shards: int) -> Any:
    """A bot whose commands are registered when it starts."""
    made = library.make_bot(shards=shards)
    add_commands(made)

    async def register() -> None:
        await made.tree.sync()

    made.setup_hook = register
    return made


async def test_a_command_is_deferred_edited_and_followed_up(emulator: DiscordEmulator, connect: Any, bot: Any) -> None:
    """Defer, two edits of the original, a follow-up: what the user sees grows in place."""
    async with connect(bot):
        answer = await emulator.slash("ann", "general", "ask", {"question": "why"})
        assert (answer.response, answer.accepted) == ("DEFERRED_MESSAGE", True)
        await emulator.wait_for_text("general", "one more thing")
    steps = [step.text for step in emulator.steps("general", str(answer.message_id))]
    assert steps == ["", "thinking", "answer to why"]
    assert not emulator.violations()


async def test_private_answers_choices_and_forms(emulator: DiscordEmulator, connect: Any, bot: Any) -> None:
    """An ephemeral answer is seen by one person, autocomplete proposes, a form opens and is submitted."""
    async with connect(bot):
        secret = await emulator.slash("ann", "general", "secret")
        choices = (await emulator.autocomplete("ann", "general", "ask", "question", "wh")).choices
        opened = await emulator.slash("bob", "general", "form")
        submitted = await emulator.submit_modal("bob", opened.interaction_id, {"question": "how?"})
    assert emulator.shown("general", str(secret.message_id)).ephemeral_for == emulator.find_user("ann").id
    assert choices == [{"name": "wh?", "value": "wh"}]
    assert (opened.response, submitted.response) == ("MODAL", "MESSAGE")
    assert emulator.shown_text("general", str(submitted.message_id)) == "asked: how?"


async def test_a_button_stops(emulator: DiscordEmulator, connect: Any, bot: Any) -> None:
    """A pressed button reaches its view, which changes the message in place."""
    async with connect(bot):
        running = await emulator.slash("ann", "general", "run")
        assert emulator.shown("general", str(running.message_id)).buttons == ["Stop"]
        pressed = await emulator.click("bob", "general", str(running.message_id), "Stop")
    assert pressed.response == "UPDATE"
    shown = emulator.shown("general", str(running.message_id))
    assert (shown.text, shown.buttons) == ("stopped", [])
