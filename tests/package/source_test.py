"""The libraries as a part of another project: in a folder of it, or fetched by it."""

import unittest

from package import PackageTest, ROOT, clone, run

COMPONENTS = ["session", "sqlite"]


class Source(PackageTest):
    def check_that_only_libraries_came(self, build):
        """No test, program or install rule of ours."""
        listed = run("ninja", "-C", build, "-t", "targets", "all")
        for theirs in ("bench_server", "example_memory", "test_session", "flame_command", "uninstall"):
            self.assertNotIn(theirs, listed)
        tests = run("ctest", "--test-dir", build, "-N")
        self.assertIn(f"Total Tests: {len(COMPONENTS)}", tests)
        run("cmake", "--install", build, "--prefix", self.work / "prefix")
        self.assertFalse((self.work / "prefix").exists())

    def test_add_subdirectory(self):
        deps = self.work / "deps"
        source = clone(deps / "flame-session-src")
        build = self.consume(f"-DSUBDIRECTORY={source}", f"-DDEPS={deps}", components=COMPONENTS)
        self.check_that_only_libraries_came(build)

    def test_fetch_content(self):
        repository = clone(self.work / "repository")
        git = ["git", "-C", repository, "-c", "user.name=a", "-c", "user.email=a@b.invalid"]
        run(*git, "init", "--quiet", "--initial-branch=main")
        run(*git, "add", "--all")
        run(*git, "commit", "--quiet", "-m", "All")
        build = self.consume(f"-DREPOSITORY=file://{repository}", f"-DDEPS={self.work / 'deps'}",
                             components=COMPONENTS)
        self.check_that_only_libraries_came(build)

    def test_all_that_is_missing_is_named_with_its_package(self):
        refused = self.configure(ROOT, self.work / "build", "-DCMAKE_IGNORE_PATH=/usr/include",
                                 "-DCMAKE_DISABLE_FIND_PACKAGE_tl-expected=ON", "-DCMAKE_DISABLE_FIND_PACKAGE_Boost=ON")
        self.assertNotEqual(0, refused.returncode)
        self.assertIn("apt-get install libssl-dev libcbor-dev libexpected-dev libxxhash-dev libboost1.81-dev",
                      " ".join(refused.stdout.split()))


if __name__ == "__main__":
    unittest.main()
