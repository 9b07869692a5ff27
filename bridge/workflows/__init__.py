"""Configured workflows: what they take, how people name it, what a run of them shows.

``settings`` (a section ``[workflows.NAME]``), ``values`` (one value from text), ``arguments`` (a whole command line),
``forms`` and ``files`` (what is asked for, and what comes along), ``suggesting`` (what fits what is being typed),
``results`` (what a run says, as Markdown), ``section`` (a section written from a workflow's own schema). All pure.
"""
