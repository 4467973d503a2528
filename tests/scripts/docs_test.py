"""What the pages show is what was compiled, and every example can be tried."""

import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).parents[2]
EXAMPLES = sorted([*(path.stem for path in (ROOT / "examples").glob("*.cpp")),
                   *(path.parent.name for path in (ROOT / "examples").glob("*/main.cpp"))])


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


class Docs(unittest.TestCase):
    def test_a_store_is_told_by_its_size(self):
        page = text("docs/writing-a-store.md")

        def lines(pattern):
            return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in ROOT.glob(pattern))

        for pattern, told in re.findall(r"the (memory|SQLite) store\s\(([\d ]+)", page):
            with self.subTest(pattern):
                told = int(told.replace(" ", ""))
                self.assertLess(abs(told - lines(f"src/stores/{pattern.lower()}/*.?pp")), told / 5)
        self.assertIn(f"builds has {lines('tests/stores/eighth_store.hpp')},", page)

    def test_the_command_is_described_as_it_is(self):
        page = text("docs/flame-session.1").replace("\\-", "-")
        for option in set(re.findall(r"--[a-z]+", text("src/command/arguments.cpp"))):
            with self.subTest(option):
                self.assertIn(option, page)
        for name in re.findall(r'Form\{"([a-z-]+)"', text("src/command/arguments.cpp")):
            with self.subTest(name):
                self.assertRegex(page, rf"(?m)^\.B {name}$")

    def test_every_example_has_lines_to_try(self):
        page = text("examples/README.md")
        for name in EXAMPLES:
            with self.subTest(name):
                section = re.search(rf"^## {name}$(.*?)(?=^## |\Z)", page, re.S | re.M)
                self.assertIsNotNone(section)
                self.assertRegex(section.group(1), r"```sh\ncurl ")

    def test_links_between_pages_lead_somewhere(self):
        pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/*.md"),
                 *ROOT.glob("src/stores/*/*.md")]
        for page in pages:
            prose = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.S)
            for target in re.findall(r"\]\(([^)#]+)[^)]*\)", prose):
                if "://" not in target:
                    with self.subTest(page=page.name, target=target):
                        self.assertTrue((page.parent / target).exists())

    def test_run_lists_the_examples_for_an_unknown_name(self):
        run = subprocess.run([ROOT / "scripts/run", "no_such_example"], text=True,
                             capture_output=True, check=False)
        self.assertEqual((2, ""), (run.returncode, run.stdout))
        for name in [*EXAMPLES, "no_such_example"]:
            self.assertIn(name, run.stderr)


if __name__ == "__main__":
    unittest.main()
