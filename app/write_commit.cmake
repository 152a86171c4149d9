# SPDX-License-Identifier: MIT
# cmake -DSOURCE=FOLDER -DOUT=FILE -P write_commit.cmake: the commit of the source into the header, which changes only with it.
# Sources that are no checkout of their own, or a machine without git, give "unknown".
set(commit unknown)
find_program(git git)
if(git)
  execute_process(COMMAND ${git} -C ${SOURCE} rev-parse --show-prefix
                  RESULT_VARIABLE status OUTPUT_VARIABLE prefix OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(status EQUAL 0 AND prefix STREQUAL "")
    execute_process(COMMAND ${git} -C ${SOURCE} describe --always --abbrev=12
                    RESULT_VARIABLE status OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    # Without locks: somebody may be committing meanwhile.
    execute_process(COMMAND ${git} -C ${SOURCE} --no-optional-locks status --porcelain --untracked-files=no
                    OUTPUT_VARIABLE changes ERROR_QUIET)
    if(NOT status EQUAL 0 OR commit STREQUAL "")
      set(commit unknown)
    elseif(changes)
      string(APPEND commit -dirty)
    endif()
  endif()
endif()
configure_file(${CMAKE_CURRENT_LIST_DIR}/commit.h.in ${OUT} @ONLY)
