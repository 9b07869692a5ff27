"""Names: of conversations, turns and users."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.keys import TURN_ID_CHARS, agent_user_id, conversation_key, join_key, turn_id
from bridge.model import Author, Place, Scope

ANN, BEN = Author("U1"), Author("U2")
THREAD = Place("chat", "T1", "C1", "1.0")
DIRECT = Place("chat", "T1", "D1", "1.0", private=True)
SECRET = b"a secret of the house"


def test_what_a_scope_shares() -> None:
    """A thread, a channel or a person: each scope names just that."""
    assert conversation_key(THREAD, ANN, Scope.THREAD) == "chat:T1:C1:1.0"
    assert conversation_key(THREAD, ANN, Scope.CHANNEL) == "chat:T1:C1"
    assert conversation_key(THREAD, ANN, Scope.USER) == "chat:T1:@U1"


@given(st.lists(st.text(), min_size=1), st.lists(st.text(), min_size=1))
def test_different_components_never_make_the_same_key(left: list[str], right: list[str]) -> None:
    """No id can imitate another place by containing a colon."""
    assert (join_key(*left) == join_key(*right)) == (left == right)


def test_a_turn_id_is_short_stable_and_plain() -> None:
    """16 base32 characters that every repeat of the same question gives again."""
    assert turn_id("chat:T1:C1:1") == turn_id("chat:T1:C1:1") != turn_id("chat:T1:C1:2")
    assert len(turn_id("x")) == TURN_ID_CHARS
    assert turn_id("x").isalnum()
    assert turn_id("x").islower()


def user_id(place: Place, author: Author, scope: Scope = Scope.THREAD, secret: bytes | None = SECRET) -> str:
    """The user id at the agent for a message of ``author`` at ``place``."""
    return agent_user_id(conversation_key(place, author, scope), place, author, scope, secret)


def test_people_in_one_thread_share_the_agents_context() -> None:
    """Two people of one thread are one user to the agent."""
    assert user_id(THREAD, ANN) == user_id(THREAD, BEN)


def test_people_in_direct_messages_never_share() -> None:
    """Even with the same channel id, two people in private are two users."""
    assert user_id(DIRECT, ANN) != user_id(DIRECT, BEN)


def test_a_person_is_the_same_user_in_private_and_by_user_scope() -> None:
    """Direct messages and scope ``user`` name the person, not the place."""
    assert user_id(DIRECT, ANN) == user_id(THREAD, ANN, Scope.USER)


def test_ids_leave_the_house_only_when_the_operator_says_plain() -> None:
    """With a secret the agent sees 32 hexadecimal digits; without one, the plain name."""
    assert "U1" not in user_id(DIRECT, ANN)
    assert len(user_id(DIRECT, ANN)) == 32
    assert user_id(DIRECT, ANN, secret=None) == "chat:T1:@U1"
    assert user_id(DIRECT, ANN, secret=b"another secret") != user_id(DIRECT, ANN)
