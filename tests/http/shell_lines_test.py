"""What pages tell readers to type does what the comment beside it says."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from driver import BIN, PATIENCE, Case, example

ROOT = pathlib.Path(__file__).parents[2]
ADDRESS = "127.0.0.1:2830"  # as pages have it


def blocks(page, language="sh"):
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.S | re.M)


def block_of_example(name):
    text = (ROOT / "examples/README.md").read_text(encoding="utf-8")
    return re.search(rf"^## {name}$.*?^```sh\n(.*?)^```$", text, re.S | re.M)[1]


@unittest.skipIf(shutil.which("curl") is None, "curl is not installed")
class ShellLines(Case):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())

    def type(self, line, environment=None):
        run = subprocess.run(["sh", "-c", line], cwd=self.folder, text=True, capture_output=True, check=False,
                             stdin=subprocess.DEVNULL, timeout=PATIENCE, env={**os.environ, **(environment or {})})
        self.assertEqual(0, run.returncode, (line, run))
        return run.stdout

    def try_curl(self, name, block, environment=None):
        server = self.enterContext(example(name, environment))
        lines = [line for line in block.splitlines() if line.startswith("curl ")]
        self.assertGreater(len(lines), 1)
        for line in lines:
            command, _, told = line.partition("#")
            output = self.type(command.replace("curl", "curl -sS", 1).replace(ADDRESS, f"127.0.0.1:{server.port}"))
            told = told.strip()
            with self.subTest(line):
                # What begins with a small letter describes; the rest is the answer, or a part of a page.
                self.assertTrue(output)
                if told[0].isupper():
                    self.assertTrue(told in output or told.startswith(output), output)

    def test_five_minutes(self):
        for page in ("docs/guide/five-minutes.md", "docs/guide/zh-CN/five-minutes.md"):
            start, curl = blocks(page)
            self.assertEqual("scripts/run\n", start)
            self.try_curl("memory", curl)
            (pathlib.Path(self.folder) / "jar").unlink()

    def test_examples(self):
        for name, variable in [("memory", None), ("file", "FLAME_SESSION_DIR"), ("sqlite", "FLAME_SESSION_DB"),
                               ("flash", None), ("flash_types", None), ("login", None)]:
            if (BIN / f"example_{name}").exists():
                environment = {variable: f"{self.folder}/{name}"} if variable else None
                self.try_curl(name, block_of_example(name), environment)
                (pathlib.Path(self.folder) / "jar").unlink()

    @unittest.skipUnless((BIN / "flame-session").exists(), "the command is not built")
    def test_upgrading(self):
        stores = {"FROM": f"file:{self.folder}/from", "TO": f"file:{self.folder}/to",
                  "PATH": f"{BIN}:{os.environ['PATH']}"}
        server = self.enterContext(example("file", {"FLAME_SESSION_DIR": f"{self.folder}/from"}))
        visitor = self.begin(server.connect())
        os.mkdir(f"{self.folder}/to", 0o700)
        (block,) = blocks("docs/guide/upgrading.md")
        for line in block.splitlines():
            self.type(line, stores)
        moved = self.enterContext(example("file", {"FLAME_SESSION_DIR": f"{self.folder}/to"}))
        self.answer(moved.connect().get("/get", visitor), "Authenticated as 123")


if __name__ == "__main__":
    unittest.main()
