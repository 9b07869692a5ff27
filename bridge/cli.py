"""The command line: arguments, exit codes, and sentences instead of tracebacks.

What a command needs is imported when it runs: ``--help`` must not pay for the chat services' libraries.
"""

import os
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from bridge.config import Config
    from bridge.operations.checkup import Report

EXIT_OK, EXIT_FAILED, EXIT_MISCONFIGURED, EXIT_OCCUPIED, EXIT_STORE, EXIT_INTERRUPTED = 0, 1, 2, 3, 4, 130

ABOUT = """Coze agents inside your chat platforms; their answers grow while they speak.

在聊天平台里使用扣子（Coze）智能体，回答边生成边显示。先试 `coze-bridge demo`。

Configured by config.toml and the environment; config.example.toml explains every key.
"""

EXIT_CODES = """Exit codes: 0 done, or stopped by a signal; 1 a check found something, no adapter is left, or running
failed; 2 the command line or the configuration is wrong; 3 another process holds the store; 4 the store cannot be used;
130 interrupted, or stopped by a second signal."""

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", "-c", help="The configuration [default: $COZE_BRIDGE_CONFIG, else config.toml if it exists]"
    ),
]

app = typer.Typer(
    help=ABOUT,
    epilog=EXIT_CODES,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main(arguments: list[str] | None = None) -> None:
    """Run one command and leave the process with its exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    app(args=_with_adapter_verbs(arguments), prog_name="coze-bridge")


def _with_adapter_verbs(arguments: list[str]) -> list[str]:
    """Let ``VERB NAME`` reach what the adapter NAME can print, for verbs that are no commands of ours."""
    ours = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    if len(arguments) > 1 and arguments[0] not in ours and not any(a.startswith("-") for a in arguments[:2]):
        return ["print", *arguments]
    return arguments


@app.command()
def run(config: ConfigOption = None) -> None:
    """Connect agents and platforms, until SIGTERM or Ctrl-C."""
    from bridge.config.load import Purpose, load_config

    with _sentences():
        settings = load_config(config, os.environ, Purpose.RUN)
        _set_up_logging(settings)
        from bridge.app import run as run_bridge

        raise typer.Exit(_execute(run_bridge(settings)))


@app.command()
def check(config: ConfigOption = None) -> None:
    """Say what is wrong with the set-up, and how to mend it.

    Tries tokens, permissions, bots, platforms and the store, side by side, and changes nothing.
    """
    from bridge.config.load import Purpose, load_config

    with _sentences():
        settings = load_config(config, os.environ, Purpose.CHECK)
        _set_up_logging(settings, quiet=True)
        raise typer.Exit(_execute(_check(settings)))


@app.command()
def chat(
    config: ConfigOption = None,
    agent: Annotated[str, typer.Option("--agent", "-a", help="The agent to talk to [default: the default agent]")] = "",
) -> None:
    """Talk to your agent in this terminal.

    !new starts afresh, !stop cuts an answer, !help tells more; Ctrl-D ends.
    """
    from bridge.config.load import Purpose, load_config

    with _sentences():
        settings = for_chat(load_config(config, os.environ, Purpose.CHAT), agent)
        _set_up_logging(settings, quiet=True)
        raise typer.Exit(_execute(_chat(settings)))


@app.command()
def workflows(
    ids: Annotated[list[str] | None, typer.Argument(help="Print the sections of these workflows instead")] = None,
    config: ConfigOption = None,
    agent: Annotated[str, typer.Option("--agent", "-a", help="Whose token looks [default: every agent's]")] = "",
    name: Annotated[str, typer.Option("--name", "-n", help="What people shall type [default: from its own name]")] = "",
) -> None:
    """List your workflows, or write the section of one.

    coze-bridge workflows 73664689170551 --name weather >> config.toml
    """
    from bridge.config.load import Purpose, load_config

    with _sentences():
        settings = load_config(config, os.environ, Purpose.CHECK)
        _check_agent(settings, agent)
        _set_up_logging(settings, quiet=True)
        raise typer.Exit(_execute(_workflows(settings, ids or [], agent, name)))


@app.command(add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def demo(context: typer.Context) -> None:
    """See it work on this machine, without accounts.

    --script prints a timeline and ends; everything else is explained by demo --help.
    """
    import sandbox.demo

    with _sentences():
        raise typer.Exit(sandbox.demo.main(list(context.args), command=[sys.executable, "-m", "bridge.cli"]))


@app.command()
def manifest(name: Annotated[str, typer.Argument(help="The adapter's name")], config: ConfigOption = None) -> None:
    """Print the app manifest that fits the configuration."""
    _print("manifest", name, config)


@app.command("print", hidden=True)
def print_(verb: str, name: str, config: ConfigOption = None) -> None:
    """Print what an adapter offers under a verb."""
    _print(verb, name, config)


@app.command()
def secret() -> None:
    """Print a fresh identity secret for the section [bridge]."""
    from bridge.config.load import fresh_secret

    typer.echo(f'identity_secret = "{fresh_secret()}"')


@app.command()
def version() -> None:
    """Print the version."""
    from importlib.metadata import version as installed

    typer.echo(installed("coze-bridge"))


def for_chat(config: "Config", agent: str = "") -> "Config":
    """Derive the configuration of a terminal session: nothing is kept, one agent answers.

    Raises:
        ConfigError: There is no such agent.
    """
    from dataclasses import replace

    from pydantic import SecretStr

    from bridge.config.load import fresh_secret
    from bridge.stores.settings import MEMORY

    _check_agent(config, agent)
    # A running bridge may hold the store; and whom a terminal belongs to needs no lasting name.
    changes = {"identity_secret": config.bridge.identity_secret or SecretStr(fresh_secret()), "drain_s": 0.0}
    return replace(
        config,
        bridge=config.bridge.model_copy(update=changes),
        store=config.store.model_copy(update={"path": MEMORY}),
        default_agent=agent or config.default_agent,
        routes=() if agent else config.routes,
    )


def _check_agent(config: "Config", agent: str) -> None:
    from bridge.config.mistakes import nearest
    from bridge.errors import ConfigError

    if agent and agent not in config.agents:
        there_are = nearest(agent, config.agents) or f" There are {', '.join(config.agents)}."
        raise ConfigError([f"--agent {agent}: there is no section [agents.{agent}].{there_are}"])


async def _workflows(config: "Config", ids: list[str], agent: str, name: str) -> int:
    from bridge.operations.workflow_command import Printer, list_workflows, print_sections

    printer = Printer(typer.echo, lambda line: typer.echo(line, err=True))
    if ids:
        fine = await print_sections(config, agent or config.default_agent, ids, printer, wanted=name)
    else:
        fine = await list_workflows(config, [agent] if agent else config.agents, printer)
    return EXIT_OK if fine else EXIT_FAILED


async def _chat(config: "Config") -> int:
    from bridge.app import assemble

    async with assemble(config, kinds=lambda kind: True) as bridge:
        await bridge.all_rest()
    return EXIT_OK


async def _check(config: "Config") -> int:
    from rich.console import Console

    from bridge.operations.checkup import examine

    with Console(stderr=True).status("looking ..."):
        reports = await examine(config, _tell)
    findings = [finding for report in reports for finding in report.findings]
    wrong = sum(not finding.ok for finding in findings)
    typer.echo(f"\nTo mend: {wrong} of {len(findings)}." if wrong else f"\nAll {len(findings)} findings are fine.")
    return EXIT_FAILED if wrong else EXIT_OK


def _tell(report: "Report") -> None:
    typer.echo(report.title)
    for finding in report.findings:
        typer.echo(f"  {'✓' if finding.ok else '✗'} {finding.subject}")
        if finding.fix:
            typer.echo(f"      {finding.fix}")


def _print(verb: str, name: str, path: Path | None) -> None:
    from bridge.config.load import load_section, load_workflows

    with _sentences():
        from bridge.errors import ConfigError
        from bridge.workflows.forms import offers

        entry = load_section(path, os.environ, name)
        command = entry.adapter.commands.get(verb)
        if command is None:
            offered = ", ".join(sorted(entry.adapter.commands)) or "nothing"
            raise ConfigError([f"{verb} {name}: the adapter {entry.kind} cannot print that; it offers {offered}."])
        typer.echo(command(entry.settings, offers(load_workflows(path, os.environ))))


def _set_up_logging(config: "Config", *, quiet: bool = False) -> None:
    from bridge.operations.redaction import secrets_in
    from bridge.operations.telemetry import OWN_PACKAGES, set_up_logging
    from bridge.settings import LogSettings

    settings = config.log
    if quiet and settings.level == "info":  # the terminal belongs to a person who reads something else
        settings = LogSettings(level="error", format=settings.format)
    sections = [config.bridge, *config.agents.values(), *(entry.settings for entry in config.adapters.values())]
    brought = {entry.adapter.settings.__module__.partition(".")[0] for entry in config.adapters.values()}
    set_up_logging(settings, secrets_in(sections), packages={*OWN_PACKAGES, *brought})


def _execute(work: Coroutine[Any, Any, int]) -> int:
    """Run to the end on uvloop where it is installed: it halves what a stream costs."""
    import asyncio

    factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    with suppress(ImportError):
        from uvloop import new_event_loop as factory
    with asyncio.Runner(loop_factory=factory) as runner:
        try:
            return runner.run(work)
        except asyncio.CancelledError:  # a second signal does not wait for what is running
            return EXIT_INTERRUPTED


@contextmanager
def _sentences() -> Iterator[None]:
    """Turn what an operator can mend into sentences and exit codes."""
    from bridge.errors import BridgeError, ConfigError, CredentialsError, StoreError, StoreOccupied

    try:
        yield
    except ConfigError as error:
        for mistake in error.mistakes:
            typer.echo(f"✗ {mistake}", err=True)
        raise typer.Exit(EXIT_MISCONFIGURED) from None
    except CredentialsError as error:
        typer.echo(f"✗ {error.reason}: {error.fix}", err=True)
        raise typer.Exit(EXIT_FAILED) from None
    except StoreError as error:
        typer.echo(f"✗ {error.reason}", err=True)
        raise typer.Exit(EXIT_OCCUPIED if isinstance(error, StoreOccupied) else EXIT_STORE) from None
    except BridgeError as error:
        typer.echo(f"✗ {error.reason}", err=True)
        raise typer.Exit(EXIT_FAILED) from None
    except KeyboardInterrupt:
        raise typer.Exit(EXIT_INTERRUPTED) from None


if __name__ == "__main__":
    main()
