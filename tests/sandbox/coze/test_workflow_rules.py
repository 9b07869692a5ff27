"""What the workflow endpoints refuse, limit and frame, by hand; and Studio's deviations there."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from sandbox.coze import Answer, Ask, CozeEmulator, RunFailure, RunScript, Step, Workflow

FLOW, CHATFLOW, BOT = "7366468917055100000", "55", "7498000011112222333"
RUN, STREAM, RESUME = "/v1/workflow/run", "/v1/workflow/stream_run", "/v1/workflows/resume"
CHAT = "/v1/workflows/chat"


def publish(emulator: CozeEmulator) -> None:
    """Publish a workflow and a chatflow; draw one more without publishing it."""
    emulator.add_workflow(Workflow(FLOW, parameters={"city": {"type": "string", "required": True}}))
    emulator.add_workflow(Workflow(CHATFLOW, mode="chatflow"))
    emulator.add_workflow(Workflow("1", published=False))
    emulator.add_workflow(Workflow("2", streams=True))


@pytest.fixture(autouse=True)
def published(emulator: CozeEmulator) -> None:
    """Prepare the cloud."""
    publish(emulator)


def body(**changes: Any) -> dict[str, Any]:
    """Return a good run."""
    return {"workflow_id": FLOW, "parameters": {"city": "x"}} | changes


def talk(**changes: Any) -> dict[str, Any]:
    """Return a good chatflow call."""
    messages = [{"role": "user", "content": "hi", "content_type": "text"}]
    return {"workflow_id": CHATFLOW, "bot_id": BOT, "parameters": {}, "additional_messages": messages} | changes


@pytest.mark.parametrize(
    ("path", "sent", "code"),
    [
        (RUN, body(workflow_id="404"), 4200),
        (RUN, body(workflow_id="1"), 4200),
        (STREAM, body(workflow_id="1"), 4200),
        (RUN, body(bot_id=BOT, app_id="9"), 4000),
        (STREAM, body(bot_id=BOT, app_id="9"), 4000),
        (RUN, body(parameters={}), 4000),
        (RUN, body(parameters="no object"), 4000),
        (RUN, body(parameters=[1]), 4000),
        (RUN, body(ext={"colour": "red"}), 4000),
        (RUN, body(workflow_id="2"), 4000),
        (RUN, body(workflow_id=7), 4000),
        (RESUME, {"workflow_id": FLOW, "event_id": "404/1", "resume_data": "x", "interrupt_type": 2}, 4314),
        (RESUME, {"workflow_id": FLOW, "event_id": "404/1", "interrupt_type": 2}, 4000),
        (CHAT, talk(workflow_id=FLOW), 4000),
        (CHAT, talk(bot_id=None), 4000),
        (CHAT, talk(app_id="9"), 4000),
        (CHAT, talk(bot_id="404"), 4006),
        (CHAT, talk(additional_messages=[]), 4000),
        (CHAT, talk(additional_messages=talk()["additional_messages"] * 51), 4004),
        (CHAT, talk(conversation_id="404"), 4002),
    ],
)
async def test_refusals(api: Any, path: str, sent: dict[str, Any], code: int) -> None:
    """A bad request is a JSON body with its code under HTTP 200, also where a stream was asked for."""
    reply = await api.http.post(path, json=sent)
    assert (reply.status_code, reply.json()["code"]) == (200, code)


async def test_parameters_as_json_text(api: Any) -> None:
    """What the reference declares is taken, too."""
    reply = await api.post(RUN, body(parameters='{"city":"Bath"}'))
    assert json.loads(json.loads(reply["data"])["output"]) == {"city": "Bath"}


async def test_bytes_of_a_stream(emulator: CozeEmulator, api: Any) -> None:
    """Numbered events, one blank after each colon; the interruption is the last of them."""
    emulator.script_run(RunScript((Step("Question", ask=Ask("Which city?")),)))
    reply = await api.http.post(STREAM, json=body())
    first, second, rest = reply.text.split("\n\n")
    assert first.startswith('id: 0\nevent: Message\ndata: {"content":"Which city?","content_type":"text",')
    assert second.startswith('id: 1\nevent: Interrupt\ndata: {"interrupt_data":{"data":"","event_id":"')
    assert rest == ""


async def test_a_plain_run_stops_for_a_form(emulator: CozeEmulator, api: Any) -> None:
    """An input node's interruption tells its fields; the answer is taken once, in the way the run was started."""
    form = Ask(type=5, fields={"img": {"type": "image", "required": True}})
    emulator.script_run(RunScript((Step("Input", ask=form),), result={"got": "{{answer}}"}))
    asked = await api.post(RUN, body())
    data = asked["interrupt_data"]
    assert (asked["code"], data["type"], "data" in asked) == (0, 5, False)
    assert data["required_parameters"] == {"img": {"type": "image", "required": True}}
    answer = {"workflow_id": FLOW, "event_id": data["event_id"], "resume_data": '{"img":1}', "interrupt_type": 5}
    assert (await api.post(RESUME, answer | {"interrupt_type": 2}))["code"] == 4000
    assert (await api.post("/v1/workflow/stream_resume", answer))["code"] == 4000
    assert (await api.post(RESUME, answer | {"event_id": data["event_id"] + "0"}))["code"] == 4000
    assert json.loads((await api.post(RESUME, answer))["data"]) == {"got": '{"img":1}'}
    assert (await api.post(RESUME, answer))["code"] == 4315


async def test_an_answer_may_come_too_late(frozen: CozeEmulator, frozen_api: Any) -> None:
    """Where interruptions expire, the run is over."""
    publish(frozen)
    frozen.switches.interruption_lifetime_s = 60
    frozen.script_run(RunScript((Step(ask=Ask("?")),)))
    event_id = (await frozen_api.post(RUN, body()))["interrupt_data"]["event_id"]
    frozen.clock.advance(61)
    answer = {"workflow_id": FLOW, "event_id": event_id, "resume_data": "x", "interrupt_type": 2}
    assert (await frozen_api.post(RESUME, answer))["code"] == 4315


async def test_three_bad_answers_fail_the_run(emulator: CozeEmulator, api: Any) -> None:
    """The third answer that does not satisfy is the last."""
    emulator.script_run(RunScript((Step(ask=Ask("Day?", satisfied_by="day")),)))
    asked = await api.post(RUN, body())
    for _ in range(2):
        event_id = asked["interrupt_data"]["event_id"]
        answer = {"workflow_id": FLOW, "event_id": event_id, "resume_data": "x", "interrupt_type": 2}
        asked = await api.post(RESUME, answer)
    answer["event_id"] = asked["interrupt_data"]["event_id"]
    assert (await api.post(RESUME, answer))["code"] == 720701013


async def test_the_free_plan_runs_nothing_in_the_background(emulator: CozeEmulator, api: Any) -> None:
    """Asynchronous runs need a paid plan; their reply has no code."""
    assert "code" not in await api.post(RUN, body(is_async=True))
    emulator.switches.async_runs = False
    assert (await api.post(RUN, body(is_async=True)))["code"] == 6003


async def test_a_long_plain_run_is_cut(frozen: CozeEmulator, frozen_api: Any) -> None:
    """After 90 s there is no reply; the run goes on."""
    publish(frozen)
    frozen.script_run(RunScript(result="late", pause_s=100))

    async def meet_silence() -> None:
        with pytest.raises(httpx.RemoteProtocolError):
            await frozen_api.post(RUN, body())

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(meet_silence())
        await frozen_api.until(lambda: frozen.clock.sleepers == 2)
        frozen.clock.advance(91)
    run = frozen.workflows.last_run()
    assert run.status == "Running"
    frozen.clock.advance(10)
    await run.feed.until_closed()
    assert (run.status, run.result) == ("Success", "late")


async def test_histories(emulator: CozeEmulator, api: Any, api_with: Any) -> None:
    """A failed run's code is text, an interrupted one tells what it waits for, a large output is trimmed."""
    emulator.script_run(RunScript(failure=RunFailure(720701013, "broken")))
    emulator.script_run(RunScript((Step("Question", ask=Ask("?")),)))
    emulator.script_run(RunScript((Step("Essay", deltas=("x" * 2000,)),), result="end"))
    emulator.switches.max_output_bytes = 1000
    rows = []
    for _ in range(3):
        execute_id = (await api.post(RUN, body(is_async=True)))["execute_id"]
        await emulator.workflows.runs[execute_id].feed.until_closed()
        rows.append((await api.get(f"/v1/workflows/{FLOW}/run_histories/{execute_id}"))["data"][0])
    failed, waiting, large = rows
    assert (failed["execute_status"], failed["error_code"], failed["error_message"]) == ("Fail", "720701013", "broken")
    assert (waiting["execute_status"], waiting["interrupt_data"]["type"]) == ("Running", 2)
    assert (large["is_output_trimmed"], len(large["output"])) == (True, 1000)
    uuid = large["node_execute_status"]["Essay"]["node_execute_uuid"]
    node = f"/v1/workflows/{FLOW}/run_histories/{large['execute_id']}/execute_nodes/{uuid}"
    assert (await api.get(node))["data"] == {"is_finish": True, "node_output": "x" * 2000}
    emulator.add_token("pat_stranger", account_id="2000")
    stranger = await api_with("pat_stranger")
    assert (await stranger.get(f"/v1/workflows/{FLOW}/run_histories/{large['execute_id']}"))["code"] == 4314


async def test_workflow_calls_are_counted(frozen: CozeEmulator, frozen_api: Any) -> None:
    """They have an allowance of their own."""
    publish(frozen)
    frozen.switches.run_qps, frozen.switches.throttle_http_status = 2, 200
    codes = [(await frozen_api.post(RUN, body()))["code"] for _ in range(3)]
    assert codes == [0, 0, 4009]


async def test_bodies_may_be_larger(api: Any) -> None:
    """20 MB instead of 15."""
    assert (await api.post(RUN, body(parameters={"city": "x" * (16 << 20)})))["code"] == 0
    assert (await api.post(RUN, body(parameters={"city": "x" * (20 << 20)})))["code"] == 4000


async def test_details_with_the_schema(api: Any) -> None:
    """Input and output are told when asked for."""
    assert "input" not in (await api.get(f"/v1/workflows/{FLOW}"))["data"]
    found = (await api.get(f"/v1/workflows/{FLOW}", include_input_output="true"))["data"]
    assert found["input"]["parameters"]["city"] == {"type": "string", "required": True}
    assert found["output"]["terminate_plan"] == "return_variables"


async def test_a_chatflow_by_hand(emulator: CozeEmulator, api: Any) -> None:
    """No numbers, a blank after each colon, no bot; done carries the debug page; the conversation is remembered."""
    emulator.script("Hello.", bot_id=CHATFLOW)
    reply = await api.http.post(CHAT, json=talk(app_id="9", bot_id=None, parameters={"CONVERSATION_NAME": "tea"}))
    assert reply.text.startswith('event: conversation.chat.created\ndata: {"id":"')
    assert '"bot_id"' not in reply.text
    assert reply.text.split("\n\n")[-2].startswith('event: done\ndata: {"debug_url":"https://www.coze.cn/work_flow?')
    again = await api.http.post(CHAT, json=talk(app_id="9", bot_id=None, parameters={"CONVERSATION_NAME": "tea"}))
    ids = [json.loads(text.split("data: ")[1].split("\n")[0])["conversation_id"] for text in (reply.text, again.text)]
    assert ids[0] == ids[1]
    emulator.script(Answer(text="slow", first_delta_delay_s=3600), bot_id=CHATFLOW)
    async with api.http.stream("POST", CHAT, json=talk(conversation_id=ids[0])):
        refused = await api.post(CHAT, talk(conversation_id=ids[0]))
    assert refused["code"] == 4016


async def test_everything_over_the_control_api(api: Any) -> None:
    """Another process draws workflows and scripts their runs."""
    flow = {"workflow_id": "77", "name": "remote", "parameters": {"a": {"type": "integer"}}}
    assert await api.post("/_control/workflows", flow) == {}
    steps = [{"title": "Ask", "ask": {"question": "Yes?", "choices": ["yes", "no"]}}]
    assert await api.post("/_control/runs", {"run": {"steps": steps, "result": {"a": 1}}, "workflow_id": "77"}) == {}
    asked = await api.post(RUN, {"workflow_id": "77"})
    assert '\\"options\\":[{\\"name\\":\\"yes\\"}' in asked["interrupt_data"]["data"]
    await api.post("/_control/runs", {"run": {"result": "x"}})
    await api.http.delete("/_control/runs")
    assert json.loads((await api.post(RUN, {"workflow_id": "77"}))["data"]) == {"output": "{}"}


# --- Studio -----------------------------------------------------------------------------------------------------------


async def test_studio_codes_and_histories(studio: CozeEmulator, studio_api: Any) -> None:
    """Other codes, another history, no question in a plain run, no lists."""
    publish(studio)
    assert (await studio_api.post(RUN, body(workflow_id="1")))["code"] == 6031
    bad = await studio_api.http.post(RUN, json=body(parameters={}))
    assert (bad.status_code, bad.json()["code"]) == (200, 4000)
    studio.script_run(RunScript((Step("Question", ask=Ask("?")),)), times=2)
    assert (await studio_api.post(RUN, body()))["code"] == 6039
    streamed = (await studio_api.http.post(STREAM, json=body())).text
    assert '\\"messages\\":[{\\"type\\":\\"question\\",\\"content_type\\":\\"text\\"' in streamed
    execute_id = (await studio_api.post(RUN, body(is_async=True)))["execute_id"]
    await studio.workflows.runs[execute_id].feed.until_closed()
    [row] = (await studio_api.get("/v1/workflow/get_run_history", workflow_id=FLOW, execute_id=execute_id))["data"]
    assert (row["execute_id"], row["execute_status"], row["error_msg"]) == (int(execute_id), "Success", "")
    assert set((await studio_api.get(f"/v1/workflows/{FLOW}"))["data"]) == {"role"}
    assert (await studio_api.http.get("/v1/workflows")).status_code == 404


async def test_studio_chatflows_are_numbered(studio: CozeEmulator, studio_api: Any) -> None:
    """Their streams carry id lines and end as its chats do."""
    publish(studio)
    studio.script("Hello.", bot_id=CHATFLOW)
    text = (await studio_api.http.post(CHAT, json=talk())).text
    assert text.startswith("id: 0\nevent: conversation.chat.created\ndata: {")
    assert text.endswith("event: conversation.stream.done\ndata: \n\n")
