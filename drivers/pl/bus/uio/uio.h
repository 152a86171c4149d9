/* SPDX-License-Identifier: MIT */
/* The board: registers and interrupts through UIO, memory from u-dma-buf, bitstreams through fpga_manager. */
#ifndef PL_BUS_UIO_UIO_H
#define PL_BUS_UIO_UIO_H

#include <stddef.h>

struct error;

struct uio_settings {
	const char *root;      /* what stands before /sys, /dev and /lib; "": the board itself */
	const char *bitstream; /* the overlay's bitstream, NULL: the one that uio_bitstream finds */
};

/* Applies to buses that are opened later. Both strings must outlive their use; NULL: the default. */
void uio_configure(const struct uio_settings *settings);

/*
 * The path of the bitstream: that of the settings, else TWOBIT_BITSTREAM, else overlay.bit in
 * $XDG_DATA_HOME/twobit (~/.local/share/twobit) or in the installation. out: `size` bytes. 0, -ENOENT or
 * -ENAMETOOLONG.
 */
int uio_bitstream(char *out, size_t size, struct error *e);

#endif
