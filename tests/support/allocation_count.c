/* SPDX-License-Identifier: MIT */
#include "support/allocation_count.h"

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#if ALLOCATION_COUNT
static atomic_bool allocation_counting;
static atomic_ulong allocation_made, allocation_freed;
static _Thread_local long allocation_fuse = -1; /* allocations until one fails; negative: none does */
#endif

void allocation_count_begin(void)
{
#if ALLOCATION_COUNT
	atomic_store(&allocation_made, 0);
	atomic_store(&allocation_freed, 0);
	atomic_store(&allocation_counting, true);
#endif
}

struct allocation_count allocation_count_end(void)
{
	struct allocation_count count = {0};

#if ALLOCATION_COUNT
	atomic_store(&allocation_counting, false);
	count.allocations = atomic_load(&allocation_made);
	count.frees = atomic_load(&allocation_freed);
#endif
	return count;
}

void allocation_fail_after(long more)
{
#if ALLOCATION_COUNT
	allocation_fuse = more;
#else
	(void)more;
#endif
}

#if ALLOCATION_COUNT
/* glibc's own entrances, under names that nobody replaces */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);

static bool allocation_fails(void)
{
	if (allocation_fuse < 0 || allocation_fuse-- > 0)
		return false;
	errno = ENOMEM;
	return true;
}

static void *allocation_note(void *memory)
{
	if (memory && atomic_load_explicit(&allocation_counting, memory_order_relaxed))
		atomic_fetch_add(&allocation_made, 1);
	return memory;
}

static void allocation_note_free(const void *memory)
{
	if (memory && atomic_load_explicit(&allocation_counting, memory_order_relaxed))
		atomic_fetch_add(&allocation_freed, 1);
}

void *malloc(size_t size)
{
	return allocation_fails() ? NULL : allocation_note(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
	return allocation_fails() ? NULL : allocation_note(__libc_calloc(count, size));
}

/* Counts as an allocation and a free, also where the memory could grow in place. */
void *realloc(void *memory, size_t size)
{
	void *moved;

	if (allocation_fails())
		return NULL;
	moved = __libc_realloc(memory, size);
	if (moved || !size)
		allocation_note_free(memory);
	return allocation_note(moved);
}

void *memalign(size_t alignment, size_t size)
{
	return allocation_fails() ? NULL : allocation_note(__libc_memalign(alignment, size));
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
	void *made;

	if (!alignment || alignment % sizeof(void *) || (alignment & (alignment - 1)))
		return EINVAL;
	made = memalign(alignment, size);
	if (!made)
		return ENOMEM;
	*memory = made;
	return 0;
}

void free(void *memory)
{
	allocation_note_free(memory);
	__libc_free(memory);
}
#endif
