"""A million requests of who has no session leave nothing."""

import pathlib
import unittest

from driver import Case
from sessions_test import STORING_NOTHING

REQUESTS = 1_000_000
PIPELINED = 100


class Long(Case):
    def resident_kib(self, server):
        status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii")
        return int(status.partition("VmRSS:")[2].split()[0])

    def is_sanitized(self, server):  # it keeps freed memory for a while
        maps = pathlib.Path(f"/proc/{server.process.pid}/maps").read_text(encoding="utf-8")
        return "libasan" in maps or "libtsan" in maps

    def run_some(self, client, path, count):
        made_up = "A" * 43
        batch = b"".join(client.request(path, made_up if i % 2 else None) for i in range(PIPELINED))
        for _ in range(count // PIPELINED):
            client.socket.sendall(batch)
            for _ in range(PIPELINED):
                response = client.receive()
                self.assertEqual((200, []), (response.status, response.all("Set-Cookie")))

    def test_anonymous_requests_leave_nothing(self):
        # As in sessions_test.py: the one place is taken for good.
        server = self.serve("--store", "memory:?max_sessions=1")
        client = server.connect()
        owner = self.begin(client, "/login?owner=ann")
        paths = [path for path in STORING_NOTHING if path not in ("/fail", "/nowhere")]
        for path in paths:
            self.run_some(client, path, 2000)
        before = self.resident_kib(server)
        for path in paths:
            self.run_some(client, path, REQUESTS // len(paths))
        self.answer(client.get("/all", owner), '{"user":"ann"}')
        self.assertEqual(503, client.get("/set").status)
        if not self.is_sanitized(server):
            self.assertLess(self.resident_kib(server) - before, 2048)


if __name__ == "__main__":
    unittest.main()
