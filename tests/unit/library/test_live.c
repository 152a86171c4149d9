/* SPDX-License-Identifier: MIT */
/* libtwobit's pipeline gives each picture of a source with its answer, which is that of an engine; and it
 * ends. */
#include "support/folder.h"
#include "support/network_builder.h"
#include "support/network_spoiled.h"
#include "twobit.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FRAMES 5

struct fixture {
	struct network *network;
	char *folder;
	struct twobit_network *opened;
};

static struct fixture begin(struct network *network)
{
	struct fixture f = {.network = network, .folder = network_saved(network)};

	assert_int_equal(twobit_network_open(f.folder, &f.opened, NULL), 0);
	return f;
}

static void end(struct fixture *f)
{
	twobit_network_close(f->opened);
	folder_destroy(f->folder);
	network_destroy(f->network);
}

static struct twobit_live *open_test(const struct fixture *f, struct twobit_live_options options)
{
	struct twobit_live *live;
	struct twobit_error error;

	options.size = sizeof(options);
	options.width = 96;
	options.height = 64;
	options.pl = "software";
	if (twobit_live_open(f->opened, "test", &options, &live, &error))
		fail_msg("%s", error.text);
	return live;
}

/* Such a picture classified alone says the same. */
static void assert_its_own(const struct fixture *f, const struct twobit_result *result)
{
	struct twobit_engine *engine;
	struct twobit_answer alone;

	assert_null(result->absent);
	assert_int_equal(result->picture.width, 96);
	assert_int_equal(result->picture.height, 64);
	assert_true(result->latency >= 0 && result->time > 0);
	assert_int_equal(twobit_engine_open(f->opened, NULL, &engine, NULL), 0);
	assert_int_equal(twobit_engine_classify(engine, &result->picture, 1, &alone, NULL), 0);
	assert_memory_equal(&result->answer, &alone, sizeof(alone));
	twobit_engine_close(engine);
}

static void every_frame_has_its_answer(void **state)
{
	struct fixture f = begin(tiny_network(31));
	struct twobit_live *live =
		open_test(&f, (struct twobit_live_options){.every_frame = 1, .frames = FRAMES, .threads = 2});
	struct twobit_result result;
	struct twobit_error error;

	(void)state;
	for (unsigned i = 0; i < FRAMES; i++) {
		assert_int_equal(twobit_live_next(live, -1, &result, sizeof(result), NULL), 1);
		assert_int_equal(result.frame, i);
		assert_its_own(&f, &result);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(twobit_live_next(live, -1, &result, sizeof(result), &error), -ENODATA);
		assert_int_equal(error.code, -ENODATA);
	}
	twobit_live_close(live);
	end(&f);
}

/* Whatever is left out, frames come in their order, and the answer is the picture's. */
static void the_newest_wins(void **state)
{
	struct fixture f = begin(tiny_network(32));
	struct twobit_live *live = open_test(&f, (struct twobit_live_options){.frames = 40, .rate = 400});
	struct twobit_result result;
	int64_t before = -1;
	int status;

	(void)state;
	while ((status = twobit_live_next(live, -1, &result, sizeof(result), NULL)) == 1) {
		assert_true((int64_t)result.frame > before && result.frame < 40);
		before = (int64_t)result.frame;
		assert_its_own(&f, &result);
	}
	assert_int_equal(status, -ENODATA);
	assert_true(before >= 0);
	twobit_live_close(live);
	end(&f);
}

static int count_to_three(void *context, const struct twobit_result *result)
{
	int *calls = context;

	return result->absent ? 9 : ++*calls == 3;
}

static void a_function_is_called(void **state)
{
	struct fixture f = begin(tiny_network(33));
	struct twobit_live *live =
		open_test(&f, (struct twobit_live_options){.every_frame = 1, .frames = FRAMES});
	int calls = 0;

	(void)state;
	assert_int_equal(twobit_live_run(live, count_to_three, &calls, NULL), 0);
	assert_int_equal(calls, 3);
	assert_int_equal(twobit_live_run(live, count_to_three, &calls, NULL), 0);
	assert_int_equal(calls, FRAMES);
	twobit_live_close(live);
	end(&f);
}

static void *stop(void *live)
{
	twobit_live_stop(live);
	return NULL;
}

/* A source without an end, of which nothing more is taken. */
static void another_thread_stops_it(void **state)
{
	struct fixture f = begin(tiny_network(34));
	struct twobit_live *live = open_test(&f, (struct twobit_live_options){.every_frame = 1});
	struct twobit_result result;
	pthread_t thread;
	int status;

	(void)state;
	assert_int_equal(twobit_live_next(live, -1, &result, sizeof(result), NULL), 1);
	assert_int_equal(pthread_create(&thread, NULL, stop, live), 0);
	do
		status = twobit_live_next(live, -1, &result, sizeof(result), NULL);
	while (status == 1);
	assert_int_equal(status, -ENODATA);
	pthread_join(thread, NULL);
	twobit_live_close(live);
	end(&f);
}

/* A second for each frame: none comes in no time. */
static void a_wait_ends(void **state)
{
	struct fixture f = begin(tiny_network(35));
	struct twobit_live *live = open_test(&f, (struct twobit_live_options){.rate = 0.5});
	struct twobit_result result;

	(void)state;
	while (twobit_live_next(live, 0, &result, sizeof(result), NULL) == 1)
		;
	assert_int_equal(twobit_live_next(live, 0, &result, sizeof(result), NULL), 0);
	twobit_live_close(live);
	end(&f);
}

static void what_is_wrong_is_refused(void **state)
{
	struct fixture f = begin(tiny_network(36)), codes = begin(tiny_odd_network());
	struct twobit_live_options options = {.size = sizeof(options)};
	struct twobit_live *live = (void *)1;
	struct twobit_error error;

	(void)state;
	assert_int_equal(twobit_live_open(f.opened, "no-such/folder", NULL, &live, &error), -ENOENT);
	assert_null(live);
	assert_non_null(strstr(error.text, "no-such/folder"));
	assert_int_equal(twobit_live_open(codes.opened, "test", NULL, &live, &error), -EINVAL);
	options.pl = "abacus";
	assert_int_equal(twobit_live_open(f.opened, "test", &options, &live, &error), -EINVAL);
	options = (struct twobit_live_options){.size = sizeof(options), .threads = 65};
	assert_int_equal(twobit_live_open(f.opened, "test", &options, &live, &error), -EINVAL);
	options = (struct twobit_live_options){.size = 4};
	assert_int_equal(twobit_live_open(f.opened, "test", &options, &live, &error), -EINVAL);
	assert_null(live);
	twobit_live_close(NULL);
	end(&f);
	end(&codes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_frame_has_its_answer),
		cmocka_unit_test(the_newest_wins),
		cmocka_unit_test(a_function_is_called),
		cmocka_unit_test(another_thread_stops_it),
		cmocka_unit_test(a_wait_ends),
		cmocka_unit_test(what_is_wrong_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
