"""Emulators of Coze, Slack and Discord that speak the real wire on 127.0.0.1.

They know the services' documented behaviour and nothing of the bridge: this package imports neither
``bridge`` nor ``adapters``. ``clock``, ``journal``, ``faults`` and ``server`` are what all emulators share.
"""
