/* SPDX-License-Identifier: MIT */
/* A recorder in a folder of its own, fed frame by frame with times of our own. */
#ifndef RECORDER_RIG_H
#define RECORDER_RIG_H

#include "base/error.h"
#include "network_builder.h"
#include "recorded.h"
#include "recorder/recorder.h"
#include "sample_jpeg.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SECOND INT64_C(1000000000)
#define RATE 25
#define FRAME_TIME (SECOND / RATE)
#define CAT 4 /* the class that the tests look for */

struct rig {
	char *folder, pattern[PATH_MAX];
	struct network *network;
	struct recorder *recorder;
	struct recorder_report report;
	struct frame_pool *pool;
	struct frame *frame;
	json_t *schema;
	uint8_t *jpeg;
	size_t jpeg_size,
		padding; /* padding: bytes behind each JPEG, the first eight are the frame's number */
	uint64_t next;
};

static inline void rig_begin_in(
	struct rig *rig, char *folder, const char *name, struct recorder_options options)
{
	struct error e = {0};

	*rig = (struct rig){.folder = folder, .network = tiny_network(7), .padding = 100};
	snprintf(rig->pattern, sizeof(rig->pattern), "%s/%s", folder, name);
	for (int i = 0; i < rig->network->class_count; i++) {
		rig->network->scale[i] = 1;
		rig->network->bias[i] = 0;
	}
	rig->schema = json_load_file("docs/label-log.schema.json", 0, NULL);
	rig->jpeg = sample_jpeg(64, 48, JCS_RGB, NULL, 0, &rig->jpeg_size);
	options.pattern = rig->pattern;
	options.network = rig->network;
	options.pl = "overlay";
	options.quality = 90;
	options.top_k = 3;
	options.threshold = 0.1F;
	if (!options.memory)
		options.memory = 4000000;
	assert_int_equal(recorder_check(&options, &e), 0);
	assert_int_equal(frame_pool_create(1, 1, rig->network->class_count, &rig->pool), 0);
	rig->frame = frame_acquire(rig->pool);
	assert_int_equal(recorder_open(&options, &rig->recorder, &e), 0);
	recorder_start(rig->recorder);
}

static inline void rig_begin(struct rig *rig, const char *name, struct recorder_options options)
{
	rig_begin_in(rig, folder_make(), name, options);
}

/* The bytes of frame n: a JPEG, its number, and something that depends on it. */
static inline void fill(struct rig *rig, uint64_t number)
{
	struct raw_picture *raw = &rig->frame->raw;
	uint32_t seed = (uint32_t)number;

	raw->size = rig->jpeg_size + rig->padding;
	assert_int_equal(raw_picture_reserve(raw, raw->size), 0);
	raw->format = PIXEL_JPEG;
	memcpy(raw->data, rig->jpeg, rig->jpeg_size);
	for (size_t i = 0; i < rig->padding; i++)
		raw->data[rig->jpeg_size + i] =
			i < sizeof(number) ? (uint8_t)(number >> 8 * i) : (uint8_t)random_next(&seed);
}

static inline uint64_t number_in(const struct rig *rig, const struct recorded_packet *packet)
{
	uint64_t number = 0;

	assert_int_equal(packet->size, rig->jpeg_size + rig->padding);
	for (size_t i = 0; i < sizeof(number); i++)
		number |= (uint64_t)packet->data[rig->jpeg_size + i] << 8 * i;
	return number;
}

static inline void give(struct rig *rig, uint32_t lost, uint32_t broken)
{
	struct frame *frame = rig->frame;

	fill(rig, rig->next);
	frame->number = rig->next++;
	frame->sequence = frame->number + 1000;
	frame->lost = lost;
	frame->recorded = false;
	frame->stamps[STAMP_CAPTURED] = 50 * SECOND + (int64_t)frame->number * FRAME_TIME;
	recorder_frame(rig->recorder, frame, broken);
}

/* A label for the frame that was given last: the cat with that score, above nothing at 0. */
static inline void label(struct rig *rig, int32_t cat)
{
	struct frame *frame = rig->frame;

	memset(frame->scores, 0, sizeof(*frame->scores) * (size_t)rig->network->class_count);
	frame->scores[CAT] = cat;
	for (int i = STAMP_RECEIVED; i <= STAMP_LABELLED; i++)
		frame->stamps[i] = frame->stamps[i - 1] + 1000000;
	recorder_label(rig->recorder, frame);
}

static inline void give_many(struct rig *rig, int count, int32_t cat)
{
	for (int i = 0; i < count; i++) {
		give(rig, 0, 0);
		label(rig, cat);
	}
}

static inline void rig_finish(struct rig *rig)
{
	recorder_finish(rig->recorder, &rig->report);
}

static inline void rig_end(struct rig *rig)
{
	recorder_close(rig->recorder);
	frame_release(&rig->frame);
	frame_pool_destroy(rig->pool);
	network_free(rig->network);
	json_decref(rig->schema);
	free(rig->jpeg);
	folder_remove(rig->folder);
}

static inline bool there(const struct rig *rig, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", rig->folder, name);
	return access(path, F_OK) == 0;
}

/* Where each frame has its label, all of it is written soon. */
static inline void wait_until_written(void)
{
	usleep(200000);
}

#endif
