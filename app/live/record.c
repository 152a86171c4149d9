/* SPDX-License-Identifier: MIT */
/* `twobit record`: writes all frames of a source and their labels to files. */
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/output.h"
#include "flow/caption.h"
#include "live/attention.h"
#include "live/confinement.h"
#include "live/pipeline_options.h"
#include "live/recording.h"
#include "live/report.h"
#include "live/service.h"
#include "live/signals.h"
#include "live/sink_options.h"
#include "live/trace_file.h"
#include "nn/classify.h"
#include "nn/pool.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

/* How long what a viewer of the sinks asks for waits at most, ns: each frame ends a wait. */
#define VIEWERS_WAIT NS_PER_S

#define PROGRESS_INTERVAL (NS_PER_S / 5)

struct record_values {
	struct pipeline_options pipeline;
	struct sink_values sinks;
	struct option_text smoothing;
	bool paused, json;
	struct recording_values recording;
};

#define RECORDING(member) offsetof(struct record_values, recording.member)

static const char *const logs[] = {"json", "csv", NULL};

static const struct option options[] = {
	{"output", 'o', OPTION_TEXT, "FILE.mkv",
		"Where to; %Y %m %d %H %M %S: of the time, %i: a number [" RECORDING_NAME "]",
		RECORDING(file)},
	{"log", 0, OPTION_CHOICE, "KIND", "Log of labels beside it: json or csv [json]", RECORDING(log),
		.choices = logs},
	{"log-only", 0, OPTION_FLAG, NULL, "No video: the log alone, named by --output as well",
		RECORDING(log_only)},
	{"segment", 0, OPTION_AMOUNT, "TIME|SIZE", "Begin a new file after so much: 10min, 500MB, '1h|2GB'",
		RECORDING(segment)},
	{"keep", 0, OPTION_AMOUNT, "SIZE|TIME",
		"Delete the oldest files of that name beyond so much: 20GB, 7d, '20GB|7d'", RECORDING(keep)},
	{"when", 0, OPTION_TEXTS, "CONDITION",
		"Record only while it holds, as in 'cat>0.6'; given again: while one of them does",
		RECORDING(when)},
	{"pre-roll", 0, OPTION_DURATION, "TIME", "With --when: from so long before [5s]", RECORDING(pre_roll),
		0, 3600},
	{"post-roll", 0, OPTION_DURATION, "TIME", "With --when: until so long after [10s]",
		RECORDING(post_roll), 0, 86400},
	{"paused", 0, OPTION_FLAG, NULL, "Record nothing until the signal USR1 comes",
		offsetof(struct record_values, paused)},
	{"burn-in", 0, OPTION_FLAG, NULL, "Draw the caption into the pictures", RECORDING(burn_in)},
	{"quality", 0, OPTION_INTEGER, "N", "Of JPEGs that are made here, 1 to 100 [90]", RECORDING(quality),
		1, 100},
	{"memory", 0, OPTION_BYTES, "SIZE", "For frames that wait, and the pre-roll [64MB]",
		RECORDING(memory), RECORDING_MEMORY_LEAST, RECORDING_MEMORY_MOST},
	{"sync", 0, OPTION_DURATION, "TIME", "Sync files to the disk so often while they are written [5s]",
		RECORDING(sync), 0.1, 3600},
	{"flush", 0, OPTION_DURATION, "TIME",
		"What a slow disk gets to take the rest, when it is to end [5s]", RECORDING(flush), 0.1,
		3600},
	OPTION_ROWS_PIPELINE(struct record_values),
	OPTION_ROWS_ROTATE_LOOP(struct record_values),
	OPTION_ROWS_SINKS(struct record_values),
	{"every-frame", 0, OPTION_FLAG, NULL, "Label each frame; the source waits where it must",
		RECORDING(every_frame)},
	{"top-k", 0, OPTION_INTEGER, "K", "Labels a frame in the log [5]", RECORDING(top_k), 1, TOP_MAXIMUM},
	{"threshold", 0, OPTION_NUMBER, "P",
		"Show no label below this confidence, 0 to 1 [the network's own, or 0.1]",
		RECORDING(threshold), 0, 1},
	OPTION_ROW_SMOOTHING(struct record_values, smoothing),
	{"json", 0, OPTION_FLAG, NULL, "Print the final report as JSON",
		offsetof(struct record_values, json)},
	{0},
};

struct record_session {
	const struct invocation *invocation;
	struct record_values values;
	struct recording recording;
	struct recorder *recorder;
	struct network *network;
	struct source *source;
	struct pl *pl;
	struct pool *pool; /* NULL: one thread */
	struct trace_file *trace;
	struct confinement *confinement;
	struct source_options wanted;
	struct pipeline_sinks sinks;
	struct pipeline *pipeline;
	bool hangs; /* the recorder's thread, in the kernel */
	bool shows_progress;
	int64_t begun, progress_at; /* when the progress line was first shown, and is to be renewed */
};

static int start_pipeline(struct record_session *s, struct error *e)
{
	const struct record_values *v = &s->values;
	struct pipeline_config config = pipeline_options_config(&v->pipeline);

	config.recorder = s->recorder;
	config.network = s->network;
	config.source = s->source;
	config.pl = s->pl;
	config.pool = s->pool;
	config.trace = trace_file_trace(s->trace);
	config.lossless = v->recording.every_frame;
	config.discard_output = true;
	config.threshold = classification_threshold(s->network, v->recording.threshold);
	config.smoothing = v->recording.smoothing;
	int code = pipeline_sinks_start(&s->sinks, &config);
	if (code)
		return code;
	return pipeline_options_start(&config, s->invocation, &s->pipeline, e);
}

/* What reads the source, and its threads. */
static int start_confined(void *argument)
{
	struct record_session *s = argument;
	const struct record_values *v = &s->values;
	struct error why = {0}, *e = &why;
	int code = s->source ? EX_OK
			     : pipeline_options_open(&v->pipeline, s->invocation, &s->wanted, &s->source, e);

	if (code || !s->source)
		return code;
	if ((code = pipeline_options_pl(&v->pipeline, s->invocation, &s->pl, e)))
		return code;
	recording_describe(&s->recording, &v->recording, source_description(s->source),
		pl_name_with(s->pl, s->network, network_split(s->network), s->network->layer_count),
		v->pipeline.kernels.text);
	s->recording.options.source = v->pipeline.source.text;
	s->recording.options.waits_for_room = v->recording.every_frame;
	s->recording.options.reduced = true; /* no display needs them whole */
	if (recorder_create(&s->recording.options, &s->recorder, e))
		return fail(FAILURE_OURS, e);
	if (!v->paused)
		recorder_begin(s->recorder);
	return start_pipeline(s, e);
}

static int start_with_source(struct record_session *s, struct error *e)
{
	const struct pipeline_options *v = &s->values.pipeline;
	const struct confinement_plan plan = {v->sandbox, v->source.text, s->values.sinks.serve.text,
		s->values.sinks.mqtt.text, s->values.sinks.mqtt_ca.text,
		{s->recording.options.pattern, v->trace.text}};
	int code = confinement_create(&plan, s->invocation, &s->confinement);

	/* Who uses a camera is told only by a thread that may look at other processes. */
	if (!code && source_is_camera(v->source.text)) {
		code = pipeline_options_open(v, s->invocation, &s->wanted, &s->source, e);
		if (!s->source)
			return code;
	}
	return code ? code : confinement_run(s->confinement, start_confined, s);
}

static int start(struct record_session *s, struct error *e)
{
	const struct record_values *v = &s->values;

	s->wanted = pipeline_options_for_source(&v->pipeline);
	s->wanted.once = !v->pipeline.loop;
	if (v->recording.log_only && v->recording.burn_in)
		return usage_error(
			s->invocation, "--burn-in draws into the video, and with --log-only there is none");
	recording_begin(&s->recording, &v->recording);
	if (recorder_check(&s->recording.options, e))
		return recording_refuse(s->invocation, &v->recording, e);
	const struct output_name written[] = {{"--output", v->recording.file.text, true},
		{"--trace", v->pipeline.trace.text}, {"--events", sink_values_file(&v->sinks)},
		{"--mqtt-queue", v->sinks.mqtt_queue.text},
		{"the command", v->pipeline.source.text, .read = true}};
	if (output_names_check(s->invocation, written, sizeof(written) / sizeof(written[0])))
		return EX_USAGE;
	int code = pipeline_options_network(&v->pipeline, s->invocation, v->json, &s->network, e);
	if (code)
		return code;
	if (recording_set_network(&s->recording, &v->recording, s->network, e))
		return option_refuse(
			s->invocation, &v->recording.when.origins[s->recording.options.when_count], e->text);
	if (trace_file_open(v->pipeline.trace.text, s->network->name, &s->trace, e))
		return fail_at(s->invocation, FAILURE_CREATE, e);
	const char *videos = v->recording.log_only ? NULL : s->recording.options.pattern;
	if ((code = pipeline_sinks_open(&s->sinks, &v->sinks, videos, s->invocation)))
		return code;
	return start_with_source(s, e);
}

static void heed_signals(struct record_session *s)
{
	for (;;) {
		switch (signals_next()) {
		case REQUEST_END:
			pipeline_stop(s->pipeline);
			recorder_flush(s->recorder);
			break;
		case REQUEST_ROTATE:
			recorder_rotate(s->recorder);
			break;
		case REQUEST_RECORD:
			if (recorder_is_recording(s->recorder))
				recorder_end(s->recorder);
			else
				recorder_begin(s->recorder);
			break;
		case REQUEST_NONE:
			return;
		}
	}
}

/* What a viewer of the sinks asks for. */
static void heed_viewers(struct record_session *s)
{
	enum sink_request request = sinks_request(s->sinks.sinks);

	if (request == SINK_REQUEST_RECORD)
		recorder_begin(s->recorder);
	else if (request == SINK_REQUEST_STOP_RECORDING)
		recorder_end(s->recorder);
}

/* "1:05  1950 frames  48.2 MB  cat 87 %", five times a second. */
static void show_progress(struct record_session *s)
{
	struct recorder_progress now;
	char label[FRAME_TEXT_BYTES] = "";
	int64_t time = clock_now();

	if (!s->shows_progress || time < s->progress_at)
		return;
	s->begun = s->begun ? s->begun : time;
	s->progress_at = time + PROGRESS_INTERVAL;
	recorder_progress(s->recorder, &now);
	if (now.labelled) {
		struct caption caption = caption_of(s->network, &now.newest, s->recording.options.threshold);
		caption_text(&caption, label, sizeof(label));
	}
	int seconds = (int)((time - s->begun) / NS_PER_S);
	log_progress("%d:%02d  %" PRIu64 " frames  %.1f MB  %s%s", seconds / 60, seconds % 60, now.frames,
		(double)now.bytes / 1e6, recorder_is_recording(s->recorder) ? "" : "not recording  ", label);
}

static void print_text(const struct recorder_report *r, const struct sink_broker *broker)
{
	printf("%" PRIu64 " frames in %" PRIu64 " %s, %.1f MB; %" PRIu64 " labelled\n", r->frames,
		r->segments, r->segments == 1 ? "file" : "files", (double)r->bytes / 1e6, r->labelled);
	printf("not recorded: %" PRIu64 " lost by the camera, %" PRIu64 " broken, %" PRIu64
	       " for want of room; not labelled: %" PRIu64 ", labelled too late: %" PRIu64 "\n",
		r->dropped[DROPPED_BY_CAMERA], r->dropped[DROPPED_BROKEN], r->dropped[DROPPED_BY_RECORDER],
		r->dropped[DROPPED_BY_PIPELINE], r->late);
	if (r->deleted)
		printf("deleted: %" PRIu64 " old %s\n", r->deleted,
			r->deleted == 1 ? "recording" : "recordings");
	broker_report_print(broker);
}

static void print_json(const struct recorder_report *r, const struct sink_broker *broker)
{
	json_t *all = output_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:{s:I, s:I, s:I, s:I}}", "frames",
		(json_int_t)r->frames, "labelled", (json_int_t)r->labelled, "late", (json_int_t)r->late,
		"bytes", (json_int_t)r->bytes, "files", (json_int_t)r->segments, "deleted",
		(json_int_t)r->deleted, "last", output_text(r->last), "dropped", "camera",
		(json_int_t)r->dropped[DROPPED_BY_CAMERA], "broken", (json_int_t)r->dropped[DROPPED_BROKEN],
		"line", (json_int_t)r->dropped[DROPPED_BY_PIPELINE], "recorder",
		(json_int_t)r->dropped[DROPPED_BY_RECORDER]);
	broker_report_add(broker, all);
	output_json(all);
}

/* When the main thread has to do something though no frame, no signal and no key comes; clock_now() time. */
static int64_t next_duty(const struct record_session *s)
{
	int64_t now = clock_now(), next = INT64_MAX;

	if (s->sinks.sinks)
		next = now + VIEWERS_WAIT;
	if (service_interval() < next - now)
		next = now + service_interval();
	if (s->shows_progress && s->progress_at < next)
		next = s->progress_at;
	return next;
}

/* One turn of the main thread. */
static void attend(struct record_session *s, struct attention *attention)
{
	struct frame *frame = pipeline_dequeue(s->pipeline, 0);

	if (frame) {
		pipeline_release(s->pipeline, &frame, true);
		service_frame();
	} else {
		if (recorder_waits(s->recorder))
			service_frame(); /* a full disk is waited for and is no fault of the program */
		if (!pipeline_ended(s->pipeline))
			attention_wait(attention, NULL, next_duty(s));
	}
	heed_signals(s);
	heed_viewers(s);
	show_progress(s);
}

static int run(struct record_session *s)
{
	struct recorder_report report;
	struct attention attention;
	struct error e = {0};
	int code = start(s, &e);

	if (code || !s->pipeline)
		return code;
	confinement_close(s->confinement);
	s->shows_progress = progress_wanted(s->invocation);
	attention_begin(&attention, s->pipeline);
	while (!pipeline_ended(s->pipeline))
		attend(s, &attention);
	attention_end(&attention);
	if (pipeline_join(s->pipeline, &e))
		code = fail(FAILURE_SOURCE, &e);
	s->hangs = !recording_join(s->recorder, &report);
	pipeline_sinks_close(&s->sinks);
	log_progress_end();
	if (report.failed && !code) {
		log_error("not all of the recording is on the disk: %s", strerror(-report.failed));
		code = failure_exit_code(FAILURE_OUTPUT, report.failed);
	}
	if (recorder_failed_all(&report) && !code) {
		bool broken = !report.dropped[DROPPED_BY_RECORDER];
		const char *why = broken ? "all frames were broken" : "there was no room for any frame";
		log_error("nothing was recorded: %s", why);
		code = broken ? EX_DATAERR : EX_IOERR;
	}
	if (trace_file_write(s->trace, &e) && !code)
		code = fail(FAILURE_CREATE, &e);
	if (s->values.json)
		print_json(&report, s->sinks.about.broker);
	else if (!quiet(s->invocation) && !sink_values_print(&s->values.sinks))
		print_text(&report, s->sinks.about.broker);
	return code;
}

static int record_run(struct invocation *invocation)
{
	struct record_session s = {.invocation = invocation,
		.values = {.pipeline = PIPELINE_OPTIONS_DEFAULT,
			.sinks = SINK_VALUES_DEFAULT,
			.recording = recording_defaults}};
	int count;
	int code = options_parse(invocation, &s.values, &count);

	if (code != OPTIONS_GO_ON)
		return code;
	code = pipeline_options_source(&s.values.pipeline, invocation, count);
	if (code == OPTIONS_GO_ON)
		code = smoothing_option(invocation, &s.values.smoothing, &s.values.recording.smoothing);
	if (code == OPTIONS_GO_ON)
		code = threads_start(invocation, &s.values.pipeline.threads, &s.pool);
	if (code != OPTIONS_GO_ON)
		return code;

	signals_block();
	code = run(&s);
	if (s.hangs)
		recording_abandon(code);
	pipeline_destroy(s.pipeline);
	pipeline_sinks_close(&s.sinks);
	recorder_destroy(s.recorder);
	recording_finish(&s.recording);
	trace_file_close(s.trace);
	pl_close(s.pl);
	pool_destroy(s.pool);
	source_close(s.source);
	confinement_destroy(s.confinement);
	network_destroy(s.network);
	return output_finish(code);
}

const struct command record_command = {
	.name = "record",
	.summary = "Record all frames, with what the network sees in them",
	.usage = "[OPTION]… [SOURCE]",
	.details =
		"SOURCE is as for `twobit live`. The video is Matroska: a camera's JPEGs go in as they came, "
		"bit for "
		"bit,\n"
		"other pictures are made JPEGs. Labels are its subtitles, and lines of a log beside it "
		"(NAME.jsonl).\n"
		"Nothing is replaced: a name that is taken gets a number. INT and TERM end a recording, HUP "
		"begins a\n"
		"new file, USR1 stops and starts. A full disk is waited for. `twobit replay` checks a "
		"recording.",
	.examples =
		"twobit record -o cat.mkv\n"
		"twobit record /dev/video0 -o '/srv/cam/%Y%m%d-%H%M%S.mkv' --segment 10min --keep '20GB|7d'\n"
		"twobit record --when 'cat>0.6' --pre-roll 5s --post-roll 10s\n"
		"twobit record test -t 10s --burn-in -o test.mkv\n"
		"twobit record clip.mp4 --every-frame -o clip-labelled.mkv\n",
	.options = options,
	.run = record_run,
};
