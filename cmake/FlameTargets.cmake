# One folder, one target, one test folder. File lists are globs: a new file needs no edit here.

# For who asks scripts/servers: each build has servers of its own.
set(FLAME_SERVERS_ENVIRONMENT "FLAME_SERVERS=${PROJECT_BINARY_DIR}/servers")

# Collects the files of patterns that are relative to the project's root.
function(flame_glob result)
  set(patterns ${ARGN})
  list(TRANSFORM patterns PREPEND "${PROJECT_SOURCE_DIR}/")
  file(GLOB files CONFIGURE_DEPENDS ${patterns})
  set(${result} ${files} PARENT_SCOPE)
endfunction()

# Adds the folders that are there.
function(flame_add_rooms)
  foreach(room IN LISTS ARGN)
    if(EXISTS "${PROJECT_SOURCE_DIR}/${room}/CMakeLists.txt")
      add_subdirectory("${PROJECT_SOURCE_DIR}/${room}" "${PROJECT_BINARY_DIR}/${room}")
    endif()
  endforeach()
endfunction()

function(flame_compile_options target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # g++ 12 sees overlaps in `"text" + std::string()` that are not there (GCC bug 105651).
    # And reads past the end of a moved boost::container::small_vector that has none left.
    target_compile_options(${target} PRIVATE -Wno-restrict -Wno-stringop-overread)
  elseif(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    # libstdc++ 12 sorts with what it calls deprecated itself, and clang 19 tells its users.
    target_compile_options(${target} PRIVATE -Wno-deprecated-declarations)
  endif()
endfunction()

# Gives the target Boost, under a namespace of our own. Programs with another Boost share a process with us: where both
# define the same weak symbols, one side gets the other's code and crashes. The folder is for the includes
# that macros make: <boost/...> becomes <flame_boost/...> there.
function(flame_private_boost target)
  list(GET Boost_INCLUDE_DIRS 0 boost)
  set(private "${PROJECT_BINARY_DIR}/private-boost")
  file(MAKE_DIRECTORY "${private}")
  file(CREATE_LINK "${boost}/boost" "${private}/flame_boost" SYMBOLIC)
  target_compile_definitions(${target} PRIVATE
    boost=flame_boost BOOST_ASIO_DISABLE_VISIBILITY BOOST_DISABLE_EXPLICIT_SYMBOL_VISIBILITY)
  target_include_directories(${target} SYSTEM PRIVATE "${private}")
  target_link_libraries(${target} PRIVATE Boost::headers)
endfunction()

# For the libraries, and for tests of what is private: g++ warns of a class that is shown and holds one that is not.
function(flame_hide target)
  set_target_properties(${target} PROPERTIES CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
endfunction()

# flame_library(<name> FOLDERS <folder>... HEADERS <pattern>... [EXCLUDE <header>...]
#               [PUBLIC <library>...] [PRIVATE <library>...] [MODULES <module>...] [STATIC])
#
# The library flame-session::<name>, target flame_<name>, from the .cpp files of FOLDERS, with HEADERS
# (below include/, less EXCLUDE) as its public ones; installed as the package component <name>. MODULES are
# pkg-config's names of PRIVATE ones; STATIC is one that is never shared.
# It shows what these declare, and hides the rest; its objects, flame_<name>_objects, are for tests of the rest.
# A folder without .cpp files defines no target.
function(flame_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "STATIC" "" "FOLDERS;HEADERS;EXCLUDE;PUBLIC;PRIVATE;MODULES")
  set(target flame_${name})
  set(objects ${target}_objects)
  list(TRANSFORM arg_FOLDERS APPEND "/*.cpp" OUTPUT_VARIABLE source_patterns)
  flame_glob(sources ${source_patterns})
  if(NOT sources)
    message(STATUS "flame-session::${name} is left out: no sources in ${arg_FOLDERS}")
    return()
  endif()
  flame_glob(headers ${arg_HEADERS})
  foreach(header IN LISTS arg_EXCLUDE)
    list(REMOVE_ITEM headers "${PROJECT_SOURCE_DIR}/${header}")
  endforeach()

  # Of our own libraries, objects need the headers alone: who links objects names all of them.
  set(foreign ${arg_PUBLIC})
  list(FILTER foreign EXCLUDE REGEX "^flame-session::")
  add_library(${objects} OBJECT ${sources})
  flame_compile_options(${objects})
  flame_private_boost(${objects})
  flame_hide(${objects})
  set_target_properties(${objects} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_include_directories(${objects} PUBLIC "${PROJECT_SOURCE_DIR}/include")
  target_link_libraries(${objects} PUBLIC ${foreign} PRIVATE ${arg_PRIVATE})

  set(kind)
  if(arg_STATIC)
    set(kind STATIC)
  endif()
  add_library(${target} ${kind} $<TARGET_OBJECTS:${objects}>)
  add_library(flame-session::${name} ALIAS ${target})
  target_sources(${target} PUBLIC FILE_SET HEADERS
                 BASE_DIRS "${PROJECT_SOURCE_DIR}/include" FILES ${headers})
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_link_libraries(${target} PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
  string(REPLACE "flame-session-session" "flame-session" output "flame-session-${name}")
  set_target_properties(${target} PROPERTIES
    LINKER_LANGUAGE CXX
    EXPORT_NAME ${name}
    OUTPUT_NAME ${output}
    INSTALL_RPATH "$ORIGIN"
    VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})  # no stable ABI before 1.0
  flame_install_target(${name})
  flame_install_pkg_config(${name} PUBLIC ${arg_PUBLIC} MODULES ${arg_MODULES})
endfunction()

# flame_store(<name> DRIVER <target> [WITH <target>...] MODULES <module>... PACKAGE <Debian's package>)
#
# The library flame-session::<name> from src/stores/<name>; left out where its driver is not there. Its folder's
# CMakeLists.txt looks for that first. The config file of the installed package knows what it needs, too.
function(flame_store name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "DRIVER;PACKAGE" "WITH;MODULES")
  if(NOT TARGET ${arg_DRIVER})
    message(STATUS "flame-session::${name} is left out: its driver is not installed (apt-get install ${arg_PACKAGE})")
    return()
  endif()
  flame_library(${name}
    FOLDERS src/stores/${name}
    HEADERS include/flame/session/${name}.hpp
    PUBLIC flame-session::session
    PRIVATE ${arg_DRIVER} ${arg_WITH}
    MODULES ${arg_MODULES})
  if(TARGET flame_${name})
    set_property(GLOBAL APPEND PROPERTY FLAME_STORES ${name})
  endif()
endfunction()

# flame_adapter(<name>)
#
# The header-only library flame-session::<name>, include/flame/session/<name>.hpp, for a framework that its users bring:
# it is installed, as the package component <name>, whether or not the framework is here.
function(flame_adapter name)
  set(target flame_${name})
  add_library(${target} INTERFACE)
  add_library(flame-session::${name} ALIAS ${target})
  target_sources(${target} PUBLIC FILE_SET HEADERS
                 BASE_DIRS "${PROJECT_SOURCE_DIR}/include" FILES "${PROJECT_SOURCE_DIR}/include/flame/session/${name}.hpp")
  target_compile_features(${target} INTERFACE cxx_std_20)
  target_link_libraries(${target} INTERFACE flame-session::session)
  # tests/adapters compile it, with its framework.
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name} VERIFY_INTERFACE_HEADER_SETS OFF)
  flame_install_target(${name})
  set_property(GLOBAL APPEND PROPERTY FLAME_ADAPTERS ${name})
endfunction()

# Whether all targets are there; where not, says what is left out for it.
function(flame_has_targets result what)
  set(${result} TRUE PARENT_SCOPE)
  foreach(lib IN LISTS ARGN)
    if(NOT TARGET ${lib})
      message(STATUS "${what} is left out: ${lib} is not built")
      set(${result} FALSE PARENT_SCOPE)
    endif()
  endforeach()
endfunction()

# flame_program(<name> <source> LIBS <target>...): bin/<name>, left out where a target is missing.
function(flame_program name source)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "LIBS")
  flame_has_targets(complete ${name} ${arg_LIBS})
  if(NOT complete)
    return()
  endif()
  add_executable(${name} "${source}")
  flame_compile_options(${name})
  target_link_libraries(${name} PRIVATE ${arg_LIBS})
endfunction()

# flame_test(<folder> LIBS <target>... [LABELS <label>...] [FIXTURES <fixture>...])
#
# bin/test_<folder> from all .cpp files of tests/<folder> and the folders in it, each of its tests known to ctest. Private
# headers are included as "<room>/name.hpp", and libraries of ours linked as objects, for they hide what is private:
# LIBS names those too that the others stand on. Label `long`: only run by `scripts/test --all`.
function(flame_test folder)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LIBS;LABELS;FIXTURES")
  string(REPLACE "/" "_" target "test_${folder}")
  flame_glob(sources "tests/${folder}/*.cpp" "tests/${folder}/*/*.cpp")
  flame_has_targets(complete "tests/${folder}" ${arg_LIBS})
  if(NOT sources OR NOT complete)
    return()
  endif()
  add_executable(${target} ${sources})
  flame_compile_options(${target})
  target_include_directories(${target} PRIVATE
    "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}/src/session" "${PROJECT_SOURCE_DIR}/tests/${folder}")
  if(IS_DIRECTORY "${PROJECT_SOURCE_DIR}/src/${folder}")
    target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/src/${folder}")
  endif()
  flame_private_boost(${target})
  flame_hide(${target})
  if("flame-session::stores" IN_LIST arg_LIBS)
    get_property(stores GLOBAL PROPERTY FLAME_STORES)
    list(TRANSFORM stores PREPEND "flame-session::")
    list(APPEND arg_LIBS ${stores})
  endif()
  list(REMOVE_DUPLICATES arg_LIBS)
  list(TRANSFORM arg_LIBS REPLACE "^flame-session::(.+)$" "flame_\\1_objects")
  target_link_libraries(${target} PRIVATE ${arg_LIBS} GTest::gtest_main)
  set(properties TIMEOUT 600)
  if(arg_LABELS)
    list(APPEND properties LABELS "${arg_LABELS}")
  endif()
  # Listed when ctest runs, not while building: so sanitizers' environment applies to it too.
  gtest_discover_tests(${target}
    TEST_PREFIX "${folder}."
    DISCOVERY_MODE PRE_TEST
    DISCOVERY_TIMEOUT 120
    PROPERTIES ${properties})
  if(arg_FIXTURES)  # a list is no value of a property there
    set(file "${CMAKE_CURRENT_BINARY_DIR}/${target}_fixtures.cmake")
    file(WRITE "${file}" "set_tests_properties(\${${target}_TESTS} PROPERTIES FIXTURES_REQUIRED \"${arg_FIXTURES}\")\n")
    set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${file}")
  endif()
endfunction()

# flame_server_test(<store> SERVERS <name>... [LIBS <target>...])
#
# bin/test_<store> from tests/<store>, as flame_test() does, with the store's library; its tests run while those servers
# of scripts/servers do. Where one is not to be had here its tests are skipped, and say so.
function(flame_server_test store)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SERVERS;LIBS")
  set(fixtures ${arg_SERVERS})
  list(TRANSFORM fixtures PREPEND "server_")
  flame_test(${store} LIBS flame-session::session flame-session::${store} flame-session::test_support ${arg_LIBS}
             FIXTURES ${fixtures})
  if(TARGET test_${store})
    target_include_directories(test_${store} PRIVATE "${PROJECT_SOURCE_DIR}/tests/servers")
    target_compile_definitions(test_${store} PRIVATE
      "SERVERS_SCRIPT=\"${PROJECT_SOURCE_DIR}/scripts/servers\""
      "SERVERS_FOLDER=\"${PROJECT_BINARY_DIR}/servers\"")
  endif()
endfunction()

# flame_refuses(<folder>/<file> <case> <text>): tests/<folder>/refused/<file>.cxx does not compile
# with CASE_<case> defined, and the compiler says the text.
function(flame_refuses source case text)
  get_filename_component(folder "${source}" DIRECTORY)
  get_filename_component(file "${source}" NAME)
  add_test(NAME ${folder}.refuses.${case}
    COMMAND "${CMAKE_CXX_COMPILER}" -std=c++20 -fsyntax-only -DCASE_${case}
            -I "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}/tests/${folder}/refused/${file}.cxx")
  set_tests_properties(${folder}.refuses.${case} PROPERTIES PASS_REGULAR_EXPRESSION "${text}")
endfunction()

# flame_server(<name>): the fixture server_<name>. Each build has servers of its own, so that two can be tested at once:
# who asks scripts/servers for them has ${FLAME_SERVERS_ENVIRONMENT} in its environment. Where one cannot be had, its
# start is skipped and CTest runs the tests of the fixture all the same: the status of `url` is 77 for them then.
function(flame_server name)
  foreach(verb start stop)
    add_test(NAME servers.${name}.${verb} COMMAND "${PROJECT_SOURCE_DIR}/scripts/servers" ${verb} ${name})
    set_tests_properties(servers.${name}.${verb} PROPERTIES
      ENVIRONMENT "${FLAME_SERVERS_ENVIRONMENT}" SKIP_RETURN_CODE 77 TIMEOUT 600)
  endforeach()
  set_tests_properties(servers.${name}.start PROPERTIES FIXTURES_SETUP server_${name})
  set_tests_properties(servers.${name}.stop PROPERTIES FIXTURES_CLEANUP server_${name})
endfunction()

# flame_find_drogon(): Drogon::Drogon as scripts/fetch-drogon has built it, where no other is installed. Its modules set
# variables of CMake's own.
function(flame_find_drogon)
  if(TARGET Drogon::Drogon)
    return()
  endif()
  if(DEFINED ENV{XDG_CACHE_HOME})
    set(cache "$ENV{XDG_CACHE_HOME}")
  else()
    set(cache "$ENV{HOME}/.cache")
  endif()
  list(APPEND CMAKE_PREFIX_PATH "${cache}/flame-session/drogon/files")
  find_package(Drogon QUIET CONFIG)
endfunction()
