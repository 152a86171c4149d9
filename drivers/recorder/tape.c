/* SPDX-License-Identifier: MIT */
#include "recorder/tape.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct tape {
	uint8_t *bytes;
	size_t capacity;
	size_t head; /* where the next frame's data would go */
	int slots, first, count;
	struct tape_frame *frames;
	int32_t *scores; /* [slots][class_count] */
};

int tape_create(size_t bytes, int slots, int class_count, struct tape **out)
{
	size_t scores;

	if (slots < 1 || class_count < 0 || !bytes)
		return -EINVAL;
	if (__builtin_mul_overflow((size_t)slots * sizeof(int32_t), (size_t)class_count, &scores))
		return -EOVERFLOW;
	struct tape *tape = calloc(1, sizeof(*tape));
	if (!tape)
		return -ENOMEM;
	tape->bytes = malloc(bytes);
	tape->frames = calloc((size_t)slots, sizeof(*tape->frames));
	tape->scores = malloc(scores ? scores : 1);
	tape->capacity = bytes;
	tape->slots = slots;
	if (!tape->bytes || !tape->frames || !tape->scores) {
		tape_destroy(tape);
		return -ENOMEM;
	}
	for (int i = 0; i < slots; i++)
		tape->frames[i].scores = tape->scores + (size_t)i * (size_t)class_count;
	*out = tape;
	return 0;
}

void tape_destroy(struct tape *tape)
{
	if (!tape)
		return;
	free(tape->bytes);
	free(tape->frames);
	free(tape->scores);
	free(tape);
}

bool tape_could_take(const struct tape *tape, size_t size)
{
	return size <= tape->capacity;
}

/* Where `size` bytes in one piece are free, or SIZE_MAX. The data in use lies from `tail` to head, or round
 * the ring's end. */
static size_t place_for(const struct tape *tape, size_t size)
{
	size_t tail = 0;
	bool empty = true;

	for (int i = 0; empty && i < tape->count; i++) {
		const struct tape_frame *frame = &tape->frames[(tape->first + i) % tape->slots];
		empty = !frame->data;
		tail = frame->data ? (size_t)(frame->data - tape->bytes) : 0;
	}
	if (empty)
		return size <= tape->capacity ? 0 : SIZE_MAX;
	if (tape->head > tail) {
		if (size <= tape->capacity - tape->head)
			return tape->head;
		return size <= tail ? 0 : SIZE_MAX;
	}
	return size <= tail - tape->head ? tape->head : SIZE_MAX;
}

bool tape_put(struct tape *tape, const struct tape_frame *frame)
{
	if (tape->count == tape->slots)
		return false;
	size_t place = frame->data ? place_for(tape, frame->size) : 0;
	if (place == SIZE_MAX)
		return false;
	struct tape_frame *to = &tape->frames[(tape->first + tape->count) % tape->slots];
	int32_t *scores = to->scores;
	*to = *frame;
	to->scores = scores;
	if (frame->data) {
		memcpy(tape->bytes + place, frame->data, frame->size);
		to->data = tape->bytes + place;
		tape->head = place + frame->size;
	}
	tape->count++;
	return true;
}

int tape_count(const struct tape *tape)
{
	return tape->count;
}

struct tape_frame *tape_at(struct tape *tape, int place)
{
	return &tape->frames[(tape->first + place) % tape->slots];
}

struct tape_frame *tape_find(struct tape *tape, uint64_t number)
{
	if (!tape->count)
		return NULL;
	uint64_t place = number - tape->frames[tape->first].number;
	return place < (uint64_t)tape->count ? tape_at(tape, (int)place) : NULL;
}

void tape_drop(struct tape *tape)
{
	if (!tape->count)
		return;
	tape->first = (tape->first + 1) % tape->slots;
	tape->count--;
}
