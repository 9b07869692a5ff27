"""How to reach one Coze agent: the connection's part of a section ``[agents.NAME]``."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from bridge.settings import Seconds, Section

CHATS_PER_S_FREE = 20.0
"""Requests per second to ``/v3/chat`` on the free plan (100, 200 and 500 on the larger ones). Source: API overview."""

RUNS_PER_S_FREE = 50.0
"""Requests per second to the workflow endpoints on the free plan. Source: API overview."""

CONCURRENT_CHATS = 100
"""Ours: Coze documents no number, and one process holds this many streams with ease."""

API_PATHS = ("open_api", "v1", "v2", "v3", "api")
"""First path components that belong to the API itself; in a base URL they are left-overs."""


ApiPath = Annotated[str, Field(pattern=r"^/[^?#\s]*$")]


class OAuthApp(Section):
    """A Coze OAuth application of the type "JWT" (service to service)."""

    client_id: str = Field(min_length=1, description="The application's id.")
    key_id: str = Field(min_length=1, description="The fingerprint that Coze shows for the public key.")
    private_key: SecretStr | None = Field(
        None, description="The private key itself, PEM.", json_schema_extra={"env": "COZE_OAUTH_PRIVATE_KEY"}
    )
    private_key_file: Path | None = Field(None, description="Or the file that holds it.")
    token_lifetime_s: int = Field(
        3600, ge=300, le=86_399, description="How long each access token shall live; it is renewed by itself."
    )

    @model_validator(mode="after")
    def _one_key(self) -> "OAuthApp":
        if (self.private_key is None) == (self.private_key_file is None):
            raise ValueError("give either private_key or private_key_file")
        return self


class CozeConnection(Section):
    """Where the agent's service is, with which credential, and how patiently it is used."""

    base_url: str = Field(
        "https://api.coze.com",
        description=(
            "https://api.coze.com, https://api.coze.cn, or the address of your own server. Tokens are valid in one "
            "region only."
        ),
        json_schema_extra={"env": "COZE_API_BASE"},
    )
    profile: Literal["cloud", "studio"] = Field(
        "cloud", description="studio for a self-hosted Coze Studio, which offers less."
    )
    token: SecretStr | None = Field(
        None,
        description="A personal or service access token (pat_...).",
        json_schema_extra={"env": "COZE_API_TOKEN"},
    )
    oauth: OAuthApp | None = Field(None, description="Instead of a token: an OAuth application.")
    mode: Literal["stream", "poll"] = Field(
        "stream", description="stream shows the answer while it grows; poll asks once a second whether it is ready."
    )
    auto_save_history: bool = Field(
        True,
        description=(
            "Let Coze keep the conversation. Without it the bridge sends its own short history, a broken stream cannot "
            "be finished, and feedback has nothing to refer to."
        ),
    )
    transport: Literal["aiohttp", "httpx"] = Field(
        "aiohttp", description="Who speaks HTTP: aiohttp needs half the CPU; httpx is the plain alternative."
    )
    proxy: str = Field(
        "", description="URL of an HTTP proxy; empty: HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the environment."
    )
    connect_timeout_s: Seconds = Field(10.0, description="The longest to wait for a connection.")
    request_timeout_s: Seconds = Field(30.0, description="The longest silence in any request but an answer's stream.")
    idle_timeout_s: Seconds = Field(
        120.0, description="The longest silence within an answer; then the bridge looks whether the agent still works."
    )
    answer_timeout_s: Seconds = Field(600.0, description="The longest a whole answer may take; then it is cancelled.")
    chats_per_s: float = Field(
        CHATS_PER_S_FREE, gt=0, le=1000, description="Questions a second your Coze plan allows; more wait their turn."
    )
    concurrent_chats: int = Field(
        CONCURRENT_CHATS, ge=1, le=2000, description="Answers that may be running at once; more wait their turn."
    )
    runs_per_s: float = Field(
        RUNS_PER_S_FREE, gt=0, le=1000, description="Workflow runs a second your Coze plan allows."
    )
    workflow_run_path: ApiPath = Field(
        "/v1/workflow/run", description="Where workflows are run; some gateways mount it elsewhere, /v3/workflows/run."
    )
    workflow_stream_path: ApiPath = Field("/v1/workflow/stream_run", description="Where streamed ones are run.")

    @field_validator("base_url")
    @classmethod
    def _plain_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be an address such as https://api.coze.cn")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("must hold no password, query or fragment, just https://HOST")
        if value.endswith("/"):
            raise ValueError(f"must not end with a slash: write {value.rstrip('/')}")
        if parts.path.lstrip("/").partition("/")[0].lower() in API_PATHS:
            raise ValueError(
                f"must not contain the API's own path {parts.path} (the bridge adds paths itself): "
                f"write {parts.scheme}://{parts.netloc}"
            )
        return value

    @field_validator("token", "oauth", mode="before")
    @classmethod
    def _blank_is_absent(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("token")
    @classmethod
    def _bare_token(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and (not value.get_secret_value().isascii() or " " in value.get_secret_value().strip()):
            raise ValueError("must be the bare token, without 'Bearer' and without blanks")
        return None if value is None else SecretStr(value.get_secret_value().strip())

    @field_validator("proxy")
    @classmethod
    def _proxy_address(cls, value: str) -> str:
        if value and (urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname):
            raise ValueError("must be an address such as http://proxy.example:3128")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> "CozeConnection":
        if self.token is None and self.oauth is None:
            raise ValueError("needs a credential: set token (or the environment variable COZE_API_TOKEN), or oauth")
        if self.token is not None and self.oauth is not None:
            raise ValueError("has two credentials: give either token or oauth, not both")
        if self.profile == "studio" and self.oauth is not None:
            raise ValueError("profile = 'studio' knows personal tokens only: give token instead of oauth")
        if not self.auto_save_history and self.mode == "poll":
            raise ValueError(
                "auto_save_history = false cannot be used with mode = 'poll': there is nothing to fetch the answer "
                "from. Use mode = 'stream', or let Coze save the history"
            )
        if not self.auto_save_history and self.profile == "studio":
            raise ValueError("auto_save_history = false is unknown to Coze Studio, which always saves: remove it")
        if not self.connect_timeout_s <= self.idle_timeout_s <= self.answer_timeout_s:
            raise ValueError("the timeouts must grow: connect_timeout_s <= idle_timeout_s <= answer_timeout_s")
        return self

    @property
    def saves_history(self) -> bool:
        """Whether an answer can be fetched after its stream was lost."""
        return self.auto_save_history
