"""A store's server that refuses, for one reason after the other: what its clients and its operator are told,
and that all goes well again once it no longer does, without a restart of ours.

FLAME_SERVER names the server; it is one of the test's own."""

import contextlib
import os
import re
import socket
import time
import unittest
import urllib.parse

import stores
from driver import PATIENCE, Case

NAME = os.environ["FLAME_SERVER"]
PASSWORD, OTHER = "a-first-pass0word", "another-pass1word"
IDLE_SOCKETS = 40


def ask(statement):
    return stores.ask("ask", NAME, statement)


class Postgres:
    """The store's user is no administrator: rights and limits hold for it."""

    def __init__(self, url):
        self.table = "kept"
        for statement in (f"CREATE ROLE app LOGIN PASSWORD '{PASSWORD}'", "GRANT ALL ON SCHEMA public TO app"):
            ask(statement)
        self.store = re.sub("//.*@", f"//app:{PASSWORD}@", url) + f"?table={self.table}&init_table=true"

    def end_connections(self):
        ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'")

    def read_only(self, on):
        ask(f"ALTER ROLE app SET default_transaction_read_only = {'on' if on else 'off'}")
        self.end_connections()

    def password(self, password):
        ask(f"ALTER ROLE app PASSWORD '{password}'")
        self.end_connections()

    def hide_table(self, hidden):
        names = (self.table, "hidden")
        ask("ALTER TABLE {} RENAME TO {}".format(*(names if hidden else names[::-1])))

    def rights(self, granted):
        if not granted:
            ask(f"ALTER TABLE {self.table} OWNER TO flame")
        rights = f"SELECT, INSERT, UPDATE, DELETE ON {self.table}"
        ask(f"GRANT {rights} TO app" if granted else f"REVOKE {rights} FROM app")

    @contextlib.contextmanager
    def no_connections_left(self):
        ask("ALTER ROLE app CONNECTION LIMIT 0")
        self.end_connections()
        yield
        ask("ALTER ROLE app CONNECTION LIMIT -1")


class Mysql:
    def __init__(self, url):
        self.table = "kept"
        for statement in (f"CREATE USER app@'%' IDENTIFIED BY '{PASSWORD}'",
                          "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE ON flame.* TO app@'%'"):
            ask(statement)
        self.store = re.sub("//.*@", f"//app:{PASSWORD}@", url) + f"?table={self.table}&init_table=true"

    def end_connections(self):
        for each in ask("SELECT id FROM information_schema.processlist WHERE user = 'app'").split():
            with contextlib.suppress(RuntimeError):  # it has ended by itself
                ask(f"KILL {each}")

    def read_only(self, on):
        ask(f"SET GLOBAL read_only = {int(on)}")

    def password(self, password):
        ask(f"ALTER USER app@'%' IDENTIFIED BY '{password}'")
        self.end_connections()

    def hide_table(self, hidden):
        names = (self.table, "hidden")
        ask("RENAME TABLE {} TO {}".format(*(names if hidden else names[::-1])))

    def rights(self, granted):
        ask("GRANT UPDATE ON flame.* TO app@'%'" if granted else "REVOKE UPDATE ON flame.* FROM app@'%'")
        self.end_connections()

    @contextlib.contextmanager
    def no_connections_left(self):
        before = ask("SELECT @@max_connections")
        ask("SET GLOBAL max_connections = 10")
        self.end_connections()
        with idle_sockets():
            yield
        for _ in range(50):  # those sockets may count for a moment longer
            with contextlib.suppress(RuntimeError):
                ask(f"SET GLOBAL max_connections = {before}")
                break
            time.sleep(0.1)


class Redis:
    def __init__(self, url):
        ask(f"ACL SETUSER app on >{PASSWORD} ~* &* +@all")
        self.store = url.replace("//", f"//app:{PASSWORD}@") + "?key_prefix=kept"

    def end_connections(self):
        ask("CLIENT KILL USER app")

    def read_only(self, on):
        ask(f"REPLICAOF {'127.0.0.1 1' if on else 'NO ONE'}")

    def password(self, password):
        ask(f"ACL SETUSER app resetpass >{password}")
        self.end_connections()

    def rights(self, granted):
        ask(f"ACL SETUSER app {'+' if granted else '-'}evalsha")

    def memory(self, full):
        ask(f"CONFIG SET maxmemory {1 if full else 0}")

    @contextlib.contextmanager
    def no_connections_left(self):
        """Nobody is let in any more: one who is here ends the others."""
        with socket.create_connection(address()) as administrator:
            administrator.sendall(b"CONFIG SET maxclients 1\r\nCLIENT KILL USER app\r\n")
            administrator.recv(100)
            yield
            administrator.sendall(b"CONFIG SET maxclients 1000\r\n")
            administrator.recv(100)


class Mongo:
    def __init__(self, url):
        self.store = f"{url}?collection=kept&init_collection=true"
        self.has_users = "@" in url
        if self.has_users:
            self.add_user(url)

    def add_user(self, url):
        ask(f'''{{"createUser": "app", "pwd": "{PASSWORD}", "$db": "admin", "roles": [
            {{"role": "clusterAdmin", "db": "admin"}}, {{"role": "readWriteAnyDatabase", "db": "admin"}}]}}''')
        self.store = re.sub("//.*@", f"//app:{PASSWORD}@", url) + "&collection=kept&init_collection=true"

    def password(self, password):
        ask(f'{{"updateUser": "app", "pwd": "{password}", "$db": "admin"}}')
        stores.ask("stop", NAME)  # whoever has signed in stays so
        stores.ask("start", NAME)

    def drop(self):
        ask('{"drop": "kept"}')


KIND = {"postgres": Postgres, "mysql": Mysql, "mariadb": Mysql, "redis": Redis, "valkey": Redis, "mongo": Mongo}[NAME]


@contextlib.contextmanager
def idle_sockets():
    """Of clients that say nothing."""
    with contextlib.ExitStack() as open_ones:
        for _ in range(IDLE_SOCKETS):
            open_ones.enter_context(socket.create_connection(address()))
        yield


def address():
    at = urllib.parse.urlsplit(stores.ask("url", NAME))
    return at.hostname, at.port


def needs(what):
    return unittest.skipUnless(hasattr(KIND, what), f"{NAME} has no such thing")


class States(Case):
    def setUp(self):
        self.enterContext(stores.own_server(NAME))
        self.kind = KIND(stores.ask("url", NAME))
        self.server = self.serve("--store", self.kind.store)
        self.client = self.server.connect()
        self.visitor = self.begin(self.client)
        self.put("before")

    def tearDown(self):
        said = self.server.stdout + self.server.stderr
        if os.environ.get("FLAME_SHOW"):
            print(f"--- {self.id()}\n{said}", flush=True)
        for secret in (PASSWORD, OTHER):
            self.assertNotIn(secret, said)

    def put(self, value):
        self.answer(self.client.get(f"/put?key=k&value={value}", self.visitor), "Succeed")

    def try_again(self, path, wanted):
        """Until the answer is that one; none but 503 may come before."""
        until = time.monotonic() + PATIENCE
        while (response := self.client.get(path, self.visitor)).status != wanted:
            self.assertIn(response.status, (200, 503), response)
            self.assertLess(time.monotonic(), until, response)
            time.sleep(0.02)
        return response

    def is_refused(self, path="/put?key=k&value=refused"):
        for _ in range(3):
            response = self.try_again(path, 503)
        self.assertIsNotNone(response.get("Retry-After"))
        self.assertEqual([], response.all("Set-Cookie"))
        self.answer(self.client.get("/plain"), "Hello, world")
        self.assertEqual(200, self.client.get("/get").status)  # a visitor without a session

    def goes_well_again(self):
        self.try_again("/put?key=k&value=after", 200)
        self.answer(self.client.get("/all", self.visitor), '{"k":"after","user_id":123}')

    @needs("read_only")
    def test_read_only(self):
        self.kind.read_only(True)
        self.is_refused()
        self.kind.read_only(False)
        self.goes_well_again()
        self.server.wait_for("store_down.*(read-only|a replica)")

    def test_password_changed(self):
        if not getattr(self.kind, "has_users", True):
            print("not run: mongo-java-server has no users", flush=True)
            self.skipTest("mongo-java-server has no users")
        self.kind.password(OTHER)
        self.is_refused()
        self.server.wait_for("store_down.*(password|WRONGPASS)")
        self.kind.password(PASSWORD)
        self.goes_well_again()

    @needs("hide_table")
    def test_table_away(self):
        self.kind.hide_table(True)
        self.is_refused()
        self.is_refused("/get")
        self.server.wait_for("kept")
        self.kind.hide_table(False)
        self.goes_well_again()

    @needs("drop")
    def test_collection_dropped(self):
        """It is an empty one to the server: nobody is signed in, and whoever comes may be."""
        self.kind.drop()
        self.answer(self.client.get("/get", self.visitor), "Not authenticated")
        self.visitor = self.begin(self.client)
        self.goes_well_again()

    @needs("rights")
    def test_right_revoked(self):
        self.kind.rights(False)
        self.is_refused()
        self.server.wait_for("store_refused.*(lacks a right|lacks rights)")
        self.kind.rights(True)
        self.goes_well_again()

    @needs("memory")
    def test_memory_full(self):
        self.kind.memory(True)
        self.is_refused()
        self.answer(self.client.get("/get", self.visitor), "Authenticated as 123")
        self.server.wait_for("store_full")
        self.kind.memory(False)
        self.goes_well_again()

    @needs("no_connections_left")
    def test_out_of_connections(self):
        with self.kind.no_connections_left():
            self.is_refused()
            self.server.wait_for("store_down.*connections|store_down.*clients")
        self.goes_well_again()


if __name__ == "__main__":
    unittest.main()
