"""What `check` says of a server that there is no connection to: why, and what to look at, of each kind of store."""

import os
import socket
import subprocess
import unittest

import driver

KINDS = {"postgres": ("PostgreSQL", "d"), "mysql": ("MySQL", "d"), "redis": ("Redis", "0"), "mongodb": ("MongoDB", "d")}
KINDS = {kind: said for kind, said in KINDS.items() if kind.replace("mongodb", "mongo") in os.environ["FLAME_STORES"]}
PASSWORD = "canary-of-a-password"


class Unreachable(unittest.TestCase):
    def check(self, place, **expected):
        """All at once, for some wait for their deadline."""
        running = {kind: subprocess.Popen(
            [driver.BIN / "flame-session", "check", f"{kind}://u:{PASSWORD}@{place}/{database}"], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for kind, (_, database) in KINDS.items()}
        for kind, process in running.items():
            with self.subTest(kind):
                said = process.communicate(timeout=2 * driver.PATIENCE)[0]
                self.assertEqual(1, process.returncode, said)
                self.assertNotIn(PASSWORD, said)
                self.assertRegex(said, expected.get(kind, expected["each"]).format(KINDS[kind][0]))

    def test_nobody_listens(self):
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            self.check(f"127.0.0.1:{bound.getsockname()[1]}",
                       each=r"^WRONG +reachable .*127.0.0.1.*cannot be reached: Connection refused: is it running, ",
                       mysql=r"^WRONG +reachable .*127.0.0.1.*cannot be reached: is it running, ")  # its driver keeps why

    def test_nobody_takes_the_connection(self):
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            clients = [socket.socket() for _ in range(4)]
            for each in clients:
                self.addCleanup(each.close)
                each.setblocking(False)
                each.connect_ex(full.getsockname())
            self.check(f"127.0.0.1:{full.getsockname()[1]}",
                       each="cannot be reached: Connection timed out: is that machine up, .*firewall")

    def test_who_takes_it_is_silent(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            self.check(f"127.0.0.1:{silent.getsockname()[1]}", each=r"took the connection and did not answer(?: in time)? "
                       "as a {} server does: check host and port")

    def test_nobody_knows_the_name(self):
        self.check("no.such.host.invalid", each=r"no\.such\.host\.invalid.* (is not known: .*: check its spelling|was not found)")


if __name__ == "__main__":
    unittest.main()
