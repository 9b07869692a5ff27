"""The demo's arguments."""

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sandbox.demo.words import EN, WORDS, ZH, Words


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for.

    Attributes:
        script: Play the scenes instead of letting a person type.
        keep: Leave the temporary folder (configuration, store, log) behind and say where it is.
    """

    script: bool
    words: Words
    keep: bool


def parse_options(arguments: Sequence[str], environ: Mapping[str, str] | None = None) -> Options:
    """Read the arguments; ``environ`` (default: the process's) tells the language when they do not.

    Raises:
        SystemExit: They are wrong, or ask for help.
    """
    words = words_of_environment(os.environ if environ is None else environ)
    parser = argparse.ArgumentParser(prog="coze-bridge demo", description=words.about)
    parser.add_argument("--script", action="store_true", help=words.about_script)
    parser.add_argument("--language", choices=("auto", *WORDS), default="auto", help=words.about_language)
    parser.add_argument("--keep", action="store_true", help=words.about_keep)
    parsed = parser.parse_args(list(arguments))
    return Options(parsed.script, words if parsed.language == "auto" else WORDS[parsed.language], parsed.keep)


def words_of_environment(environ: Mapping[str, str]) -> Words:
    """Choose the language the way the C library does: the first of these variables that is set decides."""
    locale = next((environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environ.get(name)), "")
    return ZH if locale.lower().startswith("zh") else EN
