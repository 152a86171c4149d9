/* SPDX-License-Identifier: MIT */
/* How parameters and codes lie in the memory that QNN-MO-PYNQ's design reads and writes. */
#ifndef PL_QNN_MO_PACK_H
#define PL_QNN_MO_PACK_H

#include "nn/network.h"

/*
 * The parameters of one group of a convolution for one port: QNN_MO_PORT_PES times the weights of a PE, then
 * as often its thresholds. port: 0 (IN1) or 1 (IN2).
 */
void qnn_mo_pack_parameters(const struct layer *convolution, int group, int port, uint64_t *words);

/*
 * Codes of a tensor [height][width][channels], a byte each, to groups and back. A group has
 * QNN_MO_PIXEL_BYTES a pixel, in which its channel c has bits 2c and 2c + 1, and zeros behind its channels;
 * group_bytes lie from one group's first pixel to the next group's.
 */
void qnn_mo_pack_codes(
	const uint8_t *codes, struct shape shape, int groups, uint8_t *memory, size_t group_bytes);
void qnn_mo_unpack_codes(
	const uint8_t *memory, size_t group_bytes, struct shape shape, int groups, uint8_t *codes);

#endif
