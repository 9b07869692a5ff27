"""What one answer's messages show and should show: looks that skip what is settled see what a whole look would."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.delivery.board import Board, Move, Task
from bridge.delivery.draft import Change
from bridge.delivery.messenger import Message
from bridge.model import Control, ControlKind, PartRules, PostedPart, TurnId

RULES = PartRules(limit=200)
STOP = Control(ControlKind.STOP, TurnId("t"), "Stop")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["say", "say", "say", "send", "send", "gone", "lost", "doubt", "trust", "keep", "replace", "note"]
        ),
        st.integers(0, 9),
    ),
    max_size=60,
)


def send(board: Board, task: Task) -> None:
    """Let a message show what it should."""
    if task.move is Move.POST:
        board.messages[task.index : task.index + 1] = [Message(f"m{task.index}")]
    board.shown(task)


def send_all(board: Board) -> None:
    while (task := next(board.tasks(), None)) is not None:
        send(board, task)


def whole_look(board: Board) -> list[Task]:
    """Return what a look sees that skips nothing."""
    board._look_again(0)
    return list(board.tasks())


@settings(max_examples=60)
@given(STEPS)
def test_what_is_skipped_would_show_no_difference(steps: list[tuple[str, int]]) -> None:
    """Whatever happens to messages in the middle."""
    board = Board(RULES, "(maybe twice)", (STOP,))
    for step, number in steps:
        index = number % len(board.messages) if board.messages else 0
        match step:
            case "say":
                board.hear(Change(f"{number} words and more words. " * 12))
            case "send":
                send_all(board)
            case "replace":
                board.hear(Change(f"{number} other words. " * 40, replaces=True))
            case "note":
                board.note = "" if board.note else "Still at it."
            case "trust":
                board.trust({index})
            case _ if not board.messages:
                pass
            case "gone":
                board.gone(index)
            case "lost":
                board.lost(index)
            case "doubt":
                board.doubt(index)
            case "keep":
                board.split_off(len(board.messages) - 1)
        seen = list(board.tasks())
        assert seen == whole_look(board)
    board.finish("The end.", ())
    send_all(board)
    assert whole_look(board) == []


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7])
def test_what_nobody_knows_stays_as_it_stands(count: int) -> None:
    """A restart lost the text and the answer is stopped: its messages are left alone, and one below them says so."""
    board = Board(RULES, "(maybe twice)", (STOP,))
    board.take_over([PostedPart(index, f"m{index}", wordless=False) for index in range(count)])
    board.finish("Stopped.", ())
    for _ in range(3):
        tasks = list(board.tasks())
        assert [(task.index, task.move, task.view.footer) for task in tasks] == [(count, Move.POST, "Stopped.")]
    send(board, tasks[0])
    assert not list(board.tasks())
    assert not board.surplus()


def test_a_look_at_a_long_answer_reads_its_last_parts_alone() -> None:
    """What was shown a hundred parts ago costs nothing."""
    board = Board(RULES, "", ())
    for number in range(100):
        board.hear(Change(f"{number} words and more words, one paragraph of them.\n\n" * 4))
        send_all(board)
    assert len(board.messages) >= 100
    assert len(board.messages) - board._settled <= 4
