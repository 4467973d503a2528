"""The recipe for Conan, offline: what it stands on is Debian's, and the consumer is its test package."""

import os
import pathlib
import shutil
import sys
import unittest

from package import HERE, PackageTest, clone, done, run

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "flame-session"


def installed():
    """The program conan, of exactly the packages that are listed."""
    listed = HERE / "conan/requirements.txt"
    kept = CACHE / "conan"
    if not (kept / "listed").is_file() or (kept / "listed").read_bytes() != listed.read_bytes():
        shutil.rmtree(kept, ignore_errors=True)
        run(sys.executable, "-m", "venv", kept)
        pip = done(kept / "bin/pip", "install", "--quiet", "--require-hashes", "--only-binary=:all:", "-r", listed)
        if pip.returncode != 0:
            why = "pip cannot install Conan: " + pip.stdout.strip().rpartition("\n")[2]
            if os.environ.get("CI"):
                raise RuntimeError(why)
            print("SKIPPED:", why, flush=True)
            raise unittest.SkipTest(why)
        shutil.copy2(listed, kept / "listed")
    return kept / "bin/conan"


class Conan(PackageTest):
    def test_create(self):
        conan = installed()
        source = clone(self.work / "project")
        environment = {**os.environ, "CONAN_HOME": str(self.work / "home")}
        profile = source / "tests/package/conan/system.profile"
        run(conan, "create", source, "--test-folder", source / "tests/package/conan", "--no-remote",
            "--profile:all", profile, "--options", "&:sqlite=True", env=environment)


if __name__ == "__main__":
    unittest.main()
