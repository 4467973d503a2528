"""The guide names every option and every event, with the defaults of the headers, and shows what was compiled."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).parents[2]
GUIDE = ROOT / "docs/guide"

STRUCTS = {
    "Options": "session/manager.hpp", "CookieOptions": "session/manager.hpp", "Login": "session/session.hpp",
    "HostOptions": "flame.hpp", "MemoryOptions": "session/memory.hpp", "ConnectionOptions": "session/connections.hpp",
}
UNITS = {"": 1, "bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30,
         "ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "days": 86_400_000}


def header(name):
    return (ROOT / "include/flame" / name).read_text(encoding="utf-8")


def page(name):
    return (GUIDE / name).read_text(encoding="utf-8")


def rows(text):
    """First cell, without its backticks, to the other cells."""
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| `")]
    return {first.strip("`"): rest for first, *rest in cells}


def section(text, name):
    return re.search(rf"^## {name}$(.*?)(?=^## |\Z)", text, re.S | re.M)[1]


def members(struct):
    """Name to (type, initialiser) of each."""
    body = re.search(rf"struct {struct} \{{(.*?)\n\}};", header(STRUCTS[struct]), re.S)[1]
    body = " ".join(re.sub(r"//.*", "", body).split())
    return {name: (kind, (a or b or "").strip())
            for kind, name, a, b in re.findall(r"(\S+) (\w+)(?: = ([^;]+)|\{([^;]*)\});", body)}


def number_of(kind, initialiser):
    """In bytes or milliseconds; None where it is no number."""
    scale = 1
    if time := re.match(r"std::chrono::(seconds|minutes|hours)\((.*)\)", initialiser):
        scale, initialiser = UNITS[{"seconds": "s", "minutes": "min", "hours": "h"}[time[1]]], time[2]
    elif kind == "std::chrono::seconds":
        scale = UNITS["s"]
    initialiser = initialiser.replace("'", "").replace("std::size_t{", "(").replace("}", ")")
    return eval(initialiser) * scale if re.fullmatch(r"[\d ()*<]+", initialiser) else None


def number_in(cell):
    told = re.match(r"([\d ]*\d) ?([A-Za-z]*)", cell)
    return int(told[1].replace(" ", "")) * UNITS.get(told[2], 1) if told else None


class Limits(unittest.TestCase):
    def test_every_option_is_there_with_its_default(self):
        text = page("limits.md")
        for struct in STRUCTS:
            told, real = rows(section(text, struct)), members(struct)
            self.assertGreater(len(real), 1)
            self.assertEqual(sorted(real), sorted(told), struct)
            for name, (kind, initialiser) in real.items():
                number = number_of(kind, initialiser)
                if number is not None:
                    with self.subTest(option=f"{struct}::{name}"):
                        self.assertEqual(number, number_in(told[name][0]))

    def test_other_bounds_are_those_of_the_code(self):
        text = page("limits.md")
        for pattern, file, told in [
                (r"max_depth = (\d+)", "include/flame/session/value_io.hpp", r"depth of a value \| (\d+)"),
                (r"max_key_size = (\d+)", "src/session/plan/changes.hpp", r"a key \| (\d+)"),
                (r"max_owner_size = (\d+)", "src/session/record/owner.hpp", r"an owner \| (\d+)"),
                (r"max_label_size = (\d+)", "src/session/record/terms.hpp", r"`label` \| none \| (\d+)"),
                (r"max_envelope_overhead = (\d+)", "src/session/record/envelope.hpp", r"1 MiB less (\d+)"),
                (r"max_pairs = 1'(\d+)", "include/flame/context.hpp", r"at most 1 (\d+) names"),
                (r"most_connections = (\d+)", "src/session/remote/connections.cpp", r"`readers` \| 2 \| 1, (\d+)")]:
            with self.subTest(pattern):
                code = (ROOT / file).read_text(encoding="utf-8")
                self.assertEqual(re.search(pattern, code)[1], re.search(told, text)[1])


class Events(unittest.TestCase):
    def test_every_event_is_there(self):
        names = re.findall(r"string_view (\w+) =\s+\"\1\"", header("session/manager.hpp"))
        self.assertGreater(len(names), 20)
        self.assertEqual(sorted(names), sorted(rows(page("events.md"))))


class Chinese(unittest.TestCase):
    def test_pages_have_what_the_english_ones_have(self):
        all_of_it = (r"^```(?:cpp|sh).*", r"^(?:curl|scripts)[^#\n]*", r"^##(?= )")
        pages = [(page, GUIDE / page.name, all_of_it) for page in (GUIDE / "zh-CN").glob("*.md")]
        self.assertEqual(3, len(pages))
        pages.append((ROOT / "README.zh-CN.md", ROOT / "README.md", (r"^```cpp.*",)))
        for chinese, english, parts in pages:
            told, right = chinese.read_text(encoding="utf-8"), english.read_text(encoding="utf-8")
            with self.subTest(chinese.name):
                for what in parts:
                    self.assertEqual(re.findall(what, right, re.M), re.findall(what, told, re.M))
                self.assertIn(f"({os.path.relpath(english, chinese.parent)})", told)
                self.assertIn(f"({os.path.relpath(chinese, english.parent)})", right)


class Snippets(unittest.TestCase):
    PAGE = "# Page\n```cpp one\nint x = 1;\n```\n"
    CODE = "void f() {\n  //! [one]\n  int x = 1;\n  //! [one]\n}\n"

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)
        for folder in ("docs/guide", "tests/guide"):
            (self.root / folder).mkdir(parents=True)
        self.page = self.root / "docs/guide/a-page.md"
        self.code = self.root / "tests/guide/a_page.cpp"
        self.write()

    def write(self, text=PAGE, code=CODE):
        self.page.write_text(text, encoding="utf-8")
        self.code.write_text(code, encoding="utf-8")

    def check(self, *arguments):
        run = subprocess.run([ROOT / "scripts/check-snippets", *arguments, self.root], text=True,
                             capture_output=True, check=False)
        self.assertEqual("", run.stderr)
        return run.returncode, run.stdout

    def test_those_of_the_guide_are_what_was_compiled(self):
        self.root = ROOT
        self.assertEqual((0, ""), self.check())

    def test_a_right_page_passes(self):
        self.assertEqual((0, ""), self.check())

    def test_what_differs_is_told_and_mended(self):
        self.write(self.PAGE.replace("= 1", "= 2"))
        status, said = self.check()
        self.assertEqual(1, status)
        self.assertIn("docs/guide/a-page.md:2: is not what one is", said)
        self.assertEqual((0, ""), self.check("--fix"))
        self.assertEqual(self.PAGE, self.page.read_text(encoding="utf-8"))

    def test_a_block_without_a_source_is_refused(self):
        for text, says in [(self.PAGE.replace("cpp one", "cpp"), "name the source"),
                           (self.PAGE.replace("cpp one", "cpp two"), "has no two lines //! [two]"),
                           (self.PAGE.replace("cpp one", "cpp examples/none.cpp"), "no file examples/none.cpp")]:
            with self.subTest(says):
                self.write(text)
                status, said = self.check()
                self.assertEqual(1, status)
                self.assertIn(says, said)

    def test_a_region_that_no_page_shows_is_told(self):
        self.write(code=self.CODE + "//! [two]\n//! [two]\n")
        status, said = self.check()
        self.assertEqual((1, "tests/guide/a_page.cpp:1: no page shows [two]\n"), (status, said))

    def test_whole_files_and_regions_of_others(self):
        self.write(self.PAGE + "```cpp tests/guide/a_page.cpp#one\nint x = 1;\n```\n"
                   "```cpp tests/guide/whole.cpp\nint y;\n```\n")
        (self.root / "tests/guide/whole.cpp").write_text("int y;\n", encoding="utf-8")
        self.assertEqual((0, ""), self.check())


if __name__ == "__main__":
    unittest.main()
