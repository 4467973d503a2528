"""The reference documentation's programs answer word for word."""

import os
import subprocess
import unittest
import urllib.parse

import stores
from driver import Case, example


class Example(Case):
    def start(self, name, environment=None):
        return self.enterContext(example(name, environment)).connect()

    def counts_the_user_in(self, client):
        self.answer(client.get("/get"), "Not authenticated")
        response = self.answer(client.get("/set"), "Succeed")
        visitor = response.session_id
        self.answer(client.get("/get", visitor), "Authenticated as 123")
        self.answer(client.get("/get"), "Not authenticated")
        self.answer(client.get("/clear", visitor), "Cleared")
        self.answer(client.get("/get", visitor), "Not authenticated")


class OnAServer(Example):
    """With the environment variables of the reference documentation."""

    def environment_of(self, server, name):
        if name == "sqlite":
            return {"FLAME_SESSION_DB": stores.new_file()}
        url = stores.ask("url", server)
        if url is None:
            self.skipTest("SKIPPED: that server is not to be had here")
        if name == "mongo":
            return {"MONGODB_URI": url, "MONGODB_DATABASE": "flame"}
        url = urllib.parse.urlsplit(url)
        prefix = {"postgres": "PG", "mysql": "MYSQL_", "redis": "REDIS_"}[name]
        return {prefix + key: value for key, value in {
            "HOST": url.hostname, "PORT": str(url.port), "USER": url.username,
            "PASSWORD": url.password, "DATABASE": url.path[1:]}.items() if value}

    def test_it(self):
        server = os.environ["FLAME_SERVER"]
        name = {"mariadb": "mysql", "valkey": "redis"}.get(server, server)
        environment = self.environment_of(server, name)
        client = self.start(name, environment)
        self.counts_the_user_in(client)
        other = self.start(name, environment)
        visitor = self.answer(client.get("/set"), "Succeed").session_id
        self.answer(other.get("/get", visitor), "Authenticated as 123")


    def test_the_one_of_mysql_says_what_is_not_set(self):
        if os.environ["FLAME_SERVER"] not in ("mysql", "mariadb"):
            return
        program = os.path.join(os.environ["FLAME_BIN"], "example_mysql")
        variables = ["USER", "PASSWORD", "HOST", "PORT", "DATABASE"]
        for missing in variables:
            given = {"MYSQL_" + name: "" for name in variables if name != missing}
            ended = subprocess.run([program], env=given, capture_output=True, text=True, timeout=60)
            self.assertEqual((ended.returncode, ended.stderr),
                             (1, f"set MYSQL_{missing}: see examples/README.md\n"))


class Examples(Example):
    def test_memory(self):
        self.counts_the_user_in(self.start("memory"))

    def test_flash(self):
        client = self.start("flash")
        visitor = self.answer(client.get("/set"), "Succeed").session_id
        self.answer(client.get("/get", visitor), "This is a flash message")
        self.answer(client.get("/get", visitor), "No flash message")

    def test_flash_waits_for_a_handler_that_asks_for_it(self):
        client = self.start("flash")
        visitor = self.answer(client.get("/set"), "Succeed").session_id
        self.assertEqual(404, client.get("/elsewhere", visitor).status)
        client.send("/get", visitor, method="HEAD")
        self.assertEqual(200, client.receive(method="HEAD").status)
        self.answer(client.get("/get", visitor), "This is a flash message")

    def test_flash_of_several_types(self):
        client = self.start("flash_types")
        visitor = self.answer(client.get("/set-simple"), "Succeed").session_id
        self.answer(client.get("/get-simple", visitor), "This is a flash message")
        self.answer(client.get("/get-simple", visitor), "No flash message")
        self.answer(client.get("/set-complex", visitor), "Succeed")
        complex_message = 'Flash{.success="It worked!", .error=""}'
        self.answer(client.get("/get-complex", visitor), complex_message)
        self.answer(client.get("/get-complex", visitor), "No flash message")

    def test_flash_of_another_type_is_used_up(self):
        client = self.start("flash_types")
        visitor = self.answer(client.get("/set-simple"), "Succeed").session_id
        self.answer(client.get("/get-complex", visitor), "No flash message")
        self.answer(client.get("/get-simple", visitor), "No flash message")
        self.answer(client.get("/set-complex", visitor), "Succeed")
        self.answer(client.get("/get-simple", visitor), "No flash message")
        self.answer(client.get("/get-complex", visitor), "No flash message")


def load_tests(loader, _, __):
    """The one of the server that is named, or all that need none."""
    return loader.loadTestsFromTestCase(OnAServer if "FLAME_SERVER" in os.environ else Examples)


if __name__ == "__main__":
    unittest.main()
