"""A store that DNS names (mongodb+srv), with a server of names of our own, in a network of its own. As root."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

import stores
from driver import Case

INSIDE = "FLAME_OWN_NETWORK"
RECORDS = """no-daemon
no-resolv
no-hosts
port=53
listen-address=127.0.0.1
bind-interfaces
user=root
pid-file=
address=/a.shop.example/127.0.0.1
srv-host=_mongodb._tcp.all.shop.example,a.shop.example,{port}
txt-record=all.shop.example,"authSource=admin"
"""


class Names(Case):
    @classmethod
    def setUpClass(cls):
        cls.enterClassContext(stores.own_server("mongo"))
        folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="flame-names-")))
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        (folder / "resolv.conf").write_text("nameserver 127.0.0.1\n", encoding="utf-8")
        subprocess.run(["mount", "--bind", folder / "resolv.conf", os.path.realpath("/etc/resolv.conf")], check=True)
        url = stores.ask("url", "mongo")
        user, place = url.removeprefix("mongodb://").split("@")
        port = place.split("/")[0].split(":")[1]
        (folder / "names.conf").write_text(RECORDS.format(port=port), encoding="utf-8")
        cls.names = subprocess.Popen(["dnsmasq", "-C", folder / "names.conf"], stderr=subprocess.DEVNULL)
        cls.addClassCleanup(cls.names.wait)
        cls.addClassCleanup(cls.names.kill)
        cls.store = f"mongodb+srv://{user}@all.shop.example/flame?tls=false&collection=kept&init_collection=true"

    def test_it_is_found(self):
        client = self.serve("--store", self.store).connect()
        visitor = self.begin(client)
        self.answer(client.get("/get", visitor), "Authenticated as 123")

    def test_names_that_hang_cost_a_deadline(self):
        self.names.send_signal(signal.SIGSTOP)
        try:
            server = self.serve("--store", self.store)
            client = server.connect()
            self.assertEqual(503, client.get("/set").status)
            self.answer(client.get("/plain"), "Hello, world")
        finally:
            self.names.send_signal(signal.SIGCONT)


if __name__ == "__main__":
    if os.geteuid() != 0 or not shutil.which("dnsmasq"):
        print("SKIPPED: it needs root, and dnsmasq")
    elif INSIDE not in os.environ:
        os.environ[INSIDE] = "1"
        os.execvp("unshare", ["unshare", "--net", "--mount", "--", sys.executable, "-B", *sys.argv])
    else:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        unittest.main()
