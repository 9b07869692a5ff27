"""A section ``[workflows.NAME]``: which workflow, what it takes, who may run it, and how."""

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from bridge.model import ResultPlace, RunMode, ValueKind
from bridge.settings import AllowLists, Seconds, Section
from bridge.texts import language
from bridge.workflows.values import Problem, Rules, Value, read_value

WORKFLOW_NAME = re.compile(r"[\w-]{1,32}")
"""What can be typed after ``run`` and can name a command on every platform; letters of any script, none capital."""

PARAMETER_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
"""Names that Coze's start node accepts."""

NUMERIC = (ValueKind.INTEGER, ValueKind.NUMBER)
TEXTUAL = (ValueKind.STRING, ValueKind.TEXT)
SINGLE = (ValueKind.TEXT, ValueKind.BOOLEAN, ValueKind.JSON)


def _as_text(value: object) -> object:
    """Let a default be written as TOML writes its type."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return str(value) if isinstance(value, int | float) else value


class ParameterSettings(Section):
    """One value that a workflow takes."""

    type: ValueKind = Field(ValueKind.STRING, description="What it takes; text is a string of several lines.")
    description: str = Field("", description="What it is, for people to read.")
    description_zh: str = Field("", description="The same in Chinese.")
    required: bool = Field(True, description="The workflow cannot run without it.")
    default: Annotated[str, BeforeValidator(_as_text)] = Field("", description="Taken where nothing is given.")
    choices: tuple[str, ...] = Field((), description="What can be chosen, for the type choice.")
    min: float | None = Field(None, description="The least number.")
    max: float | None = Field(None, description="The greatest number.")
    max_length: int | None = Field(None, ge=1, description="Characters of a string or text at most.")
    many: bool = Field(False, description="It takes a list, written with commas.")

    @model_validator(mode="after")
    def _consistent(self) -> "ParameterSettings":
        if (self.type is ValueKind.CHOICE) != bool(self.choices):
            raise ValueError('choices belong to type = "choice", which needs them')
        if (self.min, self.max) != (None, None) and self.type not in NUMERIC:
            raise ValueError("min and max are for numbers; use max_length for texts")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min must not exceed max")
        if self.max_length is not None and self.type not in TEXTUAL:
            raise ValueError("max_length is for the types string and text")
        if self.many and self.type in SINGLE:
            raise ValueError(f'type = "{self.type}" cannot be many')
        if self.default and isinstance(problem := read_value(self.default, self.rules("default")), Problem):
            raise ValueError(f"the default does not fit: {problem.sentence('en')}")
        return self

    def rules(self, name: str) -> Rules:
        """Return what a value must keep to."""
        return Rules(name, self.type, self.choices, self.min, self.max, self.max_length, self.many)

    def about(self, locale: str) -> str:
        """Return the description in a language, or in the other one."""
        return _in_language(locale, self.description, self.description_zh)

    @property
    def default_value(self) -> Value | None:
        """The default as it travels; ``None`` when there is none."""
        value = read_value(self.default, self.rules("default")) if self.default else None
        return None if isinstance(value, Problem) else value


def _in_language(locale: str, english: str, chinese: str) -> str:
    return (chinese or english) if language(locale) == "zh" else (english or chinese)


class WorkflowSettings(Section):
    """One workflow that people may run."""

    id: str = Field(min_length=1, description="The digits in the workflow's address after workflow_id=.")
    agent: str = Field("", description="The agent whose server and token run it; empty: the default agent.")
    description: str = Field("", description="What it does, for people to read.")
    description_zh: str = Field("", description="The same in Chinese.")
    run: Literal["stream", "sync", "async"] = Field(
        "stream",
        description=(
            "stream shows its nodes while they speak; sync waits for one reply, 90 s at most; async lets it run by "
            "itself for up to a day, and needs a paid plan."
        ),
    )
    as_chat: bool = Field(False, description="It is a chatflow: it is talked to, in a conversation of its own.")
    slash: str = Field(
        "",
        pattern=r"^(/[a-z0-9_-]{1,31})?$",
        description="A slash command of its own, /translate for example, where the platform has such commands.",
    )
    app_id: str = Field("", description="The app it belongs to, if it does.")
    bot_id: str = Field("", description="The bot whose variables or database it uses, if it does.")
    result: ResultPlace = Field(
        ResultPlace.THREAD,
        description="Where what it says goes: the thread it is called in, the channel itself, or the caller alone.",
    )
    timeout_s: Seconds = Field(600.0, description="The longest a run may take.")
    waiting_hours: float = Field(72.0, gt=0, le=720, description="How long a question of its may wait for its answer.")
    repeatable: bool = Field(
        False, description="Running it twice does no harm: a run that was lost on the way is started again by itself."
    )
    allow: AllowLists = AllowLists()
    parameters: dict[str, ParameterSettings] = Field(default_factory=dict, description="What it takes, by name.")

    @field_validator("parameters")
    @classmethod
    def _names(cls, value: dict[str, ParameterSettings]) -> dict[str, ParameterSettings]:
        for name in value:
            if PARAMETER_NAME.fullmatch(name) is None:
                raise ValueError(f"{name!r} is no parameter's name: letters, digits and underscores")
        if len({name.lower() for name in value}) < len(value):
            raise ValueError("two parameters differ in capitals only, which nobody can type apart")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> "WorkflowSettings":
        if self.app_id and self.bot_id:
            raise ValueError("belongs to an app or to a bot: give either app_id or bot_id, Coze refuses both")
        if self.as_chat and self.run != "stream":
            raise ValueError(f'as_chat always streams: remove run = "{self.run}"')
        if self.run == "sync" and self.timeout_s < 90.0:
            raise ValueError('run = "sync" may take 90 s: set timeout_s to 90 or more')
        return self

    @property
    def mode(self) -> RunMode:
        """How it is run."""
        return RunMode.CHAT if self.as_chat else RunMode(self.run)

    def about(self, locale: str) -> str:
        """Return the description in a language, or in the other one."""
        return _in_language(locale, self.description, self.description_zh)

    def rules(self) -> dict[str, Rules]:
        """Return what the values of a run must keep to."""
        return {name: parameter.rules(name) for name, parameter in self.parameters.items()}

    def with_defaults(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return the values of a run with what was not given filled in."""
        defaults = {
            name: default
            for name, parameter in self.parameters.items()
            if name not in values and (default := parameter.default_value) is not None
        }
        return {**defaults, **values}

    def lacking(self, values: dict[str, Any]) -> tuple[str, ...]:
        """Return the required parameters that have neither a value nor a default."""
        return tuple(
            name
            for name, parameter in self.parameters.items()
            if parameter.required and not parameter.default and name not in values
        )
