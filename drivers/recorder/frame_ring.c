/* SPDX-License-Identifier: MIT */
#include "recorder/frame_ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct frame_ring {
	uint8_t *bytes;
	size_t capacity;
	size_t head; /* the next frame's data begins here */
	int slots, first, count;
	struct ring_frame *frames;
	int32_t *scores; /* [slots][class_count] */
};

int frame_ring_create(size_t bytes, int slots, int class_count, struct frame_ring **out)
{
	size_t scores;

	if (slots < 1 || class_count < 0 || !bytes)
		return -EINVAL;
	if (__builtin_mul_overflow((size_t)slots * sizeof(int32_t), (size_t)class_count, &scores))
		return -EOVERFLOW;
	struct frame_ring *ring = calloc(1, sizeof(*ring));
	if (!ring)
		return -ENOMEM;
	ring->bytes = malloc(bytes);
	ring->frames = calloc((size_t)slots, sizeof(*ring->frames));
	ring->scores = malloc(scores ? scores : 1);
	ring->capacity = bytes;
	ring->slots = slots;
	if (!ring->bytes || !ring->frames || !ring->scores) {
		frame_ring_destroy(ring);
		return -ENOMEM;
	}
	for (int i = 0; i < slots; i++)
		ring->frames[i].scores = ring->scores + (size_t)i * (size_t)class_count;
	*out = ring;
	return 0;
}

void frame_ring_destroy(struct frame_ring *ring)
{
	if (!ring)
		return;
	free(ring->bytes);
	free(ring->frames);
	free(ring->scores);
	free(ring);
}

bool frame_ring_could_hold(const struct frame_ring *ring, size_t size)
{
	return size <= ring->capacity;
}

/* The offset of `size` free bytes in one piece, or SIZE_MAX. Used data lies from `tail` to head, perhaps
 * round the ring's end. */
static size_t place_for(const struct frame_ring *ring, size_t size)
{
	size_t tail = 0;
	bool empty = true;

	for (int i = 0; empty && i < ring->count; i++) {
		const struct ring_frame *frame = &ring->frames[(ring->first + i) % ring->slots];
		empty = !frame->data;
		tail = frame->data ? (size_t)(frame->data - ring->bytes) : 0;
	}
	if (empty)
		return size <= ring->capacity ? 0 : SIZE_MAX;
	if (ring->head > tail) {
		if (size <= ring->capacity - ring->head)
			return ring->head;
		return size <= tail ? 0 : SIZE_MAX;
	}
	return size <= tail - ring->head ? ring->head : SIZE_MAX;
}

bool frame_ring_push(struct frame_ring *ring, const struct ring_frame *frame)
{
	if (ring->count == ring->slots)
		return false;
	size_t place = frame->data ? place_for(ring, frame->size) : 0;
	if (place == SIZE_MAX)
		return false;
	struct ring_frame *to = &ring->frames[(ring->first + ring->count) % ring->slots];
	int32_t *scores = to->scores;
	*to = *frame;
	to->scores = scores;
	if (frame->data) {
		memcpy(ring->bytes + place, frame->data, frame->size);
		to->data = ring->bytes + place;
		ring->head = place + frame->size;
	}
	ring->count++;
	return true;
}

int frame_ring_count(const struct frame_ring *ring)
{
	return ring->count;
}

struct ring_frame *frame_ring_at(struct frame_ring *ring, int place)
{
	return &ring->frames[(ring->first + place) % ring->slots];
}

struct ring_frame *frame_ring_find(struct frame_ring *ring, uint64_t number)
{
	int low = 0, high = ring->count;

	while (low < high) {
		int middle = low + (high - low) / 2;
		struct ring_frame *frame = frame_ring_at(ring, middle);
		if (frame->number == number)
			return frame;
		if (frame->number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

void frame_ring_pop(struct frame_ring *ring)
{
	if (!ring->count)
		return;
	ring->first = (ring->first + 1) % ring->slots;
	ring->count--;
}
