"""The table of supported routes against what is really there."""

from sandbox.discord import DiscordEmulator
from sandbox.discord.rates import OBSERVED
from sandbox.discord.rest import HANDLERS, PREFIXES
from sandbox.discord.supported import SUPPORTED_ROUTES


def test_the_table_has_what_is_served(emulator: DiscordEmulator) -> None:
    """Every supported route has a handler, every handler is in the table, and both are registered."""
    assert set(HANDLERS) == set(SUPPORTED_ROUTES)
    served = {f"{r.method} {r.resource.canonical}" for r in emulator.app.router.routes() if r.resource}
    for route in SUPPORTED_ROUTES:
        method, _, path = route.partition(" ")
        assert {f"{method} {prefix}{path}" for prefix in PREFIXES} <= served


def test_every_observed_limit_is_used() -> None:
    """No limit stands in the table that no route has."""
    assert set(OBSERVED) <= {rule.bucket for rule in SUPPORTED_ROUTES.values()}
