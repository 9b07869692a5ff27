"""Whether the bridge is alive and ready, told from what it knows anyway.

*Alive* means that the event loop answers. *Ready* means that a question would be received, written down and, as far as
the last real call tells, answered. Judging never calls an agent: it asks the store, and remembers the rest.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.errors import StoreError
from bridge.observing import Connection
from bridge.operations.watched_agent import WatchedAgent
from bridge.ports import Clock, Store

STORE_LIMIT_S = 2.0
"""A store that takes longer to answer would not keep up with questions either; shorter than any prober's patience."""
BAD_CALL_COUNTS_S = 300.0
"""A bad call older than this decides nothing: where unready means no more questions, no better call could follow it."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """The judgement and what it rests on, ready for JSON; holds no id of a person or place and no secret."""

    ready: bool
    facts: dict[str, Any]


class Health:
    """Judges one bridge.

    Attributes:
        stopping: The bridge has been told to end and takes no new questions.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        connections: Mapping[str, Connection],
        agents: Mapping[str, WatchedAgent],
        *,
        store_limit_s: float = STORE_LIMIT_S,
    ) -> None:
        """``connections`` may still grow: it is read at every look."""
        self._store = store
        self._clock = clock
        self._connections = connections
        self._agents = agents
        self._store_limit_s = store_limit_s
        self.stopping = False

    async def readiness(self) -> Readiness:
        """Look at everything once; takes at most as long as the store may take."""
        store = await self._store_facts()
        adapters = {name: self._adapter_facts(connection) for name, connection in self._connections.items()}
        agents = {name: self._agent_facts(agent) for name, agent in self._agents.items()}
        parts = [store, *adapters.values(), *agents.values()]
        ready = not self.stopping and bool(adapters) and all(part["ready"] for part in parts)
        facts = {"ready": ready, "stopping": self.stopping, "adapters": adapters, "store": store, "agents": agents}
        return Readiness(ready, facts)

    def _adapter_facts(self, connection: Connection) -> dict[str, Any]:
        connected = connection.is_set()
        return {
            "ready": connected,
            "connected": connected,
            "changed_ago_s": round(self._clock.now() - connection.changed_at, 1),
            "reconnects": max(0, connection.connects - 1),
        }

    async def _store_facts(self) -> dict[str, Any]:
        started_at = self._clock.now()
        trouble = ""
        try:
            async with asyncio.timeout(self._store_limit_s):
                await self._store.check()
        except TimeoutError:
            trouble = f"no answer within {self._store_limit_s:g} s"
        except StoreError as error:
            trouble = error.reason
        took_s = round(self._clock.now() - started_at, 4)
        return {"ready": not trouble, "took_s": took_s, **({"trouble": trouble} if trouble else {})}

    def _agent_facts(self, agent: WatchedAgent) -> dict[str, Any]:
        call = agent.last_call
        if call is None:
            return {"ready": True, "last_call": "none"}
        ago_s = self._clock.now() - call.at
        facts = {
            "ready": call.good or ago_s > BAD_CALL_COUNTS_S,
            "last_call": "good" if call.good else "bad",
            "ago_s": round(ago_s, 1),
        }
        return facts if call.good else {**facts, "trouble": call.trouble}
