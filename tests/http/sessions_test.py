"""What a client sees of its session, and what it can do with IDs that are not its own."""

import json
import pathlib
import random
import re
import socket
import unittest

from driver import COOKIE, ID, Case

ROOT = pathlib.Path(__file__).parents[2]

# All that read a session, or end it, or fail: nothing to keep for who has none.
STORING_NOTHING = ["/plain", "/get", "/clear", "/all", "/take", "/logout", "/fail", "/nowhere"]
READING = ["/get", "/clear", "/all", "/take", "/logout"]


class Metrics(Case):
    def test_the_dashboard_shows_what_the_server_tells(self):
        client = self.serve().connect()
        visitor = self.begin(client)
        response = client.get("/metrics", visitor)
        self.assertEqual((200, []), (response.status, response.all("Set-Cookie")))
        self.assertEqual("text/plain; version=0.0.4; charset=utf-8", response.get("Content-Type"))
        told = set(re.findall(r"^(flame_session_\w+)", response.body, re.M))
        dashboard = (ROOT / "docs/grafana.json").read_text(encoding="utf-8")
        panels = json.loads(dashboard)["panels"]
        shown = {name for panel in panels for target in panel["targets"]
                 for name in re.findall(r"flame_session_\w+", target["expr"])}
        self.assertEqual(told, shown)
        events = set(re.findall(r'event="(\w+)"', response.body))
        named = {name for match in re.findall(r'event=~?\\"([\w|]+)\\"', dashboard)
                 for name in match.split("|")}
        self.assertEqual(events - {"store_up"}, named)


class Cookies(Case):
    def test_the_first_set_answers_one_cookie_and_no_later_request_repeats_it(self):
        client = self.serve().connect()
        first = self.answer(client.get("/set"), "Succeed")
        self.assertEqual(1, len(first.all("Set-Cookie")))
        self.assertRegex(first.get("Set-Cookie"),
                         rf"\A{COOKIE}={ID.pattern}; Path=/; Secure; HttpOnly; SameSite=Lax\Z")
        visitor = first.session_id
        for path in ["/set", "/get", "/incr", "/add", "/put?key=k&value=v", "/all", "/clear",
                     "/slow?ms=0&key=k&value=v", "/flash?message=m", "/take", "/plain"]:
            response = client.get(path, visitor)
            self.assertEqual((200, []), (response.status, response.all("Set-Cookie")), path)

    def test_only_a_new_id_sets_the_cookie_again(self):
        client = self.serve().connect()
        visitor = self.begin(client)
        login = self.answer(client.get("/login?owner=ann", visitor), "Succeed")
        self.assertNotIn(login.session_id, ["", None, visitor])
        again = self.answer(client.get("/login?owner=ann", login.session_id), "Succeed")
        self.assertEqual([], again.all("Set-Cookie"))

    def test_logout_removes_the_cookie_with_the_same_attributes(self):
        client = self.serve().connect()
        response = self.answer(client.get("/logout", self.begin(client)), "Succeed")
        self.assertEqual("", response.session_id)
        attributes = set(response.get("Set-Cookie").split("; ")[1:])
        self.assertLessEqual({"Path=/", "Secure", "HttpOnly", "SameSite=Lax", "Max-Age=0"},
                             attributes)

    def test_no_cache_keeps_what_a_session_had_part_in(self):
        client = self.serve().connect()
        visitor = self.begin(client)
        for cookie in [None, visitor]:
            for path in [*READING, "/set"]:
                response = client.get(path, cookie)
                self.assertEqual(["no-store"], response.all("Cache-Control"), path)
                self.assertEqual(["Cookie"], response.all("Vary"), path)
        response = client.get("/plain", visitor)
        self.assertEqual([], response.all("Cache-Control") + response.all("Vary"))

    def test_two_different_ids_open_nothing(self):
        client = self.serve().connect()
        one, other = self.begin(client), self.begin(client)
        for first, second in [(one, other), (other, one)]:
            response = client.get("/get", f"{first}; {COOKIE}={second}")
            self.answer(response, "Not authenticated")
            self.assertEqual([], response.all("Set-Cookie"))
        self.answer(client.get("/get", f"{one}; {COOKIE}={one}"), "Authenticated as 123")


class Values(Case):
    def test_all_answers_every_value_as_json(self):
        client = self.serve().connect()
        self.answer(client.get("/all"), "{}")
        visitor = self.begin(client)
        self.answer(client.get("/put?key=a%22b&value=%5C+%0A", visitor), "Succeed")
        self.answer(client.get("/incr", visitor), "1")
        self.answer(client.get("/incr", visitor), "2")
        response = self.answer(client.get("/all", visitor),
                               '{"a\\"b":"\\\\ \\u000a","n":2,"user_id":123}')
        self.assertEqual("application/json", response.get("Content-Type"))

    def test_fail_saves_nothing(self):
        server = self.serve()
        client = server.connect()
        anonymous = client.get("/fail")
        self.assertEqual((500, []), (anonymous.status, anonymous.all("Set-Cookie")))
        visitor = self.begin(client)
        failed = client.get("/fail", visitor)
        self.assertEqual((500, []), (failed.status, failed.all("Set-Cookie")))
        self.assertNotIn("purpose", failed.body)
        self.answer(client.get("/all", visitor), '{"user_id":123}')
        server.wait_for("fails on purpose")

    def test_a_flash_is_taken_once(self):
        client = self.serve().connect()
        visitor = self.begin(client, "/flash?message=hello")
        self.answer(client.get("/all", visitor), "{}")
        self.answer(client.get("/take"), "")
        self.answer(client.get("/take", visitor), "hello")
        self.answer(client.get("/take", visitor), "")


class Ids(Case):
    def made_up(self, seed):
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        draw = random.Random(seed)
        # The secret's last character carries four bits: its two spare ones are zero.
        return "".join(draw.choices(alphabet, k=42)) + draw.choice(alphabet[::4])

    def expect_unknown(self, client, session_id):
        """It opens nothing, and what is then stored is stored under another ID."""
        for path, body in [("/get", "Not authenticated"), ("/all", "{}"), ("/take", "")]:
            response = self.answer(client.get(path, session_id), body)
            self.assertEqual([], response.all("Set-Cookie"))
        fresh = self.answer(client.get("/put?key=k&value=v", session_id), "Succeed").session_id
        self.assertRegex(fresh, ID)
        self.assertNotEqual(session_id[:16], fresh[:16])
        self.answer(client.get("/all", fresh), '{"k":"v"}')
        self.answer(client.get("/all", session_id), "{}")

    def test_a_made_up_id_is_never_adopted(self):
        client = self.serve().connect()
        for seed in range(20):
            with self.subTest(seed=seed):
                self.expect_unknown(client, self.made_up(seed))

    def test_a_destroyed_id_is_never_adopted(self):
        client = self.serve().connect()
        visitor = self.begin(client)
        client.get("/logout", visitor)
        self.expect_unknown(client, visitor)

    def test_the_selector_or_another_secret_opens_nothing(self):
        client = self.serve().connect()
        visitor, other = self.begin(client), self.begin(client)
        selector, secret = visitor[:16], visitor[16:]
        changed = secret[:-1] + ("A" if secret[-1] != "A" else "E")
        for wrong in [selector, selector + other[16:], selector + changed, selector + "A" * 27,
                      secret, "", visitor + "A", visitor[:-1]]:
            self.answer(client.get("/get", wrong), "Not authenticated")
            fresh = self.answer(client.get("/incr", wrong), "1").session_id
            self.assertNotIn(fresh[:16], [selector, other[:16]])
        for owner in [visitor, other]:
            self.answer(client.get("/all", owner), '{"user_id":123}')

    def test_an_id_from_before_the_login_opens_nothing(self):
        client = self.serve().connect()
        before = self.begin(client)
        after = client.get("/login?owner=ann", before).session_id
        response = self.answer(client.get("/all", before), "{}")
        self.assertEqual([], response.all("Set-Cookie"))
        self.answer(client.get("/all", after), '{"user":"ann","user_id":123}')

    def test_who_has_no_session_leaves_nothing(self):
        # The one place is an owner's, who never goes for one without: a record that an anonymous
        # request left would be refused.
        client = self.serve("--store", "memory:?max_sessions=1").connect()
        owner = self.begin(client, "/login?owner=ann")
        statuses = {path: 200 for path in STORING_NOTHING} | {"/fail": 500, "/nowhere": 404}
        for seed in range(10_000 // len(STORING_NOTHING)):
            cookie = self.made_up(seed) if seed % 2 else None
            for path in STORING_NOTHING:
                client.send(path, cookie)
            for path in STORING_NOTHING:
                response = client.receive()
                self.assertEqual((statuses[path], []),
                                 (response.status, response.all("Set-Cookie")), path)
        self.answer(client.get("/all", owner), '{"user":"ann"}')
        refused = client.get("/set")
        self.assertEqual((503, []), (refused.status, refused.all("Set-Cookie")))
        self.assertIsNotNone(refused.get("Retry-After"))


class PlainHttp(Case):
    WARNING = "flame-session: cookie_at_risk"

    def test_a_session_over_plain_http_from_another_host_is_warned_of_once(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect(("192.0.2.1", 9))  # sends nothing
            except OSError:
                self.skipTest("this machine has no address but its own loopback")
            address = probe.getsockname()[0]
        server = self.serve(listen="0.0.0.0:0")
        self.begin(server.connect())
        self.assertNotIn(self.WARNING, server.stderr)
        elsewhere = server.connect(host=address)
        self.begin(elsewhere)
        self.begin(elsewhere)
        server.end()
        self.assertEqual(1, server.stderr.count(self.WARNING), server.stderr)


if __name__ == "__main__":
    unittest.main()
