/* SPDX-License-Identifier: MIT */
/*
 * The overlay against the scalar reference, to the last bit:
 *   test_networks random FIRST COUNT REFUSED    random networks, all streams with random gaps
 *   test_networks small FIRST COUNT REFUSED     smaller ones
 *   test_networks shape NAME...                 shapes of shipped networks, three frames in flight; prints
 * cycles test_networks folder DIR                    a network that was saved, random codes behind its first
 * layer test_networks dump SEED DIR                 a small random network for testbench.v, with its right
 * result COUNT networks must be right, from seed FIRST on; the planner may refuse REFUSED on the way, no
 * more.
 */
#include "networks.h"
#include "pl/overlay/registers.h"
#include "plan.h"

extern "C" {
#include "base/error.h"
#include "nn/format/load.h"
}

#include <cstdio>
#include <cstdlib>
#include <cstring>

static uint64_t limit_of(const made_network &n)
{
	return 2000000 + n.operations() / 20;
}

static int random_networks(uint64_t first, int count, int may_refuse, bool small)
{
	int done = 0, refused = 0;
	simulation s;

	for (uint64_t seed = first; done < count && refused <= may_refuse; seed++) {
		auto n = random_network(seed, small);
		std::vector<uint8_t> in = n->codes(), out = n->run(in);
		try {
			struct overlay_limits limits = overlay_limits;

			if (seed % 7 == 0) /* several transfers a frame */
				limits.transfer = 0x3fff;
			plan p(&n->network, 0, n->network.layer_count, seed % 5 == 0, limits);
			std::vector<uint64_t> result;

			s.send_gaps = s.receive_gaps = 0;
			p.program(s);
			s.send_gaps = seed % 3 ? 0 : 100;
			s.receive_gaps = seed % 4 ? 0 : 200;
			p.send(s, in.data(), static_cast<uint16_t>(seed));
			if (!s.receive(&result, limit_of(*n)) ||
				!p.right(result, static_cast<uint16_t>(seed), out.data())) {
				std::fprintf(stderr, "%s is wrong; error %08x\n", n->name.c_str(),
					s.read(OVERLAY_REG_ERROR));
				return 1;
			}
			done++;
		} catch (const std::string &why) {
			std::printf("%s is refused: %s\n", n->name.c_str(), why.c_str());
			refused++;
		}
	}
	std::printf("%d networks right, %d refused, %d may be\n", done, refused, may_refuse);
	return done < count;
}

static int run_frames(made_network &n, plan &p, const char *name)
{
	enum { FRAMES = 4 };
	simulation s;
	std::vector<std::vector<uint8_t>> outs;
	uint32_t last_cycles = 0;

	p.program(s);
	for (int i = 0; i < FRAMES; i++) {
		std::vector<uint8_t> in = n.codes();
		outs.push_back(n.run(in));
		p.send(s, in.data(), static_cast<uint16_t>(1000 + i));
	}
	uint64_t first_result = 0, results_at = 0;
	for (int i = 0; i < FRAMES; i++) {
		std::vector<uint64_t> result;

		if (!s.receive(&result, limit_of(n)) ||
			!p.right(result, static_cast<uint16_t>(1000 + i), outs[i].data())) {
			std::fprintf(stderr, "%s: frame %d is wrong; error %08x\n", name, i,
				s.read(OVERLAY_REG_ERROR));
			return 1;
		}
		if (i == 0)
			first_result = s.cycles();
		results_at = s.cycles();
		last_cycles = static_cast<uint32_t>(result.back() >> 32);
	}
	double period = static_cast<double>(results_at - first_result) / (FRAMES - 1);
	std::printf(
		"%-22s %9.0f cycles a frame, %9u computing, %7u waiting for weights; %9.2f us at 100 MHz; "
		"%.2f Gop/s; partition %d, %d slots, weights %d + %d words, ring %d, %d descriptors\n",
		name, period, last_cycles, s.read(OVERLAY_REG_STALL_CYCLES), period / 100,
		static_cast<double>(n.operations()) / period / 10, p.p->partition, p.p->slots,
		p.p->weight_words, static_cast<int>(p.p->streamed_words), p.p->ring_words, p.p->part_count);
	if (std::getenv("LAYERS"))
		for (int i = 0; i < p.p->part_count; i++)
			std::printf("    descriptor %d: %u\n", i,
				s.read(static_cast<uint32_t>(OVERLAY_REG_LAYER_CYCLES + 4 * i)));
	std::fflush(stdout);
	return 0;
}

static int run_shape(const char *name)
{
	auto n = named_network(name);
	n->network.layers = n->layers.data();
	n->network.layer_count = static_cast<int>(n->layers.size());
	plan p(&n->network, 0, n->network.layer_count);

	return run_frames(*n, p, name);
}

static int folder(const char *path)
{
	struct network *loaded = nullptr;
	struct error e = {};

	if (network_load(path, &loaded, &e)) {
		std::fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	/* made_network owns its arrays: the copy only borrows the pointers, and drops them again. */
	made_network n(7);
	n.layers.assign(loaded->layers + network_split(loaded), loaded->layers + loaded->layer_count);
	n.shape = n.layers.back().out;
	n.bits = n.layers.back().output_bits;
	n.network.layers = n.layers.data();
	n.network.layer_count = static_cast<int>(n.layers.size());
	int rc = 1;
	try {
		plan p(&n.network, 0, n.network.layer_count);
		rc = run_frames(n, p, loaded->name);
	} catch (const std::string &why) {
		std::fprintf(stderr, "%s\n", why.c_str());
	}
	n.layers.clear();
	network_destroy(loaded);
	return rc;
}

static int dump(uint64_t seed, const std::string &path)
{
	auto n = random_network(seed, true);
	std::vector<uint8_t> in = n->codes(), out = n->run(in);
	plan p(&n->network, 0, n->network.layer_count);
	std::vector<uint64_t> result, weights, frame = p.frame(in.data(), 21);
	simulation s;

	p.program(s);
	s.send(frame);
	if (!s.receive(&result, limit_of(*n)) || !p.right(result, 21, out.data()))
		return 1;
	if (!p.resident().empty())
		weights = p.resident()[0];
	auto file = [&](const char *name) {
		std::FILE *f = std::fopen((path + "/" + name).c_str(), "w");
		if (!f)
			throw path + "/" + name + ": cannot be written";
		return f;
	};
	auto writes = p.writes();
	writes.emplace_back(
		OVERLAY_REG_CONTROL, 1U << OVERLAY_CONTROL_ENABLE_SHIFT | 1U << OVERLAY_CONTROL_RESET_SHIFT);
	std::FILE *f = file("writes.hex");
	for (const auto &one : writes)
		std::fprintf(f, "%08x%08x\n", one.first, one.second);
	std::fclose(f);
	f = file("stream.hex");
	for (const auto *transfer : {&weights, &frame})
		for (size_t i = 0; i < transfer->size(); i++)
			std::fprintf(f, "%x%016llx\n", i + 1 == transfer->size(),
				static_cast<unsigned long long>((*transfer)[i]));
	std::fclose(f);
	f = file("result.hex");
	for (uint64_t beat : result)
		std::fprintf(f, "%016llx\n", static_cast<unsigned long long>(beat));
	std::fclose(f);
	std::printf("WRITES=%zu BEATS=%zu RESULT=%zu\n", writes.size(), weights.size() + frame.size(),
		result.size());
	return 0;
}

int main(int argc, char **argv)
{
	try {
		if (argc == 5 && (!std::strcmp(argv[1], "random") || !std::strcmp(argv[1], "small")))
			return random_networks(std::strtoull(argv[2], nullptr, 10), std::atoi(argv[3]),
				std::atoi(argv[4]), !std::strcmp(argv[1], "small"));
		if (argc == 3 && !std::strcmp(argv[1], "folder"))
			return folder(argv[2]);
		if (argc == 4 && !std::strcmp(argv[1], "dump"))
			return dump(std::strtoull(argv[2], nullptr, 10), argv[3]);
		if (argc >= 3 && !std::strcmp(argv[1], "shape")) {
			int rc = 0;
			for (int i = 2; i < argc; i++)
				rc |= run_shape(argv[i]);
			return rc;
		}
	} catch (const std::string &why) {
		std::fprintf(stderr, "%s\n", why.c_str());
		return 1;
	}
	std::fprintf(stderr,
		"usage: test_networks random|small FIRST COUNT REFUSED | shape NAME... | folder DIR | "
		"dump SEED DIR\n");
	return 64;
}
