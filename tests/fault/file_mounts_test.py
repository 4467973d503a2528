"""No space, no inodes, a file system that became read-only. As root."""

import os
import unittest

from store import LEVELS, Case, Store, fill_disk, needs_mounts, run


def setUpModule():
    needs_mounts()


class Mounts(Case):
    def test_disk_full(self):
        for durability in LEVELS:
            with self.subTest(durability=durability):
                self.mount("size=1m")
                store = self.start(durability)
                self.expect(store, create_1_old="done")
                full = self.place / "full"
                fill_disk(full)
                # Also for who starts now: there is something to read.
                store = self.start(durability)
                self.expect_refused(store, "replace 1 new", "free some space")
                self.expect_refused(store, "create 2 new", "free some space")
                self.assertEqual([], self.temporary_files())
                self.expect(store, load_1="old", load_2="missing", list_ann="1", touch_1="done")
                os.unlink(full)
                self.expect(store, replace_1_new="done", create_2_new="done", load_1="new",
                            load_2="new", list_ann="2")

    def test_the_last_of_the_disk_is_for_owners(self):
        for options in ["size=8m", "size=64m,nr_inodes=3000"]:
            with self.subTest(options=options):
                self.mount(options)
                store = self.start()
                for number in range(100):
                    self.assertEqual("done", store.ask(f"create {number} old"))
                visitors = 1000
                while (answer := store.ask(f"visit {visitors} x")) == "done":
                    visitors += 1
                self.assertEqual("refused", answer)
                self.assertGreater(visitors, 2000)
                # Who is there goes on, but does not grow; whoever signs in still can.
                self.assertEqual("done", store.ask("revisit 1001 y"))
                self.assertEqual("refused", store.ask("revisit 1001 " + "y" * 2000))
                for number in range(100, 110):
                    self.assertEqual("done", store.ask(f"create {number} new"))
                for number in [*range(100), 1000, visitors - 1]:
                    self.assertEqual("done", store.ask(f"replace {number} newer"))
                self.expect(store, list_ann="112", load_50="newer")
                for number in range(1001, visitors - 1):
                    self.assertEqual("done", store.ask(f"erase {number}"))
                self.assertEqual("done", store.ask("visit 999 x"))

    def test_no_inodes(self):
        self.mount("nr_inodes=64")
        store = self.start()
        self.expect(store, create_1_old="done")
        with self.assertRaises(OSError):
            for number in range(100):
                (self.place / str(number)).touch()
        store = self.start()
        self.expect_refused(store, "replace 1 new", "inodes")
        self.expect_refused(store, "create 2 new", "inodes")
        self.expect(store, load_1="old", load_2="missing", touch_1="done")
        for number in range(10):
            (self.place / str(number)).unlink()
        self.expect(store, replace_1_new="done", create_2_new="done", load_1="new", list_ann="2")
        self.assertEqual([], self.temporary_files())

    def test_read_only(self):
        self.mount("size=1m")
        store = self.start()
        self.expect(store, create_1_old="done")
        run("mount", "-o", "remount,ro", self.place)
        self.expect(store, load_1="old", list_ann="1")
        for command in ["replace 1 new", "create 2 new", "touch 1", "erase 1"]:
            self.expect_refused(store, command, "mount it writable")
        run("mount", "-o", "remount,rw", self.place)
        self.expect(store, load_1="old", replace_1_new="done", load_1_="new", erase_1="done")

    def test_a_read_only_root_is_refused_at_start(self):
        self.mount("size=1m,mode=0700")
        run("mount", "-o", "remount,ro", self.place)
        for root in [self.place, self.root]:
            store = Store(root, "none")
            self.addCleanup(store.end)
            self.assertRegex(store.said_first, "root_dir .*: mount it writable")


if __name__ == "__main__":
    unittest.main()
