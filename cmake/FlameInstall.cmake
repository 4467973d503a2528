# What `cmake --install` brings, and the target that takes it away again. Where this project is a part of another one,
# it installs nothing unless FLAME_SESSION_INSTALL is on.

# The target flame_<name> with its headers as the component <name>, for find_package().
function(flame_install_target name)
  if(FLAME_SESSION_INSTALL)
    install(TARGETS flame_${name} EXPORT flame-session-${name} COMPONENT ${name} FILE_SET HEADERS)
    install(EXPORT flame-session-${name}
      FILE flame-session-${name}-targets.cmake
      NAMESPACE flame-session::
      DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/flame-session"
      COMPONENT ${name})
  endif()
endfunction()

# What pkg-config asks for. MODULES are its names of what the library stands on privately.
# The file leads from where it lies to the rest, so that an installed copy can be moved. A static library needs at every
# link what it stands on; in Requires.private that would come with --static alone, which asks the same of the drivers:
# of libpq, say, LDAP and Kerberos, which a program with the shared libpq need not have.
# tl::expected has no module: the compiler must find its header.
function(flame_install_pkg_config name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "PUBLIC;MODULES")
  if(NOT FLAME_SESSION_INSTALL)
    return()
  endif()
  get_target_property(library flame_${name} OUTPUT_NAME)
  get_target_property(type flame_${name} TYPE)
  set(modules ${arg_PUBLIC})
  list(FILTER modules INCLUDE REGEX "^flame-session::")
  list(TRANSFORM modules REPLACE "^flame-session::(.+)$" "flame-session-\\1")
  list(TRANSFORM modules REPLACE "^flame-session-session$" "flame-session")
  set(flags)
  if(type STREQUAL "STATIC_LIBRARY")
    list(APPEND modules ${arg_MODULES})
    set(flags " -pthread")
  endif()
  list(JOIN modules ", " requires)
  file(RELATIVE_PATH prefix "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
  string(REGEX REPLACE "/$" "" prefix "${prefix}")
  file(RELATIVE_PATH libdir "${CMAKE_INSTALL_PREFIX}" "${CMAKE_INSTALL_FULL_LIBDIR}")
  file(RELATIVE_PATH includedir "${CMAKE_INSTALL_PREFIX}" "${CMAKE_INSTALL_FULL_INCLUDEDIR}")
  configure_file("${PROJECT_SOURCE_DIR}/cmake/flame-session.pc.in" "${PROJECT_BINARY_DIR}/${library}.pc" @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/${library}.pc"
    DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT ${name})
endfunction()

# What belongs to no library: the package's config file, and the pages, laid out as here, for they link to each other.
function(flame_install_package)
  if(NOT FLAME_SESSION_INSTALL)
    return()
  endif()
  include(CMakePackageConfigHelpers)
  set(version_file "${PROJECT_BINARY_DIR}/flame-session-config-version.cmake")
  set(config_file "${PROJECT_BINARY_DIR}/flame-session-config.cmake")
  get_property(stores GLOBAL PROPERTY FLAME_STORES)
  list(JOIN stores " " FLAME_STORES)
  get_property(adapters GLOBAL PROPERTY FLAME_ADAPTERS)
  list(JOIN adapters " " FLAME_ADAPTERS)
  configure_file("${PROJECT_SOURCE_DIR}/cmake/flame-session-config.cmake.in" "${config_file}" @ONLY)
  write_basic_package_version_file("${version_file}" COMPATIBILITY SameMinorVersion)
  install(FILES
    "${version_file}"
    "${config_file}"
    "${PROJECT_SOURCE_DIR}/cmake/Findlibcbor.cmake"
    "${PROJECT_SOURCE_DIR}/cmake/Findlibmariadb.cmake"
    "${PROJECT_SOURCE_DIR}/cmake/Findlibmongoc.cmake"
    "${PROJECT_SOURCE_DIR}/cmake/Findhiredis.cmake"
    DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/flame-session"
    COMPONENT package)
  install(FILES LICENSE README.md README.zh-CN.md CHANGELOG.md CONTRIBUTING.md SECURITY.md
    DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT docs)
  install(DIRECTORY docs examples
    DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT docs
    PATTERN CMakeLists.txt EXCLUDE PATTERN "*.1" EXCLUDE PATTERN node_modules EXCLUDE)
  install(DIRECTORY src/stores
    DESTINATION "${CMAKE_INSTALL_DOCDIR}/src" COMPONENT docs
    FILES_MATCHING PATTERN README.md PATTERN all EXCLUDE)
  if(PROJECT_IS_TOP_LEVEL)
    add_custom_target(uninstall COMMAND "${CMAKE_COMMAND}" -P "${PROJECT_SOURCE_DIR}/cmake/uninstall.cmake")
  endif()
endfunction()
