"""A store's server whose disk fills up: what was acknowledged stays, and all goes on once there is space.
As root, for a file system of its own. FLAME_SERVER names the server."""

import os
import re
import secrets
import subprocess
import tempfile
import time
import unittest

import stores
from driver import PATIENCE, Case

NAME = os.environ["FLAME_SERVER"]
ROOM = 24  # MiB, beside the new data
VALUE = "-" + secrets.token_urlsafe(7500)  # 10 000 characters, which no server makes smaller


class Disks(Case):
    def setUp(self):
        if os.geteuid() != 0:
            raise unittest.SkipTest("SKIPPED: only root can mount")
        self.put_on_a_disk_of_its_own(self.enterContext(stores.own_server(NAME)) / "home/db")
        self.server = self.serve("--store", stores.new_store(NAME))
        self.client = self.server.connect()

    def put_on_a_disk_of_its_own(self, data):
        stores.ask("stop", NAME)
        self.disk = data.resolve()
        with tempfile.TemporaryDirectory(prefix="flame-disk-") as aside:
            subprocess.run(["cp", "-a", f"{self.disk}/.", aside], check=True)
            used = int(subprocess.run(["du", "-sm", aside], check=True, text=True, capture_output=True).stdout.split()[0])
            mount = ["mount", "-t", "tmpfs", "-o", f"size={used + ROOM}m", "tmpfs", self.disk]
            if subprocess.run(mount, check=False).returncode != 0:
                raise unittest.SkipTest("SKIPPED: nothing can be mounted here")
            self.addCleanup(subprocess.run, ["umount", "-l", self.disk], check=True)
            self.addCleanup(stores.ask, "stop", NAME)
            subprocess.run(["cp", "-a", f"{aside}/.", self.disk], check=True)
        stores.ask("start", NAME)

    def fill(self):
        with (self.disk / "filler").open("wb", buffering=0) as filler:
            try:
                while filler.write(bytes(65536)) == 65536:
                    pass
            except OSError:
                pass

    def test_full_and_free_again(self):
        visitors = [self.begin(self.client) for _ in range(8)]
        tried, refused = 1, 0
        for each in visitors:
            self.assertEqual(200, self.client.get(f"/put?key=n&value={tried}{VALUE}", each).status)
        acknowledged = [tried] * len(visitors)
        self.fill()
        until = time.monotonic() + PATIENCE
        while refused < 20:
            self.assertLess(time.monotonic(), until, "it does not fill up")
            tried += 1
            for i, each in enumerate(visitors):
                response = self.client.get(f"/put?key=n&value={tried}{VALUE}", each)
                if response.status == 200:
                    acknowledged[i] = tried
                else:
                    self.assertEqual(503, response.status, response)
                    self.assertEqual([], response.all("Set-Cookie"))
                    refused += 1
            self.answer(self.client.get("/plain"), "Hello, world")
        if os.environ.get("FLAME_SHOW"):
            print(self.server.stderr, flush=True)
        self.server.wait_for("store_(full|down|refused)")
        (self.disk / "filler").unlink()
        stores.ask("start", NAME)  # one that ended over it; the others go on
        until = time.monotonic() + PATIENCE
        while self.client.get("/put?key=after&value=1", visitors[0]).status != 200:
            self.assertLess(time.monotonic(), until, "it does not come back")
            time.sleep(0.05)
        for i, each in enumerate(visitors):
            everything = self.client.get("/all", each).body
            self.assertIn('"user_id":123', everything)
            kept = int(re.search('"n":"([0-9]+)', everything)[1])
            self.assertTrue(acknowledged[i] <= kept <= tried, (acknowledged[i], kept, tried))
        if os.environ.get("FLAME_SHOW"):
            print(self.server.stderr[-1500:], acknowledged, tried, flush=True)


if __name__ == "__main__":
    unittest.main()
