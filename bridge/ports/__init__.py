"""What the core needs from outside, as Protocols, and the intake it offers.

Whoever brings a new platform implements ``Platform`` and ``Reply``; a new store, ``Store``. The conformance suites
in ``bridge.testing`` tell whether they did.
"""

from bridge.ports.agent import Agent, Tools, Workflows
from bridge.ports.host import Clock, Intake, Speech
from bridge.ports.platform import CommandReply, FilingReply, Platform, Reply
from bridge.ports.store import Store

__all__ = [
    "Agent",
    "Clock",
    "CommandReply",
    "FilingReply",
    "Intake",
    "Platform",
    "Reply",
    "Speech",
    "Store",
    "Tools",
    "Workflows",
]
