"""What Coze refuses: one exception with the code, and the texts the service is known to use."""

from sandbox.coze.jsons import Json

OCCUPIED = 4016
CANNOT_CANCEL = 4104

_MESSAGES = {
    4000: "Invalid request parameters. Please check your parameters and try again.",
    4001: "The requested chat does not exist or you do not have permission to access it.",
    4002: "The requested conversation does not exist or you do not have permission to access it.",
    4003: "The field meta_data exceeds its limits. At most 16 pairs, keys of 1-64 and values of 1-512 characters.",
    4004: "The field additional_messages exceeds its limits. At most 100 messages.",
    4005: "The message id or the content of the message is invalid.",
    4006: "The bot_id is invalid or you do not have permission to access the bot.",
    4007: "When stream is false, auto_save_history must be true.",
    4009: "The request frequency has reached the limit of the system. Please try again later.",
    4013: "Requests are too frequent. Please try again later.",
    4015: "The bot_id {bot_id} has not been published to the channel Agent As API.",
    4016: (
        "Conversation occupied: Another chat is currently active. Please wait for the ongoing chat to complete or "
        "create a new conversation to start a separate chat. Ensure only one chat runs at a time within the same "
        "conversation."
    ),
    4020: "The purchased requests per minute are exceeded. Please try again later.",
    4100: "Authentication is invalid. Please check the token.",
    4101: "The token you entered is incorrect. Please check it and its region, or apply for a new one.",
    4104: "The chat cannot be cancelled in its current state.",
    4200: "The requested resource does not exist.",
    4300: "The uploaded file is empty or missing.",
    4301: "Only one file can be uploaded per request.",
    4302: "The uploaded file is too big.",
    4303: "The type of the uploaded file is not supported.",
    4304: "The uploaded file is broken.",
    4314: "The workflow execution does not exist.",
    4315: "The workflow execution has already ended.",
    6003: "Workflow execution with is_async=true is a premium feature available only to Coze Professional users",
    6023: "The workflow execution timed out.",
    6039: "Interruption is not supported in a synchronous run.",
    5000: "We're currently experiencing server issues. Please try again later.",
    700012006: "access token invalid",
}


class CozeError(Exception):
    """A refusal with Coze's code.

    Attributes:
        code: From the error table of the reference, section 9.2.
        msg: The sentence sent with it.
        status: HTTP status; business errors travel with 200.
        headers: Further response headers, such as ``Retry-After``.
    """

    def __init__(
        self, code: int, msg: str | None = None, *, status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        self.code = code
        self.msg = message_of(code) if msg is None else msg
        self.status = status
        self.headers = headers or {}
        super().__init__(f"{code}: {self.msg}")


class WorkflowError(CozeError):
    """A refusal by a workflow endpoint; Studio has other codes and no HTTP 400 for those."""


class OAuthError(Exception):
    """A refusal of the OAuth endpoints, which use an envelope of their own."""

    def __init__(self, error_code: str, error_message: str) -> None:
        self.error_code = error_code
        self.error_message = error_message
        super().__init__(f"{error_code}: {error_message}")

    def body(self) -> Json:
        """Return the JSON body as the service words it."""
        return {"error_code": self.error_code, "error_message": self.error_message, "error": self.error_code}


def message_of(code: int) -> str:
    """Return the known sentence of a code, or a general one."""
    return _MESSAGES.get(code, "Something went wrong.")


def bad_parameter(what: str) -> CozeError:
    """Return the 4000 that says which parameter is wrong."""
    return CozeError(4000, f"Invalid request parameters. {what}")
