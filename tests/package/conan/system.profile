# Debian 12's own packages stand for those that Conan would fetch.
[settings]
os=Linux
arch=x86_64
build_type=Debug
compiler=gcc
compiler.version=12
compiler.cppstd=20
compiler.libcxx=libstdc++11

[conf]
tools.cmake.cmaketoolchain:generator=Ninja

[platform_requires]
boost/1.81.0
libcbor/0.8.0
openssl/3.0.17
sqlite3/3.40.1
tl-expected/1.0.0
xxhash/0.8.1
