"""The promises of ``FilingReply``: files of answers, each shown once, and taken away again."""

import pytest

from bridge.errors import PlatformUnavailable
from bridge.model import AnswerFile
from bridge.ports import FilingReply, Reply
from bridge.testing.platform_harness import FILE_CONTENT, Ability, Call, Disturbance, PlatformHarness
from bridge.testing.platform_scene import Asked, Scene, eventually, needs, on_stage

CAT, DOG = (AnswerFile(number, f"{name}.png", "image/png", FILE_CONTENT) for number, name in enumerate(("cat", "dog")))
SHOWN = ("cat.png", FILE_CONTENT)


class FilingPromises:
    """Part of ``PlatformContract``."""

    async def test_files_of_an_answer_are_shown(self, harness: PlatformHarness) -> None:
        """Where it stands, with their names and bytes, in order; what is noted is told before."""
        needs(harness, Ability.ANSWER_FILES)
        async with on_stage(harness) as scene:
            asked, reply, _ = await scene.answer()
            notes = [await attach(reply, file) for file in (CAT, DOG)]
            await shown(scene, asked, SHOWN, ("dog.png", FILE_CONTENT))
            assert all(notes)
            assert "Well, thank you." in harness.visible(asked.said)

    async def test_files_are_no_parts_of_the_answer(self, harness: PlatformHarness) -> None:
        """Who looks for a part that was lost does not find a file."""
        needs(harness, Ability.ANSWER_FILES)
        async with on_stage(harness) as scene:
            asked, reply, message_id = await scene.answer()
            await attach(reply, CAT)
            await shown(scene, asked, SHOWN)
            later = asked.reply_on(scene.platform)
            assert await later.find_posted(1, {0: message_id}) is None

    async def test_a_file_whose_response_was_lost_is_shown_once(self, harness: PlatformHarness) -> None:
        """By what was noted the next try knows, also after a restart; one that did not arrive is shown by it."""
        needs(harness, Ability.ANSWER_FILES, Ability.LOST_CALLS)
        for lost in (Disturbance.LOSE_RESPONSE, Disturbance.LOSE_REQUEST):
            async with on_stage(harness) as scene:
                asked, reply, _ = await scene.answer()
                await harness.disturb(lost, Call.ATTACH)
                notes: list[str] = []
                with pytest.raises(PlatformUnavailable):
                    await attach(reply, CAT, notes=notes)
                assert notes
                await attach(asked.reply_on(scene.platform), CAT, notes[-1])
                await shown(scene, asked, SHOWN)

    async def test_a_file_can_be_taken_away(self, harness: PlatformHarness) -> None:
        """By what was noted last; one that is gone is fine."""
        needs(harness, Ability.ANSWER_FILES, Ability.MESSAGES)
        async with on_stage(harness) as scene:
            asked, reply, _ = await scene.answer()
            notes = await attach(reply, CAT)
            await shown(scene, asked, SHOWN)
            later = asked.reply_on(scene.platform)
            assert isinstance(later, FilingReply)
            for _ in range(2):
                await later.detach(notes[-1])
            await shown(scene, asked)


async def attach(reply: Reply, file: AnswerFile, noted: str = "", *, notes: list[str] | None = None) -> list[str]:
    """Show a file; returns what was noted of it."""
    assert isinstance(reply, FilingReply), "no FilingReply: declare ANSWER_FILES absent"
    notes = [] if notes is None else notes

    async def note(handle: str) -> None:
        notes.append(handle)

    await reply.attach(file, noted, note)
    return notes


async def shown(scene: Scene, asked: Asked, *files: tuple[str, bytes]) -> None:
    """Expect exactly these files below a question; a service may take its time."""
    await eventually(lambda: len(scene.harness.files(asked.said)) == len(files), f"{len(files)} files")
    assert list(scene.harness.files(asked.said)) == list(files)
