/* SPDX-License-Identifier: MIT */
/* `twobit live`: shows pictures with their label in a window, on a monitor, in a terminal or nowhere. */
#include "base/error.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/output.h"
#include "image/picture_write.h"
#include "live/confinement.h"
#include "live/loop.h"
#include "live/pipeline_options.h"
#include "live/recording.h"
#include "live/report.h"
#include "live/signals.h"
#include "live/sink_options.h"
#include "live/trace_file.h"
#include "nn/classify.h"
#include "nn/format/label_names.h"
#include "nn/pool.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sysexits.h>

struct live_values {
	struct pipeline_options pipeline;
	struct sink_values sinks;
	struct option_text display, drm_device, connector, mode, scanout_png, title, label_names, snapshot,
		record, smoothing;
	double threshold; /* below 0: the network's */
	int top;
	bool fullscreen, mirror, fast, every_frame, no_overlap, no_caption, json;
};

static const struct option options[] = {
	OPTION_ROWS_PIPELINE(struct live_values),
	OPTION_ROWS_ROTATE_LOOP(struct live_values),
	{"threshold", 0, OPTION_NUMBER, "P",
		"Show no label below this confidence, 0 to 1 [the network's own, or 0.1]",
		offsetof(struct live_values, threshold), 0, 1},
	{"top-k", 'k', OPTION_INTEGER, "N",
		"Draw a bar for each of the N likeliest labels, at most 10 [none]",
		offsetof(struct live_values, top), 1, CAPTION_BARS, NULL},
	OPTION_ROW_SMOOTHING(struct live_values, smoothing),
	{"display", 0, OPTION_TEXT, "NAME", "Where to show; see `twobit list displays` [auto]",
		offsetof(struct live_values, display)},
	{"drm-device", 0, OPTION_TEXT, "PATH", "Graphics card for the display drm [the first with a monitor]",
		offsetof(struct live_values, drm_device)},
	{"connector", 0, OPTION_TEXT, "NAME", "Its connector, such as HDMI-A-1 [the first with a monitor]",
		offsetof(struct live_values, connector)},
	{"mode", 0, OPTION_TEXT, "WxH[@HZ]", "Its mode, such as 1280x720@60 [the monitor's preferred one]",
		offsetof(struct live_values, mode)},
	{"scanout-png", 0, OPTION_TEXT, "FILE.png",
		"With --display scanout: simulate the board, save what its connector shows last",
		offsetof(struct live_values, scanout_png)},
	{"fullscreen", 0, OPTION_FLAG, NULL, "Begin in full screen, in a window; f and Esc leave it",
		offsetof(struct live_values, fullscreen)},
	{"title", 0, OPTION_TEXT, "TEXT", "Title of the window [twobit]",
		offsetof(struct live_values, title)},
	{"mirror", 0, OPTION_FLAG, NULL,
		"Show the picture as a mirror does; network and recording see it as it is",
		offsetof(struct live_values, mirror)},
	{"label-names", 0, OPTION_TEXT, "FILE",
		"Show labels and groups by other names, as in another language",
		offsetof(struct live_values, label_names)},
	{"snapshot", 0, OPTION_TEXT, "FILE",
		"Save the last picture shown, as .png or .jpg; key s saves one at any time",
		offsetof(struct live_values, snapshot)},
	{"record", 0, OPTION_TEXT, "FILE.mkv",
		"Record, as `twobit record` does; key r records at any time [" RECORDING_NAME "]",
		offsetof(struct live_values, record)},
	OPTION_ROWS_SINKS(struct live_values),
	{"every-frame", 0, OPTION_FLAG, NULL, "Drop nothing: each frame waits for its own label",
		offsetof(struct live_values, every_frame)},
	{"fast", 0, OPTION_FLAG, NULL,
		"As --every-frame, and as fast as it goes instead of at the source's rate",
		offsetof(struct live_values, fast)},
	{"no-overlap", 0, OPTION_FLAG, NULL,
		"Conv0 waits until the PL is done, to see what the overlap gains",
		offsetof(struct live_values, no_overlap)},
	{"no-caption", 0, OPTION_FLAG, NULL, "Draw nothing on the picture",
		offsetof(struct live_values, no_caption)},
	{"json", 0, OPTION_FLAG, NULL, "Print the final report as JSON", offsetof(struct live_values, json)},
	{0},
};

/* All that is open, so that one function can close it. */
struct live_session {
	const struct invocation *invocation;
	struct live_values values;
	double smoothing; /* s */
	struct network *network;
	struct label_names *names;
	struct source *source;
	struct pl *pl;
	struct pool *pool; /* NULL: one thread */
	struct trace_file *trace;
	struct confinement *confinement;
	struct pipeline_config config;
	struct source_options wanted;
	struct pipeline_sinks sinks;
	struct pipeline *pipeline;
	struct live_loop loop;
	struct recording_values recording_values;
	struct recording recording;
	struct recorder_report recorded;
	bool hangs; /* the recorder's thread, in the kernel */
};

static struct display_options display_options(const struct live_values *v)
{
	return (struct display_options){.title = v->title.text,
		.fullscreen = v->fullscreen,
		.drm_device = v->drm_device.text,
		.connector = v->connector.text,
		.mode = v->mode.text,
		.scanout_png = v->scanout_png.text};
}

/* Whether a picture can be written there at the end. Returns an exit code. */
static int check_picture(const struct live_session *s, const struct option_text *file, struct error *e)
{
	int status = file->text ? picture_write_check(file->text, e) : 0;

	if (status == -EINVAL)
		return option_refuse(s->invocation, &file->origin, e->text);
	if (!status)
		return EX_OK;
	e->wrong = file->text;
	return fail_at(s->invocation, FAILURE_CREATE, e);
}

/* Prepares a recording with the defaults of `record`; --record or key r starts it. */
static int prepare_recording(struct live_session *s, struct error *e)
{
	const struct live_values *v = &s->values;

	s->recording_values = recording_defaults;
	s->recording_values.threshold = v->threshold;
	s->recording_values.smoothing = s->smoothing;
	s->recording_values.every_frame = v->every_frame || v->fast;
	if (v->record.text)
		s->recording_values.file = v->record;
	recording_begin(&s->recording, &s->recording_values);
	s->recording.options.never_waits = !s->recording_values.every_frame;
	int status = v->record.text ? recorder_check(&s->recording.options, e) : 0;
	if (status)
		return recording_refuse(s->invocation, &s->recording_values, e);
	int code = check_picture(s, &v->snapshot, e);
	if (code || (code = check_picture(s, &v->scanout_png, e)))
		return code;
	const struct output_name written[] = {{"--record", v->record.text, true},
		{"--trace", v->pipeline.trace.text}, {"--snapshot", v->snapshot.text},
		{"--scanout-png", v->scanout_png.text}, {"--events", sink_values_file(&v->sinks)},
		{"--mqtt-queue", v->sinks.mqtt_queue.text},
		{"the command", v->pipeline.source.text, .read = true}};
	return output_names_check(s->invocation, written, sizeof(written) / sizeof(written[0]));
}

static int open_recorder(struct live_session *s, struct error *e)
{
	const struct live_values *v = &s->values;

	recording_set_network(&s->recording, &s->recording_values, s->network, e);
	recording_describe(&s->recording, &s->recording_values, source_description(s->source),
		pl_name_with(s->pl, s->network, network_split(s->network), s->network->layer_count),
		v->pipeline.kernels.text);
	if (!v->record.text)
		return 0;
	int status = recorder_create(&s->recording.options, &s->loop.recorder, e);
	if (!status)
		recorder_begin(s->loop.recorder);
	return status;
}

/* What reads the source, and its threads. */
static int start_confined(void *argument)
{
	struct live_session *s = argument;
	const struct pipeline_options *v = &s->values.pipeline;
	struct error e = {0};
	int code = s->source ? EX_OK : pipeline_options_open(v, s->invocation, &s->wanted, &s->source, &e);

	if (code || !s->source)
		return code;
	if ((code = pipeline_options_pl(v, s->invocation, &s->pl, &e)))
		return code;
	if (open_recorder(s, &e))
		return fail(FAILURE_OURS, &e);
	s->config.recorder = s->loop.recorder;
	s->config.source = s->source;
	s->config.pl = s->pl;
	if ((code = pipeline_sinks_start(&s->sinks, &s->config)))
		return code;
	return pipeline_options_start(&s->config, s->invocation, &s->pipeline, &e);
}

static int start_with_source(struct live_session *s, struct error *e)
{
	const struct live_values *v = &s->values;
	const struct confinement_plan plan = {v->pipeline.sandbox, v->pipeline.source.text,
		v->sinks.serve.text, v->sinks.mqtt.text, v->sinks.mqtt_ca.text,
		{s->recording.options.pattern, v->snapshot.text ? v->snapshot.text : "snapshot",
			v->pipeline.trace.text, v->scanout_png.text}};
	int code = confinement_create(&plan, s->invocation, &s->confinement);

	/* Who uses a camera is told only by a thread that may look at other processes. */
	if (!code && source_is_camera(v->pipeline.source.text)) {
		code = pipeline_options_open(&v->pipeline, s->invocation, &s->wanted, &s->source, e);
		if (!s->source)
			return code;
	}
	return code ? code : confinement_run(s->confinement, start_confined, s);
}

static int start(struct live_session *s, struct error *e)
{
	const struct live_values *v = &s->values;

	s->wanted = pipeline_options_for_source(&v->pipeline);
	s->wanted.paced = !v->fast;
	s->config = pipeline_options_config(&v->pipeline);
	s->config.lossless = v->every_frame || v->fast;
	s->config.overlap = !v->no_overlap;
	s->config.smoothing = s->smoothing;
	s->config.bars = v->top;
	s->config.mirror = v->mirror;
	s->config.caption =
		(struct pipeline_caption){.visible = !v->no_caption, .statistics = !v->no_caption};
	const struct display_options shown = display_options(v);
	if (v->scanout_png.text && strcmp(v->display.text, "scanout") != 0)
		return option_refuse(s->invocation, &v->scanout_png.origin, "it is for --display scanout");
	if (display_check(v->display.text, &shown, e))
		return fail_at(s->invocation, FAILURE_DISPLAY, e);
	int code = prepare_recording(s, e);
	if (code)
		return code;
	if ((code = pipeline_options_network(&v->pipeline, s->invocation, v->json, &s->network, e)))
		return code;
	if (v->label_names.text && label_names_create(v->label_names.text, s->network, &s->names, e)) {
		e->wrong = v->label_names.text;
		return fail_at(s->invocation, FAILURE_SOURCE, e);
	}
	if (trace_file_open(v->pipeline.trace.text, s->network->name, &s->trace, e))
		return fail_at(s->invocation, FAILURE_CREATE, e);
	s->config.network = s->network;
	s->config.names = s->names ? label_names_network(s->names) : NULL;
	s->config.threshold = classification_threshold(s->network, v->threshold);
	s->config.pool = s->pool;
	s->config.decoders = v->fast ? pool_threads(s->pool) : 1;
	s->config.trace = trace_file_trace(s->trace);
	if ((code = pipeline_sinks_open(&s->sinks, &v->sinks, s->recording.options.pattern, s->invocation)))
		return code;
	return start_with_source(s, e);
}

static int run(struct live_session *s)
{
	const struct live_values *v = &s->values;
	struct error e = {0};
	int code = start(s, &e);

	if (code || !s->pipeline)
		return code;
	s->loop = (struct live_loop){
		.invocation = s->invocation,
		.recorder = s->loop.recorder,
		.confinement = s->confinement,
		.recording = &s->recording.options,
		.sinks = s->sinks.sinks,
		.pipeline = s->pipeline,
		.display_name = v->display.text,
		.display_options = display_options(v),
		.caption = s->config.caption,
		.mirror = v->mirror,
		.snapshot = v->snapshot.text,
	};
	code = live_loop_run(&s->loop);
	live_loop_finish(&s->loop);
	if (pipeline_join(s->pipeline, &e) && !code)
		code = fail(FAILURE_SOURCE, &e);
	if (s->loop.recorder)
		s->hangs = !recording_join(s->loop.recorder, &s->recorded);
	pipeline_sinks_close(&s->sinks);
	if (s->recorded.dropped[DROPPED_BY_RECORDER])
		log_warning("%" PRIu64 " frames were not recorded for want of room or time",
			s->recorded.dropped[DROPPED_BY_RECORDER]);
	if (s->recorded.failed && !code)
		code = failure_exit_code(FAILURE_OUTPUT, s->recorded.failed); /* which was reported */
	if (trace_file_write(s->trace, &e) && !code)
		code = fail(FAILURE_CREATE, &e);
	bool wanted = !quiet(s->invocation) && !sink_values_print(&v->sinks);
	if (v->json || (wanted && pipeline_report(s->pipeline)->shown))
		live_report_print(pipeline_report(s->pipeline), s->sinks.about.broker, s->loop.description,
			s->loop.text, v->json);
	return code;
}

static int live_run(struct invocation *invocation)
{
	struct live_session s = {.invocation = invocation,
		.values = {.pipeline = PIPELINE_OPTIONS_DEFAULT,
			.display = {"auto"},
			.title = {"twobit"},
			.sinks = SINK_VALUES_DEFAULT,
			.threshold = -1}};
	int count;
	int code = options_parse(invocation, &s.values, &count);

	if (code != OPTIONS_GO_ON)
		return code;
	code = pipeline_options_source(&s.values.pipeline, invocation, count);
	if (code == OPTIONS_GO_ON)
		code = smoothing_option(invocation, &s.values.smoothing, &s.smoothing);
	if (code != OPTIONS_GO_ON)
		return code;
	if (s.values.fast && !s.values.pipeline.threads.text)
		s.values.pipeline.threads.text = "auto";
	code = threads_start(invocation, &s.values.pipeline.threads, &s.pool);
	if (code != OPTIONS_GO_ON)
		return code;
	if (s.values.every_frame || s.values.fast)
		s.smoothing = 0; /* each frame has its own label */

	signals_block();
	code = run(&s);
	live_loop_finish(&s.loop);
	if (s.hangs)
		recording_abandon(code);
	pipeline_destroy(s.pipeline);
	pipeline_sinks_close(&s.sinks);
	recorder_destroy(s.loop.recorder);
	recording_finish(&s.recording);
	trace_file_close(s.trace);
	pl_close(s.pl);
	pool_destroy(s.pool);
	source_close(s.source);
	confinement_destroy(s.confinement);
	label_names_destroy(s.names);
	network_destroy(s.network);
	return output_finish(code);
}

const struct command live_command = {
	.name = "live",
	.summary = "Show frames with what the network sees in them",
	.usage = "[OPTION]… [SOURCE]",
	.details =
		"SOURCE is a camera (0, /dev/video0, /dev/v4l/by-id/…; without one, the first camera), a "
		"picture, a\n"
		"folder of pictures (shown as a slow slide show), a video file, an address (rtsp://…, "
		"http://…), or\n"
		"\"test\" (a generated pattern).\n"
		"Keys: q quits, Esc leaves full screen, then quits, Space pause, f full screen,\n"
		"i statistics, s snapshot, r record, o caption, h help. At the end, times per stage and\n"
		"counts are printed.",
	.examples =
		"twobit live\n"
		"twobit live /dev/v4l/by-id/usb-MyCam-video-index0 -r 1280x720 --connector HDMI-A-1\n"
		"twobit live pictures/\n"
		"twobit live clip.mp4 --display terminal\n"
		"twobit live test --duration 10s --display none --snapshot last.png\n"
		"twobit live pictures/ --fast --duration 5s --no-overlap\n",
	.options = options,
	.run = live_run,
};
