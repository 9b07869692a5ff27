"""The Coze client: the ``Agent`` port over httpx and httpx-sse.

From pure to I/O: ``settings`` (what is configured), ``codes`` and ``hints`` (what a refusal means), ``protocol`` and
``chat_events`` (JSON and events to our words), ``limits`` and ``polling`` (when to ask), ``http`` (one request and the
truth about its failure), ``auth`` and ``wire`` (credentials, envelopes, retries), ``sse`` (one stream), ``asking`` (up
to the first event), ``client`` (the agent), ``check`` (what is wrong with a configuration). Nothing is imported here,
so that settings stay cheap.
"""
