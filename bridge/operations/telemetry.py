"""What the operator reads: structlog over the standard library's logging, so that libraries speak the same way.

One line per happening, on standard error, with the context that was bound round it (``turn``, ``conversation``,
``platform``: ``structlog.contextvars.bound_contextvars``). Every line passes the redactor last, tracebacks and the
lines of libraries included; no user's words are logged at ``info`` or above.
"""

import logging
import sys
from collections.abc import Iterable
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor

from bridge.operations.redaction import Redactor
from bridge.settings import LogSettings

OWN_PACKAGES = ("bridge", "adapters")
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def set_up_logging(
    settings: LogSettings,
    secrets: Iterable[str] = (),
    *,
    stream: TextIO | None = None,
    packages: Iterable[str] = OWN_PACKAGES,
) -> None:
    """Configure the logging of the whole process; a second call replaces the first.

    Args:
        secrets: Never written, wherever they occur.
        stream: Where to write; standard error by default.
        packages: Whose loggers follow ``settings.level``. Everybody else speaks from ``warning`` on, or from ``info``
            on while we debug: a library's debug lines may hold what people said.
    """
    stream = stream or sys.stderr
    redactor = Redactor(secrets)
    shared = _shared_processors()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                lambda logger, method, event: redact_event(redactor, event),
                _renderer(settings, stream),
            ],
        )
    )
    level = LEVELS[settings.level]
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO if level == logging.DEBUG else max(level, logging.WARNING))
    for package in packages:
        logging.getLogger(package).setLevel(level)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def _shared_processors() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.StackInfoRenderer(),
    ]


def _renderer(settings: LogSettings, stream: TextIO) -> Processor:
    terminal = stream.isatty()
    if settings.format == "console" or (settings.format == "auto" and terminal):
        return structlog.dev.ConsoleRenderer(colors=terminal, timestamp_key="at")
    return structlog.processors.JSONRenderer(ensure_ascii=False, default=str)


def redact_event(redactor: Redactor, event: EventDict) -> EventDict:
    """Return a log entry without secrets; the last step before it is rendered."""
    return {key: redactor.value(value, key) for key, value in event.items()}
