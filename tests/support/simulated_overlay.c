/* SPDX-License-Identifier: MIT */
#include "support/simulated_overlay.h"

#include "base/error.h"
#include "flow/thread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

struct chip chip;

void chip_set(uint32_t offset, uint32_t value)
{
	chip.registers[offset / 4] = value;
}

/* Sets the registers as they are after the bitstream is loaded. */
static void chip_power(void)
{
	memset(chip.registers, 0, sizeof(chip.registers));
	chip.in = chip.out = (struct chip_channel){.control = 0x10002, .status = 1};
	chip.waiting = 0;
	chip_set(OVERLAY_REG_IDENTITY, OVERLAY_IDENTITY);
	chip_set(OVERLAY_REG_VERSION, chip.version_after_program);
	chip_set(OVERLAY_REG_GEOMETRY, 28U << 24 | 64U << 16 | 16U << 8 | 8U);
	chip_set(OVERLAY_REG_MEMORY, 1024U << 16 | 3072U);
	chip_set(OVERLAY_REG_LIMITS, 512U << 20 | 2U << 16 | 64U << 8 | 32U);
}

void chip_begin(int scores)
{
	memset(&chip, 0, sizeof(chip));
	pthread_mutex_init(&chip.lock, NULL);
	if (condition_init(&chip.line))
		abort();
	chip.scores = scores;
	chip.version_after_program = OVERLAY_VERSION_MAJOR << 16 | OVERLAY_VERSION_MINOR;
	chip_power();
}

void chip_end(void)
{
	pthread_mutex_destroy(&chip.lock);
	pthread_cond_destroy(&chip.line);
}

static void chip_finish(struct chip_channel *c, uint32_t *error)
{
	c->running = false;
	if (*error) {
		c->control &= ~1U;
		c->status = 0x4001U | *error;
	} else {
		c->status |= 0x1002U;
	}
	*error = 0;
	pthread_cond_broadcast(&chip.line);
}

/* Where a transfer lies; NULL: not within the memory. */
static uint64_t *chip_memory(const struct chip_channel *c)
{
	uint64_t offset = c->address - CHIP_ADDRESS;

	return c->length % 8 == 0 && offset % 8 == 0 && offset <= chip.size && c->length <= chip.size - offset
		       ? (uint64_t *)(chip.memory + offset)
		       : NULL;
}

/* One record of at most `beats`; returns its beats, 0: it breaks a rule. */
static size_t chip_record(const uint64_t *record, size_t beats)
{
	size_t length = record[0] >> OVERLAY_HEADER_LENGTH_SHIFT & 0xffffff;
	int type = (int)(record[0] >> OVERLAY_HEADER_TYPE_SHIFT & 7);
	bool last = record[0] >> OVERLAY_HEADER_LAST_SHIFT & 1;
	uint32_t crc;

	if ((record[0] & 0xff) != OVERLAY_RECORD_MAGIC || length + 2 > beats || last != (length + 2 == beats))
		return 0;
	crc = (uint32_t)crc32(0, (const Bytef *)record, (uInt)(8 * (length + 1)));
	if (crc != (uint32_t)record[length + 1] || (type == OVERLAY_RECORD_WEIGHTS && chip.refuses))
		return 0;
	if (type == OVERLAY_RECORD_FRAME) {
		if (length != chip.registers[OVERLAY_REG_FRAME_BEATS / 4] || chip.waiting == CHIP_FRAMES)
			return 0;
		chip.frames[chip.waiting].crc =
			(uint32_t)crc32(0, (const Bytef *)(record + 1), (uInt)(8 * length));
		chip.frames[chip.waiting++].sequence = (uint16_t)(record[0] >> 48);
	}
	chip.registers[OVERLAY_REG_RECORDS / 4]++;
	chip_set(OVERLAY_REG_LOADED_CRC, crc);
	return length + 2;
}

static void chip_take(void)
{
	const uint64_t *beats = chip_memory(&chip.in);
	size_t left = chip.in.length / 8;

	if (!chip.in.running || chip.hold_in)
		return;
	if (!beats)
		chip.in_error |= 0x40;
	while (!chip.in_error && left) {
		size_t record = chip_record(beats, left);

		if (!record) {
			chip_set(OVERLAY_REG_ERROR, OVERLAY_ERROR_CRC);
			break;
		}
		beats += record;
		left -= record;
	}
	chip.taken++;
	chip_finish(&chip.in, &chip.in_error);
}

/* The result of the oldest frame; returns its beats. */
static size_t chip_write_result(uint64_t *result)
{
	size_t beats = (size_t)(chip.scores + 15) / 16 * 8 + 2;
	uint16_t sequence = chip.frames[0].sequence;
	int32_t *scores = (int32_t *)(result + 1);

	if (chip.result == RESULT_STALE)
		sequence--;
	result[0] = OVERLAY_RECORD_MAGIC | OVERLAY_RECORD_RESULT << OVERLAY_HEADER_TYPE_SHIFT |
		    1U << OVERLAY_HEADER_LAST_SHIFT | (uint64_t)sequence << 48;
	for (int i = 0; i < (chip.scores + 15) / 16 * 16; i++)
		scores[i] = i < chip.scores ? (int32_t)(chip.frames[0].crc + (uint32_t)i) : -1;
	result[beats - 1] = crc32(0, (const Bytef *)result, (uInt)(8 * (beats - 1)));
	if (chip.result == RESULT_DAMAGED)
		result[1] ^= 1;
	if (chip.result == RESULT_SHORT)
		beats--;
	if (chip.result == RESULT_FAILURE) {
		beats = 2;
		result[1] = OVERLAY_RECORD_MAGIC | OVERLAY_RECORD_FAILURE << OVERLAY_HEADER_TYPE_SHIFT |
			    (uint64_t)OVERLAY_ERROR_WATCHDOG << OVERLAY_HEADER_ADDRESS_SHIFT;
	}
	return beats;
}

static void chip_result(void)
{
	uint64_t *result = chip_memory(&chip.out);

	if (chip.out.running && chip.early)
		chip.waiting = 1, chip.result = RESULT_FAILURE;
	if (!chip.out.running || chip.hold_out || (!chip.waiting && !chip.out_error))
		return;
	if (!result)
		chip.out_error |= 0x40;
	if (!chip.out_error) {
		chip.results[chip.finished++ % 8] = chip.out.address;
		chip.out.length = (uint32_t)(8 * chip_write_result(result));
		chip.result = RESULT_RIGHT;
		chip.waiting--;
		memmove(chip.frames, chip.frames + 1, sizeof(chip.frames[0]) * (CHIP_FRAMES - 1));
		chip.registers[OVERLAY_REG_FRAMES / 4]++;
	}
	chip_finish(&chip.out, &chip.out_error);
}

/* Runs each transfer that nothing holds. */
static void chip_go_on(void)
{
	chip_take();
	chip_result();
}

void chip_hold(bool in, bool out)
{
	pthread_mutex_lock(&chip.lock);
	chip.hold_in = in;
	chip.hold_out = out;
	chip_go_on();
	pthread_mutex_unlock(&chip.lock);
}

static int chip_bus_open(
	const struct bus_window *windows, int count, const char *bitstream, void **state, struct error *e)
{
	(void)e;
	(void)bitstream;
	*state = &chip;
	return count == 2 && !strcmp(windows[0].name, "twobit-overlay") &&
			       !strcmp(windows[1].name, "twobit-dma")
		       ? 0
		       : -EINVAL;
}

static void chip_bus_close(void *state)
{
	(void)state;
}

static uint32_t chip_bus_read(void *state, int window, uint32_t offset)
{
	const struct chip_channel *c = offset < 0x30 ? &chip.in : &chip.out;
	uint32_t value, at = offset < 0x30 ? offset : offset - 0x30;

	(void)state;
	pthread_mutex_lock(&chip.lock);
	if (window == 0)
		value = chip.registers[offset / 4];
	else
		value = at == 0x00 ? c->control : at == 0x04 ? c->status : at == 0x28 ? c->length : 0;
	if (chip.gone)
		value = UINT32_MAX;
	pthread_mutex_unlock(&chip.lock);
	return value;
}

static void chip_write_overlay(uint32_t offset, uint32_t value)
{
	chip_set(offset, value);
	if (offset != OVERLAY_REG_CONTROL || !(value & 1U << OVERLAY_CONTROL_RESET_SHIFT))
		return;
	chip.waiting = 0;
	chip.resets++;
	chip_set(OVERLAY_REG_ERROR, 0);
	chip_set(OVERLAY_REG_RECORDS, 0);
	chip_set(OVERLAY_REG_FRAMES, 0);
	chip_set(OVERLAY_REG_STATUS, (uint32_t)chip.reset_hangs << OVERLAY_STATUS_RESETTING_SHIFT);
}

static void chip_write_dma(struct chip_channel *c, uint32_t offset, uint32_t value)
{
	switch (offset) {
	case 0x00:
		if (value & 4) {
			chip.early = chip.in.running;
			chip.in = chip.out = (struct chip_channel){
				.control = 0x10002U | (uint32_t)chip.dma_hangs << 2, .status = 1};
			break;
		}
		c->control = value;
		c->status &= ~(value & 1);
		break;
	case 0x04:
		c->status &= ~(value & 0x7000);
		break;
	case 0x18:
		c->address = (c->address & ~(uint64_t)UINT32_MAX) | value;
		break;
	case 0x1C:
		c->address = (c->address & UINT32_MAX) | (uint64_t)value << 32;
		break;
	case 0x28:
		c->length = value & (chip.short_length ? 0xff : 0x3ffffff);
		c->running = !(c->status & 1);
		c->status &= ~2U;
		break;
	default:
		break;
	}
}

static void chip_bus_write(void *state, int window, uint32_t offset, uint32_t value)
{
	(void)state;
	pthread_mutex_lock(&chip.lock);
	chip.writes++;
	if (!chip.gone && window == 0)
		chip_write_overlay(offset, value);
	else if (!chip.gone)
		chip_write_dma(
			offset < 0x30 ? &chip.in : &chip.out, offset < 0x30 ? offset : offset - 0x30, value);
	chip_go_on();
	pthread_mutex_unlock(&chip.lock);
}

static int chip_bus_allocate(void *state, size_t size, struct bus_memory *out, struct error *e)
{
	(void)state;
	chip.memory = calloc(1, size);
	if (!chip.memory)
		return error_set(e, -ENOMEM, "simulated overlay: no memory");
	chip.size = size;
	chip.allocations++;
	*out = (struct bus_memory){.data = chip.memory, .address = CHIP_ADDRESS, .size = size};
	return 0;
}

static void chip_bus_free(void *state, struct bus_memory *memory)
{
	(void)state;
	free(memory->data);
	chip.memory = NULL;
	chip.size = 0;
	chip.allocations--;
}

static void chip_bus_sync(void *state, const struct bus_memory *memory, size_t offset, size_t size)
{
	(void)state;
	(void)memory;
	(void)offset;
	(void)size;
}

/* The DMA's interrupts, of either direction. */
static bool chip_line(void)
{
	uint32_t causes = (chip.in.control & chip.in.status) | (chip.out.control & chip.out.status);

	return !chip.deaf && (causes & 0x7000);
}

static int chip_bus_wait(void *state, int window, int64_t deadline)
{
	int rc = 0;

	(void)state;
	pthread_mutex_lock(&chip.lock);
	chip.deadline = deadline;
	while (!rc && (window != 1 || !chip_line()))
		rc = condition_wait(&chip.line, &chip.lock, deadline);
	pthread_mutex_unlock(&chip.lock);
	return rc;
}

static int chip_bus_program(void *state, struct error *e)
{
	(void)state;
	pthread_mutex_lock(&chip.lock);
	chip.reconfigurations++;
	if (!chip.program_fails) {
		chip.gone = chip.reset_hangs = chip.dma_hangs = false;
		chip_power();
	}
	pthread_mutex_unlock(&chip.lock);
	return error_set(e, chip.program_fails, "the simulated overlay is not programmed");
}

const struct bus_driver chip_bus = {
	.name = "simulated",
	.open = chip_bus_open,
	.close = chip_bus_close,
	.read = chip_bus_read,
	.write = chip_bus_write,
	.allocate = chip_bus_allocate,
	.free = chip_bus_free,
	.to_design = chip_bus_sync,
	.from_design = chip_bus_sync,
	.wait = chip_bus_wait,
	.program = chip_bus_program,
};
