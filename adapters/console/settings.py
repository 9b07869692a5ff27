"""The section ``[adapters.console]``."""

from typing import Literal

from pydantic import Field

from bridge.extension import AdapterSettings


class ConsoleSettings(AdapterSettings):
    """How the terminal speaks."""

    user: str = Field("", description="What the agent calls you; empty: your login name.")
    language: Literal["", "en", "zh"] = Field(
        "", description="Of the bridge's own sentences; empty: that of the system."
    )
    rendering: Literal["auto", "rich", "plain"] = Field(
        "auto", description="rich draws Markdown while it grows; plain prints the bare text; auto: plain when piped."
    )
