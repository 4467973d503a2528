"""Between a process of ours and its store's server: what a network does to the bytes."""

import contextlib
import socket
import threading
import time
import urllib.parse


class Proxy:
    """Passes on what comes, as its `mode` says: "pass", "byte" (one at a time) or "hold" (nothing)."""

    def __init__(self, store):
        self.mode = "pass"
        self.target = urllib.parse.urlsplit(store)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.open = set()
        self.lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def store(self):
        """The URL through it."""
        port = self.listener.getsockname()[1]
        place = self.target.netloc.rpartition("@")
        return self.target._replace(netloc="".join(place[:2]) + f"127.0.0.1:{port}").geturl()

    def cut(self):
        """Ends all connections."""
        with self.lock:
            for each in list(self.open):
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.mode = "pass"
        self.listener.close()
        self.cut()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                try:
                    server = socket.create_connection((self.target.hostname, self.target.port))
                except OSError:
                    client.close()
                    continue
                for each in (client, server):
                    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with self.lock:
                    self.open |= {client, server}
                threading.Thread(target=self._serve, args=(client, server), daemon=True).start()

    def _serve(self, client, server):
        back = threading.Thread(target=self._pass, args=(server, client), daemon=True)
        back.start()
        self._pass(client, server)
        back.join()
        with self.lock:
            self.open -= {client, server}
        client.close()
        server.close()

    def _pass(self, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                while self.mode == "hold":
                    time.sleep(0.01)
                if self.mode == "byte":
                    for i in range(len(data)):
                        sink.sendall(data[i:i + 1])
                else:
                    sink.sendall(data)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
