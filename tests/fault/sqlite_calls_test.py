"""Writes and flushes that fail under the SQLite store: nothing is told as done, and the database stays whole."""

import unittest

from sqlite_kill_test import integrity
from store import CALLS, Case


class Calls(Case):
    url = "sqlite:{}?init_table=true&durability={}"
    name = "sqlite store"

    def start_failing(self, durability, call):
        self.fault = self.folder / "fault"
        self.root = self.folder / durability
        store = self.start(durability, {
            "LD_PRELOAD": CALLS, "FLAME_FAULT_FILE": str(self.fault),
            # The preloaded library stands before the sanitizer's, and does without it.
            "ASAN_OPTIONS": "verify_asan_link_order=0"})
        self.expect(store, create_1_old="done")
        self.fault.write_text(call)
        return store

    def goes_well_again(self, store, durability):
        self.fault.unlink()
        self.expect(store, load_1="old", replace_1_new="done", create_2_new="done")
        store.end()
        self.expect(self.start(durability), load_1="new", load_2="new", list_ann="2")
        self.assertEqual([("ok",)], integrity(self.root))

    def test_a_commit_whose_flush_fails_is_unknown(self):
        store = self.start_failing("power_cut", "fdatasync")
        for command in ["replace 1 new", "create 2 new", "erase 1"]:
            self.expect_refused(store, command, "the disk failed: check it", kind="lost")
        self.expect(store, load_1="old", load_2="missing")
        self.goes_well_again(store, "power_cut")

    def test_lower_levels_flush_nothing(self):
        for durability in ["none", "process_crash"]:
            store = self.start_failing(durability, "fdatasync")
            self.expect(store, replace_1_old="done")
            self.goes_well_again(store, durability)

    def test_a_save_that_cannot_be_written(self):
        for durability in ["none", "power_cut"]:
            store = self.start_failing(durability, "pwrite")
            self.expect_refused(store, "replace 1 new", "the disk failed: check it", kind="lost")
            self.expect(store, load_1="old", load_2="missing")
            self.goes_well_again(store, durability)


if __name__ == "__main__":
    unittest.main()
