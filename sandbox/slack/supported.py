"""The Web API methods this emulator supports: which token, which scope, which rate limit tier.

A test compares this table with the handlers that are really there. A method without a fixed scope decides by the
kind of channel (reference section 11, Slack's method pages).
"""

from dataclasses import dataclass

from sandbox.slack.auth import TokenKind


@dataclass(frozen=True, slots=True)
class MethodRule:
    """What a method demands.

    Attributes:
        scopes: Any one of them suffices; empty for none.
        tier: 1 to 4; 0 for a limit of its own, or none worth imitating.
    """

    scopes: tuple[str, ...] = ()
    tier: int = 0
    token: TokenKind = "bot"


CHAT = ("chat:write",)
ASSISTANT = ("assistant:write",)

SUPPORTED_METHODS: dict[str, MethodRule] = {
    "agents.sessions.rename": MethodRule(CHAT, 3),
    "agents.sessions.setStatus": MethodRule(CHAT, 3),
    "apps.connections.open": MethodRule(("connections:write",), 3, "app"),
    "assistant.threads.setStatus": MethodRule(("chat:write", "assistant:write")),
    "assistant.threads.setSuggestedPrompts": MethodRule(ASSISTANT, 4),
    "assistant.threads.setTitle": MethodRule(ASSISTANT, 4),
    "auth.test": MethodRule(token="any"),
    "bots.info": MethodRule(("users:read",), 3),
    "chat.appendStream": MethodRule(CHAT, 4),
    "chat.delete": MethodRule(CHAT, 3),
    "chat.getPermalink": MethodRule(),
    "chat.postEphemeral": MethodRule(CHAT, 4),
    "chat.postMessage": MethodRule(CHAT),
    "chat.startStream": MethodRule(CHAT, 2),
    "chat.stopStream": MethodRule(CHAT, 2),
    "chat.update": MethodRule(CHAT, 3),
    "conversations.history": MethodRule((), 3),
    "conversations.info": MethodRule((), 3),
    "conversations.join": MethodRule(("channels:join",), 3),
    "conversations.list": MethodRule(("channels:read", "groups:read", "im:read", "mpim:read"), 2),
    "conversations.members": MethodRule((), 4),
    "conversations.open": MethodRule(("im:write", "mpim:write"), 3),
    "conversations.replies": MethodRule((), 3),
    "files.completeUploadExternal": MethodRule(("files:write",), 4),
    "files.delete": MethodRule(("files:write",), 3),
    "files.getUploadURLExternal": MethodRule(("files:write",), 4),
    "files.info": MethodRule(("files:read",), 4),
    "oauth.v2.access": MethodRule(token="none"),
    "reactions.add": MethodRule(("reactions:write",), 3),
    "reactions.remove": MethodRule(("reactions:write",), 2),
    "team.info": MethodRule(("team:read",), 3),
    "users.info": MethodRule(("users:read",), 4),
    "views.open": MethodRule((), 4),
    "views.publish": MethodRule((), 4),
    "views.push": MethodRule((), 4),
    "views.update": MethodRule((), 4),
}
