/* SPDX-License-Identifier: MIT */
/* How the speed of a network is estimated, on a simulated processor, and what a PL in hardware changes. */
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "choice/choice.h"
#include "choice/estimate.h"
#include "nn/engine.h"
#include "nn/format/save.h"
#include "pl/pl.h"
#include "support/folder.h"
#include "support/memory.h"
#include "support/network_builder.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* An engine takes ns for each multiply-accumulate of its layer, or for each window of one without weights. */
static struct {
	int64_t now; /* of both clocks */
	int64_t dense, pointwise, grouped, other;
	const struct network *network;
	int layer; /* of the engine */
	int runs;
	bool hardware; /* every PL in hardware opens */
} machine;

static char logged[1000]; /* the last line */

int __wrap_engine_create(const struct network *network, int first, int last, const char *kernels,
	struct engine **out, struct error *e);
void __wrap_engine_destroy(struct engine *engine);
void __wrap_engine_run(struct engine *engine, const uint8_t *in, void *out);
int64_t __wrap_clock_now(void);
int __wrap_clock_gettime(clockid_t clock, struct timespec *out);
int __real_clock_gettime(clockid_t clock, struct timespec *out);
int __wrap_pl_open(const char *name, const char *kernels, struct pl **out, struct error *e);
void __wrap_pl_close(struct pl *pl);
void __wrap_log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

void __wrap_log_line(enum log_level level, const char *format, ...)
{
	va_list arguments;

	if (level != LOG_INFO)
		return;
	va_start(arguments, format);
	vsnprintf(logged, sizeof(logged), format, arguments);
	va_end(arguments);
}

int __wrap_engine_create(const struct network *network, int first, int last, const char *kernels,
	struct engine **out, struct error *e)
{
	assert_int_equal(last, first + 1);
	if (kernels)
		return error_set(e, -ENOTSUP, "no such kernels");
	machine.network = network;
	machine.layer = first;
	*out = (struct engine *)&machine;
	return 0;
}

void __wrap_engine_destroy(struct engine *engine)
{
	(void)engine;
}

static int64_t cost(const struct layer *l)
{
	int64_t operations = (int64_t)layer_operations(l);

	if (!operations)
		return machine.other * (int64_t)shape_size(l->out) * l->kernel_height * l->kernel_width;
	return operations * (l->groups > 1		  ? machine.grouped
				    : l->kernel_width > 1 ? machine.dense
							  : machine.pointwise);
}

void __wrap_engine_run(struct engine *engine, const uint8_t *in, void *out)
{
	(void)in, (void)out;
	assert_ptr_equal(engine, &machine);
	machine.now += cost(&machine.network->layers[machine.layer]);
	machine.runs++;
}

int64_t __wrap_clock_now(void)
{
	return machine.now;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
	if (clock != CLOCK_THREAD_CPUTIME_ID)
		return __real_clock_gettime(clock, out);
	*out = (struct timespec){machine.now / NS_PER_S, machine.now % NS_PER_S};
	return 0;
}

int __wrap_pl_open(const char *name, const char *kernels, struct pl **out, struct error *e)
{
	(void)kernels;
	*out = NULL;
	return machine.hardware ? 0 : error_set(e, -ENODEV, "there is no %s", name);
}

void __wrap_pl_close(struct pl *pl)
{
	(void)pl;
}

static int64_t whole(const struct network *network)
{
	int64_t sum = 0;

	for (int i = 0; i < network->layer_count; i++)
		sum += cost(&network->layers[i]);
	return sum;
}

/* 1,000 layers of three kinds, without arrays. */
static struct network *deep_network(void)
{
	struct network *network = must_allocate(1, sizeof(*network));
	struct layer *l = must_allocate(1000, sizeof(*l));

	for (int i = 0; i < 1000; i++)
		l[i] = tiny_layer("layer", i % 3 == 2 ? LAYER_AVERAGE_POOL : LAYER_CONV,
			(struct shape){6, 6, 8}, 8, i % 3 == 1 ? 1 : 3, 1, i % 3 != 1, 1, 2, 1, 2);
	network->layers = l;
	network->layer_count = 1000;
	return network;
}

/* Where equal work takes equal time, the estimate is right, whatever the kinds' speeds. */
static void even_work_is_estimated_exactly(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct network *network = i == 0 ? tiny_network(1) : i == 1 ? tiny_graph(1) : deep_network();
		int64_t picture;

		memset(&machine, 0, sizeof(machine));
		machine.dense = 1;
		machine.pointwise = 3;
		machine.grouped = 20;
		machine.other = 7;
		assert_int_equal(estimate_picture(network, NULL, INT64_MAX / 2, &picture, NULL), 0);
		assert_float_equal((double)picture, (double)whole(network), 1e-6 * (double)whole(network));
		assert_in_range(machine.runs, 1, 3 * 3 * 4); /* few layers of many */
		network_destroy(network);
	}
}

/* Behind the end, one layer of each kind is timed once, so that a slow processor is not taken for a fast one.
 */
static void the_budget_holds(void **state)
{
	struct network *network = deep_network();
	struct error e = {0};
	int64_t picture = 0, layer;

	(void)state;
	memset(&machine, 0, sizeof(machine));
	machine.dense = machine.pointwise = 1000;
	machine.grouped = machine.other = 1000000;
	machine.network = network;
	layer = cost(&network->layers[0]);
	for (int64_t budget = 0; budget <= layer / 2; budget += layer / 2) {
		machine.runs = 0;
		assert_int_equal(estimate_picture(network, NULL, budget, &picture, &e), 0);
		assert_int_equal(machine.runs, 3);
		assert_float_equal((double)picture, (double)whole(network), 1e-6 * (double)whole(network));
	}
	assert_int_equal(estimate_picture(network, "abacus", layer, &picture, &e), -ENOTSUP);
	network_destroy(network);
}

static void save(const char *root, const char *name, uint32_t seed)
{
	struct network *network = tiny_network(seed);
	struct error e;
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	assert_int_equal(network_save(network, path, &e), 0);
	network_destroy(network);
}

static void choose(const char *pl, const char *expected)
{
	struct choice choice = {.pl = pl};
	struct network *network = NULL;
	struct error e;

	logged[0] = '\0';
	assert_int_equal(choose_network(&choice, &network, &e), 0);
	if (!strstr(logged, expected))
		fail_msg("\"%s\" is not in \"%s\"", expected, logged);
	network_destroy(network);
}

static void hardware_takes_the_default(void **state)
{
	char *root = folder_create();

	(void)state;
	memset(&machine, 0, sizeof(machine));
	machine.dense = machine.pointwise = machine.grouped = 1;
	setenv("TWOBIT_NETWORKS", root, 1);
	setenv("XDG_CACHE_HOME", root, 1);
	save(root, "dorefanet", 1);
	save(root, "imagenet", 2);
	choose("auto", "network: imagenet (about");
	choose("software", "network: imagenet (about");
	choose("overlay", "network: dorefanet (the PL in hardware");
	choose("rtl", "network: dorefanet (the PL in hardware");
	machine.hardware = true;
	choose("auto", "network: dorefanet (the PL in hardware");
	choose(NULL, "network: dorefanet (the PL in hardware");
	choose("software", "network: imagenet (about");
	unsetenv("TWOBIT_NETWORKS");
	unsetenv("XDG_CACHE_HOME");
	folder_destroy(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(even_work_is_estimated_exactly),
		cmocka_unit_test(the_budget_holds),
		cmocka_unit_test(hardware_takes_the_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
