"""Which agent answers where: a default and routes by adapter instance, team and channel (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bridge.model import Place
from bridge.ports import Agent


@dataclass(frozen=True, slots=True)
class AgentBinding:
    """A configured agent: the service, which of its bots, and the templates of its prompt variables."""

    name: str
    agent: Agent
    bot_id: str
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Route:
    """Sends what matches everything given (``None`` matches all) to one agent."""

    agent: str
    instance: str | None = None
    team: str | None = None
    channel: str | None = None

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

    def __init__(self, bindings: Mapping[str, AgentBinding], default: str, routes: Sequence[Route] = ()) -> None:
        self._bindings = bindings
        self._default = default
        self._routes = sorted(routes, key=lambda route: -route.precision)

    def binding(self, name: str) -> AgentBinding | None:
        """Return an agent by its name, if it is still configured."""
        return self._bindings.get(name)

    def choose(self, place: Place) -> AgentBinding:
        """Return the agent that answers at ``place``: the most precise route, the first one among equals."""
        name = next((route.agent for route in self._routes if route.matches(place)), self._default)
        return self._bindings[name]
