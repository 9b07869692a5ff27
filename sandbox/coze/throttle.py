"""How often may somebody call: allowances a second, and chats at once (reference 9.3)."""

from collections import deque
from collections.abc import Hashable, Iterable

from sandbox.clock import SandboxClock
from sandbox.coze.errors import CozeError
from sandbox.coze.supported import Endpoint
from sandbox.coze.switches import CozeSwitches

_WINDOW_S = 1.0


class Throttle:
    """Counts calls in the last second of the sandbox's clock."""

    def __init__(self, clock: SandboxClock, switches: CozeSwitches) -> None:
        self._clock = clock
        self._switches = switches
        self._calls: dict[Hashable, deque[float]] = {}

    def admit(self, endpoint: Endpoint, caller: str) -> None:
        """Count one call.

        Raises:
            CozeError: The allowance of this second is used up; the refused call does not count.
        """
        limits = {"chat": self._switches.chat_qps, "run": self._switches.run_qps, "upload": self._switches.upload_qps}
        limit = None if endpoint.budget is None else limits[endpoint.budget]
        if limit is None:
            return
        now = self._clock.now()
        calls = self._calls.setdefault((endpoint.budget, caller), deque())
        while calls and calls[0] <= now - _WINDOW_S:
            calls.popleft()
        if len(calls) >= limit:
            raise self.refusal()
        calls.append(now)

    def check_concurrency(self, running: Iterable[object]) -> None:
        """Refuse one more chat beside the running ones if that is too many.

        Raises:
            CozeError: As for a throttled call.
        """
        limit = self._switches.max_concurrent_chats
        if limit is not None and sum(1 for _ in running) >= limit:
            raise self.refusal()

    def refusal(self) -> CozeError:
        """Return the refusal in the shape the switches choose."""
        wait_s = self._switches.throttle_retry_after_s
        headers = {} if wait_s is None else {"Retry-After": f"{wait_s:g}"}
        return CozeError(self._switches.throttle_code, status=self._switches.throttle_http_status, headers=headers)
