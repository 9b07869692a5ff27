"""The surroundings of the Slack adapter: the emulator, with ann, bob, another app's bot and us in #general."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pydantic import SecretStr

from adapters.slack.adapter import SlackPlatform
from adapters.slack.outbound import WORD_JOINER
from adapters.slack.settings import SlackSettings
from bridge.extension import Missed, Services
from bridge.model import Addressing, Offer
from bridge.ports import Platform
from bridge.testing.platform_harness import FILE_CONTENT, Ability, Call, Disturbance, PlatformHarness, Said, Speaker
from bridge.testing.platform_trouble import nobody_listens
from sandbox.slack import FileUpload, SlackEmulator
from sandbox.slack.audience import VisibleMessage
from sandbox.slack.model import MANIFEST_SCOPES

ROOM = "C1"
NOBODY = 10**9
IN_LIFE_S = 3.0
"""So long Slack waits for an acknowledgement; of what it delivers again and again, tests wait for less."""
METHODS = {
    Call.POST: "chat.postMessage",
    Call.EDIT: "chat.update",
    Call.REMOVE: "chat.delete",
    Call.LOOK_UP: "conversations.replies",
    Call.ATTACH: "files.completeUploadExternal",
}


class SlackHarness:
    """One workspace."""

    absent: Mapping[Ability, str] = {}
    retry_after_s = 7.0
    baits = (
        "<!channel>",
        "<!here|here>",
        "<@U2>",
        "<!subteam^S1|@ops>",
        "&lt;!everyone&gt;",
        "@everyone",
        "![cat](https://evil.example/cat.png?q=secret)",
        "https://evil.example/preview",
    )

    def __init__(self, slack: SlackEmulator, services: Services) -> None:
        self._slack = slack
        self._services = services
        self._languages = {"U1": "en", "U2": "zh"}
        self._roots: dict[str | None, str] = {}
        self._mistakes: list[str] = []
        slack.add_user("ann", user_id="U1", display_name="Ann")
        slack.add_user("bob", locale="zh-CN", user_id="U2", display_name="波波")
        scopes = (*MANIFEST_SCOPES, "channels:read", "groups:read", "im:write")
        slack.add_app(scopes=scopes, commands=("/coze", "/weather"))
        self._robot = slack.add_app("A2", "robot", events=()).bot_user_id
        slack.add_channel("general", channel_id=ROOM)
        slack.switches.ack_timeout_s = 0.5
        slack.switches.expand_markdown_blocks = True
        slack.switches.lost_without_connection = True

    def make(self, *, missed: Missed | None = None, offers: tuple[Offer, ...] = ()) -> Platform:
        return self._platform(replace(self._services, missed=missed or Missed(), offers=offers))

    def make_unauthorized(self) -> Sequence[Platform]:
        return [self._platform(bot_token=SecretStr("xoxb-wrong")), self._platform(app_token=SecretStr("xapp-wrong"))]

    def make_unreachable(self) -> Platform:
        return self._platform(base_url=f"http://127.0.0.1:{nobody_listens()}/api/")

    async def say(
        self,
        text: str,
        addressing: Addressing | None,
        *,
        by: Speaker = Speaker.ANN,
        under: Said | None = None,
        files: Sequence[str] = (),
    ) -> Said:
        author = self._slack.find_user(self._robot if by is Speaker.ROBOT else by)
        is_private = addressing is Addressing.DIRECT
        channel = self._slack.open_dm(author.id) if is_private else ROOM
        root = self._roots[under.message_id] if under else None
        speak = self._slack.mention if addressing is Addressing.MENTION else self._slack.say
        ts = speak(author.id, channel, text, root, [FileUpload(name, FILE_CONTENT) for name in files])
        self._roots[ts] = root or ts
        return Said(
            message_id=ts,
            team="T1",
            channel=channel,
            author_id=author.id,
            author_name=author.display_name,
            channel_name="" if is_private else "general",
            language=self._languages.get(author.id, ""),
        )

    def mention_of(self, speaker: Speaker) -> str:
        return f"<@{self._slack.find_user(speaker).id}>"

    async def unsay(self, said: Said) -> None:
        assert said.message_id is not None
        self._slack.delete(said.author_id, said.channel, said.message_id)

    def acknowledged(self, said: Said) -> bool:
        events = self._slack.journal.select(kind="event")
        about = {
            entry.detail["envelope_id"]
            for entry in events
            if entry.detail.get("payload", {}).get("event", {}).get("ts") == said.message_id
        }
        return any(ack.detail["envelope_id"] in about for ack in self._slack.journal.select(kind="ack"))

    def visible(self, said: Said) -> Sequence[str]:
        answers = self._slack.answers(said.channel, self._roots[said.message_id])
        return [_read(answer) for answer in answers if answer.by_app == "A1"]

    def files(self, said: Said) -> Sequence[tuple[str, bytes]]:
        held = next(iter(self._slack.service.workspaces.values())).files
        answers = self._slack.answers(said.channel, self._roots[said.message_id])
        return [(held[key].name, held[key].content) for answer in answers for key in answer.files if key in held]

    def shown(self, message_id: str) -> str | None:
        answers = [answer for channel in self._channels() for answer in self._slack.answers(channel)]
        return next((_read(answer) for answer in answers if answer.ts == message_id), None)

    async def delete(self, message_id: str) -> None:
        self._slack.delete(self._slack.bot_user_id, ROOM, message_id)

    def controls(self, message_id: str) -> Sequence[str]:
        return self._slack.shown(self._channel_of(message_id), message_id).buttons

    async def press(self, message_id: str, label: str, *, by: Speaker = Speaker.ANN) -> bool:
        channel = self._channel_of(message_id)
        rows = [block["elements"] for block in self._slack.shown(channel, message_id).blocks if "elements" in block]
        buttons = [element for row in rows for element in row if element["type"] == "button"]
        button = next(button for button in buttons if button["text"]["text"] == label)
        answer = await self._slack.click(by, channel, message_id, button["action_id"], button["value"])
        return answer.accepted

    async def command(
        self, workflow: str, values: Mapping[str, str], *, by: Speaker = Speaker.ANN, private: bool = False
    ) -> tuple[Said, bool]:
        author = self._slack.find_user(by)
        channel = self._slack.open_dm(author.id) if private else ROOM
        typed = " ".join(f"{name}={_quoted(value)}" for name, value in values.items())
        own = f"/{workflow}" in self._slack.installation.app.commands
        line, command = (typed, f"/{workflow}") if own else (f"run {workflow} {typed}", "/coze")
        self._slack.switches.ack_timeout_s = IN_LIFE_S
        answer = await self._slack.slash(author.id, channel, line, command)
        return Said(None, "T1", channel, author.id, author.display_name), answer.accepted

    def form(self, to: Speaker) -> Sequence[str] | None:
        views = self._slack.views_of(to)
        return [block["label"]["text"] for block in views[-1]["blocks"] if block["type"] == "input"] if views else None

    async def fill_in(self, values: Mapping[str, str], *, by: Speaker = Speaker.ANN) -> bool:
        blocks = [block for block in self._slack.views_of(by)[-1]["blocks"] if block["type"] == "input"]
        state = {block["block_id"]: {block["element"]["action_id"]: values[block["label"]["text"]]} for block in blocks}
        answer = await self._slack.submit_view(by, state)
        content = answer.payload if isinstance(answer.payload, dict) else {}
        self._mistakes += content.get("errors", {}).values()
        return answer.accepted

    def form_mistakes(self, to: Speaker) -> Sequence[str]:
        return self._mistakes

    async def say_below(self, message_id: str, text: str, *, by: Speaker = Speaker.ANN) -> None:
        self._slack.say(by, self._channel_of(message_id), text, message_id)

    def whispers(self, to: Speaker) -> Sequence[str]:
        reader = self._slack.find_user(to).id
        shown = [message for channel in self._channels() for message in self._slack.messages(channel)]
        return [_read(message) for message in shown if message.ephemeral_for == reader]

    def signs(self, said: Said) -> Sequence[str]:
        status = self._slack.status(said.channel, self._roots[said.message_id])
        return [status] if status else []

    def waiting_marks(self, said: Said) -> Sequence[str]:
        assert said.message_id is not None
        reactions = self._slack.shown(said.channel, said.message_id).reactions
        return [name for name, users in reactions.items() if self._slack.bot_user_id in users]

    def pings(self) -> Sequence[str]:
        harmful = ("ping", "unfurl", "parsed_names")
        return [f"{entry.name} {entry.detail}" for entry in self._slack.violations() if entry.name in harmful]

    def traffic(self) -> int:
        return len(self._slack.journal.select(kind="request"))

    async def disturb(self, disturbance: Disturbance, call: Call = Call.POST) -> None:
        method = METHODS[call]
        match disturbance:
            case Disturbance.RATE_LIMIT:
                self._slack.rate_limit_next(method, int(self.retry_after_s))
            case Disturbance.FAIL:
                self._slack.faults.plan(method, "status", status=502)
            case Disturbance.LOSE_REQUEST:
                self._slack.faults.plan(method, "drop_before")
            case Disturbance.LOSE_RESPONSE:
                self._slack.faults.plan(method, "drop_after")
            case Disturbance.DELIVER_TWICE:
                self._slack.delivery_faults.plan("*", "duplicate")
            case Disturbance.DISCONNECT:
                self._slack.sockets.handshakes_to_refuse = NOBODY
                self._slack.sockets.drop()
            case Disturbance.CLOSE_PLACES:
                self._slack.archive(ROOM)
            case Disturbance.FORBID_HISTORY:
                self._slack.add_app(scopes=[scope for scope in MANIFEST_SCOPES if not scope.endswith(":history")])
            case Disturbance.REVOKE:
                self._slack.installation.revoked = True

    async def mend(self) -> None:
        self._slack.sockets.handshakes_to_refuse = 0

    def _channels(self) -> Sequence[str]:
        return [ROOM, self._slack.open_dm("ann"), self._slack.open_dm("bob")]

    def _channel_of(self, message_id: str) -> str:
        """Return where a message of ours stands."""
        return next(c for c in self._channels() if any(m.ts == message_id for m in self._slack.answers(c)))

    def _platform(self, services: Services | None = None, **changes: object) -> Platform:
        usual = {
            "bot_token": SecretStr(self._slack.bot_token),
            "app_token": SecretStr(self._slack.app_token),
            "base_url": self._slack.api_url,
            "ping_interval_s": 0.2,
            "rebuild_after_s": 1.0,
        }
        return SlackPlatform("my slack", SlackSettings.model_validate({**usual, **changes}), services or self._services)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _read(message: VisibleMessage) -> str:
    """Return a message as people see it: the small print below, without joiners that nobody sees."""
    kinds = {block["type"] for block in message.blocks}
    only_small_print = "context" in kinds and kinds <= {"context", "actions"}
    pieces = ("" if only_small_print else message.text, message.small_print)
    return "\n\n".join(piece for piece in pieces if piece).replace(WORD_JOINER, "")


def _fits(harness: SlackHarness) -> PlatformHarness:
    return harness
