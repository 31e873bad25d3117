"""The supervisor: gunicorn's, but it stops accepting before the workers stop."""

import ctypes
import socket
import struct
from contextlib import suppress
from typing import Any

from gunicorn.arbiter import Arbiter

_ATTACH_FILTER = 26  # Linux's SO_ATTACH_FILTER, which Python does not name
_DROP = struct.pack("HBBI", 0x06, 0, 0, 0)  # one instruction: take nothing of the packet


class Master(Arbiter):  # type: ignore[misc]
    """Accepts no connection from the moment at which the site is to stop."""

    def stop(self, graceful: bool = True) -> None:
        for listener in self.LISTENERS:
            _deafen(listener.sock)
        super().stop(graceful)


def _deafen(listener: Any) -> None:
    """Complete no further connection.

    One that is completed between a worker's last look and the closing of its socket would be reset, with the request
    that is on its way. A client that is not accepted tries again, and learns that the site is down.
    """
    program = ctypes.create_string_buffer(_DROP)
    with suppress(OSError):  # elsewhere than on Linux
        listener.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(program)))
