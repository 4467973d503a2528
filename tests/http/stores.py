"""Stores of their own for tests. Servers are those of scripts/servers: ctest starts them before, by fixtures."""

import contextlib
import os
import pathlib
import secrets
import subprocess
import tempfile
import unittest

SERVERS = pathlib.Path(__file__).parents[2] / "scripts/servers"
NOT_TO_BE_HAD = 77
folders = []


def ask(verb, name, *statement):
    """What scripts/servers prints; None where that server is not to be had here."""
    run = subprocess.run([SERVERS, verb, name, *statement], text=True, capture_output=True, check=False)
    if run.returncode == NOT_TO_BE_HAD:
        return None
    if run.returncode != 0:
        raise RuntimeError(run.stderr)
    return run.stdout.strip()


def new_file():
    """Of a database, in a folder that goes with this process."""
    folders.append(tempfile.TemporaryDirectory(prefix="flame-session-store-"))
    return folders[-1].name + "/sessions.db"


def new_store(name):
    """The URL of an empty store, with a file, a table or a prefix of its own."""
    if name == "file":
        return f"file:{new_file()}"
    if name == "sqlite":
        return f"sqlite:{new_file()}?init_table=true"
    url = ask("url", name)
    own = "t" + secrets.token_hex(6)
    if url is None:
        return None
    if url.startswith("redis"):
        return f"{url}?key_prefix={own}"
    if url.startswith("mongodb"):
        return f"{url}{'&' if '?' in url else '?'}collection={own}&init_collection=true"
    return f"{url}?table={own}&init_table=true"


@contextlib.contextmanager
def own_server(name, folder=None):
    """One that nobody else uses, in a folder of its own."""
    with contextlib.ExitStack() as ended:
        if folder is None:
            folder = ended.enter_context(tempfile.TemporaryDirectory(prefix="flame-own-server-"))
        before = os.environ.get("FLAME_SERVERS")
        os.environ["FLAME_SERVERS"] = folder
        try:
            ended.callback(ask, "stop", name)
            if ask("start", name) is None:
                raise unittest.SkipTest("SKIPPED: that server is not to be had here")
            yield pathlib.Path(folder) / name
        finally:
            ended.close()
            os.environ.pop("FLAME_SERVERS")
            if before is not None:
                os.environ["FLAME_SERVERS"] = before


def from_environment():
    """Of the server that the test is for."""
    return new_store(os.environ["FLAME_SERVER"])
