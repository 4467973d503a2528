"""The programs behind scripts/check refuse what they are there to refuse."""

import pathlib
import subprocess
import tempfile
import unittest

SCRIPTS = pathlib.Path(__file__).parents[2] / "scripts"

REFUSED = [
    # file, line, what the message must name
    ("include/flame/session/session.hpp", "#include <openssl/sha.h>", "openssl"),
    ("include/flame/session/session.hpp", "#include <boost/version.hpp>", "boost"),
    ("include/flame/session/session.hpp", "#include <flame/flame.hpp>", "host"),
    ("include/flame/session/session.hpp", '#include "private.hpp"', "private"),
    ("include/flame/session/session.hpp", "#include <flame/session/redis.hpp>", "store redis"),
    ("include/flame/flame.hpp", "#include <boost/asio.hpp>", "asio"),
    ("src/session/manager.cpp", "#include <boost/asio/post.hpp>", "asio"),
    ("src/session/manager.cpp", "#include <flame/context.hpp>", "host"),
    ("src/session/manager.cpp", "  #  include <hiredis/hiredis.h>", "hiredis"),
    ("src/session/manager.cpp", '#include "flame/session/store.hpp"', "<flame/session/store.hpp>"),
    ("src/session/manager.cpp", "#include <fmt/format.h>", "knows"),
    ("src/stores/memory/memory.cpp", "#include <flame/session/redis.hpp>", "store redis"),
    ("src/stores/memory/memory.cpp", '#include "../../session/plan/plan.hpp"', "private"),
    ("src/stores/redis/redis.cpp", "#include <libpq-fe.h>", "libpq"),
    ("src/stores/redis/redis.cpp", "#include <flame/session/memory.hpp>", "store memory"),
    ("src/stores/redis/redis.cpp", "#include <flame/flame.hpp>", "host"),
    ("include/flame/session/redis.hpp", "#include <hiredis/hiredis.h>", "hiredis"),
    ("src/host/server.cpp", "#include <flame/session/memory.hpp>", "store memory"),
    ("src/host/server.cpp", "#include <flame/session/open_store.hpp>", "stores/all"),
    ("src/host/server.cpp", "#include <openssl/sha.h>", "openssl"),
    ("include/flame/session/cpp_httplib.hpp", "#include <flame/flame.hpp>", "host"),
    ("include/flame/session/cpp_httplib.hpp", "#include <flame/session/redis.hpp>", "store redis"),
    ("include/flame/session/cpp_httplib.hpp", "#include <drogon/drogon.h>", "drogon"),
    ("include/flame/session/adapter.hpp", "#include <httplib.h>", "httplib"),
    ("examples/memory.cpp", "#include <boost/beast.hpp>", "asio"),
    ("src/adrift/lost.cpp", "#include <vector>", "no room"),
]

ALLOWED = [
    ("include/flame/session/error.hpp", "#include <tl/expected.hpp>"),
    ("include/flame/session/session.hpp", "#include <flame/session/value.hpp>"),
    ("include/flame/session/value.hpp", "#include <flame/session/detail/fields.hpp>"),
    ("include/flame/sessioner.hpp", "#include <flame/session/manager.hpp>"),
    ("src/session/record/envelope.cpp", "#include <openssl/sha.h>"),
    ("src/session/values/value.cpp", "#include <cbor.h>"),
    ("src/session/manager.cpp", "#include <flame/session/memory.hpp>"),
    ("src/session/record/environment.cpp", "#include <sys/random.h>"),
    ("src/stores/redis/redis.cpp", "#include <hiredis/hiredis.h>"),
    ("src/stores/all/open_store.cpp", "#include <flame/session/memory.hpp>"),
    ("src/host/server.cpp", "#include <boost/asio/io_context.hpp>"),
    ("bench/bare_beast.cpp", "#include <boost/beast/http.hpp>"),
    ("tests/session/plan/plan_test.cpp", "#include <gtest/gtest.h>"),
    ("include/flame/session/cpp_httplib.hpp", "#include <httplib.h>"),
    ("include/flame/session/asio.hpp", "#include <boost/asio/post.hpp>"),
    ("tests/adapters/cpp_httplib_server.cpp", "#include <flame/session/cpp_httplib.hpp>"),
    ("examples/memory.cpp", "#include <flame/sessioner.hpp>"),
]


class Tree(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
        return path

    def run_script(self, name):
        run = subprocess.run([SCRIPTS / name, self.root], text=True, capture_output=True, check=False)
        self.assertEqual("", run.stderr)
        return run.returncode, run.stdout


class Includes(Tree):
    def test_refuses(self):
        for name, line, names in REFUSED:
            with self.subTest(name, line=line):
                path = self.write(name, "#include <vector>\n" + line)
                status, output = self.run_script("check-includes")
                path.unlink()
                self.assertEqual(1, status)
                self.assertIn(name, output)
                self.assertIn(names, output)

    def test_allows(self):
        for name, line in ALLOWED:
            self.write(name, line)
        self.assertEqual((0, ""), self.run_script("check-includes"))

    def test_private_headers_are_for_their_folder_and_the_tests(self):
        self.write("src/session/plan/plan.hpp", "#include <vector>")
        self.write("src/session/plan/plan.cpp", '#include "plan.hpp"')
        self.write("tests/session/plan/plan_test.cpp", '#include "plan/plan.hpp"')
        self.write("tests/stores/plan_test.cpp", '#include "session/plan/plan.hpp"')
        self.write("src/test_support/stepped_store.cpp", '#include "session/plan/plan.hpp"')
        self.assertEqual((0, ""), self.run_script("check-includes"))
        self.write("src/host/server.cpp", '#include "plan.hpp"')
        status, output = self.run_script("check-includes")
        self.assertEqual(1, status)
        self.assertIn('src/host/server.cpp:1: "plan.hpp"', output)
        self.write("src/host/server.cpp", '#include "session/plan/plan.hpp"')
        self.assertIn("src/host/server.cpp:1", self.run_script("check-includes")[1])

    def test_a_floor_includes_what_is_below_it_alone(self):
        self.write("src/session/plan/plan.hpp", '#include "record/base.hpp"')
        self.write("src/session/record/base.hpp", '#include "values/document.hpp"')
        self.write("src/session/values/document.hpp", "#include <vector>")
        self.write("src/session/manager.cpp", '#include "plan/plan.hpp"')
        self.assertEqual((0, ""), self.run_script("check-includes"))
        self.write("src/session/values/value.cpp", '#include "plan/plan.hpp"')
        status, output = self.run_script("check-includes")
        self.assertEqual(1, status)
        self.assertIn('src/session/values/value.cpp:1: "plan/plan.hpp": plan is not below', output)
        self.write("src/session/values/value.cpp", '#include "session/record/base.hpp"')
        self.assertIn("write", self.run_script("check-includes")[1])


class Visibility(Tree):
    PUSH = "#pragma GCC visibility push(default)\n"
    POP = "#pragma GCC visibility pop\n"
    NAME = "include/flame/session/store.hpp"

    def test_a_public_header_marks_what_it_declares(self):
        self.write(self.NAME, "#include <vector>\n" + self.PUSH + "class A;\n" + self.POP)
        self.write("src/session/plan/plan.hpp", "class B;")
        self.assertEqual((0, ""), self.run_script("check-visibility"))

    def test_refuses_one_that_does_not_or_marks_more(self):
        for text in ("class A;", self.PUSH + "class A;", "class A;\n" + self.POP,
                     self.POP + "class A;\n" + self.PUSH,
                     self.PUSH + "class A;\n" + self.POP + "class B;",
                     self.PUSH + "#include <vector>\nclass A;\n" + self.POP):
            with self.subTest(text):
                self.write(self.NAME, text)
                status, output = self.run_script("check-visibility")
                self.assertEqual(1, status)
                self.assertIn(self.NAME, output)


class Sizes(Tree):
    def test_over_600_lines_is_refused(self):
        self.write("src/session/at_most.cpp", "\n" * 599)
        status, output = self.run_script("check-sizes")
        self.assertEqual(0, status)
        self.assertIn("src/session/at_most.cpp: 600 lines; 300 are the aim", output)
        self.write("src/session/over.hpp", "\n" * 600)
        status, output = self.run_script("check-sizes")
        self.assertEqual(1, status)
        self.assertIn("src/session/over.hpp: 601 lines, and 600 are the most", output)

    def test_small_files_are_not_named(self):
        self.write("include/flame/small.hpp", "\n" * 299)
        self.write("docs/long.md", "\n" * 5000)
        self.assertEqual((0, ""), self.run_script("check-sizes"))


if __name__ == "__main__":
    unittest.main()
