"""How the programs start and end."""

import signal
import socket
import unittest

from driver import Case, run_to_the_end


class Start(Case):
    def expect_refusal(self, names, program, *arguments, **options):
        run = run_to_the_end(program, *arguments, **options)
        self.assertEqual((1, ""), (run.returncode, run.stdout), run.stderr)
        self.assertRegex(run.stderr, r"\A[^\n]+\n\Z", "one line, and only one")
        self.assertIn(names, run.stderr)

    def test_options_that_are_wrong(self):
        for names, arguments in [("--lisen", ["--lisen", "x"]), ("extra", ["extra"]),
                                 ("--store", ["--store"]), ("--store", ["--store", ""]),
                                 ("--threads", ["--threads", "0"]),
                                 ("--threads", ["--threads", "two"])]:
            with self.subTest(arguments=arguments):
                self.expect_refusal(names, "bench_server", "--listen", "127.0.0.1:0", *arguments)

    def test_store_urls_that_are_wrong(self):
        for names, url in [("nosuch", "nosuch:"), ("max_session", "memory:?max_session=1"),
                           ("max_sessions", "memory:?max_sessions=many"), ("URL", "memory")]:
            with self.subTest(url=url):
                self.expect_refusal(names, "bench_server", "--listen", "127.0.0.1:0",
                                    "--store", url)

    def test_addresses_that_are_wrong(self):
        for address in ["127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:http", ":x",
                        "256.1.1.1:80", "192.0.2.1:80"]:
            with self.subTest(address=address):
                self.expect_refusal(address, "bench_server", "--listen", address)

    def test_an_address_that_is_used(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            address = "127.0.0.1:" + str(other.getsockname()[1])
            self.expect_refusal(address, "bench_server", "--listen", address)
            self.expect_refusal(address, "example_memory", environment={"FLAME_ADDR": address})

    def test_help(self):
        run = run_to_the_end("bench_server", "--help")
        self.assertEqual((0, ""), (run.returncode, run.stderr))
        self.assertRegex(run.stdout, r"\Ausage: bench_server ")


class End(Case):
    def end_beside_a_slow_request(self, number):
        server = self.serve("--threads", "1")
        slow, other = server.connect(), server.connect()
        visitor = self.begin(slow)
        other.get("/plain")
        slow.send("/slow?ms=300&key=k&value=v", visitor)
        other.get("/plain")  # one loop: it has taken up /slow before this
        server.send_signal(number)
        response = self.answer(slow.receive(), "Succeed")
        self.assertEqual("close", response.get("Connection"))
        self.assertEqual(0, server.wait())
        with self.assertRaises(ConnectionRefusedError):
            server.connect()

    def test_sigterm_ends_after_what_is_under_way(self):
        self.end_beside_a_slow_request(signal.SIGTERM)

    def test_sigint_ends_after_what_is_under_way(self):
        self.end_beside_a_slow_request(signal.SIGINT)

    def test_an_idle_server_ends(self):
        for threads in ["1", "2"]:
            with self.subTest(threads=threads):
                server = self.serve("--threads", threads)
                server.connect().get("/plain")  # a connection that stays open
                server.send_signal(signal.SIGTERM)
                self.assertEqual(0, server.wait())


if __name__ == "__main__":
    unittest.main()
