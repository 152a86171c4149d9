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

/* Candidates are many if they are more than this part of all windows. */
#define MANY 8

/* The picture at one scale, and the sums over all pixels above and to the left, modulo 65536: [height + 1]
 * [width + 1]. A cell of a window of 24 pixels has at most 8 × 8, so its own sum, which is below 32768, comes
 * out of them right. */
struct level {
	int width, height;
	uint16_t sums[FACE_AREA_MAXIMUM + 2 * FACE_SIDE_MAXIMUM];
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
		const uint16_t *before = level->sums + (size_t)y * stride;
		uint16_t *sums = level->sums + (size_t)(y + 1) * stride;
		int row = 0;

		sums[0] = 0;
		for (int x = 0; x < level->width; x++) {
			const struct between *a = &across[x];
			int upper = (256 - a->weight) * above[a->at] + a->weight * above[a->next];
			int lower = (256 - a->weight) * below[a->at] + a->weight * below[a->next];
			row += ((256 - down.weight) * upper + down.weight * lower + 32768) >> 16;
			sums[x + 1] = (uint16_t)(row + before[x + 1]);
		}
	}
}

/* The sum of a cell. */
static inline int16_t less(uint16_t high, uint16_t low)
{
	return (int16_t)(uint16_t)(high - low);
}

/* In 16 bits, too, so that vectors take eight. */
static inline uint16_t bit_if(bool set, uint16_t bit)
{
	return set ? bit : 0;
}

/* The pattern of a feature whose first cell begins at sums[0]; down: what lies between two rows of cells. */
static inline uint16_t pattern_at(const uint16_t *sums, size_t width, size_t down)
{
	const uint16_t *a = sums, *b = a + down, *c = b + down, *d = c + down;
	size_t two = 2 * width, three = 3 * width;
	/* Sums of rows of cells up to the edge of each column; their differences are the nine cells. */
	uint16_t a0 = b[0] - a[0], a1 = b[width] - a[width], a2 = b[two] - a[two], a3 = b[three] - a[three];
	uint16_t b0 = c[0] - b[0], b1 = c[width] - b[width], b2 = c[two] - b[two], b3 = c[three] - b[three];
	uint16_t c0 = d[0] - c[0], c1 = d[width] - c[width], c2 = d[two] - c[two], c3 = d[three] - c[three];
	int16_t middle = less(b2, b1);

	return (uint16_t)(bit_if(less(a1, a0) >= middle, 128) | bit_if(less(a2, a1) >= middle, 64) |
			  bit_if(less(a3, a2) >= middle, 32) | bit_if(less(b3, b2) >= middle, 16) |
			  bit_if(less(c3, c2) >= middle, 8) | bit_if(less(c2, c1) >= middle, 4) |
			  bit_if(less(c1, c0) >= middle, 2) | bit_if(less(b1, b0) >= middle, 1));
}

/* Without a branch, which no processor could predict. */
static inline int32_t vote_of(const struct face_feature *f, int pattern)
{
	int32_t in = (int32_t)(f->patterns[pattern / 32] >> pattern % 32 & 1);

	return f->out + in * (f->in - f->out);
}

/* The windows of a row that may hold a face. */
struct candidates {
	int count;
	int16_t x[FACE_SIDE_MAXIMUM];
};

/* Adds a feature's votes to the sums, sums[i] of candidate i. While candidates are many, vectors take the
 * patterns of all windows in less time. */
static void vote(const uint16_t *restrict row, size_t stride, int windows, const struct face_feature *f,
	const struct candidates *candidates, int32_t *restrict sums)
{
	const uint16_t *from = row + f->y * stride + f->x;
	size_t width = f->width, down = f->height * stride;
	uint16_t patterns[FACE_SIDE_MAXIMUM];

	if (MANY * candidates->count > windows) {
		for (int x = 0; x < windows; x++)
			patterns[x] = pattern_at(from + x, width, down);
		for (int i = 0; i < candidates->count; i++)
			sums[i] += vote_of(f, patterns[candidates->x[i]]);
	} else {
		for (int i = 0; i < candidates->count; i++)
			sums[i] += vote_of(f, pattern_at(from + candidates->x[i], width, down));
	}
}

/* Leaves those whose votes suffice. Behind a window that fails the very first stage lies no face. */
static void pass(struct candidates *candidates, const int32_t *sums, int32_t threshold, bool first)
{
	int passed = 0;

	for (int i = 0; i < candidates->count; i++) {
		bool passes = sums[i] >= threshold;
		candidates->x[passed] = candidates->x[i];
		passed += passes;
		i += first && !passes;
	}
	candidates->count = passed;
}

/* Leaves those that pass all stages. A stage takes all of a row's candidates, and so waits for none of them.
 */
static void cascade_run(const uint16_t *row, size_t stride, int windows, struct candidates *candidates)
{
	const struct face_feature *f = face_cascade.features;
	int32_t sums[FACE_SIDE_MAXIMUM];

	for (int s = 0; s < face_cascade.stage_count && candidates->count; s++) {
		const struct face_stage *stage = &face_cascade.stages[s];

		memset(sums, 0, (size_t)candidates->count * sizeof(*sums));
		for (const struct face_feature *end = f + stage->features; f < end; f++)
			vote(row, stride, windows, f, candidates, sums);
		pass(candidates, sums, stage->threshold, s == 0);
	}
}

static int scaled(int length, int64_t scale)
{
	return (int)((length * scale + ONE / 2) / ONE);
}

/* The larger the face, the fewer pixels of the level are a step. */
static void row_search(const struct level *level, int y, int64_t scale, struct hits *hits)
{
	int step = scale < 2 * ONE ? 2 : 1, window = face_cascade.window, windows = level->width - window + 1;
	size_t stride = (size_t)level->width + 1;
	const uint16_t *row = level->sums + (size_t)y * stride;
	struct candidates candidates = {0};

	for (int x = 0; x < windows; x += step)
		candidates.x[candidates.count++] = (int16_t)x;
	cascade_run(row, stride, windows, &candidates);
	for (int i = 0; i < candidates.count && hits->count < HITS_MAXIMUM; i++)
		hits->at[hits->count++] = (struct face){
			scaled(candidates.x[i], scale), scaled(y, scale), scaled(window, scale), 1};
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
