/* SPDX-License-Identifier: MIT */
#include "pl/bus/rtl/board.h"

#include "base/error.h"
#include "flow/thread.h"
#include "pl/board/registers.h"
#include "pl/bus/rtl/faults.h"
#include "pl/bus/rtl_screen.h"
#include "pl/overlay/registers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Clocks between two checks for activity, while there was some and else; checks without it before it sleeps.
 */
#define CLOCKS 256
#define CLOCKS_QUIET 64
#define QUIET 3

/* Memory addresses of the design: never addresses of the process, with gaps between blocks. */
#define FIRST_ADDRESS UINT32_C(0x10000000)
#define GAP UINT32_C(0x10000)

/* Of 256 clocks, those in which the simulated memory is busy: usually, and when a test wants it so. */
#define USUAL_GAPS 16
#define MANY_GAPS 200

struct simulated_block {
	struct simulated_block *next;
	uint8_t *data;
	uint32_t address;
	size_t size;
};

static pthread_mutex_t boards_lock = PTHREAD_MUTEX_INITIALIZER;
static struct rtl_board *boards;

bool board_stands_still(const struct rtl_board *b)
{
	return !b->chip || faults_active(RTL_GONE) || faults_active(RTL_CLOCK_STOP);
}

/* Call after every change that may have raised or lowered the interrupt, or completed a frame. */
static void update_lines(struct rtl_board *b)
{
	bool still = board_stands_still(b), line;
	struct chip_screen screen = {0};

	line = !still && !faults_active(RTL_INTERRUPT_LOST) && chip_interrupt(b->chip);
	if (b->chip)
		chip_look(b->chip, &screen);
	pthread_mutex_lock(&b->line_lock);
	if (line != b->line || screen.frames != b->frames) {
		b->line = line;
		b->frames = screen.frames;
		pthread_cond_broadcast(&b->changed);
	}
	pthread_mutex_unlock(&b->line_lock);
}

/* Takes over the faults of the memory that are active now. */
static void disturb(struct rtl_board *b)
{
	const struct board_transfer *to = &b->to_overlay, *from = &b->from_overlay;
	uint32_t middle = to->address + to->length / 16 * 8;
	const struct chip_disturbance d = {
		.reads_stand = faults_active(RTL_HANG) && to->started,
		.writes_stand = faults_active(RTL_S2MM_STUCK) && from->started,
		.no_memory = faults_active(RTL_DECODE_ERROR),
		.refused = faults_active(RTL_SLAVE_ERROR),
		.flip_read = faults_active(RTL_WORD_CORRUPTED_IN) ? middle : 0,
		.flip_written = faults_active(RTL_WORD_CORRUPTED_OUT) ? from->address + 8 : 0,
		.late_from = faults_active(RTL_WORD_DOUBLED) ? middle : 0,
		.gaps = faults_active(RTL_MEMORY_BUSY) ? MANY_GAPS : USUAL_GAPS,
	};

	chip_disturb(b->chip, &d);
}

/* What is of the overlay or its DMA may make them work. */
static void prepare_access(struct rtl_board *b, uint32_t address)
{
	disturb(b);
	if (address < BOARD_SCANOUT_AT)
		b->quiet = 1;
}

bool board_read(struct rtl_board *b, uint32_t address, uint32_t *value)
{
	prepare_access(b, address);
	return chip_read(b->chip, address, value);
}

bool board_write(struct rtl_board *b, uint32_t address, uint32_t value)
{
	prepare_access(b, address);
	return chip_write(b->chip, address, value);
}

/* Whether the DMA or the overlay does something; not while it only waits for a fault to end. */
static bool computes(struct rtl_board *b)
{
	const uint32_t works = 1U << OVERLAY_STATUS_COMPUTING_SHIFT | 1U << OVERLAY_STATUS_LOADING_SHIFT |
			       1U << OVERLAY_STATUS_SENDING_SHIFT | 1U << OVERLAY_STATUS_RESETTING_SHIFT;
	uint32_t status;

	if (faults_active(RTL_HANG) || faults_active(RTL_S2MM_STUCK))
		return false;
	return chip_transfers(b->chip) ||
	       (chip_read(b->chip, BOARD_OVERLAY_AT + OVERLAY_REG_STATUS, &status) && (status & works));
}

static void work(struct rtl_board *b)
{
	bool rests = b->quiet >= QUIET;

	disturb(b);
	chip_clock(b->chip, b->quiet ? CLOCKS_QUIET : CLOCKS, rests);
	if (!rests)
		b->quiet = computes(b) ? 0 : b->quiet + 1;
}

static void *run(void *argument)
{
	struct rtl_board *b = argument;

	for (;;) {
		pthread_mutex_lock(&b->turn);
		pthread_mutex_lock(&b->lock);
		pthread_mutex_unlock(&b->turn);
		while (!b->stop && (board_stands_still(b) || (b->quiet >= QUIET && !chip_shows(b->chip))))
			condition_wait(&b->work, &b->lock, INT64_MAX);
		if (b->stop)
			break;
		work(b);
		update_lines(b);
		pthread_mutex_unlock(&b->lock);
	}
	pthread_mutex_unlock(&b->lock);
	return NULL;
}

void board_begin(struct rtl_board *b)
{
	pthread_mutex_lock(&b->turn);
	pthread_mutex_lock(&b->lock);
	pthread_mutex_unlock(&b->turn);
}

void board_end(struct rtl_board *b)
{
	update_lines(b);
	pthread_cond_signal(&b->work);
	pthread_mutex_unlock(&b->lock);
}

/* Called by the chip, within a turn. */
static uint8_t *find(void *context, uint32_t address, size_t size)
{
	const struct rtl_board *b = context;

	for (const struct simulated_block *i = b->blocks; i; i = i->next)
		if (address >= i->address && address - i->address < i->size &&
			size <= i->size - (size_t)(address - i->address))
			return i->data + (address - i->address);
	return NULL;
}

static int restart(struct rtl_board *b)
{
	chip_destroy(b->chip);
	b->to_overlay = b->from_overlay = (struct board_transfer){0};
	b->quiet = 1;
	b->chip = chip_create(find, b);
	return b->chip ? 0 : -ENOMEM;
}

/* --- sharing --- */

static void destroy(struct rtl_board *b)
{
	chip_destroy(b->chip);
	pthread_cond_destroy(&b->changed);
	pthread_cond_destroy(&b->work);
	pthread_mutex_destroy(&b->line_lock);
	pthread_mutex_destroy(&b->lock);
	pthread_mutex_destroy(&b->turn);
	while (b->blocks) {
		struct simulated_block *block = b->blocks;

		b->blocks = block->next; /* the memory itself belongs to its user */
		free(block);
	}
	free(b);
}

static int create(struct rtl_board **out, struct error *e)
{
	struct rtl_board *b = calloc(1, sizeof(*b));

	if (!b || condition_init(&b->work)) {
		free(b);
		error_set(e, -ENOMEM, "simulated board: no memory");
		return -ENOMEM;
	}
	if (condition_init(&b->changed)) {
		pthread_cond_destroy(&b->work);
		free(b);
		error_set(e, -ENOMEM, "simulated board: no memory");
		return -ENOMEM;
	}
	b->turn = b->lock = b->line_lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	b->next_address = FIRST_ADDRESS;
	int rc = restart(b);
	if (rc)
		error_set(e, rc, "simulated board: no memory");
	else if ((rc = thread_start(&b->thread, "board", run, b)))
		error_set(e, rc, "simulated board: no thread: %s", strerror(-rc));
	if (rc)
		destroy(b);
	else
		*out = b;
	return rc;
}

int board_attach(unsigned windows, struct rtl_board **out, struct error *e)
{
	struct rtl_board *b;
	int rc = 0;

	pthread_mutex_lock(&boards_lock);
	for (b = boards; b && b->windows & windows & ~RTL_SHARED;)
		b = b->next;
	if (!b && !(rc = create(&b, e))) {
		b->next = boards;
		boards = b;
	}
	if (!rc) {
		b->users++;
		b->windows |= windows;
		*out = b;
	}
	pthread_mutex_unlock(&boards_lock);
	return rc;
}

void board_detach(struct rtl_board *b, unsigned windows)
{
	struct rtl_board **link = &boards;

	pthread_mutex_lock(&boards_lock);
	b->windows &= ~windows;
	bool last = --b->users == 0;
	while (last && *link != b)
		link = &(*link)->next;
	if (last)
		*link = b->next;
	pthread_mutex_unlock(&boards_lock);
	if (!last)
		return;
	board_begin(b);
	b->stop = true;
	board_end(b);
	pthread_join(b->thread, NULL);
	destroy(b);
}

int board_program(struct rtl_board *b)
{
	pthread_mutex_lock(&boards_lock);
	bool alone = b->users == 1;
	pthread_mutex_unlock(&boards_lock);
	return alone ? restart(b) : -EBUSY;
}

/* --- memory --- */

int board_allocate(struct rtl_board *b, size_t size, struct bus_memory *out)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct simulated_block *block = calloc(1, sizeof(*block));
	void *data = MAP_FAILED;

	if (block && size <= UINT32_MAX / 4) {
		size = (size + page - 1) / page * page;
		data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	}
	if (data == MAP_FAILED) {
		free(block);
		return -ENOMEM;
	}
	board_begin(b);
	*block = (struct simulated_block){
		.next = b->blocks, .data = data, .address = b->next_address, .size = size};
	b->next_address += (uint32_t)((size + 2 * GAP - 1) / GAP * GAP);
	b->blocks = block;
	pthread_mutex_unlock(&b->lock);
	*out = (struct bus_memory){.data = data, .address = block->address, .size = size, .owner = block};
	return 0;
}

void board_release(struct rtl_board *b, struct bus_memory *memory)
{
	struct simulated_block **link = &b->blocks;

	board_begin(b);
	while (*link && *link != memory->owner)
		link = &(*link)->next;
	if (*link) {
		*link = (*link)->next;
		if (b->chip)
			chip_forget(b->chip, memory->data, memory->size);
	}
	pthread_mutex_unlock(&b->lock);
	munmap(memory->data, memory->size);
	free(memory->owner);
}

/* --- waiting --- */

int board_wait(struct rtl_board *b, int64_t deadline)
{
	int rc = 0;

	pthread_mutex_lock(&b->line_lock);
	while (!b->line && !rc)
		rc = condition_wait(&b->changed, &b->line_lock, deadline);
	rc = b->line ? 0 : rc;
	pthread_mutex_unlock(&b->line_lock);
	return rc;
}

static struct rtl_board *board_with_screen(void)
{
	pthread_mutex_lock(&boards_lock);
	struct rtl_board *b = boards;
	while (b && !(b->windows & 1U << RTL_SCANOUT))
		b = b->next;
	pthread_mutex_unlock(&boards_lock);
	return b;
}

static int copy_screen(struct rtl_board *b, struct rtl_screen *out, struct error *e)
{
	struct chip_screen screen = {0};
	int rc = 0;

	board_begin(b);
	if (b->chip)
		chip_look(b->chip, &screen);
	size_t size = (size_t)screen.width * screen.height * sizeof(*screen.pixels);
	*out = (struct rtl_screen){
		(int)screen.width, (int)screen.height, screen.frames ? malloc(size) : NULL};
	if (!screen.frames || !out->pixels)
		rc = error_set(e, -ENOMEM, "simulated board: no memory for a screen");
	else if (chip_faults(b->chip))
		rc = error_set(e, -EIO, "simulated board: no monitor would take the connector's signal");
	else
		memcpy(out->pixels, screen.pixels, size);
	board_end(b);
	if (rc)
		free(out->pixels);
	return rc;
}

int rtl_screen_read(struct rtl_screen *out, int64_t deadline, struct error *e)
{
	struct rtl_board *b = board_with_screen();
	int rc = 0;

	if (!b)
		return error_set(e, -ENODEV, "simulated board: its scan-out is not in use");
	pthread_mutex_lock(&b->line_lock);
	uint64_t seen = b->frames;
	while (b->frames == seen && !rc)
		rc = condition_wait(&b->changed, &b->line_lock, deadline);
	rc = b->frames == seen ? rc : 0;
	pthread_mutex_unlock(&b->line_lock);
	return rc ? error_set(e, rc, "simulated board: no frame is complete in time")
		  : copy_screen(b, out, e);
}
