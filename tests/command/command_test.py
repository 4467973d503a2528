"""list, end, end-all, sweep and check, beside a service that uses the store."""

import json
import os
import pty
import re
import signal
import subprocess
import time
import unittest

import driver
from command import Case, key_of

CANARY = "canary-of-a-password"
PASSWORDS = [
    f"postgres://u:{CANARY}@127.0.0.1:1/d",
    f"mysql://u:{CANARY}@127.0.0.1:1/d",
    f"redis://u:{CANARY}@127.0.0.1:1/0",
    f"mongodb://u:{CANARY}@127.0.0.1:1/d",
    f"nothing://u:{CANARY}@h/d",
    f"u:{CANARY}@h/d",
]


class Sessions(Case):
    def setUp(self):
        super().setUp()
        self.server = self.serve("--store", self.url)
        self.connection = self.server.connect()

    def listed(self, owner):
        return json.loads(self.run_command("list", self.url, owner, "--json").stdout)

    def test_lists_and_ends(self):
        ids = [self.begin(self.connection, "alice") for _ in range(3)]
        bob, visitor = self.begin(self.connection, "bob"), self.begin(self.connection)
        listed = self.listed("alice")
        self.assertEqual({key_of(i) for i in ids}, {each["key"] for each in listed})
        for each in listed:
            self.assertEqual(["key", "label", "created", "last_seen", "expires"], list(each))
            for name in ("created", "last_seen", "expires"):
                self.assertRegex(each[name], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
            self.assertLess(each["created"], each["expires"])
        table = self.command("list", self.url, "alice")
        self.assertRegex(table, r"^KEY +CREATED +LAST SEEN +EXPIRES +LABEL\n")
        for each in ids:
            self.assertIn("\n" + key_of(each) + "  20", table)
        self.assertIn("1 session ended", self.command("end", self.url, key_of(ids[0])))
        self.command("end", self.url, key_of(ids[0]), status=1)
        self.assert_gone(self.connection, ids[0])
        self.assert_live(self.connection, *ids[1:], bob, visitor)
        self.assertEqual(2, len(self.listed("alice")))
        self.assertEqual([], self.listed("nobody"))

    def test_a_signal_while_it_asks_ends_nothing(self):
        ids = [self.begin(self.connection, "alice") for _ in range(2)]
        for number in (signal.SIGINT, signal.SIGTERM):
            master, slave = pty.openpty()
            process = subprocess.Popen([driver.BIN / "flame-session", "end-all", self.url, "alice"],
                                       stdin=slave, stderr=subprocess.PIPE, text=True)
            self.assertIn("End all", process.stderr.read(len("End all")))
            process.send_signal(number)
            self.said += process.communicate(timeout=driver.PATIENCE)[1]
            os.close(master)
            os.close(slave)
            self.assertEqual(3, process.returncode)
        self.assert_live(self.connection, *ids)

    def test_of_another_application_it_finds_none(self):
        session = self.begin(self.connection, "alice")
        self.assertEqual("[]\n", self.run_command(
            "list", self.url, "alice", "--json", "--application", "shop").stdout)
        self.command("end", self.url, key_of(session), "--application", "shop", status=1)
        for whose in (["alice"], ["--everyone"]):
            self.assertIn("0 sessions ended", self.command(
                "end-all", self.url, *whose, "--application", "shop", "--yes"))
        self.assert_live(self.connection, session)

    def test_that_finds_none_says_among_whom_it_looked(self):
        hint = "see --application"
        self.assertIn(hint, self.run_command("list", self.url, "nobody").stderr)
        self.assertIn(hint, self.run_command("end-all", self.url, "nobody", "--yes").stderr)
        self.assertNotIn(hint, self.run_command(
            "list", self.url, "nobody", "--application", "shop").stderr)

    def test_asks_before_it_ends_more_than_one(self):
        ids = [self.begin(self.connection, "alice") for _ in range(3)]
        bob, visitor = self.begin(self.connection, "bob"), self.begin(self.connection)
        self.assertIn("End all sessions of this owner, 3?",
                      self.command("end-all", self.url, "alice", status=3))
        self.assertIn("--yes", self.command("end-all", self.url, "--everyone", status=3))
        self.assertIn("nothing was ended", self.on_a_terminal("n", "end-all", self.url, "alice", status=3))
        self.assertIn("nothing was ended", self.on_a_terminal("", "end-all", self.url, "--everyone", status=3))
        self.assert_live(self.connection, *ids, bob, visitor)
        said = self.on_a_terminal("y", "end-all", self.url, "alice", "--except", key_of(ids[1]))
        self.assertIn("End all sessions of this owner, 3 with the one of --except? [y/N]", said)
        self.assertIn("2 sessions ended", said)
        self.assert_gone(self.connection, ids[0], ids[2])
        self.assert_live(self.connection, ids[1], bob, visitor)
        self.assertIn("1 session ended", self.command("end-all", self.url, "alice"))
        self.assert_live(self.connection, bob, visitor)

    def test_ends_everyones(self):
        ids = [self.begin(self.connection, f"user{i % 7}" if i % 2 else None) for i in range(300)]
        self.assertIn("at most", self.command("end-all", self.url, "--everyone", status=3))
        self.assertIn("299 sessions ended", self.command(
            "end-all", self.url, "--everyone", "--except", key_of(ids[5]), "--yes"))
        self.assert_live(self.connection, ids[5])
        self.assert_gone(self.connection, *ids[:5], *ids[6:])
        self.assertIn("1 session ended", self.on_a_terminal("y", "end-all", self.url, "--everyone"))
        self.assert_gone(self.connection, ids[5])

    def test_finds_the_store_fit(self):
        session = self.begin(self.connection, "alice")
        said = self.check()
        for row in ("reachable", "rights, schema", "clock", "latency", "a session", "all sessions"):
            self.assertRegex(said, rf"(?m)^ok +{row}  ")
        self.assertRegex(said, r"p50 \d+\.\d\d ms, p99 \d+\.\d\d ms")
        self.assert_live(self.connection, session)

    def check(self):
        """Servers for tests may keep less than a store promises, which is a warning."""
        run = self.keep(driver.run_to_the_end("flame-session", "check", self.url))
        self.assertIn(run.returncode, (0, 4), run)
        self.assertEqual(run.returncode == 4, bool(re.search("(?m)^warning ", run.stdout)), run)
        return run.stdout


class Start(Case):
    def test_makes_no_store(self):
        for name in ("check", "sweep"):
            self.command(name, self.url, status=self.status_of_a_missing_one())
            self.command(name, self.url, status=self.status_of_a_missing_one())

    def status_of_a_missing_one(self):
        return 0 if self.url.startswith("redis") else 1  # it has nothing that is made before

    def test_shows_no_password(self):
        for url in PASSWORDS:
            for words in (["list", url, "a"], ["end", url, "A" * 16], ["end-all", url, "--everyone", "--yes"],
                          ["sweep", url], ["check", url], ["copy", url, "memory:"], ["copy", "memory:", url]):
                said = self.command(*words, status=1)
                self.assertNotIn(CANARY, said)
                self.assertRegex(said, r"flame-session: |WRONG")

    def test_tells_how_it_is_used(self):
        for name in ("list", "end", "end-all", "sweep", "copy", "check"):
            self.assertIn(f"usage: flame-session {name} ", self.command(name, "--help"))
            self.assertIn("--help", self.command(name, status=2) + "--help")
        self.assertRegex(self.command("--version"), r"^flame-session \d+\.\d+")

    @unittest.skipIf(os.environ["FLAME_SERVER"] in ("redis", "mongo"), "it removes what has expired by itself")
    def test_sweeps_until_nothing_is_left(self):
        with driver.bench_server("--store", self.url, "--idle", "1") as server:
            connection = server.connect()
            for i in range(100):
                self.begin(connection, "alice" if i % 2 else None)
        removed = 0
        until = time.monotonic() + driver.PATIENCE
        while removed < 100 and time.monotonic() < until:
            removed += int(re.search(r"(\d+) sessions? removed", self.command("sweep", self.url)).group(1))
        self.assertEqual(100, removed)


if __name__ == "__main__":
    unittest.main()
