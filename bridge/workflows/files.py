"""Files that come with a call, as values of the workflow's parameters (pure)."""

from collections.abc import Collection, Mapping, Sequence

from bridge.files.attachments import Wanted
from bridge.model import FileKind, QuestionFile, UploadedFile, ValueKind
from bridge.workflows.settings import ParameterSettings

TAKES_FILES = (ValueKind.IMAGE, ValueKind.FILE)


def file_names(parameters: Mapping[str, ParameterSettings]) -> tuple[str, ...]:
    """Return the parameters that take files."""
    return tuple(name for name, parameter in parameters.items() if parameter.type in TAKES_FILES)


def assign(
    parameters: Mapping[str, ParameterSettings], given: Collection[str], files: Sequence[Wanted]
) -> dict[str, list[Wanted]]:
    """Give files to the parameters that have no value yet, both in order: images to ``image``, anything to ``file``.

    Args:
        given: The parameters that have a value.
    """
    left = list(files)
    assigned: dict[str, list[Wanted]] = {}
    for name in file_names(parameters):
        if name in given:
            continue
        parameter = parameters[name]
        fitting = [file for file in left if parameter.type is ValueKind.FILE or file.kind is FileKind.IMAGE]
        if taken := fitting if parameter.many else fitting[:1]:
            assigned[name] = taken
            left = [file for file in left if file not in taken]
    return assigned


def file_value(file: QuestionFile) -> UploadedFile | str:
    """Return an uploaded file as a parameter's value: by its id, or where the service has no ids by its address."""
    return file.reference if "://" in file.reference else UploadedFile(file.reference)
