"""The health page over real HTTP: its three answers, a port that is taken, off."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import structlog
from prometheus_client.parser import text_string_to_metric_families

from bridge.observing import Connection
from bridge.operations.health import Health
from bridge.operations.http_server import health_routes, http_server
from bridge.operations.metrics import Metrics
from bridge.settings import HealthSettings
from bridge.stores.memory import MemoryStore
from bridge.testing.clock import FakeClock

ANY_PORT = HealthSettings(port=0)


@asynccontextmanager
async def page() -> AsyncIterator[tuple[str, Connection]]:
    """A page of a bridge with one adapter, its address and the adapter's connection."""
    clock, metrics = FakeClock(), Metrics()
    connection = Connection("chat", clock, metrics)
    async with MemoryStore(clock) as store:
        health = Health(store, clock, {"chat": connection}, {})
        async with http_server(ANY_PORT, health_routes(health, metrics)) as url:
            assert url is not None
            yield url, connection


async def test_alive_ready_and_counted() -> None:
    """Alive as soon as it listens, ready once the adapter is connected, metrics in Prometheus' own format."""
    async with page() as (url, connection), aiohttp.ClientSession(url) as client:
        async with client.get("/healthz") as answer:
            assert (answer.status, await answer.text()) == (200, "alive\n")
        async with client.get("/readyz") as answer:
            facts = await answer.json()
            assert (answer.status, facts["ready"], facts["adapters"]["chat"]["connected"]) == (503, False, False)
        connection.set()
        async with client.get("/readyz") as answer:
            assert (answer.status, (await answer.json())["ready"]) == (200, True)
        async with client.get("/metrics") as answer:
            assert answer.status == 200
            assert answer.content_type == "text/plain"
            names = {family.name for family in text_string_to_metric_families(await answer.text())}
        assert {"coze_bridge_adapter_connected", "coze_bridge_event_loop_lag_seconds"} <= names
        async with client.head("/healthz") as answer:
            assert answer.status == 200
        async with client.get("/else") as answer:
            assert answer.status == 404


async def test_a_port_that_is_taken_is_told_and_survived() -> None:
    """A second bridge on the machine runs without its page and says what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken, structlog.testing.capture_logs() as logs:
        port = taken.getsockname()[1]
        async with http_server(HealthSettings(port=port), []) as url:
            assert url is None
    (line,) = logs
    assert (line["log_level"], line["port"]) == ("warning", port)
    assert "[health] port" in line["fix"]


async def test_a_host_that_is_not_ours_is_told_and_survived() -> None:
    """A mistake in the address costs the page alone (192.0.2.1 belongs to nobody: RFC 5737)."""
    with structlog.testing.capture_logs() as logs:
        async with http_server(HealthSettings(host="192.0.2.1", port=0), []) as url:
            assert url is None
    assert len(logs) == 1


async def test_the_port_is_free_again_afterwards() -> None:
    """Leaving closes it: the next bridge on this store can have it at once."""
    async with http_server(ANY_PORT, []) as url:
        assert url is not None
        port = int(url.rpartition(":")[2])
    async with http_server(HealthSettings(port=port), []) as again:
        assert again == url


async def test_off_is_off() -> None:
    """Nothing listens, nothing is said."""
    with structlog.testing.capture_logs() as logs:
        async with http_server(HealthSettings(enabled=False), []) as url:
            assert url is None
    assert logs == []
