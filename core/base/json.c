/* SPDX-License-Identifier: MIT */
#include "base/json.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

static _Thread_local bool missing; /* memory was, since it was set to false */

static void *allocate(size_t size)
{
	void *memory = malloc(size);

	if (!memory)
		missing = true;
	return memory;
}

/* Other threads may be at work with jansson: its own functions are malloc and free, too. */
static void watch_memory(void)
{
	json_set_alloc_funcs(allocate, free);
}

int json_from_text(const char *text, size_t length, json_t **out, json_error_t *fault)
{
	static pthread_once_t watched = PTHREAD_ONCE_INIT;

	pthread_once(&watched, watch_memory);
	missing = false;
	*out = json_loadb(text, length, JSON_REJECT_DUPLICATES, fault);
	if (*out)
		return 0;
	return missing ? -ENOMEM : -EBADMSG;
}
