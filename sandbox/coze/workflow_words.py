"""How the service words a workflow's stream and replies (reference 6.2 to 6.5), and Studio otherwise (12.4)."""

from sandbox.coze.answers import Usage
from sandbox.coze.feed import StreamEvent
from sandbox.coze.framing import Framing
from sandbox.coze.jsons import Json, dump
from sandbox.coze.switches import CozeSwitches
from sandbox.coze.workflow_script import INPUT, QUESTION, Ask, RunFailure

MESSAGE, INTERRUPT, ERROR, DONE, PING = "Message", "Interrupt", "Error", "Done", "PING"


class WorkflowWords:
    """The words of api.coze.cn and api.coze.com."""

    run_framing = Framing(space=True, numbered=True)
    chat_framing = Framing(space=True)
    may_resume_plainly = True
    """A run that was not streamed may stop for a question."""

    def __init__(self, switches: CozeSwitches) -> None:
        self._switches = switches

    def message(
        self,
        content: str,
        title: str,
        number: int,
        *,
        last: bool,
        node_id: str = "",
        uuid: str = "",
        end_usage: Json | None = None,
    ) -> StreamEvent:
        """Return a piece of a node's output; the end node's last one carries the cost."""
        shown: Json = {"content": content}
        if end_usage is None:
            shown["content_type"] = "text"
        else:
            shown["cost"] = "0.00"
        shown |= {"node_is_finish": last, "node_seq_id": str(number), "node_title": title}
        if node_id:
            shown |= {"node_id": node_id, "node_execute_uuid": uuid}
        if end_usage is not None:
            shown |= {"token": 0, "usage": end_usage}
        return StreamEvent(MESSAGE, shown)

    def interrupt_data(self, ask: Ask, event_id: str) -> Json:
        """Return what tells the caller what is asked for and how to answer."""
        shown: Json = {"data": self._asked(ask), "event_id": event_id, "type": ask.type}
        if ask.fields:
            shown["required_parameters"] = dict(ask.fields)
        return shown

    def _asked(self, ask: Ask) -> str:
        if ask.type == INPUT:
            rows = [
                {"type": "string", "name": name, "required": bool(shape.get("required"))}
                for name, shape in ask.fields.items()
            ]
            return dump({"content_type": "text", "content": dump(rows)})
        if ask.choices:  # no sample shows one; this is the form in which the question node keeps them
            options = {"question": ask.question, "options": [{"name": choice} for choice in ask.choices]}
            return dump({"content_type": "option", "content": dump(options)})
        if ask.type == QUESTION and not self._switches.question_in_interrupt_data:
            return ""
        return dump({"content_type": "text", "content": ask.question})

    def interruption(self, interrupt_data: Json, title: str) -> list[StreamEvent]:
        """Return the events that end a stream whose run waits for an answer."""
        events = [StreamEvent(INTERRUPT, {"interrupt_data": interrupt_data, "node_title": title})]
        return [*events, StreamEvent(DONE, {})] if self._switches.done_after_interrupt else events

    def failure(self, failure: RunFailure, debug_url: str) -> list[StreamEvent]:
        """Return the events that end the stream of a failed run."""
        events = [StreamEvent(ERROR, {"error_code": failure.code, "error_message": failure.msg})]
        return [*events, self.done(debug_url)] if self._switches.done_after_error else events

    def done(self, debug_url: str) -> StreamEvent:
        """Return the last event of a good run."""
        return StreamEvent(DONE, {"debug_url": debug_url} if self._switches.done_has_debug_url else {})

    def ping(self) -> StreamEvent:
        """Return a heartbeat."""
        return StreamEvent(PING, {"content": "{}"})

    def usage(self, usage: Usage) -> Json:
        """Return a token count."""
        total = usage.input_count + usage.output_count
        return {"input_count": usage.input_count, "token_count": total, "output_count": usage.output_count}


class StudioWorkflowWords(WorkflowWords):
    """The words of coze-studio."""

    chat_framing = Framing(space=True, numbered=True)
    may_resume_plainly = False

    def _asked(self, ask: Ask) -> str:
        """Return the question node's memory, in which the last message is the question."""
        if ask.type != QUESTION:
            return super()._asked(ask)
        content: object = ask.question
        if ask.choices:
            content = {"options": [{"name": choice} for choice in ask.choices], "question": ask.question}
        kind = "option" if ask.choices else "text"
        return dump({"messages": [{"type": "question", "content_type": kind, "content": content, "id": "100002_0"}]})

    def usage(self, usage: Usage) -> Json:
        """Return a token count whose total is computed wrongly."""
        return super().usage(usage) | {"token_count": 2 * usage.output_count}
