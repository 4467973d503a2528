"""The adapters of this build are components of the installed package, each for who has its framework."""

import os
import pathlib
import unittest

from package import COMPONENTS, FLAGS, PackageTest, run


class Adapters(PackageTest):
    def test_find_package(self):
        prefix = self.work / "prefix"
        for component in ["session", "package", *COMPONENTS]:
            run("cmake", "--install", pathlib.Path(os.environ["FLAME_BUILD"]), "--prefix", prefix,
                "--component", component)
        self.consume(f"-DCMAKE_PREFIX_PATH={prefix}", flags=FLAGS)


if __name__ == "__main__":
    unittest.main()
