# Debian's libcbor-dev brings no CMake package. Defines libcbor::libcbor.
find_path(LIBCBOR_INCLUDE_DIR cbor.h)
find_library(LIBCBOR_LIBRARY cbor)
mark_as_advanced(LIBCBOR_INCLUDE_DIR LIBCBOR_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(libcbor
  REQUIRED_VARS LIBCBOR_LIBRARY LIBCBOR_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "Debian and Ubuntu: apt-get install libcbor-dev")

if(libcbor_FOUND AND NOT TARGET libcbor::libcbor)
  add_library(libcbor::libcbor UNKNOWN IMPORTED)
  set_target_properties(libcbor::libcbor PROPERTIES
    IMPORTED_LOCATION "${LIBCBOR_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${LIBCBOR_INCLUDE_DIR}")
endif()
