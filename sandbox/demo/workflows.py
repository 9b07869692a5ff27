"""The workflows of the demo: how they were drawn in Coze, how they run, how the bridge is configured to offer them."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.coze import Ask, CozeEmulator, RunScript, Step, Workflow
from sandbox.demo.words import Words
from sandbox.demo.words.shape import Flow

WEATHER, INVITATION, TRIP, REPORT = "weather", "invitation", "trip", "report"
NAMES = (WEATHER, INVITATION, TRIP, REPORT)
IDS = {name: f"736646891705510000{number}" for number, name in enumerate(NAMES)}
MAX_DAYS = 7
PIECE_INTERVAL_S = 0.08
REPORT_S = 5.0
"""How long the one in the background takes: longer than the bridge needs to go down."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One workflow.

    Attributes:
        parameters: Its section of the configuration for each of its parameters, without the descriptions.
        options: Further keys of its own section.
    """

    name: str
    words: Flow
    run: RunScript
    parameters: dict[str, dict[str, Any]]
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def workflow(self) -> Workflow:
        """What Coze knows of it."""
        kinds = {"integer": "integer"}
        shapes = {
            name: {"type": kinds.get(str(each.get("type")), "string"), "required": each.get("required", True)}
            for name, each in self.parameters.items()
        }
        return Workflow(IDS[self.name], self.name, self.words.about, parameters=shapes)

    def sections(self) -> dict[str, dict[str, Any]]:
        """Return its sections of the bridge's configuration, as ``coze-bridge workflows`` writes them."""
        own = f"workflows.{self.name}"
        sections = {own: {"id": IDS[self.name], "description": self.words.about, **self.options}}
        described = zip(self.parameters.items(), self.words.parameters, strict=True)
        return sections | {
            f"{own}.parameters.{name}": {"description": about, **each} for (name, each), about in described
        }


def drawn(words: Words) -> list[Drawn]:
    """Return all of them."""
    return [_weather(words), _invitation(words), _trip(words), _report(words)]


def publish(coze: CozeEmulator, words: Words) -> None:
    """Publish them, and let every run of each go the same way."""
    for each in drawn(words):
        coze.add_workflow(each.workflow)
        coze.script_run(each.run, workflow_id=IDS[each.name], times=None)


def _weather(words: Words) -> Drawn:
    saying = Step(words.weather_node, words.weather_saying, interval_s=PIECE_INTERVAL_S)
    days = {"type": "integer", "min": 1, "max": MAX_DAYS, "default": 3, "required": False}
    return Drawn(
        WEATHER,
        words.weather,
        RunScript((saying,), result={"output": words.weather_result}),
        {"city": {}, "days": days},
        {"slash": f"/{WEATHER}"},
    )


def _invitation(words: Words) -> Drawn:
    saying = Step(words.invitation_node, words.invitation_saying, interval_s=PIECE_INTERVAL_S)
    tones = list(words.invitation_tones)
    return Drawn(
        INVITATION,
        words.invitation,
        RunScript((saying,), result={"output": words.invitation_result}),
        {"occasion": {"type": "text"}, "tone": {"type": "choice", "choices": tones, "default": tones[0]}},
    )


def _trip(words: Words) -> Drawn:
    saying = Step(words.trip_node, words.trip_saying, interval_s=PIECE_INTERVAL_S)
    asking = Step(words.trip_node, ask=Ask(words.trip_question, words.trip_days))
    return Drawn(
        TRIP,
        words.trip,
        RunScript((saying, asking), result={"output": words.trip_result}),
        {"city": {}},
        {"slash": f"/{TRIP}"},
    )


def _report(words: Words) -> Drawn:
    result = {"topic": "{{topic}}", "sources": 12, "verdict": words.report_verdict}
    return Drawn(
        REPORT,
        words.report,
        RunScript(result=result, pause_s=REPORT_S),
        {"topic": {}},
        {"run": "async"},
    )
