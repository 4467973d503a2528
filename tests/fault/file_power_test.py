"""Power cuts: an image whose file system is shut down, nothing more being written. As root.

At `power_cut` every save and erase that was confirmed is there; below it records are old or absent,
never torn."""

import fcntl
import os
import pathlib
import shutil
import struct
import subprocess
import unittest

from store import LEVELS, Case, needs_mounts, run, skip_where

SHUTDOWN = 0x8004587D  # EXT4_IOC_SHUTDOWN and XFS_IOC_GOINGDOWN are the same
WITHOUT_FLUSH = 2
ROUNDS = 5
KEYS = 8


def setUpModule():
    needs_mounts()
    loops = subprocess.run(["losetup", "-f"], capture_output=True, check=False).returncode == 0
    skip_where(None if loops else "there are no loop devices")


class Power:
    """The tests; what is below them says on which file system."""

    blob_size = 50_000  # of many pages: what is written of them at a cut may be any part

    @classmethod
    def setUpClass(cls):
        name = cls.file_system
        # Where it is a module, this loads it.
        subprocess.run(["mount", "-t", name, "/dev/null", "/mnt"], capture_output=True, check=False)
        if not shutil.which("mkfs." + name):
            skip_where("there is no mkfs." + name)
        if name not in pathlib.Path("/proc/filesystems").read_text().split():
            skip_where("this kernel has no " + name)

    def make_disk(self, name):
        image = self.folder / name
        with open(image, "wb") as file:
            file.truncate(self.size)
        run("mkfs." + self.file_system, "-q", image)
        self.device = run("losetup", "-f", "--show", image).strip()
        self.addCleanup(run, "losetup", "-d", self.device)
        self.place = self.folder / (name + ".mounted")
        self.place.mkdir()
        self.root = self.place / "sessions"
        self.addCleanup(subprocess.run, ["umount", "-l", self.place], check=False,
                        capture_output=True)

    def cut_power(self):
        fd = os.open(self.place, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, SHUTDOWN, struct.pack("I", WITHOUT_FLUSH))
        finally:
            os.close(fd)

    # Whether what is confirmed while the power goes must be kept, too.
    keeps_the_last = True

    def hammer(self, durability, saves):
        """What was confirmed before the power went, and in all."""
        store = self.start(durability)
        store.send(f"hammer {KEYS}")
        acknowledged = {}
        for done in range(saves):
            number, count = map(int, store.line().split())
            acknowledged[number] = count
            # So that the disk has something old, and half of something new.
            if done == saves // 2 and durability != "power_cut":
                run("sync", "-f", self.place)
        promised = acknowledged if self.keeps_the_last else dict(acknowledged)
        self.cut_power()
        while line := store.line():
            if not line[0].isdigit():
                break  # what it says of the disk that is gone
            number, count = map(int, line.split())
            acknowledged[number] = count
        store.end()
        return promised, acknowledged

    def after_the_cut(self, durability):
        run("umount", self.place)
        run("mount", self.device, self.place)
        return self.start(durability)

    def check(self, store, durability, promised, last):
        for key, count in last.items():
            found = store.ask(f"load {key}")
            self.assertNotEqual("torn", found)
            # The latter: its file is there, and empty or cut. Nobody is given what is left of it.
            absent = found in ("missing", "unreadable")
            known = 0 if absent else int(found)
            self.assertLessEqual(known, count + 1)
            if durability == "power_cut":
                self.assertGreaterEqual(known, promised.get(key, 0))
            elif absent:
                # What is left of it would be in the way of a create.
                self.assertEqual("done", store.ask(f"erase {key}"))
        if durability == "power_cut":
            self.assertEqual(str(KEYS), store.ask("list ann"))

    def check_place(self):
        """What else must be in order where the sessions are."""

    def test_saves(self):
        for durability in LEVELS:
            with self.subTest(durability=durability):
                self.make_disk(durability)
                run("mount", self.device, self.place)
                for number in range(ROUNDS):
                    promised, last = self.hammer(durability, KEYS + 3 * number)
                    store = self.after_the_cut(durability)
                    self.check(store, durability, promised, last)
                    store.end()
                    self.check_place()
                run("umount", self.place)

    def test_what_was_erased_stays_erased(self):
        self.make_disk("erased")
        run("mount", self.device, self.place)
        store = self.start("power_cut")
        self.expect(store, create_1_a="done", create_2_b="done", erase_1="done")
        self.cut_power()
        store.end()
        store = self.after_the_cut("power_cut")
        self.expect(store, load_1="missing", load_2="b", list_ann="1")
        store.end()
        run("umount", self.place)


class Ext4(Power, Case):
    file_system = "ext4"
    size = 64 << 20


class Xfs(Power, Case):
    file_system = "xfs"
    size = 300 << 20  # mkfs.xfs makes no smaller one


if __name__ == "__main__":
    unittest.main()
