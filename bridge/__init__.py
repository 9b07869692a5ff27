"""coze-bridge: Coze agents inside chat platforms.

The road of a message, in the order of the files that carry it: ``intake`` (through ``gate``) writes it down and
puts it in its lane (``lanes``), ``turn`` asks the agent and folds the stream into a ``draft``, ``delivery`` shows the
draft as parts (``rendering``) whenever ``pacing`` says so. ``ports`` names what the core needs from outside;
``coze``, ``stores`` and the packages behind the entry-point group ``coze_bridge.adapters`` provide it; ``app`` puts
everything together.
"""

__version__ = "0.1.0"
