/* SPDX-License-Identifier: MIT */
#include "image/heif/coded.h"

#include <stdbool.h>
#include <string.h>

/* OBU types */
enum { OBU_SEQUENCE = 1, OBU_FRAME_HEADER = 3, OBU_FRAME = 6 };

/* NAL unit types */
enum { NAL_CODED_LAST = 31, NAL_SEQUENCE = 33 };

/* Bytes of a sequence parameter set up to its size: with all sub-layers it has 120. */
#define SEQUENCE_BYTES 256

/* Reads bits from the highest on; past the end there are zeros. */
struct bit_reader {
	const uint8_t *data;
	size_t size, at; /* bytes, bits */
};

static uint32_t bits_take(struct bit_reader *bits, unsigned count)
{
	uint32_t value = 0;

	for (; count > 0; count--, bits->at++) {
		unsigned bit =
			bits->at / 8 < bits->size ? bits->data[bits->at / 8] >> (7 - bits->at % 8) & 1 : 0;
		value = value << 1 | bit;
	}
	return value;
}

/* ue(v) of H.265 and uvlc() of AV1: zeros, a one, and as many bits. */
static uint32_t bits_take_exp_golomb(struct bit_reader *bits)
{
	unsigned zeros = 0;

	while (zeros < 32 && bits->at / 8 < bits->size && !bits_take(bits, 1))
		zeros++;
	return zeros == 32 ? UINT32_MAX : (uint32_t)(((uint64_t)1 << zeros) - 1 + bits_take(bits, zeros));
}

static void raise_to(struct coded *coded, uint32_t width, uint32_t height)
{
	if (coded->width < width)
		coded->width = width;
	if (coded->height < height)
		coded->height = height;
}

/* 5.5.5 */
static void take_operating_points(struct bit_reader *bits, bool model, unsigned delay_bits)
{
	bool delays = bits_take(bits, 1);
	unsigned points = bits_take(bits, 5) + 1;

	for (; points > 0; points--) {
		bits_take(bits, 12);
		if (bits_take(bits, 5) > 7)
			bits_take(bits, 1);
		if (model && bits_take(bits, 1))
			bits->at += (size_t)2 * delay_bits + 1;
		if (delays && bits_take(bits, 1))
			bits_take(bits, 4);
	}
}

/*
 * 5.5.1, up to max_frame_height_minus_1. A frame may have a size of its own, of as many bits: decoders do not
 * compare it, so what they allocate is less than four times this.
 */
static void take_sequence_header(const uint8_t *data, size_t size, struct coded *coded)
{
	struct bit_reader bits = {data, size, 0};
	bool model = false;
	unsigned delay_bits = 0;

	bits_take(&bits, 4); /* profile, still_picture */
	if (bits_take(&bits, 1)) {
		bits_take(&bits, 5); /* the level; a reduced header has no more */
	} else {
		if (bits_take(&bits, 1)) { /* timing_info */
			bits.at += 64;
			if (bits_take(&bits, 1))
				bits_take_exp_golomb(&bits);
			model = bits_take(&bits, 1);
		}
		if (model) {
			delay_bits = bits_take(&bits, 5) + 1;
			bits.at += 32 + 5 + 5;
		}
		take_operating_points(&bits, model, delay_bits);
	}
	unsigned width_bits = bits_take(&bits, 4) + 1, height_bits = bits_take(&bits, 4) + 1;
	uint32_t width = bits_take(&bits, width_bits) + 1;
	raise_to(coded, width, bits_take(&bits, height_bits) + 1);
}

/* A number of 7 bits a byte, the lowest first; false: it does not end. */
static bool leb128_take(const uint8_t **data, const uint8_t *end, uint64_t *value)
{
	*value = 0;
	for (unsigned i = 0; i < 8 && *data < end; i++) {
		uint8_t byte = *(*data)++;
		*value |= (uint64_t)(byte & 127) << (7 * i);
		if (!(byte & 128))
			return true;
	}
	return false;
}

void coded_av1(const uint8_t *data, size_t size, struct coded *coded)
{
	const uint8_t *end = data + size;

	while (data < end) {
		uint8_t header = *data++;
		unsigned type = header >> 3 & 15;
		if (header & 4 && data < end)
			data++; /* the extension */
		uint64_t length = (uint64_t)(end - data);
		if (header & 2 && (!leb128_take(&data, end, &length) || length > (uint64_t)(end - data)))
			return;
		if (type == OBU_SEQUENCE)
			take_sequence_header(data, (size_t)length, coded);
		else if (type == OBU_FRAME || type == OBU_FRAME_HEADER)
			coded->frames++;
		data += length;
	}
}

/* 7.3.3: profile, tier and level of all and of sub-layers. */
static void take_levels(struct bit_reader *bits, unsigned sub_layers)
{
	bool profile[8], level[8];

	bits->at += 88 + 8;
	for (unsigned i = 0; i < sub_layers; i++) {
		profile[i] = bits_take(bits, 1);
		level[i] = bits_take(bits, 1);
	}
	if (sub_layers > 0)
		bits->at += 2 * (size_t)(8 - sub_layers);
	for (unsigned i = 0; i < sub_layers; i++)
		bits->at += (profile[i] ? 88 : 0) + (level[i] ? 8 : 0);
}

static void take_sequence_set(const uint8_t *unit, size_t size, struct coded *coded)
{
	uint8_t bytes[SEQUENCE_BYTES];
	struct bit_reader bits = {bytes, 0, 0};

	/* Without the bytes that keep a start code from appearing: 0 0 3. */
	for (size_t i = 2, zeros = 0; i < size && bits.size < sizeof(bytes); i++) {
		if (zeros >= 2 && unit[i] == 3) {
			zeros = 0;
			continue;
		}
		zeros = unit[i] ? 0 : zeros + 1;
		bytes[bits.size++] = unit[i];
	}
	bits_take(&bits, 4);
	unsigned sub_layers = bits_take(&bits, 3);
	bits_take(&bits, 1);
	take_levels(&bits, sub_layers);
	bits_take_exp_golomb(&bits); /* its number */
	if (bits_take_exp_golomb(&bits) == 3)
		bits_take(&bits, 1); /* 4:4:4 in planes of their own */
	uint32_t width = bits_take_exp_golomb(&bits);
	raise_to(coded, width, bits_take_exp_golomb(&bits));
}

void coded_hevc(const uint8_t *unit, size_t size, struct coded *coded)
{
	if (size < 3)
		return;
	unsigned type = unit[0] >> 1 & 63;
	if (type == NAL_SEQUENCE)
		take_sequence_set(unit, size, coded);
	else if (type <= NAL_CODED_LAST && unit[2] & 128)
		coded->frames++; /* first_slice_segment_in_pic_flag */
}
