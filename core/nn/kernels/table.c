/* SPDX-License-Identifier: MIT */
#include "nn/kernels/table.h"

#include "nn/kernels/kernel.h"

#include <threads.h>

/* Slowest first: each may use functions of those before it. */
static const struct isa *const all[] = {
	&isa_scalar,
#ifdef KERNELS_NEON
	&isa_neon,
#endif
#ifdef KERNELS_X86
	&isa_avx2,
	&isa_avxvnni,
	&isa_avx512,
	&isa_avx512vbmi,
	&isa_avx512vpopcntdq,
	&isa_avx512vnni,
	&isa_amx,
#endif
};

#define ALL ((int)(sizeof(all) / sizeof(all[0])))

static const struct isa *present[ALL];
static const char *names[ALL + 1]; /* fastest first */
static int present_count;
static once_flag detected = ONCE_FLAG_INIT;

static void detect(void)
{
	for (int i = 0; i < ALL; i++)
		if (all[i]->present())
			present[present_count++] = all[i];
	for (int i = 0; i < present_count; i++)
		names[i] = present[present_count - 1 - i]->name;
}

const struct isa *const *isas_present(int *count)
{
	call_once(&detected, detect);
	*count = present_count;
	return present;
}

const char *const *kernel_names(void)
{
	call_once(&detected, detect);
	return names;
}
