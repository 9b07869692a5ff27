"""The Coze client: the ``Agent`` port over httpx and httpx-sse.

From pure to I/O: ``settings`` (what is configured), ``codes`` and ``hints`` (what a refusal means), ``protocol`` and
``conversation_stream`` (JSON and events to our words), ``limits`` and ``polling`` (when to ask), ``http`` (one request
and the truth about its failure), ``wire`` (credentials, envelopes, retries), ``client`` (the agent), ``check`` (what is
wrong with a configuration). Nothing is imported here, so that settings stay cheap.
"""
