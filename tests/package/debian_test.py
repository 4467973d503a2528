"""Debian packages, built where nothing is but what they ask for, and used where nothing is but them."""

import os
import re
import shutil
import unittest

import clean_root
from package import CONSUMER, ROOT, PackageTest, clone, run

SUITE = os.environ["FLAME_SUITE"]
STORES = ["sqlite", "postgres", "mysql", "redis", "mongo"]
COMPONENTS = ["session", *STORES, "stores", "host", "test_support"]

# This is no upload to Debian, so it closes no bug there.
LINTIAN = ("lintian --allow-root --info --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs"
           " /debs/*.changes")

CONSUME = f"""
cmake -G Ninja -S /consumer -B /tmp/build "-DCOMPONENTS={';'.join(COMPONENTS)}" $OPTIONS
cmake --build /tmp/build
ctest --test-dir /tmp/build --output-on-failure --no-tests=error
"""
PKG_CONFIG = """
g++ -std=c++20 /consumer/uses_session.cpp -o /tmp/uses_session $(pkg-config --cflags --libs flame-session)
/tmp/uses_session
"""
BUILD_STATIC = """
cmake -G Ninja -S /src -B /tmp/library -DCMAKE_CXX_STANDARD=23 -DCMAKE_COMPILE_WARNING_AS_ERROR=ON \\
  -DFLAME_SESSION_BUILD_TESTS=OFF -DFLAME_SESSION_BUILD_EXAMPLES=OFF -DFLAME_SESSION_BUILD_BENCH=OFF
cmake --build /tmp/library
cmake --install /tmp/library --prefix /tmp/prefix
OPTIONS="-DCMAKE_PREFIX_PATH=/tmp/prefix -DCMAKE_CXX_STANDARD=23"
"""


class Debian(PackageTest):
    @classmethod
    def setUpClass(cls):
        why = clean_root.unavailable()
        if why:
            print("SKIPPED:", why, flush=True)
            raise unittest.SkipTest(why)

    def root(self, name):
        root = clean_root.Root(SUITE, self.work / name)
        root.put(CONSUMER, "/consumer")
        return root

    def builder(self):
        """Where the packages were built, in /debs."""
        root = self.root("builder")
        root.install("ca-certificates", "ccache", "dpkg-dev", "lintian")
        root.put(clone(self.work / "clone"), "/src")
        root.run("cd /src && apt-get build-dep -y -qq --no-install-recommends ./")
        root.run("cd /src && dpkg-buildpackage --no-sign --build=binary")
        root.run("mkdir /debs && mv /*.deb /*.changes /*.buildinfo /debs")
        return root

    def check_depends(self, root):
        """Nobody gets a driver without having asked for its store."""
        depends = {}
        for line in root.run("for deb in /debs/*.deb; do dpkg-deb -W --showformat '${Package}: ${Depends}\\n' $deb; done"
                             ).splitlines():
            name, _, on = line.partition(": ")
            depends[name] = on
        drivers = re.compile(r"libsqlite3|libpq5|libmariadb3|libhiredis|libmongoc|libflame-session-(?!host)")
        for name in ("libflame-session0.1", "libflame-session-host0.1"):
            self.assertNotRegex(depends[name], drivers)
        for store in STORES:
            self.assertEqual(1, len(drivers.findall(depends[f"libflame-session-{store}0.1"])), depends)

    def check_abi(self):
        libraries = self.work / "libraries"
        libraries.mkdir()
        for library in (self.work / "builder/upper/src").glob("obj-*/src/**/libflame-session*.so*"):
            shutil.copy2(library, libraries, follow_symlinks=False)
        run(ROOT / "scripts/abi", "check", libraries)

    def test_packages(self):
        builder = self.builder()
        builder.run(LINTIAN)
        self.check_depends(builder)
        if SUITE == "bookworm":
            self.check_abi()
        user = self.root("user")
        user.put(self.work / "builder/upper/debs", "/debs")
        user.run("rm /debs/*-dbgsym_*")
        user.install("/debs/*.deb", "g++", "cmake", "ninja-build", "pkgconf")
        user.run("OPTIONS=" + CONSUME + PKG_CONFIG)
        self.assertIn("0.", user.run("flame-session --version"))
        builder.run(BUILD_STATIC + CONSUME)
        for root in ("builder", "user"):  # gigabytes; where something failed they are left to look at
            shutil.rmtree(self.work / root)


if __name__ == "__main__":
    unittest.main()
