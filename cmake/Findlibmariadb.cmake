# Debian's libmariadb-dev brings no CMake package. Defines libmariadb::libmariadb.
find_path(LIBMARIADB_INCLUDE_DIR mysql.h PATH_SUFFIXES mariadb)
find_library(LIBMARIADB_LIBRARY mariadb)
mark_as_advanced(LIBMARIADB_INCLUDE_DIR LIBMARIADB_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(libmariadb
  REQUIRED_VARS LIBMARIADB_LIBRARY LIBMARIADB_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "Debian and Ubuntu: apt-get install libmariadb-dev")

if(libmariadb_FOUND AND NOT TARGET libmariadb::libmariadb)
  add_library(libmariadb::libmariadb UNKNOWN IMPORTED)
  set_target_properties(libmariadb::libmariadb PROPERTIES
    IMPORTED_LOCATION "${LIBMARIADB_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${LIBMARIADB_INCLUDE_DIR}")
endif()
