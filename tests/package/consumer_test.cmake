# Installs the build, then configures, builds and runs the consumer against the installed copy alone.
function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE "${WORK_DIR}")
set(prefix "${WORK_DIR}/prefix")
run(${CMAKE_COMMAND} --install "${BUILD_DIR}" --prefix "${prefix}")

set(configure ${CMAKE_COMMAND} -S "${CONSUMER_DIR}" -G "${GENERATOR}"
  "-DCMAKE_CXX_COMPILER=${COMPILER}" "-DCMAKE_CXX_FLAGS=${FLAGS}" "-DCMAKE_PREFIX_PATH=${prefix}")
string(REPLACE ";" "\\;" components "${COMPONENTS}")  # so that run() keeps them one argument
run(${configure} -B "${WORK_DIR}/build" "-DCOMPONENTS=${components}")
run(${CMAKE_COMMAND} --build "${WORK_DIR}/build")
run(${CMAKE_CTEST_COMMAND} --test-dir "${WORK_DIR}/build" --output-on-failure --no-tests=error)

if(EXISTS "${prefix}/bin/flame-session")  # it finds the libraries beside it
  run("${prefix}/bin/flame-session" --version)
endif()

execute_process(COMMAND ${configure} -B "${WORK_DIR}/wrong" "-DCOMPONENTS=no_such_store"
  RESULT_VARIABLE status ERROR_VARIABLE errors OUTPUT_QUIET)
if(status EQUAL 0 OR NOT errors MATCHES "no_such_store")
  message(FATAL_ERROR "An unknown component was not refused by name:\n${errors}")
endif()
