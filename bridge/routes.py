"""Which agent answers where: a default and routes by adapter instance, team and channel (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bridge.model import OnBusy, Place, Reasoning
from bridge.ports import Agent, Tools, Workflows


@dataclass(frozen=True, slots=True)
class AgentBinding:
    """A configured agent: the service, which of its bots, its prompt's variables as templates, and what it can run.

    Attributes:
        tools: What it may use at our side; a person is asked for what is not among them, if ``asks_people``.
        waiting_s: How long that question waits.
    """

    name: str
    agent: Agent
    bot_id: str
    variables: Mapping[str, str] = field(default_factory=dict)
    workflows: Workflows | None = None
    tools: Tools | None = None
    asks_people: bool = True
    waiting_s: float = 86400.0
    reasoning: Reasoning = Reasoning.HIDDEN


@dataclass(frozen=True, slots=True)
class Route:
    """Sends what matches everything given (``None`` matches all) to one agent.

    ``on_busy`` of ``None`` leaves that to the next precise route, and in the end to the default.
    """

    agent: str
    instance: str | None = None
    team: str | None = None
    channel: str | None = None
    on_busy: OnBusy | None = None

    def matches(self, place: Place) -> bool:
        """Tell whether ``place`` is on this route."""
        return (
            self.instance in (None, place.instance)
            and self.team in (None, place.team)
            and self.channel in (None, place.channel)
        )

    @property
    def precision(self) -> int:
        """How many things a place must match; the most precise route wins."""
        return sum(wanted is not None for wanted in (self.instance, self.team, self.channel))


class Routes:
    """All agents and the routes to them."""

    def __init__(
        self,
        bindings: Mapping[str, AgentBinding],
        default: str,
        routes: Sequence[Route] = (),
        *,
        on_busy: OnBusy = OnBusy.QUEUE,
    ) -> None:
        self._bindings = bindings
        self._default = default
        self._on_busy = on_busy
        self._routes = sorted(routes, key=lambda route: -route.precision)

    def binding(self, name: str) -> AgentBinding | None:
        """Return an agent by its name, if it is still configured."""
        return self._bindings.get(name)

    def choose(self, place: Place) -> AgentBinding:
        """Return the agent that answers at ``place``: the most precise route, the first one among equals."""
        name = next((route.agent for route in self._routes if route.matches(place)), self._default)
        return self._bindings[name]

    def on_busy(self, place: Place) -> OnBusy:
        """Return what becomes of questions at ``place`` whose conversation is busy."""
        decided = (route.on_busy for route in self._routes if route.on_busy is not None and route.matches(place))
        return next(decided, self._on_busy)
