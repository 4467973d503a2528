# Removes what the last `cmake --install` of this build brought, as it wrote down in manifests, and nothing else. Of the
# folders only those go that are empty then and of our name: of others nobody knows whose they are.
file(GLOB manifests install_manifest*.txt)
if(NOT manifests)
  message(FATAL_ERROR
    "Nothing to uninstall: no install_manifest.txt in this build folder, so `cmake --install` did not run in it, "
    "or what it installed was uninstalled before")
endif()

set(folders)
foreach(manifest IN LISTS manifests)
  file(STRINGS "${manifest}" files)
  foreach(file IN LISTS files)
    set(file "$ENV{DESTDIR}${file}")
    if(EXISTS "${file}" OR IS_SYMLINK "${file}")
      message(STATUS "Removing: ${file}")
      file(REMOVE "${file}")
    endif()
    cmake_path(GET file PARENT_PATH folder)
    while(folder MATCHES "/flame(-session)?(/|$)")
      list(APPEND folders "${folder}")
      cmake_path(GET folder PARENT_PATH folder)
    endwhile()
  endforeach()
  file(REMOVE "${manifest}")
endforeach()

list(REMOVE_DUPLICATES folders)
list(SORT folders ORDER DESCENDING)  # what lies in a folder comes before it
foreach(folder IN LISTS folders)
  file(GLOB left "${folder}/*" "${folder}/.*")
  list(FILTER left EXCLUDE REGEX "/\\.\\.?$")
  if(IS_DIRECTORY "${folder}" AND NOT left)
    file(REMOVE_RECURSE "${folder}")
  endif()
endforeach()
