"""The official client, unpatched, on conversations, messages, files, bots, account and OAuth."""

import asyncio
import io
from typing import Any

import cozepy
import pytest
from cozepy import Coze, JWTAuth, JWTOAuthApp, Message, MessageContentType, MessageRole
from cozepy.conversations.message.feedback import FeedbackType

from sandbox.coze import CozeEmulator

BOT = "7498000011112222333"


async def test_a_conversation_from_creation_to_deletion(official: Any) -> None:
    """Create, retrieve, rename, list, clear and delete agree with one another."""

    def work(coze: Any) -> None:
        created = coze.conversations.create(
            bot_id=BOT, name="First", meta_data={"k": "v"}, messages=[Message.build_user_question_text("hello")]
        )
        assert created.last_section_id == created.id
        assert coze.conversations.retrieve(conversation_id=created.id).meta_data == {"k": "v"}
        assert coze.conversations.update(conversation_id=created.id, name="Second").name == "Second"
        assert [item.id for item in coze.conversations.list(bot_id=BOT)] == [created.id]
        section = coze.conversations.clear(conversation_id=created.id)
        assert section.id != created.id
        assert coze.conversations.retrieve(conversation_id=created.id).last_section_id == section.id
        assert [message.content for message in coze.conversations.messages.list(conversation_id=created.id)] == [
            "hello"
        ]
        coze.conversations.delete(conversation_id=created.id)
        with pytest.raises(cozepy.CozeAPIError) as gone:
            coze.conversations.retrieve(conversation_id=created.id)
        assert gone.value.code == 4002

    await official(work)


async def test_conversations_are_listed_page_by_page(official: Any) -> None:
    """Paging through conversations meets every one of them, the newest first."""

    def work(coze: Any) -> tuple[list[str], list[str]]:
        made = [coze.conversations.create(bot_id=BOT).id for _ in range(5)]
        return made, [item.id for item in coze.conversations.list(bot_id=BOT, page_size=2)]

    made, listed = await official(work)
    assert listed == made[::-1]


async def test_a_message_from_creation_to_deletion(official: Any) -> None:
    """Create, retrieve, modify, list and delete a message; a modification comes back under its own key."""

    def work(coze: Any) -> None:
        conversation_id = coze.conversations.create().id
        messages = coze.conversations.messages
        created = messages.create(
            conversation_id=conversation_id,
            role=MessageRole.USER,
            content="draft",
            content_type=MessageContentType.TEXT,
            meta_data={"k": "v"},
        )
        ids = {"conversation_id": conversation_id, "message_id": created.id}
        assert messages.retrieve(**ids).meta_data == {"k": "v"}
        changed = messages.update(**ids, content="final", content_type=MessageContentType.TEXT)
        assert (changed.id, changed.content) == (created.id, "final")
        assert messages.retrieve(**ids).content == "final"
        assert messages.delete(**ids).id == created.id
        assert list(messages.list(conversation_id=conversation_id)) == []

    await official(work)


async def test_messages_are_listed_page_by_page(official: Any) -> None:
    """Paging by the last id meets every message in order, either way round."""

    def work(coze: Any) -> tuple[list[str], list[str]]:
        conversation_id = coze.conversations.create(
            messages=[Message.build_user_question_text(str(number)) for number in range(7)]
        ).id
        listed = coze.conversations.messages
        ascending = listed.list(conversation_id=conversation_id, order="asc", limit=3)
        descending = listed.list(conversation_id=conversation_id, limit=3)
        return [m.content for m in ascending], [m.content for m in descending]

    ascending, descending = await official(work)
    assert ascending == [str(number) for number in range(7)]
    assert descending == ascending[::-1]


async def test_feedback_is_given_and_withdrawn(emulator: CozeEmulator, official: Any) -> None:
    """An answer can be liked with reasons, and the verdict taken back."""
    emulator.script("Judge me.")

    def work(coze: Any) -> tuple[dict[str, str], Any]:
        chat = coze.chat.create_and_poll(
            bot_id=BOT, user_id="u", additional_messages=[Message.build_user_question_text("?")]
        )
        answer = next(message for message in chat.messages if message.type == "answer")
        ids = {"conversation_id": chat.chat.conversation_id, "message_id": answer.id}
        feedback = coze.conversations.messages.feedback
        feedback.create(**ids, feedback_type=FeedbackType.UNLIKE, reason_types=["wrong"], comment="No.")
        given = emulator.world.conversations[ids["conversation_id"]].message(answer.id).feedback
        feedback.delete(**ids)
        return ids, given

    ids, given = await official(work)
    assert given == {"feedback_type": "unlike", "reason_types": ["wrong"], "comment": "No."}
    assert emulator.world.conversations[ids["conversation_id"]].message(ids["message_id"]).feedback is None


async def test_a_file_is_uploaded_and_retrieved(official: Any) -> None:
    """An upload returns an id and a size that retrieving confirms."""

    def work(coze: Any) -> tuple[cozepy.File, cozepy.File]:
        uploaded = coze.files.upload(file=("receipt.png", io.BytesIO(b"\x89PNG" * 100)))
        return uploaded, coze.files.retrieve(file_id=uploaded.id)

    uploaded, retrieved = await official(work)
    assert (uploaded.file_name, uploaded.bytes) == ("receipt.png", 400)
    assert (retrieved.id, retrieved.bytes) == (uploaded.id, 400)


@pytest.mark.parametrize("api_version", [1, 2])
async def test_a_bot_is_read_by_both_routes(official: Any, api_version: int) -> None:
    """The deprecated and the current route both tell the prologue and the suggested questions."""
    bot = await official(lambda coze: coze.bots.retrieve(bot_id=BOT, use_api_version=api_version))
    assert bot.name == "News"
    assert bot.onboarding_info.prologue == "Hello {{user_name}}!"
    assert bot.onboarding_info.suggested_questions == ["What is new?"]


@pytest.mark.parametrize("api_version", [1, 2])
async def test_bots_and_workspaces_are_listed(official: Any, api_version: int) -> None:
    """The bots of the only workspace are found through either list."""

    def work(coze: Any) -> list[str]:
        (workspace,) = coze.workspaces.list()
        return [bot.id for bot in coze.bots.list(space_id=workspace.id, use_api_version=api_version)]

    assert await official(work) == [BOT]


async def test_users_me_names_the_account(official: Any) -> None:
    """The account of the token is told."""
    assert (await official(lambda coze: coze.users.me())).user_id == "1000"


async def test_an_oauth_app_buys_a_token_and_chats(emulator: CozeEmulator, key_pair: tuple[str, str]) -> None:
    """The official JWT application gets a token that works and ends when it says."""
    private_pem, public_pem = key_pair
    emulator.add_oauth_app("app-1", "key-1", public_pem)
    emulator.script("Through OAuth.")

    def work() -> tuple[int, str]:
        app = JWTOAuthApp("app-1", private_pem, "key-1", emulator.base_url)
        try:
            expires_in = app.get_access_token(ttl=600).expires_in
            with cozepy.SyncHTTPClient(trust_env=False) as http:  # type: ignore[no-untyped-call] # untyped there
                coze: Any = Coze(JWTAuth(oauth_app=app), emulator.base_url, http)
                poll = coze.chat.create_and_poll(
                    bot_id=BOT, user_id="u", additional_messages=[Message.build_user_question_text("?")]
                )
                return expires_in, poll.messages[0].content
        finally:
            app._requester.sync_client.close()

    expires_in, answer = await asyncio.to_thread(work)
    assert 0 < expires_in - emulator.clock.now() <= 600
    assert answer == "Through OAuth."


async def test_an_unknown_key_buys_nothing(emulator: CozeEmulator, key_pair: tuple[str, str]) -> None:
    """A JWT signed for a key the console does not know is refused."""

    def work() -> cozepy.CozeAPIError:
        app = JWTOAuthApp("app-1", key_pair[0], "key-of-nobody", emulator.base_url)
        try:
            with pytest.raises(cozepy.CozeAPIError) as refused:
                app.get_access_token()
            return refused.value
        finally:
            app._requester.sync_client.close()

    assert "unknown" in (await asyncio.to_thread(work)).msg
