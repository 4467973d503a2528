"""What requests cost their store, counted at a server that nobody else uses (FLAME_SERVER)."""

import json
import os
import re
import time
import unittest

import stores
from driver import PATIENCE, Case

NAME = os.environ["FLAME_SERVER"]
REPEATED = 100
BACKGROUND = 10  # operations that a sweep, a look at the clock or a new connection may add to that
SESSIONS = 50
READS = int(os.environ.get("FLAME_READS", "20000"))  # 100000 give the same, and take minutes under a sanitizer
IDLE = 20  # seconds


class Postgres:
    """Its log names each statement before that is answered."""

    def __init__(self, folder):
        self.log = folder / "log"
        for statement in ("ALTER SYSTEM SET log_statement = 'all'", "SELECT pg_reload_conf()"):
            stores.ask("ask", NAME, statement)

    def count(self, pattern):
        return len(re.findall(pattern, self.log.read_text(errors="replace")))

    def operations(self):
        return self.count(r"execute \w+: +(SELECT|INSERT|UPDATE|DELETE|WITH)")

    def touches(self):
        return self.count(r"execute \w+: +UPDATE")


class Mysql:
    def __init__(self, folder):
        pass

    def status(self, name):
        return int(stores.ask("ask", NAME, f"SHOW GLOBAL STATUS LIKE '{name}'").split()[1])

    def operations(self):
        return self.status("Com_stmt_execute")

    def touches(self):
        return self.status("Handler_update")


class Redis:
    def __init__(self, folder):
        pass

    def calls(self, *names):
        """Of commands that our scripts do not use themselves."""
        told = stores.ask("ask", NAME, "INFO commandstats")
        return sum(int(n) for name, n in re.findall(r"cmdstat_(\w+):calls=(\d+)", told) if name in names)

    def operations(self):
        return self.calls("get", "mget", "evalsha", "eval", "unlink", "zrem")

    def touches(self):
        return self.calls("evalsha")


class Mongo:
    def __init__(self, folder):
        pass

    def commands(self, *names):
        told = json.loads(stores.ask("ask", NAME, '{"serverStatus": 1}'))["metrics"]["commands"]
        return sum(told[name]["total"] for name in names if name in told)

    def operations(self):
        return self.commands("find", "insert", "update", "delete")

    def touches(self):
        return self.commands("update")


KINDS = {"postgres": Postgres, "mysql": Mysql, "mariadb": Mysql, "redis": Redis, "valkey": Redis, "mongo": Mongo}


class Operations(Case):
    def setUp(self):
        self.counter = KINDS[NAME](self.enterContext(stores.own_server(NAME)))

    def start(self, *arguments):
        server = self.serve("--store", stores.new_store(NAME), *arguments)
        self.connection = server.connect()

    def test_of_each_kind_of_request(self):
        self.start()
        visitor = self.begin(self.connection)
        for _ in range(REPEATED):  # all connections are made by then
            self.connection.get("/add", visitor)
        for what, wanted, path, session_id in (
                ("a visitor without a session", 0, "/get", None),
                ("a route without sessions", 0, "/plain", visitor),
                ("a flash route without a session", 0, "/take", None),
                ("an ID that nobody has", 1, "/get", "A" * 42 + "g"),
                ("a read", 1, "/get", visitor),
                ("a flash message that is not there", 1, "/take", visitor),
                ("a change", 2, "/put?key=k&value={}", visitor),
                ("an update", 2, "/add", visitor),
                ("a new session", 1, "/set", None)):
            with self.subTest(what):
                before = self.counter.operations()
                for i in range(REPEATED):
                    self.assertEqual(200, self.connection.get(path.format(i), session_id).status)
                counted = self.counter.operations() - before
                self.assertTrue(wanted * REPEATED <= counted <= wanted * REPEATED + BACKGROUND, counted)

    def read_each(self, visitors):
        for visitor in visitors:
            self.connection.send("/get", visitor)
        for _ in visitors:
            self.answer(self.connection.receive(), "Authenticated as 123")

    def test_reads_write_a_touch_each_twentieth_of_the_idle_timeout_at_most(self):
        self.start("--idle", str(IDLE))
        visitors = [self.begin(self.connection) for _ in range(SESSIONS)]
        before, begun = self.counter.touches(), time.monotonic()
        for _ in range(READS // SESSIONS):
            self.read_each(visitors)
        until = time.monotonic() + PATIENCE
        while self.counter.touches() == before:  # who was quick goes on until one is due
            self.assertLess(time.monotonic(), until, "nothing is touched")
            self.read_each(visitors)
        took = time.monotonic() - begun
        touches = self.counter.touches() - before
        print(f"Reads of {SESSIONS} sessions for {took:.1f} s: {touches} touches", flush=True)
        self.assertLessEqual(touches, SESSIONS * (took / (IDLE / 20) + 1))


if __name__ == "__main__":
    unittest.main()
