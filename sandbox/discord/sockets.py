"""Cutting a connection the hard way: the other side sees a reset, not an end."""

import os
import socket
import struct

from aiohttp import web

_RESET_AT_CLOSE = struct.pack("ii", 1, 0)


def reset_connection(request: web.BaseRequest) -> None:
    """Reset the TCP connection of a request; whatever was not sent yet is lost."""
    transport = request.transport
    if transport is None:
        return
    own = transport.get_extra_info("socket")
    if own is not None and own.fileno() >= 0:
        # A socket of its own over the same descriptor: event loops hand out views that cannot set options.
        with socket.socket(fileno=os.dup(own.fileno())) as twin:
            twin.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
    transport.abort()
