"""A section ``[agents.NAME.tools.TOOL]``: where a tool is asked that the agent wants used at our side."""

from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from bridge.settings import Seconds, Section


class ToolSettings(Section):
    """One tool: an address of the operator's that is posted what the agent wants, and answers with what it gets."""

    url: str = Field(min_length=1, description="Where it is asked by POST; redirects are not followed.")
    secret: SecretStr | None = Field(None, description="Sent along as Authorization: Bearer ...")
    timeout_s: Seconds = Field(10.0, description="The longest it may take.")
    max_kb: float = Field(64.0, gt=0, le=1000, description="The longest answer, in thousands of bytes.")

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.fragment:
            raise ValueError("must be an address such as https://tools.example.com/weather")
        if parts.username or parts.password:
            raise ValueError("must hold no password; use secret")
        return value
