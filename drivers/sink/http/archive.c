/* SPDX-License-Identifier: MIT */
#include "sink/http/archive.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/path.h"
#include "flow/thread.h"
#include "image/decode.h"
#include "recorder/names.h"
#include "sink/http/answer.h"
#include "sink/http/clip.h"
#include "sink/http/download.h"
#include "sink/http/server.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* In a list at most, the newest ones. */
#define LIST_MOST 200

/* Of a picture's bytes at most. */
#define PICTURE_MOST (64u << 20)

/* Labels of a recording at most, and how long one may be away between two spans that are told as one, ms. */
#define LABELS_MOST 5000
#define GAP 1000

#define QUALITY 85

enum job_kind { JOB_LIST, JOB_PICTURE, JOB_LABELS };

struct archive_job {
	enum job_kind kind;
	struct archive_job *next;
	struct viewer *viewer;
	int fd; /* of the recording; −1: none */
	int64_t at;
	bool done;
	unsigned status;
	struct text_builder text;
	struct raw_picture jpeg;
	int64_t time, next_time; /* of the picture and of the one behind it, ms; −1: there is none */
};

struct archive {
	const char *pattern;
	int folder;
	pthread_t thread;
	bool running;

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t work;
	struct archive_job *first, **last;
	bool closing;
};

int archive_create(const char *pattern, struct archive **out)
{
	char folder[PATH_MAX];
	struct archive *archive = calloc(1, sizeof(*archive));

	*out = NULL;
	if (!archive)
		return -ENOMEM;
	names_folder(pattern, folder, sizeof(folder));
	archive->pattern = pattern;
	archive->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (archive->folder < 0) {
		int code = -errno;
		free(archive);
		return code;
	}
	archive->last = &archive->first;
	pthread_mutex_init(&archive->lock, NULL);
	pthread_cond_init(&archive->work, NULL);
	*out = archive;
	return 0;
}

void archive_destroy(struct archive *archive)
{
	if (!archive)
		return;
	close(archive->folder);
	pthread_cond_destroy(&archive->work);
	pthread_mutex_destroy(&archive->lock);
	free(archive);
}

void archive_job_destroy(struct archive_job *job)
{
	if (!job)
		return;
	if (job->fd >= 0)
		close(job->fd);
	text_finish(&job->text);
	raw_picture_finish(&job->jpeg);
	free(job);
}

/* A regular file of that name in the folder, or −1. */
static int open_file(const struct archive *archive, const char *name)
{
	struct stat status;
	int fd = openat(archive->folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0 && (fstat(fd, &status) || !S_ISREG(status.st_mode))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

struct listed {
	char name[NAME_MAX + 1];
	struct stat status;
};

static int newer_first(const void *a, const void *b)
{
	const struct timespec *x = &((const struct listed *)a)->status.st_mtim;
	const struct timespec *y = &((const struct listed *)b)->status.st_mtim;

	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? 1 : -1;
	return x->tv_nsec < y->tv_nsec ? 1 : x->tv_nsec > y->tv_nsec ? -1 : 0;
}

/* Keeps the newest of those that are found. */
static size_t find_recordings(const struct archive *archive, struct listed *found)
{
	int fd = openat(archive->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	size_t count = 0;

	if (!folder && fd >= 0)
		close(fd);
	for (struct dirent *entry; folder && (entry = readdir(folder));) {
		struct listed *one = &found[count];
		if (!names_match(archive->pattern, entry->d_name) ||
			fstatat(archive->folder, entry->d_name, &one->status, AT_SYMLINK_NOFOLLOW) ||
			!S_ISREG(one->status.st_mode))
			continue;
		snprintf(one->name, sizeof(one->name), "%s", entry->d_name);
		if (++count < 2 * (size_t)LIST_MOST)
			continue;
		qsort(found, count, sizeof(*found), newer_first);
		count = LIST_MOST;
	}
	if (folder)
		closedir(folder);
	qsort(found, count, sizeof(*found), newer_first);
	return count < LIST_MOST ? count : LIST_MOST;
}

static void add_log(const struct archive *archive, const char *name, struct text_builder *t)
{
	static const char *const suffixes[] = {".jsonl", ".csv"};
	char log[NAME_MAX + 8];
	struct stat status;

	for (int i = 0; i < 2; i++) {
		names_log(name, suffixes[i], log, sizeof(log));
		if (fstatat(archive->folder, log, &status, AT_SYMLINK_NOFOLLOW) || !S_ISREG(status.st_mode))
			continue;
		text_add(t, ",\"log\":");
		text_add_json(t, log);
		return;
	}
}

static void make_list(const struct archive *archive, struct archive_job *job)
{
	struct text_builder *t = &job->text;
	struct listed *found = malloc(2 * LIST_MOST * sizeof(*found));
	size_t count = found ? find_recordings(archive, found) : 0;

	text_add(t, "{\"recordings\":[");
	for (size_t i = 0; i < count; i++) {
		const struct timespec *changed = &found[i].status.st_mtim;
		text_add(t, "%s{\"name\":", i ? "," : "");
		text_add_json(t, found[i].name);
		text_add(t, ",\"bytes\":%lld,\"changed\":\"", (long long)found[i].status.st_size);
		text_add_time(t, changed->tv_sec * NS_PER_S + changed->tv_nsec);
		text_add(t, "\"");
		add_log(archive, found[i].name, t);
		text_add(t, "}");
	}
	text_add(t, "]}");
	free(found);
	job->status = MHD_HTTP_OK;
}

/* The picture that is shown at the time, or the first one. */
static bool find_picture(struct archive_job *job, struct clip_block *picture)
{
	struct clip clip;
	struct clip_block block;
	enum clip_kind kind;
	bool found = false;

	if (clip_open(job->fd, &clip))
		return false;
	clip_seek(&clip, job->at);
	job->next_time = -1;
	while ((kind = clip_next(&clip, &block)) != CLIP_END) {
		if (kind != CLIP_PICTURE)
			continue;
		if (found && block.time > job->at) {
			job->next_time = block.time;
			break;
		}
		*picture = block;
		found = true;
	}
	return found;
}

static bool read_picture(struct archive_job *job, const struct clip_block *picture)
{
	struct raw_picture *raw = &job->jpeg;
	struct picture decoded = {0};
	struct error e;

	if (picture->size > PICTURE_MOST || raw_picture_reserve(raw, (size_t)picture->size) ||
		pread(job->fd, raw->data, (size_t)picture->size, (off_t)picture->offset) !=
			(ssize_t)picture->size)
		return false;
	raw->size = (size_t)picture->size;
	raw->format = PIXEL_JPEG;
	if (shot_is_complete(raw->data, raw->size))
		return true;
	bool made = !picture_jpeg_size(raw->data, raw->size, &raw->width, &raw->height) &&
		    !picture_decode(raw, 1, &decoded, &e) && !picture_encode_jpeg(&decoded, QUALITY, raw, &e);
	picture_finish(&decoded);
	return made;
}

static void make_picture(struct archive_job *job)
{
	struct clip_block picture;

	job->status = MHD_HTTP_NOT_FOUND;
	if (!find_picture(job, &picture) || !read_picture(job, &picture))
		return;
	job->time = picture.time;
	job->status = MHD_HTTP_OK;
}

/* What is shown for a time. */
struct shown_span {
	char label[128];
	int64_t from, to; /* ms */
};

/* "dog 73 % · golden retriever 40 %" begins with the label. */
static void read_label(int fd, const struct clip_block *block, struct shown_span *out)
{
	size_t most = sizeof(out->label) - 1, size = block->size < most ? (size_t)block->size : most;
	ssize_t got = pread(fd, out->label, size, (off_t)block->offset);

	out->label[got > 0 ? got : 0] = '\0';
	for (char *blank = strchr(out->label, ' '); blank; blank = strchr(blank + 1, ' ')) {
		size_t digits = strspn(blank + 1, "0123456789");
		if (digits && strncmp(blank + 1 + digits, " %", 2) == 0) {
			*blank = '\0';
			break;
		}
	}
	out->from = block->time;
	out->to = block->time + block->duration;
}

static void add_span(struct archive_job *job, const struct shown_span *span, int *count)
{
	if (!span->label[0] || *count == LABELS_MOST)
		return;
	text_add(&job->text, "%s{\"label\":", (*count)++ ? "," : "");
	text_add_json(&job->text, span->label);
	text_add(&job->text, ",\"from\":%" PRId64 ",\"to\":%" PRId64 "}", span->from, span->to);
}

static void make_labels(struct archive_job *job)
{
	struct clip clip;
	struct clip_block block;
	struct shown_span span = {""}, now;
	enum clip_kind kind;
	int64_t last = 0;
	uint64_t pictures = 0;
	int count = 0;

	job->status = MHD_HTTP_NOT_FOUND;
	if (clip_open(job->fd, &clip))
		return;
	text_add(&job->text, "{\"labels\":[");
	while ((kind = clip_next(&clip, &block)) != CLIP_END) {
		if (kind == CLIP_PICTURE) {
			last = block.time;
			pictures++;
			continue;
		}
		read_label(job->fd, &block, &now);
		if (strcmp(now.label, span.label) == 0 && now.from <= span.to + GAP) {
			span.to = now.to;
			continue;
		}
		add_span(job, &span, &count);
		span = now;
	}
	add_span(job, &span, &count);
	text_add(&job->text, "],\"pictures\":%" PRIu64 ",\"milliseconds\":%" PRId64 "}", pictures, last);
	job->status = MHD_HTTP_OK;
}

/* Without the lock. */
static void work_on(const struct archive *archive, struct archive_job *job, bool closing)
{
	job->status = MHD_HTTP_SERVICE_UNAVAILABLE;
	if (closing)
		return;
	if (job->kind == JOB_LIST)
		make_list(archive, job);
	else if (job->kind == JOB_PICTURE)
		make_picture(job);
	else
		make_labels(job);
}

static void give_back(struct archive_job *job)
{
	struct viewer *viewer = job->viewer;

	pthread_mutex_lock(&viewer->server->lock);
	job->done = true;
	link_step(viewer->link);
	MHD_resume_connection(viewer->connection);
	pthread_mutex_unlock(&viewer->server->lock);
}

static void *run(void *state)
{
	struct archive *archive = state;

	pthread_mutex_lock(&archive->lock);
	while (archive->first || !archive->closing) {
		struct archive_job *job = archive->first;
		if (!job) {
			pthread_cond_wait(&archive->work, &archive->lock);
			continue;
		}
		archive->first = job->next;
		if (!archive->first)
			archive->last = &archive->first;
		bool closing = archive->closing;
		pthread_mutex_unlock(&archive->lock);
		work_on(archive, job, closing);
		give_back(job);
		pthread_mutex_lock(&archive->lock);
	}
	pthread_mutex_unlock(&archive->lock);
	return NULL;
}

int archive_start(struct archive *archive)
{
	int status = thread_start(&archive->thread, "archive", run, archive);

	archive->running = !status;
	return status;
}

void archive_stop(struct archive *archive)
{
	if (!archive || !archive->running)
		return;
	pthread_mutex_lock(&archive->lock);
	archive->closing = true;
	pthread_cond_signal(&archive->work);
	pthread_mutex_unlock(&archive->lock);
	pthread_join(archive->thread, NULL);
	archive->running = false;
}

/* The viewer waits; he is called again once the job is done. Takes the descriptor. */
static enum MHD_Result begin_job(struct viewer *viewer, enum job_kind kind, int fd, int64_t at)
{
	struct archive *archive = viewer->server->archive;
	struct archive_job *job = calloc(1, sizeof(*job));

	if (!job) {
		if (fd >= 0)
			close(fd);
		return MHD_NO;
	}
	*job = (struct archive_job){.kind = kind, .viewer = viewer, .fd = fd, .at = at};
	viewer->job = job;
	pthread_mutex_lock(&archive->lock);
	bool closing = archive->closing;
	if (!closing) {
		pthread_mutex_lock(&viewer->server->lock);
		if (viewer->link)
			viewer->link->deadline = INT64_MAX;
		MHD_suspend_connection(viewer->connection);
		pthread_mutex_unlock(&viewer->server->lock);
		*archive->last = job;
		archive->last = &job->next;
		pthread_cond_signal(&archive->work);
	}
	pthread_mutex_unlock(&archive->lock);
	return closing ? MHD_NO : MHD_YES;
}

static void add_number(struct MHD_Response *response, const char *name, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	if (value >= 0)
		MHD_add_response_header(response, name, text);
}

static enum MHD_Result end_job(struct viewer *viewer)
{
	struct archive_job *job = viewer->job;

	if (job->status != MHD_HTTP_OK || job->text.failed)
		return answer_line(viewer->connection,
			job->status == MHD_HTTP_OK ? MHD_HTTP_SERVICE_UNAVAILABLE : job->status,
			"there is nothing to be read");
	if (job->kind != JOB_PICTURE)
		return answer_text(viewer->connection, MHD_HTTP_OK, "application/json", job->text.data,
			job->text.length);
	struct MHD_Response *response =
		MHD_create_response_from_buffer(job->jpeg.size, job->jpeg.data, MHD_RESPMEM_MUST_COPY);
	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "image/jpeg");
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	add_number(response, "X-Time", job->time);
	add_number(response, "X-Next", job->next_time);
	enum MHD_Result done = MHD_queue_response(viewer->connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return done;
}

static enum MHD_Result nothing_here(struct viewer *viewer)
{
	return answer_line(viewer->connection, MHD_HTTP_NOT_FOUND, "there is no such recording");
}

enum MHD_Result archive_list(struct viewer *viewer)
{
	if (!viewer->server->archive)
		return nothing_here(viewer);
	return viewer->job ? end_job(viewer) : begin_job(viewer, JOB_LIST, -1, 0);
}

/* Whether it is the name of a recording, or of its log. */
static bool is_recording(const struct archive *archive, const char *name, const char **type)
{
	static const struct {
		const char *suffix, *type;
	} kinds[] = {{".mkv", "video/x-matroska"}, {".jsonl", "application/x-ndjson"}, {".csv", "text/csv"}};
	char video[NAME_MAX + 1];
	size_t length = strlen(name);

	if (length > NAME_MAX - 4 || strchr(name, '/'))
		return false;
	for (int i = 0; i < 3; i++) {
		size_t tail = strlen(kinds[i].suffix);
		if (length <= tail || strcmp(name + length - tail, kinds[i].suffix) != 0)
			continue;
		snprintf(video, sizeof(video), "%.*s.mkv", (int)(length - tail), name);
		*type = kinds[i].type;
		return names_match(archive->pattern, video);
	}
	return false;
}

/* Cuts "/picture.jpg" or "/labels" off. */
static bool take_part(char *name, const char *part)
{
	size_t length = strlen(name), tail = strlen(part);

	if (length <= tail || strcmp(name + length - tail, part) != 0)
		return false;
	name[length - tail] = '\0';
	return true;
}

enum MHD_Result archive_answer(struct viewer *viewer, const char *url)
{
	const struct archive *archive = viewer->server->archive;
	const char *at = MHD_lookup_connection_value(viewer->connection, MHD_GET_ARGUMENT_KIND, "at"), *type;
	char name[NAME_MAX + 32];

	if (viewer->job)
		return end_job(viewer);
	if (!archive || snprintf(name, sizeof(name), "%s", url + strlen(ARCHIVE_PATH)) >= (int)sizeof(name))
		return nothing_here(viewer);
	bool picture = take_part(name, "/picture.jpg"), labels = !picture && take_part(name, "/labels");
	bool video = is_recording(archive, name, &type) &&
		     (strcmp(type, "video/x-matroska") == 0 || !(picture || labels));
	int fd = video ? open_file(archive, name) : -1;
	if (fd < 0)
		return nothing_here(viewer);
	if (!picture && !labels)
		return download_answer(viewer, fd, type);
	return begin_job(viewer, picture ? JOB_PICTURE : JOB_LABELS, fd, at ? strtoll(at, NULL, 10) : 0);
}
