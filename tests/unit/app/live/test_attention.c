/* SPDX-License-Identifier: MIT */
/* What ends a wait of the main thread, and that nothing else does: the time limits that poll gets. */
#include "base/clock.h"
#include "live/attention.h"
#include "live/signals.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#define SHORT 51 /* ms that something waits of which no descriptor tells */

static int frames = -1;	 /* the eventfd that the pipeline has got */
static int limit, ready; /* of the last poll */
static bool instant;	 /* polls do not wait */
static struct display_attention keys;

/* The linker puts these in the places of their namesakes. */
void __wrap_pipeline_watch(struct pipeline *pipeline, int descriptor);
struct display_attention __wrap_display_attention(const struct display *display);
int __wrap_poll(struct pollfd *events, nfds_t count, int timeout);
int __real_poll(struct pollfd *events, nfds_t count, int timeout);

void __wrap_pipeline_watch(struct pipeline *pipeline, int descriptor)
{
	(void)pipeline;
	frames = descriptor;
}

struct display_attention __wrap_display_attention(const struct display *display)
{
	(void)display;
	return keys;
}

int __wrap_poll(struct pollfd *events, nfds_t count, int timeout)
{
	limit = timeout;
	ready = __real_poll(events, count, instant ? 0 : timeout);
	return ready;
}

static const struct display *const display = (const void *)&keys;

static void wait_without_end(struct attention *attention)
{
	attention_wait(attention, display, INT64_MAX);
	assert_int_equal(limit, -1);
	assert_int_equal(ready, 1);
}

static void frames_end_it_once(void **state)
{
	struct attention attention;

	(void)state;
	keys = (struct display_attention){-1, INT64_MAX};
	attention_begin(&attention, NULL);
	assert_true(frames >= 0);
	eventfd_write(frames, 1);
	eventfd_write(frames, 1);
	wait_without_end(&attention);
	attention_wait(&attention, display, clock_now() + 1);
	assert_int_equal(ready, 0);
	attention_end(&attention);
	assert_int_equal(frames, -1);
}

static void signals_end_it(void **state)
{
	struct attention attention;

	(void)state;
	keys = (struct display_attention){-1, INT64_MAX};
	attention_begin(&attention, NULL);
	raise(SIGUSR1);
	wait_without_end(&attention);
	assert_int_equal(signals_next(), REQUEST_RECORD);
	raise(SIGINT);
	wait_without_end(&attention);
	assert_int_equal(signals_next(), REQUEST_END);
	signals_block(); /* the first INT let the next one kill */
	attention_end(&attention);
}

static void keys_end_it_and_the_next_wait_is_short(void **state)
{
	struct attention attention;
	int typed[2];

	(void)state;
	assert_int_equal(pipe(typed), 0);
	keys = (struct display_attention){typed[0], INT64_MAX};
	attention_begin(&attention, NULL);
	assert_int_equal(write(typed[1], "q", 1), 1);
	wait_without_end(&attention);
	attention_wait(
		&attention, display, INT64_MAX); /* nobody has read the key: it does not end this one */
	assert_int_equal(limit, SHORT);
	assert_int_equal(ready, 0);
	wait_without_end(&attention);
	attention_end(&attention);
	close(typed[0]);
	close(typed[1]);
}

static void the_earliest_limit_counts(void **state)
{
	struct attention attention;

	(void)state;
	attention_begin(&attention, NULL);
	instant = true;
	keys = (struct display_attention){-1, NS_PER_S};
	attention_wait(&attention, display, INT64_MAX);
	assert_int_equal(limit, 1001);
	attention_wait(&attention, NULL, INT64_MAX);
	assert_int_equal(limit, -1);
	attention_wait(&attention, display, clock_now());
	assert_int_equal(limit, 0);
	attention_wait(&attention, display, clock_now() + NS_PER_S / 2);
	assert_in_range(limit, 1, 501);
	instant = false;
	attention_end(&attention);
}

static void without_descriptors_waits_are_short(void **state)
{
	struct attention attention = {.frames = -1};

	(void)state;
	attention_wait(&attention, NULL, INT64_MAX);
	assert_int_equal(limit, SHORT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_end_it_once),
		cmocka_unit_test(signals_end_it),
		cmocka_unit_test(keys_end_it_and_the_next_wait_is_short),
		cmocka_unit_test(the_earliest_limit_counts),
		cmocka_unit_test(without_descriptors_waits_are_short),
	};

	signals_block();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
