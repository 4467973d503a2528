"""A store's server that is killed, stopped, cut off or slow, under bench_server: what its clients are told.

FLAME_SERVER names the server; it is one of the test's own, in a folder of its own."""

import contextlib
import json
import os
import pathlib
import signal
import threading
import time
import unittest

import stores
from driver import PATIENCE, Case
from tcp_proxy import Proxy

NAME = os.environ["FLAME_SERVER"]
DOWN = float(os.environ.get("FLAME_DOWN_SECONDS", "2"))


def setUpModule():
    unittest.enterModuleContext(stores.own_server(NAME))


def family(pid):
    all_of_them = [pid]
    for children in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            all_of_them += family(int(child))
    return all_of_them


def send_to_server(number):
    for process in family(int(stores.ask("pid", NAME))):
        with contextlib.suppress(ProcessLookupError):  # some come and go
            os.kill(process, number)


class Visitor(threading.Thread):
    """Saves one value after the other, and remembers the last that was acknowledged."""

    def __init__(self, case, server):
        super().__init__()
        self.client = server.connect()
        self.id = case.begin(self.client)
        self.acknowledged, self.tried = 0, 0
        self.refused, self.strange = 0, []
        self.ended = False

    def run(self):
        while not self.ended:
            self.tried += 1
            response = self.client.get(f"/put?key=n&value={self.tried}", self.id)
            if response.status == 200:
                self.acknowledged = self.tried
            elif response.status == 503 and response.get("Retry-After") and not response.all("Set-Cookie"):
                self.refused += 1
                time.sleep(0.02)
            else:
                self.strange.append(response)


class Servers(Case):
    def setUp(self):
        self.server = self.serve("--store", stores.new_store(NAME))
        self.client = self.server.connect()

    def wait_until(self, condition):
        until = time.monotonic() + PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), until)
            time.sleep(0.01)

    def threads(self):
        return len(os.listdir(f"/proc/{self.server.process.pid}/task"))

    def values(self, session_id):
        response = self.client.get("/all", session_id)
        return json.loads(response.body) if response.status == 200 else None

    def under_load(self, fault):
        visitors = [Visitor(self, self.server) for _ in range(8)]
        for each in visitors:
            each.start()
        self.wait_until(lambda: all(each.acknowledged >= 5 for each in visitors))
        threads = self.threads()
        fault(visitors)
        before = [each.acknowledged for each in visitors]
        self.wait_until(lambda: all(e.acknowledged > n for e, n in zip(visitors, before)))
        self.assertLessEqual(self.threads(), threads)
        for each in visitors:
            each.ended = True
        for each in visitors:
            each.join()
            self.assertEqual([], each.strange)
            kept = int(self.values(each.id)["n"])
            self.assertTrue(each.acknowledged <= kept <= each.tried, (each.acknowledged, kept))
        return visitors

    def test_killed_and_started_again(self):
        def fault(visitors):
            send_to_server(signal.SIGKILL)
            self.wait_until(lambda: all(each.refused > 0 for each in visitors))
            self.answer(self.client.get("/plain"), "Hello, world")
            until = time.monotonic() + DOWN
            while time.monotonic() < until:
                self.answer(self.client.get("/plain"), "Hello, world")
                self.assertEqual(503, self.client.get("/get", visitors[0].id).status)
            stores.ask("start", NAME)

        self.under_load(fault)
        self.server.wait_for("store_down")
        self.server.wait_for("store_up")

    def test_stopped_and_going_on(self):
        def fault(visitors):
            send_to_server(signal.SIGSTOP)
            try:
                self.wait_until(lambda: all(each.refused > 0 for each in visitors))
                self.answer(self.client.get("/plain"), "Hello, world")
            finally:
                send_to_server(signal.SIGCONT)

        visitors = self.under_load(fault)
        for visitor in visitors:  # no reply reached another request
            self.answer(self.client.get(f"/put?key=me&value={visitor.id[:16]}", visitor.id), "Succeed")
        for visitor in visitors:
            self.assertEqual(visitor.id[:16], self.values(visitor.id)["me"])


class Networks(Case):
    def setUp(self):
        self.proxy = self.enterContext(Proxy(stores.new_store(NAME)))
        self.server = self.serve("--store", self.proxy.store)
        self.client = self.server.connect()

    def test_a_connection_that_is_cut_while_nobody_uses_it_costs_no_request(self):
        visitor = self.begin(self.client)
        for i in range(20):
            self.proxy.cut()
            self.answer(self.client.get("/get", visitor), "Authenticated as 123")
            self.proxy.cut()
            self.answer(self.client.get(f"/put?key=n&value={i}", visitor), "Succeed")
        self.answer(self.client.get("/all", visitor), '{"n":"19","user_id":123}')

    def test_one_byte_at_a_time_is_as_good_as_all(self):
        visitor = self.begin(self.client)
        self.proxy.mode = "byte"
        for i in range(10):
            self.answer(self.client.get(f"/put?key=n&value={i}", visitor), "Succeed")
            self.answer(self.client.get("/get", visitor), "Authenticated as 123")

    def test_what_is_held_is_answered_at_its_deadline(self):
        visitor, others = self.begin(self.client), [self.server.connect() for _ in range(50)]
        self.proxy.mode = "hold"
        for i, each in enumerate(others):
            each.send("/get" if i % 2 else f"/put?key=n&value={i}", visitor)
        self.answer(self.client.get("/plain"), "Hello, world")
        for each in others:
            response = each.receive()
            self.assertEqual((503, "1"), (response.status, response.get("Retry-After")))
        self.proxy.mode = "pass"
        until = time.monotonic() + PATIENCE
        while self.client.get("/get", visitor).status != 200:
            self.assertLess(time.monotonic(), until)
        self.answer(self.client.get("/put?key=n&value=last", visitor), "Succeed")


if __name__ == "__main__":
    unittest.main()
