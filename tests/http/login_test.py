"""example_login, as browsers use it."""

import re
import unittest
import urllib.parse

from driver import Case, example

SAME_SITE = {"Sec-Fetch-Site": "same-origin"}
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) Version/18.5 Mobile Safari/604.1"


class Visitor:
    """Keeps its cookie, and follows redirects."""

    def __init__(self, server, agent=FIREFOX):
        self.connection = server.connect()
        self.agent = agent
        self.id = None
        self.cookie = None

    def ask(self, method, path, form=None, fields=None):
        body = urllib.parse.urlencode(form or {}) if method == "POST" else ""
        lines = {"User-Agent": self.agent, **(fields or {}), "Content-Length": len(body)}
        if method == "POST":
            lines["Content-Type"] = "application/x-www-form-urlencoded"
        head = self.connection.request(path, self.id, method).decode()[:-2]
        head += "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self.connection.socket.sendall((head + "\r\n" + body).encode())
        response = self.connection.receive()
        if response.session_id is not None:
            self.id = response.session_id or None
            self.cookie = response.get("Set-Cookie")
        if response.status == 303:
            return self.ask("GET", response.get("Location"))
        return response

    def get(self, path="/"):
        return self.ask("GET", path)

    def post(self, path, form=None, fields=None):
        return self.ask("POST", path, form, SAME_SITE if fields is None else fields)

    def sign_in(self, user="ann", password="secret", **more):
        return self.post("/login", {"user": user, "password": password, **more})


class Login(Case):
    def setUp(self):
        self.server = self.enterContext(example("login"))

    def visitor(self, agent=FIREFOX):
        return Visitor(self.server, agent)

    def test_a_person_signs_in_and_out(self):
        ann = self.visitor()
        self.assertIn("<h1>Sign in</h1>", ann.get().body)
        self.assertIsNone(ann.id, "a form begins no session")
        self.assertIn("Name or password is wrong", ann.sign_in(password="guessed").body)
        before = ann.id
        page = ann.sign_in().body
        self.assertNotEqual(before, ann.id)
        self.assertIn("Welcome, ann", page)
        self.assertIn('<b id="visits">1</b> time since', page)
        again = ann.get().body
        self.assertNotIn("Welcome", again)
        self.assertIn('<b id="visits">2</b> times', again)
        signed_in = ann.id
        self.assertIn("You are signed out", ann.post("/logout").body)
        ann.id = signed_in
        self.assertIn("<h1>Sign in</h1>", ann.get().body)

    def test_remember_me_outlives_the_browser(self):
        ann, bob = self.visitor(), self.visitor()
        ann.sign_in(remember="on")
        bob.sign_in("bob")
        self.assertRegex(ann.cookie, r"Max-Age=2592000\b|Max-Age=2591999\b")
        self.assertNotIn("Max-Age", bob.cookie)

    def test_sessions_are_listed_and_ended(self):
        desk, phone, other, bob = self.visitor(), self.visitor(PHONE), self.visitor("curl/8"), self.visitor()
        for each in (desk, phone, other):
            each.sign_in()
        bob.sign_in("bob")
        page = desk.get().body
        for label in ("Firefox on Linux", "Safari on iPhone", "curl"):
            self.assertIn(f"<b>{label}</b>", page)
        keys = re.findall(r'name="key" value="([^"]+)"', page)
        self.assertEqual({phone.id[:16], other.id[:16]}, set(keys))
        bob.post("/end", {"key": phone.id[:16]})
        self.assertIn("Hello, ann", phone.get().body, "nobody ends another's")
        self.assertIn("That session has ended", desk.post("/end", {"key": phone.id[:16]}).body)
        self.assertIn("<h1>Sign in</h1>", phone.get().body)
        self.assertIn("Ended elsewhere: 1", desk.post("/end-others").body)
        self.assertIn("<h1>Sign in</h1>", other.get().body)
        self.assertIn("Hello, ann", desk.get().body)
        self.assertIn("Hello, bob", bob.get().body)

    def test_other_sites_send_nothing(self):
        ann = self.visitor()
        ann.sign_in()
        for foreign in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
                        {"Origin": "https://elsewhere.example"}, {"Origin": "null"}, {}):
            self.assertEqual(403, ann.post("/logout", fields=foreign).status, foreign)
        token = re.search(r'name="csrf_token" value="([^"]+)"', ann.get().body).group(1)
        self.assertIn("You are signed out", ann.post("/logout", {"csrf_token": token}, {}).body)

    def test_names_are_text(self):
        ann = self.visitor("<script>Firefox/1 Windows")
        self.assertNotIn("<script", ann.sign_in("<script>alert(1)</script>").body)
        self.assertIn("<b>Firefox on Windows</b>", ann.sign_in().body)


if __name__ == "__main__":
    unittest.main()
