/* SPDX-License-Identifier: MIT */
#include "nn/kernels/table.h"

#include "nn/kernels/kernel.h"

#include <threads.h>

/* Slowest first: each may fall back on what stands before it. */
static const struct processor *const all[] = {
	&processor_scalar,
#ifdef KERNELS_NEON
	&processor_neon,
#endif
#ifdef KERNELS_X86
	&processor_avx2,
	&processor_avx512,
	&processor_avx512vpopcntdq,
	&processor_avx512vnni,
#endif
};

#define ALL ((int)(sizeof(all) / sizeof(all[0])))

static const struct processor *present[ALL];
static const char *names[ALL + 1]; /* fastest first */
static int present_count;
static once_flag asked = ONCE_FLAG_INIT;

static void ask(void)
{
	for (int i = 0; i < ALL; i++)
		if (all[i]->present())
			present[present_count++] = all[i];
	for (int i = 0; i < present_count; i++)
		names[i] = present[present_count - 1 - i]->name;
}

const struct processor *const *processors_present(int *count)
{
	call_once(&asked, ask);
	*count = present_count;
	return present;
}

const char *const *kernel_names(void)
{
	call_once(&asked, ask);
	return names;
}
