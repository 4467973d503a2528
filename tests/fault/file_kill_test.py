"""kill -9 in the middle of saves: each record is wholly the old one or the new one."""

import os
import random
import unittest

from store import LEVELS, Case

ROUNDS = int(os.environ.get("FLAME_FAULT_ROUNDS", "200"))
KEYS = 5


class Kill(Case):
    def hammer_and_kill(self, durability, acknowledged):
        store = self.start(durability)
        store.send(f"hammer {KEYS}")
        for _ in range(random.randrange(3 * KEYS)):
            number, count = store.line().split()
            acknowledged[int(number)] = int(count)
        store.process.kill()
        while line := store.line():
            number, count = line.split()
            acknowledged[int(number)] = int(count)

    def check(self, durability, acknowledged):
        store = self.start(durability)
        there = 0
        for number, last in enumerate(acknowledged):
            found = store.ask(f"load {number}")
            count = 0 if found == "missing" else int(found)
            there += count > 0
            # The save that was under way may have been made, too.
            self.assertIn(count, (last, last + 1))
            acknowledged[number] = count
        self.assertEqual(str(there), store.ask("list ann"))
        store.end()

    def test_records_are_old_or_new(self):
        for durability in LEVELS:
            with self.subTest(durability=durability):
                self.root = self.folder / durability
                acknowledged = [0] * KEYS
                # Flushes take their time, and are killed at the same places.
                for _ in range(ROUNDS // 10 if durability == "power_cut" else ROUNDS):
                    self.hammer_and_kill(durability, acknowledged)
                    self.check(durability, acknowledged)
                self.expect_nothing_left(durability)

    def expect_nothing_left(self, durability):
        for file in self.temporary_files():
            os.utime(file, (1, 1))
        self.expect(self.start(durability), sweep="0")
        self.assertEqual([], self.temporary_files())


if __name__ == "__main__":
    unittest.main()
