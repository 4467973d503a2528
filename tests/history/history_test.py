"""usage: history_test.py STORE FAULT: histories on one store; FLAME_HISTORIES says how many."""

import os
import pathlib
import subprocess
import sys
import tempfile

import stores

BIN = pathlib.Path(os.environ["FLAME_BIN"])
# So that several faults are met, which come each second or two.
HISTORIES = {"none": 16, "cut": 32, "kill": 80, "stop": 80}


def main(name, fault):
    if not (BIN / "history").exists():
        print("SKIPPED: the checker could not be built here")
        return 0
    with tempfile.TemporaryDirectory(prefix="flame-history-") as folder:
        program, expect = BIN / "bench_server", "linearizable"
        if name == "broken":
            program, expect = BIN / "history_broken_server", "broken"
        local = name in ("file", "broken")
        store = f"file:{folder}/sessions" if local else stores.new_store(name)
        if store is None:
            print("SKIPPED: that server is not to be had here")
            return 0
        # MariaDB without a binary log shows what is not on the disk yet (src/stores/mysql/README.md).
        forgets = ["-forgets"] if name == "mariadb" else []
        return subprocess.run(
            [BIN / "history", "-program", program, "-store", store, "-fault", fault, "-name", name,
             "-servers", stores.SERVERS, "-expect", expect, *forgets,
             "-histories", os.environ.get("FLAME_HISTORIES", str(HISTORIES[fault]))], check=False).returncode


sys.exit(main(*sys.argv[1:]))
