/* SPDX-License-Identifier: MIT */
/*
 * The bus to the overlay as Verilator simulates it, with a simulated AXI DMA. A thread clocks both while the
 * design or the DMA works and sleeps otherwise, so the overlay's counters do not count the time in between.
 */
#include "base/error.h"
#include "flow/thread.h"
#include "pl/bus/bus.h"
#include "pl/bus/rtl/dma.h"
#include "pl/bus/rtl/faults.h"
#include "pl/overlay/registers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Clocks between two checks for activity, and checks without activity before the thread sleeps. */
#define CLOCKS 128
#define QUIET 4

/* Memory addresses of the design: never addresses of the process, with gaps between blocks. */
#define FIRST_ADDRESS UINT64_C(0x10000000)
#define GAP UINT64_C(0x10000)

#define DMA_WINDOW 0x1000

enum device { OVERLAY, DMA, DEVICES };

static const struct bus_window devices[DEVICES] = {
	[OVERLAY] = {"twobit-overlay", OVERLAY_WINDOW},
	[DMA] = {"twobit-dma", DMA_WINDOW},
};

struct simulated_block {
	struct simulated_block *next;
	uint8_t *data;
	uint64_t address;
	size_t size;
};

struct rtl {
	/* A thread locks `turn` before `lock`, so that the simulation thread cannot keep others out. */
	pthread_mutex_t turn, lock;
	pthread_cond_t work;
	pthread_t thread;
	struct model *model; /* NULL: out of memory for another one */
	struct rtl_dma dma;
	struct simulated_block *blocks;
	uint64_t next_address;
	enum device devices[BUS_WINDOWS];
	int quiet;
	bool stop;

	pthread_mutex_t line_lock;
	pthread_cond_t raised;
	bool lines[DEVICES]; /* interrupts */
};

static void begin_turn(struct rtl *rtl)
{
	pthread_mutex_lock(&rtl->turn);
	pthread_mutex_lock(&rtl->lock);
	pthread_mutex_unlock(&rtl->turn);
}

static bool stands_still(const struct rtl *rtl)
{
	return !rtl->model || faults_active(RTL_GONE) || faults_active(RTL_CLOCK_STOP);
}

/* Call after every change that may raise or lower an interrupt. */
static void update_lines(struct rtl *rtl)
{
	bool received = !stands_still(rtl) && !faults_active(RTL_INTERRUPT_LOST);
	bool now[DEVICES] = {[OVERLAY] = received && model_interrupt(rtl->model),
		[DMA] = received && dma_interrupt(&rtl->dma)};

	pthread_mutex_lock(&rtl->line_lock);
	if (memcmp(now, rtl->lines, sizeof(now)) != 0) {
		memcpy(rtl->lines, now, sizeof(now));
		pthread_cond_broadcast(&rtl->raised);
	}
	pthread_mutex_unlock(&rtl->line_lock);
}

/* Ends a turn in which new work may have begun. */
static void end_turn(struct rtl *rtl)
{
	update_lines(rtl);
	rtl->quiet = 0;
	pthread_cond_signal(&rtl->work);
	pthread_mutex_unlock(&rtl->lock);
}

static bool at_work(struct rtl *rtl)
{
	const uint32_t works = 1U << OVERLAY_STATUS_COMPUTING_SHIFT | 1U << OVERLAY_STATUS_LOADING_SHIFT |
			       1U << OVERLAY_STATUS_SENDING_SHIFT | 1U << OVERLAY_STATUS_RESETTING_SHIFT;
	uint32_t status;

	return rtl->dma.to_overlay.running ||
	       (model_read(rtl->model, OVERLAY_REG_STATUS, &status) && (status & works));
}

static void *run(void *argument)
{
	struct rtl *rtl = argument;

	for (;;) {
		begin_turn(rtl);
		while (!rtl->stop && (rtl->quiet >= QUIET || stands_still(rtl)))
			condition_wait(&rtl->work, &rtl->lock, INT64_MAX);
		if (rtl->stop)
			break;
		model_clock(rtl->model, CLOCKS);
		rtl->quiet = at_work(rtl) ? 0 : rtl->quiet + 1;
		update_lines(rtl);
		pthread_mutex_unlock(&rtl->lock);
	}
	pthread_mutex_unlock(&rtl->lock);
	return NULL;
}

/* Called by the DMA, within a turn. */
static uint8_t *find(void *context, uint64_t address, size_t size)
{
	const struct rtl *rtl = context;

	for (const struct simulated_block *b = rtl->blocks; b; b = b->next)
		if (address >= b->address && address - b->address < b->size &&
			size <= b->size - (size_t)(address - b->address))
			return b->data + (address - b->address);
	return NULL;
}

static int find_windows(struct rtl *rtl, const struct bus_window *windows, int count, struct error *e)
{
	for (int i = 0; i < count; i++) {
		int device = 0;

		while (device < DEVICES && strcmp(devices[device].name, windows[i].name) != 0)
			device++;
		if (device == DEVICES || windows[i].size > devices[device].size)
			return error_set(e, -ENODEV,
				"the simulated overlay has no device \"%s\" with %zu bytes of registers",
				windows[i].name, windows[i].size);
		rtl->devices[i] = (enum device)device;
	}
	return 0;
}

static void rtl_destroy(struct rtl *rtl)
{
	model_destroy(rtl->model);
	pthread_cond_destroy(&rtl->raised);
	pthread_cond_destroy(&rtl->work);
	pthread_mutex_destroy(&rtl->line_lock);
	pthread_mutex_destroy(&rtl->lock);
	pthread_mutex_destroy(&rtl->turn);
	free(rtl);
}

static struct rtl *rtl_create(void)
{
	struct rtl *rtl = calloc(1, sizeof(*rtl));

	if (!rtl)
		return NULL;
	rtl->turn = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	rtl->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	rtl->line_lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	rtl->next_address = FIRST_ADDRESS;
	rtl->quiet = QUIET;
	rtl->dma.find = find;
	rtl->dma.context = rtl;
	dma_reset(&rtl->dma);
	if (condition_init(&rtl->work)) {
		free(rtl);
		return NULL;
	}
	if (condition_init(&rtl->raised)) {
		pthread_cond_destroy(&rtl->work);
		free(rtl);
		return NULL;
	}
	rtl->model = model_create(&dma_neighbours, &rtl->dma);
	if (!rtl->model) {
		rtl_destroy(rtl);
		return NULL;
	}
	return rtl;
}

static int rtl_open(
	const struct bus_window *windows, int count, const char *bitstream, void **state, struct error *e)
{
	struct rtl *rtl = rtl_create();
	int rc;

	(void)bitstream;
	if (!rtl)
		return error_set(e, -ENOMEM, "simulated overlay: no memory");
	rc = find_windows(rtl, windows, count, e);
	if (!rc) {
		rc = thread_start(&rtl->thread, "overlay", run, rtl);
		if (rc)
			error_set(e, rc, "simulated overlay: no thread: %s", strerror(-rc));
	}
	if (rc) {
		rtl_destroy(rtl);
		return rc;
	}
	*state = rtl;
	return 0;
}

static void rtl_close(void *state)
{
	struct rtl *rtl = state;

	begin_turn(rtl);
	rtl->stop = true;
	end_turn(rtl);
	pthread_join(rtl->thread, NULL);
	while (rtl->blocks) {
		struct simulated_block *b = rtl->blocks;

		rtl->blocks = b->next; /* the memory itself belongs to its user */
		free(b);
	}
	rtl_destroy(rtl);
}

static uint32_t read_overlay(struct rtl *rtl, uint32_t offset)
{
	uint32_t value;

	if (!model_read(rtl->model, offset, &value))
		return BUS_ALL_ONES;
	if (offset == OVERLAY_REG_VERSION && faults_active(RTL_WRONG_VERSION))
		value += 1U << OVERLAY_VERSION_MAJOR_SHIFT;
	return value;
}

static uint32_t rtl_read(void *state, int window, uint32_t offset)
{
	struct rtl *rtl = state;
	uint32_t value = BUS_ALL_ONES;

	begin_turn(rtl);
	if (!stands_still(rtl))
		value = rtl->devices[window] == DMA ? dma_read(&rtl->dma, offset) : read_overlay(rtl, offset);
	end_turn(rtl);
	return value;
}

static void rtl_write(void *state, int window, uint32_t offset, uint32_t value)
{
	struct rtl *rtl = state;

	begin_turn(rtl);
	if (!stands_still(rtl)) {
		if (rtl->devices[window] == DMA)
			dma_write(&rtl->dma, offset, value);
		else
			model_write(rtl->model, offset, value);
	}
	end_turn(rtl);
}

static int rtl_allocate(void *state, size_t size, struct bus_memory *out, struct error *e)
{
	struct rtl *rtl = state;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct simulated_block *b = calloc(1, sizeof(*b));
	void *data = MAP_FAILED;

	if (b && size <= SIZE_MAX - page) {
		size = (size + page - 1) / page * page;
		data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	}
	if (data == MAP_FAILED) {
		free(b);
		return error_set(e, -ENOMEM, "simulated overlay: no memory for a buffer of %zu bytes", size);
	}
	begin_turn(rtl);
	*b = (struct simulated_block){
		.next = rtl->blocks, .data = data, .address = rtl->next_address, .size = size};
	rtl->next_address += (size + 2 * GAP - 1) / GAP * GAP;
	rtl->blocks = b;
	pthread_mutex_unlock(&rtl->lock);
	*out = (struct bus_memory){.data = data, .address = b->address, .size = size, .owner = b};
	return 0;
}

static void rtl_free(void *state, struct bus_memory *memory)
{
	struct rtl *rtl = state;
	struct simulated_block **link = &rtl->blocks;

	begin_turn(rtl);
	while (*link && *link != memory->owner)
		link = &(*link)->next;
	if (*link) {
		*link = (*link)->next;
		dma_abort(&rtl->dma, memory->data, memory->size);
	}
	pthread_mutex_unlock(&rtl->lock);
	munmap(memory->data, memory->size);
	free(memory->owner);
}

/* The simulation uses the same memory as the processor, after the register accesses that start it. */
static void no_sync_needed(void *state, const struct bus_memory *memory, size_t offset, size_t size)
{
	(void)state;
	(void)memory;
	(void)offset;
	(void)size;
}

static int rtl_wait(void *state, int window, int64_t deadline)
{
	struct rtl *rtl = state;
	const bool *line = &rtl->lines[rtl->devices[window]];
	int rc = 0;

	pthread_mutex_lock(&rtl->line_lock);
	while (!*line && !rc)
		rc = condition_wait(&rtl->raised, &rtl->line_lock, deadline);
	rc = *line ? 0 : rc;
	pthread_mutex_unlock(&rtl->line_lock);
	return rc;
}

static int rtl_program(void *state, struct error *e)
{
	struct rtl *rtl = state;
	int rc = 0;

	if (!faults_program())
		return error_set(e, -EIO, "the simulated overlay is set to refuse its programming");
	begin_turn(rtl);
	model_destroy(rtl->model);
	dma_reset(&rtl->dma);
	rtl->model = model_create(&dma_neighbours, &rtl->dma);
	if (!rtl->model)
		rc = error_set(e, -ENOMEM, "simulated overlay: no memory");
	end_turn(rtl);
	return rc;
}

const struct bus_driver bus_rtl = {
	.name = "rtl",
	.open = rtl_open,
	.close = rtl_close,
	.read = rtl_read,
	.write = rtl_write,
	.allocate = rtl_allocate,
	.free = rtl_free,
	.to_design = no_sync_needed,
	.from_design = no_sync_needed,
	.wait = rtl_wait,
	.program = rtl_program,
};
