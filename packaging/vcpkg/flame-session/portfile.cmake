# The clone that this port lies in.
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

# A driver that happens to be there would be taken, too.
vcpkg_check_features(OUT_FEATURE_OPTIONS without
  INVERTED_FEATURES
    sqlite CMAKE_DISABLE_FIND_PACKAGE_SQLite3
    postgres CMAKE_DISABLE_FIND_PACKAGE_PostgreSQL
    mysql CMAKE_DISABLE_FIND_PACKAGE_libmariadb
    redis CMAKE_DISABLE_FIND_PACKAGE_hiredis
    mongo CMAKE_DISABLE_FIND_PACKAGE_libmongoc)

vcpkg_cmake_configure(
  SOURCE_PATH "${SOURCE_PATH}"
  OPTIONS
    ${without}
    -DFLAME_SESSION_BUILD_TESTS=OFF
    -DFLAME_SESSION_BUILD_EXAMPLES=OFF
    -DFLAME_SESSION_BUILD_BENCH=OFF
    -DFLAME_SESSION_BUILD_COMMAND=OFF)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/flame-session)
vcpkg_fixup_pkgconfig()
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug/include" "${CURRENT_PACKAGES_DIR}/debug/share")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
