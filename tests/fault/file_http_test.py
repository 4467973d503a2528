"""The file store under bench_server: what a client is told when the disk, or another process, fails."""

import base64
import collections
import contextlib
import fcntl
import os
import pathlib
import resource
import shutil
import signal
import tempfile
import unittest

from driver import ID, Case, Server, run_to_the_end
from store import CALLS, skip_where_throwing_takes_descriptors


class Http(Case):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="flame-fault-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.root = self.folder / "sessions"

    def serve_files(self, durability, **environment):
        return self.serve("--store", f"file:{self.root}?durability={durability}",
                          environment=environment)

    def serve_with_faults(self, **environment):
        # The preloaded library stands before the sanitizer's, and does without it.
        return self.serve_files("power_cut", LD_PRELOAD=CALLS,
                                ASAN_OPTIONS="verify_asan_link_order=0", **environment)

    def folder_of(self, session_id):
        return self.root / base64.urlsafe_b64decode(session_id[:16])[:1].hex()

    def test_what_may_not_survive_a_power_cut_is_not_acknowledged(self):
        fault = self.folder / "fault"
        server = self.serve_with_faults(FLAME_FAULT_FILE=str(fault))
        client = server.connect()
        visitor = self.begin(client)
        for failing in ["fsync", "fsync_folder"]:
            fault.write_text(failing)
            for path in ["/put?key=a&value=1", "/login?owner=ann", "/set"]:
                response = client.get(path, visitor if path != "/set" else None)
                self.assertEqual(503, response.status, (failing, path))
                self.assertEqual([], response.all("Set-Cookie"))
            fault.unlink()
        server.wait_for("could not flush a folder after a save: .*: check the disk")
        fault.write_text("fsync_folder")
        response = client.get("/logout", visitor)
        self.assertEqual(503, response.status)
        self.assertEqual([], response.all("Set-Cookie"))
        fault.unlink()
        # A worker that connected meanwhile could not: the store counts as down for a moment.
        while client.get("/set").status != 200:
            pass
        self.assertEqual(200, client.get("/logout", self.begin(client)).status)

    def test_a_root_that_was_removed_is_flushed_like_a_new_one(self):
        calls = self.folder / "calls"
        server = self.serve_with_faults(FLAME_CALLS_FILE=str(calls))
        client = server.connect()
        self.begin(client)
        shutil.rmtree(self.root)
        calls.write_text("")
        self.assertRegex(self.begin(client), ID)
        self.assertIn(f"fsync {self.folder.name}\n", calls.read_text())

    def test_a_folder_that_stays_locked_holds_up_no_other(self):
        server = self.serve_files("none")
        client = server.connect()
        visitors = [self.begin(client) for _ in range(1000)]
        stuck, _ = collections.Counter(map(self.folder_of, visitors)).most_common(1)[0]
        theirs = [visitor for visitor in visitors if self.folder_of(visitor) == stuck]
        others = [visitor for visitor in visitors if self.folder_of(visitor) != stuck][:60]
        self.assertGreater(len(theirs), 5)
        lock = os.open(stuck, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = [server.connect() for _ in theirs]
        for connection, visitor in zip(waiting, theirs):
            connection.send("/put?key=a&value=1", visitor)
        for visitor in others:
            self.answer(client.get("/put?key=a&value=2", visitor), "Succeed")
        self.answer(client.get("/get", theirs[0]), "Authenticated as 123")
        for connection in waiting:
            response = connection.receive()
            self.assertEqual(503, response.status)
            self.assertEqual("1", response.get("Retry-After"))
        server.wait_for("locked .by a process that hangs, or was stopped")
        # Who is still waited for when the lock is given back gets what was asked for.
        waiting[0].send("/put?key=a&value=2", theirs[0])
        self.answer(client.get("/put?key=a&value=2", others[0]), "Succeed")
        os.close(lock)
        self.answer(waiting[0].receive(), "Succeed")
        for visitor in theirs:
            self.answer(client.get("/put?key=a&value=3", visitor), "Succeed")

    def test_a_root_that_was_moved_away_is_left_alone(self):
        server = self.serve_files("none")
        client = server.connect()
        visitor, away = self.begin(client), self.folder / "away"
        self.root.rename(away)
        self.root.mkdir(mode=0o700)
        moved = self.records(away)
        self.assertRegex(client.get("/put?key=a&value=1", visitor).session_id, ID)
        for _ in range(20):
            self.answer(client.get("/get", visitor), "Not authenticated")
            self.begin(client)
        self.assertEqual(moved, self.records(away))
        self.assertEqual(21, len(self.records(self.root)))

    @staticmethod
    def records(root):
        return {path: path.stat().st_mtime_ns for path in root.glob("??/" + "?" * 24)}

    def test_without_descriptors_sessions_are_still_read(self):
        server = self.serve_files("none")
        client = server.connect()
        visitor = self.begin(client)
        self.answer(client.get("/get", visitor), "Authenticated as 123")
        skip_where_throwing_takes_descriptors(self, server.process)
        pid = server.process.pid
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (100, before[1]))
        folder = pathlib.Path(f"/proc/{pid}/fd")
        with contextlib.ExitStack() as others:
            while len(list(folder.iterdir())) < 100:
                others.callback(server.connect().close)
            for _ in range(50):
                self.answer(client.get("/get", visitor), "Authenticated as 123")
            response = client.get("/put?key=a&value=1", visitor)
            self.assertEqual((503, "1"), (response.status, response.get("Retry-After")))
            server.wait_for("ulimit -n")
            self.answer(client.get("/get", visitor), "Authenticated as 123")
        while len(list(folder.iterdir())) > 90:
            pass
        self.answer(client.get("/put?key=a&value=1", visitor), "Succeed")

    def test_nothing_on_the_disk_names_an_id(self):
        server = self.serve_files("none")
        client = server.connect()
        for number in range(20):
            visitor = self.begin(client)
            self.answer(client.get("/put?key=a&value=1", visitor), "Succeed")
            self.answer(client.get("/flash?message=hello", visitor), "Succeed")
            self.answer(client.get(f"/login?owner=user{number}", visitor), "Succeed")
        self.assertEqual(40, len(server.issued))
        paths = [path for path in self.root.rglob("*") if path.is_file()]
        self.assertEqual(40, len(paths))  # records, and the entries of their owners
        everything = b"\n".join(str(path.relative_to(self.root)).encode() + b"\n" + path.read_bytes()
                                for path in paths)
        for session_id in server.issued:
            secret = session_id[16:]
            for known in [session_id.encode(), secret.encode(),
                          base64.urlsafe_b64decode(secret + "=")]:
                self.assertNotIn(known, everything)
                self.assertNotIn(known.hex().encode(), everything)

    def test_example_file_after_kill(self):
        environment = {"FLAME_ADDR": "127.0.0.1:0", "FLAME_SESSION_DIR": str(self.root)}
        first = Server("example_file", environment=environment)
        visitor = self.begin(first.connect())
        self.assertEqual(-signal.SIGKILL, first.end(signal.SIGKILL))
        second = self.enterContext(Server("example_file", environment=environment))
        self.answer(second.connect().get("/get", visitor), "Authenticated as 123")

    def test_example_file_without_a_folder(self):
        environment = {"FLAME_ADDR": "127.0.0.1:0", "TMPDIR": str(self.folder)}
        server = self.enterContext(Server("example_file", environment=environment))
        self.begin(server.connect())
        self.assertEqual(1, len(list(self.root.glob("??/" + "?" * 24))))

    def test_a_root_that_is_refused_ends_the_program(self):
        self.root.mkdir()
        self.root.chmod(0o777)
        run = run_to_the_end("bench_server", "--store", f"file:{self.root}", "--listen", "127.0.0.1:0")
        self.assertEqual(1, run.returncode)
        self.assertEqual(1, run.stderr.count("\n"), run.stderr)
        self.assertIn("chmod go-w", run.stderr)


if __name__ == "__main__":
    unittest.main()
