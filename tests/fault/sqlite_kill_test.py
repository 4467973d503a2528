"""kill -9 in the middle of saves and checkpoints: each record is old or new, and the database is whole."""

import contextlib
import sqlite3
import unittest

import file_kill_test


def integrity(path):
    with contextlib.closing(sqlite3.connect(path)) as database:
        return database.execute("PRAGMA integrity_check").fetchall()


class Kill(file_kill_test.Kill):
    url = "sqlite:{}?init_table=true&durability={}"
    blob_size = 30_000  # so that checkpoints come each few rounds

    def expect_nothing_left(self, durability):
        self.start(durability).end()
        self.assertEqual([("ok",)], integrity(self.root))


if __name__ == "__main__":
    unittest.main()
