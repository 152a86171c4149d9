/* SPDX-License-Identifier: MIT */
/*
 * Feature maps whose tensors are not alive at the same time share memory. Each map, the largest first, gets
 * the lowest place that no map alive at the same time takes: "greedy by size" of Pisarchyk and Lee, Efficient
 * Memory Management for Deep Neural Net Inference, 2020. Small networks share nothing: they fit into the
 * cache, and then borders are filled only once.
 */
#include "nn/engine_plan.h"

#include "base/error.h"

#include <errno.h>
#include <stdlib.h>

#define SMALL ((size_t)32 << 10) /* bytes of maps that need not share */

void *engine_allocate(size_t size)
{
	size_t rounded = (size + 64) & ~(size_t)63;
	void *memory = aligned_alloc(64, rounded);

	if (memory)
		memset(memory, 0, rounded);
	return memory;
}

struct place {
	struct engine_map *map;
	size_t offset, size;
};

static bool is_callers(const struct engine *engine, const struct engine_map *map)
{
	return map->tensor == engine->first + engine->count - 1;
}

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->size != y->size)
		return x->size < y->size ? 1 : -1;
	return x->map < y->map ? -1 : x->map > y->map;
}

static bool lives_with(const struct place *a, const struct place *b)
{
	return a->map->first <= b->map->last && b->map->first <= a->map->last;
}

/* The lowest place of places[index] beside those before it in the list. */
static size_t lowest_place(const struct place *places, int index)
{
	const struct place *place = &places[index];
	size_t offset = 0;

	for (int i = 0; i < index;) {
		const struct place *other = &places[i];
		bool overlaps = offset < other->offset + other->size && other->offset < offset + place->size;

		if (overlaps && lives_with(place, other)) {
			offset = other->offset + other->size;
			i = 0;
		} else {
			i++;
		}
	}
	return offset;
}

static void mark_shared(struct place *places, int count)
{
	for (int i = 0; i < count; i++)
		for (int k = 0; k < count; k++)
			if (i != k && places[i].offset < places[k].offset + places[k].size &&
				places[k].offset < places[i].offset + places[i].size)
				places[i].map->shared = true;
}

/* Lists the maps, largest first; returns the bytes of all together. */
static size_t list_places(struct engine *engine, struct place *places, int *count)
{
	size_t total = 0;

	for (int i = 0; i < engine->map_count; i++) {
		struct engine_map *map = &engine->maps[i];
		if (is_callers(engine, map))
			continue;
		/* whole cache lines, and some that kernels may read beyond the end */
		size_t size = (map->map.size + SLACK + 63) & ~(size_t)63;
		places[(*count)++] = (struct place){map, 0, size};
		total += size;
	}
	qsort(places, (size_t)*count, sizeof(*places), compare_places);
	return total;
}

/* Places must stay apart while k-blocks are 32-bit offsets into a map. */
static int check_sizes(const struct engine *engine, struct error *e)
{
	for (int i = 0; i < engine->map_count; i++) {
		const struct engine_map *map = &engine->maps[i];
		const char *name =
			map->tensor == NETWORK_INPUT ? "input" : engine->network->layers[map->tensor].name;
		if (map->map.size > INT32_MAX - SLACK)
			return error_set(e, -EOVERFLOW,
				"layer %s: what it makes takes %zu bytes, more than the engine's 2 GiB a "
				"buffer",
				name, map->map.size);
	}
	return 0;
}

/* Maps of further pictures, in an arena each, behind those of the first. */
static int place_pictures(struct engine *engine)
{
	size_t count = (size_t)engine->map_count;
	struct engine_map *maps =
		reallocarray(engine->maps, (size_t)engine->batch * count, sizeof(*engine->maps));
	size_t bytes;

	if (!maps)
		return -ENOMEM;
	engine->maps = maps;
	if (__builtin_mul_overflow(engine->arena_size, (size_t)engine->batch, &bytes))
		return -ENOMEM;
	engine->arena = engine_allocate(bytes);
	if (!engine->arena)
		return -ENOMEM;
	for (size_t p = 0; p < (size_t)engine->batch; p++)
		for (size_t i = 0; i < count; i++) {
			struct engine_map *map = &maps[p * count + i];
			*map = p ? maps[i] : *map;
			if (is_callers(engine, map))
				continue;
			map->map.data = engine->arena + p * engine->arena_size + map->offset;
			feature_map_fill_border(&map->map, engine->scratch.pixel, engine->planes);
		}
	return 0;
}

int engine_plan_memory(struct engine *engine, struct error *e)
{
	struct place *places = calloc((size_t)engine->map_count, sizeof(*places));
	int count = 0, rc = check_sizes(engine, e);

	if (rc || !places) {
		free(places);
		return rc ? rc : error_set(e, -ENOMEM, "not enough memory for the engine");
	}
	bool share = list_places(engine, places, &count) > SMALL;
	for (int i = 0; i < count; i++) {
		places[i].offset = share ? lowest_place(places, i) : engine->arena_size;
		size_t end = places[i].offset + places[i].size;
		engine->arena_size = end > engine->arena_size ? end : engine->arena_size;
	}
	mark_shared(places, count);
	for (int i = 0; i < count; i++)
		places[i].map->offset = places[i].offset;
	free(places);
	return place_pictures(engine)
		       ? error_set(e, -ENOMEM, "not enough memory for the engine's feature maps")
		       : 0;
}
