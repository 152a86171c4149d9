/* SPDX-License-Identifier: MIT */
#include "networks.h"

#include <algorithm>
#include <cmath>

made_network::~made_network()
{
	for (struct layer &layer : layers) {
		delete[] layer.weights;
		delete[] layer.thresholds;
		delete[] layer.invert;
		delete[] layer.multiplier;
		delete[] layer.shift;
		delete[] layer.bias;
	}
}

void made_network::input(struct shape s, int input_bits)
{
	shape = s;
	bits = input_bits;
}

/* Thresholds where the sums are, so that every code occurs; some far away, some inverted. */
static void make_thresholds(struct layer *layer, int taps, random_source &random)
{
	int count = (1 << layer->output_bits) - 1, largest = 1 << (layer->weight_bits - 1);
	double spread = std::sqrt(static_cast<double>(taps)) * largest * (1 << layer->input_bits) / 2.5 + 1;

	layer->thresholds = new int32_t[static_cast<size_t>(layer->out.channels) * count];
	layer->invert = new uint8_t[layer->out.channels];
	for (int o = 0; o < layer->out.channels; o++) {
		int32_t *t = layer->thresholds + static_cast<size_t>(o) * count;

		for (int i = 0; i < count; i++)
			t[i] = static_cast<int32_t>(spread * (random.below(2001) - 1000) / 1000);
		if (random.below(16) == 0)
			t[random.below(count)] = random.below(2) ? INT32_MAX : INT32_MIN;
		std::sort(t, t + count);
		layer->invert[o] = random.below(4) == 0;
	}
}

static void make_requantise(struct layer *layer, int taps, random_source &random)
{
	int out = layer->out.channels;
	double spread = std::sqrt(static_cast<double>(taps)) * (1 << layer->weight_bits) *
			(1 << layer->input_bits) / 3;

	layer->multiplier = new int32_t[out];
	layer->shift = new uint8_t[out];
	layer->bias = new int64_t[out];
	for (int o = 0; o < out; o++) {
		int shift = random.between(0, 40);
		double multiplier = 100 / spread * std::pow(2.0, shift);

		while (multiplier > INT32_MAX / 2 && shift > 0) {
			multiplier /= 2;
			shift--;
		}
		layer->shift[o] = static_cast<uint8_t>(shift);
		layer->multiplier[o] = static_cast<int32_t>(multiplier) + random.below(3);
		if (random.below(8) == 0) {
			layer->multiplier[o] = static_cast<int32_t>(random.next());
			layer->shift[o] = static_cast<uint8_t>(random.below(63));
		} else if (random.below(8) == 0) { /* small */
			layer->multiplier[o] = random.between(-3, 3);
			layer->shift[o] = static_cast<uint8_t>(random.between(1, 3));
		}
		/* Half and whole codes; sometimes any number. */
		int64_t one = INT64_C(1) << std::min<int>(layer->shift[o], 53);
		layer->bias[o] = one / 2 + random.between(-50, 200) * one;
		if (random.below(8) == 0)
			layer->bias[o] = static_cast<int64_t>(static_cast<uint64_t>(random.next()) << 32 |
							      random.next()) >>
					 random.between(1, 40);
	}
}

void made_network::convolution(
	int channels, int kernel, int pad, int weight_bits, int output_bits, int groups, int stride)
{
	struct layer layer = {};

	layer.kind = kernel ? LAYER_CONV : LAYER_FULLY_CONNECTED;
	layer.in = shape;
	layer.kernel_height = kernel ? kernel : shape.height;
	layer.kernel_width = kernel ? kernel : shape.width;
	layer.stride_height = layer.stride_width = stride;
	layer.dilation_height = layer.dilation_width = 1;
	layer.pad_top = layer.pad_left = layer.pad_bottom = layer.pad_right = pad;
	layer.out.height = (shape.height + 2 * pad - layer.kernel_height) / stride + 1;
	layer.out.width = (shape.width + 2 * pad - layer.kernel_width) / stride + 1;
	layer.out.channels = channels;
	layer.groups = groups;
	layer.input_bits = bits;
	layer.weight_bits = weight_bits;
	layer.output_bits = output_bits;
	int taps = layer.kernel_height * layer.kernel_width * shape.channels / groups;
	size_t count = static_cast<size_t>(channels) * taps;
	layer.weights = new int8_t[count];
	for (size_t i = 0; i < count; i++)
		layer.weights[i] = static_cast<int8_t>(
			weight_bits == 1 ? random.below(2) * 2 - 1
					 : random.below(1 << weight_bits) - (1 << (weight_bits - 1)));
	layer.epilogue = output_bits == 32  ? EPILOGUE_SCORES
			 : output_bits == 8 ? EPILOGUE_REQUANTISE
					    : EPILOGUE_THRESHOLDS;
	if (layer.epilogue == EPILOGUE_THRESHOLDS)
		make_thresholds(&layer, taps, random);
	else if (layer.epilogue == EPILOGUE_REQUANTISE)
		make_requantise(&layer, taps, random);
	shape = layer.out;
	bits = output_bits;
	layers.push_back(layer);
}

void made_network::pool(int kernel, int pad, bool ceiling)
{
	struct layer layer = {};

	layer.kind = LAYER_MAX_POOL;
	layer.in = shape;
	layer.kernel_height = layer.kernel_width = kernel;
	layer.stride_height = layer.stride_width = 2;
	layer.dilation_height = layer.dilation_width = 1;
	layer.pad_top = layer.pad_left = pad;
	layer.pad_bottom = ceiling && (shape.height + pad - kernel) % 2;
	layer.pad_right = ceiling && (shape.width + pad - kernel) % 2;
	layer.out.height = (shape.height + pad + layer.pad_bottom - kernel) / 2 + 1;
	layer.out.width = (shape.width + pad + layer.pad_right - kernel) / 2 + 1;
	layer.out.channels = shape.channels;
	layer.groups = 1;
	layer.input_bits = layer.output_bits = bits;
	shape = layer.out;
	layers.push_back(layer);
}

std::vector<uint8_t> made_network::codes()
{
	std::vector<uint8_t> in(shape_size(layers[0].in));

	for (uint8_t &code : in)
		code = static_cast<uint8_t>(random.below(1 << layers[0].input_bits));
	return in;
}

std::vector<uint8_t> made_network::run(const std::vector<uint8_t> &in)
{
	std::vector<uint8_t> out(shape_size(shape) * (bits == 32 ? 4 : 1));

	network.layers = layers.data();
	network.layer_count = static_cast<int>(layers.size());
	if (reference_run(&network, 0, network.layer_count, in.data(), out.data()))
		throw std::string("no memory");
	return out;
}

uint64_t made_network::operations() const
{
	uint64_t sum = 0;

	for (const struct layer &layer : layers)
		if (layer.kind != LAYER_MAX_POOL)
			sum += 2 * shape_size(layer.out) * layer.kernel_height * layer.kernel_width *
			       layer.in.channels / layer.groups;
	return sum;
}

std::unique_ptr<made_network> random_network(uint64_t seed, bool small)
{
	auto made = std::make_unique<made_network>(seed);
	random_source &random = made->random;
	static const int widths[] = {1, 2, 4, 8};
	static const int output_widths[] = {1, 2, 4, 8};
	int side = small ? 10 : 20, channels = small ? 100 : 200, layers = random.between(1, small ? 3 : 4);
	bool grouped = random.below(4) == 0;
	int groups = grouped ? random.between(2, 3) : 1;
	auto channel_count = [&] {
		int n = random.below(4) == 0 ? random.between(1, 40) : random.between(1, channels);
		return grouped ? (n + 5) / 6 * 6 : n;
	};

	made->name = "random " + std::to_string(seed);
	made->input(
		{random.between(1, side), random.between(1, side), channel_count()}, widths[random.below(4)]);
	for (int i = 0; i < layers; i++) {
		bool last = i + 1 == layers;
		int least = std::min(made->shape.height, made->shape.width);
		int kernel = std::min(random.between(1, random.below(3) ? 3 : 7), least);
		int output = last && random.below(3) == 0 ? 32 : output_widths[random.below(4)];
		int whole = made->shape.height <= 7 && made->shape.width <= 7 && random.below(4) == 0;
		int stride = random.below(6) ? 1 : 1 << random.between(1, 2);
		int weight_bits = widths[random.below(4)];
		int pad = random.below(kernel);

		if (output == 32 && made->shape.height <= 15 && made->shape.width <= 15)
			whole = 1; /* scores are those of one pixel */
		else if (output == 32)
			output = 2;
		made->convolution(channel_count(), whole ? 0 : kernel, whole ? 0 : pad, weight_bits, output,
			whole || random.below(3) == 0 ? 1 : groups, whole ? 1 : stride);
		least = std::min(made->shape.height, made->shape.width);
		if (output != 32 && least >= 3 && random.below(3) == 0) {
			int size = random.between(2, 3);
			made->pool(size, size == 3 && random.below(3) == 0, random.below(2));
		}
	}
	return made;
}

static void emotion(made_network &n, int b)
{
	n.input({46, 46, 32}, b);
	n.convolution(64, 3, 0, b, b);
	n.pool(2, 0, false);
	n.convolution(128, 3, 0, b, b);
	n.convolution(128, 3, 0, b, b);
	n.pool(2, 0, false);
	n.convolution(256, 3, 0, b, b);
	n.convolution(256, 3, 0, b, b);
	n.pool(2, 0, false);
	n.convolution(256, 0, 0, b, b);
	n.convolution(7, 0, 0, b, 32);
}

std::unique_ptr<made_network> named_network(const std::string &name)
{
	auto made = std::make_unique<made_network>(42);
	made_network &n = *made;

	n.name = name;
	if (name == "dorefanet") {
		n.input({16, 16, 64}, 2);
		n.convolution(128, 3, 1, 1, 2);
		n.pool(2, 0, false);
		n.convolution(256, 3, 1, 1, 2);
		n.pool(2, 0, false);
		n.convolution(512, 3, 1, 1, 2);
		n.pool(2, 0, false);
		n.convolution(1024, 0, 0, 1, 2);
		n.convolution(200, 0, 0, 1, 32);
	} else if (name == "published-dorefanet") { /* the convolutions of QNN-MO-PYNQ's pruned DoReFa-Net */
		n.input({54, 54, 68}, 2);
		n.convolution(180, 5, 2, 1, 2, 2);
		n.pool(3, 0, true);
		n.convolution(272, 3, 1, 1, 2);
		n.pool(3, 0, true);
		n.convolution(384, 3, 1, 1, 2, 2);
		n.convolution(256, 3, 1, 1, 2, 2);
		n.pool(3, 0, true);
	} else if (name == "lfc" || name == "lfc-w1a2") { /* eight frames side by side */
		int b = name == "lfc" ? 1 : 2;
		n.input({1, 8, 784}, b);
		for (int i = 0; i < 3; i++)
			n.convolution(1024, 1, 0, 1, b);
		n.convolution(10, 1, 0, 1, 32);
	} else if (name == "lenet5") {
		n.input({12, 12, 20}, 8);
		n.convolution(50, 5, 0, 8, 8);
		n.pool(2, 0, false);
		n.convolution(500, 0, 0, 8, 8);
		n.convolution(10, 0, 0, 8, 32);
	} else if (name == "emotion-w8a8") {
		emotion(n, 8);
	} else if (name == "emotion-w4a4") {
		emotion(n, 4);
	} else if (name == "emotion-w2a2") {
		emotion(n, 2);
	} else {
		throw std::string("no network ") + name;
	}
	return made;
}
