"""usage: history_test.py STORE FAULT: histories on one store, as many as FLAME_HISTORIES says (8)."""

import os
import pathlib
import subprocess
import sys
import tempfile

import stores

BIN = pathlib.Path(os.environ["FLAME_BIN"])


def main(name, fault):
    with tempfile.TemporaryDirectory(prefix="flame-history-") as folder:
        program, expect = BIN / "bench_server", "linearizable"
        if name == "broken":
            program, expect = BIN / "history_broken_server", "broken"
        local = name in ("file", "broken")
        store = f"file:{folder}/sessions" if local else stores.new_store(name)
        if store is None:
            print("SKIPPED: that server is not to be had here")
            return 0
        return subprocess.run(
            [BIN / "history", "-program", program, "-store", store, "-fault", fault, "-name", name,
             "-servers", stores.SERVERS, "-expect", expect,
             "-histories", os.environ.get("FLAME_HISTORIES", "8")], check=False).returncode


sys.exit(main(*sys.argv[1:]))
