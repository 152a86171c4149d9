/* SPDX-License-Identifier: MIT */
#include "recorder/label_log.h"

#include "base/error.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct label_log {
	int fd;
	enum label_log_kind kind;
	int top_k;
	off_t length; /* of the whole lines */
	struct text_builder line;
	char *path;
};

static const struct {
	const char *name;
	enum stamp from, to;
} stages[] = {
	{"arrival", STAMP_CAPTURED, STAMP_RECEIVED},
	{"decode", STAMP_DECODE_BEGUN, STAMP_DECODED},
	{"conv0", STAMP_CONV0_BEGUN, STAMP_CONV0},
	{"pl", STAMP_PL_BEGUN, STAMP_PL},
	{"label", STAMP_PL, STAMP_LABELLED},
	{"total", STAMP_CAPTURED, STAMP_LABELLED},
};

#define STAGES (sizeof(stages) / sizeof(stages[0]))

static const char *const droppers[DROPPED_COUNT] = {
	[DROPPED_BY_CAMERA] = "camera",
	[DROPPED_BROKEN] = "broken",
	[DROPPED_BY_PIPELINE] = "line",
	[DROPPED_BY_RECORDER] = "recorder",
};

const char *label_log_suffix(enum label_log_kind kind)
{
	return kind == LABEL_LOG_CSV ? ".csv" : ".jsonl";
}

/* Makes the first line a comment. */
static const char *mark(enum label_log_kind kind)
{
	return kind == LABEL_LOG_CSV ? "# " : "";
}

static struct verdict_item class_item(const struct network *network, const struct prediction *p)
{
	return (struct verdict_item){network->labels[p->index], p->index, (double)p->confidence};
}

static struct verdict_item group_item(const struct network *network, const struct prediction *p)
{
	if (p->index < 0)
		return (struct verdict_item){0};
	return (struct verdict_item){network->groups[p->index].name, p->index, (double)p->confidence};
}

void verdict_make(struct verdict *verdict, const struct network *network, int top_k,
	const struct classification *own, const struct classification *smoothed)
{
	*verdict = (struct verdict){.count = own->count < top_k ? own->count : top_k};
	for (int i = 0; i < verdict->count; i++)
		verdict->top[i] = class_item(network, &own->top[i]);
	verdict->group = group_item(network, &own->group);
	if (smoothed->count)
		verdict->smoothed = class_item(network, &smoothed->top[0]);
	verdict->smoothed_group = group_item(network, &smoothed->group);
}

void verdict_set_shown(struct verdict *verdict, const struct network *network, const struct headline *shown)
{
	verdict->has_shown = true;
	verdict->shown =
		(struct verdict_item){headline_name(shown, network), shown->index, (double)shown->confidence};
}

static void print_item(struct text_builder *t, const struct verdict_item *item, bool with_index)
{
	if (!item->label) {
		text_add(t, "null");
		return;
	}
	text_add(t, "{\"label\":");
	text_add_json(t, item->label);
	if (with_index)
		text_add(t, ",\"index\":%d", item->index);
	text_add(t, ",\"confidence\":");
	text_add_number(t, item->confidence);
	text_add(t, "}");
}

void verdict_print(struct text_builder *t, const struct verdict *verdict)
{
	text_add(t, "\"top\":[");
	for (int i = 0; i < verdict->count; i++) {
		if (i)
			text_add(t, ",");
		print_item(t, &verdict->top[i], true);
	}
	text_add(t, "],\"group\":");
	print_item(t, &verdict->group, false);
	text_add(t, ",\"smoothed\":");
	print_item(t, &verdict->smoothed, true);
	text_add(t, ",\"smoothed_group\":");
	print_item(t, &verdict->smoothed_group, false);
	if (!verdict->has_shown)
		return;
	text_add(t, ",\"shown\":");
	print_item(t, &verdict->shown, false);
}

static long long microseconds(const struct label_line *line, size_t stage)
{
	int64_t time = line->stamps[stages[stage].to] - line->stamps[stages[stage].from];

	return time > 0 ? (long long)(time / 1000) : 0;
}

static void face_json(struct text_builder *t, const struct picture_area *face)
{
	if (face->width)
		text_add(t, "\"face\":[%d,%d,%d,%d],", face->x, face->y, face->width, face->height);
	else
		text_add(t, "\"face\":null,");
}

static void frame_json(struct text_builder *t, const struct label_line *line)
{
	text_add(t, "{\"frame\":%llu,\"sequence\":%llu,\"monotonic\":%lld,\"wall\":\"",
		(unsigned long long)line->frame, (unsigned long long)line->sequence,
		(long long)line->stamps[STAMP_CAPTURED]);
	text_add_time(t, line->wall);
	text_add(t, "\",\"dropped\":{");
	for (int i = 0; i < DROPPED_COUNT; i++)
		text_add(t, "%s\"%s\":%llu", i ? "," : "", droppers[i], (unsigned long long)line->dropped[i]);
	text_add(t, "},");
	if (line->looks_for_faces)
		face_json(t, &line->face);
	verdict_print(t, &line->verdict);
	text_add(t, ",\"microseconds\":{");
	for (size_t i = 0; i < STAGES; i++)
		text_add(t, "%s\"%s\":%lld", i ? "," : "", stages[i].name, microseconds(line, i));
	text_add(t, "},\"by\":");
	text_add_json(t, line->by);
	text_add(t, "}\n");
}

static void headline_json(struct text_builder *t, const char *name, const struct headline *headline)
{
	text_add(t, ",\"%s\":", name);
	if (headline->kind == HEADLINE_NONE) {
		text_add(t, "null");
		return;
	}
	text_add(t, "{\"%s\":%d,\"confidence\":", headline->kind == HEADLINE_GROUP ? "group" : "class",
		headline->index);
	text_add_number(t, (double)headline->confidence);
	text_add(t, "}");
}

/* All that a replay needs to go on from there. */
static void past_json(struct text_builder *t, const struct label_past *past)
{
	text_add(t, ",\"scores\":[");
	for (int i = 0; i < past->smoothing.class_count; i++)
		text_add(t, "%s%.17g", i ? "," : "", past->smoothing.past[i]);
	text_add(t, "],\"before\":%lld", (long long)past->smoothing.time);
	headline_json(t, "shown", &past->state.shown);
	headline_json(t, "challenger", &past->state.challenger);
	text_add(t, ",\"since\":");
	if (past->state.since == INT64_MIN)
		text_add(t, "null");
	else
		text_add(t, "%lld", (long long)past->state.since);
}

static void event_json(struct text_builder *t, const struct label_event *event)
{
	text_add(t, "{\"event\":\"%s\",\"frame\":%llu,\"monotonic\":%lld,\"wall\":\"", event->name,
		(unsigned long long)event->frame, (long long)event->monotonic);
	text_add_time(t, event->wall);
	text_add(t, "\"");
	if (event->text) {
		text_add(t, ",\"text\":");
		text_add_json(t, event->text);
	}
	if (event->past)
		past_json(t, event->past);
	text_add(t, "}\n");
}

static void header_csv(struct text_builder *t, int top_k)
{
	text_add(t, "event,frame,sequence,monotonic,wall");
	for (int i = 0; i < DROPPED_COUNT; i++)
		text_add(t, ",dropped_%s", droppers[i]);
	for (int i = 1; i <= top_k; i++)
		text_add(t, ",label_%d,index_%d,confidence_%d", i, i, i);
	text_add(t,
		",group,group_confidence,smoothed_label,smoothed_index,smoothed_confidence,smoothed_group,"
		"smoothed_group_confidence,shown,shown_confidence,face");
	for (size_t i = 0; i < STAGES; i++)
		text_add(t, ",us_%s", stages[i].name);
	text_add(t, ",by,text\n");
}

static void item_csv(struct text_builder *t, const struct verdict_item *item, bool with_index)
{
	text_add(t, ",");
	if (item && item->label)
		text_add_csv(t, item->label);
	if (with_index)
		text_add(t, ",");
	if (with_index && item && item->label)
		text_add(t, "%d", item->index);
	text_add(t, ",");
	if (item && item->label)
		text_add_number(t, item->confidence);
}

static void face_csv(struct text_builder *t, const struct label_line *line)
{
	const struct picture_area *face = &line->face;

	text_add(t, ",");
	if (line->looks_for_faces && face->width)
		text_add(t, "%d %d %d %d", face->x, face->y, face->width, face->height);
	else if (line->looks_for_faces)
		text_add(t, "none");
}

static void frame_csv(struct text_builder *t, const struct label_line *line, int top_k)
{
	const struct verdict *v = &line->verdict;

	text_add(t, ",%llu,%llu,%lld,", (unsigned long long)line->frame, (unsigned long long)line->sequence,
		(long long)line->stamps[STAMP_CAPTURED]);
	text_add_time(t, line->wall);
	for (int i = 0; i < DROPPED_COUNT; i++)
		text_add(t, ",%llu", (unsigned long long)line->dropped[i]);
	for (int i = 0; i < top_k; i++)
		item_csv(t, i < v->count ? &v->top[i] : NULL, true);
	item_csv(t, &v->group, false);
	item_csv(t, &v->smoothed, true);
	item_csv(t, &v->smoothed_group, false);
	item_csv(t, &v->shown, false);
	face_csv(t, line);
	for (size_t i = 0; i < STAGES; i++)
		text_add(t, ",%lld", microseconds(line, i));
	text_add(t, ",");
	text_add_csv(t, line->by);
	text_add(t, ",\n");
}

/* The commas stand for the columns between the time and the text, which a frame alone has. */
static void event_csv(struct text_builder *t, const struct label_event *event, int top_k)
{
	text_add(t, "%s,%llu,,%lld,", event->name, (unsigned long long)event->frame,
		(long long)event->monotonic);
	text_add_time(t, event->wall);
	for (int i = 0; i < DROPPED_COUNT + 3 * top_k + 10 + (int)STAGES + 1 + 1; i++)
		text_add(t, ",");
	if (event->text)
		text_add_csv(t, event->text);
	for (int i = 0; event->past && i < event->past->smoothing.class_count; i++)
		text_add(t, "%s%.17g", i ? " " : "", event->past->smoothing.past[i]);
	text_add(t, "\n");
}

/* Writes log->line, or removes what was written of it. */
static int line_write(struct label_log *log, struct error *e)
{
	size_t done = 0;

	if (log->line.failed)
		return error_set(e, -ENOMEM, "%s: out of memory for a line", log->path);
	while (done < log->line.length) {
		ssize_t wrote = write(log->fd, log->line.data + done, log->line.length - done);
		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0) {
			int code = -errno;
			if (ftruncate(log->fd, log->length))
				code = code ? code : -EIO;
			return error_set(e, code, "%s: %s", log->path, strerror(-code));
		}
		done += (size_t)wrote;
	}
	log->length += (off_t)done;
	return 0;
}

int label_log_open(const char *path, enum label_log_kind kind, int top_k, const char *about,
	struct label_log **out, struct error *e)
{
	struct label_log *log = calloc(1, sizeof(*log));

	*out = NULL;
	if (log)
		log->path = strdup(path);
	if (!log || !log->path) {
		free(log);
		return error_set(e, -ENOMEM, "%s: out of memory", path);
	}
	log->kind = kind;
	log->top_k = top_k;
	log->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
	if (log->fd < 0) {
		int code = -errno;
		label_log_close(log, NULL);
		return error_set(e, code, "%s: cannot be made: %s", path, strerror(-code));
	}
	flock(log->fd, LOCK_EX | LOCK_NB); /* as the container's */
	text_add(&log->line, "%s%s\n", mark(kind), about);
	if (kind == LABEL_LOG_CSV)
		header_csv(&log->line, top_k);
	int status = line_write(log, e);
	if (status) {
		label_log_close(log, NULL);
		unlink(path);
		return status;
	}
	*out = log;
	return 0;
}

int label_log_frame(struct label_log *log, const struct label_line *line, struct error *e)
{
	text_clear(&log->line);
	if (log->kind == LABEL_LOG_CSV)
		frame_csv(&log->line, line, log->top_k);
	else
		frame_json(&log->line, line);
	return line_write(log, e);
}

int label_log_event(struct label_log *log, const struct label_event *event, struct error *e)
{
	text_clear(&log->line);
	if (log->kind == LABEL_LOG_CSV)
		event_csv(&log->line, event, log->top_k);
	else
		event_json(&log->line, event);
	return line_write(log, e);
}

uint64_t label_log_size(const struct label_log *log)
{
	return (uint64_t)log->length;
}

bool label_log_is_deleted(const struct label_log *log)
{
	struct stat status;

	return !fstat(log->fd, &status) && !status.st_nlink;
}

/* Accepts any version. head: the first line's begin, with format, version and video. */
static bool head_is_of(const char *head, enum label_log_kind kind, const char *video)
{
	struct text_builder t = {0};
	bool is = false;

	text_add(&t, "%s" LABEL_LOG_HEAD, mark(kind));
	if (!t.failed && strncmp(head, t.data, t.length) == 0) {
		head += t.length;
		head += strspn(head, "0123456789");
		text_clear(&t);
		text_add(&t, ",\"video\":");
		text_add_json(&t, video);
		is = !t.failed && strncmp(head, t.data, t.length) == 0;
	}
	text_finish(&t);
	return is;
}

bool label_log_is_of(const char *path, enum label_log_kind kind, const char *video)
{
	char head[2048]; /* a name of 255 bytes, at most six each when escaped, and the rest */
	struct stat status;
	ssize_t length = -1;

	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (!fstat(fd, &status) && S_ISREG(status.st_mode))
		length = read(fd, head, sizeof(head) - 1);
	close(fd);
	if (length < 0)
		return false;
	head[length] = '\0';
	return !head[0] || head_is_of(head, kind, video);
}

int label_log_close(struct label_log *log, struct error *e)
{
	if (!log)
		return 0;
	int status = log->fd >= 0 ? file_sync(log->fd) : 0;
	if (status)
		error_set(e, status, "%s: %s", log->path, strerror(-status));
	if (log->fd >= 0)
		close(log->fd);
	text_finish(&log->line);
	free(log->path);
	free(log);
	return status;
}
