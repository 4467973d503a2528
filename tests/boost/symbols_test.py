"""No library of ours defines a symbol of Boost's, and shared ones show what public headers declare."""

import os
import pathlib
import re
import subprocess
import unittest

INCLUDE = pathlib.Path(__file__).parents[2] / "include"
STATIC = os.environ["FLAME_STATIC"].split()
SHARED = os.environ["FLAME_SHARED"].split()

# In demangled names and, should one not be demangled, in the others. Not in flame_boost.
BOOST = re.compile(r"(?<!\w)boost::|(?<!\d)5boost")


def defined(library, *options):
    """Kind and demangled name of each."""
    run = subprocess.run([os.environ["FLAME_NM"], "-C", "--defined-only", *options, library],
                         text=True, capture_output=True, check=True)
    return re.findall(r"^[0-9a-f]* *([A-Za-z]) (.+)$", run.stdout, re.M)


def of_boost(symbols):
    return [name for _, name in symbols if BOOST.search(name)]


STRING = "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >"


class Symbols(unittest.TestCase):
    def test_of_boost_there_are_none(self):
        self.assertTrue(STATIC and SHARED)
        for library in STATIC + SHARED:
            with self.subTest(library):
                symbols = defined(library)
                self.assertGreater(len(symbols), 10)
                self.assertEqual([], of_boost(symbols))

    def test_of_boost_would_be_found(self):
        for name in ("vtable for boost::system::error_category", "boost::asio::io_context::run()",
                     "std::vector<boost::asio::const_buffer>::~vector()", "_ZN5boost4asio1xE"):
            self.assertEqual([name], of_boost([("W", name)]))
        for name in ("flame_boost::asio::io_context::run()", "_ZN11flame_boost4asio1xE"):
            self.assertEqual([], of_boost([("W", name)]))

    def test_shared_ones_hide_our_boost_too(self):
        for library in SHARED:
            with self.subTest(library):
                shown = [name for _, name in defined(library, "-D") if "flame_boost" in name]
                self.assertEqual([], shown)

    def test_shared_ones_show_what_public_headers_declare(self):
        public = set()
        for header in INCLUDE.rglob("*.hpp"):
            public.update(re.findall(r"\w+", header.read_text(encoding="utf-8")))
        # These it names, and no more.
        public -= {"Impl", "RequestAccess", "ResponseAccess", "ContextAccess", "SessionAccess"}
        for library in SHARED:
            shown = [name.partition("(")[0].replace("[abi:cxx11]", "").replace(STRING, "std::string")
                     for kind, name in defined(library, "-D") if kind == "T"]
            self.assertTrue(shown)
            for name in shown:
                with self.subTest(library, name=name):
                    self.assertLessEqual(set(re.findall(r"\w+", name)), public)


if __name__ == "__main__":
    unittest.main()
