"""The section ``[store]`` of the configuration."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

MEMORY = "memory:"
"""The ``path`` that means: keep everything in memory, forget it at the end."""

DUPLICATES_H = 48.0
"""How long a repeat must be recognised at least: platforms deliver again for about a day."""

Seconds = Annotated[float, Field(gt=0)]


class StoreSettings(BaseModel):
    """Where the bridge writes down what it must not forget."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    path: str = Field(
        "coze-bridge.sqlite",
        min_length=1,
        description='The file, on a local disk; "memory:" keeps nothing over a restart. Beside it stands a .lock file.',
    )
    timeout_s: Seconds = Field(10.0, description="The longest any read or write may take before it counts as failed.")
    open_timeout_s: Seconds = Field(
        60.0, description="The longest that checking and reading the file at start may take."
    )
    lock_wait_s: float = Field(
        10.0, ge=0, description="How long a start waits for the process before it to let go of the file."
    )
    keep_turns_h: float = Field(
        720.0,
        ge=DUPLICATES_H,
        description="How long ended turns are kept, for buttons and against repeats; at least 48.",
    )
    keep_conversations_days: float = Field(
        180.0, gt=0, description="How long a conversation that nobody goes on with is remembered."
    )
    max_waiting: int = Field(
        4096, ge=1, description="Writes that may wait for the disk at once; one more is refused at once."
    )
