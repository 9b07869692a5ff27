"""Slack on 127.0.0.1: Web API, Socket Mode, signed HTTP deliveries, files, OAuth, and the people who use it.

``SlackEmulator`` is the door. Who does what: ``workspace`` remembers; ``stage`` is what people see; ``herald``
tells the apps through ``delivery`` (``socket_mode`` or ``http_delivery``); ``web_api`` answers the methods of
``methods_*``; ``people`` and ``interactions`` are the users; ``inspector`` notes what an app should not have done;
``switches`` holds everything that is not known for certain.

Kinds of journal entries, all of service ``slack``: ``request`` and ``reply`` of each Web API call (joined by ``call``;
``args`` without tokens), ``event`` for everything sent to an app, ``ack``, ``refused``, ``redelivery``, ``shown`` for
each text people could read, ``status``, ``reaction``, ``prompts``, ``view``, ``upload``, ``download``, ``action`` of a
person, ``user_error`` that a person saw, ``fault`` applied, ``violation``.
"""

from sandbox.slack.audience import VisibleMessage
from sandbox.slack.emulator import SlackEmulator
from sandbox.slack.stage import Step
from sandbox.slack.switches import SlackSwitches
from sandbox.slack.uploads import FileUpload

__all__ = ["FileUpload", "SlackEmulator", "SlackSwitches", "Step", "VisibleMessage"]
