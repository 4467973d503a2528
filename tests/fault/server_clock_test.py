"""A store's server whose clock is an hour off, or steps by one: no login or logout that ended comes back, and
what lives goes on. FLAME_SERVER names the server; it is one of the test's own, under wrong_clock.cpp."""

import os
import pathlib
import shutil
import struct
import tempfile
import time
import unittest
from unittest import mock

import stores
from driver import Case

NAME = os.environ["FLAME_SERVER"]
EXPIRES_BY_ITSELF = NAME in ("redis", "valkey")  # see src/stores/redis/README.md
HOUR = 3600
TIMES = {"postgres": "SELECT extract(epoch FROM now())", "redis": "TIME", "valkey": "TIME"}
TIME = TIMES.get(NAME, "SELECT UNIX_TIMESTAMP()")


class Clocks(Case):
    def start(self, offset):
        """Our program, on a server whose clock is so many seconds off."""
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="flame-clock-")))
        folder.chmod(0o755)
        self.file = folder / "offset"
        self.file.write_bytes(bytes(8))
        self.file.chmod(0o644)
        self.write(offset)
        library = shutil.copy(os.environ["FLAME_WRONG_CLOCK"], folder)  # where the server's user finds it
        seen = f"LD_PRELOAD={library} FLAME_CLOCK_FILE={self.file}"
        self.enterContext(stores.own_server(NAME))
        stores.ask("stop", NAME)  # its data was made by the right time
        self.enterContext(mock.patch.dict(os.environ, {"FLAME_SERVER_ENVIRONMENT": seen}))
        stores.ask("start", NAME)
        self.check_clock(offset)
        self.store = stores.new_store(NAME)
        self.client = self.serve("--store", self.store).connect()

    def write(self, offset):
        with self.file.open("r+b") as file:
            file.write(struct.pack("q", offset))

    def step(self, offset):
        self.write(offset)
        self.check_clock(offset)

    def check_clock(self, offset):
        """Else all of this would pass with a clock that is right."""
        told = float(stores.ask("ask", NAME, TIME).split()[0])
        self.assertAlmostEqual(offset, told - time.time(), delta=HOUR / 2)

    def log_in(self):
        """A visitor's ID before and after it."""
        before = self.begin(self.client)
        after = self.client.get("/login?owner=amy", before).session_id
        self.assertNotEqual(before, after)
        return before, after

    def log_out(self, session_id):
        self.answer(self.client.get("/logout", session_id), "Succeed")

    def lives(self, session_id):
        return '"user"' in self.answer_of("/all", session_id)

    def answer_of(self, path, session_id):
        response = self.client.get(path, session_id)
        self.assertEqual(200, response.status, response)
        return response.body

    def check_life(self):
        before, after = self.log_in()
        self.assertTrue(self.lives(after))
        self.assertFalse(self.lives(before))
        self.log_out(after)
        for each in (before, after):
            self.assertFalse(self.lives(each))

    def test_an_hour_ahead(self):
        self.start(HOUR)
        self.check_life()

    def test_an_hour_behind(self):
        self.start(-HOUR)
        self.check_life()

    def test_steps(self):
        """There and back, before anybody can know which of the two is right."""
        self.start(0)
        before, here = self.log_in()
        _, gone = self.log_in()
        self.log_out(gone)
        for offset in (HOUR, 0, -HOUR, 0):
            with self.subTest(offset):
                self.step(offset)
                for ended in (before, gone):
                    self.assertFalse(self.lives(ended))
                self.check_life()
                if not EXPIRES_BY_ITSELF:
                    self.assertTrue(self.lives(here))
                    self.answer(self.client.get(f"/put?key=n&value={offset}", here), "Succeed")

    def test_one_that_starts_meanwhile(self):
        """Whose first look at the clock comes after the step, on the same store."""
        self.start(0)
        before, here = self.log_in()
        _, gone = self.log_in()
        self.log_out(gone)
        self.step(-HOUR)
        self.client = self.serve("--store", self.store).connect()
        for each in (before, gone):
            self.assertFalse(self.lives(each))
        self.assertTrue(self.lives(here))
        self.check_life()


if __name__ == "__main__":
    unittest.main()
