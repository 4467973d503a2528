"""Starts one of our programs on a free port, and talks HTTP to it over plain sockets."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import unittest

# A process that is killed leaves a file of libmongoc's counters, and who gets its number is told so on stderr.
os.environ.setdefault("MONGOC_DISABLE_SHM", "1")

BIN = pathlib.Path(os.environ["FLAME_BIN"])
PATIENCE = 60  # seconds until a test gives up; no test expects anything to take long
ID = re.compile(r"[A-Za-z0-9_-]{43}")
COOKIE = "__Host-session"
SANITIZER_REPORT = re.compile(r"Sanitizer|runtime error:")


class Response:
    def __init__(self, status, fields, body):
        self.status = status
        self.fields = fields
        self.body = body

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name):
        values = self.all(name)
        return values[0] if values else None

    @property
    def session_id(self):
        """The ID that the one Set-Cookie of our name brings; None without one, empty where it removes it."""
        cookies = [each for each in self.all("Set-Cookie") if each.startswith(COOKIE + "=")]
        if not cookies:
            return None
        assert len(cookies) == 1, cookies
        return re.fullmatch(COOKIE + r"=([^;]*);.*", cookies[0]).group(1)

    def __repr__(self):
        return f"{self.status} {self.fields} {self.body!r}"


class Connection:
    """Keeps alive. What send() sent is answered by receive(), in order."""

    def __init__(self, server, host=None):
        self.server = server
        self.socket = socket.create_connection((host or server.host, server.port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream = self.socket.makefile("rb")

    def request(self, path, session_id=None, method="GET"):
        text = f"{method} {path} HTTP/1.1\r\nHost: {self.server.host}\r\n"
        if session_id is not None:
            text += f"Cookie: {COOKIE}={session_id}\r\n"
        return (text + "\r\n").encode()

    def send(self, path, session_id=None, method="GET"):
        self.socket.sendall(self.request(path, session_id, method))

    def receive(self, method="GET"):
        line = self.stream.readline().decode()
        match = re.fullmatch(r"HTTP/1\.1 (\d{3}) [^\r]*\r\n", line)
        assert match, f"no status line: {line!r}; the server said: {self.server.stderr}"
        fields = []
        while (line := self.stream.readline().decode("latin-1")) != "\r\n":
            name, _, value = line.partition(":")
            fields.append((name, value.strip()))
        response = Response(int(match.group(1)), fields, "")
        if method != "HEAD" and response.status not in (204, 304):
            length = int(response.get("Content-Length"))
            response.body = self.stream.read(length).decode()
            assert len(response.body.encode()) == length, "the body was cut"
        if response.session_id:
            self.server.issued.add(response.session_id)
        if response.get("Connection") == "close":  # or the server waits for us to do it
            self.close()
        return response

    def get(self, path, session_id=None):
        self.send(path, session_id)
        return self.receive()

    def close(self):
        self.stream.close()
        self.socket.close()


class Server:
    """Ends with the `with` statement, by SIGTERM; what it then left must be in order."""

    def __init__(self, name, *arguments, environment=None, host="127.0.0.1", folder=None):
        self.host = host
        self.issued = set()
        self.connections = []
        self.process = subprocess.Popen(
            [BIN / name, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            errors="replace", env={**os.environ, **(environment or {})}, cwd=folder)
        self.said = threading.Condition()
        self.output = {self.process.stdout: "", self.process.stderr: ""}
        self.readers = [threading.Thread(target=self._read, args=(stream,))
                        for stream in self.output]
        self.open_streams = len(self.readers)
        for reader in self.readers:
            reader.start()
        try:
            self.port = self._listening_port()
        except BaseException:
            self.end(signal.SIGKILL)
            raise

    def _read(self, stream):
        for line in stream:
            with self.said:
                self.output[stream] += line
                self.said.notify_all()
        with self.said:
            self.open_streams -= 1
            self.said.notify_all()

    @property
    def stdout(self):
        return self.output[self.process.stdout]

    @property
    def stderr(self):
        return self.output[self.process.stderr]

    def wait_for(self, pattern):
        """Until it has said so, on stdout or stderr."""
        found = []

        def look():
            found[:] = [m for text in self.output.values() if (m := re.search(pattern, text))]
            return found or self.open_streams == 0

        with self.said:
            self.said.wait_for(look, PATIENCE)
        assert found, f"it did not say {pattern!r}, but: {self.stdout}{self.stderr}"
        return found[0]

    def _listening_port(self):
        return int(self.wait_for(r"Listening on \S*?:(\d+)\b").group(1))

    def connect(self, host=None):
        connection = Connection(self, host)
        self.connections.append(connection)
        return connection

    def send_signal(self, number):
        self.process.send_signal(number)

    def wait(self):
        status = self.process.wait(PATIENCE)
        for reader in self.readers:
            reader.join()
        return status

    def end(self, number=signal.SIGTERM):
        for connection in self.connections:
            connection.close()
        if self.process.poll() is None:
            self.send_signal(number)
        try:
            status = self.wait()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.wait()
            raise
        finally:
            self.process.stdout.close()
            self.process.stderr.close()
        return status

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        status = self.end()
        if kind is None:
            self.check_what_it_left(status)

    def check_what_it_left(self, status):
        said = self.stdout + self.stderr
        assert not SANITIZER_REPORT.search(said), said
        assert status == 0, f"exit status {status}: {said}"
        for session_id in self.issued:
            assert session_id not in said, f"an ID was logged: {said}"
            assert session_id[16:] not in said, f"a secret was logged: {said}"


def bench_server(*arguments, listen="127.0.0.1:0", **options):
    return Server("bench_server", "--listen", listen, *arguments, **options)


def example(name, environment=None, folder=None):
    return Server("example_" + name, folder=folder,
                  environment={"FLAME_ADDR": "127.0.0.1:0", **(environment or {})})


def run_to_the_end(name, *arguments, environment=None):
    return subprocess.run([BIN / name, *arguments], text=True, capture_output=True, check=False,
                          timeout=PATIENCE, env={**os.environ, **(environment or {})})


def at_once(connections, requests):
    """Sends (path, ID) on each connection, so that all are under way together; the answers."""
    assert len(connections) == len(requests)
    for connection, (path, session_id) in zip(connections, requests):
        connection.socket.sendall(connection.request(path, session_id)[:-1])
    for connection in connections:
        connection.socket.sendall(b"\n")  # what completes it
    return [connection.receive() for connection in connections]


class Case(unittest.TestCase):
    maxDiff = None

    def serve(self, *arguments, **options):
        return self.enterContext(bench_server(*arguments, **options))

    def answer(self, response, body, status=200):
        self.assertEqual((status, body), (response.status, response.body), response)
        return response

    def begin(self, connection, path="/set"):
        """A new session's ID."""
        response = connection.get(path)
        self.assertEqual(200, response.status, response)
        self.assertRegex(response.session_id, ID)
        return response.session_id
