/* SPDX-License-Identifier: MIT */
#include "support/recorder_fixture.h"

#include "base/error.h"
#include "support/folder.h"
#include "support/network_builder.h"
#include "support/random.h"
#include "support/sample_jpeg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

void fixture_begin_in(
	struct recorder_fixture *fixture, char *folder, const char *name, struct recorder_options options)
{
	struct error e = {0};

	*fixture = (struct recorder_fixture){.folder = folder, .network = tiny_network(7), .padding = 100};
	snprintf(fixture->pattern, sizeof(fixture->pattern), "%s/%s", folder, name);
	for (int i = 0; i < fixture->network->class_count; i++) {
		fixture->network->scale[i] = 1;
		fixture->network->bias[i] = 0;
	}
	fixture->schema = json_load_file("docs/label-log.schema.json", 0, NULL);
	fixture->jpeg = sample_jpeg(64, 48, JCS_RGB, NULL, 0, &fixture->jpeg_size);
	options.pattern = fixture->pattern;
	options.network = fixture->network;
	options.pl = "overlay";
	options.quality = 90;
	options.top_k = 3;
	options.threshold = 0.1F;
	if (!options.memory)
		options.memory = 4000000;
	assert_int_equal(recorder_check(&options, &e), 0);
	assert_int_equal(frame_pool_create(1, 1, fixture->network->class_count, &fixture->pool), 0);
	fixture->frame = frame_acquire(fixture->pool);
	assert_int_equal(recorder_create(&options, &fixture->recorder, &e), 0);
	recorder_begin(fixture->recorder);
}

void fixture_begin(struct recorder_fixture *fixture, const char *name, struct recorder_options options)
{
	fixture_begin_in(fixture, folder_create(), name, options);
}

void fixture_fill(struct recorder_fixture *fixture, uint64_t number)
{
	struct raw_picture *raw = &fixture->frame->raw;
	uint32_t seed = (uint32_t)number;

	raw->size = fixture->jpeg_size + fixture->padding;
	assert_int_equal(raw_picture_reserve(raw, raw->size), 0);
	raw->format = PIXEL_JPEG;
	memcpy(raw->data, fixture->jpeg, fixture->jpeg_size);
	for (size_t i = 0; i < fixture->padding; i++)
		raw->data[fixture->jpeg_size + i] =
			i < sizeof(number) ? (uint8_t)(number >> 8 * i) : (uint8_t)random_next(&seed);
}

uint64_t fixture_number(const struct recorder_fixture *fixture, const struct recorded_packet *packet)
{
	uint64_t number = 0;

	assert_int_equal(packet->size, fixture->jpeg_size + fixture->padding);
	for (size_t i = 0; i < sizeof(number); i++)
		number |= (uint64_t)packet->data[fixture->jpeg_size + i] << 8 * i;
	return number;
}

void fixture_give(struct recorder_fixture *fixture, uint32_t lost, uint32_t broken)
{
	struct frame *frame = fixture->frame;

	fixture_fill(fixture, fixture->next);
	frame->number = fixture->next++;
	frame->sequence = frame->number + 1000;
	frame->lost = lost;
	frame->recorded = false;
	frame->stamps[STAMP_CAPTURED] = 50 * NS_PER_S + (int64_t)frame->number * FRAME_TIME;
	recorder_frame(fixture->recorder, frame, broken);
}

void fixture_label(struct recorder_fixture *fixture, int32_t cat)
{
	struct frame *frame = fixture->frame;

	memset(frame->scores, 0, sizeof(*frame->scores) * (size_t)fixture->network->class_count);
	frame->scores[CAT] = cat;
	for (int i = STAMP_RECEIVED; i <= STAMP_LABELLED; i++)
		frame->stamps[i] = frame->stamps[i - 1] + 1000000;
	recorder_label(fixture->recorder, frame);
}

void fixture_give_many(struct recorder_fixture *fixture, int count, int32_t cat)
{
	for (int i = 0; i < count; i++) {
		fixture_give(fixture, 0, 0);
		fixture_label(fixture, cat);
	}
}

void fixture_join(struct recorder_fixture *fixture)
{
	recorder_join(fixture->recorder, &fixture->report);
}

void fixture_end(struct recorder_fixture *fixture)
{
	recorder_destroy(fixture->recorder);
	frame_release(&fixture->frame);
	frame_pool_destroy(fixture->pool);
	network_destroy(fixture->network);
	json_decref(fixture->schema);
	free(fixture->jpeg);
	folder_destroy(fixture->folder);
}

bool fixture_has(const struct recorder_fixture *fixture, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", fixture->folder, name);
	return access(path, F_OK) == 0;
}

void fixture_await_text(const struct recorder_fixture *fixture, const char *name, const char *text)
{
	char path[PATH_MAX], line[8192];

	snprintf(path, sizeof(path), "%s/%s", fixture->folder, name);
	for (bool found = false; !found; usleep(1000)) {
		FILE *file = fopen(path, "re");
		while (file && !found && fgets(line, sizeof(line), file))
			found = strstr(line, text) != NULL;
		if (file)
			fclose(file);
	}
}
