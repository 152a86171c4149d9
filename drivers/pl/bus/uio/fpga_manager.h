/* SPDX-License-Identifier: MIT */
/* Loads the PL through the kernel: fpga_manager's `firmware` file, or a device-tree overlay. */
#ifndef PL_BUS_UIO_FPGA_MANAGER_H
#define PL_BUS_UIO_FPGA_MANAGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

/* The name below /lib/firmware that a device-tree overlay must give as firmware-name. */
#define FPGA_FIRMWARE "twobit-overlay.bin"

/* The kernel's word for what the PL does, "operating" where it holds a design. 0 or a negative errno value.
 */
int fpga_manager_state(const char *root, char *text, size_t size);

/* 1: the PL holds a design. 0: it does not. -ENOENT: the kernel has no fpga_manager. */
int fpga_manager_operating(const char *root);

/*
 * True where the kernel has no `firmware` file: a device tree then brings the bitstream, and devices appear
 * and disappear.
 */
bool fpga_manager_by_tree(const char *root);

/*
 * Whether the PL holds what fpga_manager_load loaded since the machine started: it notes that in /run, since
 * the kernel does not tell one design from another. bitstream: the file that must have been loaded; if it is
 * NULL or cannot be read, any.
 */
bool fpga_manager_holds(const char *root, const char *bitstream);

/*
 * Programming, in two steps; the first does not touch the PL. `bitstream`: a file for bitstream_load; root:
 * as in files.h; hash: of the bitstream. By tree, a .dtbo of the same name beside it is applied. 0 when the
 * PL is operating. Messages begin with what failed.
 */
int fpga_manager_prepare(const char *root, const char *bitstream, uint64_t *hash, struct error *e);
int fpga_manager_load(const char *root, const char *bitstream, uint64_t hash, struct error *e);

#endif
