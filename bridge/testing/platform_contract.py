"""What every ``Platform`` and its ``Reply`` must do: subclass ``PlatformContract`` and say how to set the scene.

::

    class TestMyPlatform(PlatformContract):
        @pytest_asyncio.fixture
        async def harness(self) -> AsyncIterator[PlatformHarness]:
            async with MyServiceOnThisMachine() as service:
                yield MyHarness(service)

Each test gets a harness of its own: one installation where nobody has written anything yet. What the harness does is
told by ``platform_harness.PlatformHarness``; what cannot exist on a platform it declares in ``absent``, with the
reason, and the promises about that are skipped with this reason. Nothing else is skipped.

Needs pytest and pytest-asyncio in auto mode (``asyncio_mode = "auto"``). The promises are in ``platform_receiving``
(``serve``), ``platform_away`` (what was missed), ``platform_reading`` (``resolve``, ``earlier_messages``),
``platform_replying`` (``Reply``), ``platform_pressing`` (controls), ``platform_commands`` (commands of the platform's
own), ``platform_filing`` (files of answers) and ``platform_trouble`` (errors). The walk through them:
``docs/adapters.md``.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from bridge.testing.platform_harness import Ability, PlatformHarness

# pytest explains failed assertions only of modules that are announced to it before they are imported.
PARTS = ("away", "commands", "filing", "pressing", "reading", "receiving", "replying", "trouble")
pytest.register_assert_rewrite(*(f"bridge.testing.platform_{part}" for part in PARTS))

from bridge.testing.platform_away import AwayPromises  # noqa: E402 - announced first
from bridge.testing.platform_commands import CommandPromises  # noqa: E402 - announced first
from bridge.testing.platform_filing import FilingPromises  # noqa: E402 - announced first
from bridge.testing.platform_pressing import ControlPromises  # noqa: E402 - announced first
from bridge.testing.platform_reading import ReadingPromises  # noqa: E402 - announced first
from bridge.testing.platform_receiving import ReceivingPromises  # noqa: E402 - announced first
from bridge.testing.platform_replying import ReplyPromises  # noqa: E402 - announced first
from bridge.testing.platform_trouble import TroublePromises  # noqa: E402 - announced first


class PlatformContract(
    ReceivingPromises,
    AwayPromises,
    ReadingPromises,
    ReplyPromises,
    ControlPromises,
    CommandPromises,
    FilingPromises,
    TroublePromises,
):
    """The promises of ``bridge.ports.Platform`` and ``Reply``, one test each. Override ``harness``."""

    @pytest_asyncio.fixture
    async def harness(self, *_: Any, **__: Any) -> AsyncIterator[PlatformHarness]:
        raise NotImplementedError("say how to set the scene: see the module's docstring")
        yield  # a generator, as the fixtures that override it are

    async def test_what_is_absent_is_declared_with_a_reason(self, harness: PlatformHarness) -> None:
        """Whoever reads why a promise was not tested finds a sentence."""
        for ability, reason in harness.absent.items():
            assert ability in Ability
            assert " " in reason.strip(), f"{ability.name}: no sentence"
        assert {Ability.PRIVATE, Ability.ROOMS} - set(harness.absent), "nobody could ask anything"
