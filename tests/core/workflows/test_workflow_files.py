"""Files that come with a call fill the parameters that take files."""

from dataclasses import replace
from typing import Any

from bridge.errors import PlatformUnavailable
from bridge.files.attachments import Wanted
from bridge.model import Attachment, Envelope, FileKind, Outcome, UploadedFile
from bridge.testing.core import core_of
from bridge.testing.fakes import FakeAgent, FakePlatform, envelope
from bridge.testing.workflows import FakeWorkflows, said
from bridge.texts import Say, say
from bridge.workflows.files import assign
from bridge.workflows.settings import WorkflowSettings

CAT = Attachment("F1", "cat.png", "image/png", 3)
DOG = Attachment("F2", "dog.png", "image/png", 3)
PLAN = Attachment("F3", "plan.pdf", "application/pdf", 4)
BIG = Attachment("F4", "big.png", "image/png", 10**9)
PICTURE = {"picture": {"type": "image"}, "about": {"type": "text"}}


def flow(parameters: dict[str, Any]) -> WorkflowSettings:
    """A workflow that takes these."""
    return WorkflowSettings.model_validate({"id": "42", "parameters": parameters})


def call(text: str, *files: Attachment) -> Envelope:
    """Somebody runs it with files."""
    return replace(envelope(text), attachments=files)


def core(parameters: dict[str, Any], *scripts: Any) -> Any:
    """A core with this workflow, on a platform that holds the files."""
    files = {file.id: file.name.encode() for file in (CAT, DOG, PLAN)}
    workflows = FakeWorkflows(*scripts)
    made = core_of(
        FakeAgent(), workflows=workflows, flows={"look": flow(parameters)}, platform=FakePlatform(files=files)
    )
    return workflows, made


def test_files_are_given_in_order() -> None:
    """Images to images, anything to files, a list takes all that fit; what has a value keeps it."""
    parameters = flow(
        {"a": {"type": "image"}, "b": {"type": "file"}, "c": {"type": "image", "many": True}, "d": {"type": "string"}}
    ).parameters
    cat, dog, plan = (
        Wanted(envelope(), file, kind)
        for file, kind in ((CAT, FileKind.IMAGE), (DOG, FileKind.IMAGE), (PLAN, FileKind.FILE))
    )
    assert assign(parameters, (), [plan, cat, dog]) == {"a": [cat], "b": [plan], "c": [dog]}
    assert assign(parameters, ("a", "b"), [plan, cat, dog]) == {"c": [cat, dog]}
    assert assign(parameters, (), []) == {}


async def test_an_image_is_a_value() -> None:
    """It is uploaded and goes along by its id; the words are for the parameter that takes words."""
    workflows, made = core(PICTURE, said("A cat."))
    async with made as running:
        assert await running.answered(call("!run look What is this?", CAT)) == ["A cat."]
    assert workflows.runs[0].parameters == {"picture": UploadedFile("file-cat.png"), "about": "What is this?"}


async def test_a_file_too_many_is_told() -> None:
    """The run takes one; the others stay behind, and that is said. A link that was given is not replaced."""
    workflows, made = core(PICTURE, said("A cat."))
    async with made as running:
        shown = await running.answered(call("!run look picture=https://x.example/1.png about=this", CAT))
        assert shown == ["A cat.\n\n" + say(Say.RUN_WITHOUT_FILES, "en")]
    assert workflows.runs[0].parameters["picture"] == "https://x.example/1.png"


async def test_a_file_that_cannot_be_had_is_no_run() -> None:
    """Known beforehand or found out: nothing is run, and the reason is told."""
    workflows, made = core(PICTURE)
    async with made as running:
        record = await running.ask(call("!run look this", BIG))
        assert record.outcome is Outcome.REFUSED
        too_large = f"big.png ({say(Say.FILE_TOO_LARGE, 'en', max=20)})"
        assert say(Say.RUN_FILES_LACKING, "en", files=too_large) in running.platform.visible()[0]
    workflows, made = core(PICTURE)
    async with made as running:
        running.platform.errors["fetch"] = [PlatformUnavailable("away", outcome_unknown=False)]
        record = await running.ask(call("!run look this", CAT))
        assert record.outcome is Outcome.FAILED
        lacking = f"cat.png ({say(Say.FILE_NOT_READ, 'en')})"
        assert running.platform.visible() == [say(Say.RUN_FILES_LACKING, "en", files=lacking)]
    assert not workflows.runs
