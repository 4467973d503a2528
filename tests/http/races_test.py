"""Parallel requests of one session: nothing is lost, nothing comes back, nothing comes twice."""

import json
import os
import resource
import secrets
import tempfile
import time
import unittest

import stores
from driver import ID, PATIENCE, Case, at_once

SLOW_MS = 300
WRITERS = 1000
LOGINS = 64
LIMIT = 3  # sessions of an owner


class Races:
    def setUp(self):
        self.restart()

    def start(self, *arguments):
        return [self.serve("--threads", self.THREADS, *arguments)]

    def connections(self, count, first=0):
        """To the servers in turn."""
        return [self.servers[(first + i) % len(self.servers)].connect() for i in range(count)]

    def values(self, session_id):
        return json.loads(self.client.get("/all", session_id).body)

    def begin_slow(self, connections, visitors):
        """Requests that write once release() was called; returns when all of them have loaded their sessions."""
        clients = [server.connect() for server in self.servers]

        def begun():
            return sum(int(client.get("/slow_begun").body) for client in clients)

        wanted = begun() + len(visitors)
        for connection, visitor in zip(connections, visitors):
            connection.send("/slow?held&key=late&value=1", visitor)
        until = time.monotonic() + PATIENCE
        while begun() < wanted:
            self.assertLess(time.monotonic(), until, "the slow requests do not begin")

    def release(self):
        for server in self.servers:
            self.answer(server.connect().get("/release"), "Succeed")

    def test_parallel_puts_are_all_kept(self):
        visitor = self.begin(self.client)
        requests = [(f"/put?key=k{i}&value={i}", visitor) for i in range(200)]
        for response in at_once(self.connections(200), requests):
            self.answer(response, "Succeed")
        expected = {f"k{i}": str(i) for i in range(200)} | {"user_id": 123}
        self.assertEqual(expected, self.values(visitor))

    def test_a_thousand_writers_of_one_session_lose_nothing(self):
        """Of what was acknowledged: a slow machine may not answer all of them in time."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4 * WRITERS)), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        visitor = self.begin(self.client)
        requests = [(f"/put?key=k{i}&value={i}", visitor) for i in range(WRITERS)]
        answers = at_once(self.connections(WRITERS), requests)
        self.assertLessEqual({each.status for each in answers}, {200, 503})
        acknowledged = {f"k{i}": str(i) for i, each in enumerate(answers) if each.status == 200}
        self.assertGreater(len(acknowledged), WRITERS / 2)
        self.assertLessEqual(acknowledged.items(), self.values(visitor).items())

    def test_parallel_adds_all_count(self):
        visitor = self.begin(self.client)
        for response in at_once(self.connections(200), [("/add", visitor)] * 200):
            self.answer(response, "Added")
        self.assertEqual(200, self.values(visitor)["n"])

    def test_slow_requests_that_overlap_are_all_kept(self):
        visitor = self.begin(self.client)
        requests = [(f"/slow?ms={SLOW_MS}&key=k{i}&value={i}", visitor) for i in range(50)]
        for response in at_once(self.connections(50), requests):
            self.answer(response, "Succeed")
        expected = {f"k{i}": str(i) for i in range(50)} | {"user_id": 123}
        self.assertEqual(expected, self.values(visitor))

    def test_logout_beside_slow(self):
        races = 100
        slow, logout = self.connections(races), self.connections(races, first=1)
        for _ in range(3):
            visitors = [self.begin(self.client) for _ in range(races)]
            self.begin_slow(slow, visitors)
            for response in at_once(logout, [("/logout", visitor) for visitor in visitors]):
                self.answer(response, "Succeed")
                self.assertEqual("", response.session_id)
            self.release()
            for connection, visitor in zip(slow, visitors):
                response = self.answer(connection.receive(), "Succeed")
                self.assertEqual([], response.all("Set-Cookie"))
                self.answer(self.client.get("/all", visitor), "{}")
        self.server.wait_for("flame-session: dropped ")

    def test_one_of_parallel_takes_gets_the_flash(self):
        visitor = self.begin(self.client)
        takers = self.connections(8)
        for i in range(300):
            self.answer(self.client.get(f"/flash?message=m{i}", visitor), "Succeed")
            bodies = [r.body for r in at_once(takers, [("/take", visitor)] * len(takers))]
            self.assertEqual([""] * 7 + [f"m{i}"], sorted(bodies))

    def test_login_beside_slow(self):
        races = 100
        slow, login = self.connections(races), self.connections(races, first=1)
        visitors = [self.begin(self.client) for _ in range(races)]
        self.begin_slow(slow, visitors)
        answers = at_once(login, [("/login?owner=ann", visitor) for visitor in visitors])
        self.release()
        for connection, visitor, answer in zip(slow, visitors, answers):
            self.answer(answer, "Succeed")
            self.assertRegex(answer.session_id, ID)
            self.assertNotEqual(visitor, answer.session_id)
            response = self.answer(connection.receive(), "Succeed")
            self.assertEqual([], response.all("Set-Cookie"))
            self.assertEqual({"user": "ann", "user_id": 123}, self.values(answer.session_id))
            self.assertEqual({}, self.values(visitor))

    def test_two_logins_at_once_are_both_signed_in(self):
        connections = self.connections(2)
        for _ in range(100):
            visitor = self.begin(self.client)
            requests = [("/login?owner=ann", visitor), ("/login?owner=ben", visitor)]
            for owner, answer in zip(["ann", "ben"], at_once(connections, requests)):
                self.answer(answer, "Succeed")
                self.assertRegex(answer.session_id, ID)
                self.assertEqual(owner, self.values(answer.session_id)["user"])
            self.assertEqual({}, self.values(visitor))


    def live(self, sessions):
        return [each for each in sessions if each and self.values(each)]

    @staticmethod
    def owner():
        """Nobody's before: a server keeps those of other tests."""
        return secrets.token_hex(8)

    def logins(self, owner, count):
        """Of so many visitors at once: their answers."""
        visitors = [self.begin(self.client) for _ in range(count)]
        requests = [(f"/login?owner={owner}", visitor) for visitor in visitors]
        return at_once(self.connections(count), requests)

    def test_all_who_were_signed_in_are_ended_beside_logins(self):
        for _ in range(10):
            owner = self.owner()
            before = [each.session_id for each in self.logins(owner, 16)]
            self.assertEqual(before, self.live(before))
            visitors = [self.begin(self.client) for _ in range(16)]
            requests = [(f"/login?owner={owner}", visitor) for visitor in visitors]
            requests.insert(8, (f"/end_all?owner={owner}", ""))
            answers = at_once(self.connections(len(requests)), requests)
            ended = int(answers.pop(8).body)
            self.assertEqual([], self.live(before))
            left = self.live([each.session_id for each in answers])
            self.assertEqual(16 + 16 - len(left), ended)
            self.answer(self.client.get(f"/list?owner={owner}"), str(len(left)))

    def test_of_many_who_end_all_others_at_once_one_is_left_or_none(self):
        for _ in range(10):
            sessions = [each.session_id for each in self.logins(self.owner(), 8)]
            answers = at_once(self.connections(8), [("/end_others", each) for each in sessions])
            self.assertLessEqual(len(self.live(sessions)), 1)
            self.assertGreaterEqual(sum(int(each.body) for each in answers if each.status == 200), 7)

    def restart(self, *arguments):
        self.servers = self.start(*arguments)
        self.server = self.servers[0]
        self.client = self.server.connect()

    def test_above_a_limit_the_oldest_are_ended(self):
        self.restart("--most", str(LIMIT))
        owner = self.owner()
        answers = self.logins(owner, LOGINS)
        for each in answers:
            self.answer(each, "Succeed")
        self.assertEqual(LIMIT, len(self.live([each.session_id for each in answers])))
        self.answer(self.client.get(f"/list?owner={owner}"), str(LIMIT))

    def test_at_a_limit_further_logins_are_refused(self):
        self.restart("--refuse", str(LIMIT))
        owner = self.owner()
        answers = self.logins(owner, LOGINS)
        self.assertLessEqual({each.status for each in answers}, {200, 403})
        signed_in = [each.session_id for each in answers if each.status == 200]
        self.assertEqual(LIMIT, len(self.live(signed_in)))
        self.answer(self.client.get(f"/list?owner={owner}"), str(LIMIT))
        self.assertEqual(403, self.client.get(f"/login?owner={owner}", self.begin(self.client)).status)


class OneThread(Races):
    THREADS = "1"


class TwoThreads(Races):
    THREADS = "2"


class TwoProcessesOnFiles(Races):
    def start(self, *arguments):
        folder = tempfile.TemporaryDirectory(prefix="flame-session-races-")
        self.addCleanup(folder.cleanup)
        return [self.serve("--store", f"file:{folder.name}/sessions", *arguments) for _ in range(2)]


class TwoProcessesOnAServer(Races):
    def start(self, *arguments):
        store = stores.from_environment()
        if store is None:
            self.skipTest("SKIPPED: that server is not to be had here")
        return [self.serve("--store", store, *arguments) for _ in range(2)]


def load_tests(loader, _, __):
    """Those of the server that is named, or all that need none."""
    named = "FLAME_SERVER" in os.environ
    cases = [TwoProcessesOnAServer] if named else [OneThread, TwoThreads, TwoProcessesOnFiles]
    return unittest.TestSuite(
        loader.loadTestsFromTestCase(type(each.__name__, (each, Case), {})) for each in cases)


if __name__ == "__main__":
    unittest.main()
