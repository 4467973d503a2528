"""Many clients at once: slow ones, idle ones, and one that sends much at once."""

import json
import os
import signal
import unittest

from crowd import Crowd, descriptors_of, wait_for_arrival, wait_until
from driver import PATIENCE, Case

CLIENTS = int(os.environ.get("FLAME_CLIENTS", "1000"))
OTHERS = 20  # requests of another client, for each round of the crowd
PIPELINED = 100
GREETING = "Hello, world"
REQUEST = b"GET /plain HTTP/1.1\r\nHost: h\r\n\r\n"
MOST_ROUNDS = 30


class Crowds(Case):
    def crowd(self, server):
        crowd = Crowd(server, CLIENTS)
        self.addCleanup(crowd.close)
        return crowd

    def serve_many(self):
        return self.serve("--connections", str(CLIENTS + 500))

    def test_who_sends_a_byte_a_second_is_closed_and_others_are_served(self):
        server = self.serve_many()
        other = server.connect()
        self.answer(other.get("/plain"), GREETING)
        before = descriptors_of(server)
        crowd = self.crowd(server)
        head = b"GET /plain HTTP/1.1\r\nX: " + b"x" * MOST_ROUNDS
        for byte in head[:MOST_ROUNDS]:
            crowd.send(bytes([byte]))
            for _ in range(OTHERS):
                self.answer(other.get("/plain"), GREETING)
            crowd.read_for(1)
            if not crowd.open:
                break
        self.assertEqual(0, len(crowd.open), "they go on for as long as they like")
        for answer in crowd.answers.values():
            self.assertRegex(answer, rb"\AHTTP/1\.1 408 ")
        wait_until(lambda: descriptors_of(server) <= before, "the descriptors are given back")

    def test_beside_idle_ones_others_are_served(self):
        server = self.serve_many()
        crowd = self.crowd(server)
        other = server.connect()
        ends = GREETING.encode()
        for count in range(1, 3):  # they have sent nothing yet, and then one request
            for _ in range(OTHERS):
                self.answer(other.get("/plain"), GREETING)
            crowd.send(REQUEST)
            crowd.read_until(ends, count)
        self.assertEqual(CLIENTS, len(crowd.open))

    def test_beside_idle_ones_what_has_arrived_is_answered_when_it_stops(self):
        """It is stopped while that comes: when it goes on, it has the signal already."""
        server = self.serve_many()
        crowd = self.crowd(server)
        crowd.send(REQUEST)
        crowd.read_until(GREETING.encode(), 1)
        server.send_signal(signal.SIGSTOP)
        asking = list(crowd.open.values())[::50]
        for connection in asking:
            connection.send(REQUEST * 10)
        wait_for_arrival(asking)
        numbers = {connection.fileno() for connection in asking}
        server.send_signal(signal.SIGTERM)
        server.send_signal(signal.SIGCONT)
        crowd.read_for(PATIENCE)
        self.assertEqual(0, len(crowd.open))
        for number, answer in crowd.answers.items():
            self.assertEqual(11 if number in numbers else 1, answer.count(GREETING.encode()))
        self.assertEqual(0, server.wait())


class Pipelines(Case):
    def test_each_request_has_the_session_of_its_own_cookie(self):
        client = self.serve("--threads", "2").connect()
        visitors = [self.begin(client, f"/put?key=name&value=v{i}") for i in range(PIPELINED)]
        paths = ["/all", "/incr", "/slow?ms=2&key=name&value=w", "/all"]
        batch = b"".join(client.request(path, visitor) for path in paths for visitor in visitors)
        client.socket.sendall(batch)
        for i in range(PIPELINED):
            self.assertEqual({"name": f"v{i}"}, json.loads(client.receive().body))
        for _ in visitors:
            self.answer(client.receive(), "1")
        for _ in visitors:
            self.answer(client.receive(), "Succeed")
        for _ in visitors:
            self.assertEqual({"n": 1, "name": "w"}, json.loads(client.receive().body))

    def test_answers_come_in_order_whatever_takes_how_long(self):
        client = self.serve("--threads", "2").connect()
        visitors = [self.begin(client) for _ in range(PIPELINED)]
        client.socket.sendall(b"".join(
            client.request(f"/slow?ms={(7 * i) % 5}&key=k&value={i}" if i % 2 else f"/put?key=k&value={i}", visitor)
            + client.request("/all", visitor) for i, visitor in enumerate(visitors)))
        for i in range(PIPELINED):
            self.answer(client.receive(), "Succeed")
            self.assertEqual({"user_id": 123, "k": str(i)}, json.loads(client.receive().body))


if __name__ == "__main__":
    unittest.main()
