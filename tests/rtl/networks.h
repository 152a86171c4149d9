/* SPDX-License-Identifier: MIT */
/* Networks to test with: random ones, and the shapes of shipped ones with random weights. */
#ifndef RTL_NETWORKS_H
#define RTL_NETWORKS_H

extern "C" {
#include "nn/network.h"
#include "nn/reference.h"
}

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

struct random_source {
	uint64_t state;
	explicit random_source(uint64_t seed) : state(seed * 0x9E3779B97F4A7C15U + 1)
	{
	}
	uint32_t next()
	{
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		return static_cast<uint32_t>(state >> 16);
	}
	int below(int limit)
	{
		return static_cast<int>(next() % static_cast<uint32_t>(limit));
	}
	int between(int low, int high)
	{
		return low + below(high - low + 1);
	}
};

/* Owns the arrays of its layers. */
class made_network
{
      public:
	explicit made_network(uint64_t seed) : random(seed)
	{
	}
	made_network(const made_network &) = delete;
	made_network &operator=(const made_network &) = delete;
	~made_network();

	void input(struct shape shape, int bits);
	/* kernel 0: the whole input. output_bits 32: scores; 8: requantised; else thresholds. */
	void convolution(int channels, int kernel, int pad, int weight_bits, int output_bits, int groups = 1,
		int stride = 1);
	void pool(int kernel, int pad_top_left, bool ceiling);

	struct network network = {};
	std::vector<struct layer> layers;
	random_source random;
	std::string name;

	std::vector<uint8_t> codes(); /* a random input */
	std::vector<uint8_t> run(
		const std::vector<uint8_t> &in); /* what the reference computes from it, as bytes */
	struct shape shape;
	int bits = 0;
	uint64_t operations() const;
};

/* Up to four layers; small enough for the slower model when `small`. */
std::unique_ptr<made_network> random_network(uint64_t seed, bool small);

/* "dorefanet", "published-dorefanet", "lfc", "lfc-w1a2", "lenet5", "emotion-w8a8", "emotion-w4a4",
 * "emotion-w2a2": what follows the first layer. Throws std::string for another name. */
std::unique_ptr<made_network> named_network(const std::string &name);

#endif
