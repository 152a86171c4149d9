/* SPDX-License-Identifier: MIT */
#include "support/random_graph.h"

#include "nn/limits.h"
#include "nn/reference.h"
#include "support/layer.h"
#include "support/memory.h"
#include "support/random.h"
#include "support/random_network.h"

#include <stdio.h>
#include <string.h>

#define MOST_LAYERS 64

#define PICK(...)                                                                                            \
	((const int[]){__VA_ARGS__})[random_below((int)(sizeof((const int[]){__VA_ARGS__}) / sizeof(int)))]

/* A network while it grows, with what each of its layers makes of one picture. */
struct growth {
	struct network *network;
	void *made[MOST_LAYERS + 1]; /* [layer + 1] */
	bool read[MOST_LAYERS + 1];
};

static struct layer *next_layer(struct growth *g, enum layer_kind kind)
{
	struct layer *l = &g->network->layers[g->network->layer_count];
	char name[24];

	snprintf(name, sizeof(name), "l%d", g->network->layer_count);
	*l = (struct layer){
		.name = strdup(name),
		.kind = kind,
		.in = l->in, /* the first one's says what the network's input is */
		.input_bits = l->input_bits,
		.kernel_height = 1,
		.kernel_width = 1,
		LAYER_STEPS_OF_ONE,
		.groups = 1,
	};
	return l;
}

/* `from` becomes an input of the layer; the first one gives it its shape and bits. */
static void read_tensor(struct growth *g, struct layer *l, int from)
{
	struct tensor t = network_tensor(g->network, from);

	if (l->from_count == 0) {
		l->in = l->out = t.shape;
		l->input_bits = l->output_bits = t.bits;
	} else if (l->kind == LAYER_CONCAT) {
		l->out.channels = l->in.channels += t.shape.channels;
	}
	l->from[l->from_count++] = from;
}

static void random_window(struct layer *l)
{
	l->kernel_height = PICK(1, 2, 3, 5);
	l->kernel_width = random_below(2) ? l->kernel_height : PICK(1, 3);
	l->stride_height = PICK(1, 1, 2);
	l->stride_width = random_below(4) ? l->stride_height : PICK(1, 2, 3);
	l->dilation_height = random_below(4) ? 1 : 2;
	l->dilation_width = random_below(4) ? 1 : PICK(1, 2, 3);
	int span_height = (l->kernel_height - 1) * l->dilation_height + 1;
	int span_width = (l->kernel_width - 1) * l->dilation_width + 1;
	l->pad_top = random_below(span_height);
	l->pad_left = random_below(span_width);
	l->pad_bottom = random_below(span_height);
	l->pad_right = random_below(span_width);
	if (span_height > l->in.height + l->pad_top + l->pad_bottom) {
		l->kernel_height = 1;
		l->pad_top = l->pad_bottom = 0;
	}
	if (span_width > l->in.width + l->pad_left + l->pad_right) {
		l->kernel_width = 1;
		l->pad_left = l->pad_right = 0;
	}
	if (l->kind != LAYER_MAX_POOL && random_below(2))
		l->pad_code = (uint8_t)random_below(1 << l->input_bits);
	layer_measure(l);
}

static void random_codes_end(struct layer *l)
{
	l->output_bits = PICK(1, 2, 4, 8, 8);
	l->epilogue = random_below(2) ? EPILOGUE_THRESHOLDS : EPILOGUE_REQUANTISE;
	if (l->epilogue == EPILOGUE_REQUANTISE && random_below(3) == 0) {
		l->clamp_high = 1 + random_below((1 << l->output_bits) - 1);
		l->clamp_low = random_below(l->clamp_high + 1);
	}
}

static void random_conv(struct layer *l)
{
	l->weight_bits = PICK(1, 1, 2, 4, 8);
	l->out.channels = PICK(1, 3, 8, 16, 33, 64, 70);
	if (random_below(3) == 0) {
		l->groups = l->in.channels; /* depthwise */
		l->out.channels = l->in.channels;
	} else if (l->in.channels % 2 == 0 && random_below(3) == 0) {
		l->groups = 2;
		l->out.channels *= 2;
	}
	random_window(l);
	random_codes_end(l);
	random_weights(l, EXTREME_NONE);
}

static void random_table(struct layer *l)
{
	size_t entries = (size_t)1 << l->input_bits;

	l->output_bits = PICK(1, 2, 4, 8);
	l->table_rows = random_below(2) ? 1 : l->in.channels;
	l->table = must_allocate((size_t)l->table_rows * entries, 1);
	for (size_t i = 0; i < (size_t)l->table_rows * entries; i++)
		l->table[i] = (uint8_t)random_below(1 << l->output_bits);
	for (size_t row = 1; row < (size_t)l->table_rows; row++) /* runs of the same */
		if (random_below(3))
			memcpy(l->table + row * entries, l->table + (row - 1) * entries, entries);
}

static void random_upsample(struct layer *l)
{
	l->stride_height = PICK(1, 2, 3);
	l->stride_width = PICK(1, 2);
	l->stuffed = random_below(2);
	if (l->stuffed)
		l->pad_code = (uint8_t)random_below(1 << l->input_bits);
	l->out.height =
		l->stuffed ? (l->in.height - 1) * l->stride_height + 1 : l->in.height * l->stride_height;
	l->out.width = l->stuffed ? (l->in.width - 1) * l->stride_width + 1 : l->in.width * l->stride_width;
}

static int compare_numbers(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return (x > y) - (x < y);
}

/* Factors whose sums of these inputs fill about 16 bits, after a shift. */
static void random_add(struct growth *g, struct layer *l)
{
	size_t channels = (size_t)l->out.channels;
	int levels = 0;

	l->factors = must_allocate((size_t)l->from_count * channels, sizeof(int32_t));
	l->shift = must_allocate(channels, 1);
	l->bias = must_allocate(channels, sizeof(int64_t));
	for (int i = 0; i < l->from_count; i++) {
		bool sums = network_tensor(g->network, l->from[i]).bits == TENSOR_SUMS;
		int reach = sums ? 1 << PICK(4, 12, 20) : 1 << PICK(8, 16, 20, 24);

		for (size_t c = 0; c < channels; c++)
			l->factors[(size_t)i * channels + c] = random_below(2 * reach) - reach;
	}
	if (random_below(4) == 0) {
		l->epilogue = EPILOGUE_SUMS;
		l->output_bits = TENSOR_SUMS;
		l->clamp_high = random_below(2) ? 1 << 20 : 0;
	} else {
		random_codes_end(l);
	}
	if (l->epilogue == EPILOGUE_THRESHOLDS)
		levels = (1 << l->output_bits) - 1;
	l->thresholds = levels ? must_allocate(channels * (size_t)levels, sizeof(int32_t)) : NULL;
	for (size_t c = 0; c < channels; c++) {
		l->shift[c] = (uint8_t)(random_below(8) ? 8 + random_below(20) : random_below(63));
		l->bias[c] =
			(int64_t)(random_word() >> (2 + random_below(60))) - (random_below(2) ? 1 << 20 : 0);
		for (int i = 0; i < levels; i++)
			l->thresholds[c * (size_t)levels + (size_t)i] = random_below(1 << 16) - (1 << 15);
		if (levels)
			qsort(l->thresholds + c * (size_t)levels, (size_t)levels, sizeof(int32_t),
				compare_numbers);
	}
}

static const struct reference_input *inputs_of(const struct growth *g, const struct layer *l)
{
	static struct reference_input in[LAYER_INPUTS];

	for (int i = 0; i < l->from_count; i++)
		in[i] = (struct reference_input){
			network_tensor(g->network, l->from[i]), g->made[l->from[i] + 1]};
	return in;
}

/* Adds the layer, and computes what it makes. */
static void finish_layer(struct growth *g, struct layer *l)
{
	const struct reference_input *in = inputs_of(g, l);
	int index = g->network->layer_count;

	if (l->output_bits != TENSOR_SUMS && layer_has_accumulator(l) && l->kind != LAYER_ADD)
		random_epilogue(l, in[0].data);
	g->made[index + 1] = must_allocate(layer_output_size(l), 1);
	reference_layer(l, in, g->made[index + 1]);
	for (int i = 0; i < l->from_count; i++)
		g->read[l->from[i] + 1] = true;
	if (l->from_count == 1 && l->from[0] == index - 1 && random_below(2))
		l->from_count = 0; /* which means the same */
	g->network->layer_count++;
}

/* An earlier tensor of codes; those that nothing reads yet more often. */
static int random_source(const struct growth *g)
{
	for (;;) {
		int from = random_below(g->network->layer_count + 1) - 1;
		bool codes = network_tensor(g->network, from).bits != TENSOR_SUMS;

		if (codes && (!g->read[from + 1] || random_below(4) == 0))
			return from;
		if (codes && random_below(50) == 0)
			return from;
	}
}

static bool alike(struct shape a, struct shape b, bool channels)
{
	return a.height == b.height && a.width == b.width && (!channels || a.channels == b.channels);
}

/* More inputs for an add or a concat, where there are tensors of its shape. */
static void read_more(struct growth *g, struct layer *l)
{
	for (int from = g->network->layer_count - 1; from >= NETWORK_INPUT && l->from_count < 4; from--) {
		struct tensor t = network_tensor(g->network, from);
		bool fits = alike(t.shape, l->in, l->kind == LAYER_ADD) &&
			    (l->kind == LAYER_ADD || t.bits == l->input_bits);

		if (fits && random_below(2))
			read_tensor(g, l, from);
	}
}

/* A convolution whose sums an add reads. */
static void grow_sums(struct growth *g)
{
	struct layer *l = next_layer(g, LAYER_CONV);

	read_tensor(g, l, random_source(g));
	random_conv(l);
	l->epilogue = EPILOGUE_SUMS;
	l->output_bits = TENSOR_SUMS;
	l->clamp_low = l->clamp_high = 0;
	finish_layer(g, l);
}

/* Where all windows hold some pixels, and a multiple of their numbers is in range. */
static void leave_padding_out(struct layer *l)
{
	int64_t pixels = random_below(2);

	for (int y = 0; y < l->out.height; y++)
		for (int x = 0; x < l->out.width && pixels; x++) {
			int inside = layer_pixels_inside(l, y, x);
			int64_t multiple = pixels;

			while (inside && multiple % inside)
				multiple += pixels;
			pixels = inside && multiple < INT32_MAX >> 8 ? multiple : 0;
		}
	l->pixels = (int)pixels;
	if (pixels)
		l->pad_code = 0;
}

static void grow(struct growth *g, enum layer_kind kind)
{
	struct layer *l = next_layer(g, kind);
	struct tensor before = network_tensor(g->network, g->network->layer_count - 1);

	read_tensor(g, l, before.bits == TENSOR_SUMS ? g->network->layer_count - 1 : random_source(g));
	if (kind == LAYER_CONV)
		random_conv(l);
	else if (kind == LAYER_MAX_POOL || kind == LAYER_AVERAGE_POOL)
		random_window(l);
	else if (kind == LAYER_TABLE)
		random_table(l);
	else if (kind == LAYER_UPSAMPLE && l->in.height < 20 && l->in.width < 20)
		random_upsample(l);
	if (kind == LAYER_AVERAGE_POOL) {
		random_codes_end(l);
		leave_padding_out(l);
	}
	if (kind == LAYER_ADD ||
		(kind == LAYER_CONCAT && g->network->layer_count)) /* the first one is the input */
		read_more(g, l);
	if (kind == LAYER_ADD)
		random_add(g, l);
	finish_layer(g, l);
}

/* A global average pool of 8 bits behind a tensor that nothing reads. */
static void pool_end(struct growth *g, int from)
{
	struct layer *l = next_layer(g, LAYER_AVERAGE_POOL);

	read_tensor(g, l, from);
	l->kernel_height = l->in.height;
	l->kernel_width = l->in.width;
	layer_measure(l);
	l->epilogue = EPILOGUE_REQUANTISE;
	l->output_bits = 8;
	finish_layer(g, l);
}

static void join_ends(struct growth *g)
{
	int ends[LAYER_INPUTS], count = 0, made = g->network->layer_count;

	for (int i = 0; i < made; i++)
		if (!g->read[i + 1] && count < LAYER_INPUTS) {
			pool_end(g, i);
			ends[count++] = g->network->layer_count - 1;
		}
	struct layer *join = next_layer(g, LAYER_CONCAT);
	for (int i = 0; i < count; i++)
		read_tensor(g, join, ends[i]);
	finish_layer(g, join);
	struct layer *last = next_layer(g, random_below(2) ? LAYER_FULLY_CONNECTED : LAYER_ADD);
	read_tensor(g, last, g->network->layer_count - 1);
	last->output_bits = TENSOR_SUMS;
	last->epilogue = EPILOGUE_SCORES;
	if (last->kind == LAYER_ADD) {
		last->factors = must_allocate((size_t)last->out.channels, sizeof(int32_t));
		for (int c = 0; c < last->out.channels; c++)
			last->factors[c] = random_below(2000) - 1000;
	} else {
		last->out.channels = 10;
		last->weight_bits = 8;
		random_weights(last, EXTREME_NONE);
	}
	finish_layer(g, last);
}

static void name_classes(struct network *network)
{
	network->class_count = network->layers[network->layer_count - 1].out.channels;
	network->scale = must_allocate((size_t)network->class_count, sizeof(float));
	network->bias = must_allocate((size_t)network->class_count, sizeof(float));
	network->labels = (char **)must_allocate((size_t)network->class_count, sizeof(char *));
	for (int i = 0; i < network->class_count; i++) {
		char label[24];
		snprintf(label, sizeof(label), "class %d", i);
		network->labels[i] = strdup(label);
		network->scale[i] = 1;
	}
}

struct network *random_graph(int most)
{
	static const enum layer_kind kinds[] = {LAYER_CONV, LAYER_CONV, LAYER_MAX_POOL, LAYER_AVERAGE_POOL,
		LAYER_ADD, LAYER_ADD, LAYER_CONCAT, LAYER_UPSAMPLE, LAYER_TABLE};
	struct growth g = {.network = must_allocate(1, sizeof(*g.network))};
	struct network *network = g.network;
	int count = 3 + random_below(most - 2);

	network->name = strdup("graph");
	network->layers = must_allocate(MOST_LAYERS, sizeof(*network->layers));
	/* network_tensor knows the network's input by the first layer */
	network->layers[0].in =
		(struct shape){4 + random_below(12), 4 + random_below(12), PICK(1, 3, 16, 34, 64)};
	network->layers[0].input_bits = PICK(1, 2, 4, 8, 8);
	struct tensor input = network_tensor(network, NETWORK_INPUT);
	g.made[0] = random_codes(input.shape, input.bits, EXTREME_NONE);
	while (network->layer_count < count) {
		bool sums = network->layer_count &&
			    network_tensor(network, network->layer_count - 1).bits == TENSOR_SUMS;
		if (!sums && network->layer_count && random_below(8) == 0)
			grow_sums(&g);
		else
			grow(&g, sums ? LAYER_ADD
				      : kinds[random_below((int)(sizeof(kinds) / sizeof(*kinds)))]);
		if (network_tensor(network, network->layer_count - 1).bits == TENSOR_SUMS &&
			network->layer_count == count)
			count++;
	}
	join_ends(&g);
	name_classes(network);
	for (int i = 0; i <= network->layer_count; i++)
		free(g.made[i]);
	return network;
}
