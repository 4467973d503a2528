"""Conan 2: `conan create . --build=missing`, with `-o "&:redis=True"` for a store with a driver."""

import pathlib
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout

# The package of each store's driver, what CMake calls it, and which names its target has for us.
DRIVERS = {
    "sqlite": ("sqlite3/[>=3.40]", "SQLite3", "SQLite::SQLite3"),
    "postgres": ("libpq/[>=15]", "PostgreSQL", "PostgreSQL::PostgreSQL"),
    "mysql": ("mariadb-connector-c/[>=3.3]", "libmariadb", "libmariadb::libmariadb"),
    "redis": ("hiredis/[>=0.14]", "hiredis", "hiredis::hiredis"),
    "mongo": ("mongo-c-driver/[>=1.23 <2]", "libmongoc", "libmongoc::libmongoc"),
}


class FlameSession(ConanFile):
    name = "flame-session"
    license = "MIT"
    description = "Server-side sessions and flash messages for C++ web services"
    topics = ("session", "cookie", "http", "web")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False], "fPIC": [True, False], **{store: [True, False] for store in DRIVERS}}
    default_options = {"shared": False, "fPIC": True, **{store: False for store in DRIVERS}}
    implements = ["auto_shared_fpic"]
    exports = "CMakeLists.txt"
    exports_sources = ("CMakeLists.txt", "cmake/*", "include/*", "src/*", "docs/*", "examples/*", "*.md", "LICENSE")

    def set_version(self):
        text = (pathlib.Path(self.recipe_folder) / "CMakeLists.txt").read_text(encoding="utf-8")
        self.version = re.search(r"project\(flame-session VERSION ([\d.]+)", text).group(1)

    def validate(self):
        check_min_cppstd(self, 20)

    def requirements(self):
        self.requires("openssl/[>=3 <4]")
        self.requires("libcbor/[>=0.8]")
        self.requires("tl-expected/[>=1]", transitive_headers=True)
        self.requires("xxhash/[>=0.8]")
        self.requires("boost/[>=1.81]")
        for store, (package, _, _) in DRIVERS.items():
            if self.options.get_safe(store):
                self.requires(package)

    def layout(self):
        cmake_layout(self)

    def generate(self):
        toolchain = CMakeToolchain(self)
        for what in ("TESTS", "EXAMPLES", "BENCH", "COMMAND"):
            toolchain.cache_variables[f"FLAME_SESSION_BUILD_{what}"] = False
        deps = CMakeDeps(self)
        for store, (package, file, target) in DRIVERS.items():
            # One that happens to be installed would be taken, too.
            toolchain.cache_variables[f"CMAKE_DISABLE_FIND_PACKAGE_{file}"] = not self.options.get_safe(store)
            deps.set_property(package.split("/")[0], "cmake_file_name", file)
            deps.set_property(package.split("/")[0], "cmake_target_name", target)
        for required, dependency in self.dependencies.host.items():  # of the platform's there is none here
            if required.ref.name == "xxhash":
                toolchain.cache_variables["XXHASH_INCLUDE_DIR"] = dependency.cpp_info.includedirs[0]
        toolchain.generate()
        deps.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()

    def package_info(self):
        """Who uses it finds the config file that CMake installed: the same names as everywhere."""
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs = ["lib/cmake/flame-session"]
