"""Each package tells the version that CMake tells, or takes it from there."""

import json
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).parents[2]


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


VERSION = re.search(r"project\(flame-session VERSION (\S+)", text("CMakeLists.txt")).group(1)
SONAME = VERSION.rpartition(".")[0]
STORES = {path.parent.name for path in ROOT.glob("src/stores/*/CMakeLists.txt")} - {"all"}


class Versions(unittest.TestCase):
    def test_debian(self):
        self.assertTrue(text("debian/changelog").startswith(f"flame-session ({VERSION}-"))
        named = re.findall(r"^Package: libflame-session.*?([\d.]+)$", text("debian/control"), re.M)
        self.assertEqual({SONAME}, set(named))
        installed = {path.name for path in ROOT.glob("debian/libflame-session*.install")}
        for store in STORES:
            self.assertIn(f"libflame-session-{store}{SONAME}.install", installed)

    def test_vcpkg(self):
        port = json.loads(text("packaging/vcpkg/flame-session/vcpkg.json"))
        self.assertEqual(("flame-session", VERSION), (port["name"], port["version"]))
        self.assertEqual(STORES, set(port["features"]))

    def test_conan(self):
        drivers = re.search(r"^DRIVERS = \{(.*?)^\}", text("conanfile.py"), re.M | re.S).group(1)
        self.assertEqual(STORES, set(re.findall(r'^    "(\w+)":', drivers, re.M)))


if __name__ == "__main__":
    unittest.main()
