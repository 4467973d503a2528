"""Runs flame-session, and keeps what it said: no ID and no value may be in it."""

import os
import pty
import subprocess
import unittest

import driver
import stores

VALUE = "canary-of-a-value"


class Case(driver.Case):
    """On the store that the test is for."""

    def setUp(self):
        self.said = ""
        self.secrets = []
        self.url = stores.from_environment()
        if self.url is None:
            print("SKIPPED: that server is not to be had here", flush=True)
            raise unittest.SkipTest("that server is not to be had here")

    def tearDown(self):
        for secret in self.secrets:
            self.assertNotIn(secret, self.said)
        self.assertNotIn(VALUE, self.said)
        self.assertNotRegex(self.said, driver.SANITIZER_REPORT)

    def keep(self, run):
        self.said += run.stdout + run.stderr
        return run

    def command(self, *arguments, status=0):
        """What it says; without a terminal."""
        run = self.run_command(*arguments, status=status)
        return run.stdout + run.stderr

    def run_command(self, *arguments, status=0):
        run = self.keep(subprocess.run(
            [driver.BIN / "flame-session", *arguments], text=True, capture_output=True, check=False,
            stdin=subprocess.DEVNULL, timeout=10 * driver.PATIENCE))
        self.assertEqual(status, run.returncode, run)
        return run

    def on_a_terminal(self, answer, *arguments, status=0):
        master, slave = pty.openpty()
        os.write(master, (answer + "\n").encode())
        try:
            run = self.keep(subprocess.run(
                [driver.BIN / "flame-session", *arguments], text=True, capture_output=True, check=False,
                stdin=slave, timeout=driver.PATIENCE))
        finally:
            os.close(master)
            os.close(slave)
        self.assertEqual(status, run.returncode, run)
        return run.stdout + run.stderr

    def begin(self, connection, owner=None):
        """A new session with a value; its ID."""
        session_id = driver.Case.begin(self, connection, f"/put?key=k&value={VALUE}")
        if owner:
            session_id = connection.get(f"/login?owner={owner}", session_id).session_id
        self.secrets += [session_id, session_id[16:]]
        return session_id

    def value(self, connection, session_id):
        """None: there is no such session."""
        body = connection.get("/all", session_id).body
        return body if body != "{}" else None

    def assert_live(self, connection, *session_ids):
        for session_id in session_ids:
            self.assertIn(VALUE, self.value(connection, session_id) or "")

    def assert_gone(self, connection, *session_ids):
        for session_id in session_ids:
            self.assertIsNone(self.value(connection, session_id))


def key_of(session_id):
    return session_id[:16]
