/* SPDX-License-Identifier: MIT */
#ifndef PL_BUS_UIO_BARRIER_H
#define PL_BUS_UIO_BARRIER_H

/* Orders the processor's memory accesses before the register access that follows, and the other way round. */
static inline void barrier(void)
{
#if defined(__arm__) || defined(__aarch64__)
	__asm__ volatile("dsb sy" ::: "memory"); /* the PL is no processor, so `dmb ish` would not do */
#else
	__sync_synchronize();
#endif
}

#endif
