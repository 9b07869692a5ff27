"""Which rows of the file hold which part of a ``Book``.

    turn/ID            an unfinished turn, with its number
    ended/ID/TIME      an ended turn; the name carries what must be known of all of them, so that opening a file reads
                       names only, and neither the duplicate check nor the purge reads a record
    conversation/KEY   where a conversation key leads
    note/NAME          a small fact
    meta/epoch         how often the file was opened; lease tokens grow with it

**Why the ids of all ended turns stay in memory**: the duplicate check happens before every acknowledgement, and must be
decided together with the writes of its batch. An id and a time cost about 250 bytes, 2.5 MB for ten thousand turns; a
read of the file would cost a wait behind the commit that is under way.
"""

from collections.abc import Iterable, Iterator

from bridge.model import RECORD_VERSION, Conversation, ConversationKey, TurnId, TurnRecord
from bridge.stores import failures
from bridge.stores.book import Book, EndedTurn, compact
from bridge.stores.database import Database
from bridge.stores.records import LiveTurn, Note, R, UnreadableRecord, decode, encode

TURN, ENDED, CONVERSATION, NOTE = "turn/", "ended/", "conversation/", "note/"
EPOCH = "meta/epoch"

Rows = dict[str, str | None]
"""Texts by row name; ``None`` deletes."""


def ended_name(turn_id: TurnId, changed_at_s: float) -> str:
    """Return the name of an ended turn's row; ``repr`` gives the exact number back."""
    return f"{ENDED}{turn_id}/{changed_at_s!r}"


def parse_ended_name(name: str) -> tuple[TurnId, float]:
    """Return what the name of an ended turn's row tells."""
    turn_id, _, changed_at_s = name.removeprefix(ENDED).rpartition("/")
    return TurnId(turn_id), float(changed_at_s)


def staged_rows(book: Book) -> Rows:
    """Return the rows that make the staged changes of a book durable."""
    rows: Rows = {}
    for turn_id, live in book.turns.staged.items():
        if live is not None or turn_id in book.turns.settled:
            rows[TURN + turn_id] = encode(live) if live else None
    for turn_id, ended in book.ended.staged.items():
        if old := book.ended.settled.get(turn_id):
            rows[ended_name(turn_id, old.changed_at_s)] = None
        if ended is not None:
            rows[ended_name(turn_id, ended.changed_at_s)] = encode(ended.turn)
    for key, conversation in book.conversations.staged.items():
        rows[CONVERSATION + key] = encode(conversation) if conversation else None
    for name, note in book.notes.staged.items():
        rows[NOTE + name] = encode(note) if note else None
    return rows


def rows_in_doubt(book: Book, names: Iterable[str]) -> Rows:
    """Return what rows of these names must hold for the file to say what the book says, after a batch with them failed.

    A purge that failed cannot be taken back, because its turns may be gone and their texts were on disk only: it is
    staged once more.
    """
    rows: Rows = {}
    for name in names:
        found: object
        kind, _, key = name.partition("/")
        match kind + "/":
            case "turn/":
                found = book.turns.settled.get(TurnId(key))
            case "conversation/":
                found = book.conversations.settled.get(ConversationKey(key))
            case "note/":
                found = book.notes.settled.get(key)
            case _:
                found = _ended_in_doubt(book, *parse_ended_name(name))
        rows[name] = encode(found) if found else None
    return rows


def _ended_in_doubt(book: Book, turn_id: TurnId, changed_at_s: float) -> TurnRecord | None:
    ended = book.ended.settled.get(turn_id)
    if ended is None or ended.changed_at_s != changed_at_s:
        return None
    if ended.turn is None:
        book.ended.stage(turn_id, None)
    return ended.turn


def open_book(database: Database, path: object) -> Book:
    """Read what must be in memory, and begin a new epoch; that write also proves that the file can be written.

    Raises:
        StoreUnavailable: A row is unreadable, or the file is.
    """
    rows = RowReader(database, path)
    epoch = rows.epoch() + 1
    database.write({EPOCH: encode({"v": RECORD_VERSION, "epoch": epoch})})
    book = Book(epoch=epoch, keeps_ended=False)
    book.turns.load((live.turn.turn_id, live) for live in rows.all(TURN, LiveTurn))
    book.conversations.load((kept.key, compact(kept)) for kept in rows.all(CONVERSATION, Conversation))
    book.notes.load((note.name, note) for note in rows.all(NOTE, Note))
    names = (parse_ended_name(name) for name in database.read_names(ENDED))
    book.ended.load((turn_id, EndedTurn(changed_at_s, None)) for turn_id, changed_at_s in names)
    return book


class RowReader:
    """Rows as records. Raises ``StoreUnavailable`` naming the row that cannot be understood."""

    def __init__(self, database: Database, path: object) -> None:
        self._database = database
        self._path = path

    def all(self, prefix: str, kind: type[R]) -> Iterator[R]:
        for name, text in self._database.read_all(prefix):
            yield self._decode(name, text, kind)

    def ended_turn(self, turn_id: TurnId, changed_at_s: float) -> TurnRecord | None:
        name = ended_name(turn_id, changed_at_s)
        text = self._database.read(name)
        return None if text is None else self._decode(name, text, TurnRecord)

    def epoch(self) -> int:
        text = self._database.read(EPOCH)
        return 0 if text is None else int(self._decode(EPOCH, text, dict[str, int])["epoch"])

    def _decode(self, name: str, text: str, kind: type[R]) -> R:
        try:
            return decode(text, kind)
        except UnreadableRecord as exc:
            raise failures.unreadable_row(self._path, name, str(exc)) from exc
