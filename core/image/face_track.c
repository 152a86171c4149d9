/* SPDX-License-Identifier: MIT */
#include "image/face_track.h"

#include <math.h>
#include <stddef.h>

/* Another face is looked at instead only if it is worth so much more. */
#define BETTER 1.5

/* A face at the picture's corner is worth half as much as one of that size in the middle. */
static double worth(const struct face *face, int width, int height)
{
	double half = face->side / 2.0,
	       away = hypot(face->x + half - width / 2.0, face->y + half - height / 2.0);

	return face->side * (1 - away / hypot(width, height));
}

/* The one that is worth most; NULL: there is none. */
static const struct face *best_of(const struct face *faces, int count, int width, int height)
{
	const struct face *best = NULL;

	for (int i = 0; i < count; i++)
		if (!best || worth(&faces[i], width, height) > worth(best, width, height))
			best = &faces[i];
	return best;
}

bool face_choose(const struct face *faces, int count, int width, int height, struct face *out)
{
	const struct face *best = best_of(faces, count, width, height);

	if (best)
		*out = *best;
	return best;
}

/* How far the face is from where the track is, in sides of the track. */
static double distance(const struct face_track *track, const struct face *face, int width, int height)
{
	double half = face->side / 2.0;

	return hypot(face->x + half - track->x * width, face->y + half - track->y * height) /
	       (track->side * width);
}

/* The face of the track; NULL: it is not found. */
static const struct face *same_of(
	const struct face_track *track, const struct face *faces, int count, int width, int height)
{
	const struct face *nearest = NULL;
	double least = 0.5;

	for (int i = 0; i < count; i++)
		if (distance(track, &faces[i], width, height) < least) {
			nearest = &faces[i];
			least = distance(track, nearest, width, height);
		}
	return nearest;
}

/* past: the weight of where the track was. */
static void move(struct face_track *track, const struct face *face, int width, int height, double past)
{
	double half = face->side / 2.0;

	track->x = past * track->x + (1 - past) * (face->x + half) / width;
	track->y = past * track->y + (1 - past) * (face->y + half) / height;
	track->side = past * track->side + (1 - past) * face->side / width;
}

bool face_track_follow(struct face_track *track, const struct face *faces, int count, int width, int height,
	int64_t time, struct face *out)
{
	const struct face *best = best_of(faces, count, width, height);
	int64_t passed = time > track->time ? time - track->time : 0;

	track->known = track->known && time - track->seen <= FACE_LOST;
	const struct face *same = track->known ? same_of(track, faces, count, width, height) : NULL;
	bool other =
		best &&
		(!track->known || (same && worth(best, width, height) > BETTER * worth(same, width, height)));
	if (other)
		move(track, best, width, height, 0);
	else if (same)
		move(track, same, width, height, exp(-(double)passed / FACE_STEADY));
	if (other || same) {
		track->known = true;
		track->seen = time;
	}
	track->time = time;
	double side = track->side * width;
	*out = (struct face){(int)lround(track->x * width - side / 2),
		(int)lround(track->y * height - side / 2), (int)lround(side),
		other  ? best->hits
		: same ? same->hits
		       : 0};
	return track->known;
}
