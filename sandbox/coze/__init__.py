"""An emulator of Coze's Open API, cloud and Studio, on the real wire."""

from sandbox.coze.agents import GeneratingAgent, echo_agent, echo_text
from sandbox.coze.answers import Answer, Failure, Prompt, RequiredAction, ToolCall, ToolUse, Usage
from sandbox.coze.emulator import CozeEmulator
from sandbox.coze.supported import ALL_PERMISSIONS, SUPPORTED
from sandbox.coze.switches import CozeSwitches
from sandbox.coze.workflow_script import Ask, RunFailure, RunScript, Step, Workflow

__all__ = [
    "ALL_PERMISSIONS",
    "SUPPORTED",
    "Answer",
    "Ask",
    "CozeEmulator",
    "CozeSwitches",
    "Failure",
    "GeneratingAgent",
    "Prompt",
    "RequiredAction",
    "RunFailure",
    "RunScript",
    "Step",
    "ToolCall",
    "ToolUse",
    "Usage",
    "Workflow",
    "echo_agent",
    "echo_text",
]
