"""A program of Debian's default Boost, with event loops of its own, can start a Flame."""

import os
import pathlib
import shlex
import subprocess
import tempfile
import unittest

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
COMPILER = [os.environ["FLAME_COMPILER"], *shlex.split(os.environ["FLAME_FLAGS"])]


def debian_12():
    try:
        release = pathlib.Path("/etc/os-release").read_text(encoding="utf-8")
    except OSError:
        return False
    return "ID=debian\n" in release and 'VERSION_ID="12"' in release


def run(*command):
    return subprocess.run(command, text=True, capture_output=True, check=False, timeout=240)


class OtherBoost(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        fetched = run(ROOT / "scripts/fetch-boost-1.74")
        if fetched.returncode != 0:
            why = fetched.stderr.strip()
            if os.environ.get("CI") and debian_12():
                raise RuntimeError(why)
            print("SKIPPED:", why, flush=True)
            raise unittest.SkipTest(why)
        cls.boost = fetched.stdout.strip()

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def succeed(self, *command):
        done = run(*command)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done.stdout

    def test_serves_beside_a_flame(self):
        program = self.folder / "program.o"
        # Asio 1.74 uses <utility>, and does not include it.
        self.succeed(*COMPILER, "-std=c++20", "-O1", "-g", "-include", "utility", "-isystem", self.boost,
                     "-I", ROOT / "include", "-c", HERE / "other_boost.cpp", "-o", program)
        for kind in ("STATIC", "SHARED"):
            with self.subTest(kind):
                libraries = os.environ["FLAME_" + kind].split()
                needed = os.environ["FLAME_NEEDED"].split() if kind == "STATIC" else []
                folders = {"-Wl,-rpath," + os.path.dirname(library) for library in libraries}
                linked = self.folder / kind
                self.succeed(*COMPILER, program, "-o", linked, "-Wl,--start-group", *libraries,
                             "-Wl,--end-group", *folders, *needed, "-pthread")
                self.assertEqual("both served\n", self.succeed(linked))


if __name__ == "__main__":
    unittest.main()
