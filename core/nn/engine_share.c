/* SPDX-License-Identifier: MIT */
/* How the work of a layer is cut into parts for the threads of a pool. */
#include "nn/engine_plan.h"

#include "nn/pool.h"

/* More parts than threads, for the thread that comes late. */
#define PARTS_A_THREAD 4

struct share {
	const struct engine *engine;
	const struct layer_plan *plan;
	engine_part *run;
	int units, parts;
	int rows; /* of a picture; 0: the units are not rows */
};

static void run_units(const struct share *share, const struct engine *engine, int first, int last)
{
	if (!share->rows) {
		share->run(engine, share->plan, first, last);
		return;
	}
	for (int count; first < last; first += count) {
		const struct engine at = engine_at(engine, first / share->rows);
		int row = first % share->rows;

		count = share->rows - row < last - first ? share->rows - row : last - first;
		share->run(&at, share->plan, row, row + count);
	}
}

static void run_part(void *argument, int thread, int part)
{
	const struct share *share = argument;
	struct engine own = *share->engine;

	if (thread)
		own.scratch = own.others[thread - 1];
	run_units(share, &own, (int)((int64_t)share->units * part / share->parts),
		(int)((int64_t)share->units * (part + 1) / share->parts));
}

static int count_parts(const struct engine *engine, int units, double time)
{
	int parts = PARTS_A_THREAD * pool_threads(engine->pool);

	if (!engine->pool || time < 2 * engine->least_part)
		return 1;
	if (parts * engine->least_part > time)
		parts = (int)(time / engine->least_part);
	return parts < units ? parts : units;
}

static void share(struct share *share, double time)
{
	share->parts = count_parts(share->engine, share->units, time);
	if (share->parts > 1)
		pool_run(share->engine->pool, share->parts, run_part, share);
	else
		run_units(share, share->engine, 0, share->units);
}

void engine_share(
	const struct engine *engine, const struct layer_plan *plan, int units, double time, engine_part *run)
{
	share(&(struct share){.engine = engine, .plan = plan, .run = run, .units = units}, time);
}

void engine_share_rows(
	const struct engine *engine, const struct layer_plan *plan, int rows, double time, engine_part *run)
{
	share(&(struct share){.engine = engine,
		      .plan = plan,
		      .run = run,
		      .units = rows * engine->pictures,
		      .rows = rows},
		time * engine->pictures);
}
