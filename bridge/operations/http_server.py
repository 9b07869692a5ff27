"""The bridge's one HTTP server, for probes and metrics; adapters that receive over HTTP will share it.

A port that is taken is told and survived: a bridge that answers people is worth more than its health page.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from bridge.operations.health import Health
from bridge.operations.metrics import Metrics
from bridge.settings import HealthSettings

log = structlog.get_logger(__name__)

CLOSE_WITHIN_S = 2.0


def health_routes(health: Health, metrics: Metrics) -> list[web.RouteDef]:
    """Return ``/healthz``, ``/readyz`` (200 or 503, with the reasons as JSON) and ``/metrics``."""

    async def alive(_: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def ready(_: web.Request) -> web.Response:
        readiness = await health.readiness()
        return web.json_response(readiness.facts, status=200 if readiness.ready else 503)

    async def counted(_: web.Request) -> web.Response:
        return web.Response(body=metrics.render(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return [web.get("/healthz", alive), web.get("/readyz", ready), web.get("/metrics", counted)]


@asynccontextmanager
async def http_server(settings: HealthSettings, routes: Iterable[web.RouteDef]) -> AsyncIterator[str | None]:
    """Serve ``routes`` while the context lasts; yields the base URL, ``None`` when off or the port cannot be had."""
    if not settings.enabled:
        yield None
        return
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSE_WITHIN_S)
    await runner.setup()
    try:
        yield await _listen(runner, settings)
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, settings: HealthSettings) -> str | None:
    try:
        await web.TCPSite(runner, settings.host, settings.port).start()
    except OSError as error:
        log.warning(
            "no health page: the port cannot be had; the bridge runs without it",
            host=settings.host,
            port=settings.port,
            reason=error.strerror or str(error),
            fix="[health] port = another one, 0 for any free one, or enabled = false",
        )
        return None
    host, port = runner.addresses[0][:2]
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    log.info("health page", url=url)
    return url
