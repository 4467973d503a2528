"""Thousands of connections of one process, and what has arrived at their other end."""

import array
import contextlib
import fcntl
import pathlib
import select
import socket
import termios
import time

from driver import PATIENCE

ADDRESSES = [f"127.0.0.{number}" for number in range(2, 22)]  # a bound of one address need not be reached


def has_arrived(connection):
    """Whether the other end's system has all that was sent."""
    unsent = array.array("i", [0])
    fcntl.ioctl(connection, termios.TIOCOUTQ, unsent)
    return unsent[0] == 0


def wait_until(holds, what):
    """Looks until it does; a test that waits in vain fails."""
    until = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < until, f"it never came: {what}"
        time.sleep(0.001)


def wait_for_arrival(connections):
    for connection in connections:
        wait_until(lambda each=connection: has_arrived(each), "all bytes that were sent")


def descriptors_of(server):
    return len(list(pathlib.Path(f"/proc/{server.process.pid}/fd").iterdir()))


class Crowd:
    """Connections that are sent the same; what each has answered, until it is closed."""

    def __init__(self, server, count):
        self.poll = select.epoll()
        self.answers = {}
        self.open = {}
        for number in range(count):
            connection = socket.create_connection((server.host, server.port), PATIENCE,
                                                  (ADDRESSES[number % len(ADDRESSES)], 0))
            connection.setblocking(False)
            self.open[connection.fileno()] = connection
            self.answers[connection.fileno()] = b""
            self.poll.register(connection, select.EPOLLIN)

    def send(self, text):
        for connection in self.open.values():
            with contextlib.suppress(ConnectionError):  # closed meanwhile, as read_for() will see
                connection.send(text)

    def read_for(self, seconds):
        """What comes in this time."""
        until = time.monotonic() + seconds
        while self.open and (left := until - time.monotonic()) > 0:
            for number, _ in self.poll.poll(left):
                self.read(number)

    def read(self, number):
        try:
            piece = self.open[number].recv(65536)
        except ConnectionError:
            piece = b""
        self.answers[number] += piece
        if not piece:
            self.poll.unregister(number)
            self.open.pop(number).close()

    def read_until(self, end, count):
        """Until each has answered so many texts that end so."""
        waiting = {number for number in self.open if self.answers[number].count(end) < count}
        until = time.monotonic() + PATIENCE
        while waiting:
            assert time.monotonic() < until, f"{len(waiting)} were not answered"
            for number, _ in self.poll.poll(1):
                self.read(number)
                assert number in self.open, f"one was closed after {self.answers[number]!r}"
                if self.answers[number].count(end) >= count:
                    waiting.discard(number)

    def close(self):
        for connection in self.open.values():
            connection.close()
        self.open.clear()
        self.poll.close()
