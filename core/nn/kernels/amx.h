/* SPDX-License-Identifier: MIT */
/*
 * The instructions that amx.c is about: matrices of 16 rows of 64 bytes in the tile registers 0 … 7 (Intel's
 * Instruction Set Extensions Programming Reference, chapter AMX). With EMULATED defined they are loops, so
 * that a test can run the kernel on a processor that lacks them.
 */
#ifndef NN_KERNELS_AMX_H
#define NN_KERNELS_AMX_H

#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define TILE_ROWS 16
#define TILE_BYTES 64 /* of a row */

#ifdef EMULATED

#define NAME(name) name "-emulated"
#define ISA isa_amx_emulated

static _Thread_local struct {
	uint8_t bytes[TILE_ROWS][TILE_BYTES];
} registers[8];

static void tiles_begin(void)
{
	memset(registers, 0xa5, sizeof(registers)); /* nobody may rely on what they hold */
}

static void tiles_end(void)
{
}

static inline void tiles_fence(void)
{
}

static inline void tile_zero(int t)
{
	memset(&registers[t], 0, sizeof(registers[t]));
}

static inline void tile_load(int t, const void *from, size_t step)
{
	for (size_t i = 0; i < TILE_ROWS; i++)
		memcpy(registers[t].bytes[i], (const uint8_t *)from + i * step, TILE_BYTES);
}

static inline void tile_store(int t, void *to, size_t step)
{
	for (size_t i = 0; i < TILE_ROWS; i++)
		memcpy((uint8_t *)to + i * step, registers[t].bytes[i], TILE_BYTES);
}

/* Tile `sums` of int32_t += tile `codes` of [16][64] uint8_t · tile `weights` of [16][16][4] int8_t */
static inline void tile_multiply_add(int sums, int codes, int weights)
{
	for (int m = 0; m < TILE_ROWS; m++) {
		int32_t total[TILE_BYTES / 4];

		memcpy(total, registers[sums].bytes[m], sizeof(total));
		for (int k = 0; k < TILE_BYTES; k++)
			for (int n = 0; n < TILE_BYTES / 4; n++)
				total[n] += registers[codes].bytes[m][k] *
					    (int8_t)registers[weights].bytes[k / 4][n * 4 + k % 4];
		memcpy(registers[sums].bytes[m], total, sizeof(total));
	}
}

static bool present(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
}

#else

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NAME(name) name
#define ISA isa_amx

/* Their first argument is a constant. */
#define tile_zero(t) _tile_zero(t)
#define tile_load(t, from, step) _tile_loadd(t, from, step)
#define tile_store(t, to, step) _tile_stored(t, to, step)
#define tile_multiply_add(sums, codes, weights) _tile_dpbusd(sums, codes, weights)

/* All tiles of full size. Static, since compilers do not know that the instruction reads all of it. */
static void tiles_begin(void)
{
	static const struct {
		uint8_t palette, start, reserved[14];
		uint16_t row_bytes[16];
		uint8_t rows[16];
	} config = {1, 0, {0}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};

	_tile_loadconfig(&config);
}

/* Compilers do not know either that loads and stores of tiles touch memory: what is before this is in memory,
 * what is behind it reads it anew. */
static inline void tiles_fence(void)
{
	__asm__ volatile("" ::: "memory");
}

/* Empty tiles cost nothing when the system switches threads. */
static void tiles_end(void)
{
	_tile_release();
}

#define REQUEST_PERMISSION 0x1023 /* ARCH_REQ_XCOMP_PERM of <asm/prctl.h>, which older systems lack */
#define TILE_DATA 18		  /* XFEATURE_XTILEDATA */
#define HAS_TILES (1U << 24)	  /* CPUID, leaf 7, EDX */
#define HAS_TILES_OF_INT8 (1U << 25)

/* Also AVX-512 with VNNI, whose functions are used with this kernel. Linux wants to be asked before the first
 * use, once in the process: its threads' contexts become larger. */
static bool present(void)
{
	unsigned a, b, c, d;
	const unsigned needed = HAS_TILES | HAS_TILES_OF_INT8;

	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni") &&
	       __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & needed) == needed &&
	       syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}

#endif
#endif
