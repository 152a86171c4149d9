/* SPDX-License-Identifier: MIT */
/* What a layer has computed goes to the feature maps of those that read it. */
#include "nn/engine_plan.h"

void engine_write_codes(
	const struct engine *engine, const struct layer_plan *plan, int y, int x, const uint8_t *codes)
{
	for (int i = 0; i < plan->out_count; i++)
		feature_map_write(&engine->maps[plan->out[i]].map, y, x, codes, engine->planes);
}

void engine_write_sums(
	const struct engine *engine, const struct layer_plan *plan, int y, int x, const int32_t *sums)
{
	for (int i = 0; i < plan->out_count; i++) {
		const struct feature_map *out = &engine->maps[plan->out[i]].map;
		memcpy(feature_map_pixel(out, y, x), sums, out->pixel);
	}
}

/* Codes of pixels `step` bytes apart from their accumulators. */
static void make_codes(const struct engine *engine, const struct layer_plan *plan,
	const int32_t *accumulators, int pixels, uint8_t *codes, size_t step)
{
	if (plan->requantisation.multipliers) {
		engine->requantise(&plan->requantisation, accumulators, engine->stride, pixels, codes, step);
		requantise_wide(&plan->requantisation, accumulators, engine->stride, pixels, codes, step);
		return;
	}
	for (int i = 0; i < pixels; i++)
		engine->codes(&plan->thresholds, accumulators + (size_t)i * engine->stride,
			plan->layer->out.channels, codes + (size_t)i * step);
}

void engine_copy_codes(const struct engine *engine, const struct layer_plan *plan, int y, int x, int pixels)
{
	const struct feature_map *first = &engine->maps[plan->out[0]].map;

	for (int i = 1; i < plan->out_count; i++) {
		const struct feature_map *out = &engine->maps[plan->out[i]].map;
		const uint8_t *from = feature_map_pixel(first, y, x);

		if (out->layout == LAYOUT_BYTES)
			memcpy(feature_map_pixel(out, y, x), from, (size_t)pixels * out->pixel);
		else
			for (int p = 0; p < pixels; p++)
				feature_map_write(
					out, y, x + p, from + (size_t)p * first->pixel, engine->planes);
	}
}

void engine_finish_pixels(const struct engine *engine, const struct layer_plan *plan,
	const int32_t *accumulators, int y, int x, int pixels)
{
	if (plan->layer->output_bits != TENSOR_SUMS && plan->direct) {
		const struct feature_map *first = &engine->maps[plan->out[0]].map;
		make_codes(engine, plan, accumulators, pixels, feature_map_pixel(first, y, x), first->pixel);
		engine_copy_codes(engine, plan, y, x, pixels);
		return;
	}
	for (int i = 0; i < pixels; i++, accumulators += engine->stride)
		if (plan->layer->output_bits == TENSOR_SUMS) {
			engine_write_sums(engine, plan, y, x + i, accumulators);
		} else {
			make_codes(engine, plan, accumulators, 1, engine->scratch.pixel, 0);
			engine_write_codes(engine, plan, y, x + i, engine->scratch.pixel);
		}
}
