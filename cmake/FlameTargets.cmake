# One folder, one target, one test folder. File lists are globs: a new file needs no edit here.

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

# flame_library(<name> FOLDERS <folder>... HEADERS <pattern>... [EXCLUDE <header>...])
#
# The library flame-session::<name>, target flame_<name>, from the .cpp files of FOLDERS, with HEADERS
# (below include/, less EXCLUDE) as its public ones; installed as the package component <name>.
# A folder without .cpp files defines no target.
function(flame_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "FOLDERS;HEADERS;EXCLUDE")
  set(target flame_${name})
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

  add_library(${target} ${sources})
  add_library(flame-session::${name} ALIAS ${target})
  target_sources(${target} PUBLIC FILE_SET HEADERS
                 BASE_DIRS "${PROJECT_SOURCE_DIR}/include" FILES ${headers})
  flame_compile_options(${target})
  string(REPLACE "flame-session-session" "flame-session" output "flame-session-${name}")
  set_target_properties(${target} PROPERTIES
    EXPORT_NAME ${name}
    OUTPUT_NAME ${output}
    POSITION_INDEPENDENT_CODE ON
    INSTALL_RPATH "$ORIGIN"
    VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})  # no stable ABI before 1.0
  install(TARGETS ${target} EXPORT flame-session-${name} FILE_SET HEADERS)
  install(EXPORT flame-session-${name}
    FILE flame-session-${name}-targets.cmake
    NAMESPACE flame-session::
    DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/flame-session")
endfunction()

function(flame_install_package)
  include(CMakePackageConfigHelpers)
  set(destination "${CMAKE_INSTALL_LIBDIR}/cmake/flame-session")
  set(version_file "${PROJECT_BINARY_DIR}/flame-session-config-version.cmake")
  set(config_file "${PROJECT_BINARY_DIR}/flame-session-config.cmake")
  configure_file("${PROJECT_SOURCE_DIR}/cmake/flame-session-config.cmake.in" "${config_file}" @ONLY)
  write_basic_package_version_file("${version_file}" COMPATIBILITY SameMinorVersion)
  install(FILES
    "${version_file}"
    "${config_file}"
    "${PROJECT_SOURCE_DIR}/cmake/Findlibcbor.cmake"
    DESTINATION "${destination}")
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

# flame_test(<folder> LIBS <target>... [LABELS <label>...])
#
# bin/test_<folder> from all .cpp files of tests/<folder> and the folders in it, each of its tests known to ctest. Private
# headers are included as "<room>/name.hpp". Label `long`: only run by `scripts/test --all`.
function(flame_test folder)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LIBS;LABELS")
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
  target_link_libraries(${target} PRIVATE ${arg_LIBS} GTest::gtest_main)
  # Listed when ctest runs, not while building: so sanitizers' environment applies to it too.
  gtest_discover_tests(${target}
    TEST_PREFIX "${folder}."
    DISCOVERY_MODE PRE_TEST
    DISCOVERY_TIMEOUT 120
    PROPERTIES TIMEOUT 600 LABELS "${arg_LABELS}")
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
