"""Talks to fault_store, and takes from it what it stands on."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

PROGRAM = os.environ["FLAME_FAULT_STORE"]
CALLS = os.environ["FLAME_FAULT_CALLS"]
LEVELS = ["none", "process_crash", "power_cut"]


class Store:
    """One process with a store. ask() sends a command, and gives its answer."""

    def __init__(self, root, durability, environment=None, blob_size=3000, url="file:{}?durability={}"):
        self.process = subprocess.Popen(
            [PROGRAM, url.format(root, durability), str(blob_size)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, **(environment or {})})
        self.said_first = self.line()

    def line(self):
        """The next line that was said whole; None at the end."""
        line = self.process.stdout.readline()
        return line[:-1] if line.endswith("\n") else None

    def send(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def ask(self, command):
        self.send(command)
        return self.line()

    def end(self):
        self.process.kill()
        self.process.communicate()


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="flame-fault-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.root = self.folder / "sessions"

    blob_size = 3000
    url = "file:{}?durability={}"
    name = "file store"

    def start(self, durability="none", environment=None, root=None):
        store = Store(root or self.root, durability, environment, self.blob_size, self.url)
        self.addCleanup(store.end)
        self.assertEqual("ready", store.said_first)
        return store

    def expect(self, store, **answers):
        """expect(store, load_1="text"): the answers to commands."""
        for command, answer in answers.items():
            self.assertEqual(answer, store.ask(command.replace("_", " ")), command)

    def expect_refused(self, store, command, part, kind="refused"):
        answer = store.ask(command)
        self.assertTrue(answer.startswith(f"{kind}: {self.name}: "), answer)
        self.assertIn(part, answer)

    def mount(self, options):
        """Puts the store on a file system of its own, `place`."""
        self.place = self.folder / "place"
        self.place.mkdir(exist_ok=True)
        run("mount", "-t", "tmpfs", "-o", options, "none", self.place)
        self.addCleanup(run, "umount", "-l", self.place)
        self.root = self.place / self.root.name

    def temporary_files(self, root=None):
        return list((root or self.root).glob("*/tmp-*"))


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def fill_disk(path):
    """Until not a byte more goes into that file."""
    with open(path, "wb", buffering=0) as file:
        for size in (4096, 1):
            try:
                while file.write(b"x" * size) == size:
                    pass
            except OSError:
                pass


def skip_where_throwing_takes_descriptors(test, process):
    if "libubsan" in pathlib.Path(f"/proc/{process.pid}/maps").read_text():
        test.skipTest("UBSan looks at objects through a pipe, which takes descriptors")


def needs_mounts():
    """For setUpModule: skips what cannot be done here, and says why."""
    why = None
    with tempfile.TemporaryDirectory() as folder:
        if os.geteuid() != 0:
            why = "mounting needs root"
        elif subprocess.run(["mount", "-t", "tmpfs", "none", folder], check=False).returncode != 0:
            why = "this system lets root mount nothing"
        else:
            run("umount", folder)
    skip_where(why)


def skip_where(why):
    if why:
        print("SKIPPED:", why, flush=True)
        raise unittest.SkipTest(why)
