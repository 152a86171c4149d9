/* SPDX-License-Identifier: MIT */
/* The machine's hardware, clock, temperature and load: measured times depend on them. */
#ifndef MACHINE_MACHINE_H
#define MACHINE_MACHINE_H

#include <stddef.h>
#include <stdint.h>

struct machine {
	char processor[128]; /* this and the other texts: "" if the machine does not report it */
	char board[128];     /* from the device tree */
	char system[128];    /* "Linux 6.1.0-18-amd64 x86_64" */
	char features[256];  /* instructions that kernels may use: "avx2 avx512f" */
	char governor[32];   /* "performance" */
	int processors;
	double clock;	    /* MHz of the fastest processor now, as it is reported; 0: not known */
	double temperature; /* °C of the hottest sensor; NAN: not known */
	double load[3];	    /* average of runnable tasks over 1, 5 and 15 minutes; [0] < 0: not known */
};

/* root: prefix of /proc and /sys; "", or a test's folder. */
void machine_read(const char *root, struct machine *out);

/*
 * MHz at which the calling thread's processor runs, by the time that a chain of additions takes: what is
 * reported may be a nominal value, as in virtual machines. Takes 15 ms.
 */
double machine_frequency(void);

/* Processor time in clock ticks since the machine started; own: of this process. */
struct activity {
	uint64_t busy, all;
	uint64_t own;
};

/* All 0 if the machine does not report it. */
void activity_read(const char *root, struct activity *out);

/* The share of all processor time that other processes took between two readings, 0 … 1; NAN: not known. */
double activity_of_others(const struct activity *begun, const struct activity *ended);

/*
 * For this folder's own use: the first line of a kernel file below root, without its end. The path is
 * formatted as by printf. -1: the file does not exist or cannot be read, with errno set.
 */
int machine_line(char *line, size_t size, const char *root, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
