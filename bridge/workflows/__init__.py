"""Configured workflows: what they take, how people name it, what a run of them shows.

``settings`` (a section ``[workflows.NAME]``), ``values`` (one value from text), ``arguments`` (a whole command line),
``results`` (what a run says, as Markdown), ``section`` (a section written from a workflow's own schema). All pure.
"""
