"""What the environment says: any key as ``COZE_BRIDGE__SECTION__KEY``, and the customary names of single keys (pure).

The long form overrides the file; a customary name fills what neither says. Every value remembers its variable, so that
a mistake can name it.
"""

import tomllib
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from bridge.config.mistakes import Path, env_names, model_in

PREFIX = "COZE_BRIDGE__"
SEPARATOR = "__"

Origins = dict[Path, str]
Tree = dict[str, Any]


def overlay(tree: Tree, environ: Mapping[str, str], origins: Origins) -> Tree:
    """Return ``tree`` with every ``COZE_BRIDGE__…`` variable written over it; their names are added to ``origins``."""
    result = _copy(tree)
    for variable in sorted(environ):
        steps = variable[len(PREFIX) :].split(SEPARATOR)
        if not variable.upper().startswith(PREFIX) or not all(steps):
            continue
        path = _put(result, [step.lower() for step in steps], parse_value(environ[variable]))
        origins[path] = variable
    return result


def parse_value(text: str) -> object:
    """Read a variable: text, unless it is written as a TOML list or table. Numbers become numbers where one is due."""
    if text[:1] in ("[", "{"):
        try:
            return tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            return text
    return text


def fill_customary(
    section: Mapping[str, Any], model: type[BaseModel], environ: Mapping[str, str], at: Path, origins: Origins
) -> Tree:
    """Return ``section`` with what is absent or empty taken from the customary variables of ``model``'s fields.

    Sections within it are filled too where they are written; a variable alone does not begin one.
    """
    result = dict(section)
    for name, info in model.model_fields.items():
        if result.get(name, "") != "":
            inner = model_in(info.annotation)
            if inner is not None and isinstance(result[name], dict):
                result[name] = fill_customary(result[name], inner, environ, (*at, name), origins)
            continue
        for variable in env_names(info):
            if environ.get(variable):
                result[name] = environ[variable]
                origins[(*at, name)] = variable
                break
    return result


def customary_variables(model: type[BaseModel]) -> set[str]:
    """Return every customary variable of a model's fields."""
    return {variable for info in model.model_fields.values() for variable in env_names(info)}


def required_are_set(model: type[BaseModel], environ: Mapping[str, str]) -> bool:
    """Tell whether the environment alone gives the model all it requires, and at least one value."""
    named = {name: env_names(info) for name, info in model.model_fields.items()}
    given = {name for name, variables in named.items() if any(environ.get(variable) for variable in variables)}
    return bool(given) and all(name in given for name, info in model.model_fields.items() if info.is_required())


def required_variables(model: type[BaseModel]) -> list[str]:
    """Return the customary variables that a section cannot do without."""
    fields = model.model_fields.values()
    return [env_names(info)[0] for info in fields if info.is_required() and env_names(info)]


def _copy(tree: Tree) -> Tree:
    return {key: _copy(value) if isinstance(value, dict) else value for key, value in tree.items()}


def _put(tree: Tree, steps: list[str], value: object) -> Path:
    """Write ``value``, matching the file's own spelling of names where only the case differs; return its path."""
    path: list[str | int] = []
    for step in steps[:-1]:
        name = _spelling(tree, step)
        path.append(name)
        below = tree.get(name)
        if not isinstance(below, dict):
            below = tree[name] = {}
        tree = below
    name = _spelling(tree, steps[-1])
    tree[name] = value
    return (*path, name)


def _spelling(tree: Tree, step: str) -> str:
    return next((name for name in tree if name.lower() == step), step)
