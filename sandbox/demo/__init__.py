"""The demo: the real bridge, as a process of its own, between a Coze, a Slack and a Discord emulated on this machine.

``main`` is the door. ``town`` builds what is needed, ``process`` runs the bridge, ``agent`` answers; ``side`` says what
the demo needs of a chat service, ``slack_side`` and ``discord_side`` are that; ``script`` plays scenes, ``timeline``
tells what the emulators saw, ``layout`` puts it into columns, ``verdict`` judges it; ``live`` lets a person type
instead, ``keyboard`` reads what is typed, ``screen`` draws the services side by side. ``words`` holds every sentence,
in English and Chinese; ``acts`` and ``workflows`` are what the script does beyond asking, ``table`` obeys what a person
types, ``picture`` draws the README's.
"""

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

from sandbox.demo.options import Options, parse_options

EXIT_OK, EXIT_FAILED, EXIT_INTERRUPTED = 0, 1, 130
FAREWELL_SIGNALS = ("SIGTERM", "SIGHUP")


def main(arguments: Sequence[str], *, command: Sequence[str]) -> int:
    """Run the demo and return its exit code: 0 when all went as it should.

    Args:
        arguments: What follows ``demo`` on the command line.
        command: How to start the bridge, for example ``["python", "-m", "bridge.cli"]``; ``run -c FILE`` is added.

    Raises:
        SystemExit: The arguments are wrong, or ask for help.
    """
    options = parse_options(arguments)
    # What follows is slow to import and not needed for --help.
    from sandbox.demo.process import BridgeProcess, demo_folder

    with demo_folder(keep=options.keep) as folder, BridgeProcess(command, folder) as bridge:
        code = _run(lambda: _perform(options, bridge), if_interrupted=EXIT_INTERRUPTED if options.script else EXIT_OK)
    if options.keep:
        sys.stdout.write(options.words.kept.format(folder=folder) + "\n")
    return code


async def _perform(options: Options, bridge: Any) -> int:
    if options.script:
        from sandbox.demo.script import play

        return EXIT_OK if await play(options.words, bridge) else EXIT_FAILED
    from sandbox.demo.live import converse

    return EXIT_OK if await converse(options.words, bridge) else EXIT_FAILED


def _run(work: Callable[[], Coroutine[Any, Any, int]], *, if_interrupted: int) -> int:
    """Run to the end; ctrl-C, a closed terminal and SIGTERM end it in an orderly way."""

    async def until_told() -> int:
        loop, me = asyncio.get_running_loop(), asyncio.current_task()
        assert me is not None  # a coroutine always runs in a task
        for name in FAREWELL_SIGNALS:
            with suppress(AttributeError, NotImplementedError):
                loop.add_signal_handler(getattr(signal, name), me.cancel)
        return await work()

    try:
        return asyncio.run(until_told())
    except (KeyboardInterrupt, asyncio.CancelledError):
        return if_interrupted
