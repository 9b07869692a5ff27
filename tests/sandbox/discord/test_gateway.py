"""The gateway by hand: sessions, RESUME, close codes, sharding, members (reference 10.3)."""

import json
import zlib
from typing import Any

import aiohttp
import pytest
import zstandard

from sandbox.clock import SandboxClock
from sandbox.discord import DiscordEmulator
from sandbox.discord.identify import CLOSE_CODES
from sandbox.journal import Journal


async def test_hello_heartbeat_ready_guild(emulator: DiscordEmulator, dial: Any, journal: Journal) -> None:
    """HELLO names the interval, heartbeats are acknowledged, READY is followed by the guilds."""
    async with dial() as raw:
        await raw.send(1, None)
        assert (await raw.receive())["op"] == 11
        ready = await raw.ready()
        guild = await raw.until("GUILD_CREATE")
    assert ready["guilds"] == [{"id": emulator.guild_id, "unavailable": True}]
    assert ready["resume_gateway_url"].endswith("/resume")
    assert "shard" not in ready
    assert [channel["name"] for channel in guild["channels"]] == ["general", "help"]
    assert [member["user"]["username"] for member in guild["members"]] == ["coze"]
    assert guild["member_count"] == 4
    frames = journal.select(kind="frame", name="IDENTIFY")
    assert "token" not in frames[0].detail["d"], "tokens never reach the journal"


async def test_a_guild_tells_how_far_its_channels_have_come(emulator: DiscordEmulator, dial: Any) -> None:
    """The newest message of each channel and active thread, also a deleted one; of a forum, its newest post."""
    said = [emulator.say("ann", "general", str(number)) for number in range(2)]
    emulator.delete("ann", "general", said[1])
    thread = emulator.start_thread("ann", "general", "more", message_id=said[0], text="in it")
    put_away = emulator.start_thread("ann", "general", "old", text="over")
    emulator.archive(put_away)
    post = emulator.forum_post("ann", "help", "reset", "How?")
    replied = emulator.say("bob", post, "like this")
    async with dial() as raw:
        await raw.ready()
        guild = await raw.until("GUILD_CREATE")
    newest = {place["id"]: place["last_message_id"] for place in (*guild["channels"], *guild["threads"])}
    in_thread = emulator.messages(thread)[-1].id
    in_general = emulator.messages("general", include_deleted=True)[-1].id
    assert newest == {
        emulator.find_channel("general").id: in_general,
        emulator.find_channel("help").id: post,
        thread: in_thread,
        post: replied,
    }


async def test_a_resume_replays_what_was_missed(emulator: DiscordEmulator, dial: Any) -> None:
    """Missed events come with their own numbers, then RESUMED; nothing is missing and nothing comes twice."""
    async with dial() as first:
        await first.ready()
        await first.until("GUILD_CREATE")
        emulator.gateway.drop()
        assert "closed" in await first.receive()
    await emulator.wait_until(lambda: emulator.gateway.connected() == 0, what="the connection to be gone")
    said = [emulator.say("ann", "general", str(number)) for number in range(3)]
    async with dial(path="/resume") as second:
        await second.resume(first.session_id, first.sequence)
        frames = [await second.receive() for _ in range(4)]
    assert [frame["t"] for frame in frames] == ["MESSAGE_CREATE"] * 3 + ["RESUMED"]
    assert [frame["s"] for frame in frames] == [first.sequence + n for n in range(1, 5)]
    assert [frame["d"]["id"] for frame in frames[:3]] == said


async def test_a_resume_may_bring_again_what_was_had(emulator: DiscordEmulator, dial: Any) -> None:
    """As many events as told, with their old numbers, but not the session's beginning."""
    emulator.switches.replay_overlap = 5
    async with dial() as first:
        await first.ready()
        await first.until("GUILD_CREATE")
        had = [emulator.say("ann", "general", str(number)) for number in range(2)]
        for _ in had:
            await first.until("MESSAGE_CREATE")
        emulator.gateway.drop()
    await emulator.wait_until(lambda: emulator.gateway.connected() == 0, what="the connection to be gone")
    said = emulator.say("ann", "general", "missed")
    async with dial(path="/resume") as second:
        await second.resume(first.session_id, first.sequence)
        frames = [await second.receive() for _ in range(4)]
    assert [frame["d"]["id"] for frame in frames[:3]] == [*had, said]
    assert [frame["s"] for frame in frames] == [first.sequence + n for n in range(-1, 3)]


async def test_what_cannot_be_resumed(emulator: DiscordEmulator, dial: Any, clock: SandboxClock) -> None:
    """Unknown and too old sessions end in op 9, a number from the future in 4007, a wrong token in 4004."""
    async with dial() as raw:
        await raw.resume("nobody", 1)
        assert await raw.receive() == {"op": 9, "d": False, "s": None, "t": None}
        session = (await raw.ready())["session_id"]
        emulator.gateway.drop()
    for fields, code in (({"seq": 99}, 4007), ({"token": "x"}, 4004)):
        async with dial() as raw:
            await raw.resume(session, 1, **fields)
            assert await raw.receive() == {"closed": code}
    await emulator.wait_until(lambda: emulator.gateway.connected() == 0, what="the connection to be gone")
    clock.advance(301)
    async with dial() as raw:
        await raw.resume(session, 1)
        assert (await raw.receive())["op"] == 9


async def test_more_events_than_are_kept(emulator: DiscordEmulator, dial: Any) -> None:
    """A session keeps so many events; who missed more begins anew."""
    emulator.switches.replay_events = 2
    async with dial() as raw:
        await raw.ready()
        await raw.until("GUILD_CREATE")
        emulator.gateway.drop()
    await emulator.wait_until(lambda: emulator.gateway.connected() == 0, what="the connection to be gone")
    for number in range(3):
        emulator.say("ann", "general", str(number))
    async with dial() as again:
        await again.resume(raw.session_id, raw.sequence)
        assert (await again.receive())["op"] == 9


async def test_a_client_that_says_goodbye_ends_its_session(emulator: DiscordEmulator, dial: Any) -> None:
    """1000 from the client is the end; other codes leave the session to be resumed."""
    for code, op in ((1000, 9), (4000, 0)):
        async with dial() as raw:
            await raw.ready()
            await raw.until("GUILD_CREATE")
            await raw.socket.close(code=code)
        await emulator.wait_until(lambda: emulator.gateway.connected() == 0, what="the end")
        async with dial() as again:
            await again.resume(raw.session_id, raw.sequence)
            assert (await again.receive())["op"] == op


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        (["{"], 4002),
        (["[]"], 4002),
        (['{"op": 1, "d": "' + "x" * 4096 + '"}'], 4002),
        (['{"op": 2, "d": {}}'], 4002),
        (['{"op": 99}'], 4001),
        (['{"op": 3, "d": {}}'], 4003),
        (['{"op": 8, "d": {}}'], 4003),
    ],
)
async def test_what_a_client_must_not_send(dial: Any, frames: list[str], code: int) -> None:
    """No JSON, too long, unknown operations, and anything before IDENTIFY."""
    async with dial() as raw:
        for frame in frames:
            await raw.socket.send_str(frame)
        assert await raw.receive() == {"closed": code}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"token": "wrong"}, 4004),
        ({"shard": [2, 2]}, 4010),
        ({"shard": "0"}, 4010),
        ({"intents": None}, 4013),
        ({"intents": 1 << 40}, 4013),
        ({"intents": 1 << 1}, 4014),
        ({"intents": 1 << 15}, 4014),
    ],
)
async def test_what_identify_refuses(emulator: DiscordEmulator, dial: Any, fields: dict[str, Any], code: int) -> None:
    """A wrong token, impossible shards, intents that are unknown or switched off."""
    emulator.set_privileged_intents("presences")
    async with dial() as raw:
        await raw.identify(**{"intents": 1, **fields})
        assert await raw.receive() == {"closed": code}


async def test_a_second_identify_and_an_unsharded_giant(emulator: DiscordEmulator, dial: Any) -> None:
    """4005 for identifying twice, 4011 for too many guilds on one shard."""
    async with dial() as raw:
        await raw.ready()
        await raw.until("GUILD_CREATE")
        await raw.identify()
        assert await raw.receive() == {"closed": 4005}
    emulator.switches.guilds_per_shard = 0
    async with dial() as raw:
        await raw.identify()
        assert await raw.receive() == {"closed": 4011}


async def test_wrong_versions(emulator: DiscordEmulator, session: aiohttp.ClientSession) -> None:
    """4012 for another version, 4002 for another encoding, both without a HELLO."""
    for query, code in (("v=6", 4012), ("v=10&encoding=etf", 4002)):
        async with session.ws_connect(f"{emulator.gateway_url}?{query}") as socket:
            assert (await socket.receive(timeout=5)).data == code


@pytest.mark.parametrize("code", sorted(CLOSE_CODES))
async def test_every_close_code_on_demand(emulator: DiscordEmulator, dial: Any, code: int) -> None:
    """A test can close with any code; the client sees it."""
    async with dial() as raw:
        await raw.ready()
        await raw.until("GUILD_CREATE")
        assert emulator.gateway.close(code) == 1
        assert await raw.receive() == {"closed": code}


async def test_identifies_are_counted(emulator: DiscordEmulator, dial: Any, api: Any, clock: SandboxClock) -> None:
    """One per five seconds and bucket, a thousand a day; beyond that the token is reset."""
    emulator.switches.identify_interval_s = 5.0
    async with dial() as raw:
        await raw.ready()
        limit = (await api.call("GET", "/gateway/bot"))["session_start_limit"]
        assert (limit["total"], limit["remaining"], limit["max_concurrency"]) == (1000, 999, 1)
    async with dial() as raw:
        await raw.identify()
        assert (await raw.receive())["op"] == 9
        clock.advance(5)
        await raw.ready()
    emulator.switches.identifies_per_day = 2
    clock.advance(5)
    token = emulator.bot_token
    async with dial() as raw:
        await raw.identify()
        assert await raw.receive() == {"closed": 4004}
    assert emulator.bot_token != token
    assert {entry.name for entry in emulator.violations()} == {"identified_too_soon", "token_reset"}


async def test_shards_identify_in_buckets(emulator: DiscordEmulator, dial: Any) -> None:
    """With max_concurrency 2 the shards 0 and 1 may identify at once, READY echoes the shard."""
    emulator.switches.identify_interval_s, emulator.switches.max_concurrency = 5.0, 2
    other = emulator.add_guild("other", shard=(1, 2))
    first = emulator.add_guild("first", shard=(0, 2))
    async with dial() as zero, dial() as one:
        ready = [await raw.ready(shard=[number, 2]) for number, raw in enumerate((zero, one))]
    assert [data["shard"] for data in ready] == [[0, 2], [1, 2]]
    owned = [{guild["id"] for guild in data["guilds"]} for data in ready]
    assert first in owned[0]
    assert other in owned[1]
    assert not owned[0] & owned[1]


async def test_silence_and_chatter_end_a_connection(emulator: DiscordEmulator, dial: Any) -> None:
    """Without heartbeats 4009, with more than 120 frames a minute 4008."""
    emulator.switches.heartbeat_interval_s = 0.1
    async with dial() as raw:
        assert await raw.receive() == {"closed": 4009}
    emulator.switches.heartbeat_interval_s = 41.25
    emulator.switches.gateway_sends_per_minute = 3
    async with dial() as raw:
        await raw.ready()
        await raw.until("GUILD_CREATE")
        for _ in range(3):
            await raw.send(3, {})
        assert await raw.receive() == {"closed": 4008}


async def test_acknowledgements_can_stop(emulator: DiscordEmulator, dial: Any) -> None:
    """Without acknowledgements events go on; a paused connection gets nothing until it is released."""
    async with dial() as raw:
        await raw.ready()
        await raw.until("GUILD_CREATE")
        emulator.gateway.acknowledge(False)
        emulator.gateway.pause()
        await raw.send(1, 3)
        emulator.say("ann", "general", "hello")
        emulator.gateway.unpause()
        assert (await raw.receive())["t"] == "MESSAGE_CREATE"


async def test_faults_of_handshakes_frames_and_events(
    emulator: DiscordEmulator, dial: Any, session: aiohttp.ClientSession
) -> None:
    """A gateway that is not there, a frame answered by a cut or not at all, events lost, late and doubled."""
    emulator.gateway_faults.plan("gateway", "cut", times=2)  # aiohttp repeats a GET once by itself
    with pytest.raises(aiohttp.ClientError):
        async with dial():
            pass
    emulator.gateway_faults.plan("gateway", "close", code=4000)
    async with dial() as raw:
        assert await raw.receive() == {"closed": 4000}
    emulator.gateway_faults.plan("gateway", "silent")
    async with session.ws_connect(emulator.gateway_url) as quiet:
        with pytest.raises(TimeoutError):
            await quiet.receive(timeout=0.1)
    emulator.gateway_faults.plan("IDENTIFY", "ignore")
    emulator.gateway_faults.plan("IDENTIFY", "invalid_session")
    async with dial() as raw:
        await raw.identify()
        await raw.identify()
        assert (await raw.receive())["op"] == 9
        await raw.ready()
        await raw.until("GUILD_CREATE")
        emulator.gateway_faults.plan("MESSAGE_CREATE", "lose")
        emulator.gateway_faults.plan("MESSAGE_CREATE", "delay", delay_s=0.05)
        for text in ("lost", "late", "on time"):
            emulator.say("ann", "general", text)
        assert [(await raw.until("MESSAGE_CREATE"))["content"] for _ in range(2)] == ["on time", "late"]
    with pytest.raises(ValueError, match="has no fault"):
        emulator.gateway_faults.plan("IDENTIFY", "status")


async def test_members_are_asked_for(emulator: DiscordEmulator, dial: Any) -> None:
    """All of them once in thirty seconds, by name or id at any time."""
    async with dial() as raw:
        await raw.ready(1 << 0 | 1 << 1)
        await raw.send(8, {"guild_id": emulator.guild_id, "query": "", "limit": 0, "nonce": "n1"})
        chunk = await raw.until("GUILD_MEMBERS_CHUNK")
        assert len(chunk["members"]) == 4
        assert (chunk["chunk_index"], chunk["chunk_count"], chunk["nonce"]) == (0, 1, "n1")
        await raw.send(8, {"guild_id": emulator.guild_id, "query": "", "limit": 0})
        limited = await raw.until("RATE_LIMITED")
        assert limited["opcode"] == 8
        assert 0 < limited["retry_after"] <= 30
        await raw.send(8, {"guild_id": emulator.guild_id, "query": "an", "limit": 5})
        named = await raw.until("GUILD_MEMBERS_CHUNK")
        assert [member["user"]["username"] for member in named["members"]] == ["ann"]
        await raw.send(8, {"guild_id": emulator.guild_id, "user_ids": ["1", emulator.bot_user_id]})
        assert (await raw.until("GUILD_MEMBERS_CHUNK"))["not_found"] == ["1"]


@pytest.mark.parametrize("kind", ["zlib-stream", "zstd-stream"])
async def test_compression_is_one_stream(emulator: DiscordEmulator, session: aiohttp.ClientSession, kind: str) -> None:
    """All frames of a connection are one stream, each flushed; zlib's end in 00 00 FF FF."""
    reader: Any = zlib.decompressobj() if kind == "zlib-stream" else zstandard.ZstdDecompressor().decompressobj()
    async with session.ws_connect(f"{emulator.gateway_url}?v=10&encoding=json&compress={kind}") as socket:
        first = await socket.receive_bytes(timeout=5)
        await socket.send_json({"op": 1, "d": None})
        second = await socket.receive_bytes(timeout=5)
    assert [json.loads(reader.decompress(frame))["op"] for frame in (first, second)] == [10, 11]
    if kind == "zlib-stream":
        assert first.endswith(b"\x00\x00\xff\xff")
        assert second.endswith(b"\x00\x00\xff\xff")
