"""One command builds the site; every link in it leads somewhere, and it can be read on a desk and in a hand."""

import html.parser
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest
import urllib.parse

from browser_test import PROGRAMS, Browser, Chromedriver

ROOT = pathlib.Path(__file__).parents[2]
SITE = pathlib.Path(os.environ["SITE"])
PICTURES = SITE.with_name("pictures")
NEEDS = {name: shutil.which(name) for name in ("cmark-gfm", "groff", "doxygen")}
SIZES = {"desk": (1280, 900), "phone": (390, 844)}
SHOWN = ["index", "README.zh-CN", "docs/guide/README", "docs/guide/login", "docs/guide/stores", "docs/guide/events",
         "docs/guide/limits", "docs/guide/zh-CN/five-minutes", "docs/benchmarks", "api/annotated",
         "api/classflame_1_1session_1_1Session", "api/structflame_1_1HostOptions", "docs/flame-session.1"]


def setUpModule():
    missing = [name for name, path in (NEEDS | PROGRAMS).items() if path is None]
    if missing:
        why = "not installed: " + ", ".join(missing)
        print("SKIPPED:", why, flush=True)
        raise unittest.SkipTest(why)
    subprocess.run([ROOT / "scripts/site", SITE], check=True, stdout=subprocess.DEVNULL)


class Page(html.parser.HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.links, self.anchors = [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.anchors.update(attributes[name] for name in ("id", "name") if name in attributes)
        self.links += [attributes[name] for name in ("href", "src") if attributes.get(name)]


class Links(unittest.TestCase):
    def test_every_one_leads_somewhere(self):
        pages = {path: Page(path) for path in SITE.rglob("*.html")}
        self.assertGreater(len(pages), 100)
        followed = 0
        for path, page in pages.items():
            for link in page.links:
                address = urllib.parse.urlsplit(link)
                if address.scheme:
                    self.assertEqual("https", address.scheme, (path, link))
                    continue
                followed += 1
                target = (path.parent / urllib.parse.unquote(address.path)).resolve() if address.path else path
                with self.subTest(page=str(path.relative_to(SITE)), link=link):
                    self.assertTrue(target.is_file())
                    if address.fragment and target.suffix == ".html":
                        self.assertIn(urllib.parse.unquote(address.fragment), pages[target].anchors)
        self.assertGreater(followed, 1000)

    def test_every_page_of_the_guide_is_in_its_list(self):
        listed = {(SITE / "docs/guide" / link.partition("#")[0]).resolve() for link in Page(SITE / "docs/guide/README.html").links}
        for page in (SITE / "docs/guide").rglob("*.html"):
            with self.subTest(page.name):
                self.assertIn(page, listed | {SITE / "docs/guide/README.html"})


class Looks(unittest.TestCase):
    def test_pages_fit(self):
        PICTURES.mkdir(exist_ok=True)
        folder = self.enterContext(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        driver = self.enterContext(Chromedriver(folder))
        browser = self.enterContext(Browser(driver, folder + "/profile"))
        for name in SHOWN:
            for size, (width, height) in SIZES.items():
                for scheme in ("light", "dark"):
                    with self.subTest(name, size=size, scheme=scheme):
                        picture = PICTURES / f"{name.replace('/', '-')}-{size}-{scheme}.png"
                        browser.open((SITE / f"{name}.html").as_uri())
                        browser.screenshot(picture, width, height, scheme)
                        text, page, background = browser.run("""const style = getComputedStyle(document.body);
                            return [document.querySelector("main").innerText.length,
                                    document.documentElement.scrollWidth, style.backgroundColor];""")
                        self.assertGreater(text, 200)
                        self.assertLessEqual(page, width, "it scrolls sideways")
                        light = sum(map(int, background.strip("rgb()").split(","))) > 384
                        self.assertEqual(scheme == "light", light)
                        self.assertGreater(picture.stat().st_size, 20_000)


if __name__ == "__main__":
    unittest.main()
