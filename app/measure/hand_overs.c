/* SPDX-License-Identifier: MIT */
#include "measure/hand_overs.h"

#include "base/clock.h"
#include "flow/queue.h"
#include "flow/thread.h"

#include <string.h>

/* As the pipeline's: from source to decode, conv0, PL, label, caption, consumer. */
static const int capacities[] = {2, 1, 2, 1, 2, 2};

#define QUEUES ((int)(sizeof(capacities) / sizeof(capacities[0])))

#define POOL 18
#define FILLING 20 /* frames that are not counted: threads begin meanwhile */
#define COUNTED 200

struct relay {
	struct frame_pool *pool; /* of the first relay, which makes frames; NULL: it takes them from `from` */
	struct queue *from, *to;
	pthread_t thread;
};

static void *hand_on(void *argument)
{
	const struct relay *relay = argument;
	struct frame *frame;
	int made = 0;

	while ((frame = relay->from		     ? queue_take(relay->from)
			: made++ < FILLING + COUNTED ? frame_acquire(relay->pool)
						     : NULL))
		if (!queue_put(relay->to, frame))
			break;
	queue_close(relay->to);
	return NULL;
}

/* Takes all frames. Returns the time from one to the next. */
static int64_t consume(struct queue *last)
{
	int64_t begun = 0, ended = 0;
	struct frame *frame;

	for (int i = 0; (frame = queue_take(last)); i++) {
		frame_release(&frame);
		if (i == FILLING)
			begun = clock_now();
	}
	ended = clock_now();
	return (ended - begun) / COUNTED;
}

int hand_overs_run(int64_t *took)
{
	struct relay relays[QUEUES];
	struct frame_pool *pool = NULL;
	int started = 0, status = frame_pool_create(POOL, 1, 1, &pool);

	memset(relays, 0, sizeof(relays));
	for (int i = 0; i < QUEUES && !status; i++)
		status = queue_create(capacities[i], QUEUE_LOSSLESS, &relays[i].to);
	for (int i = 0; i < QUEUES && !status; i++) {
		relays[i].pool = pool;
		relays[i].from = i ? relays[i - 1].to : NULL;
		status = thread_start(&relays[i].thread, "hand-over", hand_on, &relays[i]);
		started += !status;
	}
	if (!status)
		*took = consume(relays[QUEUES - 1].to);
	for (int i = 0; status && i < started; i++)
		queue_close(relays[i].to);
	while (started)
		pthread_join(relays[--started].thread, NULL);
	for (int i = 0; i < QUEUES; i++)
		queue_destroy(relays[i].to);
	frame_pool_destroy(pool);
	return status;
}
