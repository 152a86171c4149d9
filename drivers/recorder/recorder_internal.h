/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the recorder share; for this folder's own use. recorder.c is the interface, intake.c
 * takes what the pipeline's threads hand in, recorder_thread.c writes it, selection.c decides what it writes.
 */
#ifndef RECORDER_RECORDER_INTERNAL_H
#define RECORDER_RECORDER_INTERNAL_H

#include "nn/labeller.h"
#include "recorder/recorder.h"
#include "recorder/writer.h"

#include <pthread.h>

#define RECORDER_MEGABYTE 1e6

/* A frame in the ring takes about so many bytes at least. */
#define RECORDER_FRAME_BYTES 16384

#define RECORDER_EVENTS_MAXIMUM 64 /* events that wait for the thread */

struct recorder_event {
	char name[24], text[200];
	uint64_t after; /* the log has it behind the frames before this one */
};

struct recorder {
	struct recorder_options options; /* constant */
	pthread_t thread;
	bool running; /* the thread is not joined yet; only its owner uses this */

	/*
	 * The only lock. It guards the fields from here to `report`, and the frames in the ring. The thread
	 * reads judged frames without the lock while it writes them: nobody else changes or removes those.
	 */
	pthread_mutex_t lock;
	pthread_cond_t work; /* for the thread: `news` has changed */
	pthread_cond_t room; /* for the others: the ring has room, or waiting has an end */
	struct frame_ring *ring;
	int slots;		 /* of the ring */
	int judged;		 /* frames at the ring's front that are judged */
	size_t waiting;		 /* bytes of the other frames in it */
	uint64_t next_number;	 /* of the next frame to come */
	uint64_t labelled_up_to; /* the network is done with the frames before this one */
	uint64_t news;		 /* counts what may be work for the thread */
	bool recording, rotate, closing, flushing;
	int64_t flush_until; /* clock_now() at which the disk gets no more time; INT64_MAX: not flushing */
	struct {
		uint32_t frames, lost, broken;
	} missed;     /* counts of frames that found no room, since the last one that did */
	bool crowded; /* the source waits for room in the ring */
	bool stuck;   /* the source waits for room on the disk */
	bool done;    /* the thread writes nothing any more */
	struct recorder_event events[RECORDER_EVENTS_MAXIMUM];
	int first_event, event_count;
	struct recorder_progress progress;
	uint64_t late;
	int64_t now;		       /* STAMP_CAPTURED of the newest judged frame */
	int64_t until;		       /* the time of the last frame to record, as far as is known */
	struct recorder_report report; /* the writer's, as of the last frame that it wrote or lost */

	/* Only the source's thread uses these. */
	bool damage_reported, size_reported, slowness_reported;

	/* Only the recorder's thread uses these, and recorder_join after it. */
	bool shortage_reported;
	struct segment_writer writer;
	struct labeller labeller; /* up to the newest judged frame */
	struct label_past past;	  /* up to the frame that left the ring last */
	double *shares;		  /* [class_count] */
	char condition[120];	  /* of options.when, the one that held last */
};

/* Wakes the thread. Under the lock. */
static inline void recorder_wake(struct recorder *r)
{
	r->news++;
	pthread_cond_signal(&r->work);
}

/*
 * Whether frames that do not fit on the disk wait for room there; else they are lost. Nobody makes room on a
 * disk that fails. The recorder's thread, under the lock.
 */
static inline bool recorder_may_wait(const struct recorder *r)
{
	return r->options.waits_for_room && !r->flushing && !writer_is_broken(&r->writer);
}

/* Whether recorder_flush was called and the disk gets no more time. Under the lock. */
bool recorder_gives_up(const struct recorder *r);

/*
 * selection.c; the recorder's thread, under the lock. Whether the ring's first frame that is not judged can
 * be judged now: the network is done with it, or does not get any more time.
 */
bool selection_is_settled(const struct recorder *r);

/* Judges that frame: computes its labels and counts it in r->judged. Whether one of options.when holds. */
bool selection_judge(struct recorder *r);

/* clock_now() at which the first frame that is not judged gets no more time; INT64_MAX: there is no limit. */
int64_t selection_deadline(const struct recorder *r);

/* recorder_thread.c: the thread. Ends when r->closing is set and the ring is empty. */
void *recorder_thread(void *recorder);

#endif
