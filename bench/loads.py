"""What measurements share: servers on a core of their own, and the load on them."""

import contextlib
import http.client
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
SESSIONS = 500
CONNECTIONS = 64
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, CLIENT_CORE = CORES[0], CORES[-1]


def on_core(core, command):
    return ["taskset", "-c", str(core), *map(str, command)]


class Server:
    """One server thread, on a core of its own; the threads of its store share that core."""

    def __init__(self, address, *command):
        self.address = address
        self.process = subprocess.Popen(on_core(SERVER_CORE, command), stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)

    def wait_for_line(self):
        """The host says where it listens; port 0 is how it finds a free one. Some frameworks say more before."""
        lines = (re.search(r"Listening on http://(\S+)", line) for line in self.process.stdout)
        self.address = next(filter(None, lines)).group(1)

    def cpu_ns(self):
        total = 0
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread that has ended
                total += int((task / "schedstat").read_text().split()[0])
        return total

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


class Load:
    """What wrk sends: a path, and Cookie fields in rotation."""

    def __init__(self, server, path, cookies, pause_ms=None, seconds=1):
        self.server, self.path, self.cookies = server, path, cookies
        self.pause = [] if pause_ms is None else [str(pause_ms)]
        self.seconds = seconds

    def measure(self):
        """Requests per second, the server's microseconds of CPU for each, and the milliseconds that 99 of a hundred
        took at most."""
        before = self.server.cpu_ns()
        url = f"http://{self.server.address}{self.path}"
        run = subprocess.run(
            on_core(CLIENT_CORE, ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{self.seconds}s", "-s",
                                  ROOT / "bench/sessions.lua", url, "--", self.cookies, *self.pause]),
            text=True, capture_output=True, check=True)
        cpu = self.server.cpu_ns() - before
        if "Non-2xx" in run.stdout or "Socket errors" in run.stdout:
            sys.exit(f"{url} failed:\n{run.stdout}")
        requests = int(re.search(r"(\d+) requests in", run.stdout).group(1))
        rate = float(re.search(r"Requests/sec:\s*([\d.]+)", run.stdout).group(1))
        slow = float(re.search(r"99%: ([\d.]+) ms", run.stdout).group(1))
        return rate, cpu / requests / 1000, slow


def new_sessions(address, change="/incr"):
    """The Cookie fields of new sessions, each with `user_id` and `n`, which that route sets."""
    connection = http.client.HTTPConnection(address)
    cookies = []
    for _ in range(SESSIONS):
        connection.request("GET", "/set")
        response = connection.getresponse()
        response.read()
        cookies.append(response.headers["Set-Cookie"].partition(";")[0])
        connection.request("GET", change, headers={"Cookie": cookies[-1]})
        connection.getresponse().read()
    return cookies


def free_port():
    """For bare_beast, which does not say where it listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def scripts_servers(verb, name):
    return subprocess.run([ROOT / "scripts/servers", verb, name], text=True, check=True,
                          stdout=subprocess.PIPE).stdout.strip()


def descendants(pid):
    """And the process itself."""
    yield pid
    for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield from descendants(child)


def new_store(name, running):
    """An empty store on a server that runs on the client's core."""
    scripts_servers("start", name)
    running.callback(scripts_servers, "stop", name)
    for process in descendants(scripts_servers("pid", name)):
        subprocess.run(["taskset", "-a", "-c", "-p", str(CLIENT_CORE), process], check=True,
                       stdout=subprocess.DEVNULL)
    own = f"bench{os.getpid()}"
    url = scripts_servers("url", name)
    options = {"redis": f"key_prefix={own}", "mongo": f"collection={own}&init_collection=true"}
    return url + "&?"["?" not in url] + options.get(name, f"table={own}&init_table=true")


def delayed(url, milliseconds, running):
    """The same server, with that much delay put between."""
    place = re.search(r"[0-9.]+:\d+(?=/)", url)
    proxy = subprocess.Popen(on_core(CLIENT_CORE, [sys.executable, ROOT / "bench/delay.py", place[0], milliseconds]),
                             stdout=subprocess.PIPE, text=True)
    running.callback(proxy.wait)
    running.callback(proxy.kill)
    return url.replace(place[0], f"127.0.0.1:{proxy.stdout.readline().strip()}")
