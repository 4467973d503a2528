"""System calls that fail: the save failed, the old record stays, nothing is left behind."""

import os
import re
import resource
import unittest

from store import CALLS, LEVELS, Case, Store, skip_where_throwing_takes_descriptors


class Calls(Case):
    def start_failing(self, durability):
        store = self.start_with_faults(durability)
        self.expect(store, create_1_old="done")
        return store

    def setUp(self):
        super().setUp()
        self.fault = self.folder / "fault"
        self.faults = {
            "LD_PRELOAD": CALLS, "FLAME_FAULT_FILE": str(self.fault),
            "FLAME_CALLS_FILE": str(self.folder / "calls"),
            # The preloaded library stands before the sanitizer's, and does without it.
            "ASAN_OPTIONS": "verify_asan_link_order=0"}

    def start_with_faults(self, durability):
        return self.start(durability, self.faults)

    def first_words(self, durability, fault):
        self.fault.write_text(fault)
        store = Store(self.root, durability, self.faults)
        store.end()
        self.fault.unlink()
        return store.said_first

    def files(self):
        return [path for path in self.root.rglob("*") if not path.is_dir()]

    def calls(self, store, command):
        log = self.folder / "calls"
        log.unlink(missing_ok=True)
        self.assertEqual("done", store.ask(command))
        lines = log.read_text().splitlines() if log.exists() else []
        return [re.sub("tmp-[0-9a-f]{16}", "tmp", line) for line in lines]

    def test_order_at_power_cut(self):
        store = self.start_failing("power_cut")
        # Each name is flushed in its folder before what lies below it is.
        created = self.calls(store, "create 2 new")
        record = created[-2].removeprefix("rename ")
        self.assertRegex(record, "[0-9a-f]{24}")
        folder = record[:2]
        owners = created[-3]
        self.assertRegex(owners, "fsync [0-9a-f]{2}")
        self.assertEqual(["fsync sessions", "fsync tmp", owners, "rename " + record,
                          "fsync " + folder], created)
        self.assertEqual(["fsync tmp", "rename " + record, "fsync " + folder],
                         self.calls(store, "replace 2 newer"))
        self.assertEqual([], self.calls(store, "touch 2"))
        self.assertEqual(["fsync " + folder], self.calls(store, "erase 2"))
        # Of what an earlier process made, nobody knows whether it was flushed.
        self.assertEqual(["fsync " + folder], self.calls(store, "erase 2"))
        again = self.start_with_faults("power_cut")
        self.assertEqual("fsync sessions", self.calls(again, "create 2 new")[0])

    def test_order_below_power_cut(self):
        for durability in ["none", "process_crash"]:
            store = self.start_failing(durability)
            calls = self.calls(store, "create 2 new")
            self.assertEqual(1, len(calls), calls)
            self.assertRegex(calls[0], "rename [0-9a-f]{24}")
            self.assertEqual(calls, self.calls(store, "replace 2 newer"))
            self.expect(store, erase_1="done", erase_2="done")

    def test_a_save_that_fails(self):
        for durability, call in [("none", "write"), ("none", "close"), ("none", "futimens"),
                                 ("none", "rename"), ("process_crash", "rename"),
                                 ("power_cut", "write"), ("power_cut", "fsync"),
                                 ("power_cut", "close"), ("power_cut", "rename")]:
            with self.subTest(durability=durability, call=call):
                store = self.start_failing(durability)
                self.fault.write_text(call)
                self.expect_refused(store, "replace 1 new", "check the disk")
                self.expect_refused(store, "create 2 new", "check the disk")
                self.expect(store, load_1="old", load_2="missing", list_ann="1")
                self.assertEqual([], self.temporary_files())
                self.fault.unlink()
                self.expect(store, load_1="old", load_2="missing", replace_1_new="done",
                            create_2_new="done", load_1_="new", load_2_="new", list_ann="2",
                            erase_1="done", erase_2="done")

    def test_a_folder_that_cannot_be_flushed(self):
        store = self.start_failing("power_cut")
        self.fault.write_text("fsync_folder")
        for command in ["replace 1 new", "erase 1"]:
            answer = store.ask(command)
            self.assertTrue(answer.startswith("unconfirmed: file store: could not flush"), answer)
        # Before the rename: of the folder of owners, and of the root.
        self.expect_refused(store, "create 2 new", "check the disk")
        self.fault.unlink()
        self.expect(store, load_2="missing", create_2_new="done", load_2_="new")
        self.assertEqual([], self.temporary_files())

    def test_what_is_unconfirmed_is_not_tried_again_for_what_is_refused_beside_it(self):
        store = self.start_failing("power_cut")
        self.expect(store, create_2_old="done")  # in a later folder than 1
        self.fault.write_text("fsync_folder write")
        answer = store.ask("both 1 2")
        self.assertTrue(answer.startswith("unconfirmed: "), answer)
        self.fault.unlink()
        self.expect(store, load_1="missing", load_2="old")

    def test_lower_levels_flush_nothing(self):
        for durability in ["none", "process_crash"]:
            store = self.start_failing(durability)
            self.fault.write_text("fsync fsync_folder")
            self.expect(store, replace_1_new="done", create_2_new="done", erase_1="done",
                        erase_2="done")
            self.fault.unlink()

    def test_a_touch_that_fails(self):
        store = self.start_failing("none")
        self.fault.write_text("futimens")
        self.expect_refused(store, "touch 1", "check the disk")
        self.expect(store, load_1="old")

    def test_writes_that_come_short(self):
        store = self.start_failing("none")
        self.fault.write_text("short_write")
        self.expect(store, replace_1_new="done", create_2_other="done", load_1="new",
                    load_2="other")

    def test_a_record_that_cannot_be_removed_does_not_stop_the_sweep(self):
        store = self.start_failing("none")
        for number in range(2, 40):
            self.expect(store, **{f"create_{number}_x": "done"})
        entries = sorted(self.root.glob("owners/*/*"))
        records = sorted(self.root.glob("??/" + "?" * 24))
        self.assertEqual((39, 39), (len(entries), len(records)))
        # The first folder's, one in the middle, and an entry of their owner's.
        kept, entry = [records[0], records[20]], entries[10]
        self.fault.write_text(" ".join(path.name for path in [*kept, entry]))
        self.expect_refused(store, "sweep later", "check the disk")
        self.assertEqual(kept, sorted(self.root.glob("??/" + "?" * 24)))
        left = [path.name[-24:] for path in self.root.glob("owners/*/*")]
        self.assertEqual({entry.name[-24:], *(path.name for path in kept)}, set(left))
        self.fault.unlink()
        self.expect(store, sweep_later="2")
        self.assertEqual([], list(self.root.glob("??/*")))
        self.assertEqual([], list(self.root.glob("owners/*/*")))

    def test_file_systems_without_special_renames(self):
        for durability in LEVELS:
            with self.subTest(durability=durability):
                store = self.start_failing(durability)
                self.fault.write_text("no_renames")
                self.expect(store, replace_1_new="done", create_2_other="done",
                            create_2_another="exists", load_1="new", load_2="other", list_ann="2")
                self.assertEqual([], self.temporary_files())
                self.expect(store, erase_1="done", erase_2="done")
                self.fault.unlink()

                self.assertEqual("ready", self.first_words(durability, "no_renames"))
                self.assertEqual([], self.files())

    def test_a_file_system_that_cannot_is_refused_at_the_start(self):
        for fault, cannot in [("no_renames no_links", r"put a file in its place, .*renameat2, linkat"),
                              ("loose_renames", r"never over another \(renameat2"),
                              ("no_locks", r"lock a folder \(flock\): No locks"),
                              ("no_times", r"set the times of a file")]:
            for durability in LEVELS:
                with self.subTest(fault=fault, durability=durability):
                    said = self.first_words(durability, fault)
                    self.assertRegex(said, "^file store: the file system of root_dir cannot .*" + cannot)
                    self.assertRegex(said, r": give a root_dir on a local file system \(ext4, XFS,")
                    self.assertNotIn("belong", said)
                    self.assertEqual([], self.files())

    def test_what_a_save_needs_is_tried_at_the_start(self):
        for durability, call in [("none", "write"), ("none", "close"), ("none", "futimens"),
                                 ("none", "rename"), ("power_cut", "fsync"),
                                 ("power_cut", "fsync_folder")]:
            with self.subTest(durability=durability, call=call):
                self.assertIn("check the disk", self.first_words(durability, call))
                self.assertEqual([], self.files())

    def test_a_kill_while_a_save_is_tried(self):
        for durability in LEVELS:
            with self.subTest(durability=durability):
                left = set()
                for call in range(1, 100):
                    if self.first_words(durability, f"kill_at_{call}") == "ready":
                        break
                    left.update(self.files())
                    self.assertEqual(self.files(), self.temporary_files())
                self.assertGreater(call, 5)
                self.assertGreater(len(left), 3)
                for file in left:
                    os.utime(file, (1, 1))
                self.expect(self.start(durability), sweep="0")
                self.assertEqual([], self.files())

    def test_a_removal_that_fails_is_refused_at_the_start(self):
        self.assertIn("check the disk", self.first_words("none", "unlink"))

    def test_no_descriptors(self):
        store = self.start()
        skip_where_throwing_takes_descriptors(self, store.process)
        self.expect(store, create_1_old="done")
        before = resource.prlimit(store.process.pid, resource.RLIMIT_NOFILE)
        in_use = len(os.listdir(f"/proc/{store.process.pid}/fd"))
        for limit in range(in_use, in_use + 4):
            resource.prlimit(store.process.pid, resource.RLIMIT_NOFILE, (limit, before[1]))
            answer = store.ask("create 2 new")
            if answer == "done":
                self.assertGreater(limit, in_use + 1)
                break
            self.assertIn("ulimit -n", answer)
            self.expect(store, load_1="old", load_2="missing", load_1_="old")
            if limit == in_use:
                for command in ["replace 1 new", "touch 1", "erase 1", "list ann", "sweep"]:
                    self.expect_refused(store, command, "ulimit -n")
                self.expect(store, load_1="old")
        else:
            self.fail("a save needs more than three more descriptors")
        resource.prlimit(store.process.pid, resource.RLIMIT_NOFILE, before)
        self.expect(store, load_1="old", load_2="new", replace_1_new="done", list_ann="2")
        self.assertEqual([], self.temporary_files())


if __name__ == "__main__":
    unittest.main()
