"""usage: adapters_test.py NAME [unittest's arguments]: what a framework's clients see, on the demo server of that adapter.

Each server has the same routes (demo.hpp). What one framework cannot do stands in DIFFERENCES, with the reason."""

import os
import pathlib
import select
import socket
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "http"))
from driver import BIN, COOKIE, ID, PATIENCE, Case, Connection, Server, at_once  # noqa: E402

NAME = sys.argv[1] if len(sys.argv) > 1 else "host"

# The suite skips a test that has one of these marks, for these frameworks.
DIFFERENCES = {
    "drogon": {"two_cookies": "it keeps the last of equal cookies alone",
               "two_fields": "it keeps the first of equal fields alone"},
}
DEBIANS = {"host", "own", "cpp_httplib", "asio"}  # whose packages are never missing in CI
PARALLEL = 100


def differs(mark):
    reason = DIFFERENCES.get(NAME, {}).get(mark)
    return unittest.skipIf(reason, f"{NAME}: {reason}")


class Client(Connection):
    """That sends whatever fields a test wants."""

    def send_fields(self, path, *fields, method="GET"):
        head = [f"{method} {path} HTTP/1.1", f"Host: {self.server.host}"]
        head += [f"{name}: {value}" for name, value in fields]
        self.socket.sendall("\r\n".join([*head, "", ""]).encode())

    def ask(self, path, *fields, method="GET"):
        self.send_fields(path, *fields, method=method)
        return self.receive(method)

    def is_silent(self):
        return not select.select([self.socket], [], [], 0)[0]


def cookie(session_id):
    return ("Cookie", f"{COOKIE}={session_id}")


class Base(Case):
    OPTIONS = []

    def start(self, *options):
        self.server = self.enterContext(Server(f"adapter_{NAME}", *self.OPTIONS, *options))
        self.client = self.connect()

    def setUp(self):
        self.start()

    def connect(self, host=None):
        client = Client(self.server, host)
        self.server.connections.append(client)
        return client

    def ok(self, path, session_id=None, body=None, client=None):
        response = (client or self.client).get(path, session_id)
        self.assertEqual(200, response.status, response)
        if body is not None:
            self.assertEqual(body, response.body, response)
        return response

    def visitor(self, path="/set"):
        return self.begin(self.client, path)

    def values(self, response, name):
        """The elements of a list, of however many fields."""
        return sorted(each.strip().lower() for value in response.all(name) for each in value.split(","))


class Reference:
    """The program of the documentation, and what every client relies on."""

    def test_the_documentations_program(self):
        self.ok("/get", body="Not authenticated")
        set_it = self.ok("/set", body="Succeed")
        pair, *attributes = set_it.get("Set-Cookie").split("; ")
        self.assertRegex(pair, rf"\A{COOKIE}={ID.pattern}\Z")
        self.assertEqual(["HttpOnly", "Path=/", "SameSite=Lax", "Secure"], sorted(attributes))
        visitor = set_it.session_id
        self.ok("/get", visitor, "Authenticated as 123")
        self.ok("/clear", visitor, "Cleared")
        self.ok("/get", visitor, "Not authenticated")

    def test_a_cookie_is_set_once_and_the_selectors_of_others_open_nothing(self):
        visitor, other = self.visitor(), self.visitor()
        for path in ["/set", "/get", "/add", "/n", "/take", "/flash?v=m"]:
            self.assertEqual([], self.ok(path, visitor).all("Set-Cookie"), path)
        self.ok("/get", visitor[:16] + other[16:], "Not authenticated")

    def test_a_route_without_a_session_has_no_part_in_it(self):
        response = self.ok("/plain", self.visitor(), "Hello, world")
        for name in ["Set-Cookie", "Vary", "Cache-Control"]:
            self.assertEqual([], response.all(name))

    def test_who_reads_gets_no_cookie_and_no_cache_keeps_it(self):
        for visitor in [None, self.visitor()]:
            for path in ["/get", "/n", "/take", "/optional"]:
                response = self.ok(path, visitor)
                self.assertEqual([], response.all("Set-Cookie"), path)
                self.assertEqual(["no-store"], response.all("Cache-Control"), path)
                self.assertEqual(["cookie"], self.values(response, "Vary"), path)

    def test_a_handlers_fields_are_merged_with_ours(self):
        response = self.ok("/vary", body="Succeed")
        self.assertEqual(["accept", "cookie"], self.values(response, "Vary"))
        self.assertEqual(["no-store"], response.all("Cache-Control"))
        own, _ = sorted(response.all("Set-Cookie"), key=len)
        self.assertEqual("own=1", own.partition(";")[0])
        visitor = response.session_id
        again = self.ok("/vary", visitor)
        self.assertEqual(1, len(again.all("Set-Cookie")), again)
        self.assertEqual(["accept", "cookie"], self.values(again, "Vary"))
        self.ok("/get", visitor, "Authenticated as 123")

    def test_logins_and_logouts(self):
        before = self.visitor()
        after = self.ok("/login?v=ann", before).session_id
        self.assertRegex(after, ID)
        self.assertNotEqual(before, after)
        self.ok("/owner", after, "ann")
        self.ok("/get", after, "Authenticated as 123")
        self.ok("/get", before, "Not authenticated")
        self.ok("/owner", before, "")
        self.assertEqual("", self.ok("/logout", after).session_id)
        self.ok("/get", after, "Not authenticated")
        self.ok("/owner", after, "")


class Failures:
    def test_what_throws_is_a_500_and_saves_nothing(self):
        visitor = self.visitor()
        for session_id in [None, visitor]:
            response = self.client.get("/fail", session_id)
            self.assertEqual((500, []), (response.status, response.all("Set-Cookie")))
            self.client = self.connect()  # it may have been closed
        self.ok("/n", visitor, "0")

    def test_from_500_on_nothing_is_saved(self):
        visitor = self.visitor()
        for status in [500, 502]:
            for session_id in [None, visitor]:
                response = self.client.get(f"/status?v={status}", session_id)
                self.assertEqual((status, []), (response.status, response.all("Set-Cookie")))
                self.assertEqual("the handler's own", response.body)
            self.ok("/n", visitor, "0")

    def test_below_500_it_is(self):
        for status in [201, 302, 404, 422]:
            response = self.client.get(f"/status?v={status}")
            self.assertEqual(status, response.status)
            self.ok("/n", response.session_id, "7")

    def test_a_login_too_many_is_refused(self):
        self.start("--logins", "1")
        first = self.ok("/login?v=ann")
        second = self.client.get("/login?v=ann")
        self.assertEqual((403, []), (second.status, second.all("Set-Cookie")))
        self.assertEqual("Forbidden\n", second.body)
        self.ok("/owner", first.session_id, "ann")


class FlashMessages:
    def test_one_is_taken_once_by_reference_or_copy(self):
        for path in ["/take", "/take_copy", "/optional_take"]:
            visitor = self.visitor("/flash?v=hello")
            self.ok(path, visitor, "hello")
            self.ok(path, visitor, "none")

    def test_one_of_parallel_takers_gets_it(self):
        visitor = self.visitor()
        takers = [self.connect() for _ in range(8)]
        for i in range(20):
            self.ok(f"/flash?v=m{i}", visitor)
            bodies = [r.body for r in at_once(takers, [("/take", visitor)] * len(takers))]
            self.assertEqual([f"m{i}"] + 7 * ["none"], sorted(bodies))

    def test_it_goes_back_where_the_request_fails(self):
        visitor = self.visitor("/flash?v=hello")
        for _ in range(2):
            response = self.client.get("/take_fail", visitor)
            self.assertEqual((500, "hello"), (response.status, response.body))
            self.assertEqual(500, self.client.get("/take_throw", visitor).status)
            self.client = self.connect()  # it may have been closed
        self.ok("/take", visitor, "hello")

    def test_head_and_prefetches_leave_it(self):
        visitor = self.visitor("/flash?v=hello")
        self.assertEqual(200, self.client.ask("/take", cookie(visitor), method="HEAD").status)
        for field in [("Sec-Purpose", "prefetch"), ("purpose", "prefetch"), ("X-Moz", "prefetch"),
                      ("Sec-Fetch-Dest", "image")]:
            self.assertEqual("none", self.client.ask("/take", cookie(visitor), field).body, field)
        self.assertEqual("hello", self.client.ask("/take", cookie(visitor),
                                                  ("Sec-Fetch-Dest", "document")).body)


class Requests:
    def test_head_has_the_fields_of_get_and_saves_as_get_does(self):
        response = self.client.ask("/set", method="HEAD")
        self.assertEqual(200, response.status)
        self.assertRegex(response.session_id, ID)
        self.ok("/get", response.session_id, "Authenticated as 123")

    @differs("two_cookies")
    def test_of_two_cookies_the_one_that_lives_counts(self):
        visitor, dead = self.visitor(), self.visitor()
        self.ok("/logout", dead)
        for first, second in [(visitor, dead), (dead, visitor)]:
            one_line = ("Cookie", f"other=1; {COOKIE}={first}; {COOKIE}={second}")
            for fields in [[one_line], [cookie(first), cookie(second)],
                           [cookie(first), ("cOOKIE", f"{COOKIE}={second}")]]:
                self.assertEqual("Authenticated as 123", self.client.ask("/get", *fields).body, fields)

    @differs("two_cookies")
    def test_two_that_live_open_nothing(self):
        one, other = self.visitor(), self.visitor()
        response = self.client.ask("/get", cookie(one), cookie(other))
        self.assertEqual("Not authenticated", response.body)

    def test_cookies_of_others_beside_ours(self):
        visitor = self.visitor()
        line = f"a=b; {COOKIE}x=1; {COOKIE}={visitor}; c=\"d\"; =; ;"
        self.assertEqual("Authenticated as 123", self.client.ask("/get", ("Cookie", line)).body)

    def test_an_id_by_a_header(self):
        self.start("--id-header", "X-Session")
        response = self.client.ask("/set")
        visitor = response.get("X-Session")
        self.assertRegex(visitor, ID)
        self.server.issued.add(visitor)
        self.assertIn("x-session", self.values(response, "Vary"))
        self.assertEqual("Authenticated as 123", self.client.ask("/get", ("x-sESSION", visitor)).body)

    @differs("two_fields")
    def test_two_ids_by_headers_open_nothing(self):
        self.start("--id-header", "X-Session")
        visitor, other = (self.client.ask("/set").get("X-Session") for _ in range(2))
        twice = self.client.ask("/get", ("X-Session", visitor), ("X-Session", other))
        self.assertEqual("Not authenticated", twice.body)

    def test_a_visitor_of_this_host_puts_no_cookie_at_risk(self):
        self.visitor()
        self.server.end()  # and has told all
        self.assertNotIn("cookie_at_risk", self.server.stderr)

    def test_no_field_of_a_request_says_that_it_is_safe(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect(("192.0.2.1", 9))  # sends nothing
            except OSError:
                self.skipTest("this machine has no address but its own loopback")
            address = probe.getsockname()[0]
        self.start("--listen", "0.0.0.0")
        client = self.connect(address)
        client.ask("/set", ("X-Forwarded-Proto", "https"), ("X-Forwarded-For", "127.0.0.1"),
                   ("Forwarded", "for=127.0.0.1;proto=https"), ("REMOTE_ADDR", "127.0.0.1"))
        self.server.wait_for("flame-session: cookie_at_risk")


class Races:
    def test_parallel_changes_all_count(self):
        visitor = self.visitor()
        clients = [self.connect() for _ in range(PARALLEL)]
        for _ in range(2):
            for response in at_once(clients, [("/add", visitor)] * PARALLEL):
                self.answer(response, "Added")
                self.assertEqual([], response.all("Set-Cookie"))
        self.ok("/n", visitor, str(2 * PARALLEL))
        self.ok("/get", visitor, "Authenticated as 123")

    def test_what_a_logout_ended_stays_ended(self):
        clients = [self.connect() for _ in range(9)]
        for _ in range(20):
            visitor = self.visitor()
            requests = [("/add", visitor)] * 8
            requests.insert(4, ("/logout", visitor))
            answers = at_once(clients, requests)
            self.assertEqual("", answers.pop(4).session_id)
            fresh = [each.session_id for each in answers if each.session_id]
            self.ok("/get", visitor, "Not authenticated")
            self.ok("/n", visitor, "0")
            for each in fresh:  # of who came when it had ended
                self.assertNotEqual(visitor[:16], each[:16])
                self.ok("/get", each, "Not authenticated")

    def test_two_logins_at_once(self):
        clients = [self.connect() for _ in range(2)]
        for _ in range(20):
            visitor = self.visitor()
            answers = at_once(clients, [("/login?v=ann", visitor), ("/login?v=ben", visitor)])
            for owner, each in zip(["ann", "ben"], answers):
                self.ok("/owner", each.session_id, owner)
            self.ok("/get", visitor, "Not authenticated")


class Controlled:
    """On a store that the test holds up, or that refuses."""

    def control(self, name):
        return self.ok(f"/store/{name}", client=self.controls).body

    def start(self, *options):
        super().start(*options)
        self.controls = self.connect()

    def until(self, what, condition):
        until = time.monotonic() + PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), until, what)

    def until_held(self):
        self.until("nothing comes to the store", lambda: int(self.control("waiting")) > 0)

    def unavailable(self, response):
        self.assertEqual((503, "Service Unavailable\n"), (response.status, response.body), response)
        self.assertEqual(["1"], response.all("Retry-After"))
        self.assertEqual(["no-store"], response.all("Cache-Control"))
        self.assertEqual([], response.all("Set-Cookie") + response.all("Vary"))

    def test_the_commit_is_before_the_first_byte(self):
        self.control("hold_writes")
        self.client.send("/set")
        self.until_held()
        self.ok("/plain", client=self.connect())
        self.assertTrue(self.client.is_silent(), "answered before it was saved")
        self.control("free")
        response = self.client.receive()
        self.ok("/get", response.session_id, "Authenticated as 123")

    def test_a_slow_store_stalls_nobody_else(self):
        visitor = self.visitor()
        self.control("hold_reads")
        slow = [self.connect() for _ in range(PARALLEL)]
        for client in slow:
            client.send("/get", visitor)
        self.until_held()
        for _ in range(10):
            self.ok("/plain", visitor, client=self.connect())
        self.ok("/get", body="Not authenticated", client=self.connect())  # nothing to load
        self.assertTrue(all(client.is_silent() for client in slow))
        self.control("free")
        for client in slow:
            self.answer(client.receive(), "Authenticated as 123")

    def test_a_route_without_a_session_asks_the_store_for_nothing(self):
        visitor = self.visitor()
        self.ok("/get", visitor)
        before = self.control("count")
        for _ in range(20):
            self.ok("/plain", visitor)
        self.ok("/get")
        self.assertEqual(before, self.control("count"))

    def test_a_store_that_does_not_answer_in_time_is_a_503(self):
        self.start("--deadline", "100")
        visitor = self.visitor()
        self.control("hold_reads")
        self.unavailable(self.client.get("/get", visitor))
        self.control("hold_writes")
        self.unavailable(self.client.get("/set"))
        self.control("free")

    def test_a_load_that_fails_is_a_503_unless_the_handler_does_without(self):
        visitor = self.visitor("/flash?v=hello")
        self.control("refuse_reads")
        for path in ["/get", "/set", "/add", "/take", "/take_copy", "/fail"]:
            self.unavailable(self.client.get(path, visitor))
        for path in ["/optional", "/optional_take"]:
            response = self.ok(path, visitor, "away")
            self.assertEqual(["no-store"], response.all("Cache-Control"))
            self.assertEqual([], response.all("Set-Cookie"))
        self.control("free")
        self.ok("/optional", visitor, "somebody")
        self.ok("/take", visitor, "hello")

    def test_a_commit_that_fails_is_a_503_with_nothing_of_the_handlers_answer(self):
        visitor = self.visitor("/add")
        self.control("refuse_writes")
        for path in ["/set", "/vary", "/status?v=404", "/login?v=ann"]:
            for session_id in [None, visitor]:
                self.unavailable(self.client.get(path, session_id))
        own_failure = self.client.get("/status?v=500", visitor)
        self.assertEqual((500, "the handler's own"), (own_failure.status, own_failure.body))
        self.ok("/n", visitor, "1")  # reads go on
        self.control("free")
        self.ok("/n", visitor, "1")

    def test_a_client_gone_before_the_load(self):
        visitor = self.visitor()
        self.control("hold_reads")
        for path in ["/get", "/add", "/take", "/fail"] * 4:
            gone = self.connect()
            gone.send(path, visitor)
            gone.close()
        self.until_held()
        self.control("free")
        self.ok("/get", visitor, "Authenticated as 123")

    def test_a_client_gone_before_the_commit_has_changed_what_it_asked_for(self):
        visitor = self.visitor()
        self.control("hold_writes")
        for _ in range(8):
            gone = self.connect()
            gone.send("/add", visitor)
        self.until_held()
        for each in self.server.connections:
            if each not in (self.client, self.controls):
                each.close()
        self.control("free")
        self.until("what was asked for is not saved",
                   lambda: self.ok("/n", visitor).body == "8")

    def test_it_ends_while_requests_wait(self):
        self.start("--deadline", "500")
        visitor = self.visitor()
        self.control("hold_reads")
        for _ in range(4):
            self.connect().send("/get", visitor)
        self.until_held()


ROOMS = [Reference, Failures, FlashMessages, Requests, Races]


def load_tests(loader, _, __):
    """Each with sessions that are there at once, and with those that a thread of the store's brings."""
    cases = [(f"{room.__name__}InMemory", room, []) for room in ROOMS]
    cases += [(f"{room.__name__}OnABlockingStore", room, ["--blocking"]) for room in ROOMS]
    cases += [("OnAControlledStore", Controlled, ["--blocking"])]
    return unittest.TestSuite(
        loader.loadTestsFromTestCase(type(name, (room, Base), {"OPTIONS": options}))
        for name, room, options in cases)


if __name__ == "__main__":
    if not (BIN / f"adapter_{NAME}").is_file():
        why = f"adapter_{NAME} is not built here: its framework is missing"
        if NAME in DEBIANS and "CI" in os.environ:
            sys.exit(why)
        print("SKIPPED:", why, flush=True)
        sys.exit(0)
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
