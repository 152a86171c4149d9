/* SPDX-License-Identifier: MIT */
/*
 * Bitstreams as Vivado writes them: .bit, with a header, and .bin. Only those for the XC7Z020 are accepted.
 */
#ifndef PL_BUS_UIO_BITSTREAM_H
#define PL_BUS_UIO_BITSTREAM_H

#include <stddef.h>
#include <stdint.h>

struct error;

struct bitstream {
	char design[128], part[32], date[16], time[16]; /* of a .bit; else empty */
	uint8_t *data; /* in the format of the Zynq's fpga_manager: words with their bytes swapped */
	size_t size;   /* bytes, a multiple of 4 */
};

/* 0; -EBADMSG: it is no bitstream, or a damaged one; -EINVAL: it is for another part; -ENOMEM. */
int bitstream_parse(const uint8_t *bytes, size_t size, struct bitstream *out, struct error *e);

/* Reads a file, whose name the message contains; also fails with the errors of reading it. */
int bitstream_load(const char *path, struct bitstream *out, struct error *e);

/* Tells one bitstream from another, whatever their files are called; it is no proof against forgery. */
uint64_t bitstream_hash(const struct bitstream *bitstream);

void bitstream_finish(struct bitstream *bitstream); /* takes a zeroed one */

#endif
