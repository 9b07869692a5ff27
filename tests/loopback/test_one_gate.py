"""One gate, on the wire: every entrance that the receivers know is closed to whoever may not use us.

The entrances are those of the adapters' own dispatch: one without a row here fails. Nothing else gets in.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from adapters.discord import entrances as on_discord
from adapters.discord import receiver as discord_receiver
from adapters.discord.registry import OWN
from adapters.slack import entrances as on_slack
from adapters.slack.scopes import bot_events
from adapters.slack.settings import SlackSettings
from bridge.texts import Say, say
from sandbox.coze import Answer, Workflow
from sandbox.discord.interactions import Answer as Acknowledged
from sandbox.slack.model import MANIFEST_SCOPES
from sandbox.slack.transport import Answer as SlackAcknowledged
from tests.loopback.road import CHANNEL, Road
from tests.loopback.server import GENERAL, Server

FLOW, LONG_FLOW = "7366468917055100000", "7366468917055100002"
REFUSED = say(Say.NOT_ALLOWED, "en")
WORDS = ("Hello", "!new", "stop", "!status", "!run weather Rome", "!help")


def offer(road: Road) -> None:
    """Two workflows, one of which takes more than fits into one form of Discord's, and an answer to press below."""
    road.coze.add_workflow(Workflow(FLOW, "weather", parameters={"city": {"type": "string"}}))
    road.coze.add_workflow(Workflow(LONG_FLOW, "trip"))
    road.configure("workflows.weather", id=FLOW, slash="/weather")
    road.configure("workflows.weather.parameters.city", type="choice", choices=["Rome", "Paris"])
    road.configure("workflows.trip", id=LONG_FLOW)
    for name in "abcdef":
        road.configure(f"workflows.trip.parameters.{name}", type="text")
    road.coze.script(Answer(text="So.", follow_ups=("Why?",)), times=None)
    road.slack.add_app(commands=["/coze", "/weather"], scopes=(*MANIFEST_SCOPES, "channels:read", "groups:read"))


def untouched(road: Road) -> None:
    """Nobody was asked, nothing ran, nobody's opinion was told."""
    messages = [message for place in road.coze.world.conversations.values() for message in place.messages]
    assert len(road.chats()) == 1
    assert not road.coze.workflows.runs
    assert [message.feedback["feedback_type"] for message in messages if message.feedback] == ["unlike"]


# --- Slack ------------------------------------------------------------------------------------------------------------


@dataclass
class SlackRows:
    """What somebody does who may not, and what she sees of it."""

    road: Road
    answer: str
    asked: str

    def told(self, channel: str = CHANNEL) -> int:
        """How often the refusal was said in a channel, to one person or below her message."""
        return sum(message.text == REFUSED for message in self.road.slack.messages(channel))

    async def is_told(self, acting: Awaitable[SlackAcknowledged]) -> None:
        """Let her act, and expect the refusal."""
        before = self.told()
        assert (await acting).accepted
        await self.road.until(lambda: self.told() == before + 1, "the refusal")

    async def mention(self) -> None:
        before = self.told()
        self.road.ask("Hello?")
        await self.road.until(lambda: self.told() == before + 1, "the refusal")

    async def message(self) -> None:
        """In private each of the words, by somebody else each: a refusal is said once in a while; in a thread none."""
        for number, text in enumerate(WORDS):
            self.road.slack.add_user(f"p{number}", user_id=f"U9{number}")
            channel = self.road.slack.open_dm(f"p{number}")
            self.road.slack.say(f"p{number}", channel, text)
            await self.road.until(lambda channel=channel: self.told(channel) == 1, f"a refusal of {text!r}")  # type: ignore[misc]
        self.road.reply("And then?", self.asked)
        self.road.slack.react("ann", CHANNEL, self.answer, "eyes")

    async def own_stop(self) -> None:
        await self.road.quiet()
        before = self.told()
        self.road.slack.stop("ann", CHANNEL, self.asked)
        await self.road.until(lambda: self.told() == before + 1, "the refusal")

    async def slash(self) -> None:
        for text in ("run weather Rome", "run", "new", "stop", "status", "help"):
            await self.is_told(self.road.slack.slash("ann", CHANNEL, text))
        await self.is_told(self.road.slack.slash("ann", CHANNEL, "Rome", "/weather"))

    async def shortcut(self) -> None:
        await self.is_told(self.road.slack.shortcut("ann", "coze_bridge.run", CHANNEL, self.asked))

    async def button(self) -> None:
        for name in ("follow_up", "regenerate", "good", "bad"):
            await self.is_told(self.road.slack.click("ann", CHANNEL, self.answer, f"coze_bridge.{name}"))

    async def form(self) -> None:
        """Opened while she might."""
        sent = await self.road.slack.submit_view("ann", {"field.city": {"coze_bridge.input": "Rome"}})
        assert sent.payload == {"response_action": "errors", "errors": {"field.city": REFUSED}}

    async def reasons(self) -> None:
        """The same."""
        sent = await self.road.slack.submit_view("ben", {"field.comment": {"coze_bridge.input": "Because."}})
        assert sent.payload == {"response_action": "errors", "errors": {"field.comment": REFUSED}}


async def test_slack(road: Road) -> None:
    """Each way in, after everything was opened while it was allowed."""
    offer(road)
    async with road.bridge():
        asked = road.ask("Hello")
        answer = (await road.answer("So.", asked)).ts
        await road.until(lambda: len(road.slack.shown(CHANNEL, answer).buttons) == 4, "the buttons")
        await road.form("ann", lambda: road.slack.slash("ann", CHANNEL, "run weather"))
        await road.form("ben", lambda: road.slack.click("ben", CHANNEL, answer, "coze_bridge.bad"))
        await road.quiet()
    road.configure("gate.allow", users=["U_NOBODY"])
    rows = SlackRows(road, answer, asked)
    table: dict[on_slack.Entrance, Callable[[], Awaitable[None]]] = {
        on_slack.Entrance.MENTION: rows.mention,
        on_slack.Entrance.MESSAGE: rows.message,
        on_slack.Entrance.OWN_STOP: rows.own_stop,
        on_slack.Entrance.SLASH: rows.slash,
        on_slack.Entrance.SHORTCUT: rows.shortcut,
        on_slack.Entrance.BUTTON: rows.button,
        on_slack.Entrance.FORM: rows.form,
        on_slack.Entrance.REASONS: rows.reasons,
    }
    assert set(table) == set(on_slack.Entrance)
    settings = SlackSettings.model_validate({"bot_token": "xoxb-1", "app_token": "xapp-1"})
    assert {event.partition(".")[0] for event in bot_events(settings)} == set(on_slack.EVENTS)  # no reactions, say
    async with road.bridge():
        for refused in table.values():
            await refused()
        await road.quiet()
        assert len(road.slack.views_of("ann")) == len(road.slack.views_of("ben")) == 1
    untouched(road)


# --- Discord ----------------------------------------------------------------------------------------------------------


@dataclass
class DiscordRows:
    """The same there; what was opened before is known by the interaction that opened it."""

    server: Server
    asked: str
    answer: str
    form_of: str
    reasons_of: str
    chooser: str
    between: str

    def whispers(self, channel: str = GENERAL) -> list[str]:
        """What one person alone was told."""
        return [message.text for message in self.server.emulator.messages(channel) if message.ephemeral_for]

    def refusals(self, channel: str) -> int:
        """How often somebody was refused; what stood in a form is given back below the sentence."""
        return sum(text.splitlines()[0] == REFUSED for text in self.whispers(channel) if text)

    async def is_told(self, acting: Awaitable[Acknowledged], channel: str = GENERAL) -> None:
        """Let her act, and expect the refusal as the answer."""
        before = self.refusals(channel)
        answer = await acting
        assert answer.ephemeral
        assert answer.modal is None
        assert self.refusals(channel) == before + 1

    async def message(self) -> None:
        """A mention, the words in private, each by somebody else, and a reply in a thread that nobody answers."""
        people, road = self.server.emulator, self.server.road
        self.server.ask("Hello?")
        await road.until(lambda: REFUSED in self.server.texts(GENERAL), "the refusal of a mention")
        for number, text in enumerate(WORDS):
            people.add_user(f"p{number}")
            people.dm(f"p{number}", text)
            direct = people.open_dm(f"p{number}")
            await road.until(lambda direct=direct: REFUSED in self.server.texts(direct), f"a refusal of {text!r}")  # type: ignore[misc]
        self.server.reply("And then?", self.asked)
        people.react("ann", self.asked, self.answer, "👀")

    async def slash(self) -> None:
        people = self.server.emulator
        for name in ("new", "stop", "status", "help"):
            await self.is_told(people.slash("ann", GENERAL, f"{OWN} {name}"))
        await self.is_told(people.slash("ann", GENERAL, f"{OWN} run", {"workflow": "weather"}))
        await self.is_told(people.slash("ann", GENERAL, "weather", {"city": "Rome"}))

    async def autocomplete(self) -> None:
        answer = await self.server.emulator.autocomplete("ann", GENERAL, f"{OWN} run", "workflow", "")
        assert (answer.response, answer.choices) == ("CHOICES", [])

    async def context_menu(self) -> None:
        menu = say(Say.MENU_RUN, "en")
        await self.is_told(
            self.server.emulator.context_menu("ann", self.asked, menu, message_id=self.answer), self.asked
        )

    async def button(self) -> None:
        for label in self.server.emulator.shown(self.asked, self.answer).buttons:
            await self.is_told(self.server.emulator.click("ann", self.asked, self.answer, label), self.asked)

    async def reasons(self) -> None:
        sent = self.server.emulator.submit_modal("ann", self.reasons_of, {"comment": "Because."})
        await self.is_told(sent, self.asked)

    async def select(self) -> None:
        message = self.server.emulator.find_message(GENERAL, self.chooser)
        custom_id = message.components[0]["components"][0]["custom_id"]
        await self.is_told(self.server.emulator.click("ann", GENERAL, self.chooser, custom_id, ["weather"]))

    async def form(self) -> None:
        await self.is_told(self.server.emulator.submit_modal("ann", self.form_of, dict.fromkeys("abcde", "x")))

    async def step(self) -> None:
        for label in self.server.emulator.shown(GENERAL, self.between).buttons:
            await self.is_told(self.server.emulator.click("ann", GENERAL, self.between, label))


async def test_discord(road: Road, alone: Server) -> None:
    """Each way in there."""
    offer(road)
    people = alone.emulator
    async with road.bridge():
        asked = alone.ask("Hello")
        answer = (await alone.answer("So.", asked)).id
        await road.until(lambda: len(people.shown(asked, answer).buttons) == 4, "the buttons")
        bad = await people.click("ann", asked, answer, say(Say.BAD_LABEL, "en"))
        form = await people.slash("ann", GENERAL, "trip", {})
        between = await people.submit_modal("ann", form.interaction_id, dict.fromkeys("abcde", "x"))
        said = people.say("ben", GENERAL, "A message")
        chooser = await people.context_menu("ann", GENERAL, say(Say.MENU_RUN, "en"), message_id=said)
        await alone.quiet()
    road.configure("gate.allow", users=["1"])
    rows = DiscordRows(
        alone, asked, answer, form.interaction_id, bad.interaction_id, str(chooser.message_id), str(between.message_id)
    )
    table: dict[on_discord.Entrance, Callable[[], Awaitable[None]]] = {
        on_discord.Entrance.MESSAGE: rows.message,
        on_discord.Entrance.SLASH: rows.slash,
        on_discord.Entrance.AUTOCOMPLETE: rows.autocomplete,
        on_discord.Entrance.CONTEXT_MENU: rows.context_menu,
        on_discord.Entrance.BUTTON: rows.button,
        on_discord.Entrance.REASONS: rows.reasons,
        on_discord.Entrance.SELECT: rows.select,
        on_discord.Entrance.FORM: rows.form,
        on_discord.Entrance.STEP: rows.step,
    }
    assert set(table) == set(on_discord.Entrance)
    people_s = {*on_discord.EVENTS, *on_discord.TAKING_BACK, on_discord.INTERACTION}
    where_we_are = {"READY", "GUILD_CREATE", "GUILD_DELETE"}
    assert {name.strip('"') for name in discord_receiver.EVENTS} == people_s | where_we_are  # no reactions, say
    async with road.bridge():
        for refused in table.values():
            await refused()
        await alone.quiet()
    untouched(road)
