/* SPDX-License-Identifier: MIT */
/*
 * Counts the heap's work of a whole test program, libraries included, and makes single allocations fail. It
 * defines malloc and its kin, which then serve every library as well: therefore it is no part of test_support
 * but a library of its own, test_allocation_count, for the programs that need it. Sanitizers replace the
 * heap themselves, and other C libraries have no __libc_malloc: there ALLOCATION_COUNT is 0, the functions
 * do nothing, and tests that need them skip.
 */
#ifndef TEST_SUPPORT_ALLOCATION_COUNT_H
#define TEST_SUPPORT_ALLOCATION_COUNT_H

#include <stdlib.h> /* __GLIBC__ */

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define ALLOCATION_COUNT 0
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#undef ALLOCATION_COUNT
#define ALLOCATION_COUNT 0
#endif
#ifndef ALLOCATION_COUNT
#define ALLOCATION_COUNT 1
#endif

/* For a test that counts, where ALLOCATION_COUNT is 0. */
#define skip_uncounted()                                                                                     \
	do {                                                                                                 \
		print_message(                                                                               \
			"skipped: allocations cannot be counted beside a sanitizer, or in this C "           \
			"library\n");                                                                        \
		skip();                                                                                      \
	} while (0)

struct allocation_count {
	unsigned long allocations; /* that succeeded, in all threads */
	unsigned long frees;	   /* of anything but NULL */
};

void allocation_count_begin(void);
struct allocation_count allocation_count_end(void);

/* The allocation after `more` others of this thread fails, once. Negative: none fails any more. */
void allocation_fail_after(long more);

#endif
