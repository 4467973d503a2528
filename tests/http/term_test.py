"""SIGTERM under load: what had arrived whole is answered whole, what comes later is answered whole or not at all."""

import contextlib
import os
import random
import re
import signal
import socket
import threading
import unittest

from crowd import wait_for_arrival, wait_until
from driver import COOKIE, PATIENCE, Case, bench_server

TIMES = int(os.environ.get("FLAME_TIMES", "10"))
SEED = int(os.environ.get("FLAME_SEED", random.randrange(1 << 32)))
HEAD = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n")


def request(path, visitor=None):
    cookie = f"Cookie: {COOKIE}={visitor}\r\n" if visitor else ""
    return f"GET {path} HTTP/1.1\r\nHost: h\r\n{cookie}\r\n".encode()


def read_all(connection):
    """Until the other side closes."""
    received = b""
    try:
        while piece := connection.recv(65536):
            received += piece
    except ConnectionError:
        pass
    return received


def bodies_of(received):
    """Of whole answers of status 200; anything else is an error."""
    bodies = []
    while received:
        head = HEAD.match(received)
        assert head and head[1] == b"200", f"a part of an answer, or none that was meant: {received!r}"
        length = int(re.search(rb"\r\nContent-Length: (\d+)\r\n", head[0])[1])
        bodies.append(received[head.end():head.end() + length])
        received = received[head.end() + length:]
        assert len(bodies[-1]) == length, f"an answer was cut: {bodies[-1]!r}"
    return bodies


class Client:
    """One connection of its own visitor, which counts in its session."""

    def __init__(self, server):
        self.socket = socket.create_connection((server.host, server.port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent = 0

    def begin(self):
        self.socket.sendall(request("/incr"))
        received = b""
        while not received.endswith(b"\r\n\r\n1"):
            piece = self.socket.recv(65536)
            assert piece, "it was closed at once"
            received += piece
        self.visitor = re.search(rf"{COOKIE}=([^;]+);", received.decode())[1]

    def send(self, count):
        self.socket.sendall(request("/incr", self.visitor) * count)
        self.sent += count

    def check(self, case):
        """All that it sent, in order."""
        wanted = [str(2 + i).encode() for i in range(self.sent)]
        case.assertEqual(wanted, bodies_of(read_all(self.socket)))
        self.socket.close()


class Newcomers(threading.Thread):
    """So many, one after the other, or until one is not answered."""

    def __init__(self, server, most):
        super().__init__()
        self.server = server
        self.most = most
        self.served = 0
        self.error = None
        self.start()
        wait_until(lambda: self.served or self.error, "the first of them is served")

    def is_served(self):
        """A part of an answer is an error."""
        try:
            with socket.create_connection((self.server.host, self.server.port), PATIENCE) as connection:
                connection.sendall(request("/plain"))
                with contextlib.suppress(OSError):  # it is reset already
                    connection.shutdown(socket.SHUT_WR)
                return bodies_of(read_all(connection)) == [b"Hello, world"]
        except ConnectionError:
            return False

    def run(self):
        try:
            while self.served < self.most and self.is_served():
                self.served += 1
        except Exception as error:  # check() raises it
            self.error = error

    def check(self):
        self.join()
        if self.error:
            raise self.error


class Term(Case):
    def setUp(self):
        self.random = random.Random(SEED)

    def test_what_has_arrived_is_answered(self):
        """Beside clients that come all the time. Some requests are not whole yet: of these two never will be."""
        for time in range(TIMES):
            with self.subTest(seed=SEED, time=time), bench_server("--threads", str(1 + time % 2)) as server:
                clients = [Client(server) for _ in range(8)]
                for client in clients:
                    client.begin()
                halves = [socket.create_connection((server.host, server.port), PATIENCE) for _ in range(4)]
                newcomers = Newcomers(server, 100_000 if time % 10 == 0 else self.random.randint(1, 100))
                for client in self.random.sample(clients, 6):
                    client.send(self.random.randint(1, 20))
                whole = request("/plain")
                cuts = [self.random.randrange(1, len(whole)) for _ in halves]
                for half, cut in zip(halves, cuts):
                    half.sendall(whole[:cut])
                wait_for_arrival([client.socket for client in clients] + halves)
                server.send_signal(signal.SIGTERM)
                for half in halves[2:]:
                    half.close()
                for half, cut in zip(halves[:2], cuts):
                    with contextlib.suppress(ConnectionError):
                        half.sendall(whole[cut:])
                    self.assertIn(bodies_of(read_all(half)), ([], [b"Hello, world"]))
                    half.close()
                for client in clients:
                    client.check(self)
                newcomers.check()
                self.assertEqual(0, server.wait())

    def test_so_is_the_backlog(self):
        """It is stopped while all of it comes: when it goes on, it has the signal already."""
        for time in range(TIMES):
            with self.subTest(seed=SEED, time=time), bench_server("--threads", str(1 + time % 2)) as server:
                known = [Client(server) for _ in range(4)]
                for client in known:
                    client.begin()
                server.send_signal(signal.SIGSTOP)
                for client in known[:2]:
                    client.send(self.random.randint(1, 20))
                backlog = [socket.create_connection((server.host, server.port), PATIENCE)
                           for _ in range(self.random.randint(1, 60))]
                counts = [self.random.randint(1, 12) for _ in backlog]
                for connection, count in zip(backlog, counts):
                    connection.sendall(request("/plain") * count)
                wait_for_arrival([client.socket for client in known] + backlog)
                server.send_signal(signal.SIGTERM)
                server.send_signal(signal.SIGCONT)
                for client in known:
                    client.check(self)
                for connection, count in zip(backlog, counts):
                    self.assertEqual([b"Hello, world"] * count, bodies_of(read_all(connection)))
                    connection.close()
                self.assertEqual(0, server.wait())
                with self.assertRaises(ConnectionRefusedError):
                    server.connect()


if __name__ == "__main__":
    unittest.main()
