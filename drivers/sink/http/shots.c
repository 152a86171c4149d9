/* SPDX-License-Identifier: MIT */
#include "sink/http/shots.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "image/decode.h"

#include <stdlib.h>
#include <string.h>

/* Of JPEGs that are made here. */
#define QUALITY 80

static struct shot *shot_new(struct shots *s)
{
	struct shot *shot = s->free;

	if (shot)
		s->free = shot->next;
	else
		shot = calloc(1, sizeof(*shot));
	if (shot)
		shot->references = 1;
	return shot;
}

void shots_release(struct shots *s, struct shot **shot)
{
	if (*shot && --(*shot)->references == 0) {
		(*shot)->next = s->free;
		s->free = *shot;
	}
	*shot = NULL;
}

struct shot *shots_hold_newest(struct shots *s)
{
	if (s->newest)
		s->newest->references++;
	return s->newest;
}

void shots_finish(struct shots *s)
{
	shots_release(s, &s->waiting);
	shots_release(s, &s->newest);
	while (s->free) {
		struct shot *shot = s->free;
		s->free = shot->next;
		raw_picture_finish(&shot->jpeg);
		free(shot);
	}
	picture_finish(&s->picture);
}

void shots_take(struct shots *s, const struct frame *frame)
{
	const struct raw_picture *raw = &frame->raw;

	pthread_mutex_lock(s->lock);
	struct shot *shot = shot_new(s);
	pthread_mutex_unlock(s->lock);
	if (!shot)
		return;
	bool copied = !raw_picture_reserve(&shot->jpeg, raw->size);
	if (copied) {
		memcpy(shot->jpeg.data, raw->data, raw->size);
		shot->jpeg.size = raw->size;
		shot->jpeg.format = raw->format;
		shot->jpeg.width = raw->width;
		shot->jpeg.height = raw->height;
		shot->jpeg.rotation = raw->rotation;
		shot->captured = frame->stamps[STAMP_CAPTURED];
		shot->wall = clock_wall(shot->captured);
		shot->number = frame->number;
	}
	pthread_mutex_lock(s->lock);
	if (copied) {
		shots_release(s, &s->waiting);
		s->waiting = shot;
	} else {
		shots_release(s, &shot);
	}
	pthread_mutex_unlock(s->lock);
}

bool shot_is_complete(const uint8_t *jpeg, size_t size)
{
	size_t at = 2;

	while (at + 4 <= size && jpeg[at] == 0xff) {
		unsigned marker = jpeg[at + 1];
		if (marker == 0xff) {
			at++;
			continue;
		}
		if (marker == 0xc4 || marker == 0xda) /* tables; or the picture begins without any */
			return marker == 0xc4;
		at += 2 + ((size_t)jpeg[at + 2] << 8 | jpeg[at + 3]);
	}
	return false;
}

/* Makes its picture a JPEG that any viewer can show. */
static int make_jpeg(struct shots *s, struct shot *shot, struct error *e)
{
	struct raw_picture *raw = &shot->jpeg;

	if (raw->format == PIXEL_JPEG && !raw->rotation && shot_is_complete(raw->data, raw->size))
		return 0;
	int status = picture_decode(raw, 1, &s->picture, e);
	return status ? status : picture_encode_jpeg(&s->picture, QUALITY, raw, e);
}

bool shots_make(struct shots *s)
{
	struct error e;

	pthread_mutex_lock(s->lock);
	struct shot *shot = s->waiting;
	s->waiting = NULL;
	pthread_mutex_unlock(s->lock);
	if (!shot)
		return false;
	int status = make_jpeg(s, shot, &e);
	if (status && !s->failed)
		log_debug("a frame is not served: %s", e.text);
	s->failed |= status != 0;
	pthread_mutex_lock(s->lock);
	if (status) {
		shots_release(s, &shot);
	} else {
		shots_release(s, &s->newest);
		s->newest = shot;
		s->count++;
	}
	pthread_mutex_unlock(s->lock);
	return !status;
}
