/* SPDX-License-Identifier: MIT */
/*
 * QNN-MO-PYNQ's W1A2 design: one engine for all layers, so each group of each convolution takes two calls of
 * the block, one to load its parameters and one to compute.
 *
 * The published bitstream does not connect the block's interrupt: its registers are read every 0.1 ms, or
 * earlier where a design has connected it. The block has no reset: only programming the PL ends a call that
 * hangs.
 */
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "pl/bus/bus.h"
#include "pl/drivers.h"
#include "pl/qnn_mo/pack.h"
#include "pl/qnn_mo/plan.h"
#include "pl/worker/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BITSTREAM "/lib/firmware/W1A2-pynqZ1-Z2.bit" /* unless TWOBIT_BITSTREAM names another */

#define LOOK (100 * NS_PER_US) /* ns between two checks of a block that computes */

/* ns in which an abandoned call may still end; the largest takes 65 ms at 100 MHz. */
#define GRACE (100 * NS_PER_MS)

struct qnn_mo {
	struct bus *bus;
	struct qnn_mo_plan plan;
	struct bus_memory memory; /* as the plan divides it */
	uint8_t *codes;		  /* between stages of different groups */
	struct worker *worker;
	bool stuck; /* the block does not compute any more; only the worker uses it, except while it is
		       stopped */
};

/* The whole of IN1, IN2 or OUT. */
static void write_address(struct qnn_mo *q, uint32_t offset, size_t place)
{
	uint64_t address = q->memory.address + place;

	bus_write(q->bus, 0, offset, (uint32_t)address);
	bus_write(q->bus, 0, offset + 4, (uint32_t)(address >> 32));
}

static bool idle(uint32_t control)
{
	return (control & ~(uint32_t)(QNN_MO_DONE | QNN_MO_READY)) == QNN_MO_IDLE;
}

static int fail(struct qnn_mo *q, const struct qnn_mo_stage *stage, uint32_t control, const char *what)
{
	log_debug("PL \"qnn-mo\": layer \"%s\": the block %s (control register 0x%x)",
		stage->convolution->name, what, control);
	q->stuck = true;
	return -EIO;
}

/*
 * Waits until the block is done. A result counts only with its done bit: a block that was programmed
 * meanwhile is idle, too.
 */
static int await(struct qnn_mo *q, const struct qnn_mo_stage *stage)
{
	const struct timespec pause = {.tv_nsec = LOOK};
	int64_t given_up = INT64_MAX;
	bool early = false; /* the bus cannot wait here, or reports an old interrupt */

	for (;;) {
		int64_t now = clock_now(); /* read before the check, so that a pause between them does not
					      count as the block's */
		uint32_t control = bus_read(q->bus, 0, QNN_MO_CONTROL);

		if (control == UINT32_MAX)
			return fail(q, stage, control, "does not answer");
		if (control & QNN_MO_DONE)
			return 0;
		if (idle(control))
			return fail(q, stage, control, "has lost its call");
		if (given_up == INT64_MAX && worker_abandoned(q->worker))
			given_up = now;
		if (given_up != INT64_MAX && now - given_up > GRACE)
			return fail(q, stage, control, "has not ended its call");
		if (early)
			nanosleep(&pause, NULL);
		else
			early = bus_wait(q->bus, 0, now + LOOK) != -ETIMEDOUT;
	}
}

static int call(struct qnn_mo *q, const struct qnn_mo_stage *stage)
{
	uint32_t control;

	if (worker_abandoned(q->worker))
		return -ECANCELED;
	control = bus_read(q->bus, 0, QNN_MO_CONTROL);
	if (!idle(control))
		return fail(q, stage, control, "is not idle");
	if (bus_read(q->bus, 0, QNN_MO_INTERRUPT_STATUS) & 1)
		bus_write(q->bus, 0, QNN_MO_INTERRUPT_STATUS, 1);
	bus_write(q->bus, 0, QNN_MO_CONTROL, QNN_MO_START);
	return await(q, stage);
}

static int load_parameters(struct qnn_mo *q, const struct qnn_mo_stage *stage, size_t streams)
{
	write_address(q, QNN_MO_IN1, streams);
	write_address(q, QNN_MO_IN2, streams + stage->stream_bytes);
	bus_write(q->bus, 0, QNN_MO_INIT, 1);
	bus_write(q->bus, 0, QNN_MO_TYPE, QNN_MO_CONVOLUTION);
	bus_write(q->bus, 0, QNN_MO_KERNEL, (uint32_t)stage->convolution->kernel_height);
	return call(q, stage);
}

/* The registers that a stage's computing calls share. */
static void write_shape(struct qnn_mo *q, const struct qnn_mo_stage *stage)
{
	const struct layer *c = stage->convolution, *pool = stage->pool;
	const struct {
		uint32_t offset;
		int value;
	} registers[] = {
		{QNN_MO_TYPE, pool ? QNN_MO_CONVOLUTION_POOL : QNN_MO_CONVOLUTION},
		{QNN_MO_KERNEL, c->kernel_height}, {QNN_MO_STRIDE, 0},
		{QNN_MO_IN_CHANNELS, c->in.channels / c->groups},
		{QNN_MO_OUT_CHANNELS, c->out.channels / c->groups}, {QNN_MO_IN_SIDE, c->in.height},
		{QNN_MO_PADDED_SIDE, c->in.height + c->pad_top + c->pad_bottom},
		{QNN_MO_OUT_SIDE, c->out.height},
		{QNN_MO_POOL_IN_SIDE,
			pool ? pool->in.height + pool->pad_top + pool->pad_bottom : c->out.height},
		{QNN_MO_POOL_OUT_SIDE, qnn_mo_stage_out(stage).height},
		{QNN_MO_POOL_STRIDE, pool ? pool->stride_height - 1 : 0}, /* of 1 or 2 */
	};

	for (size_t i = 0; i < sizeof(registers) / sizeof(*registers); i++)
		bus_write(q->bus, 0, registers[i].offset, (uint32_t)registers[i].value);
}

/* From the codes at one side of the memory to the other. */
static int run_stage(struct qnn_mo *q, const struct qnn_mo_stage *stage, int side)
{
	for (int group = 0; group < stage->groups; group++) {
		size_t codes = (size_t)group * q->plan.group_bytes;
		int rc = load_parameters(q, stage, stage->streams + (size_t)group * 2 * stage->stream_bytes);

		if (rc)
			return rc;
		bus_write(q->bus, 0, QNN_MO_INIT, 0);
		write_address(q, QNN_MO_IN1, q->plan.codes[side] + codes);
		write_address(q, QNN_MO_OUT, q->plan.codes[!side] + codes);
		write_shape(q, stage);
		rc = call(q, stage);
		if (rc)
			return rc;
	}
	return 0;
}

static void write_codes(struct qnn_mo *q, const struct qnn_mo_stage *stage, int side, const uint8_t *codes)
{
	size_t place = q->plan.codes[side];

	qnn_mo_pack_codes(codes, stage->convolution->in, stage->groups, (uint8_t *)q->memory.data + place,
		q->plan.group_bytes);
	bus_to_design(q->bus, &q->memory, place, (size_t)stage->groups * q->plan.group_bytes);
}

static void read_codes(struct qnn_mo *q, const struct qnn_mo_stage *stage, int side, uint8_t *codes)
{
	size_t place = q->plan.codes[side];

	bus_from_design(q->bus, &q->memory, place, (size_t)stage->groups * q->plan.group_bytes);
	qnn_mo_unpack_codes((const uint8_t *)q->memory.data + place, q->plan.group_bytes,
		qnn_mo_stage_out(stage), stage->groups, codes);
}

/* Codes stay in the design's memory as long as the groups stay the same. */
static int run(void *owner, const uint8_t *in, void *out)
{
	struct qnn_mo *q = owner;
	const struct qnn_mo_stage *end = q->plan.stages + q->plan.count;
	const uint8_t *codes = in;
	int side = 0;

	if (q->stuck)
		return -ECANCELED;
	for (const struct qnn_mo_stage *s = q->plan.stages; s < end; s++) {
		if (codes)
			write_codes(q, s, side, codes);
		int rc = run_stage(q, s, side);
		if (rc)
			return rc;
		side = !side;
		codes = s + 1 < end && s[1].groups == s->groups ? NULL : q->codes;
		if (codes)
			read_codes(q, s, side, s + 1 == end ? (uint8_t *)out : q->codes);
	}
	return 0;
}

static int qnn_mo_open(const char *kernels, void **state, struct error *e)
{
	static const struct bus_window window = {"qnn-mo", QNN_MO_REGISTERS};
	const char *named = getenv("TWOBIT_BITSTREAM");
	struct qnn_mo *q = calloc(1, sizeof(*q));
	int rc;

	(void)kernels;
	if (!q)
		return error_set(e, -ENOMEM, "PL \"qnn-mo\": no memory");
	rc = bus_open(&bus_uio, &window, 1, named && *named ? named : BITSTREAM, &q->bus, e);
	if (rc) {
		free(q);
		return rc;
	}
	*state = q;
	return 0;
}

/* Only programming the PL stops a stuck block, which may still write to its memory. */
static void qnn_mo_close(void *state)
{
	struct qnn_mo *q = state;
	struct error e = {0};

	worker_destroy(q->worker);
	if (q->stuck && bus_program(q->bus, &e))
		log_warning(
			"PL \"qnn-mo\": a call could not be ended, so that its memory is kept: %s", e.text);
	else
		bus_free(q->bus, &q->memory);
	free(q->codes);
	qnn_mo_plan_finish(&q->plan);
	bus_close(q->bus);
	free(q);
}

static void write_parameters(struct qnn_mo *q)
{
	for (int i = 0; i < q->plan.count; i++) {
		const struct qnn_mo_stage *s = &q->plan.stages[i];
		uint8_t *words = (uint8_t *)q->memory.data + s->streams;

		for (int group = 0; group < s->groups; group++)
			for (int port = 0; port < 2; port++, words += s->stream_bytes)
				qnn_mo_pack_parameters(s->convolution, group, port, (uint64_t *)words);
	}
	bus_to_design(q->bus, &q->memory, 0, q->memory.size);
}

/* No register identifies the block; one that is idle as expected is accepted. */
static int load_design(struct qnn_mo *q, struct error *e)
{
	int rc;

	q->stuck = true;
	rc = bus_program(q->bus, e);
	if (rc)
		return rc;
	uint32_t control = bus_read(q->bus, 0, QNN_MO_CONTROL);
	if (!idle(control))
		return error_set(e, -EIO,
			"PL \"qnn-mo\": after programming, the control register is 0x%x; name "
			"QNN-MO-PYNQ's W1A2 bitstream in TWOBIT_BITSTREAM",
			control);
	write_parameters(q);
	bus_write(q->bus, 0, QNN_MO_INTERRUPT_ENABLE, 1);
	bus_write(q->bus, 0, QNN_MO_INTERRUPTS, 1);
	q->stuck = false;
	return 0;
}

static int qnn_mo_program(void *state, struct error *e)
{
	struct qnn_mo *q = state;
	int rc;

	worker_stop(q->worker);
	rc = load_design(q, e);
	worker_resume(q->worker);
	return rc;
}

static int create_memory(struct qnn_mo *q, struct error *e)
{
	int rc = bus_allocate(q->bus, q->plan.memory, &q->memory, e);

	if (rc)
		return rc;
	if (q->memory.address % 8 || q->memory.address > QNN_MO_REACH - q->plan.memory)
		return error_set(e, -ENOMEM,
			"PL \"qnn-mo\": its memory lies at 0x%llx, but must lie in the first %d MiB",
			(unsigned long long)q->memory.address, QNN_MO_REACH >> 20);
	return 0;
}

static int qnn_mo_check(void *state, const struct network *network, int first, int last, struct error *e)
{
	struct qnn_mo_plan plan;
	int rc = qnn_mo_plan(network, first, last, &plan, e);

	(void)state;
	qnn_mo_plan_finish(&plan);
	return rc;
}

/* After a failure qnn_mo_close frees the rest. */
static int qnn_mo_load(void *state, const struct network *network, int first, int last, struct error *e)
{
	struct qnn_mo *q = state;
	int rc = qnn_mo_plan(network, first, last, &q->plan, e);

	if (rc)
		return rc;
	q->codes = malloc(q->plan.most_codes);
	if (!q->codes)
		return error_set(e, -ENOMEM, "PL \"qnn-mo\": no memory for the codes of %s", network->name);
	rc = create_memory(q, e);
	if (!rc)
		rc = load_design(q, e);
	if (rc)
		return rc;
	rc = worker_create(&network->layers[first], &network->layers[last - 1], run, q, &q->worker);
	if (rc)
		return error_set(e, rc, "PL \"qnn-mo\": no buffers or no thread for %s: %s", network->name,
			strerror(-rc));
	return 0;
}

static uint8_t *qnn_mo_input(void *state, int buffer)
{
	return worker_input(((struct qnn_mo *)state)->worker, buffer);
}

static int32_t *qnn_mo_output(void *state, int buffer)
{
	return worker_output(((struct qnn_mo *)state)->worker, buffer);
}

static int qnn_mo_submit(void *state, int buffer)
{
	return worker_submit(((struct qnn_mo *)state)->worker, buffer);
}

static int qnn_mo_wait(void *state, int buffer, int64_t deadline)
{
	return worker_wait(((struct qnn_mo *)state)->worker, buffer, deadline);
}

static int qnn_mo_reset(void *state)
{
	struct qnn_mo *q = state;
	bool stuck;

	worker_stop(q->worker);
	stuck = q->stuck;
	worker_resume(q->worker);
	return stuck ? -ENOTRECOVERABLE : 0;
}

const struct pl_driver pl_qnn_mo = {
	.name = "qnn-mo",
	.summary =
		"QNN-MO-PYNQ's W1A2 bitstream for the PYNQ-Z1 and Z2, and software behind its convolutions",
	.open = qnn_mo_open,
	.close = qnn_mo_close,
	.check = qnn_mo_check,
	.load = qnn_mo_load,
	.input = qnn_mo_input,
	.output = qnn_mo_output,
	.submit = qnn_mo_submit,
	.wait = qnn_mo_wait,
	.reset = qnn_mo_reset,
	.program = qnn_mo_program,
	.by_name = true,
	.hardware = true,
};
