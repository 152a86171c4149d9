/* SPDX-License-Identifier: MIT */
#include "pl/overlay/design.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "pl/bus/bus.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define HERTZ 100e6 /* the design's clock */

#define FIELD(value, name)                                                                                   \
	((value) >> OVERLAY_##name##_SHIFT & (uint32_t)((UINT64_C(1) << OVERLAY_##name##_BITS) - 1))

static uint32_t get(const struct design *d, uint32_t offset)
{
	return bus_read(d->bus, WINDOW_OVERLAY, offset);
}

static void set(const struct design *d, uint32_t offset, uint32_t value)
{
	bus_write(d->bus, WINDOW_OVERLAY, offset, value);
}

/* A pause between two checks, in which other threads may run; not used while a frame is processed. */
static bool pause_until(int64_t deadline)
{
	if (clock_now() >= deadline)
		return false;
	nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
	return true;
}

static int check_identity(const struct design *d, struct error *e)
{
	uint32_t identity = get(d, OVERLAY_REG_IDENTITY), version = get(d, OVERLAY_REG_VERSION);
	uint32_t major = FIELD(version, VERSION_MAJOR), minor = FIELD(version, VERSION_MINOR);

	if (identity == BUS_ALL_ONES)
		return error_set(e, -ENODEV,
			"PL \"overlay\": its registers read all ones: the PL is not programmed, or its clock "
			"stands; load the overlay's bitstream");
	if (identity != OVERLAY_IDENTITY)
		return error_set(e, -ENODEV,
			"PL \"overlay\": its identity reads 0x%08x instead of 0x%08x: another design is in "
			"the PL; "
			"load the overlay's bitstream",
			identity, OVERLAY_IDENTITY);
	if (major != OVERLAY_VERSION_MAJOR || (int)minor < OVERLAY_VERSION_MINOR)
		return error_set(e, -EPROTO,
			"PL \"overlay\": the PL holds version %u.%u, this program drives %d.%d; load the "
			"bitstream that came with it",
			major, minor, OVERLAY_VERSION_MAJOR, OVERLAY_VERSION_MINOR);
	return 0;
}

static int read_limits(struct design *d, struct error *e)
{
	const uint32_t geometry = get(d, OVERLAY_REG_GEOMETRY), memory = get(d, OVERLAY_REG_MEMORY),
		       limits = get(d, OVERLAY_REG_LIMITS);
	int layers = (int)FIELD(limits, LIMITS_LAYERS);

	if (FIELD(geometry, GEOMETRY_PIXELS) != OVERLAY_PIXELS ||
		FIELD(geometry, GEOMETRY_CHANNELS) != OVERLAY_CHANNELS ||
		FIELD(geometry, GEOMETRY_BITS) != OVERLAY_BITS)
		return error_set(e, -EPROTO,
			"PL \"overlay\": its array is %u x %u x %u, this program drives %d x %d x %d; load "
			"the "
			"bitstream that came with it",
			FIELD(geometry, GEOMETRY_PIXELS), FIELD(geometry, GEOMETRY_CHANNELS),
			FIELD(geometry, GEOMETRY_BITS), OVERLAY_PIXELS, OVERLAY_CHANNELS, OVERLAY_BITS);
	if (d->geometry && (geometry != d->geometry || memory != d->memory || limits != d->layers))
		return error_set(e, -EPROTO,
			"PL \"overlay\": the PL holds another design than before; start this program again");
	d->geometry = geometry;
	d->memory = memory;
	d->layers = limits;
	d->limits = (struct overlay_limits){
		.weight_words = (int)FIELD(memory, MEMORY_WEIGHT_WORDS),
		.code_words = (int)FIELD(memory, MEMORY_CODE_WORDS),
		.pages = (int)FIELD(limits, LIMITS_PAGES),
		.page_words = (int)FIELD(limits, LIMITS_PAGE_WORDS),
		.layers = layers < OVERLAY_LAYERS ? layers : OVERLAY_LAYERS,
		.pooled_width = (int)FIELD(limits, LIMITS_POOLED_WIDTH),
		.accumulator_bits = (int)FIELD(geometry, GEOMETRY_ACCUMULATOR),
		.transfer = overlay_limits.transfer,
	};
	return 0;
}

static int check(struct design *d, struct error *e)
{
	int rc = check_identity(d, e);

	return rc ? rc : read_limits(d, e);
}

/* Rights, the bitstream or kernel support are missing, or others use the design: the PL was not touched. */
static bool is_untouched(int rc)
{
	return rc == -EACCES || rc == -EPERM || rc == -EROFS || rc == -ENOENT || rc == -ENODEV ||
	       rc == -EBUSY;
}

int design_program(struct design *d, struct error *e)
{
	struct error why = {0};
	int rc = bus_program(d->bus, &why);

	if (rc && (!is_untouched(rc) || check(d, NULL)))
		return error_set(e, rc, "%s", why.text);
	if (rc)
		log_warning("%s; the PL keeps its design, and its weights are loaded again", why.text);
	return check(d, e);
}

int design_open(
	struct design *d, const struct bus_driver *driver, bool programs, int64_t timeout, struct error *e)
{
	static const struct bus_window windows[] = {
		[WINDOW_OVERLAY] = {"twobit-overlay", OVERLAY_WINDOW},
		[WINDOW_DMA] = {"twobit-dma", DMA_WINDOW_SIZE},
	};
	int rc = bus_open(driver, windows, 2, NULL, &d->bus, e);

	if (rc)
		return rc;
	d->dma = (struct overlay_dma){.bus = d->bus, .window = WINDOW_DMA};
	d->timeout = timeout;
	rc = check(d, e);
	if (rc && programs)
		rc = design_program(d, e);
	/* A program that was killed may have left transfers to memory that is not its own any more. */
	if (!rc && design_reset(d))
		rc = error_set(e, -EIO, "PL \"overlay\": it does not come out of its reset");
	if (rc) {
		bus_close(d->bus);
		d->bus = NULL;
	}
	return rc;
}

void design_close(struct design *d)
{
	bus_close(d->bus);
	d->bus = NULL;
}

int design_reset(const struct design *d)
{
	const uint32_t reset = 1U << OVERLAY_CONTROL_RESET_SHIFT;
	const uint32_t resetting = 1U << OVERLAY_STATUS_RESETTING_SHIFT;
	int64_t deadline = clock_now() + d->timeout;
	uint32_t status;
	int rc;

	/*
	 * The overlay is reset first, so that the DMA's stream ends, and again to discard what the DMA sent
	 * in between. The overlay may answer that with a result, and an idle DMA accepts the first beats of a
	 * result (PG021): so the DMA is reset again, too.
	 */
	set(d, OVERLAY_REG_CONTROL, reset);
	rc = dma_restart(&d->dma, deadline);
	if (rc)
		return rc;
	set(d, OVERLAY_REG_CONTROL, reset);
	while ((status = get(d, OVERLAY_REG_STATUS)) & resetting)
		if (status == BUS_ALL_ONES || !pause_until(deadline))
			return -EIO;
	rc = dma_restart(&d->dma, deadline);
	if (rc)
		return rc;
	set(d, OVERLAY_REG_INTERRUPT_MASK, 0); /* the DMA's interrupts are sufficient */
	set(d, OVERLAY_REG_CONTROL, 1U << OVERLAY_CONTROL_ENABLE_SHIFT);
	return 0;
}

static void write_setting(void *context, uint32_t offset, uint32_t value)
{
	set(context, offset, value);
}

/* 0 when the transfer has left the memory. */
static int send(const struct design *d, uint64_t address, size_t size, int64_t deadline, struct error *e)
{
	const char *error;
	size_t sent;
	enum dma_state state;

	dma_start(&d->dma, DMA_TO_DESIGN, address, size);
	if (!dma_length_fits(&d->dma, size))
		return error_set(e, -EIO,
			"PL \"overlay\": the DMA's length register does not hold %zu; build the DMA with a "
			"width of "
			"26 bits",
			size);
	while ((state = dma_check(&d->dma, DMA_TO_DESIGN, &sent, &error)) == DMA_RUNS)
		if (!pause_until(deadline))
			return error_set(e, -EIO, "PL \"overlay\": it does not take its weights");
	return state == DMA_DONE ? 0 : error_set(e, -EIO, "PL \"overlay\": %s", error);
}

/* Checks that all records of weights were accepted, the last of them with this CRC. */
static int check_loaded(const struct design *d, int records, uint32_t crc, int64_t deadline, struct error *e)
{
	for (;;) {
		uint32_t error = get(d, OVERLAY_REG_ERROR);

		if (FIELD(error, ERROR_CODE))
			return error_set(e, -EIO, "PL \"overlay\": it refused its weights (error %u)",
				FIELD(error, ERROR_CODE));
		if (get(d, OVERLAY_REG_RECORDS) == (uint32_t)records && get(d, OVERLAY_REG_LOADED_CRC) == crc)
			return 0;
		if (!pause_until(deadline))
			return error_set(e, -EIO, "PL \"overlay\": its weights did not arrive");
	}
}

int design_load(const struct design *d, const struct program *program, const struct bus_memory *memory,
	size_t offset, struct error *e)
{
	const struct records *r = &program->resident;
	int64_t deadline;
	int rc;

	program_write(program, write_setting, (void *)d);
	rc = design_reset(d); /* the weight ring begins at its new address */
	if (rc)
		return error_set(e, rc, "PL \"overlay\": it does not come out of its reset");
	if (!r->count)
		return 0;
	bus_to_design(d->bus, memory, offset, r->size);
	deadline = clock_now() + d->timeout;
	for (int i = 0; i < r->count && !rc; i++)
		rc = send(d, memory->address + offset + r->transfers[i].offset, r->transfers[i].size,
			deadline, e);
	if (rc)
		return rc;
	return check_loaded(d, r->count, (uint32_t)r->beats[r->size / sizeof(*r->beats) - 1], deadline, e);
}

void design_cycles(const struct design *d, const struct program *program, struct pl_cycles *out)
{
	*out = (struct pl_cycles){
		.hertz = HERTZ,
		.frame = get(d, OVERLAY_REG_FRAME_CYCLES),
		.waiting = get(d, OVERLAY_REG_STALL_CYCLES),
		.total = get(d, OVERLAY_REG_CYCLES),
		.idle = get(d, OVERLAY_REG_IDLE_CYCLES),
		.frames = get(d, OVERLAY_REG_FRAMES),
		.count = program->stage_count,
	};
	for (int i = 0; i < program->stage_count; i++)
		out->layers[i].layer = program->stages[i].layer;
	for (int i = 0; i < program->part_count; i++)
		out->layers[program->parts[i].stage].cycles +=
			get(d, OVERLAY_REG_LAYER_CYCLES + 4 * (uint32_t)i);
}
