/* SPDX-License-Identifier: MIT */
/* `twobit live`: the label on the picture, on a window, a terminal, or nowhere. */
#include "base/error.h"
#include "base/log.h"
#include "command.h"
#include "display/display.h"
#include "line.h"
#include "live_report.h"
#include "networks.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#define NANOSECONDS 1000000000LL

/* How long keys and signals may wait when no frame comes. */
#define ATTENTION (NANOSECONDS / 20)

/* Captioned frames that may wait before they are shown, when a key is pressed. */
#define FRAMES_ON_THEIR_WAY 3

struct values {
	const char *source, *network, *pl, *kernels, *display, *snapshot;
	struct option_size size;
	double rate, duration, threshold, smoothing, pl_timeout;
	int frames;
	bool fast, every_frame, no_overlap, no_caption, json;
};

static const struct option options[] = {
	{"device", 'd', OPTION_TEXT, "SOURCE", "Where frames come from, as the argument SOURCE",
		offsetof(struct values, source)},
	{"resolution", 'r', OPTION_SIZE, "WxH", "Size of the frames [the source's own, or 1280x720]",
		offsetof(struct values, size), 16, PICTURE_SIDE_MAXIMUM},
	{"fps", 'f', OPTION_NUMBER, "N", "Frames a second [the source's own, or 30]",
		offsetof(struct values, rate), 0.1, 1000},
	{"frames", 'n', OPTION_INTEGER, "N", "Stop after N frames", offsetof(struct values, frames), 1,
		INT_MAX},
	{"duration", 't', OPTION_DURATION, "TIME", "Stop after TIME: 10s, 5m",
		offsetof(struct values, duration), 0.001, 1e9},
	OPTION_ROW_NETWORK(struct values, network),
	OPTION_ROW_PL(struct values, pl),
	OPTION_ROW_KERNELS(struct values, kernels),
	{"pl-timeout", 0, OPTION_DURATION, "TIME",
		"How long the PL may take for a frame before it is reset [1s]",
		offsetof(struct values, pl_timeout), 0.001, 3600},
	{"threshold", 0, OPTION_NUMBER, "P", "Show no label below this confidence, 0 to 1 [0.1]",
		offsetof(struct values, threshold), 0, 1},
	{"smoothing", 0, OPTION_NUMBER, "W", "Weight of the past in the label, 0 to 0.99 [0.7]",
		offsetof(struct values, smoothing), 0, 0.99},
	{"display", 0, OPTION_TEXT, "NAME", "Where to show; see `twobit list displays` [auto]",
		offsetof(struct values, display)},
	{"snapshot", 0, OPTION_TEXT, "FILE.png", "Save the last picture shown; key s saves one at any time",
		offsetof(struct values, snapshot)},
	{"every-frame", 0, OPTION_FLAG, NULL, "Drop nothing: each frame waits for its own label",
		offsetof(struct values, every_frame)},
	{"fast", 0, OPTION_FLAG, NULL,
		"As --every-frame, and as fast as it goes instead of at the source's rate",
		offsetof(struct values, fast)},
	{"no-overlap", 0, OPTION_FLAG, NULL,
		"Conv0 waits until the PL is done, to see what the overlap gains",
		offsetof(struct values, no_overlap)},
	{"no-caption", 0, OPTION_FLAG, NULL, "Draw nothing on the picture",
		offsetof(struct values, no_caption)},
	{"json", 0, OPTION_FLAG, NULL, "Print the final report as JSON", offsetof(struct values, json)},
	{0},
};

/* What the loop has open, so that one function can close it all. */
struct session {
	struct values values;
	struct network *network;
	struct camera *camera;
	struct pl *pl;
	struct line *line;
	struct display *display;
	struct frame *held; /* the last one shown, for a snapshot */
	struct line_caption caption;
	bool paused, quit;
	int passing; /* frames still shown after a pause: those on their way, and one with the notice on it */
};

static const char help_notice[] =
	"q  quit\nSpace  pause\nf  full screen\ni  statistics\ns  snapshot\no  caption\n?  this help";

static sigset_t watched_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	return set;
}

/* The first INT or TERM ends the loop; a second one kills, should ending take too long. */
static bool interrupted(void)
{
	static const struct timespec now = {0};
	sigset_t set = watched_signals();

	if (sigtimedwait(&set, NULL, &now) < 0)
		return false;
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	return true;
}

static int snapshot(const struct session *s, const char *path)
{
	struct error e;
	char name[64];
	time_t now = time(NULL);
	struct tm local;

	if (!s->held)
		return 0;
	if (!path) {
		localtime_r(&now, &local);
		strftime(name, sizeof(name), "twobit-%Y%m%d-%H%M%S.png", &local);
		path = name;
	}
	if (picture_write_png(path, &s->held->picture, &e)) {
		log_error("%s", e.text);
		return failure_exit_code(FAILURE_CREATE, e.code);
	}
	log_info("saved %s", path);
	return 0;
}

static void obey(struct session *s, enum display_key key)
{
	switch (key) {
	case KEY_QUIT:
		s->quit = true;
		return;
	case KEY_PAUSE:
		s->paused = !s->paused;
		s->passing = FRAMES_ON_THEIR_WAY + 1;
		s->caption.notice = s->paused ? "paused" : NULL;
		break;
	case KEY_STATISTICS:
		s->caption.statistics = !s->caption.statistics;
		break;
	case KEY_CAPTION:
		s->caption.visible = !s->caption.visible;
		break;
	case KEY_HELP:
		s->caption.notice = s->caption.notice == help_notice ? NULL : help_notice;
		break;
	case KEY_SNAPSHOT:
		snapshot(s, NULL);
		return;
	case KEY_RECORD:
		log_warning("recording is not part of this version; s saves a picture");
		return;
	default:
		return;
	}
	line_set_caption(s->line, &s->caption);
}

static int open_display(struct session *s, const struct picture *picture, struct error *e)
{
	struct display_options wanted = {
		.width = picture->width, .height = picture->height, .title = "twobit"};
	const char *name = s->values.display;
	int status = display_open(name, &wanted, &s->display, e);

	if (status)
		return status;
	bool chosen = strcmp(name, "auto") == 0;
	if (strcmp(display_name(s->display), "none") != 0)
		log_info("showing on %s%s", display_name(s->display), chosen ? " (chosen by itself)" : "");
	else if (chosen)
		log_info("no display found; running without one");
	return 0;
}

/* Takes over the frame. A paused picture stays; the frames behind it go by unseen. */
static int show(struct session *s, struct frame *frame, struct error *e)
{
	int status = 0;

	if (s->paused && s->passing-- <= 0) {
		s->passing = 0;
		frame_release(&frame);
		return 0;
	}
	if (!s->display)
		status = open_display(s, &frame->picture, e);
	if (!status)
		status = display_show(s->display, frame, e);
	frame_release(&s->held);
	s->held = frame_reference(frame);
	line_shown(s->line, &frame);
	return status;
}

static int loop(struct session *s, struct error *e)
{
	bool stopping = false;
	int status = 0;

	while (!status && !line_ended(s->line)) {
		struct frame *frame = line_take(s->line, clock_now() + ATTENTION);
		if (frame)
			status = show(s, frame, e);
		for (enum display_key key; s->display && (key = display_poll_key(s->display)) != KEY_NONE;)
			obey(s, key);
		if (!stopping && (s->quit || interrupted())) {
			stopping = true;
			line_stop(s->line);
		}
	}
	return status;
}

static int run(struct session *s)
{
	const struct values *v = &s->values;
	struct error e = {0};
	struct camera_options wanted = {
		.width = v->size.width, .height = v->size.height, .rate = v->rate, .paced = !v->fast};
	struct line_options line = {
		.lossless = v->every_frame || v->fast,
		.overlap = !v->no_overlap,
		.frames = (uint64_t)v->frames,
		.duration = (int64_t)(v->duration * NANOSECONDS),
		.kernels = v->kernels,
		.threshold = (float)v->threshold,
		.smoothing = v->smoothing,
		.pl_deadline = (int64_t)(v->pl_timeout * NANOSECONDS),
	};
	int code;

	if (networks_open(v->network, &s->network, &e))
		return fail(FAILURE_NETWORK, &e);
	if (camera_open(v->source, &wanted, &s->camera, &e))
		return fail(FAILURE_SOURCE, &e);
	log_info("source: %s", camera_description(s->camera));
	if (pl_open(v->pl, &s->pl, &e))
		return fail(FAILURE_PL, &e);
	line.network = s->network;
	line.camera = s->camera;
	line.pl = s->pl;
	if (line_start(&line, &s->line, &e))
		return fail(e.code == -ENOTSUP ? FAILURE_KERNELS : FAILURE_NETWORK, &e);
	s->caption = (struct line_caption){!v->no_caption, !v->no_caption, NULL};
	line_set_caption(s->line, &s->caption);

	code = loop(s, &e) ? fail(FAILURE_DISPLAY, &e) : 0;
	display_close(s->display);
	s->display = NULL;
	if (v->snapshot) {
		int saved = snapshot(s, v->snapshot);
		code = code ? code : saved;
	}
	frame_release(&s->held);
	if (line_join(s->line, &e) && !code)
		code = fail(FAILURE_SOURCE, &e);
	if ((!quiet() || v->json) && line_report(s->line)->shown)
		live_report_print(line_report(s->line), v->json);
	return code;
}

static int live_run(int argc, char **argv)
{
	struct session s = {.values = {.network = NETWORK_DEFAULT,
				    .pl = "auto",
				    .display = "auto",
				    .threshold = 0.1,
				    .smoothing = 0.7,
				    .pl_timeout = 1}};
	sigset_t set = watched_signals();
	int count;
	int code = options_parse(&live_command, argc, argv, &s.values, &count);

	if (code != OPTIONS_GO_ON)
		return code;
	if (count > 1 || (count == 1 && s.values.source))
		return usage_error(
			&live_command, "one source at a time: \"%s\" is too much", argv[count - 1]);
	if (count == 1)
		s.values.source = argv[0];
	if (!s.values.source)
		return usage_error(
			&live_command, "no source given: a picture, a folder, a video, or \"test\"");
	if (s.values.every_frame || s.values.fast)
		s.values.smoothing = 0; /* a frame's own label, not its neighbours' */

	/* Before any thread starts, so that signals reach the loop alone. */
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	code = run(&s);
	frame_release(&s.held);
	line_destroy(s.line);
	display_close(s.display);
	pl_close(s.pl);
	camera_close(s.camera);
	network_free(s.network);
	return output_finish(code);
}

const struct command live_command = {
	.name = "live",
	.summary = "Show frames with what the network sees in them",
	.usage = "[OPTION]… SOURCE",
	.details =
		"SOURCE is a picture, a folder of pictures (shown as a slow slide show), a video file, or "
		"\"test\"\n"
		"(a generated pattern). Keys: q or Esc quit, Space pause, f full screen, i statistics,\n"
		"s snapshot, o caption, ? help. At the end, times per stage and counts are printed.",
	.examples =
		"twobit live pictures/\n"
		"twobit live clip.mp4 --display terminal\n"
		"twobit live test --duration 10s --display none --snapshot last.png\n"
		"twobit live pictures/ --fast --duration 5s --no-overlap\n",
	.options = options,
	.run = live_run,
};
