/* SPDX-License-Identifier: MIT */
/*
 * The conversions for each frame: codes become bit planes in a sealed record, and a result is checked and
 * becomes scores or codes.
 */
#include "pl/overlay/plan.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "beats lie in memory least significant byte first");

#define FIELD(name, value) ((uint64_t)(value) << OVERLAY_HEADER_##name##_SHIFT)
#define HEADER(beat, name)                                                                                   \
	((beat) >> OVERLAY_HEADER_##name##_SHIFT & ((UINT64_C(1) << OVERLAY_HEADER_##name##_BITS) - 1))

static uint32_t crc_of(const uint64_t *record, size_t beats)
{
	return (uint32_t)crc32_z(0, (const Bytef *)record, beats * sizeof(*record));
}

void record_seal(uint64_t *record, int type, bool last, int address, uint16_t sequence, size_t beats)
{
	record[0] = FIELD(MAGIC, OVERLAY_RECORD_MAGIC) | FIELD(TYPE, type) | FIELD(LAST, last) |
		    FIELD(ADDRESS, address) | FIELD(LENGTH, beats) | FIELD(SEQUENCE_ID, sequence);
	record[beats + 1] = crc_of(record, beats + 1);
}

/* Bit `plane` of each of eight codes: the multiplication brings the lowest bits of all bytes to the top one.
 */
static uint64_t gather(uint64_t codes, int plane)
{
	return ((codes >> plane & UINT64_C(0x0101010101010101)) * UINT64_C(0x0102040810204080)) >> 56;
}

/* The other way: bit i of `bits` becomes the lowest of byte i. */
static uint64_t spread(uint64_t bits)
{
	uint64_t one = bits * UINT64_C(0x0101010101010101) & UINT64_C(0x8040201008040201);

	return (one + UINT64_C(0x7f7f7f7f7f7f7f7f)) >> 7 & UINT64_C(0x0101010101010101);
}

/* Up to 64 codes as a word for each plane. Inline, so that the usual bits are constants. */
static inline __attribute__((always_inline)) void gather_bits(
	const uint8_t *codes, int count, int bits, uint64_t *planes)
{
	uint64_t words[8] = {0};
	int i = 0;

	for (; i + 8 <= count; i += 8) {
		uint64_t eight;

		memcpy(&eight, codes + i, 8);
		for (int b = 0; b < bits; b++)
			words[b] |= gather(eight, b) << i;
	}
	for (; i < count; i++)
		for (int b = 0; b < bits; b++)
			words[b] |= (uint64_t)(codes[i] >> b & 1) << i;
	for (int b = 0; b < bits; b++)
		planes[b] = words[b];
}

static void gather_planes(const uint8_t *codes, int count, int bits, uint64_t *planes)
{
	switch (bits) {
	case 1:
		gather_bits(codes, count, 1, planes);
		break;
	case 2:
		gather_bits(codes, count, 2, planes);
		break;
	case 4:
		gather_bits(codes, count, 4, planes);
		break;
	default:
		gather_bits(codes, count, bits, planes);
		break;
	}
}

/* A row of one chunk of each pixel; from one plane to the next are `plane` beats. */
static void pack_row(
	const struct overlay_tensor *t, const uint8_t *codes, int count, uint64_t *row, size_t plane)
{
	size_t block = (size_t)t->chunks * OVERLAY_CODE_BEATS;

	for (int x = 0; x < t->shape.width; x++, codes += t->shape.channels) {
		uint64_t *beat = row + (size_t)(x / OVERLAY_PIXELS) * block + x % OVERLAY_PIXELS;
		uint64_t planes[8];

		gather_planes(codes, count, t->bits, planes);
		for (int b = 0; b < t->bits; b++)
			beat[(size_t)b * plane] = planes[b];
	}
}

/* Neighbouring pixels move through a word: it has the channels of pixel x + j j slots up. */
static void pack_packed_row(const struct overlay_tensor *t, const uint8_t *codes, uint64_t *row, size_t plane)
{
	uint64_t words[8] = {0};

	for (int newest = -t->pad_left; newest < t->width - t->pad_left + t->pack - 1; newest++) {
		int column = newest - (t->pack - 1) + t->pad_left;
		uint64_t planes[8] = {0};

		if (newest >= 0 && newest < t->shape.width)
			gather_planes(codes + (size_t)newest * (size_t)t->shape.channels, t->shape.channels,
				t->bits, planes);
		for (int b = 0; b < t->bits; b++) {
			words[b] = words[b] >> t->slot | planes[b] << (t->pack - 1) * t->slot;
			if (column >= 0)
				row[(size_t)b * plane + (size_t)column] = words[b];
		}
	}
}

void program_pack(const struct program *p, const uint8_t *codes, uint16_t sequence, uint64_t *transfer)
{
	const struct overlay_tensor *t = &p->tensors[0];
	size_t pixels = (size_t)t->shape.width * (size_t)t->shape.channels;
	size_t row = (size_t)tensor_row_words(t) * OVERLAY_CODE_BEATS;
	size_t plane = (size_t)t->height * row;
	int depth = layer_depth(p->stages[0].layer);

	for (int y = 0; y < t->height; y++, codes += pixels) {
		uint64_t *beats = transfer + 1 + (size_t)y * row;

		if (t->pack > 1) {
			pack_packed_row(t, codes, beats, plane);
			continue;
		}
		for (int c = 0; c < t->shape.channels;) { /* a chunk's channels, of one group */
			int left = depth - c % depth, count = left < OVERLAY_BITS ? left : OVERLAY_BITS;
			size_t chunk = (size_t)(t->place[c] / OVERLAY_BITS);

			pack_row(t, codes + c, count, beats + chunk * OVERLAY_CODE_BEATS, plane);
			c += count;
		}
	}
	bool alone = p->frame.transfers[0].size == (p->frame_beats + 2) * sizeof(*transfer);
	record_seal(transfer, OVERLAY_RECORD_FRAME, alone, 0, sequence, p->frame_beats);
}

/* The channels of one tile at one pixel. */
static void unpack_codes(const uint64_t *beats, int bits, int count, uint8_t *codes)
{
	uint8_t all[OVERLAY_CHANNELS];

	for (int half = 0; half < 2; half++) {
		uint64_t eight = 0;

		for (int b = 0; b < bits; b++)
			eight |= spread(beats[b / 4] >> (b % 4 * OVERLAY_CHANNELS + half * 8) & 0xff) << b;
		memcpy(all + half * 8, &eight, 8);
	}
	memcpy(codes, all, (size_t)count);
}

static void unpack(const struct program *p, const uint64_t *beats, void *out)
{
	const struct stage *last = &p->stages[p->stage_count - 1];
	struct shape shape = last->pool ? last->pool->out : last->layer->out;
	size_t pixels = (size_t)shape.height * (size_t)shape.width, channels = (size_t)shape.channels;
	size_t each = result_beats(last->layer);

	for (int i = 0; i < p->part_count; i++) {
		const struct layer_part *part = &p->parts[i];

		for (int done = 0; part->stage + 1 == p->stage_count && done < part->channels;
			done += OVERLAY_CHANNELS) {
			int left = part->channels - done;
			int count = left < OVERLAY_CHANNELS ? left : OVERLAY_CHANNELS;
			size_t at = (size_t)part->first_channel + (size_t)done;

			for (size_t j = 0; j < pixels; j++, at += channels, beats += each)
				if (last->layer->epilogue == EPILOGUE_SCORES)
					memcpy((int32_t *)out + at, beats, (size_t)count * sizeof(int32_t));
				else
					unpack_codes(
						beats, last->layer->output_bits, count, (uint8_t *)out + at);
		}
	}
}

int program_unpack(const struct program *p, const uint64_t *result, size_t size, uint16_t sequence, void *out,
	int *failure)
{
	size_t beats = size / sizeof(*result);
	uint64_t last = beats ? result[beats - 1] : 0;

	*failure = 0;
	if (size == p->result_size && (uint32_t)last == crc_of(result, beats - 1)) {
		if (HEADER(result[0], MAGIC) != OVERLAY_RECORD_MAGIC ||
			HEADER(result[0], TYPE) != OVERLAY_RECORD_RESULT ||
			HEADER(result[0], SEQUENCE_ID) != sequence)
			return -EBADMSG;
		unpack(p, result + 1, out);
		return 0;
	}
	if (HEADER(last, MAGIC) != OVERLAY_RECORD_MAGIC || HEADER(last, TYPE) != OVERLAY_RECORD_FAILURE)
		return -EBADMSG;
	*failure = (int)HEADER(last, ADDRESS);
	return -EIO;
}
