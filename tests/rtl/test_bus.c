/* SPDX-License-Identifier: MIT */
/* The simulated board: its DMA's registers, memory, interrupts, and the faults that can be injected. */
#include "base/clock.h"
#include "base/error.h"
#include "pl/board/registers.h"
#include "pl/bus/bus.h"
#include "pl/bus/rtl/faults.h"
#include "pl/overlay/registers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

enum { OVERLAY, DMA };

#define MM2S 0x00
#define S2MM 0x30
#define CONTROL 0x00
#define STATUS 0x04
#define ADDRESS 0x18
#define ADDRESS_HIGH 0x1C
#define LENGTH 0x28

#define RUN 1U
#define RESET 4U
#define DONE_ENABLE 0x1000U
#define ERROR_ENABLE 0x4000U
#define HALTED 1U
#define IDLE 2U
#define INTERNAL 0x10U
#define REFUSED 0x20U
#define DECODE 0x40U
#define DONE 0x1000U
#define FAILED 0x4000U

/* How long to wait, ns: for what must come, since a busy machine is slow; for what must not come. */
#define MUST_COME (10 * NS_PER_S)
#define MUST_NOT_COME (NS_PER_S / 5)

static const struct bus_window windows[] = {{"twobit-overlay", OVERLAY_WINDOW}, {"twobit-dma", 0x1000}};

struct bus_fixture {
	struct bus *bus;
	struct bus_memory in, out;
};

static void start_channel(struct bus_fixture *b, uint32_t channel)
{
	bus_write(b->bus, DMA, channel + CONTROL, RUN | DONE_ENABLE | ERROR_ENABLE);
}

static void transfer(struct bus_fixture *b, uint32_t channel, uint64_t address, uint32_t length)
{
	bus_write(b->bus, DMA, channel + ADDRESS, (uint32_t)address);
	bus_write(b->bus, DMA, channel + ADDRESS_HIGH, (uint32_t)(address >> 32));
	bus_write(b->bus, DMA, channel + LENGTH, length);
}

static void reset(struct bus_fixture *b)
{
	bus_write(b->bus, DMA, CONTROL, RESET);
	while (bus_read(b->bus, DMA, CONTROL) & RESET)
		if (bus_read(b->bus, DMA, CONTROL) == BUS_ALL_ONES)
			break; /* gone */
	bus_write(b->bus, OVERLAY, OVERLAY_REG_CONTROL, 1U << OVERLAY_CONTROL_RESET_SHIFT);
	while (bus_read(b->bus, OVERLAY, OVERLAY_REG_STATUS) & 1U << OVERLAY_STATUS_RESETTING_SHIFT)
		if (bus_read(b->bus, OVERLAY, OVERLAY_REG_IDENTITY) != OVERLAY_IDENTITY)
			break; /* gone: it reads as during a reset */
	start_channel(b, MM2S);
	start_channel(b, S2MM);
}

/* A record of one weight word; returns its bytes. */
static uint32_t weights(struct bus_fixture *b)
{
	uint64_t *words = b->in.data;

	words[0] = OVERLAY_RECORD_MAGIC | (uint64_t)OVERLAY_RECORD_WEIGHTS << OVERLAY_HEADER_TYPE_SHIFT |
		   UINT64_C(1) << OVERLAY_HEADER_LAST_SHIFT | UINT64_C(16) << OVERLAY_HEADER_LENGTH_SHIFT;
	for (int i = 1; i <= 16; i++)
		words[i] = UINT64_C(0x0123456789abcdef) * (uint64_t)i;
	words[17] = crc32(0, b->in.data, 17 * 8);
	bus_to_design(b->bus, &b->in, 0, 18 * 8);
	return 18 * 8;
}

static uint32_t error_of(struct bus_fixture *b)
{
	return bus_read(b->bus, OVERLAY, OVERLAY_REG_ERROR) & 15;
}

/* Waits until the overlay has an error; the DMA may interrupt before. */
static void await_error(struct bus_fixture *b, uint32_t error)
{
	int64_t deadline = clock_now() + MUST_COME;

	while (error_of(b) == OVERLAY_ERROR_NONE && clock_now() < deadline)
		assert_int_equal(bus_wait(b->bus, OVERLAY, deadline), 0);
	assert_int_equal(error_of(b), error);
}

/* Waits until a channel has one of these bits of its status, also if its interrupt is lost. */
static uint32_t await_status(struct bus_fixture *b, uint32_t channel, uint32_t bits)
{
	int64_t deadline = clock_now() + MUST_COME;
	uint32_t status;

	while (!((status = bus_read(b->bus, DMA, channel + STATUS)) & bits) && clock_now() < deadline)
		bus_wait(b->bus, DMA, clock_now() + NS_PER_S / 1000);
	return status;
}

/* Sends the weights, waits for the DMA, and clears its interrupt; returns STATUS as it was before. */
static uint32_t send(struct bus_fixture *b, int64_t timeout)
{
	transfer(b, MM2S, b->in.address, weights(b));
	bus_wait(b->bus, DMA, clock_now() + timeout);
	uint32_t status = bus_read(b->bus, DMA, MM2S + STATUS);
	bus_write(b->bus, DMA, MM2S + STATUS, status);
	return status;
}

static void check_works(struct bus_fixture *b)
{
	uint32_t before = bus_read(b->bus, OVERLAY, OVERLAY_REG_RECORDS);

	assert_int_equal(send(b, MUST_COME), IDLE | DONE);
	int64_t deadline = clock_now() + MUST_COME;
	while (bus_read(b->bus, OVERLAY, OVERLAY_REG_RECORDS) == before && clock_now() < deadline)
		; /* the DMA is done some clocks before the overlay is */
	assert_int_equal(error_of(b), OVERLAY_ERROR_NONE);
	assert_int_equal(bus_read(b->bus, OVERLAY, OVERLAY_REG_RECORDS), before + 1);
	assert_int_equal(bus_read(b->bus, OVERLAY, OVERLAY_REG_LOADED_CRC), ((uint64_t *)b->in.data)[17]);
}

static int set_up(void **state)
{
	static struct bus_fixture b;
	struct error e = {0};

	rtl_clear_faults();
	assert_int_equal(bus_open(&bus_rtl, windows, 2, NULL, &b.bus, &e), 0);
	assert_int_equal(bus_allocate(b.bus, 4096, &b.in, &e), 0);
	assert_int_equal(bus_allocate(b.bus, 5000, &b.out, &e), 0);
	start_channel(&b, MM2S);
	start_channel(&b, S2MM);
	*state = &b;
	return 0;
}

static int tear_down(void **state)
{
	struct bus_fixture *b = *state;

	bus_free(b->bus, &b->in);
	bus_free(b->bus, &b->out);
	bus_close(b->bus);
	rtl_clear_faults();
	return 0;
}

static void test_registers(void **state)
{
	struct bus_fixture *b = *state;

	assert_int_equal(bus_read(b->bus, OVERLAY, OVERLAY_REG_IDENTITY), OVERLAY_IDENTITY);
	assert_int_equal(bus_read(b->bus, OVERLAY, OVERLAY_REG_VERSION),
		OVERLAY_VERSION_MAJOR << 16 | OVERLAY_VERSION_MINOR);
	assert_int_equal(bus_read(b->bus, OVERLAY, OVERLAY_WINDOW), UINT32_MAX); /* outside */
	assert_int_equal(bus_read(b->bus, OVERLAY, 2), UINT32_MAX);
	assert_int_equal(bus_read(b->bus, 2, 0), UINT32_MAX);
	assert_true(b->in.address && (b->in.address % 4096 == 0) && b->out.size >= 5000);
	assert_true(b->out.address >= b->in.address + b->in.size);
	assert_int_equal(bus_read(b->bus, DMA, MM2S + CONTROL), 0x00015003);
	assert_int_equal(bus_read(b->bus, DMA, MM2S + STATUS), IDLE);
	reset(b);
	bus_write(b->bus, DMA, MM2S + CONTROL, RESET);
	assert_int_equal(bus_read(b->bus, DMA, MM2S + CONTROL), 0x00010002);
	assert_int_equal(bus_read(b->bus, DMA, MM2S + STATUS), HALTED);
	assert_int_equal(bus_read(b->bus, DMA, S2MM + STATUS), HALTED);
}

static void test_transfer(void **state)
{
	struct bus_fixture *b = *state;

	check_works(b);
	check_works(b);
	assert_int_equal(bus_read(b->bus, DMA, MM2S + STATUS), IDLE); /* the interrupt is cleared */
	assert_int_equal(bus_wait(b->bus, DMA, clock_now() + NS_PER_S / 100), -ETIMEDOUT);
	assert_int_equal(bus_read(b->bus, DMA, MM2S + LENGTH), 18 * 8);
}

/* A stream that breaks a rule: the overlay's failure beat arrives through S2MM, with its interrupt. */
static void test_result(void **state)
{
	struct bus_fixture *b = *state;
	uint64_t *out = b->out.data;

	weights(b);
	transfer(b, S2MM, b->out.address, 64);
	transfer(b, MM2S, b->in.address, 9 * 8); /* too short */
	bus_write(b->bus, OVERLAY, OVERLAY_REG_INTERRUPT_MASK, 2);
	await_error(b, OVERLAY_ERROR_SHORT);
	assert_int_equal(await_status(b, S2MM, DONE), IDLE | DONE);
	assert_int_equal(bus_read(b->bus, DMA, S2MM + LENGTH), 8); /* how much came */
	bus_from_design(b->bus, &b->out, 0, 8);
	assert_int_equal(out[0] & 255, OVERLAY_RECORD_MAGIC);
	assert_int_equal(out[0] >> 8 & 7, OVERLAY_RECORD_FAILURE);
	reset(b);
	check_works(b);
}

static void expect_refusal(
	struct bus_fixture *b, uint32_t channel, uint64_t address, uint32_t length, uint32_t error)
{
	transfer(b, channel, address, length);
	if (channel == S2MM) /* an address is asked for when there are data */
		transfer(b, MM2S, b->in.address, 8);
	assert_int_equal(await_status(b, channel, FAILED), HALTED | FAILED | error);
	assert_int_equal(bus_wait(b->bus, DMA, clock_now() + MUST_COME), 0);
	start_channel(b, channel); /* this has no effect */
	assert_true(bus_read(b->bus, DMA, channel + STATUS) & HALTED);
	reset(b);
}

static void test_refusals(void **state)
{
	struct bus_fixture *b = *state;
	uint32_t size = (uint32_t)b->in.size;

	expect_refusal(b, MM2S, b->in.address, 0, INTERNAL);
	expect_refusal(b, MM2S, b->in.address + 4, 8, INTERNAL);
	expect_refusal(b, MM2S, b->in.address, size + 8, DECODE);
	expect_refusal(b, MM2S, b->in.address - 8, 8, DECODE);
	expect_refusal(b, S2MM, b->out.address + b->out.size, 8, DECODE);
	expect_refusal(b, S2MM, b->out.address | UINT64_C(1) << 40, 8, DECODE);
	bus_write(b->bus, DMA, MM2S + CONTROL, 0);
	transfer(b, MM2S, b->in.address, 8); /* halted: nothing begins */
	assert_int_equal(bus_read(b->bus, DMA, MM2S + STATUS), HALTED);
	start_channel(b, MM2S);
	check_works(b);
}

/* A transfer to memory that was freed meanwhile ends with an error. */
static void test_memory_goes(void **state)
{
	struct bus_fixture *b = *state;

	transfer(b, S2MM, b->out.address, 64);
	assert_int_equal(bus_read(b->bus, DMA, S2MM + STATUS), 0);
	bus_free(b->bus, &b->out);
	weights(b);
	transfer(b, MM2S, b->in.address, 9 * 8); /* too short: the overlay answers */
	assert_int_equal(await_status(b, S2MM, FAILED) & ~HALTED, FAILED | DECODE);
}

/* A buffer that waits for a result costs no processor time. */
static void test_sleep(void **state)
{
	struct bus_fixture *b = *state;
	struct timespec before, after;

	check_works(b);
	transfer(b, S2MM, b->out.address, 64);
	assert_int_equal(bus_wait(b->bus, DMA, clock_now() + NS_PER_S / 20), -ETIMEDOUT);
	uint32_t cycles = bus_read(b->bus, OVERLAY, OVERLAY_REG_CYCLES);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	assert_int_equal(bus_wait(b->bus, DMA, clock_now() + NS_PER_S / 2), -ETIMEDOUT);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	assert_true(
		(after.tv_sec - before.tv_sec) * NS_PER_S + after.tv_nsec - before.tv_nsec < NS_PER_S / 4);
	assert_in_range(bus_read(b->bus, OVERLAY, OVERLAY_REG_CYCLES) - cycles, 1, 2000);
	check_works(b);
}

/* A frame of zeros, with a result of a header and a failure, as descriptor 0 makes no sense. */
static void ask_nonsense(struct bus_fixture *b)
{
	uint64_t *words = b->in.data;

	memset(words, 0, 10 * 8);
	words[0] = OVERLAY_RECORD_MAGIC | (uint64_t)OVERLAY_RECORD_FRAME << OVERLAY_HEADER_TYPE_SHIFT |
		   UINT64_C(1) << OVERLAY_HEADER_LAST_SHIFT | UINT64_C(8) << OVERLAY_HEADER_LENGTH_SHIFT;
	words[9] = crc32(0, b->in.data, 9 * 8);
	bus_write(b->bus, OVERLAY, OVERLAY_REG_DESCRIPTORS, 0);
	bus_write(b->bus, OVERLAY, OVERLAY_REG_FRAME_BEATS, 8);
	bus_write(b->bus, OVERLAY, OVERLAY_REG_INTERRUPT_MASK, 2);
	bus_write(b->bus, OVERLAY, OVERLAY_REG_CONTROL, 1U << OVERLAY_CONTROL_ENABLE_SHIFT);
	transfer(b, S2MM, b->out.address, 64);
	transfer(b, MM2S, b->in.address, 10 * 8);
	await_error(b, OVERLAY_ERROR_DESCRIPTOR);
}

static uint64_t result_of_nonsense(struct bus_fixture *b)
{
	const uint64_t *out = b->out.data;

	assert_int_equal(await_status(b, S2MM, DONE), IDLE | DONE);
	assert_int_equal(bus_read(b->bus, DMA, S2MM + LENGTH), 16);
	bus_from_design(b->bus, &b->out, 0, 16);
	assert_int_equal(out[0] >> 8 & 7, OVERLAY_RECORD_RESULT);
	return out[1] >> OVERLAY_HEADER_ADDRESS_SHIFT & 15;
}

/* One transfer goes well, one meets the fault and the overlay names the error, the next goes well again. */
static void expect_error(struct bus_fixture *b, enum rtl_fault fault, uint32_t error)
{
	rtl_inject(fault, 1, RTL_UNTIL_TRANSFER);
	check_works(b);
	assert_int_equal(rtl_fault_count(fault), 0);
	bus_write(b->bus, OVERLAY, OVERLAY_REG_INTERRUPT_MASK, 2);
	transfer(b, MM2S, b->in.address, weights(b));
	await_error(b, error);
	assert_int_equal(rtl_fault_count(fault), 1);
	reset(b);
	check_works(b);
	check_works(b);
	assert_int_equal(rtl_fault_count(fault), 1);
}

static void test_stream_faults(void **state)
{
	struct bus_fixture *b = *state;

	expect_error(b, RTL_LAST_LATE, OVERLAY_ERROR_LONG);
	expect_error(b, RTL_LAST_EARLY, OVERLAY_ERROR_SHORT);
	expect_error(b, RTL_WORD_DOUBLED, OVERLAY_ERROR_CRC);
	expect_error(b, RTL_WORD_CORRUPTED_IN, OVERLAY_ERROR_CRC);
}

static void test_corrupted_out(void **state)
{
	struct bus_fixture *b = *state;

	rtl_inject(RTL_WORD_CORRUPTED_OUT, 1, RTL_UNTIL_TRANSFER);
	for (int i = 0; i < 3; i++) {
		ask_nonsense(b);
		assert_int_equal(result_of_nonsense(b), OVERLAY_ERROR_DESCRIPTOR ^ (i == 1 ? 2 : 0));
		reset(b);
	}
}

static void test_s2mm_stuck(void **state)
{
	struct bus_fixture *b = *state;

	rtl_inject(RTL_S2MM_STUCK, 0, RTL_UNTIL_RESET);
	ask_nonsense(b);
	assert_int_equal(await_status(b, MM2S, DONE), IDLE | DONE);
	assert_int_equal(bus_read(b->bus, DMA, S2MM + STATUS), 0);
	reset(b);
	ask_nonsense(b);
	assert_int_equal(result_of_nonsense(b), OVERLAY_ERROR_DESCRIPTOR);
}

static void program(struct bus_fixture *b, int expected)
{
	struct error e = {0};

	assert_int_equal(bus_program(b->bus, &e), expected);
	assert_int_equal(!!e.text[0], !!expected);
	start_channel(b, MM2S);
	start_channel(b, S2MM);
}

static void test_hang(void **state)
{
	struct bus_fixture *b = *state;

	rtl_inject(RTL_HANG, 1, RTL_UNTIL_RESET);
	check_works(b);
	assert_int_equal(send(b, MUST_NOT_COME), 0);
	assert_int_equal(bus_read(b->bus, OVERLAY, OVERLAY_REG_RECORDS), 1);
	reset(b);
	check_works(b);
	rtl_inject(RTL_HANG, 0, RTL_UNTIL_PROGRAM);
	assert_int_equal(send(b, MUST_NOT_COME), 0);
	reset(b);
	assert_int_equal(send(b, MUST_NOT_COME), 0);
	program(b, 0);
	check_works(b);
}

static void test_clock_stop(void **state)
{
	struct bus_fixture *b = *state;

	rtl_inject(RTL_CLOCK_STOP, 1, RTL_UNTIL_PROGRAM);
	check_works(b);
	assert_int_equal(send(b, MUST_NOT_COME), UINT32_MAX);
	reset(b);
	assert_int_equal(bus_read(b->bus, OVERLAY, OVERLAY_REG_IDENTITY), UINT32_MAX);
	program(b, 0);
	check_works(b);
}

static void test_memory_errors(void **state)
{
	struct bus_fixture *b = *state;

	rtl_inject(RTL_DECODE_ERROR, 0, RTL_UNTIL_TRANSFER);
	assert_int_equal(send(b, MUST_COME) & ~HALTED, FAILED | DECODE); /* bursts still end */
	reset(b);
	check_works(b);
	rtl_inject(RTL_SLAVE_ERROR, 0, RTL_UNTIL_TRANSFER);
	assert_int_equal(send(b, MUST_COME) & ~HALTED, FAILED | REFUSED);
	reset(b);
	check_works(b);
}

static void test_busy_memory(void **state)
{
	struct bus_fixture *b = *state;

	rtl_inject(RTL_MEMORY_BUSY, 0, RTL_FOR_EVER);
	for (int i = 0; i < 3; i++)
		check_works(b);
	ask_nonsense(b);
	assert_int_equal(result_of_nonsense(b), OVERLAY_ERROR_DESCRIPTOR);
}

static void test_interrupt_lost(void **state)
{
	struct bus_fixture *b = *state;

	rtl_inject(RTL_INTERRUPT_LOST, 0, RTL_UNTIL_TRANSFER);
	transfer(b, MM2S, b->in.address, weights(b));
	assert_int_equal(await_status(b, MM2S, DONE), IDLE | DONE);
	assert_int_equal(bus_wait(b->bus, DMA, clock_now() + NS_PER_S / 20), -ETIMEDOUT);
	bus_write(b->bus, DMA, MM2S + STATUS, DONE);
	transfer(b, MM2S, b->in.address, weights(b));
	assert_int_equal(bus_wait(b->bus, DMA, clock_now() + MUST_COME), 0);
}

static void test_wrong_version(void **state)
{
	struct bus_fixture *b = *state;

	rtl_inject(RTL_WRONG_VERSION, 0, RTL_UNTIL_PROGRAM);
	reset(b);
	assert_int_equal(bus_read(b->bus, OVERLAY, OVERLAY_REG_VERSION) >> OVERLAY_VERSION_MAJOR_SHIFT,
		OVERLAY_VERSION_MAJOR + 1);
	program(b, 0);
	assert_int_equal(bus_read(b->bus, OVERLAY, OVERLAY_REG_VERSION) >> OVERLAY_VERSION_MAJOR_SHIFT,
		OVERLAY_VERSION_MAJOR);
}

static void test_gone(void **state)
{
	struct bus_fixture *b = *state;

	rtl_inject(RTL_GONE, 1, RTL_FOR_EVER);
	check_works(b);
	assert_int_equal(send(b, MUST_NOT_COME), UINT32_MAX);
	program(b, 0);
	assert_int_equal(send(b, MUST_NOT_COME), UINT32_MAX);
	assert_int_equal(bus_read(b->bus, OVERLAY, OVERLAY_REG_IDENTITY), UINT32_MAX);
	rtl_clear_faults();
	program(b, 0);
	check_works(b);
}

static void test_program_fails(void **state)
{
	struct bus_fixture *b = *state;

	rtl_inject(RTL_PROGRAM_FAILS, 0, RTL_UNTIL_TRANSFER);
	rtl_inject(RTL_CLOCK_STOP, 0, RTL_UNTIL_PROGRAM);
	program(b, -EIO);
	assert_int_equal(send(b, MUST_NOT_COME), UINT32_MAX); /* it did not help */
	program(b, 0);
	check_works(b);
	rtl_inject(RTL_PROGRAM_FAILS, 0, RTL_FOR_EVER);
	program(b, -EIO);
	program(b, -EIO);
	check_works(b);
}

/* What the design forgets and the memory does not. */
static void test_program(void **state)
{
	struct bus_fixture *b = *state;

	bus_write(b->bus, OVERLAY, OVERLAY_REG_WATCHDOG, 1234);
	memset(b->out.data, 7, b->out.size);
	transfer(b, S2MM, b->out.address, 64);
	program(b, 0);
	assert_int_not_equal(bus_read(b->bus, OVERLAY, OVERLAY_REG_WATCHDOG), 1234);
	assert_int_equal(bus_read(b->bus, DMA, S2MM + LENGTH), 0);
	assert_int_equal(((uint8_t *)b->out.data)[4999], 7);
	check_works(b);
}

/* Two buses to different windows have one board, which is not programmed under the other's feet. */
static void test_shared(void **state)
{
	static const struct bus_window others[] = {{"twobit-scanout", 0x1000}, {"twobit-identity", 0x1000}};
	struct bus_fixture *b = *state;
	struct bus *scanout, *another;
	struct error e = {0};

	assert_int_equal(bus_open(&bus_rtl, others, 2, NULL, &scanout, &e), 0);
	assert_int_equal(bus_open(&bus_rtl, windows, 2, NULL, &another, &e), 0); /* a board of its own */
	assert_int_equal(bus_read(scanout, 1, BOARD_REG_IDENTITY), BOARD_IDENTITY);
	transfer(b, MM2S, b->in.address, 9 * 8);
	await_status(b, MM2S, DONE);
	await_error(b, OVERLAY_ERROR_HEADER);
	bus_write(b->bus, OVERLAY, OVERLAY_REG_INTERRUPT_MASK, 2);
	assert_int_equal(bus_read(scanout, 1, BOARD_REG_INTERRUPTS), 3);
	bus_write(b->bus, DMA, MM2S + STATUS, DONE);
	assert_int_equal(bus_read(scanout, 1, BOARD_REG_INTERRUPTS), 1);
	assert_int_equal(bus_read(another, OVERLAY, OVERLAY_REG_ERROR), 0);
	assert_int_equal(bus_program(b->bus, &e), -EBUSY);
	assert_int_equal(bus_program(another, &e), 0);
	bus_close(another);
	bus_close(scanout);
	assert_int_equal(bus_program(b->bus, &e), 0);
}

static void test_windows(void **state)
{
	struct bus_window wanted[] = {{"twobit-dma", 4096}, {"another", 4096}};
	struct error e = {0};
	struct bus *bus;

	(void)state;
	assert_int_equal(bus_open(&bus_rtl, wanted, 2, NULL, &bus, &e), -ENODEV);
	assert_non_null(strstr(e.text, "\"another\""));
	assert_int_equal(bus_open(&bus_rtl, wanted, 5, NULL, &bus, &e), -EINVAL);
	wanted[0].size = 8192;
	assert_int_equal(bus_open(&bus_rtl, wanted, 1, NULL, &bus, &e), -ENODEV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_registers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_transfer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_result, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refusals, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_memory_goes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sleep, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_stream_faults, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_corrupted_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_s2mm_stuck, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_hang, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_clock_stop, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_memory_errors, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_busy_memory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_shared, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_interrupt_lost, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_wrong_version, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_gone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_program_fails, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_program, set_up, tear_down),
		cmocka_unit_test(test_windows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
