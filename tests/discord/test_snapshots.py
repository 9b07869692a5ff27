"""What is read out of the frames that begin a session."""

import json
from typing import Any

import pytest

from adapters.discord.snapshots import (
    GoneGuild,
    GuildSnapshot,
    Newest,
    Session,
    parse_frame,
    parse_gone_guild,
    parse_guild,
    parse_ready,
)


def data(**fields: Any) -> bytes:
    """Write data as it stands in a frame."""
    return json.dumps(fields).encode()


def test_a_frame_tells_its_event() -> None:
    """In whatever order its fields come; what cannot be read is none."""
    for text in ('{"t":"READY","s":1,"op":0,"d":{"v":10}}', '{"op":0,"d":{"v":10},"t":"READY"}'):
        frame = parse_frame(text)
        assert frame is not None
        assert (frame.t, bytes(frame.d)) == ("READY", b'{"v":10}')
    assert parse_frame('{"op":11,"t":null,"d":null}') is not None
    assert parse_frame("no JSON") is None


@pytest.mark.parametrize(
    ("fields", "session"),
    [
        ({"guilds": [{"id": "1", "unavailable": True}, {"id": "2"}]}, Session(0, 1, ("1", "2"))),
        ({"guilds": [], "shard": [1, 4]}, Session(1, 4, ())),
        ({"guilds": "none"}, None),
    ],
)
def test_ready_names_connection_and_servers(fields: Any, session: Session | None) -> None:
    """Without a shard it is the only one."""
    assert parse_ready(data(**fields)) == session


def test_a_server_tells_its_newest_messages() -> None:
    """Of channels and active threads, channels first; forums have none of their own, categories none at all."""
    snapshot = parse_guild(
        data(
            id="1",
            threads=[{"id": "30", "type": 11, "parent_id": "10", "last_message_id": "105"}, {"id": "31", "type": 12}],
            channels=[
                {"id": "10", "type": 0, "last_message_id": "100", "name": "general"},
                {"id": "11", "type": 15, "last_message_id": "101"},
                {"id": "12", "type": 4},
                {"id": "13", "type": 2, "last_message_id": None},
                {"id": "14", "type": 5, "last_message_id": "102"},
            ],
        )
    )
    assert snapshot == GuildSnapshot(
        "1", (Newest("10", 100), Newest("14", 102), Newest("30", 105, "10")), frozenset({"30", "31"})
    )


def test_a_server_out_of_order_is_told_from_one_we_left() -> None:
    """GUILD_CREATE may say so at the start, GUILD_DELETE later."""
    assert parse_guild(data(id="1", unavailable=True)) is None
    assert parse_gone_guild(data(id="1", unavailable=True)) == GoneGuild("1", True)
    assert parse_gone_guild(data(id="1")) == GoneGuild("1", False)


@pytest.mark.parametrize("parse", [parse_ready, parse_guild, parse_gone_guild])
def test_other_shapes_are_left_to_the_sdk(parse: Any) -> None:
    """Which may stumble over them; we do not."""
    assert parse(b'{"id": 7, "guilds": 7}') is None
