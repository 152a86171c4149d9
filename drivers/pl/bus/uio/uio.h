/* SPDX-License-Identifier: MIT */
/*
 * The board: registers and interrupts through UIO, memory that the PL can reach, bitstreams through
 * fpga_manager.
 */
#ifndef PL_BUS_UIO_UIO_H
#define PL_BUS_UIO_UIO_H

#include "pl/bus/uio/loaded.h"

#include <stdbool.h>
#include <stddef.h>

struct error;

struct uio_settings {
	const char *root;      /* what stands before /sys, /dev and /lib; "": the board itself */
	const char *bitstream; /* the overlay's bitstream, NULL: the one that uio_bitstream finds */
	bool keeps;	       /* a bus opens what twobit has loaded, whatever it was, or fails: -ENODEV */
};

/* Applies to buses that are opened later. Both strings must outlive their use; NULL: the default. */
void uio_configure(const struct uio_settings *settings);

const char *uio_root(void);

/*
 * The path of the bitstream: that of the settings, else TWOBIT_BITSTREAM, else overlay.bit in
 * $XDG_DATA_HOME/twobit (~/.local/share/twobit) or in the installation. out: `size` bytes. 0, -ENOENT or
 * -ENAMETOOLONG.
 */
int uio_bitstream(char *out, size_t size, struct error *e);

/* Whether the board has a device for the window of this name; nothing is opened. */
bool uio_has(const char *window);

/*
 * Whether twobit's note, or else PYNQ's, says that the PL holds base.bit, the design of PYNQ's images.
 * Without a note nobody knows.
 */
bool uio_base_noted(void);

/*
 * Loads a bitstream into the PL, whatever is in it now, and notes that. -EBUSY: a program uses the PL; others
 * as fpga_manager_prepare and fpga_manager_load. `bitstream` is an absolute path, which is noted.
 */
int uio_load(const char *bitstream, struct error *e);

/* What can be told of the PL without touching it. */
struct uio_status {
	char state[64];	      /* fpga_manager's word, "operating"; "": this kernel has no fpga_manager */
	bool holds;	      /* what `loaded` says is still in it */
	struct loaded loaded; /* by twobit, since the machine started; path "": nothing */
	char registers[512];  /* the device of our design's registers, or why there is none */
	char memory[512];     /* the kind of memory that the PL can reach, or why there is none */
};

void uio_status_read(struct uio_status *out);

#endif
