/* SPDX-License-Identifier: MIT */
/*
 * Broken streams, bad descriptors, blocked neighbours and resets at any time: the register bus always
 * answers, the error names the rule, the sender comes to an end, and after a reset the next frame is right.
 */
#include "networks.h"
#include "pl/overlay/registers.h"
#include "plan.h"

#include <cstdio>
#include <cstdlib>
#include <functional>

struct fixture {
	simulation s;
	std::unique_ptr<made_network> n;
	std::unique_ptr<plan> p;
	std::vector<uint8_t> in, out;

	explicit fixture(uint64_t seed) : n(random_network(seed, true))
	{
		in = n->codes();
		out = n->run(in);
		p = std::make_unique<plan>(&n->network, 0, n->network.layer_count);
		p->program(s);
	}
	uint32_t error()
	{
		return s.read(OVERLAY_REG_ERROR) & 15;
	}
};

static int failures;

static void check(bool right, const char *what, const char *detail)
{
	if (right)
		return;
	std::fprintf(stderr, "%s: %s\n", what, detail);
	failures++;
}

/* After a reset everything is as before: descriptors, weights and settings stayed. */
static void check_recovery(fixture &b, const char *what)
{
	std::vector<uint64_t> result;

	b.s.sender_stuck = b.s.receiver_stuck = false;
	b.s.reset_by_register();
	check(b.error() == 0, what, "the error survives a reset");
	b.s.write(OVERLAY_REG_CONTROL, 1U << OVERLAY_CONTROL_ENABLE_SHIFT);
	b.s.send(b.p->frame(b.in.data(), 77));
	check(b.s.receive(&result, 2000000) && b.p->right(result, 77, b.out.data()), what,
		"the frame after the reset is wrong");
	check(b.s.read(OVERLAY_REG_SEQUENCE_ID) == 77, what, "SEQUENCE_ID is not that of the result");
}

/* Sends `beats`, which have their TLAST, and expects an error, a failure beat, an interrupt, and an empty
 * sender.
 */
static void check_error(fixture &b, const char *what, const std::vector<beat> &beats, uint32_t expected)
{
	std::vector<uint64_t> result;

	b.s.write(OVERLAY_REG_INTERRUPT_MASK, 2);
	for (const beat &one : beats)
		b.s.to_send.push_back(one);
	for (int i = 0; i < 200000 && b.error() == 0; i++)
		b.s.tick();
	b.s.tick(static_cast<unsigned>(beats.size()) + 100);
	uint32_t error = b.error();
	if (error != expected && expected) {
		std::fprintf(stderr, "%s: error %u, %u expected\n", what, error, expected);
		failures++;
	}
	check(error != 0, what, "no error");
	check(b.s.interrupt(), what, "no interrupt");
	check(b.s.to_send.empty(), what, "the sender is left hanging");
	check(b.s.receive(&result, 1000) && (result.back() >> 8 & 7) == OVERLAY_RECORD_FAILURE, what,
		"no failure beat for the receiver");
	check(result.empty() || (result.back() >> 12 & 15) == error, what,
		"the failure beat names another error");
	check_recovery(b, what);
}

static std::vector<beat> beats_of(const std::vector<uint64_t> &transfer)
{
	std::vector<beat> beats;

	for (size_t i = 0; i < transfer.size(); i++)
		beats.push_back({transfer[i], i + 1 == transfer.size()});
	return beats;
}

static void broken_streams(fixture &b)
{
	const std::vector<beat> good = beats_of(b.p->frame(b.in.data(), 5));
	size_t middle = good.size() / 2;
	std::vector<beat> bad = good;

	bad.resize(middle);
	bad.back().last = true;
	check_error(b, "transfer cut off", bad, OVERLAY_ERROR_SHORT);
	bad = good;
	bad[middle].last = true;
	check_error(b, "TLAST early", bad, OVERLAY_ERROR_SHORT);
	bad = good;
	bad[0].last = true;
	check_error(b, "TLAST on the header", bad, OVERLAY_ERROR_SHORT);
	bad = good;
	bad.back().last = false;
	check_error(b, "no TLAST", bad, OVERLAY_ERROR_LONG);
	bad = good;
	bad[0].data ^= 1;
	check_error(b, "header without magic", bad, OVERLAY_ERROR_HEADER);
	bad = good;
	bad[0].data ^= 7U << OVERLAY_HEADER_TYPE_SHIFT;
	check_error(b, "header of no type", bad, OVERLAY_ERROR_HEADER);
	bad = good;
	bad[0].data += UINT64_C(8) << OVERLAY_HEADER_LENGTH_SHIFT;
	check_error(b, "frame of the wrong size", bad, OVERLAY_ERROR_RANGE);
	bad = good;
	bad.erase(bad.begin() + static_cast<long>(middle));
	check_error(b, "word lost", bad, OVERLAY_ERROR_SHORT);
	bad = good;
	bad.insert(bad.begin() + static_cast<long>(middle), bad[middle]);
	check_error(b, "word doubled", bad, OVERLAY_ERROR_LONG);
	for (int bit = 0; bit < 64; bit += 7) {
		bad = good;
		bad[1 + static_cast<size_t>(bit) % (good.size() - 2)].data ^= UINT64_C(1) << bit;
		check_error(b, "bit flipped", bad, OVERLAY_ERROR_CRC);
	}
	bad = good;
	bad[0].data ^= UINT64_C(1) << OVERLAY_HEADER_SEQUENCE_ID_SHIFT;
	check_error(b, "sequence flipped", bad, OVERLAY_ERROR_CRC);
	bad = good;
	bad.back().data ^= 1;
	check_error(b, "CRC flipped", bad, OVERLAY_ERROR_CRC);

	std::vector<uint64_t> words(32);
	check_error(b, "weights behind the memory",
		beats_of(record(OVERLAY_RECORD_WEIGHTS, true, 3071, 0, words)), OVERLAY_ERROR_RANGE);
	words.resize(8);
	check_error(b, "weights of half a word",
		beats_of(record(OVERLAY_RECORD_WEIGHTS, true, 3000, 0, words)), OVERLAY_ERROR_RANGE);
	check_error(b, "empty record", beats_of(record(OVERLAY_RECORD_WEIGHTS, true, 3000, 0, {})),
		OVERLAY_ERROR_RANGE);
	words.resize(16);
	check_error(b, "streamed weights without a ring",
		beats_of(record(OVERLAY_RECORD_STREAMED, true, 0, 0, words)),
		b.p->streams() ? 0 : OVERLAY_ERROR_RANGE);
	std::vector<uint64_t> two = record(OVERLAY_RECORD_WEIGHTS, false, 3000, 0, words);
	check_error(b, "last record missing", beats_of(two), OVERLAY_ERROR_SHORT);
}

static void bad_descriptors(fixture &b)
{
	static const struct {
		unsigned word, shift, bits, value;
		const char *what;
	} cases[] = {
		{OVERLAY_WORD_SHAPE, OVERLAY_SHAPE_INPUT_BITS_SHIFT, 4, 0, "no input bits"},
		{OVERLAY_WORD_SHAPE, OVERLAY_SHAPE_INPUT_BITS_SHIFT, 4, 9, "nine input bits"},
		{OVERLAY_WORD_SHAPE, OVERLAY_SHAPE_WEIGHT_BITS_SHIFT, 4, 0, "no weight bits"},
		{OVERLAY_WORD_SHAPE, OVERLAY_SHAPE_EPILOGUE_SHIFT, 2, 3, "no such epilogue"},
		{OVERLAY_WORD_SHAPE, OVERLAY_SHAPE_POOL_SHIFT, 2, 1, "pool of one"},
		{OVERLAY_WORD_SHAPE, OVERLAY_SHAPE_STRIDE_SHIFT, 2, 3, "stride of eight"},
		{OVERLAY_WORD_KERNEL, OVERLAY_KERNEL_ROWS_SHIFT, 4, 0, "no rows"},
		{OVERLAY_WORD_KERNEL, OVERLAY_KERNEL_STEPS_SHIFT, 4, 0, "no steps"},
		{OVERLAY_WORD_CHUNKS, OVERLAY_CHUNKS_COUNT_SHIFT, 12, 0, "no chunks"},
		{OVERLAY_WORD_TILES, OVERLAY_TILES_COUNT_SHIFT, 12, 0, "no tiles"},
		{OVERLAY_WORD_OUTPUT, OVERLAY_OUTPUT_WIDTH_SHIFT, 10, 0, "no columns"},
	};
	for (const auto &one : cases) {
		uint32_t address = OVERLAY_REG_DESCRIPTORS + 4 * one.word,
			 good = b.p->p->descriptors[0][one.word];
		uint32_t mask = ((1U << one.bits) - 1) << one.shift;
		std::vector<uint64_t> result;

		b.s.write(address, (good & ~mask) | one.value << one.shift);
		b.s.send(b.p->frame(b.in.data(), 9));
		b.s.receive(&result, 100000); /* a header, then the failure */
		check(b.error() == OVERLAY_ERROR_DESCRIPTOR, one.what, "not refused");
		check(!result.empty() && (result.back() >> 8 & 7) == OVERLAY_RECORD_FAILURE, one.what,
			"no failure beat");
		b.s.write(address, good);
		check_recovery(b, one.what);
	}
}

static void watchdog(fixture &b)
{
	std::vector<uint64_t> transfer = b.p->frame(b.in.data(), 3);

	b.s.write(OVERLAY_REG_WATCHDOG, 5000);
	transfer.resize(transfer.size() / 2);
	for (uint64_t word : transfer)
		b.s.to_send.push_back({word, false});
	b.s.tick(20000);
	check(b.error() == OVERLAY_ERROR_WATCHDOG, "sender stops", "the watchdog sleeps");
	check_recovery(b, "sender stops");

	b.s.receiver_stuck = true;
	b.s.send(b.p->frame(b.in.data(), 4));
	b.s.tick(60000 + static_cast<unsigned>(b.n->operations() / 1000));
	check(b.error() == OVERLAY_ERROR_WATCHDOG, "receiver is stuck", "the watchdog sleeps");
	check_recovery(b, "receiver is stuck");
	b.s.tick(20000);
	check(b.error() == 0, "idle", "the watchdog barks");
	b.s.write(OVERLAY_REG_WATCHDOG, 100000000);
}

/* Junk, and resets at any time. */
static void junk(fixture &b, random_source &random, int rounds)
{
	for (int i = 0; i < rounds; i++) {
		std::vector<beat> beats = beats_of(b.p->frame(b.in.data(), 6));
		int spoilt = random.below(4);

		for (int j = 0; j < spoilt; j++) {
			beat &one = beats[static_cast<size_t>(random.below(static_cast<int>(beats.size())))];
			one.data ^= UINT64_C(1) << random.below(64);
			one.last ^= random.below(2);
		}
		if (random.below(8) == 0)
			for (beat &one : beats)
				one = {static_cast<uint64_t>(random.next()) << 32 | random.next(),
					random.below(100) == 0};
		for (const beat &one : beats)
			b.s.to_send.push_back(one);
		b.s.tick(static_cast<unsigned>(random.below(8000)));
		for (uint32_t address = 0; address < OVERLAY_WINDOW;
			address += 4 * static_cast<uint32_t>(random.between(1, 64)))
			b.s.read(address);
		check_recovery(b, "junk");
	}
}

static void registers(fixture &b)
{
	check(b.s.read(OVERLAY_REG_IDENTITY) == OVERLAY_IDENTITY, "IDENTITY", "wrong");
	check(b.s.read(OVERLAY_REG_VERSION) == (OVERLAY_VERSION_MAJOR << 16 | OVERLAY_VERSION_MINOR),
		"VERSION", "wrong");
	for (uint32_t address = 0; address < OVERLAY_WINDOW; address += 4)
		b.s.read(address);
	check(b.s.read(0xFFC) == 0, "an unknown register", "is not 0");
	uint32_t idle = b.s.read(OVERLAY_REG_IDLE_CYCLES);
	b.s.tick(100);
	uint32_t more = b.s.read(OVERLAY_REG_IDLE_CYCLES) - idle;
	check(more >= 100 && more < 110, "IDLE_CYCLES", "do not count");
	b.s.write(OVERLAY_REG_INTERRUPT_MASK, 1);
	check_recovery(b, "first frame");
	check(b.s.interrupt() && b.s.read(OVERLAY_REG_INTERRUPT) == 1, "INTERRUPT", "is not DONE");
	b.s.write(OVERLAY_REG_INTERRUPT, 1);
	b.s.tick(4);
	check(!b.s.interrupt(), "INTERRUPT", "cannot be cleared");
	check(b.s.read(OVERLAY_REG_FRAMES) == 1, "FRAMES", "is not 1");
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? std::atoi(argv[1]) : 30;
	random_source random(99);

	for (uint64_t seed : {3, 8}) {
		fixture b(seed);

		registers(b);
		broken_streams(b);
		bad_descriptors(b);
		watchdog(b);
		junk(b, random, rounds);
	}
	if (failures)
		std::fprintf(stderr, "%d failures\n", failures);
	else
		std::printf("every broken stream is named and recovered from\n");
	return failures != 0;
}
