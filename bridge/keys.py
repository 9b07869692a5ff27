"""How things are named: conversation keys, turn ids, the user id at the agent (pure).

A key is made of percent-escaped components joined by colons, so that no id can imitate another place.
"""

import base64
import hashlib
import hmac
from urllib.parse import quote

from bridge.model import Author, ControlKind, ConversationKey, Place, Scope, TurnId, TurnRecord

TURN_ID_CHARS = 16


def join_key(*components: str) -> str:
    """Join components into one name; a colon or percent sign inside a component is escaped."""
    return ":".join(quote(component, safe="-_.@!~") for component in components)


def conversation_key(place: Place, author: Author, scope: Scope) -> ConversationKey:
    """Name the conversation that a message of ``author`` at ``place`` belongs to."""
    if scope is Scope.USER:
        return ConversationKey(join_key(place.instance, place.team, f"@{author.id}"))
    if scope is Scope.CHANNEL or place.thread is None:
        return ConversationKey(join_key(place.instance, place.team, place.channel))
    return ConversationKey(join_key(place.instance, place.team, place.channel, place.thread))


def participation_note(place: Place) -> str:
    """Name the note that we take part in a thread where no conversation tells so."""
    return f"takes-part:{join_key(place.instance, place.team, place.channel, place.thread or '')}"


def runs_note(place: Place) -> str:
    """Name the note that workflows were run in a thread: commands there need not name us."""
    return f"runs-in:{join_key(place.instance, place.team, place.channel, place.thread or '')}"


def latest_note(place: Place, author: Author) -> str:
    """Name the note of the thread in which somebody began her latest conversation of a channel, as JSON."""
    return f"latest:{join_key(place.instance, place.team, place.channel, f'@{author.id}')}"


def history_note(key: ConversationKey) -> str:
    """Name the note that holds the history of a conversation whose agent saves none."""
    return f"history:{key}"


def stuck_note(conversation_id: str) -> str:
    """Name the note that a run may occupy an agent's conversation for ever."""
    return f"stuck:{conversation_id}"


def turn_id(delivery_key: str) -> TurnId:
    """Derive the turn's id from what makes its question unique."""
    digest = hashlib.sha256(delivery_key.encode()).digest()
    return TurnId(base64.b32encode(digest).decode().lower()[:TURN_ID_CHARS])


def control_key(turn: TurnRecord, kind: ControlKind, choice: int = 0) -> str:
    """Derive the delivery key of what a control below a turn's answer asks: that of its question, and the control.

    It names nothing of the press: however often and wherever it is pressed, it is one question.
    """
    name = f"{kind}.{choice}" if kind in (ControlKind.FOLLOW_UP, ControlKind.ANSWER) else kind
    return f"{turn.envelope.delivery_key}:{join_key(name)}"


def agent_user_id(key: ConversationKey, place: Place, author: Author, scope: Scope, secret: bytes | None) -> str:
    """Name the user towards the agent, whose service isolates the contexts of different user ids.

    People who share a conversation share the id; people in private never do. ``secret`` keys an HMAC, so that
    neither ids nor their equality across installations leave the house; ``None`` sends the plain name.
    """
    personal = scope is Scope.USER or place.private
    name = join_key(place.instance, place.team, f"@{author.id}") if personal else key
    if secret is None:
        return name
    return hmac.new(secret, name.encode(), hashlib.sha256).hexdigest()[:32]
