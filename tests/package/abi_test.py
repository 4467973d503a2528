"""scripts/abi finds what a later build of the same SONAME does not show any more."""

import shutil
import unittest

from package import COMPILER, ROOT, PackageTest, done, run

HEADER = """#pragma once
namespace flame { struct Options { int idle = 1; }; int first(const Options&); int second(); }
"""
SOURCE = """#include <flame/flame.hpp>
int flame::first(const Options& options) { return options.idle; }
int flame::second() { return 2; }
"""


class Abi(PackageTest):
    def setUp(self):
        """A project of one library, as it was released."""
        super().setUp()
        (self.work / "scripts").mkdir()
        shutil.copy2(ROOT / "scripts/abi", self.work / "scripts")
        self.assertEqual(0, self.abi("dump", self.library()).returncode)

    def library(self, header=HEADER, source=SOURCE, name="flame-session", options=("-g",)):
        for file, text in (("include/flame/flame.hpp", header), ("library.cpp", source)):
            (self.work / file).parent.mkdir(parents=True, exist_ok=True)
            (self.work / file).write_text(text, encoding="utf-8")
        build = self.work / "library"
        build.mkdir(exist_ok=True)
        run(COMPILER, *options, "-shared", "-fPIC", "-I", self.work / "include", f"-Wl,-soname,lib{name}.so.0.1",
            self.work / "library.cpp", "-o", build / f"lib{name}.so")
        return build

    def abi(self, verb, build):
        return done(self.work / "scripts/abi", verb, build)

    def test_what_is_as_it_was_or_more_passes(self):
        self.assertEqual(0, self.abi("check", self.library()).returncode)
        more = self.abi("check", self.library(source=SOURCE + "int third() { return 3; }"))
        self.assertEqual(0, more.returncode, more.stdout)

    def test_a_symbol_that_is_gone_is_named(self):
        gone = self.abi("check", self.library(source=SOURCE.replace("int flame::second() { return 2; }", "")))
        self.assertEqual(1, gone.returncode)
        self.assertIn("flame::second()", gone.stdout)
        self.assertIn("flame-session", gone.stdout)

    def test_a_type_of_another_size_is_told(self):
        other = self.abi("check", self.library(header=HEADER.replace("int idle", "int more = 0; int idle")))
        self.assertEqual(1, other.returncode)
        self.assertIn("Options", other.stdout)

    def test_a_library_that_is_gone_is_named(self):
        build = self.library(name="flame-session-sqlite")
        self.assertEqual(0, self.abi("dump", build).returncode)
        (build / "libflame-session-sqlite.so").unlink()
        gone = self.abi("check", build)
        self.assertEqual(1, gone.returncode)
        self.assertIn("flame-session-sqlite", gone.stdout)

    def test_without_debug_information_nothing_is_compared(self):
        bare = self.abi("check", self.library(options=()))
        self.assertEqual(1, bare.returncode)
        self.assertIn("-g", bare.stdout)


if __name__ == "__main__":
    unittest.main()
