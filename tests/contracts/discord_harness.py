"""The surroundings of the Discord adapter: the emulator, with ann, bob, another bot and us in #general."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pydantic import SecretStr

from adapters.discord.adapter import DiscordPlatform
from adapters.discord.outbound import UNSEEN
from adapters.discord.settings import DiscordSettings
from bridge.extension import Missed, Services
from bridge.model import Addressing, Offer
from bridge.ports import Platform
from bridge.testing.platform_harness import FILE_CONTENT, Ability, Call, Disturbance, PlatformHarness, Said, Speaker
from bridge.testing.platform_scene import eventually
from bridge.testing.platform_trouble import nobody_listens
from sandbox.discord import Answer, DiscordEmulator, FileUpload
from sandbox.discord.audience import VisibleMessage

ROOM = "general"
LABEL, TEXT_INPUT = 18, 4
BOT = "coze"
ROUTES = {
    Call.POST: "POST /channels/{channel}/messages",
    Call.EDIT: "PATCH /channels/{channel}/messages/{message}",
    Call.REMOVE: "DELETE /channels/{channel}/messages/{message}",
    Call.LOOK_UP: "GET /channels/{channel}/messages",
    Call.ATTACH: "POST /channels/{channel}/messages",
}


class DiscordHarness:
    """One server, where questions are answered in threads."""

    absent: Mapping[Ability, str] = {
        Ability.ACKNOWLEDGEMENT: "the gateway asks for no acknowledgement of messages",
        Ability.MARKS: "messages carry nothing but what people see; ours are known by what they answer",
        Ability.SIGNS_END: "typing is shown for ten seconds and cannot be taken back",
    }
    retry_after_s = 30.0

    def __init__(self, discord: DiscordEmulator, services: Services) -> None:
        self._discord = discord
        self._services = services
        self._roots: dict[str | None, str] = {}
        self._opened: dict[str, Answer] = {}
        discord.switches.identify_interval_s = 0.0
        discord.switches.ack_timeout_s = 1.0
        discord.set_privileged_intents("message_content")
        discord.add_user("ann", display_name="Ann")
        discord.add_user("bob", display_name="波波")
        discord.add_user("robot", bot=True)
        discord.add_channel(ROOM)
        role = discord.add_role("ops", mentionable=True)
        self.baits: Sequence[str] = (
            "@everyone",
            "@here",
            self.mention_of(Speaker.BOB),
            f"<@&{role}>",
            "![cat](https://evil.example/cat.png?q=secret)",
            "https://evil.example/preview",
        )

    def make(self, *, missed: Missed | None = None, offers: tuple[Offer, ...] = ()) -> Platform:
        return self._platform(replace(self._services, missed=missed or Missed(), offers=offers))

    def make_unauthorized(self) -> Sequence[Platform]:
        return [self._platform(token=SecretStr("wrong"))]

    def make_unreachable(self) -> Platform:
        port = nobody_listens()
        return self._platform(api_url=f"http://127.0.0.1:{port}/api/v10", gateway_url=f"ws://127.0.0.1:{port}/gateway")

    async def say(
        self,
        text: str,
        addressing: Addressing | None,
        *,
        by: Speaker = Speaker.ANN,
        under: Said | None = None,
        files: Sequence[str] = (),
    ) -> Said:
        author = self._discord.find_user(by)
        is_private = addressing is Addressing.DIRECT
        room = self._discord.find_channel(ROOM).id
        root = self._roots[under.message_id] if under else None
        channel = self._discord.open_dm(author.id) if is_private else root or room
        speak = self._discord.mention if addressing is Addressing.MENTION else self._discord.say
        message_id = speak(author.id, channel, text, [FileUpload(name, FILE_CONTENT) for name in files])
        self._roots[message_id] = channel if is_private else root or message_id
        return Said(
            message_id=message_id,
            team="" if is_private else self._discord.guild_id,
            channel=channel if is_private else room,
            author_id=author.id,
            author_name=author.display_name,
            channel_name="" if is_private else ROOM,
        )

    def mention_of(self, speaker: Speaker) -> str:
        return f"<@{self._discord.find_user(speaker).id}>"

    async def unsay(self, said: Said) -> None:
        assert said.message_id is not None
        self._discord.delete(said.author_id, said.channel, said.message_id)

    def acknowledged(self, said: Said) -> bool:
        raise NotImplementedError

    def visible(self, said: Said) -> Sequence[str]:
        """In private: all of it. In the room: the replies to the question, and the thread that hangs on it."""
        root = self._roots[said.message_id]
        beside = [answer for answer in self._discord.answers(said.channel) if answer.reply_to == said.message_id]
        return [_read(answer) for answer in (*beside, *self._answers_in(root))]

    def files(self, said: Said) -> Sequence[tuple[str, bytes]]:
        world, places = self._discord.service.world, (said.channel, self._roots[said.message_id])
        ours = [answer for answer in self._all_answers() if answer.channel in places]
        shown = [world.message(answer.channel, answer.id) for answer in sorted(ours, key=lambda each: int(each.id))]
        return [(file.name, file.content) for message in shown if message for file in message.attachments]

    def shown(self, message_id: str) -> str | None:
        return next((_read(answer) for answer in self._all_answers() if answer.id == message_id), None)

    async def delete(self, message_id: str) -> None:
        self._discord.delete("owner", self._answer(message_id).channel, message_id)

    def controls(self, message_id: str) -> Sequence[str]:
        return self._answer(message_id).buttons

    async def press(self, message_id: str, label: str, *, by: Speaker = Speaker.ANN) -> bool:
        return (await self._discord.click(by, self._answer(message_id).channel, message_id, label)).accepted

    async def command(
        self, workflow: str, values: Mapping[str, str], *, by: Speaker = Speaker.ANN, private: bool = False
    ) -> tuple[Said, bool]:
        author, room = self._discord.find_user(by), self._discord.find_channel(ROOM).id
        channel = self._discord.open_dm(author.id) if private else room
        await eventually(lambda: self._discord.service.commands.named(workflow, None) is not None, "the command")
        typed = {name: int(value) if value.isdecimal() else value for name, value in values.items()}
        answer = await self._discord.slash(by, channel, workflow, typed)
        if answer.modal is not None:
            self._opened[by] = answer
        self._roots[None] = channel
        team = "" if private else self._discord.guild_id
        return Said(None, team, channel, author.id, author.display_name), answer.accepted

    def form(self, to: Speaker) -> Sequence[str] | None:
        modal = self._opened[to].modal if to in self._opened else None
        return [part["label"] for part in modal["components"] if part["type"] == LABEL] if modal is not None else None

    async def fill_in(self, values: Mapping[str, str], *, by: Speaker = Speaker.ANN) -> bool:
        opened = self._opened.pop(by)
        assert opened.modal is not None
        sent: dict[str, str | list[str]] = {}
        for part in opened.modal["components"]:
            if part["type"] == LABEL:
                inner, value = part["component"], values[part["label"]]
                sent[inner["custom_id"]] = value if inner["type"] == TEXT_INPUT else [value]
        return (await self._discord.submit_modal(by, opened.interaction_id, sent)).accepted

    def form_mistakes(self, to: Speaker) -> Sequence[str]:
        return []

    async def say_below(self, message_id: str, text: str, *, by: Speaker = Speaker.ANN) -> None:
        thread = next(a for a in self._all_answers() if a.id == message_id).thread
        assert thread is not None
        self._discord.say(by, thread, text)

    def whispers(self, to: Speaker) -> Sequence[str]:
        reader = self._discord.find_user(to).id
        seen = [message for channel in self._channels() for message in self._discord.messages(channel)]
        return [_read(message) for message in seen if message.ephemeral_for == reader]

    def signs(self, said: Said) -> Sequence[str]:
        typing = self._discord.typing_in(self._roots[said.message_id])
        return ["typing"] if BOT in typing else []

    def waiting_marks(self, said: Said) -> Sequence[str]:
        assert said.message_id is not None
        reactions = self._discord.shown(said.channel, said.message_id).reactions
        return [name for name, users in reactions.items() if self._discord.bot_user_id in users]

    def pings(self) -> Sequence[str]:
        harmful = ("ping", "unfurl")
        return [f"{entry.name} {entry.detail}" for entry in self._discord.violations() if entry.name in harmful]

    def traffic(self) -> int:
        return len(self._discord.journal.select(kind="request"))

    async def disturb(self, disturbance: Disturbance, call: Call = Call.POST) -> None:
        route = ROUTES[call]
        match disturbance:
            case Disturbance.RATE_LIMIT:
                self._discord.rate_limit_next(route, self.retry_after_s)
            case Disturbance.FAIL:
                self._discord.faults.plan(route, "status", status=502)
            case Disturbance.LOSE_REQUEST:
                self._discord.faults.plan(route, "drop_before")
            case Disturbance.LOSE_RESPONSE:
                self._discord.faults.plan(route, "drop_after")
            case Disturbance.DELIVER_TWICE:
                self._discord.gateway_faults.plan("MESSAGE_CREATE", "duplicate")
            case Disturbance.DISCONNECT:
                for address in ("gateway", "resume"):
                    self._discord.gateway_faults.plan(address, "status", times=None)
                self._discord.gateway.drop()
            case Disturbance.CLOSE_PLACES:
                self._discord.deny(ROOM, BOT, "SEND_MESSAGES", "SEND_MESSAGES_IN_THREADS")
            case Disturbance.FORBID_HISTORY:
                self._discord.deny(ROOM, BOT, "READ_MESSAGE_HISTORY")
            case Disturbance.REVOKE:
                self._discord.application.token = "reset"

    async def mend(self) -> None:
        self._discord.gateway_faults.clear()

    def _channels(self) -> set[str]:
        """Return the room, and the threads and direct conversations there are."""
        return set(self._discord.service.world.channels)

    def _all_answers(self) -> list[VisibleMessage]:
        return [answer for channel in self._channels() for answer in self._discord.answers(channel)]

    def _answer(self, message_id: str) -> VisibleMessage:
        return next(answer for answer in self._all_answers() if answer.id == message_id)

    def _answers_in(self, channel: str) -> list[VisibleMessage]:
        """Return ours in a channel or thread; none where no thread was begun yet."""
        there_is = channel in self._discord.service.world.channels
        return self._discord.answers(channel) if there_is else []

    def _platform(self, services: Services | None = None, **changes: object) -> Platform:
        usual = {
            "token": SecretStr(self._discord.bot_token),
            "api_url": self._discord.api_url,
            "gateway_url": self._discord.gateway_url,
            "identify_interval_s": 0.05,
            "rebuild_after_s": 10.0,
        }
        settings = DiscordSettings.model_validate({**usual, **changes})
        return DiscordPlatform("my discord", settings, services or self._services)


def _read(message: VisibleMessage) -> str:
    """Return a message as people see it."""
    return message.content.replace(UNSEEN, "").replace("\n-# ", "\n\n")


def _fits(harness: DiscordHarness) -> PlatformHarness:
    return harness
