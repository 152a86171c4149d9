/* SPDX-License-Identifier: MIT */
/* Small bitstreams as Vivado would write large ones. */
#ifndef TEST_SUPPORT_BITSTREAM_BUILDER_H
#define TEST_SUPPORT_BITSTREAM_BUILDER_H

#include <stddef.h>
#include <stdint.h>

/* Bytes that are enough for what the functions write. */
#define BITSTREAM_ROOM 512

/* 32-bit words behind the header */
#define BITSTREAM_WORDS 16

/* Writes what follows the header, as a .bin has it; `code` is the IDCODE of the part. Returns bytes. */
size_t bitstream_build_bin(uint8_t *at, uint32_t code);

/* Writes a .bit: the header with the part's name, then what a .bin has. Returns bytes. */
size_t bitstream_build_bit(uint8_t *at, const char *part, uint32_t code);

#endif
