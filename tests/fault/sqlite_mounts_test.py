"""The SQLite store without space, and on a file system that became read-only. As root."""

import os
import unittest

from sqlite_kill_test import integrity
from store import LEVELS, Case, Store, fill_disk, needs_mounts, run


def setUpModule():
    needs_mounts()


class Mounts(Case):
    url = "sqlite:{}?init_table=true&durability={}"
    name = "sqlite store"

    def test_disk_full(self):
        for durability in LEVELS:
            with self.subTest(durability=durability):
                self.mount("size=1m")
                store = self.start(durability)
                self.expect(store, create_1_old="done")
                full = self.place / "full"
                fill_disk(full)
                # Of a few pages that -wal has to spare some may do.
                for number in range(2, 20):
                    if (answer := store.ask(f"create {number} new")) != "done":
                        break
                self.assertRegex(answer, "^full: sqlite store: .*free some space")
                self.expect_refused(store, "replace 1 new", "free some space", kind="full")
                self.expect(store, load_1="old")
                os.unlink(full)
                self.expect(store, replace_1_new="done", create_30_new="done", load_1="new",
                            load_30="new")
                store.end()
                self.assertEqual([("ok",)], integrity(self.root))

    def test_read_only(self):
        self.mount("size=8m")
        store = self.start()
        self.expect(store, create_1_old="done")
        # A database that is open for writing keeps its file system from becoming read-only.
        store.end()
        self.root.chmod(0o400)
        run("mount", "-o", "remount,ro", self.place)
        said = Store(self.root, "none", url=self.url)
        self.addCleanup(said.end)
        self.assertRegex(said.said_first, "sqlite store: .*mount it writable")
        run("mount", "-o", "remount,rw", self.place)
        self.root.chmod(0o600)
        self.expect(self.start(), load_1="old", replace_1_new="done", load_1_="new", erase_1="done")


if __name__ == "__main__":
    unittest.main()
