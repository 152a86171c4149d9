/* SPDX-License-Identifier: MIT */
/*
 * The monitor itself, without a desktop. Of two buffers as large as the screen one is shown and the other is
 * drawn in; a page flip at the vertical blank swaps them, so that no picture is torn. If the hardware has
 * planes for the camera's format and for a caption above it, the camera's bytes are shown as they came. Each
 * commit sets all planes.
 */
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "display/drivers.h"
#include "display/drm/console.h"
#include "display/drm/raw.h"
#include "display/keyboard.h"

#include <drm_fourcc.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xf86drm.h>

#define FLIP_TIME NS_PER_S /* a flip that takes longer counts as lost */
#define LOOK_TIME NS_PER_S /* between two looks at the connector */
#define CARDS_FOLDER "/sys/class/drm"

/* A pending flip; an event that comes too late finds its own ticket. */
struct ticket {
	bool done;
	int64_t at; /* CLOCK_MONOTONIC, ns */
};

#define TICKETS 16

struct drm {
	struct drm_request request;
	enum pixel_format format; /* of raw pictures */
	int width, height;
	struct drm_card card;
	struct drm_monitor monitor;
	struct drm_output output;
	bool plugged;	      /* there is a monitor */
	bool here, returning; /* whether this terminal has the screen; whether it should */
	bool mode_wanted;     /* the next commit sets the mode */
	bool monotonic, lost_reported, taken_reported;
	int64_t look_next;
	struct drm_pair screens;
	struct drm_raw raw;
	struct frame *shown; /* on the screen, perhaps in its own buffer; shown again after a switch */
	struct ticket tickets[TICKETS];
	unsigned int flips;
	uint64_t uncopied, copied, composed; /* flips */
};

/* --- the screen --- */

static void screen_close(struct drm *d)
{
	drm_output_close(&d->output);
	drm_raw_close(&d->raw);
	drm_pair_destroy(&d->screens, d->card.fd);
	frame_release(&d->shown);
}

/* Prepares all for the monitor except the mode, which the first picture sets. */
static int screen_open(struct drm *d, struct error *e)
{
	const drmModeModeInfo *mode = &d->monitor.mode;
	int status = drm_output_open(&d->card, &d->monitor, &d->output, e);

	if (!status)
		status = drm_pair_create(
			&d->screens, d->card.fd, DRM_FORMAT_XRGB8888, mode->hdisplay, mode->vdisplay, e);
	if (status) {
		screen_close(d);
		return status;
	}
	drm_raw_open(&d->raw, &d->output, &d->monitor, d->format, d->width, d->height);
	d->mode_wanted = true;
	return 0;
}

static void flipped(
	int fd, unsigned int sequence, unsigned int seconds, unsigned int microseconds, void *context)
{
	struct ticket *ticket = context;

	(void)fd;
	(void)sequence;
	ticket->done = true;
	ticket->at = (int64_t)seconds * NS_PER_S + (int64_t)microseconds * NS_PER_US;
}

/* Waits until the ticket's flip is done. -ETIMEDOUT: its event is lost; -ENODEV. */
static int flip_wait(struct drm *d, const struct ticket *ticket)
{
	drmEventContext events = {.version = 2, .page_flip_handler = flipped};
	int64_t deadline = clock_now() + FLIP_TIME, left;

	while (!ticket->done && (left = deadline - clock_now()) > 0) {
		struct pollfd readable = {.fd = d->card.fd, .events = POLLIN};
		int ready = poll(&readable, 1, (int)(left / NS_PER_MS) + 1);

		if (ready > 0 && readable.revents & POLLIN)
			drmHandleEvent(d->card.fd, &events);
		else if (ready > 0)
			return -ENODEV;
	}
	return ticket->done ? 0 : -ETIMEDOUT;
}

/* Shows the scene at the next vertical blank and waits for that; `at` is its time, 0: not known. */
static int flip(struct drm *d, const struct drm_scene *scene, int64_t *at)
{
	struct ticket *ticket = &d->tickets[d->flips++ % TICKETS];
	uint32_t mode = d->mode_wanted ? DRM_MODE_ATOMIC_ALLOW_MODESET : 0;
	uint32_t flags = DRM_MODE_PAGE_FLIP_EVENT | (mode ? mode : DRM_MODE_ATOMIC_NONBLOCK);

	ticket->done = false;
	*at = 0;
	int status = drm_output_commit(&d->output, scene, flags, ticket);
	if (!status)
		status = flip_wait(d, ticket);
	if (status == -ETIMEDOUT || status == -EBUSY) {
		if (!d->lost_reported)
			log_warning("%s: the driver %s lost a page flip; lost flips are repeated",
				d->monitor.name, d->card.driver);
		d->lost_reported = true;
		status = drm_output_commit(&d->output, scene, mode, NULL);
	} else if (!status && d->monotonic) {
		*at = ticket->at;
	}
	if (!status)
		d->mode_wanted = false;
	return status;
}

/* A commit failed: the monitor or the card was unplugged, or there is an error to report. */
static int flip_failed(struct drm *d, int status, struct error *e)
{
	bool connected;

	if (status != -ENODEV)
		status = drm_monitor_connected(&d->card, d->monitor.connector, &connected) ? -ENODEV : status;
	if (status == -ENODEV)
		return error_set(e, -ENODEV, "%s (%s) is gone", d->card.path, d->card.driver);
	if (!connected) {
		d->look_next = 0;
		return -EAGAIN;
	}
	if (status == -EACCES || status == -EPERM) {
		status = drm_card_take(&d->card, e);
		d->mode_wanted = true;
		return status ? status : -EAGAIN;
	}
	return error_set(e, status, "%s: the driver %s does not show the picture on %s: %s", d->card.path,
		d->card.driver, d->monitor.name, strerror(-status));
}

static void shown_set(struct drm *d, struct frame *frame)
{
	frame_reference(frame);
	frame_release(&d->shown);
	d->shown = frame;
}

static int show_raw(struct drm *d, struct frame *frame, struct error *e)
{
	bool imported;
	int status = drm_raw_draw(&d->raw, frame, &imported);

	if (status)
		return error_set(e, status, "frame %llu is cut short", (unsigned long long)frame->number);
	status = flip(d, &d->raw.scene, &frame->stamps[STAMP_SHOWN]);
	if (status)
		return flip_failed(d, status, e);
	drm_raw_flipped(&d->raw);
	shown_set(d, frame);
	*(imported ? &d->uncopied : &d->copied) += 1;
	return 0;
}

static int show_composed(struct drm *d, struct frame *frame, struct error *e)
{
	struct drm_buffer *back = drm_pair_back(&d->screens);
	struct rectangle screen = {.width = back->width, .height = back->height};
	struct drm_scene scene = {0};

	drm_buffer_draw(back, &frame->picture);
	drm_scene_add(&scene, d->output.primary, back, screen);
	int status = flip(d, &scene, &frame->stamps[STAMP_SHOWN]);
	if (status)
		return flip_failed(d, status, e);
	d->screens.front ^= 1;
	shown_set(d, frame);
	d->composed++;
	return 0;
}

/* The next program on the screen may not know of planes, and they would cover its picture. */
static void overlays_clear(struct drm *d)
{
	const struct drm_buffer *front = &d->screens.buffers[d->screens.front];
	struct rectangle screen = {.width = front->width, .height = front->height};
	struct drm_scene scene = {0};

	if (!d->raw.possible || d->mode_wanted)
		return;
	drm_scene_add(&scene, d->output.primary, front, screen);
	(void)drm_output_commit(&d->output, &scene, 0, NULL);
}

/* The source's format may change: planes may be able to show the new one too. */
static void raw_follow(struct drm *d, const struct frame *frame)
{
	const struct raw_picture *raw = &frame->raw;

	if (frame->absent || !drm_fourcc(raw->format) || raw->width < 1 || raw->height < 1 ||
		(raw->format == d->format && raw->width == d->width && raw->height == d->height))
		return;
	d->format = raw->format;
	d->width = raw->width;
	d->height = raw->height;
	overlays_clear(d);
	drm_raw_close(&d->raw);
	drm_raw_open(&d->raw, &d->output, &d->monitor, d->format, d->width, d->height);
}

static int drm_show(void *state, struct frame *frame, struct error *e)
{
	struct drm *d = state;

	if (!d->plugged || !d->here)
		return -EAGAIN;
	raw_follow(d, frame);
	if (!frame->show_raw)
		return show_composed(d, frame, e);
	return d->raw.possible ? show_raw(d, frame, e) : -EAGAIN;
}

/* --- monitors that come and go --- */

/* Shows the last picture on a screen that lost it: no picture comes while paused. */
static void show_again(struct drm *d)
{
	struct frame *last = d->shown;
	struct error e;

	if (last)
		(void)drm_show(d, frame_reference(last), &e); /* the next picture reports an error */
	frame_release(&last);
}

static void monitor_back(struct drm *d)
{
	struct drm_monitor found;
	struct error e;
	int status = drm_monitor_find(&d->card, &d->request, &found, NULL);

	if (status == -EINVAL) { /* another monitor, without the requested mode */
		struct drm_request any = d->request;
		any.mode[0] = '\0';
		status = drm_monitor_find(&d->card, &any, &found, NULL);
	}
	if (status)
		return;
	struct frame *last = d->shown;
	d->shown = NULL;
	screen_close(d);
	d->shown = last;
	d->monitor = found;
	if (screen_open(d, &e)) {
		log_warning("%s", e.text);
		return;
	}
	d->plugged = true;
	show_again(d);
	log_info("%s: a monitor again, %d×%d at %.4g Hz", d->monitor.name, d->monitor.mode.hdisplay,
		d->monitor.mode.vdisplay, drm_mode_rate(&d->monitor.mode));
}

/* Checks the connector periodically; a monitor that comes back may be another one, elsewhere. */
static void monitor_follow(struct drm *d)
{
	bool connected;

	if (!d->here || clock_now() < d->look_next)
		return;
	d->look_next = clock_now() + LOOK_TIME;
	if (drm_monitor_connected(&d->card, d->monitor.connector, &connected)) {
		d->plugged = true; /* let show report it */
	} else if (d->plugged && !connected) {
		d->plugged = false;
		log_warning("%s: the monitor is unplugged; waiting for one", d->monitor.name);
	} else if (!d->plugged) {
		monitor_back(d);
	}
}

/* Takes the screen back; the program that had it meanwhile may release it late. */
static void screen_take(struct drm *d)
{
	struct error e;

	d->look_next = clock_now() + LOOK_TIME;
	if (drm_card_take(&d->card, &e)) {
		if (!d->taken_reported)
			log_warning("%s", e.text);
		d->taken_reported = true;
		return;
	}
	d->returning = d->taken_reported = false;
	d->here = d->mode_wanted = true;
	show_again(d);
}

static void console_follow(struct drm *d)
{
	switch (drm_console_poll()) {
	case CONSOLE_LEAVE:
		d->here = d->returning = false;
		overlays_clear(d);
		drmDropMaster(d->card.fd);
		drm_console_left();
		break;
	case CONSOLE_RETURN:
		d->returning = true;
		d->look_next = 0;
		break;
	default:
		break;
	}
	if (d->returning && clock_now() >= d->look_next)
		screen_take(d);
}

static enum display_key drm_poll_key(void *state)
{
	struct drm *d = state;
	enum display_key key = KEY_NONE;
	int typed;

	console_follow(d);
	monitor_follow(d);
	while (key == KEY_NONE && (typed = keyboard_read()) >= 0)
		key = display_key_of(typed);
	return key;
}

/* A switch of the virtual terminal ends a wait, too. */
static struct display_attention drm_attention(const void *state)
{
	(void)state;
	return (struct display_attention){keyboard_descriptor(), LOOK_TIME};
}

/* --- opening and closing --- */

static bool drm_available(void)
{
	return !display_on_desktop() && drm_any_connected(CARDS_FOLDER);
}

static int request_note(char *to, size_t size, const char *what, const char *text, struct error *e)
{
	if (text && strlen(text) >= size) {
		error_refuse(e, text, -EINVAL, "there is no %s '%.60s…'", what, text);
		return -EINVAL;
	}
	snprintf(to, size, "%s", text ? text : "");
	return 0;
}

static int request_read(struct drm_request *request, const struct display_options *options, struct error *e)
{
	int width, height;
	double rate;

	if (request_note(request->card, sizeof(request->card), "card", options->drm_device, e) ||
		request_note(
			request->connector, sizeof(request->connector), "connector", options->connector, e) ||
		request_note(request->mode, sizeof(request->mode), "mode", options->mode, e))
		return -EINVAL;
	if (*request->mode && !drm_mode_parse(request->mode, &width, &height, &rate))
		return error_refuse(e, options->mode, -EINVAL,
			"'%s' is no mode; write it as 1280x720 or 1280x720@60", request->mode);
	return 0;
}

static int drm_check(const struct display_options *options, struct error *e)
{
	struct drm_request request;

	return request_read(&request, options, e);
}

/* The request holds copies: the caller's texts are the options'. */
static void name_wrong(
	const struct drm_request *request, const struct display_options *options, struct error *e)
{
	if (e->wrong == request->mode)
		e->wrong = options->mode;
	else if (e->wrong == request->connector)
		e->wrong = options->connector;
	else
		e->wrong = e->code == -ENOENT ? options->drm_device : e->wrong;
}

static void drm_close(void *state)
{
	struct drm *d = state;

	drm_console_close();
	screen_close(d);
	drm_card_close(&d->card);
	free(d);
}

static int drm_open(const struct display_options *options, void **state, struct error *e)
{
	struct drm *d = calloc(1, sizeof(*d));
	uint64_t monotonic = 0;

	if (!d)
		return error_set(e, -ENOMEM, "no memory for a monitor");
	d->format = options->format;
	d->width = options->width;
	d->height = options->height;
	int status = request_read(&d->request, options, e);
	if (!status && keyboard_active())
		status = error_set(e, -EBUSY, "a monitor or a terminal is in use already");
	if (!status)
		status = drm_card_open(&d->request, &d->card, &d->monitor, e);
	if (status) {
		name_wrong(&d->request, options, e);
		free(d);
		return status;
	}
	d->monotonic = !drmGetCap(d->card.fd, DRM_CAP_TIMESTAMP_MONOTONIC, &monotonic) && monotonic;
	status = screen_open(d, e);
	if (status) {
		drm_card_close(&d->card);
		free(d);
		return status;
	}
	d->plugged = true;
	d->look_next = clock_now() + LOOK_TIME;
	d->here = drm_console_open();
	if (!d->here) {
		log_info("this terminal is not the one on the screen; waiting until it is");
		drmDropMaster(d->card.fd);
	}
	*state = d;
	return 0;
}

static struct display_capabilities drm_capabilities(const void *state)
{
	const struct drm *d = state;

	return (struct display_capabilities){.width = d->monitor.mode.hdisplay,
		.height = d->monitor.mode.vdisplay,
		.raw = d->raw.possible};
}

static void drm_describe(const void *state, char *text, size_t size)
{
	const struct drm *d = state;
	const struct {
		uint64_t flips;
		const char *way;
	} ways[] = {{d->uncopied, "the camera's buffers without a copy"},
		{d->copied, "on planes, copied once"}, {d->composed, "composed in software"}};
	const char *card = strrchr(d->card.path, '/');
	int used = snprintf(text, size, "drm: %s %s, %s, %d×%d at %.4g Hz", d->card.driver,
		card ? card + 1 : d->card.path, d->monitor.name, d->monitor.mode.hdisplay,
		d->monitor.mode.vdisplay, drm_mode_rate(&d->monitor.mode));

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (ways[i].flips && used > 0 && (size_t)used < size)
			used += snprintf(text + used, size - (size_t)used, ", %s: %llu flips", ways[i].way,
				(unsigned long long)ways[i].flips);
}

const struct display_driver display_drm = {
	.name = "drm",
	.summary = "a monitor, without a desktop",
	.available = drm_available,
	.list = drm_list,
	.check = drm_check,
	.open = drm_open,
	.close = drm_close,
	.show = drm_show,
	.poll_key = drm_poll_key,
	.attention = drm_attention,
	.capabilities = drm_capabilities,
	.describe = drm_describe,
};
