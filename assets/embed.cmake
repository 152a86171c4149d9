# SPDX-License-Identifier: MIT
# cmake -DINPUT=FILE -DOUTPUT=FILE.c -DNAME=NAME -DMARK=TEXT -P embed.cmake
# writes a C file with what stands before and after MARK in INPUT, as the strings NAME_head and NAME_tail of NAME.h.
file(READ ${INPUT} bytes HEX)
string(HEX ${MARK} mark)
string(REPLACE ${mark} ";" parts ${bytes})
list(LENGTH parts count)
if(NOT count EQUAL 2)
  message(FATAL_ERROR "${INPUT}: ${MARK} must stand in it once")
endif()

# Characters one by one: C limits how long a string literal may be.
list(TRANSFORM parts REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1',")
list(GET parts 0 head)
list(GET parts 1 tail)
file(WRITE ${OUTPUT} "#include \"${NAME}.h\"\n
const char ${NAME}_head[] = {${head}0};
const char ${NAME}_tail[] = {${tail}0};\n")
