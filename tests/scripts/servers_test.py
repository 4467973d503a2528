"""scripts/servers starts real servers, keeps their data, and leaves nothing behind."""

import os
import pathlib
import re
import signal
import socket
import stat
import subprocess
import tempfile
import time
import unittest
import urllib.parse

ROOT = pathlib.Path(__file__).parents[2]
SCRIPT = ROOT / "scripts/servers"


def working_in(folder):
    """The processes whose working folder is there, or was."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(process / "cwd").startswith(str(folder)):
                found.append(int(process.name))
        except OSError:
            pass
    return found


def redis(address, *words):
    text = b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w.encode()) for w in words)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(text)
        return connection.recv(4096).decode().splitlines()[-1]


class Servers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = pathlib.Path(folder.name)
        self.top.chmod(0o755)
        self.folder = self.top / "servers"
        self.environment = {**os.environ, "TMPDIR": str(self.top)}
        self.addCleanup(self.run_script, "stop")

    def run_script(self, *arguments, **environment):
        return subprocess.run(
            [SCRIPT, *arguments], text=True, capture_output=True, check=False, timeout=240, stdin=subprocess.DEVNULL,
            env={**self.environment, "FLAME_SERVERS": str(self.folder), **environment})

    def succeed(self, *arguments, **environment):
        done = self.run_script(*arguments, **environment)
        if done.returncode == 77:
            print("SKIPPED:", done.stderr.strip(), flush=True)
            self.skipTest(done.stderr.strip())
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout.strip()

    def start(self, name, **environment):
        self.succeed("start", name, **environment)
        return urllib.parse.urlsplit(self.succeed("url", name))

    def kill(self, name, number=signal.SIGKILL):
        os.kill(int(self.succeed("pid", name)), number)

    def home(self, name):
        return (self.folder / name / "home").resolve()

    def test_redis_comes_and_goes(self):
        self.assertRegex(self.succeed("status", "redis"), "redis +not made yet")
        address = self.start("redis")
        self.assertEqual(("redis", "127.0.0.1", "/0"), (address.scheme, address.hostname, address.path))
        self.assertEqual("+OK", redis(address, "SET", "a", "1"))
        first = self.succeed("pid", "redis")
        self.assertRegex(self.succeed("status", "redis"), f"redis +running .*:{address.port} +pid {first}")

        self.start("redis")
        self.assertEqual(first, self.succeed("pid", "redis"))

        self.kill("redis")
        self.assertEqual(address, self.start("redis"))
        self.assertNotEqual(first, self.succeed("pid", "redis"))
        self.assertEqual("1", redis(address, "GET", "a"))

        self.succeed("stop", "redis")
        self.assertEqual([], working_in(self.home("redis")))
        self.assertRegex(self.succeed("status"), r"redis +stopped")
        self.assertEqual(1, self.run_script("pid", "redis").returncode)
        self.assertEqual(address, urllib.parse.urlsplit(self.succeed("url", "redis")))
        self.succeed("stop", "redis")
        self.assertEqual(address, self.start("redis"))
        self.assertEqual("1", redis(address, "GET", "a"))

    def test_ends_one_that_is_stopped(self):
        self.start("redis")
        self.kill("redis", signal.SIGSTOP)
        self.succeed("stop", "redis")
        self.assertEqual([], working_in(self.home("redis")))

    def test_is_started_once_by_many(self):
        command = [SCRIPT, "start", "redis"]
        environment = {**self.environment, "FLAME_SERVERS": str(self.folder)}
        many = [subprocess.Popen(command, env=environment) for _ in range(4)]
        self.assertIn({each.wait(timeout=240) for each in many}, ({0}, {77}))
        self.start("redis")
        self.assertEqual(1, len(working_in(self.home("redis"))))

    def test_ends_no_other_process_that_has_the_number(self):
        self.start("redis")
        self.kill("redis")
        other = subprocess.Popen(["sleep", "100"])
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)
        (self.folder / "redis/pid").write_text(f"{other.pid}\n", encoding="utf-8")
        self.succeed("stop", "redis")
        self.assertIsNone(other.poll())
        self.start("redis")
        self.assertIsNone(other.poll())

    def test_ends_one_whose_folder_is_gone(self):
        self.start("redis")
        pid = int(self.succeed("pid", "redis"))
        subprocess.run(["rm", "-rf", self.folder / "redis"], check=True)
        self.succeed("stop")
        self.assertFalse(pathlib.Path(f"/proc/{pid}/cwd").exists())

    def test_a_port_that_another_has_is_named(self):
        address = self.start("redis")
        self.succeed("stop", "redis")
        with socket.create_server((address.hostname, address.port)):
            done = self.run_script("start", "redis")
        self.assertEqual(1, done.returncode)
        self.assertIn(f"port {address.port} is another program's", done.stderr)
        self.assertEqual(address, self.start("redis"))

    def test_postgres_deep_down_where_others_cannot_go(self):
        self.top.joinpath("closed").mkdir(mode=0o700)
        self.folder = self.top.joinpath("closed", *["a folder's [name] *" + "x" * 40] * 3)
        self.keeps_data("postgres")

    def test_removes_what_is_elsewhere_of_folders_that_are_gone(self):
        closed = self.top / "closed"
        closed.mkdir(mode=0o700)
        for name in ("first", "second", "third"):
            self.folder = closed / name
            self.start("mariadb")
            if name == "second":
                running = self.home("mariadb")
                continue
            self.succeed("stop")
            gone = self.home("mariadb")
            subprocess.run(["rm", "-rf", self.folder], check=True)
        self.folder = closed / "fourth"
        self.start("mariadb")
        self.assertFalse(gone.exists())
        self.assertTrue(running.exists())
        self.succeed("stop")
        self.folder = closed / "second"

    def test_mariadb(self):
        self.environment.update(ASAN_OPTIONS="abort_on_error=1", MYSQL_PWD="wrong")
        self.keeps_data("mariadb")

    def test_mongo_deep_down_where_others_cannot_go(self):
        self.top.joinpath("closed").mkdir(mode=0o700)
        self.folder = self.top.joinpath("closed", *["a folder's [name] *" + "x" * 40] * 3)
        address = self.start("mongo")
        self.succeed("ask", "mongo", '{"insert": "t", "documents": [{"_id": 7}], "writeConcern": {"j": true}}')
        self.kill("mongo")
        self.assertEqual(address, self.start("mongo"))
        self.assertEqual('{"_id": 7}', self.succeed("ask", "mongo", '{"find": "t"}'))
        self.succeed("stop", "mongo")
        self.assertEqual([], working_in(self.home("mongo")))

    def test_another_mongo_where_there_is_no_sid(self):
        self.environment["FLAME_WITHOUT_SID"] = "1"
        address = self.start("mongo")
        self.assertRegex(self.succeed("status", "mongo"), r"mongo +running .* mongo-java-server$")
        for i in range(3):
            self.succeed("ask", "mongo", f'{{"insert": "t", "documents": [{{"_id": {i}}}]}}')
            self.kill("mongo")
            done = self.run_script("start", "mongo")
            self.assertIn("mongo is mongo-java-server here", done.stderr)
        self.assertEqual(["0", "1", "2"], re.findall(r"\d", self.succeed("ask", "mongo", '{"find": "t"}')))
        self.assertEqual(address, urllib.parse.urlsplit(self.succeed("url", "mongo")))
        self.succeed("stop", "mongo")
        self.assertEqual([], working_in(self.home("mongo")))
        self.assertEqual(77, self.run_script("start", "mysql").returncode)

    def test_a_mongod_on_the_path_is_the_one_that_runs(self):
        mongod = self.top / "mongod"
        mongod.write_text("#!/bin/sh\necho this one, $*\n", encoding="utf-8")
        mongod.chmod(0o755)
        done = self.run_script("start", "mongo", PATH=f"{self.top}:{os.environ['PATH']}")
        self.assertEqual(1, done.returncode)
        self.assertIn("this one, --dbpath .", done.stderr)

    def keeps_data(self, name):
        address = self.start(name)

        def ask(sql):
            return self.succeed("ask", name, sql)

        if os.getuid() == 0:
            self.assertNotEqual(0, os.stat("/proc/" + self.succeed("pid", name)).st_uid)
        if name == "mariadb":  # the others write their titles over it
            environment = pathlib.Path("/proc", self.succeed("pid", name), "environ").read_bytes()
            self.assertIn(b"LC_ALL=C.UTF-8", environment)
            for variable in (b"ASAN_OPTIONS", b"MYSQL_PWD", b"FLAME_SERVERS"):
                self.assertNotIn(variable, environment)
        ask("CREATE TABLE t (a INT)")
        ask("INSERT INTO t VALUES (7)")
        self.kill(name)
        self.assertEqual(address, self.start(name))
        self.assertEqual("7", ask("SELECT a FROM t"))
        self.succeed("stop", name)
        self.assertEqual([], working_in(self.home(name)))

    def test_what_cannot_be_had_was_not_run(self):
        cache = self.top / "cache"
        cache.mkdir()
        tools = self.top / "tools"
        tools.mkdir()
        (tools / "apt-get").write_text("#!/bin/sh\necho 'E: gone' >&2\nexit 100\n", encoding="utf-8")
        (tools / "apt-get").chmod(0o755)
        without = {"XDG_CACHE_HOME": str(cache), "PATH": f"{tools}:{os.environ['PATH']}"}
        for ci, status in (("", 77), ("1", 77)):
            done = self.run_script("start", "mysql", CI=ci, **without)
            self.assertEqual(status, done.returncode, done.stderr)
            self.assertIn("not run: mysql", done.stderr)
            self.assertEqual(status, self.run_script("url", "mysql", CI=ci).returncode)
        self.assertEqual([], list(cache.glob("flame-session/new-*")))
        if not os.path.exists("/usr/bin/redis-server"):
            for ci, status in (("", 77), ("1", 1)):
                done = self.run_script("start", "redis", CI=ci, **without)
                self.assertEqual(status, done.returncode, done.stderr)
                self.assertEqual(status, self.run_script("pid", "redis", CI=ci).returncode)
        self.start("redis")

    def test_secrets_are_the_users_own(self):
        self.start("redis")
        mode = (self.folder / "redis/password").stat().st_mode
        self.assertEqual(0, stat.S_IMODE(mode) & 0o077)

    def test_misuse(self):
        for arguments in ([], ["start"], ["start", "oracle"], ["begin", "redis"], ["stop", "redis", "mysql"], ["url"]):
            with self.subTest(arguments):
                done = self.run_script(*arguments)
                self.assertEqual((2, ""), (done.returncode, done.stdout))
                self.assertIn("usage: scripts/servers", done.stderr)
        done = self.run_script("url", "redis")
        self.assertEqual(1, done.returncode)
        self.assertIn("scripts/servers start redis", done.stderr)


if __name__ == "__main__":
    unittest.main()
