/* SPDX-License-Identifier: MIT */
/* Memory for a test, which cannot go on without it. */
#ifndef TEST_SUPPORT_MEMORY_H
#define TEST_SUPPORT_MEMORY_H

#include <stdlib.h>

/* Zeros, for free; aborts where there is no memory. */
static inline void *must_allocate(size_t count, size_t size)
{
	void *memory = calloc(count ? count : 1, size);

	if (!memory)
		abort();
	return memory;
}

#endif
