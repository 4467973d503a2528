"""What the tests of packages share: a clone of the project, and the consumer, a project that knows nothing of this one
but one of the ways to get at its libraries."""

import os
import pathlib
import shlex
import shutil
import subprocess
import unittest

ROOT = pathlib.Path(__file__).parents[2]
HERE = pathlib.Path(__file__).parent
CONSUMER = HERE / "consumer"
COMPONENTS = os.environ["FLAME_COMPONENTS"].split()
COMPILER = os.environ["FLAME_COMPILER"]
FLAGS = os.environ["FLAME_FLAGS"]
PARALLEL = ["--parallel", str(os.cpu_count())]


def done(*command, **options):
    return subprocess.run([str(part) for part in command], text=True, check=False, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)


def run(*command, **options):
    """What it prints. It must succeed."""
    result = done(*command, **options)
    if result.returncode != 0:
        raise AssertionError(f"{shlex.join(map(str, command))}: {result.returncode}\n{result.stdout[-8000:]}")
    return result.stdout


def clone(folder):
    """What a commit of the project as it is now would bring, and no more."""
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                            check=True, capture_output=True).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def targets(components):
    return ["--target", *("uses_" + component for component in components)]


class PackageTest(unittest.TestCase):
    def setUp(self):
        self.work = pathlib.Path(os.environ["FLAME_WORK"]) / self._testMethodName
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        # Names relative to the folder, so that what one test compiled another one of equal folders need not.
        os.environ["CCACHE_BASEDIR"] = str(self.work)
        self.addCleanup(os.environ.pop, "CCACHE_BASEDIR")

    def configure(self, source, build, *options, compiler=COMPILER, flags=""):
        launcher = ["-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
        return done("cmake", "-G", "Ninja", "-S", source, "-B", build, f"-DCMAKE_CXX_COMPILER={compiler}",
                    f"-DCMAKE_CXX_FLAGS={flags}", *launcher, *options)

    def consume(self, *options, components=COMPONENTS, **how):
        """Builds and runs the consumer with these options."""
        build = self.work / "build"
        configured = self.configure(CONSUMER, build, f"-DCOMPONENTS={';'.join(components)}", *options, **how)
        self.assertEqual(0, configured.returncode, configured.stdout)
        run("cmake", "--build", build, *PARALLEL, *targets(components))
        run("ctest", "--test-dir", build, "--output-on-failure", "--no-tests=error")
        return build

    def consume_by_pkg_config(self, prefix, *options, component, compiler=COMPILER, flags="-std=c++20"):
        found = sorted(prefix.rglob("flame-session.pc"))
        self.assertEqual(1, len(found), found)
        environment = {**os.environ, "PKG_CONFIG_PATH": str(found[0].parent)}
        module = "flame-session" + ("" if component == "session" else "-" + component)
        told = run("pkg-config", "--cflags", "--libs", *options, module, env=environment)
        program = self.work / f"uses_{component}"
        run(compiler, *shlex.split(flags), CONSUMER / f"uses_{component}.cpp", "-o", program, *shlex.split(told),
            f"-Wl,-rpath,{found[0].parents[1]}")
        run(program)
