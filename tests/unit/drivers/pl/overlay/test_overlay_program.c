/* SPDX-License-Identifier: MIT */
/*
 * What the overlay's driver makes of a network: what it refuses with which message, and how frames and
 * transfers are laid out. That the overlay computes the right thing from it is tested with the Verilog
 * (tests/rtl).
 */
#include "pl/overlay/program.h"

#include "base/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#include "support/layer.h"
#include "support/network_builder.h"

/* One convolution with what a test changes of it; arrays large enough for any of them. */
static struct layer one_layer(int side, int channels, int kernel, int out, int in_bits, int weight_bits)
{
	uint32_t seed = 3;
	struct layer l = tiny_layer("conv", LAYER_CONV, (struct shape){side, side, channels}, out, kernel, 1,
		0, 1, in_bits, weight_bits, 2);

	tiny_layer_fill(&l, &seed);
	return l;
}

static void finish_layer(struct layer *l)
{
	free(l->name);
	free(l->weights);
	free(l->thresholds);
	free(l->invert);
	free(l->multiplier);
	free(l->shift);
	free(l->bias);
}

static int create(struct layer *layers, int count, const struct overlay_limits *limits, struct program **out,
	struct error *e)
{
	struct network network = {.layers = layers, .layer_count = count};

	return program_create(&network, 0, count, limits ? limits : &overlay_limits, false, out, e);
}

static void assert_refused(struct layer *layers, int count, const struct overlay_limits *limits,
	const char *layer, const char *reason)
{
	struct program *program = NULL;
	struct error e = {0};
	int rc = create(layers, count, limits, &program, &e);

	program_destroy(program);
	assert_int_equal(rc, -ENOTSUP);
	assert_int_equal(e.code, -ENOTSUP);
	if (!strstr(e.text, layer) || !strstr(e.text, reason) || !strstr(e.text, "the overlay cannot"))
		fail_msg("\"%s\" names neither %s nor \"%s\"", e.text, layer, reason);
}

static void layers_that_do_not_fit_are_refused(void **state)
{
	struct layer l = one_layer(40, 20, 3, 20, 2, 1), good = l;
	struct program *program = NULL;

	(void)state;
	assert_int_equal(create(&l, 1, NULL, &program, NULL), 0);
	program_destroy(program);
	for (int stride = 3; stride <= 8; stride += 5) {
		l.stride_height = l.stride_width = stride;
		layer_measure(&l);
		assert_refused(&l, 1, NULL, "conv", "a stride of");
	}
	l = good;
	l.kernel_width = 16;
	assert_refused(&l, 1, NULL, "conv", "16 x 3");
	l = good;
	l.pad_top = 16;
	assert_refused(&l, 1, NULL, "conv", "padding");
	l = good;
	l.in.height = 1024;
	assert_refused(&l, 1, NULL, "conv", "40 x 1024 pixels");
	l = good;
	l.in.channels = 70000;
	assert_refused(&l, 1, NULL, "conv", "70000 channels");
	l = good;
	l.output_bits = 5;
	assert_refused(&l, 1, NULL, "conv", "thresholds");
	l = good;
	l.output_bits = 9;
	l.epilogue = EPILOGUE_REQUANTISE;
	assert_refused(&l, 1, NULL, "conv", "codes of 9 bits");
	finish_layer(&good);
}

/* What layers of graphs have and the overlay has not: nothing of it may pass as something else. */
static void graphs_are_refused(void **state)
{
	static const struct {
		size_t field; /* an int of struct layer */
		int value;
		const char *reason;
	} cases[] = {
		{offsetof(struct layer, kind), LAYER_AVERAGE_POOL, "(average pool) is neither a convolution"},
		{offsetof(struct layer, kind), LAYER_ADD, "(add) is neither a convolution"},
		{offsetof(struct layer, kind), LAYER_CONCAT, "(concat) is neither a convolution"},
		{offsetof(struct layer, kind), LAYER_UPSAMPLE, "(upsample) is neither a convolution"},
		{offsetof(struct layer, kind), LAYER_TABLE, "(table) is neither a convolution"},
		{offsetof(struct layer, from_count), 2, "just the layer before it"},
		{offsetof(struct layer, from), NETWORK_INPUT, "just the layer before it"},
		{offsetof(struct layer, input_bits), TENSOR_SUMS, "sums"},
		{offsetof(struct layer, epilogue), EPILOGUE_SUMS, "sums"},
		{offsetof(struct layer, stride_height), 2, "two different strides"},
		{offsetof(struct layer, dilation_width), 2, "dilated"},
		{offsetof(struct layer, clamp_low), 1, "clamps"},
		{offsetof(struct layer, clamp_high), 2, "clamps"},
	};
	struct layer l[2] = {one_layer(9, 20, 3, 20, 2, 1)}, good;
	struct program *program = NULL;

	(void)state;
	l[1] = tiny_layer("second", LAYER_CONV, l[0].out, 20, 3, 1, 1, 1, 2, 1, 2);
	l[1].from_count = 1;
	good = l[1];
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		l[1] = good;
		memcpy((char *)&l[1] + cases[i].field, &cases[i].value, sizeof(int));
		assert_refused(l, 2, NULL, "second", cases[i].reason);
	}
	l[1] = good;
	l[1].pad_code = 1;
	assert_refused(l, 2, NULL, "second", "padded with another code");
	/* What says the same as a chain passes. */
	uint32_t seed = 5;
	l[1] = good;
	l[1].clamp_high = 3;
	tiny_layer_fill(&l[1], &seed);
	assert_int_equal(create(l, 2, NULL, &program, NULL), 0);
	program_destroy(program);
	finish_layer(&l[0]);
	finish_layer(&l[1]);
}

/* 2^27 / 128 / 255 = 4112.06 */
static void accumulators_are_counted(void **state)
{
	struct layer l = one_layer(1, 4112, 1, 1, 8, 8);
	struct program *program = NULL;

	(void)state;
	assert_int_equal(create(&l, 1, NULL, &program, NULL), 0);
	program_destroy(program);
	l.in.channels = 4113;
	assert_refused(&l, 1, NULL, "conv", "28 bits");
	finish_layer(&l);
}

static void pools_that_do_not_fit_are_refused(void **state)
{
	static const struct {
		int side, kernel, stride, pad_before, pad_behind;
		const char *reason; /* NULL: it fits */
	} cases[] = {
		{8, 2, 2, 0, 0, NULL},
		{8, 3, 2, 1, 0, NULL},
		{8, 4, 2, 0, 0, "pools 4 x 4"},
		{8, 2, 1, 0, 0, "stride of 1"},
		{9, 3, 3, 0, 0, "stride of 3"},
		{8, 3, 2, 2, 1, "padding"},
		{9, 3, 2, 0, 2, "one row or column"},
		{140, 2, 2, 0, 0, "70 pixels"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct layer l[2] = {one_layer(cases[i].side, 4, 1, 8, 1, 1)};
		struct program *program = NULL;

		l[1] = tiny_layer(
			"pool", LAYER_MAX_POOL, l[0].out, 8, cases[i].kernel, cases[i].stride, 0, 1, 2, 0, 2);
		l[1].pad_top = l[1].pad_left = cases[i].pad_before;
		l[1].pad_bottom = l[1].pad_right = cases[i].pad_behind;
		layer_measure(&l[1]);
		if (cases[i].reason)
			assert_refused(l, 2, NULL, "pool", cases[i].reason);
		else
			assert_int_equal(create(l, 2, NULL, &program, NULL), 0);
		program_destroy(program);
		assert_refused(l + 1, 1, NULL, "pool", "follows no convolution");
		finish_layer(&l[0]);
		finish_layer(&l[1]);
	}
}

static void too_many_layers_are_refused(void **state)
{
	struct layer l[33];
	struct program *program = NULL;
	struct overlay_limits few = overlay_limits;

	(void)state;
	for (int i = 0; i < 33; i++) {
		l[i] = one_layer(2, 4, 1, 4, 2, 1);
		if (i == 32)
			strcpy(l[i].name, "last");
	}
	assert_int_equal(create(l, 32, NULL, &program, NULL), 0);
	assert_int_equal(program->part_count, 32);
	program_destroy(program);
	assert_refused(l, 33, NULL, "last", "more than the 32");
	few.layers = 31;
	assert_refused(l, 32, &few, "conv", "31");
	l[0].groups = 2; /* a part more */
	assert_refused(l, 32, NULL, "conv", "32");
	for (int i = 0; i < 33; i++)
		finish_layer(&l[i]);
}

static void memory_is_counted(void **state)
{
	struct layer l = one_layer(8, 64, 3, 64, 8, 1), two[2];
	struct overlay_limits small = overlay_limits;
	uint32_t seed = 1;

	(void)state;
	small.pages = 0;
	small.code_words = 63; /* 8 planes · 8 rows · 1 block of 8 pixels are 64 */
	assert_refused(&l, 1, &small, "conv", "64 words");
	two[0] = l;
	two[1] = tiny_layer("next", LAYER_CONV, l.out, 16, 1, 1, 0, 1, 2, 1, 2);
	tiny_layer_fill(&two[1], &seed);
	small.code_words = 64 + 11; /* the second tensor takes 12 */
	assert_refused(two, 2, &small, "conv", "64 and writes 12");
	small = overlay_limits;
	small.pages = 0;
	small.weight_words = 23; /* a tile of conv takes 3 words of thresholds and 9 of weights */
	assert_refused(&l, 1, &small, "conv", "12 words");
	small = overlay_limits;
	small.transfer = 64 * 64 + 15; /* without the frame's trailer */
	assert_refused(&l, 1, &small, "conv", "DMA");
	finish_layer(&l);
	finish_layer(&two[1]);
}

/* A chunk of 64 channels: plane, row, block of 8 pixels; bit c of pixel x is channel c. */
static void a_frame_lies_in_planes(void **state)
{
	struct layer l = one_layer(10, 64, 3, 16, 2, 1);
	struct program *p = NULL;
	uint8_t *codes = calloc(10 * 10, 64);

	(void)state;
	assert_int_equal(create(&l, 1, NULL, &p, NULL), 0);
	assert_int_equal(p->frame_beats, 2 * 10 * 2 * 8);
	assert_int_equal(p->frame.count, 1);
	codes[(3 * 10 + 9) * 64 + 5] = 2;
	codes[63] = 1;
	program_pack(p, codes, 0x1234, p->frame.beats);
	for (size_t i = 0; i < p->frame_beats; i++)
		assert_true(
			p->frame.beats[1 + i] == (i == 0				 ? UINT64_C(1) << 63
							 : i == 160 + 3 * 16 + 1 * 8 + 1 ? UINT64_C(1) << 5
											 : 0));
	assert_true(p->frame.beats[0] ==
		    (0x2BU | 3U << 8 | 1U << 11 | (uint64_t)p->frame_beats << 24 | UINT64_C(0x1234) << 48));
	assert_int_equal(p->frame.beats[p->frame_beats + 1],
		crc32(0, (const Bytef *)p->frame.beats, (uInt)(8 * (p->frame_beats + 1))));
	program_destroy(p);
	free(codes);
	finish_layer(&l);
}

/* 16 channels: three neighbouring pixels in a chunk, with the padding stored. */
static void few_channels_are_packed(void **state)
{
	struct layer l = one_layer(4, 16, 3, 16, 1, 1);
	struct program *p = NULL;
	uint8_t *codes = calloc(4 * 4, 16);

	(void)state;
	l.pad_top = l.pad_left = l.pad_bottom = l.pad_right = 1;
	l.out.height = l.out.width = 4;
	assert_int_equal(create(&l, 1, NULL, &p, NULL), 0);
	assert_int_equal(p->tensors[0].pack, 3);
	assert_int_equal(p->frame_beats, 4 * 8);
	codes[(1 * 4 + 2) * 16 + 7] = 1;	  /* row 1, pixel 2: stored column 3 */
	for (int again = 0; again < 2; again++) { /* over what was there */
		program_pack(p, codes, 0, p->frame.beats);
		for (size_t i = 0; i < p->frame_beats; i++)
			assert_true(p->frame.beats[1 + i] == (i == 8 + 3	  ? UINT64_C(1) << 7
								     : i == 8 + 2 ? UINT64_C(1) << 23
								     : i == 8 + 1 ? UINT64_C(1) << 39
										  : 0));
	}
	program_destroy(p);
	free(codes);
	finish_layer(&l);
}

static void assert_record(const uint64_t *record, size_t size, int type)
{
	size_t beats = size / 8;

	assert_true((record[0] & 0xfff) == (0x2BU | (unsigned)type << 8 | 1U << 11));
	assert_int_equal(record[0] >> 24 & 0xffffff, beats - 2);
	assert_int_equal(record[beats - 1], crc32(0, (const Bytef *)record, (uInt)(8 * (beats - 1))));
}

/* With a short length register the frame and pieces of the streamed weights go in transfers of their own.
 */
static void transfers_are_cut_between_records(void **state)
{
	struct layer l = one_layer(2, 64, 1, 1600, 1, 8);
	struct overlay_limits limits = overlay_limits;
	struct program *whole = NULL, *cut = NULL;
	size_t words = 0;

	(void)state;
	limits.weight_words = 256;
	limits.pages = 0;
	limits.page_words = 64;
	assert_int_equal(create(&l, 1, &limits, &whole, NULL), 0);
	assert_int_equal(whole->frame.count, 1);
	assert_true(whole->streamed_words > 0 && whole->weight_words > 0);
	assert_int_equal(whole->streamed_words + whole->weight_words, 100 * (3 + 8));
	limits.transfer = 4095;
	assert_int_equal(create(&l, 1, &limits, &cut, NULL), 0);
	assert_true(cut->frame.count > 3);
	for (int i = 0; i < cut->frame.count; i++) {
		const struct transfer *t = &cut->frame.transfers[i];

		assert_true(t->size <= limits.transfer);
		assert_int_equal(t->offset, i ? t[-1].offset + t[-1].size : 0);
		if (i) {
			assert_record(cut->frame.beats + t->offset / 8, t->size, OVERLAY_RECORD_STREAMED);
			assert_memory_equal(cut->frame.beats + t->offset / 8 + 1,
				whole->frame.beats + whole->frame_beats + 3 + words, t->size - 16);
			words += t->size / 8 - 2;
		}
	}
	assert_int_equal(words, cut->streamed_words * OVERLAY_WEIGHT_BEATS);
	words = 0;
	for (int i = 0; i < cut->resident.count; i++) {
		const struct transfer *t = &cut->resident.transfers[i];
		const uint64_t *record = cut->resident.beats + t->offset / 8;

		assert_true(t->size <= limits.transfer);
		assert_int_equal(record[0] >> 12 & 0xfff, words);
		words += (t->size / 8 - 2) / OVERLAY_WEIGHT_BEATS;
	}
	assert_int_equal(words, cut->weight_words);
	program_destroy(whole);
	program_destroy(cut);
	finish_layer(&l);
}

static void results_are_checked(void **state)
{
	struct layer l = one_layer(2, 8, 1, 20, 1, 1);
	struct program *p = NULL;
	uint64_t result[10] = {0x2BU | 4U << 8 | 1U << 11 | UINT64_C(77) << 48};
	uint8_t codes[2 * 2 * 20];
	int failure;

	(void)state;
	assert_int_equal(create(&l, 1, NULL, &p, NULL), 0);
	assert_int_equal(p->result_size, sizeof(result));
	result[1] = 1U << 3 | 1U << (16 + 15); /* pixel 0: channel 3 is 1, channel 15 is 2 */
	result[8] = 1U << 3 | 1U << (16 + 3);  /* pixel 3, second tile: channel 19 is 3 */
	result[9] = crc32(0, (const Bytef *)result, 72) | UINT64_C(5000) << 32;
	assert_int_equal(program_unpack(p, result, 80, 77, codes, &failure), 0);
	for (int i = 0; i < 80; i++)
		assert_int_equal(codes[i], i == 3 ? 1 : i == 15 ? 2 : i == 79 ? 3 : 0);
	assert_int_equal(program_unpack(p, result, 80, 78, codes, &failure), -EBADMSG);
	assert_int_equal(program_unpack(p, result, 72, 77, codes, &failure), -EBADMSG);
	assert_int_equal(program_unpack(p, result, 0, 77, codes, &failure), -EBADMSG);
	result[4] ^= 1;
	assert_int_equal(program_unpack(p, result, 80, 77, codes, &failure), -EBADMSG);
	result[2] = 0x2BU | 5U << 8 | 1U << 11 | 6U << 12;
	assert_int_equal(program_unpack(p, result, 24, 77, codes, &failure), -EIO);
	assert_int_equal(failure, 6);
	program_destroy(p);
	finish_layer(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layers_that_do_not_fit_are_refused),
		cmocka_unit_test(accumulators_are_counted),
		cmocka_unit_test(graphs_are_refused),
		cmocka_unit_test(pools_that_do_not_fit_are_refused),
		cmocka_unit_test(too_many_layers_are_refused),
		cmocka_unit_test(memory_is_counted),
		cmocka_unit_test(a_frame_lies_in_planes),
		cmocka_unit_test(few_channels_are_packed),
		cmocka_unit_test(transfers_are_cut_between_records),
		cmocka_unit_test(results_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
