"""What this build installs serves others, by CMake and by pkg-config, and can be taken away again."""

import os
import pathlib
import re
import shutil
import unittest

from package import COMPONENTS, CONSUMER, FLAGS, PackageTest, run

BUILD = pathlib.Path(os.environ["FLAME_BUILD"])
WORK = pathlib.Path(os.environ["FLAME_WORK"])


class Installed(PackageTest):
    @classmethod
    def setUpClass(cls):
        """Installed, and moved: nothing that is installed knows where it lies."""
        for name in ("first", "prefix"):
            shutil.rmtree(WORK / name, ignore_errors=True)
        run("cmake", "--install", BUILD, "--prefix", WORK / "first")
        cls.prefix = (WORK / "first").rename(WORK / "prefix")

    def test_find_package(self):
        self.consume(f"-DCMAKE_PREFIX_PATH={self.prefix}", flags=FLAGS)

    def refusal(self, *options, components):
        refused = self.configure(CONSUMER, self.work / "build", f"-DCMAKE_PREFIX_PATH={self.prefix}",
                                 f"-DCOMPONENTS={components}", *options, flags=FLAGS)
        self.assertNotEqual(0, refused.returncode)
        return refused.stdout

    def test_a_component_that_is_not_there_is_named(self):
        self.assertIn("'no_such_store'", self.refusal(components="no_such_store"))

    def test_what_is_missing_is_named_with_its_package(self):
        told = self.refusal("-DCMAKE_DISABLE_FIND_PACKAGE_tl-expected=ON", components="session")
        self.assertIn("tl-expected", told)
        self.assertIn("apt-get install libexpected-dev", " ".join(told.split()))

    def test_pkg_config(self):
        for component in COMPONENTS:
            with self.subTest(component):
                self.consume_by_pkg_config(self.prefix, component=component, flags="-std=c++20 " + FLAGS)

    # Of drivers it asks for more than Debian's packages of them bring.
    def test_pkg_config_static(self):
        self.consume_by_pkg_config(self.prefix, "--static", component="session", flags="-std=c++20 " + FLAGS)

    def test_the_command_finds_the_libraries_beside_it(self):
        self.assertIn("0.", run(self.prefix / "bin/flame-session", "--version"))

    def test_license_and_pages_are_there_and_their_links_lead_somewhere(self):
        pages = self.prefix / "share/doc/flame-session"
        self.assertTrue((pages / "LICENSE").is_file())
        self.assertTrue((self.prefix / "share/man/man1/flame-session.1").is_file())
        for page in ("README.md", "docs/architecture.md", "docs/stores.md", "src/stores/file/README.md"):
            prose = re.sub(r"```.*?```", "", (pages / page).read_text(encoding="utf-8"), flags=re.S)
            for link in re.findall(r"\[[^\]]+\]\((?!https?:)([^)#\s]+)", prose):
                with self.subTest(page, link=link):
                    man_page = link.endswith("flame-session.1")
                    self.assertTrue(man_page or ((pages / page).parent / link).exists())

    def test_uninstall(self):
        prefix = self.work / "prefix"
        others = [prefix / "include/flame/session/theirs.hpp", prefix / "lib/libtheirs.a"]
        for other in others:
            other.parent.mkdir(parents=True, exist_ok=True)
            other.touch()
        run("cmake", "--install", BUILD, "--prefix", prefix)
        self.assertTrue((prefix / "include/flame/session/session.hpp").exists())
        run("cmake", "--build", BUILD, "--target", "uninstall")
        self.assertEqual(set(others), {path for path in prefix.rglob("*") if not path.is_dir()})
        ours = [path for path in prefix.rglob("flame*") if path.is_dir()]
        self.assertEqual([prefix / "include/flame"], ours)


if __name__ == "__main__":
    unittest.main()
