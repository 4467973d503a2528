"""The SQLite store under bench_server: what clients are told when the file, or another process, fails them."""

import base64
import contextlib
import json
import os
import pathlib
import signal
import sqlite3
import tempfile
import threading
import time
import unittest

import stores
from driver import PATIENCE, Case, Server
from sqlite_kill_test import integrity


class Visitor(threading.Thread):
    """Saves one value after the other, and remembers the last that was acknowledged."""

    def __init__(self, case, server):
        super().__init__()
        self.client = server.connect()
        self.id = case.begin(self.client)
        self.acknowledged = self.tried = self.refused = 0
        self.strange = []
        self.ended = False

    def run(self):
        with contextlib.suppress(AssertionError, OSError, ValueError):  # its server was killed
            while not self.ended:
                self.tried += 1
                response = self.client.get(f"/put?key=n&value={self.tried}", self.id)
                if response.status == 200:
                    self.acknowledged = self.tried
                elif response.status == 503 and not response.all("Set-Cookie"):
                    self.refused += 1
                    time.sleep(0.02)
                else:
                    self.strange.append(response)


class Http(Case):
    def setUp(self):
        self.path = pathlib.Path(stores.new_file())
        self.store = f"sqlite:{self.path}?init_table=true"

    def wait_until(self, condition):
        until = time.monotonic() + PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), until)
            time.sleep(0.01)

    def begin_load(self, server, count=8):
        visitors = [Visitor(self, server) for _ in range(count)]
        for each in visitors:
            each.start()
        self.wait_until(lambda: all(each.acknowledged >= 5 for each in visitors))
        return visitors

    def goes_on(self, visitors):
        before = [each.acknowledged for each in visitors]
        self.wait_until(lambda: all(e.acknowledged > n for e, n in zip(visitors, before)))

    def end_load(self, visitors):
        for each in visitors:
            each.ended = True
        for each in visitors:
            each.join()
            self.assertEqual([], each.strange)

    def expect_kept(self, client, visitors):
        for each in visitors:
            found = int(json.loads(client.get("/all", each.id).body).get("n", 0))
            self.assertLessEqual(each.acknowledged, found)
            self.assertLessEqual(found, each.tried)

    def other(self):
        database = sqlite3.connect(self.path, isolation_level=None, timeout=PATIENCE)
        self.addCleanup(database.close)
        return database

    def test_killed_under_load_and_started_again(self):
        for durability in ["process_crash", "power_cut"]:
            with self.subTest(durability=durability):
                store = f"{self.store}&durability={durability}"
                living = self.serve("--store", store)
                others = self.begin_load(living, 4)
                everybody = list(others)
                for _ in range(5):
                    killed = Server("bench_server", "--listen", "127.0.0.1:0", "--store", store)
                    visitors = self.begin_load(killed, 4)
                    self.assertEqual(-signal.SIGKILL, killed.end(signal.SIGKILL))
                    for each in visitors:
                        each.join()
                    self.goes_on(others)
                    everybody += visitors
                again = self.serve("--store", store)
                self.end_load(others)
                self.expect_kept(again.connect(), everybody)
                self.expect_kept(living.connect(), everybody)
                self.assertEqual([("ok",)], integrity(self.path))

    def test_stopped_while_it_may_have_the_lock(self):
        living, stopped = self.serve("--store", self.store), self.serve("--store", self.store)
        others, visitors = self.begin_load(living, 4), self.begin_load(stopped, 4)
        for _ in range(5):
            stopped.send_signal(signal.SIGSTOP)
            self.answer(living.connect().get("/get", others[0].id), "Authenticated as 123")
            stopped.send_signal(signal.SIGCONT)
            self.goes_on(others + visitors)
        self.end_load(others + visitors)
        self.expect_kept(living.connect(), others + visitors)

    def test_a_lock_that_another_process_keeps(self):
        server = self.serve("--store", self.store)
        client = server.connect()
        visitor = self.begin(client)
        backup = self.other()
        backup.execute("BEGIN IMMEDIATE")
        waiting = [server.connect() for _ in range(20)]
        for each in waiting:
            each.send("/put?key=a&value=1", visitor)
        self.answer(client.get("/get", visitor), "Authenticated as 123")
        self.answer(client.get("/plain"), "Hello, world")
        for each in waiting:
            response = each.receive()
            self.assertEqual((503, "1"), (response.status, response.get("Retry-After")))
        server.wait_for("locked .by a process that hangs, or was stopped")
        waiting[0].send("/put?key=a&value=2", visitor)  # it is waited for
        backup.execute("COMMIT")
        self.answer(waiting[0].receive(), "Succeed")
        self.assertEqual("2", json.loads(client.get("/all", visitor).body)["a"])

    def test_a_lock_on_everything(self):
        server = self.serve("--store", self.store)
        client = server.connect()
        visitor = self.begin(client)
        server.end()
        backup = self.other()
        backup.execute("PRAGMA locking_mode = EXCLUSIVE")
        backup.execute("BEGIN EXCLUSIVE")
        server = self.serve("--store", self.store)  # a store that is down is no wrong option
        server.wait_for("locked by another process")
        client = server.connect()
        self.assertEqual(503, client.get("/get", visitor).status)
        backup.execute("COMMIT")
        backup.close()
        self.wait_until(lambda: client.get("/get", visitor).status == 200)

    def move(self, to):
        """As an operator may: one file after the other."""
        for end in ["", "-wal", "-shm"]:
            with contextlib.suppress(FileNotFoundError):
                os.rename(f"{self.path}{end}", f"{to}{end}")

    @staticmethod
    def rows(path):
        with contextlib.closing(sqlite3.connect(path)) as database:
            return database.execute("SELECT count(*) FROM sessions").fetchone()[0]

    def test_moved_away_and_made_anew(self):
        server = self.serve("--store", self.store)
        client, away = server.connect(), self.path.parent / "away.db"
        visitor = self.begin(client)
        self.move(away)
        self.answer(client.get("/get", visitor), "Not authenticated")
        visitors = [self.begin(client) for _ in range(10)]
        for each in visitors:
            self.answer(client.get("/get", each), "Authenticated as 123")
        self.assertEqual((1, 10), (self.rows(away), self.rows(self.path)))

    def test_moved_away_under_load_and_back(self):
        first = self.serve("--store", self.store)
        self.begin(first.connect())
        first.end()
        server = self.serve("--store", f"sqlite:{self.path}")
        visitors, away = self.begin_load(server), self.path.parent / "away.db"
        os.rename(self.path, away)
        server.wait_for("-wal, which holds sessions, is still there|moved, replaced or removed")
        self.wait_until(lambda: all(each.refused > 0 for each in visitors))
        os.rename(away, self.path)
        self.goes_on(visitors)
        self.end_load(visitors)
        self.expect_kept(server.connect(), visitors)
        self.assertEqual([("ok",)], integrity(self.path))

    def test_the_wal_taken_away_under_load(self):
        server = self.serve("--store", self.store)
        visitors = self.begin_load(server)
        os.remove(f"{self.path}-wal")
        self.wait_until(lambda: os.path.exists(f"{self.path}-wal"))
        self.goes_on(visitors)
        self.end_load(visitors)
        self.expect_kept(server.connect(), visitors)
        self.assertEqual([("ok",)], integrity(self.path))

    def test_nothing_on_the_disk_names_an_id(self):
        server = self.serve("--store", self.store)
        client = server.connect()
        for number in range(20):
            visitor = self.begin(client)
            self.answer(client.get(f"/login?owner=user{number}", visitor), "Succeed")
        self.assertEqual(40, len(server.issued))
        everything = b"".join(file.read_bytes() for file in self.path.parent.iterdir())
        self.assertIn(b"user19", everything)
        for session_id in server.issued:
            secret = session_id[16:]
            for known in [session_id.encode(), secret.encode(), base64.urlsafe_b64decode(secret + "=")]:
                self.assertNotIn(known, everything)

    def test_example_in_the_working_folder(self):
        with tempfile.TemporaryDirectory() as folder:
            before = os.getcwd()
            os.chdir(folder)
            self.addCleanup(os.chdir, before)
            first = Server("example_sqlite", environment={"FLAME_ADDR": "127.0.0.1:0"})
            visitor = self.begin(first.connect())
            self.assertEqual(-signal.SIGKILL, first.end(signal.SIGKILL))
            second = self.enterContext(Server("example_sqlite", environment={"FLAME_ADDR": "127.0.0.1:0"}))
            self.answer(second.connect().get("/get", visitor), "Authenticated as 123")
            os.chdir(before)


if __name__ == "__main__":
    unittest.main()
