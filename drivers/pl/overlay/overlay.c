/* SPDX-License-Identifier: MIT */
/*
 * Two buffers in the overlay: one is computed while the next is loaded and the previous one is read. The DMA
 * does one transfer at a time in each direction, so later transfers wait here. There is no thread: the caller
 * that waits for a buffer receives the interrupt, checks which transfers have ended, and starts the next.
 */
#include "pl/overlay/overlay.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "flow/thread.h"
#include "pl/overlay/design.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * The registers are checked at least this often, so that a lost interrupt or a reset is not noticed only at
 * the deadline.
 */
#define SLICE (100 * NS_PER_MS)

enum { LINE = 64 }; /* bytes of the largest cache line: what the DMA writes shares none */

enum overlay_buffer_state {
	IDLE, /* never submitted, or discarded by a reset */
	QUEUED,
	FAILED,
	DONE,
};

struct overlay_buffer {
	uint8_t *input;
	int32_t *output;
	size_t transfer, result; /* where they lie in the memory */
	enum overlay_buffer_state state;
	int reason; /* of FAILED: negative errno value */
	uint16_t sequence;
};

struct overlay {
	struct design design;
	struct program *program;
	struct bus_memory memory; /* transfers, results, resident weights */
	size_t resident;

	pthread_mutex_t lock;	    /* guards all that follows, and the design's registers */
	pthread_cond_t changed;	    /* a buffer left QUEUED, or no caller waits for an interrupt any more */
	bool waiting_for_interrupt; /* a caller waits for one, without the lock */
	struct overlay_buffer buffers[PL_BUFFERS];
	uint16_t sequence; /* of the last submission; goes on over resets, so that no old result is taken */

	/* Submissions since the last reset: number n is of buffer order[n % PL_BUFFERS]. */
	unsigned submitted, sent, received;
	int order[PL_BUFFERS];
	int piece; /* transfer of submission `sent` */
	bool sending, receiving;
	bool stopped; /* after a failure: no transfer starts until a reset */
};

static struct overlay_buffer *buffer_of(struct overlay *o, unsigned submission)
{
	return &o->buffers[o->order[submission % PL_BUFFERS]];
}

static void fail(struct overlay *o, struct overlay_buffer *b, int reason, const char *what)
{
	log_debug("PL \"overlay\": frame %u: %s", b->sequence, what);
	o->stopped = true;
	if (b->state != QUEUED)
		return;
	b->state = FAILED;
	b->reason = reason;
}

/* Handles a result, or the failure record that the overlay sent instead. */
static void take_result(struct overlay *o, struct overlay_buffer *b, size_t size)
{
	static const char *const failures[] = {
		[OVERLAY_ERROR_NONE] = "a failure without an error",
		[OVERLAY_ERROR_SHORT] = "a record was cut short",
		[OVERLAY_ERROR_LONG] = "a record did not end",
		[OVERLAY_ERROR_HEADER] = "a record had a bad header",
		[OVERLAY_ERROR_RANGE] = "a record did not fit",
		[OVERLAY_ERROR_CRC] = "a record was damaged on its way in",
		[OVERLAY_ERROR_DESCRIPTOR] = "a descriptor makes no sense",
		[OVERLAY_ERROR_WATCHDOG] = "nothing moved",
	};
	const uint64_t *result = (const uint64_t *)((const char *)o->memory.data + b->result);
	int failure, rc;

	if (size > o->program->result_size)
		size = 0;
	bus_from_design(o->design.bus, &o->memory, b->result, size);
	rc = program_unpack(o->program, result, size, b->sequence, b->output, &failure);
	if (rc == -EIO)
		fail(o, b, rc,
			failure < (int)(sizeof(failures) / sizeof(*failures)) ? failures[failure]
									      : "an unknown failure");
	else if (rc)
		fail(o, b, rc, "the result is another frame's, or damaged");
	else if (b->state == QUEUED)
		b->state = DONE;
}

static void check_sending(struct overlay *o)
{
	const char *error;
	size_t size;
	enum dma_state state =
		o->sending ? dma_check(&o->design.dma, DMA_TO_DESIGN, &size, &error) : DMA_RUNS;

	if (state == DMA_RUNS)
		return;
	o->sending = false;
	if (state == DMA_FAILED) {
		fail(o, buffer_of(o, o->sent), -EIO, error);
	} else if (++o->piece == o->program->frame.count) {
		o->piece = 0;
		o->sent++;
	}
}

static void check_receiving(struct overlay *o)
{
	struct overlay_buffer *b = buffer_of(o, o->received);
	const char *error;
	size_t size;
	enum dma_state state =
		o->receiving ? dma_check(&o->design.dma, DMA_FROM_DESIGN, &size, &error) : DMA_RUNS;

	if (state == DMA_RUNS)
		return;
	o->receiving = false;
	if (state == DMA_FAILED)
		fail(o, b, -EIO, error);
	else
		take_result(o, b, size);
	o->received++;
}

static void start_next(struct overlay *o)
{
	const struct overlay_dma *dma = &o->design.dma;

	if (o->stopped)
		return;
	if (!o->receiving && o->received != o->submitted) {
		dma_start(dma, DMA_FROM_DESIGN, o->memory.address + buffer_of(o, o->received)->result,
			o->program->result_size);
		o->receiving = true;
	}
	if (!o->sending && o->sent != o->submitted) {
		const struct transfer *t = &o->program->frame.transfers[o->piece];

		dma_start(dma, DMA_TO_DESIGN, o->memory.address + buffer_of(o, o->sent)->transfer + t->offset,
			t->size);
		o->sending = true;
	}
}

/* Checks which transfers have ended, and starts the next; the lock is held. */
static void update(struct overlay *o)
{
	check_sending(o);
	check_receiving(o);
	start_next(o);
}

/* Waits for a possible change; the lock is held before and after, but not while waiting. */
static int wait_for_change(struct overlay *o, int64_t deadline)
{
	int64_t slice = clock_now() + SLICE;
	int rc;

	if (slice > deadline)
		slice = deadline;
	if (o->waiting_for_interrupt) {
		condition_wait(&o->changed, &o->lock, slice);
		return 0;
	}
	o->waiting_for_interrupt = true;
	pthread_mutex_unlock(&o->lock);
	rc = bus_wait(o->design.bus, WINDOW_DMA, slice);
	pthread_mutex_lock(&o->lock);
	o->waiting_for_interrupt = false;
	return rc == -ETIMEDOUT ? 0 : rc;
}

/* Whether the wait for the buffer is over; *rc is its result. */
static bool settled(struct overlay *o, int buffer, int *rc)
{
	const struct overlay_buffer *b = &o->buffers[buffer];

	*rc = b->state == DONE ? 0 : b->state == FAILED ? b->reason : -ECANCELED;
	if (b->state != QUEUED)
		return true;
	*rc = -EIO; /* after a failure only a result that is already being received may still arrive */
	return o->stopped && !(o->receiving && buffer_of(o, o->received) == b);
}

int overlay_wait(void *state, int buffer, int64_t deadline)
{
	struct overlay *o = state;
	int rc;

	pthread_mutex_lock(&o->lock);
	while (!settled(o, buffer, &rc)) {
		bool over = clock_now() >= deadline;
		int broken = over ? -ETIMEDOUT : wait_for_change(o, deadline);

		update(o); /* an interrupt may be lost, or a buffer end at the deadline itself */
		pthread_cond_broadcast(&o->changed);
		if (broken && !settled(o, buffer, &rc)) {
			rc = broken;
			break;
		}
	}
	pthread_mutex_unlock(&o->lock);
	return rc;
}

int overlay_submit(void *state, int buffer)
{
	struct overlay *o = state;
	struct overlay_buffer *b = &o->buffers[buffer];
	uint16_t sequence;

	pthread_mutex_lock(&o->lock);
	if (b->state == QUEUED) {
		pthread_mutex_unlock(&o->lock);
		return -EBUSY;
	}
	sequence = ++o->sequence;
	pthread_mutex_unlock(&o->lock);
	/* Without the lock: the buffer's memory is the caller's until it is QUEUED. */
	program_pack(o->program, b->input, sequence, (uint64_t *)((char *)o->memory.data + b->transfer));
	pthread_mutex_lock(&o->lock);
	bus_to_design(
		o->design.bus, &o->memory, b->transfer, (o->program->frame_beats + 2) * sizeof(uint64_t));
	b->sequence = sequence;
	b->state = QUEUED;
	if (!o->stopped) { /* else a reset follows, which discards it */
		o->order[o->submitted++ % PL_BUFFERS] = buffer;
		update(o);
		pthread_cond_broadcast(&o->changed);
	}
	pthread_mutex_unlock(&o->lock);
	return 0;
}

/* Discards all buffers that are not done; the lock is held. */
static void discard(struct overlay *o)
{
	for (int i = 0; i < PL_BUFFERS; i++)
		if (o->buffers[i].state != DONE)
			o->buffers[i].state = IDLE;
	o->submitted = o->sent = o->received = 0;
	o->piece = 0;
	o->sending = o->receiving = false;
	pthread_cond_broadcast(&o->changed);
}

int overlay_reset(void *state)
{
	struct overlay *o = state;
	int rc;

	pthread_mutex_lock(&o->lock);
	rc = design_reset(&o->design);
	discard(o);
	o->stopped = rc != 0;
	pthread_mutex_unlock(&o->lock);
	return rc;
}

/*
 * Writes the weights again, since their memory may be damaged: all but the frames' own records, which
 * overlay_submit may be writing at the same time.
 */
static void write_weights(struct overlay *o)
{
	const struct program *p = o->program;
	size_t frame = (p->frame_beats + 2) * sizeof(uint64_t), rest = p->frame.size - frame;

	for (int i = 0; i < PL_BUFFERS; i++) {
		size_t at = o->buffers[i].transfer + frame;

		memcpy((char *)o->memory.data + at, (const char *)p->frame.beats + frame, rest);
		bus_to_design(o->design.bus, &o->memory, at, rest);
	}
	memcpy((char *)o->memory.data + o->resident, p->resident.beats, p->resident.size);
	bus_to_design(o->design.bus, &o->memory, o->resident, p->resident.size);
}

int overlay_program(void *state, struct error *e)
{
	struct overlay *o = state;
	int rc;

	pthread_mutex_lock(&o->lock);
	rc = design_program(&o->design, e);
	write_weights(o);
	if (!rc)
		rc = design_load(&o->design, o->program, &o->memory, o->resident, e);
	discard(o);
	o->stopped = rc != 0;
	pthread_mutex_unlock(&o->lock);
	return rc;
}

static size_t align(size_t size)
{
	return (size + LINE - 1) / LINE * LINE;
}

/* One block of memory for all, since some systems have few blocks. */
static int create_memory(struct overlay *o, struct error *e)
{
	const struct program *p = o->program;
	size_t at = 0;
	int rc;

	for (int i = 0; i < PL_BUFFERS; i++) {
		o->buffers[i].transfer = at;
		at += align(p->frame.size);
		o->buffers[i].result = at;
		at += align(p->result_size);
	}
	o->resident = at;
	at += align(p->resident.size);
	rc = bus_allocate(o->design.bus, at, &o->memory, e);
	if (!rc)
		write_weights(o);
	return rc;
}

static int create_buffers(
	struct overlay *o, const struct network *network, int first, int last, struct error *e)
{
	const struct layer *end = &network->layers[last - 1];
	size_t element = end->epilogue == EPILOGUE_SCORES ? sizeof(int32_t) : sizeof(uint8_t);

	for (int i = 0; i < PL_BUFFERS; i++) {
		o->buffers[i].input = buffer_create(shape_size(network->layers[first].in));
		o->buffers[i].output = buffer_create(shape_size(end->out) * element);
		if (!o->buffers[i].input || !o->buffers[i].output)
			return error_set(e, -ENOMEM, "PL \"overlay\": no memory for the buffers of %s",
				network->name ? network->name : "the network");
	}
	return 0;
}

static void destroy_buffers(struct overlay *o)
{
	for (int i = 0; i < PL_BUFFERS; i++) {
		free(o->buffers[i].input);
		free(o->buffers[i].output);
		o->buffers[i].input = NULL;
		o->buffers[i].output = NULL;
	}
	bus_free(o->design.bus, &o->memory);
	program_destroy(o->program);
	o->program = NULL;
}

int overlay_check(void *state, const struct network *network, int first, int last, struct error *e)
{
	return program_check(network, first, last, &((struct overlay *)state)->design.limits, e);
}

int overlay_load(void *state, const struct network *network, int first, int last, struct error *e)
{
	struct overlay *o = state;
	int rc = program_create(network, first, last, &o->design.limits, false, &o->program, e);

	if (!rc)
		rc = create_buffers(o, network, first, last, e);
	if (!rc)
		rc = create_memory(o, e);
	if (!rc)
		rc = design_load(&o->design, o->program, &o->memory, o->resident, e);
	if (rc)
		destroy_buffers(o);
	return rc;
}

void overlay_close(void *state)
{
	struct overlay *o = state;

	/* A DMA that does not stop may still write, so its memory is not freed. */
	if (o->program && design_reset(&o->design))
		memset(&o->memory, 0, sizeof(o->memory));
	destroy_buffers(o);
	design_close(&o->design);
	pthread_mutex_destroy(&o->lock);
	pthread_cond_destroy(&o->changed);
	free(o);
}

int overlay_open(
	const struct bus_driver *driver, bool programs, int64_t timeout, void **state, struct error *e)
{
	struct overlay *o = calloc(1, sizeof(*o));
	int rc;

	if (!o || condition_init(&o->changed)) {
		free(o);
		return error_set(e, -ENOMEM, "PL \"overlay\": no memory");
	}
	o->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	rc = design_open(&o->design, driver, programs, timeout, e);
	if (rc) {
		pthread_mutex_destroy(&o->lock);
		pthread_cond_destroy(&o->changed);
		free(o);
		return rc;
	}
	*state = o;
	return 0;
}

uint8_t *overlay_input(void *state, int buffer)
{
	return ((struct overlay *)state)->buffers[buffer].input;
}

int32_t *overlay_output(void *state, int buffer)
{
	return ((struct overlay *)state)->buffers[buffer].output;
}

void overlay_cycles(void *state, struct pl_cycles *out)
{
	struct overlay *o = state;

	pthread_mutex_lock(&o->lock);
	design_cycles(&o->design, o->program, out);
	pthread_mutex_unlock(&o->lock);
}
