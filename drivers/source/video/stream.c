/* SPDX-License-Identifier: MIT */
/*
 * Videos from the network. A thread receives them, so that neither a name server nor a camera that is away
 * holds up the pipeline, and keeps the newest pictures. A stream that ends, breaks off or sends nothing is
 * connected again, each time after a longer pause; meanwhile frames without a picture report that. A video
 * whose length a web server knows is played once, as a file.
 */
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "flow/thread.h"
#include "source/address.h"
#include "source/drivers.h"
#include "source/video/reader.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Pictures that wait for `next`: enough for the network's jitter. */
#define SLOTS 4

/* For the first picture's container, and then for each picture or three of a slow camera, ns. */
#define CONNECT_TIME (10 * NS_PER_S)
#define SILENCE (5 * NS_PER_S)
#define SILENT_FRAMES 3

/* Between attempts to connect: at first, and at most. */
#define PAUSE (500 * NS_PER_MS)
#define PAUSE_MAXIMUM (30 * NS_PER_S)

/* A stream that lasted as long as this is connected again without a longer pause than the first. */
#define LASTING (10 * NS_PER_S)

/* Between frames that report that there is no picture. */
#define ABSENT_INTERVAL (200 * NS_PER_MS)

/* The thread ends as soon as libavformat returns, which takes long only in a look-up of a name. */
#define END_TIME NS_PER_S

enum stream_state {
	STATE_OPENING,
	STATE_REFUSED, /* it could not be opened: `refusal` */
	STATE_RUNNING,
	STATE_AWAY,  /* it is connected again: `reason` */
	STATE_ENDED, /* the last picture is in a slot */
};

/* A picture, or why one is broken. */
struct stream_slot {
	struct raw_picture raw;
	int64_t captured;
	int status;
	struct error e;
};

struct stream {
	char *address;
	char shown[ADDRESS_TEXT_BYTES]; /* the address in messages */
	double rate;
	struct pacer pacer;    /* for a finite video */
	atomic_int references; /* the source's and the thread's */
	int stop;	       /* file descriptors: readable once stopped, … */
	int changed, room;     /* … once there is news, once a slot was freed */
	pthread_t thread;

	pthread_mutex_t lock; /* guards what follows */
	enum stream_state state;
	struct stream_slot slots[SLOTS];
	int first, count;
	uint32_t lost; /* pictures that newer ones replaced */
	char reason[FRAME_TEXT_BYTES];
	char description[160];
	struct error refusal;

	int64_t absent_at; /* only for `next`: when the next frame without a picture is due; 0: none is */

	/* Only for the thread. */
	struct interruption interruption;
	struct reader reader;
	struct stream_slot received;
	int64_t pause;
	bool reported; /* the fault; … */
	bool told;     /* … and not yet that it is over */
};

static void release(struct stream *s)
{
	if (atomic_fetch_sub(&s->references, 1) > 1)
		return;
	for (int i = 0; i < SLOTS; i++)
		raw_picture_finish(&s->slots[i].raw);
	raw_picture_finish(&s->received.raw);
	close(s->stop);
	close(s->changed);
	close(s->room);
	pacer_finish(&s->pacer);
	pthread_mutex_destroy(&s->lock);
	free(s->address);
	free(s);
}

/* Waits for a descriptor, until a time. 0, -ETIMEDOUT, or -ECANCELED once stopped. */
static int await(const struct stream *s, int descriptor, int64_t until)
{
	struct pollfd events[] = {{.fd = descriptor, .events = POLLIN}, {.fd = s->stop, .events = POLLIN}};
	int64_t left = until == INT64_MAX ? 3600 * NS_PER_S : until - clock_now();
	struct timespec time = {
		.tv_sec = left > 0 ? left / NS_PER_S : 0, .tv_nsec = left > 0 ? left % NS_PER_S : 0};
	eventfd_t value;

	if (ppoll(events, 2, &time, NULL) <= 0)
		return -ETIMEDOUT;
	if (events[1].revents)
		return -ECANCELED;
	eventfd_read(descriptor, &value);
	return 0;
}

static void state_set(struct stream *s, enum stream_state state)
{
	pthread_mutex_lock(&s->lock);
	s->state = state;
	pthread_mutex_unlock(&s->lock);
	eventfd_write(s->changed, 1);
}

static int put_now(struct stream *s, bool finite)
{
	int status = -EAGAIN;

	pthread_mutex_lock(&s->lock);
	if (s->count == SLOTS && !finite) {
		s->lost += s->slots[s->first].status == 0;
		s->first = (s->first + 1) % SLOTS;
		s->count--;
	}
	if (s->count < SLOTS) {
		struct stream_slot *slot = &s->slots[(s->first + s->count++) % SLOTS];
		struct stream_slot spare = *slot;
		*slot = s->received;
		s->received = spare;
		status = 0;
	}
	pthread_mutex_unlock(&s->lock);
	return status;
}

/* A finite video waits for a free slot. */
static int put(struct stream *s, bool finite)
{
	int status;

	while ((status = put_now(s, finite)) == -EAGAIN && await(s, s->room, INT64_MAX) != -ECANCELED)
		;
	eventfd_write(s->changed, 1);
	return status == 0 ? 0 : -ECANCELED;
}

static void deadline_set(struct stream *s, int64_t time)
{
	s->interruption.late = false;
	s->interruption.deadline = clock_now() + time;
}

static int64_t silence_of(const struct stream *s)
{
	int64_t frames = s->reader.rate > 0 ? (int64_t)(SILENT_FRAMES * 1e9 / s->reader.rate) : 0;

	return frames > SILENCE ? frames : SILENCE;
}

/* Delivers pictures until there are no more, and returns why. */
static int receive(struct stream *s, struct error *e)
{
	bool finite = input_is_finite(&s->reader.input);
	int status;

	do {
		struct stream_slot *slot = &s->received;
		int64_t due = 0;
		deadline_set(s, silence_of(s));
		status = slot->status = reader_next(&s->reader, &slot->raw, &due, &slot->e);
		*e = slot->e;
		if (status != 0 && status != -EBADMSG)
			return status;
		if (finite && status == 0 && pacer_wait(&s->pacer, due) < 0)
			return -ECANCELED;
		slot->captured = clock_now();
		status = put(s, finite);
	} while (status == 0);
	return status;
}

/* The stream is away: what is told instead of pictures, and once on the terminal. */
static void report(struct stream *s, int status, const struct error *e)
{
	size_t named = strlen(s->shown);
	bool names = strncmp(e->text, s->shown, named) == 0 && strncmp(e->text + named, ": ", 2) == 0;
	const char *why = status == -ENODATA ? "the stream ended" : names ? e->text + named + 2 : e->text;

	pthread_mutex_lock(&s->lock);
	snprintf(s->reason, sizeof(s->reason), "no picture: %.100s: %.50s; connecting again", s->shown, why);
	pthread_mutex_unlock(&s->lock);
	log_line(s->reported ? LOG_DEBUG : LOG_WARNING, "%s: %s; connecting again", s->shown, why);
	s->told |= !s->reported;
	s->reported = true;
	state_set(s, STATE_AWAY);
}

static void opened(struct stream *s)
{
	char text[128];

	reader_describe(&s->reader, text, sizeof(text));
	pthread_mutex_lock(&s->lock);
	bool again = s->state == STATE_AWAY;
	if (!again)
		snprintf(s->description, sizeof(s->description), "stream, %s", text);
	pthread_mutex_unlock(&s->lock);
	log_line(s->told ? LOG_INFO : LOG_DEBUG, "%s is connected%s", s->shown, again ? " again" : "");
	s->told = false;
	state_set(s, STATE_RUNNING);
}

/* Connects once and delivers what comes. Returns why it ended. */
static int connection(struct stream *s, struct error *e)
{
	deadline_set(s, CONNECT_TIME);
	int64_t begun = clock_now();
	int status = reader_open(&s->reader, s->address, s->rate, &s->interruption, e);
	if (status == 0) {
		opened(s);
		status = receive(s, e);
		if (status == -ENODATA && input_is_finite(&s->reader.input))
			status = 1;
		bool lasting = clock_now() - begun > LASTING;
		s->pause = lasting ? PAUSE : s->pause;
		s->reported = s->reported && !lasting;
	}
	reader_close(&s->reader);
	return status;
}

static void *run(void *argument)
{
	struct stream *s = argument;
	struct error e = {0};
	bool ever = false;

	for (;;) {
		int status = connection(s, &e);
		pthread_mutex_lock(&s->lock);
		ever |= s->state != STATE_OPENING;
		if (!ever) {
			s->refusal = e;
			s->refusal.code = status;
		}
		pthread_mutex_unlock(&s->lock);
		if (status > 0 || status == -ECANCELED || !ever) {
			state_set(s, ever ? STATE_ENDED : STATE_REFUSED);
			break;
		}
		report(s, status, &e);
		if (await(s, -1, clock_now() + s->pause) == -ECANCELED)
			break;
		s->pause = s->pause * 2 < PAUSE_MAXIMUM ? s->pause * 2 : PAUSE_MAXIMUM;
	}
	release(s);
	return NULL;
}

static void stream_stop(void *state)
{
	struct stream *s = state;

	pacer_stop(&s->pacer);
	eventfd_write(s->stop, 1);
}

static void stream_close(void *state)
{
	struct stream *s = state;

	stream_stop(s);
	if (!thread_join_until(s->thread, clock_now() + END_TIME))
		pthread_detach(s->thread); /* it releases the rest when the look-up is over */
	release(s);
}

static struct stream *stream_create(const char *source, const struct source_options *options)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (!s || pacer_init(&s->pacer, options->paced) < 0) {
		free(s);
		return NULL;
	}
	s->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	s->references = 1;
	s->address = strdup(source);
	address_show(source, s->shown);
	s->rate = options->rate;
	s->pause = PAUSE;
	s->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->changed = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->room = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->interruption = (struct interruption){.stop = s->stop, .give_up = -1};
	if (s->address && s->stop >= 0 && s->changed >= 0 && s->room >= 0)
		return s;
	release(s);
	return NULL;
}

/* Waits until the stream is opened, or the user gives up. */
static int opening_await(struct stream *s, int give_up, struct error *e)
{
	struct pollfd events[] = {{.fd = s->changed, .events = POLLIN}, {.fd = give_up, .events = POLLIN}};

	while (poll(events, 2, -1) < 0 && errno == EINTR)
		;
	if (events[1].revents)
		return error_set(e, -ECANCELED, "%s: was no longer waited for", s->shown);
	pthread_mutex_lock(&s->lock);
	int status = s->state == STATE_REFUSED ? s->refusal.code : 0;
	if (status < 0)
		error_set(e, status, "%s", s->refusal.text);
	pthread_mutex_unlock(&s->lock);
	return status;
}

static int stream_open(
	const char *source, const struct source_options *options, void **state, struct error *e)
{
	struct stream *s = stream_create(source, options);

	if (!s)
		return error_set(e, -ENOMEM, "no memory for a stream");
	s->references = 2;
	if (thread_start(&s->thread, "stream", run, s) < 0) {
		s->references = 1;
		release(s);
		return error_set(e, -EAGAIN, "no thread for a stream");
	}
	int status = opening_await(s, options->give_up > 0 ? options->give_up : -1, e);
	if (status < 0) {
		stream_close(s);
		return status;
	}
	*state = s;
	return 0;
}

/* The oldest picture. -EAGAIN: there is none now. */
static int take(struct stream *s, struct frame *frame, struct error *e)
{
	int status = -EAGAIN;

	pthread_mutex_lock(&s->lock);
	if (s->count) {
		struct stream_slot *slot = &s->slots[s->first];
		struct raw_picture spare = frame->raw;
		frame->raw = slot->raw;
		slot->raw = spare;
		frame->stamps[STAMP_CAPTURED] = slot->captured;
		status = slot->status;
		if (status < 0)
			error_set(e, status, "%s", slot->e.text);
		else
			frame->lost = s->lost;
		s->lost = status < 0 ? s->lost : 0;
		s->first = (s->first + 1) % SLOTS;
		s->count--;
	} else if (s->state == STATE_ENDED) {
		status = error_set(e, -ENODATA, "%s: the video is over", s->shown);
	} else if (s->state == STATE_AWAY && clock_now() >= s->absent_at) {
		s->absent_at = clock_now() + ABSENT_INTERVAL;
		frame->absent = true;
		frame->raw.size = 0;
		frame->stamps[STAMP_CAPTURED] = clock_now();
		memcpy(frame->absent_reason, s->reason, sizeof(frame->absent_reason));
		status = 0;
	}
	if (s->state != STATE_AWAY)
		s->absent_at = 0;
	pthread_mutex_unlock(&s->lock);
	eventfd_write(s->room, 1);
	return status;
}

static int stream_next(void *state, struct frame *frame, struct error *e)
{
	struct stream *s = state;
	int status;

	frame->lost = 0;
	frame->absent = false;
	frame->name = NULL;
	if (await(s, -1, 0) == -ECANCELED)
		return -ECANCELED;
	while ((status = take(s, frame, e)) == -EAGAIN)
		if (await(s, s->changed, s->absent_at ? s->absent_at : INT64_MAX) == -ECANCELED)
			return -ECANCELED;
	return status;
}

static void stream_describe(const void *state, char *text, size_t size)
{
	struct stream *s = (struct stream *)state; /* to lock it */

	pthread_mutex_lock(&s->lock);
	snprintf(text, size, "%s, from %s", s->description, s->shown);
	pthread_mutex_unlock(&s->lock);
}

const struct source_driver source_video_stream = {
	.open = stream_open,
	.describe = stream_describe,
	.next = stream_next,
	.close = stream_close,
	.stop = stream_stop,
};
