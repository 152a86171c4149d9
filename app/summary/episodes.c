/* SPDX-License-Identifier: MIT */
#include "summary/episodes.h"

#include "base/error.h"
#include "recorder/log_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NO_LABEL SIZE_MAX

/* A log on its way. */
struct episode_reader {
	struct summary_data *data;
	int64_t wall;	/* its log_about.wall */
	size_t label;	/* that is shown; NO_LABEL: none */
	int64_t before; /* of the labelled frame before; INT64_MIN: there was none */
	size_t episode; /* that goes on, if there is a label */
};

static int find_label(struct summary_data *data, const char *name, size_t *out, struct error *e)
{
	for (*out = 0; *out < data->label_count; ++*out)
		if (strcmp(data->labels[*out].name, name) == 0)
			return 0;
	struct label_sum *grown = realloc(data->labels, (data->label_count + 1) * sizeof(*grown));
	char *copy = strdup(name);
	if (grown)
		data->labels = grown;
	if (!grown || !copy) {
		free(copy);
		return error_set(e, -ENOMEM, "out of memory for the labels");
	}
	data->labels[data->label_count++] = (struct label_sum){.name = copy, .first = INT64_MAX};
	return 0;
}

static int begin_episode(struct episode_reader *r, int64_t time, struct error *e)
{
	struct summary_data *data = r->data;
	struct label_sum *label = &data->labels[r->label];

	if (data->episode_count == data->episode_room) {
		size_t room = 2 * data->episode_room + 256;
		struct episode *grown = realloc(data->episodes, room * sizeof(*grown));
		if (!grown)
			return error_set(e, -ENOMEM, "out of memory for the labels' times");
		data->episodes = grown;
		data->episode_room = room;
	}
	r->episode = data->episode_count++;
	data->episodes[r->episode] = (struct episode){r->label, time, time};
	label->times++;
	label->first = time < label->first ? time : label->first;
	label->last = time > label->last ? time : label->last;
	return 0;
}

/* What is shown goes on until this frame. */
static void go_on(struct episode_reader *r, int64_t time)
{
	struct label_sum *label = &r->data->labels[r->label];
	struct episode *episode = &r->data->episodes[r->episode];

	label->shown += time - episode->end;
	episode->end = time;
	if (time > label->last)
		label->last = time;
}

static int add_frame(struct episode_reader *r, const struct log_entry *entry, struct error *e)
{
	struct summary_data *data = r->data;
	int64_t time = r->wall + entry->time, step = time - r->before;
	const struct verdict_item *shown = &entry->verdict.shown;
	size_t label = NO_LABEL;
	bool follows = r->before != INT64_MIN && step >= 0 && step <= EPISODE_GAP;

	if (time < 0)
		return error_set(e, -EBADMSG, "line %lu: its time is before 1970", entry->line);
	data->watched += follows ? step : 0;
	if (follows && r->label != NO_LABEL)
		go_on(r, time);
	int status = shown->label ? find_label(data, shown->label, &label, e) : 0;
	bool new = label != r->label || !follows;
	r->label = label;
	r->before = time;
	if (!status && label != NO_LABEL && new)
		status = begin_episode(r, time, e);
	if (label != NO_LABEL && !status && shown->confidence > data->labels[label].best)
		data->labels[label].best = shown->confidence;
	if (!data->frames++ || time < data->begin)
		data->begin = time;
	if (data->frames == 1 || time > data->end)
		data->end = time;
	return status;
}

int summary_add(struct summary_data *data, const char *path, struct error *e)
{
	struct episode_reader r = {.data = data, .label = NO_LABEL, .before = INT64_MIN};
	struct log_reader *reader;
	struct log_entry entry;
	int status = log_reader_open(path, &reader, e);

	if (status)
		return status;
	const struct log_about *about = log_reader_about(reader);
	r.wall = about->wall;
	if (!about->has_wall || about->version < 2)
		status = error_set(e, -EBADMSG,
			"%s: does not say when it began or what was shown, as logs of version 1", path);
	while (!status && !(status = log_reader_next(reader, &entry, e)))
		if (!entry.event)
			status = add_frame(&r, &entry, e);
	log_reader_close(reader);
	data->logs++;
	return status == -ENODATA ? 0 : status;
}

static int compare(const void *a, const void *b)
{
	const struct label_sum *x = *(const struct label_sum *const *)a;
	const struct label_sum *y = *(const struct label_sum *const *)b;

	return x->shown != y->shown ? (x->shown < y->shown ? 1 : -1) : strcmp(x->name, y->name);
}

int summary_rank(struct summary_data *data, struct error *e)
{
	data->ranked = calloc(data->label_count + 1, sizeof(const struct label_sum *));
	if (!data->ranked)
		return error_set(e, -ENOMEM, "out of memory for the labels");
	for (size_t i = 0; i < data->label_count; i++)
		data->ranked[i] = &data->labels[i];
	qsort(data->ranked, data->label_count, sizeof(const struct label_sum *), compare);
	return 0;
}

void summary_finish(struct summary_data *data)
{
	for (size_t i = 0; i < data->label_count; i++)
		free(data->labels[i].name);
	free(data->labels);
	free(data->ranked);
	free(data->episodes);
}
