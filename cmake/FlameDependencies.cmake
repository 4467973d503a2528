# What the libraries cannot be built without: all that is missing is told at once, with the names of Debian's packages.

# FindBoost is gone from CMake 3.30 on; Boost brings its own.
if(POLICY CMP0167)
  cmake_policy(SET CMP0167 NEW)
endif()

# Also for a project that has this one as a subdirectory.
set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)
find_package(OpenSSL QUIET COMPONENTS Crypto SSL)
find_package(libcbor QUIET)
find_package(tl-expected QUIET)
find_package(Threads REQUIRED)
find_package(Boost 1.81 QUIET)
find_path(XXHASH_INCLUDE_DIR xxhash.h)
mark_as_advanced(XXHASH_INCLUDE_DIR)

# flame_needs(<condition> <what> <Debian's package>)
set(missing)
set(packages)
macro(flame_needs condition what package)
  if(NOT (${condition}))
    string(APPEND missing "\n  ${what}")
    string(APPEND packages " ${package}")
  endif()
endmacro()
flame_needs("TARGET;OpenSSL::SSL" "OpenSSL" libssl-dev)
flame_needs("TARGET;libcbor::libcbor" "libcbor" libcbor-dev)
flame_needs("TARGET;tl::expected" "tl::expected" libexpected-dev)
flame_needs("XXHASH_INCLUDE_DIR" "xxHash" libxxhash-dev)
flame_needs("TARGET;Boost::headers" "Boost 1.81 or newer (on Debian 13 and newer: libboost-dev)" libboost1.81-dev)
if(missing)
  message(FATAL_ERROR
    "flame-session cannot be built; this is missing:${missing}\nDebian, Ubuntu: apt-get install${packages}")
endif()
