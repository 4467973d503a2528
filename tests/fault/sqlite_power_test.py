"""As file_power_test.py, of the SQLite store: at every level the database is whole after a power cut."""

import unittest

import file_power_test
from file_power_test import setUpModule  # noqa: F401
from sqlite_kill_test import integrity
from store import Case


class Power(file_power_test.Power):
    url = "sqlite:{}.db?init_table=true&durability={}"
    # A flush that is under way while ext4's journal is ended may succeed, and last no longer; a
    # machine without power would not have told of it.
    keeps_the_last = False
    blob_size = 150_000  # so that checkpoints come while saves go on

    def check_place(self):
        self.assertEqual([("ok",)], integrity(f"{self.root}.db"))


class Ext4(Power, Case):
    file_system = "ext4"
    size = 64 << 20


class Xfs(Power, Case):
    file_system = "xfs"
    size = 300 << 20


if __name__ == "__main__":
    unittest.main()
