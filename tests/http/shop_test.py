"""examples/shop as browsers use it, and with SHOP=express or SHOP=drogon the same program on these, by the same questions."""

import email.utils
import http.client
import json
import os
import pathlib
import re
import shutil
import subprocess
import unittest
import urllib.parse

from driver import PATIENCE, Server, example

SHOP = pathlib.Path(__file__).resolve().parents[2] / "examples/shop"
KIND = os.environ.get("SHOP", "flame")
IS_EXPRESS = KIND == "express"


def start_express():
    """In a copy, whose packages npm installs."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if not npm or not node:
        raise unittest.SkipTest("SKIPPED: needs node and npm")
    copy = pathlib.Path(os.environ["FLAME_BIN"]).parent / "shop/express"
    shutil.copytree(SHOP / "public", copy.parent / "public", dirs_exist_ok=True)
    shutil.copytree(SHOP / "express", copy, dirs_exist_ok=True, ignore=lambda *_: ["node_modules"])
    installed = subprocess.run([npm, "install", "--no-package-lock", "--no-audit", "--no-fund"],
                               cwd=copy, capture_output=True, text=True, check=False, timeout=300)
    if installed.returncode != 0:
        raise unittest.SkipTest(f"SKIPPED: npm install failed: {installed.stderr}")
    subprocess.run([npm, "run", "check"], cwd=copy, check=True, timeout=PATIENCE)
    return Server(node, copy / "app.js", environment={"PORT": "0"})


def start():
    if IS_EXPRESS:
        return start_express()
    if KIND == "drogon":
        return Server("example_shop_drogon", folder=SHOP, environment={"PORT": "0"})
    return example("shop", folder=SHOP)


class Answer:
    def __init__(self, answer):
        self.status = answer.status
        self.place = answer.headers.get("Location")
        self.cookies = answer.headers.get_all("Set-Cookie") or []
        self.body = answer.read().decode()
        self.type = answer.headers.get("Content-Type")


class Visitor:
    """Keeps cookies, follows redirects, and sends the hidden fields of the form that it saw last for a path."""

    def __init__(self, server):
        self.connection = http.client.HTTPConnection(server.host, server.port, timeout=PATIENCE)
        self.cookies, self.set_cookie, self.page = {}, "", ""

    def ask(self, method, path, body=None, fields=None):
        fields = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
                  **(fields or {})}
        self.connection.request(method, path, body, {k: v for k, v in fields.items() if v})
        answer = Answer(self.connection.getresponse())
        for self.set_cookie in answer.cookies:
            name, _, value = self.set_cookie.partition(";")[0].partition("=")
            self.cookies.pop(name, None)
            if value and "Max-Age=0" not in self.set_cookie:
                self.cookies[name] = value
        return answer

    def get(self, path):
        answer = self.ask("GET", path)
        if answer.status in (302, 303):
            return self.get(answer.place)
        self.page = answer.body
        return answer

    def token(self):
        found = re.search('name="csrf_token" value="([^"]+)"', self.page)
        return found[1] if found else ""

    def send(self, path, form=None, site="same-origin"):
        token = {"csrf_token": self.token()} if site != "cross-site" else {}
        body = urllib.parse.urlencode({**token, **(form or {})})
        return self.ask("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded",
                                             "Sec-Fetch-Site": site})

    def post(self, path, form=None):
        answer = self.send(path, form)
        return self.get(answer.place) if answer.status == 303 else answer

    def post_json(self, path, value):
        text = value if isinstance(value, str) else json.dumps(value)
        return self.ask("POST", path, text, {
            "Content-Type": "application/json", "Sec-Fetch-Site": "same-origin",
            "X-CSRF-Token": self.token()})

    def cart(self):
        return json.loads(self.get("/api/cart").body)

    def sign_in(self, user="ann", password="secret", **more):
        self.get("/login")
        return self.post("/login", {"user": user, "password": password, **more})


class Shop(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = start()

    @classmethod
    def tearDownClass(cls):
        cls.server.end()

    def visitor(self, path="/"):
        visitor = Visitor(self.server)
        self.addCleanup(visitor.connection.close)
        visitor.get(path)
        return visitor

    def test_pages_are_counted(self):
        visitor = self.visitor()
        self.assertIn('<b id="visits">2</b>', visitor.get("/").body)
        self.assertIn('<b id="visits">1</b>', self.visitor().page)

    def test_the_cart(self):
        visitor = self.visitor()
        self.assertIn("Cart (0)", visitor.page)
        self.assertIn("Nothing is in it yet", visitor.get("/cart").body)
        visitor.get("/")
        page = visitor.post("/cart", {"id": "cup"})
        self.assertIn("Cup &amp; saucer is in your cart", page.body)
        visitor.post("/cart", {"id": "tea"})
        page = visitor.post("/cart", {"id": "tea"}).body
        self.assertIn("2 × Darjeeling, 100 g", page)
        self.assertIn("1 × Cup &amp; saucer", page)
        self.assertIn('<b id="total">28.30 €</b>', page)
        self.assertIn("Cart (3)", page)
        self.assertEqual(422, visitor.send("/cart", {"id": "coffee"}).status)
        self.assertIn("Nothing is in it yet", visitor.post("/cart/empty").body)

    def test_a_message_is_shown_once(self):
        visitor = self.visitor()
        self.assertIn('class="message"', visitor.post("/cart", {"id": "cup"}).body)
        self.assertNotIn('class="message"', visitor.get("/cart").body)

    def test_json(self):
        visitor = self.visitor()
        visitor.post("/cart", {"id": "tea"})
        added = visitor.post_json("/api/cart", {"id": "tea", "quantity": 2})
        self.assertEqual((201, "application/json"), (added.status, added.type.partition(";")[0]))
        self.assertEqual([{"id": "tea", "quantity": 3}], json.loads(added.body))
        for wrong in ({"id": "coffee", "quantity": 1}, {"id": "tea"}, {"id": "tea", "quantity": "1"},
                      {"id": "tea", "quantity": 0}, {"id": "tea", "quantity": 100}, [], {}):
            self.assertEqual(422, visitor.post_json("/api/cart", wrong).status, wrong)
        self.assertEqual(400, visitor.post_json("/api/cart", '{"id":').status)
        self.assertEqual([{"id": "tea", "quantity": 3}], visitor.cart())

    def test_only_who_is_signed_in_has_an_account(self):
        visitor = self.visitor("/account")
        self.assertIn("Please sign in first", visitor.page)
        self.assertIn("Name or password is wrong", visitor.sign_in(password="guessed").body)
        self.assertIn("<h1>Sign in</h1>", visitor.get("/account").body)
        page = visitor.sign_in().body
        self.assertIn("Welcome, ann", page)
        self.assertIn("<h1>Hello, ann</h1>", page)
        self.assertIn("You are signed out", visitor.post("/account/logout").body)
        self.assertIn("<h1>Sign in</h1>", visitor.get("/account").body)

    def test_a_login_has_a_new_id_and_keeps_the_cart_and_a_logout_does_not(self):
        visitor = self.visitor()
        visitor.post("/cart", {"id": "tea"})
        before = dict(visitor.cookies)
        visitor.sign_in()
        self.assertNotEqual(before, visitor.cookies)
        self.assertEqual([{"id": "tea", "quantity": 1}], visitor.cart())
        visitor.get("/account")
        visitor.post("/account/logout")
        self.assertEqual([], visitor.cart())

    def test_another_users_login_has_a_cart_of_its_own(self):
        visitor = self.visitor()
        visitor.sign_in()
        visitor.get("/")
        visitor.post("/cart", {"id": "tea"})
        visitor.sign_in("bob")
        self.assertEqual([], visitor.cart())

    def test_who_is_remembered_has_a_cookie_for_a_month(self):
        def days(cookie):
            age = re.search("Max-Age=([0-9]+)", cookie)
            end = re.search("Expires=([^;]+)", cookie)
            return age and int(age[1]) / 86400, end and end[1]

        visitor = self.visitor()
        visitor.sign_in()
        short = days(visitor.set_cookie)
        visitor = self.visitor()
        visitor.sign_in(remember="on")
        long = days(visitor.set_cookie)
        if IS_EXPRESS:
            self.assertGreater(email.utils.parsedate_to_datetime(long[1]),
                               email.utils.parsedate_to_datetime(short[1]))
        else:
            self.assertEqual(((None, None), (30, None)), (short, long))

    def test_signing_out_everywhere(self):
        one, other = self.visitor(), self.visitor()
        one.sign_in("bob")
        other.sign_in("bob")
        one.get("/account")
        self.assertIn("You are signed out", one.post("/account/logout-everywhere").body)
        for visitor in (one, other):
            self.assertIn("<h1>Sign in</h1>", visitor.get("/account").body)
        self.assertIn("<h1>Hello, bob</h1>", other.sign_in("bob").body)

    def test_forms_of_other_sites_are_refused(self):
        visitor = self.visitor()
        visitor.sign_in()
        self.assertEqual(403, visitor.send("/cart", {"id": "tea"}, site="cross-site").status)
        self.assertEqual([], visitor.cart())

    def test_an_old_browser_sends_the_token_from_its_first_page_on(self):
        visitor = self.visitor()
        self.assertEqual(303, visitor.send("/cart", {"id": "tea"}, site="").status)
        visitor.page = ""
        self.assertEqual(403, visitor.send("/cart", {"id": "tea"}, site="").status)

    def test_its_style_is_a_file(self):
        self.assertIn("text/css", self.visitor().get("/shop.css").type)


if __name__ == "__main__":
    unittest.main()
