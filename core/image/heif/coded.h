/* SPDX-License-Identifier: MIT */
/*
 * How large the pictures in coded data are, as the data itself says; a decoder goes by that, whatever the
 * file around it says. AV1: "AV1 Bitstream & Decoding Process Specification", 5.5 (sequence header). HEVC:
 * ITU-T H.265, 7.3.2.2 (sequence parameter set).
 */
#ifndef HEIF_CODED_H
#define HEIF_CODED_H

#include <stddef.h>
#include <stdint.h>

/* Begins as zeros; what is read more than once raises it. */
struct coded {
	uint32_t width, height; /* the largest of any header; 0: there is none */
	uint64_t frames;	/* pictures that are decoded, also those that are not shown */
};

/* Looks through OBUs with their sizes. What is broken ends it: decoders stop there, too. */
void coded_av1(const uint8_t *data, size_t size, struct coded *coded);

/* Looks at one NAL unit. */
void coded_hevc(const uint8_t *unit, size_t size, struct coded *coded);

#endif
