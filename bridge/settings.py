"""The settings that the core itself reads: sections ``[bridge]``, ``[gate]``, ``[pace]``, ``[health]`` and so on.

Models without sources: ``bridge.config`` fills them from TOML and environment. All are immutable, and unknown keys are
mistakes. A field's description is what ``config.example.toml`` explains; its default is what the example shows.
"""

import re
from string import Formatter
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator, model_validator

from bridge.files.answer_files import COZE_HOSTS, read_origins
from bridge.model import FileKind, OnBusy, Reasoning, Scope

VARIABLE_PLACEHOLDERS = ("author_name", "author_id", "platform", "team", "channel", "channel_id", "locale")
"""What a variable's template may mention in braces; ``bridge.turns.wording`` fills them."""

VARIABLE_NAME = re.compile(r"[A-Za-z_]+")
"""Names the agent's service accepts. Source: its chat reference page, custom_variables."""

SECRET_MIN_CHARS = 16


def split_commas(value: object) -> object:
    """Let an environment variable write a list as ``a, b``."""
    if isinstance(value, str):
        return tuple(item.strip() for item in value.split(",") if item.strip())
    return value


Ids = Annotated[tuple[str, ...], BeforeValidator(split_commas)]
Seconds = Annotated[float, Field(gt=0)]


class Section(BaseModel):
    """Base of every section: immutable, unknown keys are mistakes, defaults are held to the same rules."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class BridgeSettings(Section):
    """How the bridge behaves towards people and agents."""

    language: Literal["en", "zh"] = Field("en", description="For people whose language the platform does not tell.")
    scope: Scope = Field(Scope.THREAD, description="What shares one conversation: a thread, a channel or one person.")
    user_id: Literal["auto", "plain"] = Field(
        "auto", description="What the agent learns of its users: an HMAC of their id (auto) or the id itself (plain)."
    )
    identity_secret: SecretStr | None = Field(
        None,
        description="The key of that HMAC; needed unless plain. A new one makes every user a stranger to the agent.",
        json_schema_extra={"env": "COZE_BRIDGE_IDENTITY_SECRET"},
    )
    name_authors: bool = Field(True, description="Put the author's name before the question where several people talk.")
    earlier_messages: int = Field(30, ge=0, le=200, description="Messages a thread brings along when we are called in.")
    earlier_chars: int = Field(8000, ge=0, description="Characters of them, the newest count first.")
    max_waiting: int = Field(
        10, ge=0, description="Questions that may wait in one conversation behind the running one."
    )
    on_busy: OnBusy = Field(
        OnBusy.QUEUE,
        description="What somebody asks while her last question is being answered: queue, interrupt or merge.",
    )
    turn_timeout_s: Seconds = Field(900.0, description="The longest a whole answer may take.")
    take_up_hours: float = Field(
        24.0, ge=0, description="Questions left unfinished by a stop or a crash are answered after it, if not older."
    )
    missed_hours: float = Field(
        12.0, ge=0, description="Questions asked while the bridge was away are answered, if not older; 0: never."
    )
    missed_messages: int = Field(50, ge=0, le=1000, description="Messages of one place that are read for them.")
    drain_s: float = Field(20.0, ge=0, description="How long running answers may still finish when the bridge stops.")

    @field_validator("identity_secret", mode="before")
    @classmethod
    def _blank_is_absent(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("identity_secret")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < SECRET_MIN_CHARS:
            raise ValueError(
                f"is too short; use {SECRET_MIN_CHARS} characters or more (`coze-bridge secret` prints one)"
            )
        return value

    @property
    def identity_key(self) -> bytes | None:
        """The key for ``bridge.keys.agent_user_id``; ``None`` sends plain names.

        Raises:
            ValueError: ``auto`` without a secret; the loader refuses this before anything runs.
        """
        if self.user_id == "plain":
            return None
        if self.identity_secret is None:
            raise ValueError("user_id = 'auto' needs identity_secret")
        return self.identity_secret.get_secret_value().encode()


class FilesSettings(Section):
    """Files that come with questions, and those of answers."""

    kinds: tuple[FileKind, ...] = Field(
        (FileKind.IMAGE, FileKind.AUDIO, FileKind.FILE),
        description="What is passed on to the agent: image, audio, file (everything else); [] passes none on.",
    )
    max_mb: float = Field(
        20.0, gt=0, le=100, description="The largest file, in millions of bytes; up to four are in memory at once."
    )
    max_count: int = Field(5, ge=1, le=50, description="Files of one question; the others are left out.")
    timeout_s: Seconds = Field(60.0, description="The longest reading and uploading one file may take.")
    answers: Literal["upload", "link"] = Field(
        "upload", description="What agents and workflows make: shown as files below the answer, or left as links."
    )
    answer_hosts: Ids = Field(
        COZE_HOSTS,
        description="From where: hosts, .example.com for all below one, or whole origins, which may be in the house.",
    )
    result_chars: int = Field(
        4000, ge=100, description="Of a workflow's result more than this comes as a file; where that fails, as text."
    )

    @field_validator("answer_hosts")
    @classmethod
    def _hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        read_origins(value)
        return value


class AllowLists(Section):
    """Who may speak. An absent list allows everybody, an empty one nobody."""

    teams: Ids | None = Field(None, description="Ids of workspaces or servers.")
    channels: Ids | None = Field(None, description="Ids of channels; a private conversation is not a channel.")
    users: Ids | None = Field(None, description="Ids of people.")
    roles: Ids | None = Field(None, description="Ids of roles or groups, where the platform has them; one suffices.")


class DenyLists(Section):
    """Who may not, whatever the allow lists say."""

    teams: Ids = Field((), description="Ids of workspaces or servers.")
    channels: Ids = Field((), description="Ids of channels.")
    users: Ids = Field((), description="Ids of people.")
    roles: Ids = Field((), description="Ids of roles or groups.")


class GateSettings(Section):
    """Who may ask, and how often."""

    allow: AllowLists = AllowLists()
    deny: DenyLists = DenyLists()
    user_questions: int = Field(
        20, ge=0, description="Questions one person may ask within the window; 0 sets no limit."
    )
    user_window_s: Seconds = Field(60.0, description="The window's length.")
    stop_users: Ids = Field((), description="Ids of people who may stop, and ask again, what others have asked.")
    stop_roles: Ids = Field((), description="Ids of roles or groups whose members may.")


class PaceSettings(Section):
    """How the answer grows."""

    edit_interval_s: Seconds | None = Field(
        None, description="The shortest time between two edits of one message; absent: the platform's own."
    )
    first_words_chars: int = Field(24, ge=1, description="The first post waits for this much text ...")
    first_words_wait_s: float = Field(0.4, ge=0, description="... but no longer than this.")


class ControlSettings(Section):
    """What is offered below an answer."""

    regenerate: bool = Field(True, description="A button that asks the same again; the new answer replaces the old.")
    follow_ups: int = Field(
        3, ge=0, le=3, description="Questions that the agent suggests to ask next, as buttons; 0: none."
    )
    feedback: bool = Field(True, description="👍 and 👎, passed on to Coze's feedback on messages.")
    feedback_reason: bool = Field(
        True, description="👎 opens a small form for the reason, which is passed on with it; it may be left empty."
    )


class AgentSettings(Section):
    """One agent as the core sees it; how to reach it is the connection's."""

    bot_id: str = Field(
        min_length=1,
        description="The digits in the bot's address after /bot/.",
        json_schema_extra={"env": "COZE_BOT_ID"},
    )
    variables: dict[str, str] = Field(
        default_factory=dict, description="Values for the bot's prompt: constants, or places such as {author_name}."
    )
    reasoning: Reasoning = Field(
        Reasoning.HIDDEN,
        description="What people see of its thinking: nothing (hidden), a quote above the answer, or a status.",
    )
    ask_people: bool = Field(
        True, description="What the agent wants from a tool that has no section of its own, the person asking is asked."
    )
    waiting_hours: float = Field(24.0, gt=0, le=720, description="How long that question may wait for its answer.")

    @field_validator("variables")
    @classmethod
    def _known_places(cls, value: dict[str, str]) -> dict[str, str]:
        for name, template in value.items():
            if not VARIABLE_NAME.fullmatch(name):
                raise ValueError(f"the name {name!r} may consist of letters and underscores only")
            _check_template(name, template)
        return value


def _check_template(name: str, template: str) -> None:
    known = ", ".join("{" + place + "}" for place in VARIABLE_PLACEHOLDERS)
    try:
        places = [(place, spec or conversion) for _, place, spec, conversion in Formatter().parse(template)]
    except ValueError:
        raise ValueError(f"the braces of {name!r} do not match; write {{{{ and }}}} for plain braces") from None
    for place, decoration in places:
        if place is not None and (place not in VARIABLE_PLACEHOLDERS or decoration):
            raise ValueError(f"{name!r} mentions {{{place}}}, which does not exist; there are {known}")


class RouteSettings(Section):
    """Which agent answers where; the most precise route that fits decides. An absent field fits everything."""

    agent: str = Field(description="The name of a section [agents.NAME].")
    adapter: str | None = Field(None, description="The name of a section [adapters.NAME].")
    team: str | None = Field(None, description="Id of a workspace or server.")
    channel: str | None = Field(None, description="Id of a channel.")
    on_busy: OnBusy | None = Field(None, description="As [bridge] on_busy, here only.")

    @model_validator(mode="after")
    def _says_where(self) -> "RouteSettings":
        if self.adapter is None and self.team is None and self.channel is None:
            raise ValueError("fits everything; name adapter, team or channel, or call the agent [agents.default]")
        return self


class HealthSettings(Section):
    """Where probes and Prometheus look."""

    enabled: bool = Field(True, description="Serve /healthz, /readyz and /metrics.")
    host: str = Field("127.0.0.1", min_length=1, description="The address to listen at; there is no password.")
    port: int = Field(8787, ge=0, le=65535, description="0 takes any free one; the log names it.")


class LogSettings(Section):
    """What the operator reads."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="The least important line shown.")
    format: Literal["auto", "console", "json"] = Field("auto", description="auto: for people on a terminal, else JSON.")
