"""An emulator of Coze's Open API, cloud and Studio, on the real wire."""

from sandbox.coze.agents import GeneratingAgent, echo_agent, echo_text
from sandbox.coze.answers import Answer, Failure, Prompt, RequiredAction, ToolCall, ToolUse, Usage
from sandbox.coze.emulator import CozeEmulator
from sandbox.coze.supported import ALL_PERMISSIONS, SUPPORTED
from sandbox.coze.switches import CozeSwitches

__all__ = [
    "ALL_PERMISSIONS",
    "SUPPORTED",
    "Answer",
    "CozeEmulator",
    "CozeSwitches",
    "Failure",
    "GeneratingAgent",
    "Prompt",
    "RequiredAction",
    "ToolCall",
    "ToolUse",
    "Usage",
    "echo_agent",
    "echo_text",
]
