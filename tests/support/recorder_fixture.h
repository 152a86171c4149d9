/* SPDX-License-Identifier: MIT */
/* A recorder in a folder of its own; the test gives it each frame, with simulated times. */
#ifndef TEST_SUPPORT_RECORDER_FIXTURE_H
#define TEST_SUPPORT_RECORDER_FIXTURE_H

#include "base/clock.h"
#include "recorder/recorder.h"
#include "support/recorded.h"

#include <limits.h>

#define RATE 25
#define FRAME_TIME (NS_PER_S / RATE)
#define CAT 4 /* the class that the tests look for */

struct recorder_fixture {
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

/*
 * Opens and starts a recorder that writes to folder/name, in a new folder or in a given one. The fixture owns
 * the folder; fixture_end removes it with all else. What the options leave open the fixture fills in.
 */
void fixture_begin(struct recorder_fixture *fixture, const char *name, struct recorder_options options);
void fixture_begin_in(
	struct recorder_fixture *fixture, char *folder, const char *name, struct recorder_options options);
void fixture_end(struct recorder_fixture *fixture);

/* Lets the recorder write everything, and keeps its report. */
void fixture_join(struct recorder_fixture *fixture);

/* Makes the bytes of frame n: a JPEG, its number, and something that depends on it. */
void fixture_fill(struct recorder_fixture *fixture, uint64_t number);

/* The number in the bytes of a recorded frame. */
uint64_t fixture_number(const struct recorder_fixture *fixture, const struct recorded_packet *packet);

/* Gives the recorder the next frame. */
void fixture_give(struct recorder_fixture *fixture, uint32_t lost, uint32_t broken);

/* Gives it a label for the last frame: the cat with that score, above nothing at 0. */
void fixture_label(struct recorder_fixture *fixture, int32_t cat);

/* Gives it that many frames, each with its label. */
void fixture_give_many(struct recorder_fixture *fixture, int count, int32_t cat);

/* Whether the recorder's folder has that file. */
bool fixture_has(const struct recorder_fixture *fixture, const char *name);

/* Returns once that text is in a line of that file of the recorder's folder, which need not exist yet. */
void fixture_await_text(const struct recorder_fixture *fixture, const char *name, const char *text);

#endif
