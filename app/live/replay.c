/* SPDX-License-Identifier: MIT */
/* `twobit replay`: runs the network on a recording again, and compares with its log. */
#include "base/build.h"
#include "base/error.h"
#include "base/log.h"
#include "base/printable.h"
#include "cli/command.h"
#include "cli/networks.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/threads.h"
#include "image/decode.h"
#include "nn/labeller.h"
#include "nn/pool.h"
#include "pipeline/classifier.h"
#include "recorder/log_reader.h"
#include "recorder/names.h"
#include "source/source.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

struct replay_values {
	struct option_text log, network, pl, kernels, threads;
	bool json;
};

static const struct option options[] = {
	{"log", 0, OPTION_TEXT, "FILE.jsonl", "Its log [the one beside it]",
		offsetof(struct replay_values, log), .source = OPTION_FROM_OWN},
	{"network", 0, OPTION_TEXT, "NAME|DIR", "Network to run, by name or folder [the log's]",
		offsetof(struct replay_values, network), .source = OPTION_FROM_OWN},
	OPTION_ROW_PL(struct replay_values, pl),
	OPTION_ROW_KERNELS(struct replay_values, kernels),
	OPTION_ROW_THREADS(struct replay_values, threads),
	{"json", 0, OPTION_FLAG, NULL, "Print JSON, an object a line", offsetof(struct replay_values, json)},
	{0},
};

/* The replay of one recording. */
struct replay {
	const struct replay_values *values;
	struct pool *threads; /* that share layers; NULL: one */
	const char *path;
	struct log_reader *log;
	struct network *network;
	struct classifier *classifier;
	struct source *video;
	struct frame_pool *pool;
	struct frame *frame;
	struct picture picture;
	struct labeller labeller;
	bool read;		   /* a frame of the video is in `frame` */
	uint64_t next;		   /* the next line is about this frame or a later one */
	uint64_t compared, beyond; /* beyond: lines about frames after the video's end */
	bool closed;		   /* the log is whole */
	bool differs;
	struct log_entry entry;		  /* the line that differs, or is being compared */
	struct text_builder logged, seen; /* the log's verdict and the replay's */
	enum failure where;		  /* what an error is about */
};

static bool has_suffix(const char *path, const char *suffix)
{
	const char *dot = strrchr(path, '.');

	return dot && strcmp(dot, suffix) == 0;
}

/* The log's path: the one given by --log, or the one beside the recording, of either kind. */
static void log_find(const struct replay *r, char *path, size_t size)
{
	if (r->values->log.text) {
		snprintf(path, size, "%s", r->values->log.text);
		return;
	}
	names_log(r->path, label_log_suffix(LABEL_LOG_JSON), path, size);
	if (access(path, F_OK) == 0)
		return;
	names_log(r->path, label_log_suffix(LABEL_LOG_CSV), path, size);
	if (access(path, F_OK) != 0)
		names_log(r->path, label_log_suffix(LABEL_LOG_JSON), path, size);
}

static int open_log(struct replay *r, struct error *e)
{
	char path[PATH_MAX];

	if (!r->values->log.text && !has_suffix(r->path, ".mkv"))
		return error_set(e, -EINVAL,
			"%s: is not the name of a recording: it does not end in .mkv; give its "
			"log with --log",
			r->path);
	log_find(r, path, sizeof(path));
	if (has_suffix(path, label_log_suffix(LABEL_LOG_CSV)) && access(path, F_OK) == 0)
		return error_set(e, -EBADMSG,
			"%s: is a log in CSV; replay needs one in JSON, as `twobit record --log json` makes",
			path);
	log_debug("%s: its log is %s", r->path, path);
	int status = log_reader_open(path, &r->log, e);
	if (!status && log_reader_about(r->log)->burn_in)
		return error_set(e, -EBADMSG,
			"%s: captions were drawn into its pictures; the network saw them without", r->path);
	return status;
}

static int open_parts(struct replay *r, struct error *e)
{
	const struct log_about *about = log_reader_about(r->log);
	const struct source_options once = {.once = true};

	r->where = FAILURE_NETWORK;
	if (networks_open(r->values->network.text ? r->values->network.text : about->network, &r->network, e))
		return e->code;
	const struct classifier_options wanted = {
		.pl = r->values->pl.text, .kernels = r->values->kernels.text, .pool = r->threads};
	if (classifier_create(r->network, &wanted, &r->classifier, &r->where, e))
		return e->code;
	r->where = FAILURE_SOURCE;
	if (source_open(r->path, &once, &r->video, e))
		return e->code;
	bool timed = about->version > 1;
	if (labeller_init(&r->labeller, r->network, timed ? about->smoothing : 0, about->threshold) ||
		frame_pool_create(1, 1, 1, &r->pool))
		return error_set(e, -ENOMEM, "out of memory");
	if (!timed)
		r->labeller.past.smoothing.weight = about->smoothing;
	r->frame = frame_acquire(r->pool);
	return 0;
}

static void close_parts(struct replay *r)
{
	frame_release(&r->frame);
	frame_pool_destroy(r->pool);
	labeller_finish(&r->labeller);
	picture_finish(&r->picture);
	source_close(r->video);
	classifier_destroy(r->classifier);
	network_destroy(r->network);
	log_reader_close(r->log);
	text_finish(&r->logged);
	text_finish(&r->seen);
}

/* Reads the frame of that number into r->frame. -ENODATA: the video ends before it. */
static int seek(struct replay *r, uint64_t number, struct error *e)
{
	while (!r->read || r->frame->number < number) {
		int status = source_next(r->video, r->frame, e);
		if (status && status != -EBADMSG)
			return status == -ENOMSG ? -ENODATA : status;
		r->read = !status;
	}
	if (r->frame->number == number)
		return 0;
	return error_set(e, -EBADMSG, "%s: frame %" PRIu64 " is missing or broken", r->path, number);
}

static bool names_one(const struct headline *headline, const struct network *network)
{
	return headline->kind == HEADLINE_NONE ||
	       headline->index <
		       (headline->kind == HEADLINE_GROUP ? network->group_count : network->class_count);
}

/* Takes what the frames before the first one in the file left. */
static int take_past(struct replay *r, struct error *e)
{
	struct label_past *past = &r->labeller.past;
	size_t count = json_array_size(r->entry.scores);

	if (count != (size_t)r->network->class_count)
		return error_set(e, -EBADMSG,
			"%s: line %lu of its log has %zu scores, the network %s has %d classes", r->path,
			r->entry.line, count, r->network->name, r->network->class_count);
	if (!names_one(&r->entry.state.shown, r->network) ||
		!names_one(&r->entry.state.challenger, r->network))
		return error_set(e, -EBADMSG,
			"%s: line %lu of its log names a class or group that the network %s has not", r->path,
			r->entry.line, r->network->name);
	for (size_t i = 0; i < count; i++)
		past->smoothing.past[i] = json_number_value(json_array_get(r->entry.scores, i));
	past->smoothing.begun = true;
	past->smoothing.time = r->entry.time;
	past->state = r->entry.state;
	return 0;
}

/* Where the live picture's face was depends on frames that may not be recorded: the log says it. */
static int classify(struct replay *r, struct classification *own, struct error *e)
{
	const struct picture_area *face = &r->entry.face;
	bool told = r->entry.says_face && r->network->view.kind == VIEW_FACE;

	*own = classification_none;
	if (told && !face->width)
		return 0;
	if (told && (face->x + face->width > r->picture.width || face->y + face->height > r->picture.height))
		return error_set(e, -EBADMSG, "%s: line %lu of its log: the face is beyond the picture",
			r->path, r->entry.line);
	r->where = FAILURE_PL;
	int status = classifier_run(r->classifier, VIEW_FROM_CAMERA, &r->picture, told ? face : NULL, own, e);
	if (!status)
		r->where = FAILURE_SOURCE;
	return status;
}

static int compare(struct replay *r, struct error *e)
{
	struct classification own;
	struct verdict verdict;
	struct error why = {0};

	double scale = 1.0 / log_reader_about(r->log)->reduction;
	int status = picture_decode(&r->frame->raw, scale, &r->picture, &why);
	if (status)
		return error_set(e, status, "%s: frame %" PRIu64 ": %s", r->path, r->frame->number, why.text);
	status = classify(r, &own, e);
	if (status)
		return status;
	labeller_add(&r->labeller, own.count ? classifier_scores(r->classifier, 0) : NULL, r->entry.time);
	verdict_make(&verdict, r->network, log_reader_about(r->log)->top_k, &own, &r->labeller.smoothed);
	if (r->entry.verdict.has_shown)
		verdict_set_shown(&verdict, r->network, &r->labeller.past.state.shown);
	text_clear(&r->logged);
	text_clear(&r->seen);
	verdict_print(&r->logged, &r->entry.verdict);
	verdict_print(&r->seen, &verdict);
	if (r->logged.failed || r->seen.failed)
		return error_set(e, -ENOMEM, "out of memory");
	r->compared++;
	r->differs = strcmp(r->logged.data, r->seen.data) != 0;
	return 0;
}

static int take_line(struct replay *r, struct error *e)
{
	const struct log_entry *entry = &r->entry;

	if (entry->scores)
		return take_past(r, e);
	if (entry->event) {
		r->closed = r->closed || strcmp(entry->event, "closed") == 0;
		return 0;
	}
	if (entry->frame < r->next)
		return error_set(e, -EBADMSG,
			"%s: line %lu of its log: frame %" PRIu64 " stands behind frame %" PRIu64, r->path,
			entry->line, entry->frame, r->next - 1);
	r->next = entry->frame + 1;
	int status = r->beyond ? -ENODATA : seek(r, entry->frame, e);
	if (!status)
		return compare(r, e);
	if (status != -ENODATA)
		return status;
	r->beyond++;
	return 0;
}

/* Compares up to the first difference. */
static int follow(struct replay *r, struct error *e)
{
	int status = 0;

	while (!status && !r->differs) {
		status = log_reader_next(r->log, &r->entry, e);
		if (status == -ENODATA)
			return 0;
		if (!status)
			status = take_line(r, e);
	}
	return status;
}

static void report_json(const struct replay *r)
{
	json_t *all = output_pack("{s:o, s:o, s:I, s:b, s:I}", "file", output_text(r->path), "network",
		output_text(r->network->name), "compared", (json_int_t)r->compared, "differs", r->differs,
		"beyond", (json_int_t)r->beyond);

	if (r->differs) {
		output_set(all, "frame", json_integer((json_int_t)r->entry.frame));
		output_set(all, "line", json_integer((json_int_t)r->entry.line));
		output_set(all, "logged", output_text(r->logged.data));
		output_set(all, "replayed", output_text(r->seen.data));
	}
	output_json(all);
}

static void report_difference(const struct replay *r)
{
	printf("%s: frame %" PRIu64 ", line %lu of the log, differs after %" PRIu64
	       " that do not\n"
	       "the log, by %s: %s\nreplay: %s\n",
		PRINTABLE(r->path), r->entry.frame, r->entry.line, r->compared - 1, PRINTABLE(r->entry.by),
		PRINTABLE(r->logged.data), PRINTABLE(r->seen.data));
}

/* Returns the exit code: a recording that was not compared does not pass. */
static int report(const struct replay *r)
{
	if (r->values->json)
		report_json(r);
	else if (r->differs)
		report_difference(r);
	if (r->differs)
		return EX_DATAERR;
	if (!r->compared) {
		log_error("%s: nothing was compared: %s", r->path,
			r->beyond ? "the video has none of the frames in its log" : "its log has no frame");
		return EX_DATAERR;
	}
	if (r->beyond && r->closed) {
		log_error("%s: the video ends before its log does, which is whole; %" PRIu64
			  " lines were compared, %" PRIu64 " were not",
			r->path, r->compared, r->beyond);
		return EX_DATAERR;
	}
	if (!r->values->json)
		printf("%s: %" PRIu64 " labelled frames, no difference\n", PRINTABLE(r->path), r->compared);
	if (r->beyond)
		log_warning("%s: the video ends before its log does; %" PRIu64 " lines were not compared",
			r->path, r->beyond);
	return EX_OK;
}

static int replay_file(const struct invocation *invocation, const struct replay_values *values,
	struct pool *threads, const char *path)
{
	struct replay r = {.values = values, .threads = threads, .path = path, .where = FAILURE_SOURCE};
	struct error e = {0};
	int code;

	if (open_log(&r, &e))
		code = e.code == -EINVAL ? usage_error(invocation, "%s", e.text) : fail(r.where, &e);
	else if (open_parts(&r, &e) || follow(&r, &e))
		code = fail_at(invocation, r.where, &e);
	else
		code = report(&r);
	close_parts(&r);
	return code;
}

static int replay_run(struct invocation *invocation)
{
	struct replay_values values = {.pl = {"auto"}};
	struct pool *threads;
	struct error e = {0};
	int count;
	int code = options_parse(invocation, &values, &count);

	if (code != OPTIONS_GO_ON)
		return code;
	if (build_check_video(&e))
		return fail(FAILURE_SOURCE, &e);
	if (!count)
		return usage_error(invocation, "a recording is missing");
	if (count > 1 && values.log.text)
		return usage_error(invocation, "--log is for one recording");
	code = threads_start(invocation, &values.threads, &threads);
	if (code != OPTIONS_GO_ON)
		return code;
	code = EX_OK;
	for (int i = 0; i < count; i++) {
		int failed = replay_file(invocation, &values, threads, invocation->argv[i]);
		code = code ? code : failed;
	}
	pool_destroy(threads);
	return output_finish(code);
}

const struct command replay_command = {
	.name = "replay",
	.summary = "Run the network on a recording again and compare with its log",
	.usage = "[OPTION]… FILE.mkv…",
	.details =
		"Runs the network again on each frame that has a line in the log, in the log's order, and\n"
		"compares labels and confidences byte for byte. Exit code 0: all are the same; 65: a frame\n"
		"differs (it is printed), nothing could be compared, or the video is shorter than its log.\n"
		"A recording that breaks off is compared as far as it goes.",
	.examples =
		"twobit replay cat.mkv\n"
		"twobit replay cat.mkv --pl software --kernels scalar\n"
		"twobit replay /srv/cam/*.mkv --json\n",
	.options = options,
	.run = replay_run,
};
