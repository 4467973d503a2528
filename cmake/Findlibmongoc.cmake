# The CMake package of Debian 13's libmongoc-dev names targets that nobody defines. Defines libmongoc::libmongoc.
find_path(LIBMONGOC_INCLUDE_DIR mongoc/mongoc.h PATH_SUFFIXES libmongoc-1.0)
find_path(LIBBSON_INCLUDE_DIR bson/bson.h PATH_SUFFIXES libbson-1.0)
find_library(LIBMONGOC_LIBRARY mongoc-1.0)
find_library(LIBBSON_LIBRARY bson-1.0)
mark_as_advanced(LIBMONGOC_INCLUDE_DIR LIBBSON_INCLUDE_DIR LIBMONGOC_LIBRARY LIBBSON_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(libmongoc
  REQUIRED_VARS LIBMONGOC_LIBRARY LIBBSON_LIBRARY LIBMONGOC_INCLUDE_DIR LIBBSON_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "Debian and Ubuntu: apt-get install libmongoc-dev")

if(libmongoc_FOUND AND NOT TARGET libmongoc::libmongoc)
  add_library(libmongoc::libmongoc UNKNOWN IMPORTED)
  set_target_properties(libmongoc::libmongoc PROPERTIES
    IMPORTED_LOCATION "${LIBMONGOC_LIBRARY}"
    INTERFACE_LINK_LIBRARIES "${LIBBSON_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${LIBMONGOC_INCLUDE_DIR};${LIBBSON_INCLUDE_DIR}")
endif()
