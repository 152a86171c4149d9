/* SPDX-License-Identifier: MIT */
#include "pl/bus/rtl/dma.h"

#include "pl/bus/rtl/faults.h"

#include <string.h>

/* Registers of a channel, and where the one from the overlay begins (MM2S_, S2MM_). */
#define CONTROL 0x00
#define STATUS 0x04
#define ADDRESS 0x18
#define ADDRESS_HIGH 0x1C
#define LENGTH 0x28
#define FROM_OVERLAY 0x30

#define CONTROL_RUN 1U
#define CONTROL_RESET 4U
#define CONTROL_DEFAULT 0x00010002U /* an interrupt threshold of 1, which direct mode ignores */
#define CONTROL_WRITABLE 0x00007009U
#define STATUS_HALTED 1U
#define STATUS_IDLE 2U
#define STATUS_INTERNAL_ERROR 0x10U
#define STATUS_DECODE_ERROR 0x40U
#define STATUS_DONE 0x1000U   /* IOC_Irq */
#define STATUS_FAILED 0x4000U /* Err_Irq */
#define INTERRUPTS 0x7000U

/* The length register's width in this project's DMA. */
#define LENGTH_MASK ((1U << 26) - 1)

#define BEAT 8U /* bytes */

/* Clocks from the write of the length to the first beat: an estimate of the memory's latency. */
#define DELAY 30

void dma_reset(struct rtl_dma *dma)
{
	const struct dma_channel channel = {.control = CONTROL_DEFAULT, .status = STATUS_HALTED};

	dma->to_overlay = channel;
	dma->from_overlay = channel;
}

uint32_t dma_read(const struct rtl_dma *dma, uint32_t offset)
{
	const struct dma_channel *c = offset < FROM_OVERLAY ? &dma->to_overlay : &dma->from_overlay;

	switch (offset < FROM_OVERLAY ? offset : offset - FROM_OVERLAY) {
	case CONTROL:
		return c->control;
	case STATUS:
		return c->status;
	case ADDRESS:
		return (uint32_t)c->address;
	case ADDRESS_HIGH:
		return (uint32_t)(c->address >> 32);
	case LENGTH:
		return c->length;
	default:
		return 0;
	}
}

/* An error halts the channel; only a reset makes it run again. */
static void fail(struct dma_channel *c, uint32_t error)
{
	c->running = false;
	c->control &= ~CONTROL_RUN;
	c->status = (c->status & ~STATUS_IDLE) | STATUS_HALTED | STATUS_FAILED | error;
}

static void finish(struct dma_channel *c)
{
	c->running = false;
	c->status |= STATUS_IDLE | STATUS_DONE;
}

static void write_control(struct rtl_dma *dma, struct dma_channel *c, uint32_t value)
{
	if (value & CONTROL_RESET) {
		faults_reset();
		dma_reset(dma);
		return;
	}
	c->control = (value & CONTROL_WRITABLE) | CONTROL_DEFAULT;
	if (c->status & (STATUS_INTERNAL_ERROR | STATUS_DECODE_ERROR))
		c->control &= ~CONTROL_RUN;
	if (c->control & CONTROL_RUN) {
		c->status &= ~STATUS_HALTED;
	} else {
		c->running = false;
		c->status = (c->status & ~STATUS_IDLE) | STATUS_HALTED;
	}
}

/* Writing the length, the last register of a transfer, starts it. */
static void write_length(struct rtl_dma *dma, struct dma_channel *c, uint32_t value)
{
	bool to_overlay = c == &dma->to_overlay;

	if ((c->status & STATUS_HALTED) || c->running)
		return;
	if (to_overlay)
		faults_transfer();
	c->length = value & LENGTH_MASK;
	c->status &= ~STATUS_IDLE;
	if (c->length == 0 || c->length % BEAT || c->address % BEAT) {
		fail(c, STATUS_INTERNAL_ERROR);
		return;
	}
	c->data = dma->find(dma->context, c->address, c->length);
	if (!c->data || (to_overlay && faults_active(RTL_DECODE_ERROR))) {
		fail(c, STATUS_DECODE_ERROR);
		return;
	}
	c->position = 0;
	c->delay = DELAY;
	c->doubled = false;
	c->running = true;
}

void dma_write(struct rtl_dma *dma, uint32_t offset, uint32_t value)
{
	struct dma_channel *c = offset < FROM_OVERLAY ? &dma->to_overlay : &dma->from_overlay;

	switch (offset < FROM_OVERLAY ? offset : offset - FROM_OVERLAY) {
	case CONTROL:
		write_control(dma, c, value);
		break;
	case STATUS:
		c->status &= ~(value & INTERRUPTS);
		break;
	case ADDRESS:
		c->address = (c->address & ~(uint64_t)UINT32_MAX) | value;
		break;
	case ADDRESS_HIGH:
		c->address = (c->address & UINT32_MAX) | (uint64_t)value << 32;
		break;
	case LENGTH:
		write_length(dma, c, value);
		break;
	default:
		break;
	}
}

bool dma_interrupt(const struct rtl_dma *dma)
{
	return ((dma->to_overlay.status & dma->to_overlay.control) |
		       (dma->from_overlay.status & dma->from_overlay.control)) &
	       INTERRUPTS;
}

void dma_abort(struct rtl_dma *dma, const uint8_t *data, size_t size)
{
	struct dma_channel *channels[] = {&dma->to_overlay, &dma->from_overlay};

	for (int i = 0; i < 2; i++)
		if (channels[i]->running && channels[i]->data >= data && channels[i]->data < data + size)
			fail(channels[i], STATUS_DECODE_ERROR);
}

static bool in_the_middle(const struct dma_channel *c)
{
	return c->position == c->length / BEAT / 2 * BEAT;
}

static void drive(void *context, struct model_streams *s)
{
	struct rtl_dma *dma = context;
	struct dma_channel *in = &dma->to_overlay;

	s->in_valid = in->running && in->delay == 0 && !faults_active(RTL_HANG);
	s->out_ready = dma->from_overlay.running && !faults_active(RTL_S2MM_STUCK);
	if (in->running && in->delay > 0)
		in->delay--;
	if (!s->in_valid)
		return;
	memcpy(&s->in_data, in->data + in->position, BEAT);
	s->in_last = in->position + BEAT == in->length && !faults_active(RTL_LAST_DROPPED);
	if (!in_the_middle(in))
		return;
	if (faults_active(RTL_LAST_EARLY))
		s->in_last = true;
	if (faults_active(RTL_WORD_CORRUPTED_IN))
		s->in_data ^= UINT64_C(1) << 13;
}

static void take_to_overlay(struct dma_channel *c)
{
	if (!c->doubled && in_the_middle(c) && faults_active(RTL_WORD_DOUBLED)) {
		c->doubled = true;
		return;
	}
	c->position += BEAT;
	if (c->position == c->length)
		finish(c);
}

static void take_from_overlay(struct dma_channel *c, uint64_t data, bool last)
{
	if (c->position == c->length) {
		fail(c, STATUS_INTERNAL_ERROR); /* more than the buffer holds */
		return;
	}
	if (c->position == BEAT && faults_active(RTL_WORD_CORRUPTED_OUT))
		data ^= UINT64_C(1) << 13;
	memcpy(c->data + c->position, &data, BEAT);
	c->position += BEAT;
	if (last) {
		c->length = c->position; /* the driver reads the received size here */
		finish(c);
	}
}

static void take(void *context, const struct model_streams *s)
{
	struct rtl_dma *dma = context;

	if (s->in_taken)
		take_to_overlay(&dma->to_overlay);
	if (s->out_taken)
		take_from_overlay(&dma->from_overlay, s->out_data, s->out_last);
}

const struct model_neighbours dma_neighbours = {.drive = drive, .take = take};
