/* SPDX-License-Identifier: MIT */
/* The board: registers and interrupts through UIO, memory from u-dma-buf, bitstreams through fpga_manager. */
#ifndef PL_BUS_UIO_UIO_H
#define PL_BUS_UIO_UIO_H

#include <stddef.h>

struct error;

struct uio_settings {
	const char *root;      /* what stands before /sys, /dev and /lib; "": the board itself */
	const char *bitstream; /* the overlay's: what uio_bitstream finds */
};

/*
 * For buses that are opened later. Both strings must outlive their use; NULL: "", and what uio_bitstream
 * finds.
 */
void uio_configure(const struct uio_settings *settings);

/*
 * Which bitstream it would be: that of the settings, else TWOBIT_BITSTREAM, else overlay.bit in
 * $XDG_DATA_HOME/twobit (~/.local/share/twobit) or where twobit is installed. out: `size` bytes. 0, -ENOENT
 * or -ENAMETOOLONG.
 */
int uio_bitstream(char *out, size_t size, struct error *e);

#endif
