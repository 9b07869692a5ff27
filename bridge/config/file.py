"""The configuration file as a tree of what is written in it, not yet judged."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

from bridge.config.environment import Tree
from bridge.errors import ConfigError

DEFAULT_FILE = Path("config.toml")
FILE_VARIABLE = "COZE_BRIDGE_CONFIG"


def read_file(path: Path | None, environ: Mapping[str, str]) -> tuple[Tree, str]:
    """Return the parsed file, and what to call the source; an empty tree when there is no file.

    Raises:
        ConfigError: The file was named but is not there, cannot be read, or is no TOML.
    """
    if path is None:
        named = environ.get(FILE_VARIABLE)
        if not named and not DEFAULT_FILE.exists():
            return {}, "the environment"
        path = Path(named) if named else DEFAULT_FILE
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")), str(path)
    except FileNotFoundError:
        fix = "copy config.example.toml to this name and fill it in, or name another file with --config."
        raise ConfigError([f"{path}: there is no such file; {fix}"]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{path}: this is not valid TOML: {_readable(error)}"]) from None
    except UnicodeDecodeError:
        raise ConfigError([f"{path}: is not UTF-8 text; save it in the encoding UTF-8."]) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError([f"{path}: cannot be read ({reason}); mend the path or its permissions."]) from None


def _readable(error: tomllib.TOMLDecodeError) -> str:
    hint = "" if "Cannot overwrite" in str(error) else " Text values need quotes; a section begins with [name]."
    return f"{error}.{hint}"
