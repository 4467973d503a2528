"""copy, from files to the store that the test is for."""

import os
import pathlib
import re
import signal
import subprocess
import tempfile
import threading
import unittest

import driver
import stores
from command import Case


class Copy(Case):
    def setUp(self):
        super().setUp()
        self.source = stores.new_store("sqlite" if self.url.startswith("file") else "file")
        self.server = self.serve("--store", self.source)
        self.connection = self.server.connect()

    def copied(self, *options, status=0):
        """What became of how many."""
        said = self.command("copy", self.source, self.url, *options, status=status)
        return {name: int(n) for name, n in re.findall(r"(?m)^([a-z ,]+?) {2,}(\d+)$", said)}

    def test_takes_the_cookies_along(self):
        ids = [self.begin(self.connection, f"user{i % 5}" if i % 2 else None) for i in range(60)]
        self.assertEqual(60, self.copied()["copied"])
        there = self.serve("--store", self.url).connect()
        self.assert_live(there, *ids)
        self.assertEqual(6, len(re.findall(r"(?m)^\S{16}  20", self.command("list", self.url, "user1"))))
        said = self.command("copy", self.source, self.url, status=1)
        self.assertIn("--resume", said)
        self.assertEqual(60, self.copied("--resume")["already there"])

    def test_brings_an_earlier_copy_up_to_date(self):
        same, changed, ended, other, there_too = (self.begin(self.connection) for _ in range(5))
        self.assertEqual(5, self.copied()["copied"])
        self.connection.get("/put?key=k&value=later", changed)
        for each in (ended, other):
            self.connection.get("/logout", each)
        there = self.serve("--store", self.url).connect()
        there.get("/put?key=k&value=there", there_too)
        self.assertIn("End them at TO?", self.command("copy", self.source, self.url, "--resume", status=3))
        self.assert_live(there, ended, other)
        copied = self.copied("--resume", "--yes", status=1)
        self.assertEqual({"already there": 2, "copied again, newer than there": 0,
                          "of another state there, left alone": 1, "ended there, for they had ended": 2,
                          "copied": 0, "ended meanwhile": 0, "expired": 0, "unreadable, not copied": 0,
                          "refused there, not copied": 0}, copied)
        self.assert_live(there, same)
        self.assert_gone(there, ended, other)
        self.assertIn("later", self.value(there, changed))
        self.assertIn('"there"', self.value(there, there_too))

    def test_while_sessions_end_and_change(self):
        ids = [self.begin(self.connection, f"user{i % 5}" if i % 2 else None) for i in range(1500)]
        ended, changed = ids[::3], ids[1::3]
        begun = threading.Event()

        def use():
            connection = self.server.connect()
            for one, other in zip(ended, changed):
                connection.get("/logout", one)
                connection.get("/put?key=k&value=later", other)
                begun.set()

        thread = threading.Thread(target=use)
        thread.start()
        begun.wait(driver.PATIENCE)
        self.copied()
        thread.join()
        self.copied("--resume", "--yes")
        there = self.serve("--store", self.url).connect()
        self.assert_gone(there, *ended)
        for each in changed:
            self.assertIn("later", self.value(there, each))
        self.assert_live(there, *ids[2::3])

    def test_from_a_store_where_none_lives_it_ends_nothing(self):
        self.begin(self.connection)
        self.command("end-all", self.source, "--everyone", "--yes")
        there = self.serve("--store", self.url).connect()
        ids = [self.begin(there) for _ in range(3)]
        said = self.command("copy", self.source, self.url, "--resume", "--yes", status=1)
        self.assertIn("no session lives at FROM", said)
        self.assert_live(there, *ids)

    def test_into_a_folder_of_others_it_copies_nothing(self):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "notes").touch()
            self.assertIn("files of others", self.command("copy", self.source, f"file:{folder}", status=1))
            self.assertEqual(["notes"], os.listdir(folder))

    def interrupted(self, number, wait, *options):
        """Its status, and what it said."""
        process = subprocess.Popen([driver.BIN / "flame-session", "copy", self.source, self.url, *options],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            out, errors = process.communicate(timeout=wait)
        except subprocess.TimeoutExpired:
            process.send_signal(number)
            out, errors = process.communicate(timeout=driver.PATIENCE)
        self.said += out + errors
        return process.returncode, out + errors

    def test_goes_on_after_it_was_ended(self):
        ids = [self.begin(self.connection) for _ in range(3000)]
        killed, wait = 0, 0.005
        while True:
            number = (signal.SIGKILL, signal.SIGTERM)[killed % 2]
            status, said = self.interrupted(number, wait, "--resume", "--yes")
            if status == 0:
                break
            self.assertIn(status, (-signal.SIGKILL, -signal.SIGTERM, 3), said)
            if status == 3:
                self.assertIn("--resume", said)
            killed, wait = killed + 1, wait * 1.3
        self.assertGreater(killed, 0)
        there = self.serve("--store", self.url).connect()
        self.assert_live(there, *ids)


if __name__ == "__main__":
    unittest.main()
