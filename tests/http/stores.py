"""Stores on the servers of scripts/servers: ctest starts them before, by fixtures."""

import os
import pathlib
import secrets
import subprocess

SERVERS = pathlib.Path(__file__).parents[2] / "scripts/servers"
NOT_TO_BE_HAD = 77


def ask(verb, name):
    """What scripts/servers prints; None where that server is not to be had here."""
    run = subprocess.run([SERVERS, verb, name], text=True, capture_output=True, check=False)
    if run.returncode == NOT_TO_BE_HAD:
        return None
    if run.returncode != 0:
        raise RuntimeError(run.stderr)
    return run.stdout.strip()


def new_store(name):
    """The URL of an empty store, with a table or a prefix of its own."""
    url = ask("url", name)
    own = "t" + secrets.token_hex(6)
    if url is None:
        return None
    return f"{url}?key_prefix={own}" if url.startswith("redis") else f"{url}?table={own}&init_table=true"


def from_environment():
    """Of the server that the test is for."""
    return new_store(os.environ["FLAME_SERVER"])
