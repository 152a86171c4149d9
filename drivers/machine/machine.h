/* SPDX-License-Identifier: MIT */
/* What machine this is, how it feels, and what else it does: whoever reads measured times wants to know. */
#ifndef MACHINE_MACHINE_H
#define MACHINE_MACHINE_H

#include <stddef.h>
#include <stdint.h>

struct machine {
	char processor[128]; /* "" where the machine does not report it; so the other texts */
	char board[128];     /* from the device tree */
	char system[128];    /* "Linux 6.1.0-18-amd64 x86_64" */
	char features[256];  /* instructions that kernels may use: "avx2 avx512f" */
	char governor[32];   /* "performance" */
	int processors;
	double clock;	    /* MHz of the fastest processor now; 0: not known */
	double temperature; /* °C of the hottest sensor; NAN: not known */
	double load[3];	    /* average of runnable tasks over 1, 5 and 15 minutes; [0] < 0: not known */
};

/* root stands before /proc and /sys: "", or a folder that tests made. */
void machine_read(const char *root, struct machine *out);

/* The processors' time, in clock ticks since the machine started, and this process's share in it. */
struct activity {
	uint64_t busy, all;
	uint64_t own;
};

/* All 0 where the machine does not report it. */
void activity_read(const char *root, struct activity *out);

/* What share of all processors' time others took between two readings, 0 … 1; NAN: not known. */
double activity_of_others(const struct activity *begun, const struct activity *ended);

/*
 * For this folder's own use: the first line of a file of the kernel's below root, without its end. The path
 * is made as by printf. -1: there is none, or it cannot be read; errno says why.
 */
int machine_line(char *line, size_t size, const char *root, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
