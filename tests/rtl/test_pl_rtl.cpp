/* SPDX-License-Identifier: MIT */
/*
 * The kind of PL "rtl": driver, DMA and Verilog together, against the scalar reference, to the last bit.
 *   test_pl_rtl FIRST COUNT REFUSED    random networks, of which the planner may refuse so many
 *   test_pl_rtl FOLDER                 a network that was saved; prints cycles with one and with both buffers
 * in use
 *   test_pl_rtl graph                  graphs, of which the overlay takes the first layers and software the
 * rest
 */
#include "networks.h"

extern "C" {
#include "base/error.h"
#include "nn/format/load.h"
#include "pl/pl.h"
#include "support/network_builder.h"
}

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

static int failures;

static void check(bool right, const std::string &network, const char *what)
{
	if (right)
		return;
	std::fprintf(stderr, "%s: %s\n", network.c_str(), what);
	failures++;
}

/* The same as clock_now(), whose header is not C++. */
static int64_t in_two_minutes()
{
	auto now = std::chrono::steady_clock::now() + std::chrono::minutes(2);

	return std::chrono::duration_cast<std::chrono::nanoseconds>(now.time_since_epoch()).count();
}

/* A network behind the PL, and its expected results. */
struct fixture {
	const struct network *network;
	int first;
	std::string name;
	size_t in_size, out_size;
	int bits;
	random_source random{5};
	struct pl *pl = nullptr;
	enum { FRAMES = 5 };
	struct frame {
		std::vector<uint8_t> codes, result;
	} frames[FRAMES], *current[PL_BUFFERS];
	unsigned next = 0;

	fixture(const struct network *n, int first_layer, const std::string &its_name)
	    : network(n), first(first_layer), name(its_name)
	{
		const struct layer &begin = n->layers[first], &end = n->layers[n->layer_count - 1];

		in_size = shape_size(begin.in);
		bits = begin.input_bits;
		out_size = shape_size(end.out) * (end.epilogue == EPILOGUE_SCORES ? sizeof(int32_t) : 1);
	}
	~fixture()
	{
		pl_close(pl);
	}
	fixture(const fixture &) = delete;
	fixture &operator=(const fixture &) = delete;

	int open(struct error *e)
	{
		int rc = pl_open("rtl", nullptr, &pl, e);

		if (rc)
			return rc;
		prepare();
		return pl_load(pl, network, first, network->layer_count, e);
	}
	/* The overlay itself runs every layer. */
	bool whole() const
	{
		return !pl_stopped(pl)[0];
	}
	/* The reference is slow, and frames in flight must not wait for it. */
	void prepare()
	{
		for (frame &one : frames) {
			one.codes.resize(in_size);
			one.result.resize(out_size);
			for (uint8_t &code : one.codes)
				code = static_cast<uint8_t>(random.below(1 << bits));
			if (reference_run(network, first, network->layer_count, one.codes.data(),
				    one.result.data()))
				throw std::string("no memory");
		}
	}
	void submit(int buffer)
	{
		current[buffer] = &frames[next++ % FRAMES];
		std::memcpy(pl_input(pl, buffer), current[buffer]->codes.data(), in_size);
		check(pl_submit(pl, buffer) == 0, name, "a frame is not taken");
	}
	void collect(int buffer)
	{
		int rc = pl_wait(pl, buffer, in_two_minutes());

		if (rc)
			std::fprintf(stderr, "%s: %s\n", name.c_str(), std::strerror(-rc));
		check(!rc && !std::memcmp(pl_output(pl, buffer), current[buffer]->result.data(), out_size),
			name, "a frame is wrong");
	}
	void run(int count, int in_flight)
	{
		for (int i = 0; i < count + in_flight; i++) {
			if (i >= in_flight)
				collect((i - in_flight) % PL_BUFFERS);
			if (i < count)
				submit(i % PL_BUFFERS);
		}
	}
};

/* A reset while frames run, then a reconfiguration: lost frames report an error, later ones are right. */
static void disturb(fixture &b)
{
	struct error e = {};

	b.submit(0);
	b.submit(1);
	check(pl_reset(b.pl) == 0, b.name, "it cannot be reset");
	check(pl_wait(b.pl, 0, INT64_MAX) == -ECANCELED, b.name, "a reset forgets no frame");
	check(pl_wait(b.pl, 1, 0) == -ECANCELED, b.name, "a reset forgets no frame in the queue");
	b.run(3, 2);
	b.submit(1);
	check(pl_reset(b.pl) == 0 && pl_program(b.pl, &e) == 0, b.name, "it cannot be programmed");
	b.run(2, 2);
}

static int random_networks(uint64_t first, int count, int may_refuse)
{
	int done = 0, refused = 0;

	for (uint64_t seed = first; done < count && refused <= may_refuse && !failures; seed++) {
		auto n = random_network(seed, true);
		struct error e = {};

		n->run(n->codes());
		n->network.name = const_cast<char *>(n->name.c_str());
		fixture b(&n->network, 0, n->name);
		if (b.open(&e))
			check(false, n->name, e.text);
		else if (!b.whole()) {
			std::printf("%s is refused: %s\n", n->name.c_str(), pl_stopped(b.pl));
			refused++;
		}
		if (failures || !b.whole())
			continue;
		b.run(3, 2);
		if (done++ % 4 == 0)
			disturb(b);
	}
	std::printf("%d networks right, %d refused, %d may be\n", done, refused, may_refuse);
	return failures || done < count;
}

static struct pl_cycles measure(fixture &b, int in_flight)
{
	enum { FRAMES = 8 };
	struct pl_cycles before, after;

	b.run(2, in_flight);
	pl_cycles_read(b.pl, &before);
	b.run(FRAMES, in_flight);
	pl_cycles_read(b.pl, &after);
	check(after.frames - before.frames == FRAMES, b.name, "the frames are counted wrongly");
	after.total = (after.total - before.total) / FRAMES;
	after.idle = (after.idle - before.idle) / FRAMES;
	return after;
}

static int folder(const char *path)
{
	struct network *network = nullptr;
	struct error e = {};

	if (network_load(path, &network, &e)) {
		std::fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	{
		fixture b(network, network_split(network), network->name);
		if (b.open(&e)) {
			std::fprintf(stderr, "%s\n", e.text);
			failures++;
		} else if (!b.whole()) {
			check(false, b.name, pl_stopped(b.pl));
		} else {
			struct pl_cycles one, both;

			/* A busy machine may start the next frame late. */
			for (int tries = 0; tries < 5 && (!tries || both.idle >= one.idle); tries++) {
				one = measure(b, 1);
				both = measure(b, 2);
			}
			std::printf(
				"%s: a frame takes %u cycles, %.1f us at %.0f MHz; %u waiting for "
				"weights\n",
				network->name, both.frame, both.frame / both.hertz * 1e6, both.hertz / 1e6,
				both.waiting);
			for (int i = 0; i < both.count; i++)
				std::printf(
					"  %-8s %6u\n", both.layers[i].layer->name, both.layers[i].cycles);
			std::printf(
				"one buffer in use: %u cycles from frame to frame, %u of them idle\n"
				"both: %u cycles, %u idle\n",
				one.total, one.idle, both.total, both.idle);
			check(both.idle < one.idle, b.name, "frames do not overlap");
			disturb(b);
		}
	}
	network_destroy(network);
	return failures != 0;
}

/* The graph falls apart behind pool1; the add behind it is not for the overlay. */
static int graphs()
{
	for (uint32_t seed = 1; seed <= 4; seed++) {
		struct network *network = tiny_graph(seed);
		struct error e = {};

		{
			fixture b(network, 1, "graph " + std::to_string(seed));
			check(b.open(&e) == 0, b.name, e.text);
			check(failures || (std::strcmp(pl_name(b.pl), "rtl") == 0 && pl_reach(b.pl) == 3 &&
						  std::strstr(pl_stopped(b.pl), "\"add\"")),
				b.name, "the overlay takes other layers");
			if (!failures) {
				b.run(6, 2);
				disturb(b);
			}
		}
		network_destroy(network);
	}
	return failures != 0;
}

int main(int argc, char **argv)
{
	if (argc == 4)
		return random_networks(
			std::strtoull(argv[1], nullptr, 10), std::atoi(argv[2]), std::atoi(argv[3]));
	if (argc == 2)
		return std::strcmp(argv[1], "graph") == 0 ? graphs() : folder(argv[1]);
	std::fprintf(stderr, "usage: test_pl_rtl FIRST COUNT REFUSED | FOLDER | graph\n");
	return 64;
}
