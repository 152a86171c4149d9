/* SPDX-License-Identifier: MIT */
/*
 * Keeps the warnings and errors that the program logs, from any thread, instead of printing them. It defines
 * __wrap_log_line: tests/CMakeLists.txt links the test with --wrap=log_line.
 */
#ifndef TEST_SUPPORT_CAPTURED_LOG_H
#define TEST_SUPPORT_CAPTURED_LOG_H

/* How many of them since the last captured_log_clear contain the text. */
unsigned captured_log_count(const char *text);

/* The first of them; it stays until the next one after a captured_log_clear. */
const char *captured_log_first(void);

void captured_log_clear(void);

#endif
