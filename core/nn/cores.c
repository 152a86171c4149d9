/* SPDX-License-Identifier: MIT */
#include "nn/cores.h"

#include <stdio.h>

/* The first of the hardware threads that share a core with this one names the core. */
static int core_of(int processor)
{
	char path[96];
	int first = processor;

	snprintf(
		path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", processor);
	FILE *file = fopen(path, "re");
	if (!file)
		return processor;
	if (fscanf(file, "%d", &first) != 1)
		first = processor;
	fclose(file);
	return first;
}

static void add(struct cores *cores, int names[CORES_MOST], int processor, int here)
{
	int name = core_of(processor), i = 0;

	while (i < cores->count && names[i] != name)
		i++;
	if (i == CORES_MOST)
		return;
	if (i == cores->count) {
		names[cores->count++] = name;
		CPU_ZERO(&cores->sets[i]);
	}
	CPU_SET(processor, &cores->sets[i]);
	cores->processors++;
	if (processor == here)
		cores->of_caller = i;
}

void cores_find(struct cores *out)
{
	int names[CORES_MOST], here = sched_getcpu();
	cpu_set_t allowed;

	out->count = out->processors = 0;
	out->of_caller = -1;
	CPU_ZERO(&allowed);
	if (!sched_getaffinity(0, sizeof(allowed), &allowed)) /* fails beyond CPU_SETSIZE processors */
		for (int i = 0; i < CPU_SETSIZE; i++)
			if (CPU_ISSET(i, &allowed))
				add(out, names, i, here);
	if (!out->count)
		out->count = out->processors = 1;
}

int cores_count(void)
{
	struct cores cores;

	cores_find(&cores);
	return cores.count;
}
