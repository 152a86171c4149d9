/* SPDX-License-Identifier: MIT */
/*
 * For AVX2. A row's sums of bytes are taken as quads, four lanes each. What lies left of a column's edge is
 * the sum of the quads before it and a part of the one that it is in; a column's sum is the difference of
 * two edges. So a row needs one addition for a quad, and no loop over the samples of a column.
 */
#include "image/resize_vectors.h"

#include <immintrin.h>

#define LANES 4
#define SAMPLES_MOST (LANES * 4096)

/* Where a column begins: within which quad, and 1/256 pixels of its lanes that lie before. */
struct edge {
	int quad;
	uint32_t weights[LANES];
};

/* A band's quads, and which lanes a channel is the sum of. */
struct quads {
	uint32_t shifts[LANES]; /* a whole sample's weight is 1 << shift */
	struct edge edges[BLOCK + 1];
	int rounds;
	bool folded;			 /* a channel is all lanes: the second half is added to the first */
	int32_t lanes[LANES][2 * LANES]; /* by round and channel: the lane's halves, or −1 */
};

struct row_work {
	uint32_t sums[SAMPLES_MOST + 2 * LANES], before[SAMPLES_MOST + 2 * LANES];
	uint64_t totals[BLOCK][LANES]; /* by channel */
	int32_t means[BLOCK][LANES];
};

static bool channel_has_lane(const struct channel *channel, int b, int lane)
{
	return channel->band == b && lane >= channel->offset && (lane - channel->offset) % channel->step == 0;
}

static void lanes_init(struct quads *quads, const struct pixel_layout *layout, int b, uint32_t begins[LANES])
{
	memset(quads->lanes, 0xff, sizeof(quads->lanes));
	quads->rounds = 0;
	quads->folded = false;
	for (int c = 0; c < CHANNELS; c++) {
		const struct channel *channel = &layout->channels[c];
		for (int lane = 0, round = 0; lane < LANES; lane++) {
			if (!channel_has_lane(channel, b, lane))
				continue;
			begins[lane] = (uint32_t)round << (8 + channel->across);
			quads->shifts[lane] = 8 + (uint32_t)channel->across;
			quads->folded = channel->step == 1;
			if (quads->folded && round >= LANES / 2) {
				round++;
				continue;
			}
			quads->lanes[round][2 * c] = 2 * lane;
			quads->lanes[round++][2 * c + 1] = 2 * lane + 1;
			quads->rounds = round > quads->rounds ? round : quads->rounds;
		}
	}
}

static void quads_init(struct quads *quads, const struct pixel_layout *layout, int b,
	const struct column_block *block, int begin, const struct axis *axis)
{
	const struct band *band = &layout->bands[b];
	uint32_t begins[LANES] = {0};
	int left = block->left >> band->across << band->across;
	int64_t unit = (int64_t)(256 * LANES / band->group) << band->across;

	memset(quads->shifts, 0, sizeof(quads->shifts));
	lanes_init(quads, layout, b, begins);
	for (int i = 0; i <= block->count; i++) {
		int64_t at = 256 * (begin + (int64_t)i) * axis->count / axis->outputs +
			     256 * ((int64_t)axis->begin - left);
		int64_t part = at % unit;
		quads->edges[i].quad = (int)(at / unit);
		for (int lane = 0; lane < LANES; lane++) {
			int64_t weight = part - begins[lane], whole = (int64_t)1 << quads->shifts[lane];
			quads->edges[i].weights[lane] = (uint32_t)(weight < 0	    ? 0
								   : weight > whole ? whole
										    : weight);
		}
	}
}

static __m256i load_wide(const uint32_t *lanes)
{
	return _mm256_cvtepu32_epi64(_mm_loadu_si128((const __m128i *)lanes));
}

/* Sums of whole rows of 32 bytes, in 16 bits: of the even ones and of the odd ones. */
struct halves {
	__m256i even, odd;
};

static inline struct halves whole_rows(const uint8_t *at, size_t stride, const struct span *rows)
{
	struct halves sum = {_mm256_setzero_si256(), _mm256_setzero_si256()};
	const __m256i low = _mm256_set1_epi16(0xff);

	for (int y = rows->first + 1; y < rows->last; y++) {
		__m256i bytes = _mm256_loadu_si256((const __m256i *)(at + (size_t)y * stride));
		sum.even = _mm256_add_epi16(sum.even, _mm256_and_si256(bytes, low));
		sum.odd = _mm256_add_epi16(sum.odd, _mm256_srli_epi16(bytes, 8));
	}
	return sum;
}

/* Four weighted sums in each half; edges: first and last row in turns, whole: the others' sum. */
static inline __m256i weighted(__m256i edges, __m256i weights, __m256i whole, int shift)
{
	return _mm256_add_epi32(
		_mm256_madd_epi16(edges, weights), _mm256_sll_epi32(whole, _mm_cvtsi32_si128(shift)));
}

static inline void strip_sum(
	const uint8_t *at, size_t stride, const struct span *rows, int shift, __m256i sums[4])
{
	const __m256i zero = _mm256_setzero_si256();
	uint32_t last_weight = rows->last == rows->first ? 0 : rows->last_weight;
	const __m256i weights = _mm256_set1_epi32((int)(last_weight << 16 | rows->first_weight));
	__m256i first = _mm256_loadu_si256((const __m256i *)(at + (size_t)rows->first * stride));
	__m256i last = _mm256_loadu_si256((const __m256i *)(at + (size_t)rows->last * stride));
	struct halves whole = whole_rows(at, stride, rows);
	__m256i low = _mm256_unpacklo_epi8(first, last), high = _mm256_unpackhi_epi8(first, last);
	__m256i whole_low = _mm256_unpacklo_epi16(whole.even, whole.odd);
	__m256i whole_high = _mm256_unpackhi_epi16(whole.even, whole.odd);

	sums[0] = weighted(
		_mm256_unpacklo_epi8(low, zero), weights, _mm256_unpacklo_epi16(whole_low, zero), 8 + shift);
	sums[1] = weighted(
		_mm256_unpackhi_epi8(low, zero), weights, _mm256_unpackhi_epi16(whole_low, zero), 8 + shift);
	sums[2] = weighted(_mm256_unpacklo_epi8(high, zero), weights, _mm256_unpacklo_epi16(whole_high, zero),
		8 + shift);
	sums[3] = weighted(_mm256_unpackhi_epi8(high, zero), weights, _mm256_unpackhi_epi16(whole_high, zero),
		8 + shift);
}

static inline __m128i quad_put(struct row_work *work, size_t i, __m128i before, __m128i quad)
{
	_mm_storeu_si128((__m128i *)(work->sums + i), quad);
	_mm_storeu_si128((__m128i *)(work->before + i), before);
	return _mm_add_epi32(before, quad);
}

/* The sums of `count` bytes' rows and the sums of the quads before them; a quad of zeros follows. */
static void quads_sum(const uint8_t *bytes, size_t stride, size_t count, const struct span *rows, int shift,
	struct row_work *work)
{
	__m128i before = _mm_setzero_si128();
	size_t i = 0;

	for (; i + 32 <= count; i += 32) {
		__m256i sums[4];
		strip_sum(bytes + i, stride, rows, shift, sums);
		for (size_t k = 0; k < 4; k++)
			before = quad_put(work, i + LANES * k, before, _mm256_castsi256_si128(sums[k]));
		for (size_t k = 0; k < 4; k++)
			before = quad_put(
				work, i + LANES * (4 + k), before, _mm256_extracti128_si256(sums[k], 1));
	}
	uint32_t rest[32 + LANES] = {0};
	rows_sum(bytes + i, stride, count - i, rows, shift, rest);
	for (size_t k = 0; i + k < count + LANES; k += LANES)
		before = quad_put(work, i + k, before, _mm_loadu_si128((const __m128i *)(rest + k)));
}

static __m256i edge_sum(const struct row_work *work, const struct edge *edge, __m256i shifts)
{
	__m256i whole = _mm256_sllv_epi64(load_wide(work->before + LANES * edge->quad), shifts);
	__m256i part = _mm256_mul_epu32(load_wide(work->sums + LANES * edge->quad), load_wide(edge->weights));

	return _mm256_add_epi64(whole, part);
}

/* Lanes to channels. */
static inline __m256i gathered(__m256i lanes, const __m256i from[LANES], int rounds)
{
	__m256i sum = _mm256_setzero_si256();

	for (int r = 0; r < rounds; r++)
		sum = _mm256_add_epi64(sum, _mm256_andnot_si256(_mm256_srai_epi32(from[r], 31),
						    _mm256_permutevar8x32_epi32(lanes, from[r])));
	return sum;
}

static inline __attribute__((always_inline)) void totals_add(
	const struct quads *quads, int rounds, bool folded, int count, bool first, struct row_work *work)
{
	const __m256i shifts = load_wide(quads->shifts);
	__m256i from[LANES], before = edge_sum(work, quads->edges, shifts);

	for (int r = 0; r < rounds; r++)
		from[r] = _mm256_loadu_si256((const __m256i *)quads->lanes[r]);
	for (int i = 0; i < count; i++) {
		__m256i *total = (__m256i *)work->totals[i];
		__m256i behind = edge_sum(work, &quads->edges[i + 1], shifts);
		__m256i sum = _mm256_sub_epi64(behind, before);
		if (folded)
			sum = _mm256_add_epi64(sum, _mm256_permute4x64_epi64(sum, 0x4e));
		sum = gathered(sum, from, rounds);
		_mm256_storeu_si256(total, first ? sum : _mm256_add_epi64(_mm256_loadu_si256(total), sum));
		before = behind;
	}
}

static void band_add(const struct quads *quads, int count, bool first, struct row_work *work)
{
	if (quads->rounds == 1)
		totals_add(quads, 1, false, count, first, work);
	else if (!quads->folded)
		totals_add(quads, 2, false, count, first, work);
	else
		totals_add(quads, 2, true, count, first, work);
}

/*
 * As columns_mean of resize.c. Totals are below 2^33 here, so that a quarter instead of a half, which needs
 * no distinction of odd totals, is as exact. A number below 2^52 is a double's last bits.
 */
static void means_of(
	const struct column_block *block, const struct span *down, int scale, struct row_work *work)
{
	const __m256i exponent = _mm256_set1_epi64x(0x4330000000000000);
	const __m256d two_52 = _mm256_castsi256_pd(exponent), scales = _mm256_set1_pd(scale);
	const __m256d half = _mm256_set1_pd(down->total / 2.0), inverse = _mm256_set1_pd(down->inverse);

	for (int i = 0; i < block->count; i++) {
		__m256i total = _mm256_loadu_si256((const __m256i *)work->totals[i]);
		__m256d sum = _mm256_sub_pd(_mm256_castsi256_pd(_mm256_or_si256(total, exponent)), two_52);
		__m256d add = _mm256_add_pd(
			_mm256_mul_pd(_mm256_set1_pd(block->totals[i]), half), _mm256_set1_pd(0.25));
		__m256d mean = _mm256_mul_pd(_mm256_add_pd(_mm256_mul_pd(sum, scales), add),
			_mm256_mul_pd(_mm256_broadcast_sd(&block->inverses[i]), inverse));
		_mm_storeu_si128((__m128i *)work->means[i], _mm256_cvttpd_epi32(mean));
	}
}

static void row_write(const int32_t (*means)[LANES], int count, bool yuv, uint8_t *out, int channels)
{
	uint8_t rgb[CHANNELS][BLOCK];

	for (int i = 0; i < count; i++)
		if (yuv)
			resize_yuv_to_rgb(means[i], &rgb[0][i], &rgb[1][i], &rgb[2][i]);
		else
			for (int c = 0; c < CHANNELS; c++)
				rgb[c][i] = (uint8_t)means[i][c];
	if (channels == 1)
		for (int i = 0; i < count; i++)
			out[i] = (uint8_t)((77 * rgb[0][i] + 150 * rgb[1][i] + 29 * rgb[2][i] + 128) >> 8);
	else
		for (int i = 0; i < count; i++)
			for (int c = 0; c < CHANNELS; c++)
				out[CHANNELS * i + c] = rgb[c][i];
}

static void row_make(const struct resize *resize, const struct column_block *block, const struct quads *quads,
	int y, struct row_work *work)
{
	const struct pixels *pixels = resize->pixels;
	const struct pixel_layout *layout = resize->layout;
	const uint8_t *data = pixels->data;
	struct span down = resize_span(y, &resize->rows, 0);

	for (int b = 0; b < layout->band_count; b++) {
		const struct band *band = &layout->bands[b];
		size_t group = (size_t)band->group;
		size_t stride = (size_t)((pixels->width + band->across) >> band->across) * group;
		int left = block->left >> band->across, right = block->right >> band->across;
		size_t count = (size_t)(right - left + 1) * group;
		struct span rows = resize_span(y, &resize->rows, band->down);
		quads_sum(data + (size_t)left * group, stride, count, &rows, band->down, work);
		band_add(&quads[b], block->count, b == 0, work);
		data += stride * (size_t)((pixels->height + band->down) >> band->down);
	}
	means_of(block, &down, layout->yuv ? 64 : 1, work);
}

static bool serves(const struct resize *resize, const struct column_block *block)
{
	const struct axis *rows = &resize->rows;
	uint64_t most = 256 * ((uint64_t)rows->count / (uint64_t)rows->outputs + 2);
	uint64_t pixels = (uint64_t)block->right - (uint64_t)block->left + 2;

	return resize->columns.count >= resize->columns.outputs && most <= 256 * 256 &&
	       pixels <= SAMPLES_MOST / LANES && most * block->most >> 33 == 0 &&
	       most * pixels * 255 >> 32 == 0;
}

bool resize_has_vectors(void)
{
	return __builtin_cpu_supports("avx2");
}

bool resize_in_vectors(const struct resize *resize, const struct column_block *block, int begin, uint8_t *out,
	size_t stride, int channels)
{
	struct quads quads[BANDS];
	struct row_work work;

	if (!serves(resize, block))
		return false;
	for (int b = 0; b < resize->layout->band_count; b++)
		quads_init(&quads[b], resize->layout, b, block, begin, &resize->columns);
	for (int y = 0; y < resize->rows.outputs; y++, out += stride) {
		row_make(resize, block, quads, y, &work);
		row_write((const int32_t(*)[LANES])work.means, block->count, resize->layout->yuv, out,
			channels);
	}
	return true;
}
