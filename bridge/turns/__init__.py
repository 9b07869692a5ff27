"""A turn, from a question that was written down to an answer that was delivered.

``lanes`` keeps the order of each conversation; ``turn`` begins, takes up and ends; ``answering`` holds what is durable
before what; ``asking`` and ``running`` are the two exchanges, with an agent and with a workflow.
"""
