"""The Coze client: the ports ``Agent`` and ``Workflows`` over httpx and httpx-sse.

From pure to I/O: ``settings`` (what is configured), ``codes`` and ``hints`` (what a refusal means), ``protocol`` and
``chat_events`` (JSON and events to our words), ``limits`` and ``polling`` (when to ask), ``http`` (one request and the
truth about its failure), ``auth`` and ``wire`` (credentials, envelopes, retries), ``sse`` (one stream), ``asking`` (up
to the first event), ``client`` (the agent), ``workflows`` with ``workflow_wire`` and ``workflow_events`` (what else the
credential can run), ``check`` (what is wrong with a configuration). Nothing is imported here, so that settings stay
cheap.
"""
