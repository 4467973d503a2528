"""The libraries built by one compiler, for one standard, static or shared, and the consumer by the same."""

import os
import shutil
import unittest

from package import COMPONENTS, PARALLEL, PackageTest, clone, run

COMPILER = os.environ["FLAME_BY"]
STANDARD = os.environ["FLAME_STANDARD"]
SHARED = os.environ["FLAME_KIND"] == "shared"


class Built(PackageTest):
    def setUp(self):
        if not shutil.which(COMPILER):
            why = f"{COMPILER} is not installed: scripts/setup all"
            if os.environ.get("CI"):
                raise RuntimeError(why)
            print("SKIPPED:", why, flush=True)
            raise unittest.SkipTest(why)
        super().setUp()

    def test_builds_and_serves(self):
        source = clone(self.work / "deps/flame-session-src")
        library, prefix = self.work / "library", self.work / "prefix"
        standard = [f"-DCMAKE_CXX_STANDARD={STANDARD}", "-DCMAKE_COMPILE_WARNING_AS_ERROR=ON"]
        configured = self.configure(source, library, *standard, f"-DBUILD_SHARED_LIBS={'ON' if SHARED else 'OFF'}",
                                    "-DFLAME_SESSION_BUILD_TESTS=OFF", "-DFLAME_SESSION_BUILD_EXAMPLES=OFF",
                                    "-DFLAME_SESSION_BUILD_BENCH=OFF", compiler=COMPILER)
        self.assertEqual(0, configured.returncode, configured.stdout)
        run("cmake", "--build", library, *PARALLEL, "--target", *("flame_" + part for part in COMPONENTS))
        for component in [*COMPONENTS, "package"]:
            run("cmake", "--install", library, "--prefix", prefix, "--component", component)
        self.assertEqual(SHARED, bool(list(prefix.rglob("libflame-session.so.0.*"))))
        self.consume(f"-DCMAKE_PREFIX_PATH={prefix}", *standard, compiler=COMPILER)
        dialect = f"-std=c++{'2b' if STANDARD == '23' else STANDARD}"
        for component in COMPONENTS:
            with self.subTest(component):
                self.consume_by_pkg_config(prefix, component=component, compiler=COMPILER, flags=dialect)


if __name__ == "__main__":
    unittest.main()
