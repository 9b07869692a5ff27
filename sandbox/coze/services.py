"""What the routes share: the state, the clock, the words, and the work they start."""

from dataclasses import dataclass

from sandbox.clock import SandboxClock
from sandbox.coze.agents import AnswerBook
from sandbox.coze.auth import Keyring
from sandbox.coze.dialect import CloudDialect
from sandbox.coze.errors import bad_parameter
from sandbox.coze.ids import IdFactory
from sandbox.coze.state import World
from sandbox.coze.switches import CozeSwitches
from sandbox.coze.tasks import OwnedTasks
from sandbox.coze.throttle import Throttle


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of one emulator."""

    clock: SandboxClock
    ids: IdFactory
    world: World
    switches: CozeSwitches
    dialect: CloudDialect
    answers: AnswerBook
    keyring: Keyring
    throttle: Throttle
    tasks: OwnedTasks

    def now(self) -> int:
        """Return the present unix second."""
        return int(self.clock.now())

    def page_size(self, wanted: int, maximum: int) -> int:
        """Return how many entries a page gets.

        Raises:
            CozeError: 4000, more than the maximum is wanted and the switch refuses that.
        """
        if wanted > maximum and self.switches.oversized_page == "refused":
            raise bad_parameter(f"page_size must not exceed {maximum}.")
        return min(wanted, maximum)
