/* SPDX-License-Identifier: MIT */
#include "image/face.h"

#include "image/face_cascade.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The shorter side of a picture that is searched, and the smallest face as a part of it. */
#define SEARCH_SIDE 240
#define SMALLEST 6

/* Sizes of faces and scales are in 1/65536. */
#define ONE 65536

/* A face is seen by more windows than this, which differ by less than a fifth of their side. */
#define CHANCE_HITS 3

#define HITS_MAXIMUM 512

/* The picture at one scale, and the sums over all pixels above and to the left: [height + 1][width + 1]. */
struct level {
	int width, height;
	int32_t sums[FACE_AREA_MAXIMUM + 2 * FACE_SIDE_MAXIMUM];
};

/* The picture that levels are made of: halved whenever a level is at most half as large. */
struct base {
	uint8_t *grey;
	int width, height;
};

/* Windows that passed, and later the clusters of them. */
struct hits {
	int count;
	struct face at[HITS_MAXIMUM];
};

void face_search_size(int width, int height, int *search_width, int *search_height)
{
	double scale = fmin(1, (double)SEARCH_SIDE / (width < height ? width : height));

	scale = fmin(scale, (double)FACE_SIDE_MAXIMUM / (width > height ? width : height));
	scale = fmin(scale, sqrt(FACE_AREA_MAXIMUM / ((double)width * height)));
	*search_width = (int)fmax(1, width * scale);
	*search_height = (int)fmax(1, height * scale);
}

/* Means of 2 × 2 pixels; what is written lies before what is still to be read. */
static void base_halve(struct base *base)
{
	int width = base->width / 2, height = base->height / 2;

	for (int y = 0; y < height; y++) {
		const uint8_t *above = base->grey + (size_t)(2 * y) * (size_t)base->width;
		const uint8_t *below = above + base->width;
		uint8_t *to = base->grey + (size_t)y * (size_t)width;
		for (int x = 0; x < width; x++)
			to[x] = (uint8_t)((above[2 * x] + above[2 * x + 1] + below[2 * x] + below[2 * x + 1] +
						  2) >>
					  2);
	}
	base->width = width;
	base->height = height;
}

/* A pixel between two: (256 − weight) of the one at `at`, weight of its neighbour. */
struct between {
	int at, next, weight;
};

static struct between between_at(int i, int from, int to)
{
	int last = 256 * (from - 1);
	int centre = (int)((int64_t)128 * (2 * i + 1) * from / to) - 128;

	centre = centre < 0 ? 0 : centre > last ? last : centre;
	return (struct between){centre / 256, centre / 256 + (centre < last), centre % 256};
}

/* Scales the base to the level's size, by less than 2, and sums it up. */
static void level_make(struct level *level, const struct base *base)
{
	struct between across[FACE_SIDE_MAXIMUM];
	size_t stride = (size_t)level->width + 1;

	for (int x = 0; x < level->width; x++)
		across[x] = between_at(x, base->width, level->width);
	memset(level->sums, 0, stride * sizeof(*level->sums));
	for (int y = 0; y < level->height; y++) {
		struct between down = between_at(y, base->height, level->height);
		const uint8_t *above = base->grey + (size_t)down.at * (size_t)base->width;
		const uint8_t *below = base->grey + (size_t)down.next * (size_t)base->width;
		const int32_t *before = level->sums + (size_t)y * stride;
		int32_t *sums = level->sums + (size_t)(y + 1) * stride, row = 0;

		sums[0] = 0;
		for (int x = 0; x < level->width; x++) {
			const struct between *a = &across[x];
			int upper = (256 - a->weight) * above[a->at] + a->weight * above[a->next];
			int lower = (256 - a->weight) * below[a->at] + a->weight * below[a->next];
			row += ((256 - down.weight) * upper + down.weight * lower + 32768) >> 16;
			sums[x + 1] = row + before[x + 1];
		}
	}
}

/* The pattern of a feature whose first cell begins at sums[0]; down: what lies between two rows of cells. */
static inline int pattern_at(const int32_t *sums, size_t width, size_t down)
{
	const int32_t *a = sums, *b = a + down, *c = b + down, *d = c + down;
	size_t two = 2 * width, three = 3 * width;
	/* Sums of rows of cells up to the edge of each column; their differences are the nine cells. */
	int32_t a0 = b[0] - a[0], a1 = b[width] - a[width], a2 = b[two] - a[two], a3 = b[three] - a[three];
	int32_t b0 = c[0] - b[0], b1 = c[width] - b[width], b2 = c[two] - b[two], b3 = c[three] - b[three];
	int32_t c0 = d[0] - c[0], c1 = d[width] - c[width], c2 = d[two] - c[two], c3 = d[three] - c[three];
	int32_t middle = b2 - b1;

	return (a1 - a0 >= middle) << 7 | (a2 - a1 >= middle) << 6 | (a3 - a2 >= middle) << 5 |
	       (b3 - b2 >= middle) << 4 | (c3 - c2 >= middle) << 3 | (c2 - c1 >= middle) << 2 |
	       (c1 - c0 >= middle) << 1 | (b1 - b0 >= middle);
}

/* Without a branch, which no processor could predict. */
static inline int32_t vote_of(const struct face_feature *f, int pattern)
{
	int32_t in = (int32_t)(f->patterns[pattern / 32] >> pattern % 32 & 1);

	return f->out + in * (f->in - f->out);
}

/* The sums of the first stage's votes for all windows of a row: most fail, and vectors take them together. */
static void first_stage(
	const int32_t *restrict row, size_t stride, int count, int *restrict patterns, int32_t *restrict sums)
{
	memset(sums, 0, (size_t)count * sizeof(*sums));
	for (int i = 0; i < face_cascade.stages[0].features; i++) {
		const struct face_feature *f = &face_cascade.features[i];
		const int32_t *from = row + f->y * stride + f->x;
		size_t width = f->width, down = f->height * stride;

		for (int x = 0; x < count; x++)
			patterns[x] = pattern_at(from + x, width, down);
		for (int x = 0; x < count; x++)
			sums[x] += vote_of(f, patterns[x]);
	}
}

/* Whether a window that passes the first stage passes the others. */
static bool is_face(const int32_t *window, size_t stride)
{
	const struct face_feature *f = face_cascade.features + face_cascade.stages[0].features;

	for (int i = 1; i < face_cascade.stage_count; i++) {
		const struct face_stage *stage = &face_cascade.stages[i];
		int32_t sum = 0;
		for (const struct face_feature *end = f + stage->features; f < end; f++)
			sum += vote_of(
				f, pattern_at(window + f->y * stride + f->x, f->width, f->height * stride));
		if (sum < stage->threshold)
			return false;
	}
	return true;
}

static int scaled(int length, int64_t scale)
{
	return (int)((length * scale + ONE / 2) / ONE);
}

/* The larger the face, the fewer pixels of the level are a step; behind a first failure lies no face. */
static void row_search(const struct level *level, int y, int64_t scale, struct hits *hits)
{
	int step = scale < 2 * ONE ? 2 : 1, window = face_cascade.window, count = level->width - window + 1;
	int patterns[FACE_SIDE_MAXIMUM];
	int32_t sums[FACE_SIDE_MAXIMUM];
	size_t stride = (size_t)level->width + 1;
	const int32_t *row = level->sums + (size_t)y * stride;

	first_stage(row, stride, count, patterns, sums);
	for (int x = 0; x < count; x += step) {
		if (sums[x] < face_cascade.stages[0].threshold)
			x += step;
		else if (is_face(row + x, stride) && hits->count < HITS_MAXIMUM)
			hits->at[hits->count++] =
				(struct face){scaled(x, scale), scaled(y, scale), scaled(window, scale), 1};
	}
}

static void level_search(const struct level *level, int64_t scale, struct hits *hits)
{
	for (int y = 0; y + face_cascade.window <= level->height; y += scale < 2 * ONE ? 2 : 1)
		row_search(level, y, scale, hits);
}

/* A fifth of the side is how far all edges of the same face may lie apart. */
static bool is_same(const struct face *a, const struct face *b)
{
	int least = a->side < b->side ? a->side : b->side, right = a->x + a->side - b->x - b->side,
	    bottom = a->y + a->side - b->y - b->side;

	return 5 * abs(a->x - b->x) <= least && 5 * abs(a->y - b->y) <= least && 5 * abs(right) <= least &&
	       5 * abs(bottom) <= least;
}

/* The hits that are the same face as the first of those left, directly or through others, come to the front.
 */
static int gather(struct face *hits, int count)
{
	int gathered = 1;

	for (int i = 0; i < gathered; i++)
		for (int j = gathered; j < count; j++)
			if (is_same(&hits[i], &hits[j])) {
				struct face other = hits[gathered];
				hits[gathered++] = hits[j];
				hits[j] = other;
			}
	return gathered;
}

static struct face mean_of(const struct face *hits, int count)
{
	int x = 0, y = 0, side = 0;

	for (int i = 0; i < count; i++) {
		x += hits[i].x;
		y += hits[i].y;
		side += hits[i].side;
	}
	return (struct face){
		(x + count / 2) / count, (y + count / 2) / count, (side + count / 2) / count, count};
}

/* Within another that is surer: an eye and a mouth alone make a small face, too. */
static bool is_part(const struct face *small, const struct face *large)
{
	int slack = large->side / 5;

	return small->side < large->side && small->hits < large->hits && small->x >= large->x - slack &&
	       small->y >= large->y - slack && small->x + small->side <= large->x + large->side + slack &&
	       small->y + small->side <= large->y + large->side + slack;
}

static int by_side(const void *one, const void *other)
{
	const struct face *a = one, *b = other;

	return a->side != b->side ? b->side - a->side : a->y != b->y ? a->y - b->y : a->x - b->x;
}

/* Clusters of hits that are not by chance, in the place of the hits. */
static void hits_cluster(struct hits *hits)
{
	int clusters = 0;

	for (int i = 0, size; i < hits->count; i += size) {
		size = gather(hits->at + i, hits->count - i);
		if (size > CHANCE_HITS)
			hits->at[clusters++] = mean_of(hits->at + i, size); /* at most i */
	}
	hits->count = clusters;
	qsort(hits->at, (size_t)clusters, sizeof(hits->at[0]), by_side);
}

static int faces_take(const struct hits *hits, struct face *out)
{
	int count = 0;

	for (int i = 0; i < hits->count && count < FACES_MAXIMUM; i++) {
		bool part = false;
		for (int j = 0; j < i && !part; j++)
			part = is_part(&hits->at[i], &hits->at[j]);
		if (!part)
			out[count++] = hits->at[i];
	}
	return count;
}

int face_find(uint8_t *grey, int width, int height, struct face *out)
{
	int shorter = width < height ? width : height, window = face_cascade.window;
	int64_t scale = (int64_t)ONE * shorter / (SMALLEST * window);
	struct base base = {grey, width, height};
	struct hits hits = {0};
	struct level level;

	for (scale = scale < ONE ? ONE : scale; window * scale <= (int64_t)shorter * ONE;
		scale = scale * 6 / 5) {
		level.width = (int)(((int64_t)width * ONE + scale / 2) / scale);
		level.height = (int)(((int64_t)height * ONE + scale / 2) / scale);
		while (base.width >= 2 * level.width && base.height >= 2 * level.height)
			base_halve(&base);
		level_make(&level, &base);
		level_search(&level, scale, &hits);
	}
	hits_cluster(&hits);
	return faces_take(&hits, out);
}
