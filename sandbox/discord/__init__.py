"""Discord on 127.0.0.1: REST, gateway, files, interactions, and the people who use it.

``DiscordEmulator`` is the door. Who does what: ``world`` remembers; ``stage`` and ``threads`` change what people see;
``herald`` tells the bot through ``gateway`` (``connection``, ``sessions``, ``identify``, ``intents``); ``rest`` answers
the routes of ``routes_*``; ``people`` and ``interactions`` are the users, ``setup`` their server; ``inspector`` notes
what an application should not have done; ``switches`` holds everything that is not known for certain.

There is one application, since a process of discord.py speaks to one Discord.
"""

from sandbox.discord.audience import VisibleMessage
from sandbox.discord.emulator import DiscordEmulator
from sandbox.discord.interactions import Answer
from sandbox.discord.people import FileUpload
from sandbox.discord.stage import Step
from sandbox.discord.switches import DiscordSwitches

__all__ = ["Answer", "DiscordEmulator", "DiscordSwitches", "FileUpload", "Step", "VisibleMessage"]
