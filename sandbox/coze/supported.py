"""Every route this emulator serves, with the permission it needs; a test compares it with the real router."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Profile: TypeAlias = Literal["cloud", "studio"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One route.

    Attributes:
        method: HTTP method.
        path: Path with aiohttp's placeholders.
        permissions: What a token must hold, all of it (reference 1.2).
        studio: Studio's router has it (reference 12.1) ...
        cloud: ... and the cloud's.
        budget: The allowance a second it draws on, if it is a documented one (reference 9.3).
        open: Needs no token.
        multipart: The body is a form with files, not JSON.
    """

    method: str
    path: str
    permissions: tuple[str, ...] = ()
    studio: bool = False
    cloud: bool = True
    budget: Literal["chat", "run", "upload"] | None = None
    open: bool = False
    multipart: bool = False

    @property
    def name(self) -> str:
        """``POST /v3/chat``: the name of the call in the journal and in fault plans."""
        return f"{self.method} {self.path}"


_CONVERSATION = "/v1/conversations/{conversation_id}"
_RUN_HISTORY = "/v1/workflows/{workflow_id}/run_histories/{execute_id}"
_FEEDBACK = _CONVERSATION + "/messages/{message_id}/feedback"

SUPPORTED: tuple[Endpoint, ...] = (
    Endpoint("POST", "/v3/chat", ("chat",), studio=True, budget="chat"),
    Endpoint("GET", "/v3/chat/retrieve", ("getChat",), studio=True),
    Endpoint("POST", "/v3/chat/retrieve", ("getChat",)),  # what the official clients send
    Endpoint("GET", "/v3/chat/message/list", ("chat", "listMessage"), studio=True),
    Endpoint("POST", "/v3/chat/cancel", ("cancelChat",), studio=True),
    Endpoint("POST", "/v3/chat/submit_tool_outputs", ("submitToolChat",)),
    Endpoint("POST", "/v1/conversation/create", ("createConversation",), studio=True),
    Endpoint("GET", "/v1/conversation/retrieve", ("retrieveConversation",), studio=True),
    Endpoint("GET", "/v1/conversations", ("listConversation",), studio=True),
    Endpoint("PUT", _CONVERSATION, ("editConversation",), studio=True),
    Endpoint("DELETE", _CONVERSATION, ("editConversation",), studio=True),
    Endpoint("POST", _CONVERSATION + "/clear", ("editConversation",), studio=True),
    Endpoint("POST", "/v1/conversation/message/create", ("createMessage",)),
    Endpoint("POST", "/v1/conversation/message/list", ("listMessage",), studio=True),
    Endpoint("GET", "/v1/conversation/message/retrieve", ("retrieveMessage",)),
    Endpoint("POST", "/v1/conversation/message/modify", ("modifyMessage",)),
    Endpoint("POST", "/v1/conversation/message/delete", ("deleteMessage",)),
    Endpoint("POST", _FEEDBACK, ("feedback",)),
    Endpoint("DELETE", _FEEDBACK, ("feedback",)),
    Endpoint("POST", "/v1/workflow/run", ("run",), studio=True, budget="run"),
    Endpoint("POST", "/v1/workflow/stream_run", ("run",), studio=True, budget="run"),
    Endpoint("POST", "/v1/workflow/stream_resume", ("run",), studio=True, budget="run"),
    Endpoint("POST", "/v1/workflows/resume", ("run",), budget="run"),
    Endpoint("POST", "/v1/workflows/chat", ("run",), studio=True, budget="run"),
    Endpoint("GET", _RUN_HISTORY, ("listRunHistory",), budget="run"),
    Endpoint("GET", _RUN_HISTORY + "/execute_nodes/{node_execute_uuid}", ("listRunHistory",), budget="run"),
    Endpoint("GET", "/v1/workflow/get_run_history", ("listRunHistory",), studio=True, cloud=False),
    Endpoint("GET", "/v1/workflows", ("listWorkflow",)),
    Endpoint("GET", "/v1/workflows/{workflow_id}", ("getMetaData",), studio=True),
    Endpoint("POST", "/v1/files/upload", ("uploadFile",), studio=True, budget="upload", multipart=True),
    Endpoint("GET", "/v1/files/retrieve", ("retrieveFile",)),
    Endpoint("GET", "/v1/bot/get_online_info", ("getMetadata",), studio=True),
    Endpoint("GET", "/v1/bots/{bot_id}", ("getMetadata",), studio=True),
    Endpoint("GET", "/v1/bots", ("listBot",)),
    Endpoint("GET", "/v1/space/published_bots_list", ("getPublishedBot",)),
    Endpoint("GET", "/v1/workspaces"),
    Endpoint("GET", "/v1/users/me"),
    Endpoint("POST", "/api/permission/oauth2/token", open=True),
    Endpoint("POST", "/api/permission/oauth2/account/{account_id}/token", open=True),
)

ALL_PERMISSIONS: frozenset[str] = frozenset(name for endpoint in SUPPORTED for name in endpoint.permissions)


def supported_by(profile: Profile) -> tuple[Endpoint, ...]:
    """Return the routes of one profile."""
    return tuple(endpoint for endpoint in SUPPORTED if (endpoint.cloud if profile == "cloud" else endpoint.studio))
