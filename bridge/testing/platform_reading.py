"""The promises of ``resolve`` and ``earlier_messages``, which never stand in an answer's way; part of the suite."""

import asyncio
from dataclasses import replace

from bridge.model import Addressing, EarlierMessage
from bridge.ports import Platform
from bridge.testing.platform_harness import DEADLINE_S, Ability, Disturbance, PlatformHarness, Speaker
from bridge.testing.platform_scene import Asked, Scene, needs, on_stage

MANY = 100


class ReadingPromises:
    """Part of ``PlatformContract``."""

    # --- resolve ---

    async def test_resolving_finds_names(self, harness: PlatformHarness) -> None:
        """Of the author and the place, and the author's language: as far as the service knows them."""
        needs(harness, Ability.NAMES)
        async with on_stage(harness) as scene:
            for speaker in (Speaker.ANN, Speaker.BOB):
                asked = await scene.ask(by=speaker)
                resolved = await scene.platform.resolve(asked.envelope)
                said = asked.said
                assert said.author_name in ("", resolved.author.name)
                assert said.channel_name in ("", resolved.place.channel_name)
                assert resolved.author.locale.startswith(said.language)

    async def test_resolving_changes_nothing_else(self, harness: PlatformHarness) -> None:
        """Keys, ids and words stay; done twice it is the same."""
        async with on_stage(harness) as scene:
            envelope = (await scene.ask("What is 1 < 2?")).envelope
            resolved = await scene.platform.resolve(envelope)
            author = replace(envelope.author, name=resolved.author.name, locale=resolved.author.locale)
            place = replace(envelope.place, channel_name=resolved.place.channel_name)
            assert resolved == replace(envelope, author=author, place=place)
            assert await scene.platform.resolve(resolved) == resolved

    async def test_mentions_of_others_become_names(self, harness: PlatformHarness) -> None:
        """An agent can make nothing of an id."""
        needs(harness, Ability.PEOPLE)
        async with on_stage(harness) as scene:
            bob = await scene.ask("It is me", by=Speaker.BOB)
            asked = await scene.ask(f"Ask {harness.mention_of(Speaker.BOB)}, please")
            resolved = await scene.platform.resolve(asked.envelope)
            assert resolved.text == f"Ask @{bob.said.author_name}, please"

    async def test_resolving_survives_an_outage(self, harness: PlatformHarness) -> None:
        """What cannot be found out stays as it is: a name is never worth an answer."""
        needs(harness, Ability.NETWORK)
        async with on_stage(harness) as scene:
            envelope = (await scene.ask()).envelope
        async with harness.make_unreachable() as platform, asyncio.timeout(DEADLINE_S):
            assert await platform.resolve(envelope) == envelope

    # --- earlier messages ---

    async def test_nothing_comes_before_the_beginning(self, harness: PlatformHarness) -> None:
        """A question that begins a conversation has no earlier messages, and is none itself."""
        async with on_stage(harness) as scene:
            asked = await scene.ask()
            assert list(await scene.platform.earlier_messages(asked.envelope, MANY)) == []

    async def test_earlier_messages_are_told_in_order(self, harness: PlatformHarness) -> None:
        """Of people and of ours, readable, oldest first, without the question; bounded, and the newest are kept."""
        needs(harness, Ability.ROOMS, Ability.FOLLOW_UPS, Ability.HISTORY)
        async with on_stage(harness) as scene:
            question = await _after_some_talk(scene)
            every = await _earlier(scene.platform, question, MANY)
            assert [(message.text, message.ours) for message in every] == [
                ("Why is the sky < the sea?", False),
                ("Because of the light.", True),
                ("No it is not!", False),
            ]
            if ann := question.said.author_name:
                assert every[0].author_name == ann
                assert every[2].author_name not in ("", ann)
            for limit in range(4):
                few = await _earlier(scene.platform, question, limit)
                assert len(few) == limit
                assert [message for message in every if message in few] == few
                assert limit < 2 or few[-1] == every[-1]

    async def test_an_unreadable_history_is_empty(self, harness: PlatformHarness) -> None:
        """Forbidden or unreachable: the question is answered without it."""
        needs(harness, Ability.ROOMS, Ability.FOLLOW_UPS, Ability.HISTORY, Ability.NETWORK)
        async with on_stage(harness) as scene:
            question = await _after_some_talk(scene)
            await harness.disturb(Disturbance.FORBID_HISTORY)
            assert await _earlier(scene.platform, question, MANY) == []
        async with harness.make_unreachable() as platform:
            assert await _earlier(platform, question, MANY) == []


async def _after_some_talk(scene: Scene) -> Asked:
    """Let a thread go on for a while and return the question that stands at its end."""
    root, reply, _ = await scene.answer("Because of the light.", to=await scene.ask("Why is the sky < the sea?"))
    await reply.settle()
    await scene.ask("No it is not!", Addressing.FOLLOW_UP, by=Speaker.BOB, under=root)
    return await scene.ask("Who is right?", Addressing.MENTION, under=root)


async def _earlier(platform: Platform, question: Asked, limit: int) -> list[EarlierMessage]:
    async with asyncio.timeout(DEADLINE_S):
        return list(await platform.earlier_messages(question.envelope, limit))
