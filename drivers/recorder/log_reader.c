/* SPDX-License-Identifier: MIT */
#include "recorder/log_reader.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The longest line has a smoothed score for each of 65,536 classes. */
#define LINE_MAXIMUM ((size_t)4000000)

struct log_reader {
	FILE *file;
	char *path;
	char *data; /* the line */
	size_t length, capacity;
	unsigned long number;
	json_t *first, *current;
	struct log_about about;
};

static int broken(const struct log_reader *r, const char *what, struct error *e)
{
	return error_set(e, -EBADMSG, "%s: line %lu: %s", r->path, r->number, what);
}

/* The next whole line, without its end. 0, -ENODATA, -EBADMSG, -ENOMEM, or an i/o error. */
static int line_read(struct log_reader *r, struct error *e)
{
	r->length = 0;
	r->number++;
	for (int c; (c = getc(r->file)) != '\n';) {
		if (c == EOF)
			return ferror(r->file) ? error_set(e, -EIO, "%s: cannot be read", r->path) : -ENODATA;
		if (r->length == LINE_MAXIMUM)
			return broken(r, "it is too long for a log of labels", e);
		if (r->length == r->capacity) {
			size_t capacity = 2 * r->capacity + 4096;
			char *grown = realloc(r->data, capacity);
			if (!grown)
				return error_set(e, -ENOMEM, "%s: out of memory for a line", r->path);
			r->data = grown;
			r->capacity = capacity;
		}
		r->data[r->length++] = (char)c;
	}
	return 0;
}

static int object_read(struct log_reader *r, json_t **out, struct error *e)
{
	json_error_t why;
	int status = line_read(r, e);

	*out = NULL;
	if (status)
		return status;
	status = json_from_text(r->length ? r->data : "", r->length, out, &why);
	if (status == -ENOMEM)
		return error_set(e, status, "%s: out of memory for a line", r->path);
	if (status)
		return broken(r, why.text, e);
	if (!json_is_object(*out))
		return broken(r, "it is no JSON object", e);
	return 0;
}

static const char *string_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

/* "2026-11-21T11:05:00.123456Z" in ns. */
static bool read_wall(const char *text, int64_t *out)
{
	struct tm tm = {0};
	const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S.", &tm) : NULL;
	char *end = NULL;
	long fraction = rest ? strtol(rest, &end, 10) : 0;

	if (!rest || end != rest + 6 || strcmp(end, "Z") != 0 || fraction < 0 || tm.tm_year < 70 ||
		tm.tm_year > 170)
		return false;
	*out = (int64_t)timegm(&tm) * NS_PER_S + fraction * 1000;
	return true;
}

/* Times as CLOCK_MONOTONIC gives them; beyond these, differences could overflow. */
static bool read_time(const json_t *value, int64_t *out)
{
	*out = json_integer_value(value);
	return json_is_integer(value) && *out >= 0 && *out <= INT64_MAX / 2;
}

static void read_begin(struct log_reader *r)
{
	int64_t monotonic;

	r->about.has_wall = read_time(json_object_get(r->first, "monotonic"), &monotonic) &&
			    read_wall(string_of(r->first, "wall"), &r->about.wall);
	r->about.wall -= r->about.has_wall ? monotonic : 0;
}

/* "whole", as logs without it, or "1/2", "1/4", "1/8". 0: another. */
static int read_reduction(const json_t *value)
{
	const char *text = value ? json_string_value(value) : "whole";

	if (!text || strcmp(text, "whole") == 0)
		return text != NULL;
	for (int reduction = 2; reduction <= 8; reduction *= 2)
		if (strncmp(text, "1/", 2) == 0 && text[2] == '0' + reduction && !text[3])
			return reduction;
	return 0;
}

static int read_about(struct log_reader *r, struct error *e)
{
	const json_t *first = r->first;
	const char *format = string_of(first, "format");

	if (!format || strcmp(format, "twobit-labels") != 0)
		return error_set(e, -EBADMSG, "%s: is no log of labels", r->path);
	json_int_t version = json_integer_value(json_object_get(first, "version"));
	if (version < 1 || version > LABEL_LOG_VERSION)
		return error_set(e, -EBADMSG, "%s: it is of another version; versions 1 to %d are read",
			r->path, LABEL_LOG_VERSION);
	json_int_t top_k = json_integer_value(json_object_get(first, "top_k"));
	r->about = (struct log_about){.network = string_of(first, "network"),
		.pl = string_of(first, "pl"),
		.version = (int)version,
		.threshold = (float)json_number_value(json_object_get(first, "threshold")),
		.smoothing = json_number_value(json_object_get(first, "smoothing")),
		.top_k = (int)(top_k > 0 && top_k <= TOP_MAXIMUM ? top_k : 0),
		.burn_in = json_is_true(json_object_get(first, "burn_in")),
		.reduction = read_reduction(json_object_get(first, "decode"))};
	read_begin(r);
	double s = r->about.smoothing;
	if (!r->about.network || !r->about.pl || !r->about.top_k || !json_object_get(first, "smoothing") ||
		!(s >= 0 && (version == 1 ? s < 1 : s <= SMOOTHING_MOST)))
		return broken(r, "network, pl, top_k or smoothing is missing or out of bounds", e);
	if (!r->about.reduction)
		return broken(r, "decode is none of whole, 1/2, 1/4 and 1/8", e);
	if (version > 1 && !(json_is_number(json_object_get(first, "threshold")) && r->about.threshold >= 0 &&
				   r->about.threshold <= 1))
		return broken(r, "threshold is missing or out of bounds", e);
	return 0;
}

int log_reader_open_file(FILE *file, const char *path, struct log_reader **out, struct error *e)
{
	struct log_reader *r = calloc(1, sizeof(*r));

	*out = NULL;
	if (r)
		r->path = strdup(path);
	if (!r || !r->path) {
		free(r);
		fclose(file);
		return error_set(e, -ENOMEM, "%s: out of memory", path);
	}
	r->file = file;
	int status = object_read(r, &r->first, e);
	if (status == -ENODATA)
		error_set(e, status = -EBADMSG, "%s: is no log of labels: there is no whole line", path);
	if (!status)
		status = read_about(r, e);
	if (status) {
		log_reader_close(r);
		return status;
	}
	*out = r;
	return 0;
}

int log_reader_open(const char *path, struct log_reader **out, struct error *e)
{
	FILE *file = fopen(path, "re");

	*out = NULL;
	if (!file)
		return error_set(e, -errno, "%s: the log of labels: %s", path, strerror(errno));
	return log_reader_open_file(file, path, out, e);
}

const struct log_about *log_reader_about(const struct log_reader *reader)
{
	return &reader->about;
}

static bool read_item(const json_t *object, bool with_index, struct verdict_item *out)
{
	const json_t *index = json_object_get(object, "index"),
		     *confidence = json_object_get(object, "confidence");

	*out = (struct verdict_item){.label = string_of(object, "label")};
	if (!out->label || !json_is_number(confidence) || (with_index && !json_is_integer(index)))
		return false;
	out->index = with_index ? (int)json_integer_value(index) : 0;
	out->confidence = json_number_value(confidence);
	return true;
}

/* An item without an index, or null. */
static bool read_named(const json_t *object, const char *name, struct verdict_item *out)
{
	const json_t *group = json_object_get(object, name);

	*out = (struct verdict_item){0};
	return json_is_null(group) || read_item(group, false, out);
}

/* [x, y, width, height], or null. */
static bool read_face(const json_t *value, struct picture_area *out)
{
	int *numbers[] = {&out->x, &out->y, &out->width, &out->height};

	*out = (struct picture_area){0};
	if (json_is_null(value))
		return true;
	for (size_t i = 0; i < 4; i++) {
		json_int_t number = json_integer_value(json_array_get(value, i));
		if (json_array_size(value) != 4 || number < (i < 2 ? 0 : 1) || number > PICTURE_SIDE_MAXIMUM)
			return false;
		*numbers[i] = (int)number;
	}
	return true;
}

/* Without a face nothing is judged. */
static bool read_verdict(const json_t *object, int version, bool faceless, struct verdict *out)
{
	const json_t *top = json_object_get(object, "top");

	*out = (struct verdict){.count = (int)json_array_size(top), .has_shown = version > 1};
	if (!json_is_array(top) || (!faceless && !out->count) || json_array_size(top) > TOP_MAXIMUM)
		return false;
	for (int i = 0; i < out->count; i++)
		if (!read_item(json_array_get(top, (size_t)i), true, &out->top[i]))
			return false;
	bool judged = !json_is_null(json_object_get(object, "smoothed"));
	return (judged ? read_item(json_object_get(object, "smoothed"), true, &out->smoothed) : faceless) &&
	       read_named(object, "group", &out->group) &&
	       read_named(object, "smoothed_group", &out->smoothed_group) &&
	       (!out->has_shown || read_named(object, "shown", &out->shown));
}

static bool read_headline(const json_t *object, const char *name, struct headline *out)
{
	const json_t *value = json_object_get(object, name), *group = json_object_get(value, "group"),
		     *class = json_object_get(value, "class"), *index = group ? group : class;
	json_int_t number = json_integer_value(index);

	*out = (struct headline){HEADLINE_NONE, 0, 0};
	if (json_is_null(value))
		return true;
	if (!json_is_integer(index) || number < 0 || number > INT_MAX ||
		!json_is_number(json_object_get(value, "confidence")))
		return false;
	*out = (struct headline){group ? HEADLINE_GROUP : HEADLINE_LABEL, (int)number,
		(float)json_number_value(json_object_get(value, "confidence"))};
	return true;
}

/* What stands before a file's first frame. */
static int read_past(struct log_reader *r, struct log_entry *entry, struct error *e)
{
	struct label_state *state = &entry->state;
	const json_t *object = r->current, *since = json_object_get(object, "since");

	entry->scores = json_object_get(object, "scores");
	if (!json_is_array(entry->scores))
		return broken(r, "there are no smoothed scores", e);
	if (r->about.version == 1)
		return 0;
	state->since = INT64_MIN;
	if (!read_time(json_object_get(object, "before"), &entry->time) ||
		!read_headline(object, "shown", &state->shown) ||
		!read_headline(object, "challenger", &state->challenger) ||
		!(json_is_null(since) || read_time(since, &state->since)))
		return broken(r, "before, shown, challenger or since is missing or no such thing", e);
	return 0;
}

int log_reader_next(struct log_reader *r, struct log_entry *entry, struct error *e)
{
	json_decref(r->current);
	int status = object_read(r, &r->current, e);
	if (status)
		return status;
	const json_t *frame = json_object_get(r->current, "frame");
	*entry = (struct log_entry){.line = r->number,
		.frame = (uint64_t)json_integer_value(frame),
		.event = string_of(r->current, "event"),
		.by = string_of(r->current, "by")};
	if (!json_is_integer(frame) || json_integer_value(frame) < 0)
		return broken(r, "there is no frame number", e);
	const json_t *face = json_object_get(r->current, "face");
	entry->says_face = face;
	if (face && !read_face(face, &entry->face))
		return broken(r, "face is neither four numbers nor null", e);
	if (!entry->event && (!entry->by || !read_verdict(r->current, r->about.version,
						    face && !entry->face.width, &entry->verdict)))
		return broken(r, "it is neither a frame's nor an event's", e);
	if (!entry->event && !read_time(json_object_get(r->current, "monotonic"), &entry->time) &&
		r->about.version > 1)
		return broken(r, "monotonic is no time", e);
	if (entry->event && strcmp(entry->event, "smoothing") == 0)
		return read_past(r, entry, e);
	return 0;
}

void log_reader_close(struct log_reader *reader)
{
	if (!reader)
		return;
	fclose(reader->file);
	json_decref(reader->first);
	json_decref(reader->current);
	free(reader->data);
	free(reader->path);
	free(reader);
}
