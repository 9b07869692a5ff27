"""Files that come with a call, as values of the workflow's parameters (pure)."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from bridge.files.attachments import MEGABYTE, FileRules, Wanted, kind_of, readable_name
from bridge.model import Attachment, FileKind, QuestionFile, UploadedFile, ValueKind
from bridge.texts import Say
from bridge.workflows.settings import ParameterSettings
from bridge.workflows.values import Problem

TAKES_FILES = (ValueKind.IMAGE, ValueKind.FILE)


def file_names(parameters: Mapping[str, ParameterSettings]) -> tuple[str, ...]:
    """Return the parameters that take files."""
    return tuple(name for name, parameter in parameters.items() if parameter.type in TAKES_FILES)


def assign(
    parameters: Mapping[str, ParameterSettings], given: Collection[str], files: Sequence[Wanted]
) -> dict[str, list[Wanted]]:
    """Give files to the parameters that have no value yet: images to ``image``, anything to ``file``.

    First each to the one it was given for, the others in order.

    Args:
        given: The parameters that have a value.
    """
    shared = _share(parameters, given, [(file.attachment.given_for, file.kind) for file in files])
    return {name: [files[place] for place in places] for name, places in shared.items()}


def filled_by(
    parameters: Mapping[str, ParameterSettings], given: Collection[str], files: Sequence[Attachment]
) -> tuple[str, ...]:
    """Return the parameters that files will fill, if they can be passed on."""
    return tuple(_share(parameters, given, [(file.given_for, kind_of(file)) for file in files]))


def misfits(
    parameters: Mapping[str, ParameterSettings], files: Iterable[Attachment], rules: FileRules
) -> dict[str, Problem]:
    """Tell what is wrong with files that were given for a parameter: kind or size, as far as it is known unread."""
    return {
        file.given_for: problem
        for file in files
        if file.given_for in parameters and (problem := _misfit(parameters[file.given_for], file, rules))
    }


def usable(
    parameters: Mapping[str, ParameterSettings], files: Iterable[Attachment], rules: FileRules
) -> tuple[Attachment, ...]:
    """Return the files that can be passed on, as far as it is known unread: what they fill need not be asked for."""
    return tuple(
        file
        for file in files
        if kind_of(file) in rules.kinds
        and file.size_bytes <= rules.max_bytes
        and (file.given_for not in parameters or _fits(parameters[file.given_for], kind_of(file)))
    )


def _misfit(parameter: ParameterSettings, file: Attachment, rules: FileRules) -> Problem | None:
    kind, named = kind_of(file), {"name": file.given_for, "value": readable_name(file.name)}
    if not _fits(parameter, kind):
        return Problem(Say.VALUE_NOT_IMAGE, named)
    if kind not in rules.kinds:
        return Problem(Say.VALUE_FILE_KIND, named)
    if file.size_bytes > rules.max_bytes:
        return Problem(Say.VALUE_FILE_TOO_LARGE, {**named, "max": f"{rules.max_bytes / MEGABYTE:g}"})
    return None


def unfitting(parameters: Mapping[str, ParameterSettings], name: str, files: Iterable[Attachment]) -> Problem | None:
    """Tell that a file came along which the parameter ``name`` does not take, where it got none."""
    parameter = parameters[name]
    bad = next((file for file in files if not file.given_for and not _fits(parameter, kind_of(file))), None)
    if bad is None or parameter.type not in TAKES_FILES:
        return None
    return Problem(Say.VALUE_NOT_IMAGE, {"name": name, "value": readable_name(bad.name)})


def _share(
    parameters: Mapping[str, ParameterSettings], given: Collection[str], files: Sequence[tuple[str, FileKind]]
) -> dict[str, list[int]]:
    """Return which files, by their places in the order, each parameter gets."""
    left = list(range(len(files)))
    shared: dict[str, list[int]] = {}
    takers = [name for name in file_names(parameters) if name not in given]
    for named in (True, False):
        for name in takers:
            if name in shared and not parameters[name].many:
                continue
            wanted = name if named else ""
            fitting = [at for at in left if files[at][0] == wanted and _fits(parameters[name], files[at][1])]
            if taken := fitting if parameters[name].many else fitting[:1]:
                shared[name] = shared.get(name, []) + taken
                left = [at for at in left if at not in taken]
    return shared


def _fits(parameter: ParameterSettings, kind: FileKind) -> bool:
    return parameter.type is ValueKind.FILE or kind is FileKind.IMAGE


def file_value(file: QuestionFile) -> UploadedFile | str:
    """Return an uploaded file as a parameter's value: by its id, or where the service has no ids by its address."""
    return file.reference if "://" in file.reference else UploadedFile(file.reference)
