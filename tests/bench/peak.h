/* SPDX-License-Identifier: MIT */
/*
 * The processor's own limit for the instructions that a kernel is made of: the same mix on registers only.
 * Each function runs about `turns` turns and returns the multiply-accumulates that its instructions amount
 * to.
 */
#ifndef BENCH_PEAK_H
#define BENCH_PEAK_H

struct peak {
	const char *kernel; /* the kernel that it bounds */
	const char *mix;
	int planes_per_product; /* bits: products are one plane's; a layer of n planes needs n of them */
	double (*run)(long turns);
};

/* Those of this processor, by the name of the kernel; NULL: none known. */
const struct peak *peak_of(const char *kernel);

#endif
