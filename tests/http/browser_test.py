"""What a browser makes of our cookies: headless Chromium, through chromedriver's WebDriver."""

import base64
import http.client
import json
import os
import pathlib
import shutil
import tempfile
import unittest

from driver import COOKIE, ID, PATIENCE, Case, Server, example

PROGRAMS = {name: shutil.which(name) for name in ["chromium", "chromedriver"]}
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]
# Chromium trusts both without TLS, and so keeps a Secure cookie from them.
HOSTS = ["localhost", "127.0.0.1"]


def setUpModule():
    missing = [name for name, path in PROGRAMS.items() if path is None]
    if missing:
        why = "not installed: " + ", ".join(missing)
        print("SKIPPED:", why, flush=True)
        raise unittest.SkipTest(why)


class Chromedriver(Server):
    def __init__(self, folder):  # where it and the browser may write
        super().__init__(PROGRAMS["chromedriver"], "--port=0",
                         environment={"HOME": folder, "TMPDIR": folder})

    def _listening_port(self):
        return int(self.wait_for(r"started successfully on port (\d+)").group(1))

    def check_what_it_left(self, status):
        pass  # it is not ours

    def call(self, method, path, arguments=None):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=PATIENCE)
        try:
            body = None if arguments is None else json.dumps(arguments)
            connection.request(method, path, body)
            response = connection.getresponse()
            value = json.load(response)["value"]
        finally:
            connection.close()
        assert response.status == 200, value
        return value


class Browser:
    """Ends with the `with` statement."""

    def __init__(self, driver, folder):
        options = {"binary": PROGRAMS["chromium"], "args": [*FLAGS, f"--user-data-dir={folder}"]}
        capabilities = {"alwaysMatch": {"goog:chromeOptions": options}}
        self.driver = driver
        session = driver.call("POST", "/session", {"capabilities": capabilities})
        self.path = "/session/" + session["sessionId"]

    def open(self, url):
        """The text of the page."""
        self.driver.call("POST", self.path + "/url", {"url": url})
        script = {"script": "return document.body.innerText", "args": []}
        return self.driver.call("POST", self.path + "/execute/sync", script)

    def run(self, script, *arguments):
        return self.driver.call("POST", self.path + "/execute/sync",
                                {"script": script, "args": list(arguments)})

    def submit(self, action, **values):
        """Fills in the form of this action, sends it with its button, and returns the text of the page that comes."""
        self.run("""const form = document.querySelector(`form[action="${arguments[0]}"]`);
            for (const [name, value] of Object.entries(arguments[1])) {
              const input = form.elements[name];
              if (input.type === "checkbox") input.checked = value; else input.value = value;
            }
            form.querySelector("button").click();""", action, values)
        return self.run("return document.body.innerText")

    def screenshot(self, path, width, height, scheme):
        for command, parameters in (
                ("Emulation.setDeviceMetricsOverride",
                 {"width": width, "height": height, "deviceScaleFactor": 2, "mobile": width < 600}),
                ("Emulation.setEmulatedMedia",
                 {"features": [{"name": "prefers-color-scheme", "value": scheme}]})):
            self.driver.call("POST", self.path + "/goog/cdp/execute", {"cmd": command, "params": parameters})
        pathlib.Path(path).write_bytes(base64.b64decode(self.driver.call("GET", self.path + "/screenshot")))

    def cookies(self):
        """All that it would send to the page it is at."""
        return self.driver.call("GET", self.path + "/cookie")

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.driver.call("DELETE", self.path)


class Browsing(Case):
    def browse(self):
        # What is left of the browser may still write for a moment after its end.
        folder = self.enterContext(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        driver = self.enterContext(Chromedriver(folder))
        return self.enterContext(Browser(driver, folder + "/profile"))


class Cookies(Browsing):
    def the_only_cookie(self, server, browser, host):
        """Its ID. It has no "expiry": the browser forgets it at its end."""
        cookies = browser.cookies()
        self.assertEqual(1, len(cookies), cookies)
        session_id = cookies[0].pop("value")
        self.assertRegex(session_id, rf"\A{ID.pattern}\Z")
        self.assertEqual({"name": COOKIE, "domain": host, "path": "/", "secure": True,
                          "httpOnly": True, "sameSite": "Lax"}, cookies[0])
        server.issued.add(session_id)
        return session_id

    def live(self, server, browser, host):
        url = f"http://{host}:{server.port}"
        self.assertEqual("Not authenticated", browser.open(url + "/get"))
        self.assertEqual([], browser.cookies())

        self.assertEqual("Succeed", browser.open(url + "/set"))
        first = self.the_only_cookie(server, browser, host)
        self.assertEqual("Authenticated as 123", browser.open(url + "/get"))
        self.assertEqual(first, self.the_only_cookie(server, browser, host))

        self.assertEqual("Succeed", browser.open(url + "/login?owner=ann"))
        second = self.the_only_cookie(server, browser, host)
        self.assertNotEqual(first, second)
        self.assertEqual("Authenticated as 123", browser.open(url + "/get"))

        self.assertEqual("Succeed", browser.open(url + "/logout"))
        self.assertEqual([], browser.cookies())
        self.assertEqual("Not authenticated", browser.open(url + "/get"))
        self.assertEqual([], browser.cookies())

    def test_a_browser_keeps_changes_and_removes_the_cookie(self):
        server = self.serve()
        browser = self.browse()
        for host in HOSTS:
            with self.subTest(host=host):
                self.live(server, browser, host)


class Login(Browsing):
    """example_login; FLAME_SCREENSHOTS names a folder for pictures of it."""

    def look(self, browser, name):
        folder = os.environ.get("FLAME_SCREENSHOTS")
        if folder:
            for device, size in {"phone": (390, 844), "desktop": (1280, 800)}.items():
                for scheme in ("light", "dark"):
                    browser.screenshot(f"{folder}/{name}-{device}-{scheme}.png", *size, scheme)

    def test_a_person_signs_in_ends_the_other_session_and_signs_out(self):
        server = self.enterContext(example("login"))
        url = f"http://localhost:{server.port}"
        here, there = self.browse(), self.browse()
        self.assertIn("Sign in", here.open(url))
        self.assertEqual([], here.cookies())
        self.look(here, "login")
        self.assertIn("wrong", here.submit("/login", user="ann", password="guess"))
        page = here.submit("/login", user="ann", password="secret", remember=True)
        self.assertIn("Welcome, ann", page)
        self.assertIn("You have been here 1 time ", page)
        there.open(url)
        there.submit("/login", user="ann", password="secret")
        self.look(here, "welcome")
        page = here.open(url)
        self.assertNotIn("Welcome", page)
        self.assertIn("You have been here 2 times", page)
        self.assertEqual(2, page.count("Chrome on Linux"))
        self.look(here, "home")
        self.assertIn("That session has ended", here.submit("/end"))
        self.assertIn("Sign in", there.open(url))
        (cookie,) = here.cookies()
        self.assertIn("expiry", cookie)
        server.issued.add(cookie["value"])
        self.assertIn("You are signed out", here.submit("/logout"))
        self.assertNotIn("signed out", here.open(url + "/login"))
        self.assertEqual([], here.cookies())


if __name__ == "__main__":
    unittest.main()
