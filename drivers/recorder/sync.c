/* SPDX-License-Identifier: MIT */
#include "recorder/sync.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "flow/thread.h"
#include "recorder/names.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { VIDEO, LOG, FILES };

struct file_syncer {
	int64_t interval;
	pthread_t thread;
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t work;
	char paths[FILES][PATH_MAX]; /* "": nothing to sync */
	unsigned generation;	     /* of the paths */
	int failure;		     /* of this generation, a negative errno value */
	bool closing;
};

/* Opens the file once more: the writer's descriptor, with its lock, stays the writer's alone. */
static int path_sync(const char *path)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno; /* deleted: the writer notices */
	int status = file_sync_data(fd);
	close(fd);
	return status;
}

/* Syncs copies of the paths, without the lock. */
static int files_sync(char paths[FILES][PATH_MAX], bool with_folder)
{
	char folder[PATH_MAX];
	int status = 0;

	names_folder(paths[VIDEO], folder, sizeof(folder));
	if (with_folder)
		file_sync_folder(AT_FDCWD, folder); /* some file systems cannot, which is no loss of data */
	for (int i = 0; i < FILES && !status; i++)
		status = path_sync(paths[i]);
	return status;
}

/* Keeps the failure before it logs it. Under the lock. */
static void fail_with(struct file_syncer *s, int status, const char *video)
{
	s->failure = status;
	pthread_mutex_unlock(&s->lock);
	log_error("%s: what was recorded cannot be synced to the disk: %s", video, strerror(-status));
	pthread_mutex_lock(&s->lock);
}

static void *syncer_thread(void *argument)
{
	struct file_syncer *s = argument;
	unsigned synced = 0; /* the generation whose folder is synced */
	int64_t next = 0;
	char paths[FILES][PATH_MAX];

	pthread_mutex_lock(&s->lock);
	while (!s->closing) {
		bool idle = !s->paths[VIDEO][0] || s->failure;
		if (idle || (synced == s->generation && clock_now() < next)) {
			condition_wait(&s->work, &s->lock, idle ? INT64_MAX : next);
			continue;
		}
		unsigned generation = s->generation;
		memcpy(paths, s->paths, sizeof(paths));
		pthread_mutex_unlock(&s->lock);
		int status = files_sync(paths, synced != generation);
		pthread_mutex_lock(&s->lock);
		synced = generation;
		next = clock_now() + s->interval;
		if (status && generation == s->generation)
			fail_with(s, status, paths[VIDEO]);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

int file_syncer_create(int64_t interval, struct file_syncer **out)
{
	struct file_syncer *s = calloc(1, sizeof(*s));

	*out = NULL;
	if (!s)
		return -ENOMEM;
	s->interval = interval;
	s->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	int status = condition_init(&s->work);
	if (!status) {
		status = thread_start(&s->thread, "sync", syncer_thread, s);
		if (status)
			pthread_cond_destroy(&s->work);
	}
	if (status) {
		pthread_mutex_destroy(&s->lock);
		free(s);
		return status;
	}
	*out = s;
	return 0;
}

void file_syncer_destroy(struct file_syncer *syncer)
{
	if (!syncer)
		return;
	pthread_mutex_lock(&syncer->lock);
	syncer->closing = true;
	pthread_cond_signal(&syncer->work);
	pthread_mutex_unlock(&syncer->lock);
	pthread_join(syncer->thread, NULL);
	pthread_cond_destroy(&syncer->work);
	pthread_mutex_destroy(&syncer->lock);
	free(syncer);
}

void file_syncer_begin(struct file_syncer *syncer, const char *video, const char *log)
{
	pthread_mutex_lock(&syncer->lock);
	snprintf(syncer->paths[VIDEO], sizeof(syncer->paths[VIDEO]), "%s", video);
	snprintf(syncer->paths[LOG], sizeof(syncer->paths[LOG]), "%s", log);
	syncer->generation++;
	syncer->failure = 0;
	pthread_cond_signal(&syncer->work);
	pthread_mutex_unlock(&syncer->lock);
}

int file_syncer_end(struct file_syncer *syncer)
{
	pthread_mutex_lock(&syncer->lock);
	syncer->paths[VIDEO][0] = '\0';
	int failure = syncer->failure;
	pthread_mutex_unlock(&syncer->lock);
	return failure;
}
