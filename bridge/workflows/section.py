"""A configuration section for a workflow, written from the workflow's own description (pure)."""

import json
import re

from bridge.model import SchemaParameter, ValueKind, WorkflowDetails
from bridge.workflows.settings import PARAMETER_NAME

MAX_NAME_CHARS = 32
SLASH = re.compile(r"[a-z0-9_-]{1,31}")
"""What a slash command may be called; its setting says the same."""
UNSPEAKABLE = re.compile(r"[^\w-]+")


def section_name(details: WorkflowDetails, wanted: str = "") -> str:
    """Derive what people will type from the workflow's name, or from a wanted one."""
    name = UNSPEAKABLE.sub("-", (wanted or details.name).strip().lower()).strip("-_")[:MAX_NAME_CHARS]
    return name or f"workflow-{details.workflow_id[-4:]}"


def write_section(details: WorkflowDetails, name: str, agent: str = "") -> str:
    """Write the section ``[workflows.NAME]`` with a comment where a person has to decide.

    Args:
        agent: The agent that runs it; empty for the default one.
    """
    key = _key(name)
    lines = [f"[workflows.{key}]", f"id = {_text(details.workflow_id)}"]
    if agent:
        lines.append(f"agent = {_text(agent)}")
    if details.description:
        lines.append(f"description = {_text(' '.join(details.description.split()))}")
    if SLASH.fullmatch(name):
        lines.append(
            "# A slash command of its own; where an app has a manifest, that must have it too. Leave it out for none."
        )
        lines.append(f"slash = {_text(f'/{name}')}")
    if details.app_id:
        lines.append(f"app_id = {_text(details.app_id)}")
    if details.chatflow:
        lines.append("as_chat = true")
    else:
        lines.append('# "sync" waits for one reply, 90 s at most; "async" may take a day and needs a paid plan.')
        lines.append('run = "stream"')
    if details.parameters is None:
        lines += [
            "# This server does not tell what the workflow takes: add a section for each parameter of its start node.",
            f"#[workflows.{key}.parameters.NAME]",
            '#type = "string"',
        ]
    for parameter in details.parameters or ():
        lines += ["", *_parameter_lines(key, parameter)]
    return "\n".join(lines) + "\n"


def _parameter_lines(key: str, parameter: SchemaParameter) -> list[str]:
    if PARAMETER_NAME.fullmatch(parameter.name) is None:
        return [f"# The parameter {parameter.name!r} cannot be given: its name is not one of letters and digits."]
    lines = [f"[workflows.{key}.parameters.{parameter.name}]", f"type = {_text(parameter.kind)}"]
    if parameter.kind is ValueKind.STRING and not parameter.many:
        lines.append('# "text" for several lines; "choice" with choices = ["a", "b"] for a fixed set.')
    if parameter.many:
        lines.append("many = true")
    if parameter.description:
        lines.append(f"description = {_text(' '.join(parameter.description.split()))}")
    if not parameter.required:
        lines.append("required = false")
    if parameter.default:
        lines.append(f"# Coze's own default, taken by itself: {' '.join(parameter.default.split())}")
    return lines


def _key(name: str) -> str:
    return name if name.isascii() else _text(name)


def _text(value: str) -> str:
    """Write a TOML string; JSON's escapes are TOML's."""
    return json.dumps(value, ensure_ascii=False)
