"""Both ends of a pipe that stands in for sockets, where a container lets only bytes through.

The host wants a control socket to a warm process and passes a socket to it for each submission. A
container has standard input and output instead. So one bridge stands on either side: each reads its
sockets and sends what comes as messages `kind, channel, length` and bytes, and the other writes
them to its own sockets. Channel 0 is the control socket; a FORK message carries an order and opens
a channel, for which the inner bridge makes the socket pair that the host's end could not pass.

What waits to be written is bounded for each channel: a child that floods a host which is not
listening loses its channel, and nobody else's bytes wait behind its own.

Usage inside: bridge.py
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import selectors
import socket
import struct
import subprocess
import sys

HEADER = struct.Struct("!BII")
CONTROL, FORK, DATA, CLOSE = 0, 1, 2, 3
_CHUNK = 65536
_PAUSE = 2**20
_BOUND = 40 * 2**20


class Bridge:
    """Moves bytes between a pair of pipes and any number of sockets until either side ends."""

    def __init__(self, source: int, sink: int, control: socket.socket, *, outer: bool) -> None:
        self.source, self.sink, self.control = source, sink, control
        self.outer = outer
        self.channels: dict[int, socket.socket] = {}
        self.out = bytearray()  # for the pipe
        self.waiting: dict[int, bytearray] = {}  # for the sockets
        self.closing: set[int] = set()
        self.incoming = bytearray()
        self.opened = 0
        for descriptor in (source, sink):
            os.set_blocking(descriptor, False)
        control.setblocking(False)

    def run(self) -> None:
        """Move bytes."""
        while True:
            with selectors.DefaultSelector() as selector:
                self._register(selector)
                events = selector.select()
            for key, mask in events:
                try:
                    going_on = self._handle(key.data, mask)
                except (BrokenPipeError, ConnectionError):
                    going_on = False
                if not going_on:
                    return

    def _register(self, selector: selectors.BaseSelector) -> None:
        selector.register(self.source, selectors.EVENT_READ, "source")
        if self.out:
            selector.register(self.sink, selectors.EVENT_WRITE, "sink")
        sockets = {0: self.control, **self.channels}
        for number, channel in sockets.items():
            mask = selectors.EVENT_READ if len(self.out) < _PAUSE else 0
            mask |= selectors.EVENT_WRITE if self.waiting.get(number) else 0
            if mask:
                selector.register(channel, mask, number)

    def _handle(self, what: str | int, mask: int) -> bool:
        if what == "source":
            return self._read_pipe()
        if what == "sink":
            with contextlib.suppress(BlockingIOError):
                del self.out[: os.write(self.sink, self.out[:_CHUNK])]
            return True
        number = int(what)
        if mask & selectors.EVENT_WRITE:
            self._flush(number)
        if mask & selectors.EVENT_READ:
            return self._read_control() if number == 0 else self._read_channel(number)
        return True

    def _post(self, kind: int, number: int, data: bytes = b"") -> None:
        self.out += HEADER.pack(kind, number, len(data)) + data

    # from the sockets to the pipe

    def _read_control(self) -> bool:
        if not self.outer:
            data = self.control.recv(_CHUNK)
            self._post(CONTROL, 0, data)
            return bool(data)
        data, descriptors, _, _ = socket.recv_fds(self.control, _CHUNK, 1)
        if descriptors:  # one order at a time is on its way: the host waits for each to be obeyed
            self.opened += 1
            self.channels[self.opened] = socket.socket(fileno=descriptors[0])
            self.channels[self.opened].setblocking(False)
            self._post(FORK, self.opened, data)
        elif data:
            self._post(CONTROL, 0, data)
        return bool(data)

    def _read_channel(self, number: int) -> bool:
        channel = self.channels.get(number)
        if channel is None:
            return True
        try:
            data = channel.recv(_CHUNK)
        except BlockingIOError:
            return True
        except ConnectionError:
            data = b""
        if data:
            self._post(DATA, number, data)
        else:
            self._post(CLOSE, number)
            self._drop(number)
        return True

    # from the pipe to the sockets

    def _read_pipe(self) -> bool:
        try:
            data = os.read(self.source, _CHUNK)
        except BlockingIOError:
            return True
        if not data:
            return False
        self.incoming += data
        while len(self.incoming) >= HEADER.size:
            kind, number, length = HEADER.unpack(self.incoming[: HEADER.size])
            if length > _CHUNK:
                return False
            if len(self.incoming) < HEADER.size + length:
                break
            body = bytes(self.incoming[HEADER.size : HEADER.size + length])
            del self.incoming[: HEADER.size + length]
            self._deliver(kind, number, body)
        return True

    def _deliver(self, kind: int, number: int, body: bytes) -> None:
        if kind == FORK and not self.outer:
            ours, theirs = socket.socketpair()
            self.control.setblocking(True)
            socket.send_fds(self.control, [body], [theirs.fileno()])
            self.control.setblocking(False)
            theirs.close()
            ours.setblocking(False)
            self.channels[number] = ours
        elif kind == CLOSE:
            self.closing.add(number)
            self._flush(number)
        elif kind == CONTROL or number in self.channels:
            self.waiting.setdefault(number, bytearray()).extend(body)
            self._flush(number)

    def _flush(self, number: int) -> None:
        channel = self.control if number == 0 else self.channels.get(number)
        waiting = self.waiting.get(number)
        if channel is None:
            return
        try:
            while waiting:
                del waiting[: channel.send(waiting[:_CHUNK])]
        except BlockingIOError:
            if waiting is not None and len(waiting) > _BOUND:
                self._post(CLOSE, number)
                self._drop(number)
            return
        except ConnectionError:
            if number == 0:
                raise
            self._drop(number)
            return
        if number in self.closing:
            self._drop(number)

    def _drop(self, number: int) -> None:
        channel = self.channels.pop(number, None)
        if channel is not None:
            channel.close()
        self.waiting.pop(number, None)
        self.closing.discard(number)


def main() -> None:
    """Start a warm process beside this one, and carry its bytes."""
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE: its memory is nobody's business
    ours, theirs = socket.socketpair()
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "zygote.py")
    command = [sys.executable, "-S", "-s", "-P", "-B", script, str(theirs.fileno())]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=2, pass_fds=[theirs.fileno()]
    ) as process:
        theirs.close()
        try:
            Bridge(0, 1, ours, outer=False).run()
        finally:
            ours.close()
            process.kill()


if __name__ == "__main__":
    main()
