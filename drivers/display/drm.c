/* SPDX-License-Identifier: MIT */
/*
 * The monitor itself, without a desktop. Two buffers as large as the screen take turns: one is shown, the
 * other drawn in, and a page flip at the vertical blank changes them, so that no picture is torn. Where the
 * hardware has planes for the camera's format and for a caption above it, the camera's bytes are shown as
 * they came; each commit sets all planes.
 */
#include "base/error.h"
#include "base/log.h"
#include "display/drivers.h"
#include "display/drm_console.h"
#include "display/drm_planes.h"
#include "display/keyboard.h"

#include <drm_fourcc.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xf86drm.h>

#define MILLISECONDS INT64_C(1000000)
#define FLIP_TIME (1000 * MILLISECONDS) /* a flip that takes longer is lost */
#define LOOK_TIME (1000 * MILLISECONDS) /* how often the connector is looked at */
#define CARDS_FOLDER "/sys/class/drm"

/* A flip under way; an event that comes too late finds its own ticket. */
struct ticket {
	bool done;
	int64_t at; /* CLOCK_MONOTONIC, ns */
};

#define TICKETS 16

/* Two of a kind: `front` is on the screen, the other is free. */
struct pair {
	struct drm_buffer buffers[2];
	int front;
};

/* How raw pictures are shown. */
struct raw_way {
	bool possible;
	struct pair copies; /* for pictures that are not lent, or cannot be imported */
	struct pair captions;
	struct drm_buffer ground;
	struct drm_scene scene;
	struct drm_imports imports;
	struct caption_drawer *drawer;
	struct picture layer; /* the caption is drawn here: buffers of a card are slow to read */
	char drawn[1024];     /* the caption in the front buffer, in words */
};

struct drm {
	struct drm_wish wish;
	enum pixel_format format; /* of raw pictures to come */
	int width, height;
	struct drm_card card;
	struct drm_monitor monitor;
	struct drm_output output;
	bool plugged, here; /* is there a monitor; is the screen this terminal's */
	bool mode_wanted;   /* the next commit sets the mode */
	bool monotonic, lost_told;
	int64_t look_next;
	struct pair screens;
	struct raw_way raw;
	struct frame *shown; /* whose own buffer is on the screen */
	struct ticket tickets[TICKETS];
	unsigned int flips;
	uint64_t uncopied, copied, composed; /* flips */
};

static struct drm_buffer *pair_back(struct pair *pair)
{
	return &pair->buffers[!pair->front];
}

static int pair_create(struct pair *pair, int fd, uint32_t fourcc, int width, int height, struct error *e)
{
	int status = drm_buffer_create(fd, fourcc, width, height, &pair->buffers[0], e);

	return status ? status : drm_buffer_create(fd, fourcc, width, height, &pair->buffers[1], e);
}

static void pair_destroy(struct pair *pair, int fd)
{
	drm_buffer_destroy(fd, &pair->buffers[0]);
	drm_buffer_destroy(fd, &pair->buffers[1]);
}

/* --- the raw way --- */

static void raw_close(struct drm *d)
{
	struct raw_way *raw = &d->raw;

	pair_destroy(&raw->copies, d->card.fd);
	pair_destroy(&raw->captions, d->card.fd);
	drm_buffer_destroy(d->card.fd, &raw->ground);
	drm_imports_clear(&raw->imports, d->card.fd);
	caption_destroy(raw->drawer);
	picture_finish(&raw->layer);
	*raw = (struct raw_way){0};
}

/* Finds out whether pictures of the format can be shown as they are; why not is of no interest. */
static void raw_open(struct drm *d)
{
	struct raw_way *raw = &d->raw;
	int fd = d->card.fd, width = d->monitor.mode.hdisplay, height = d->monitor.mode.vdisplay;
	uint32_t fourcc = drm_fourcc(d->format);

	raw->possible = fourcc && d->width > 0 && d->height > 0 &&
			!pair_create(&raw->captions, fd, DRM_FORMAT_ARGB8888, width, height, NULL) &&
			!drm_buffer_create(fd, DRM_FORMAT_XRGB8888, width, height, &raw->ground, NULL) &&
			!pair_create(&raw->copies, fd, fourcc, d->width, d->height, NULL) &&
			!caption_create(&raw->drawer) && !picture_resize(&raw->layer, width, height) &&
			!drm_output_arrange(&d->output, &raw->copies.buffers[0], &raw->captions.buffers[0],
				&raw->ground, &raw->scene);
	if (!raw->possible)
		raw_close(d);
}

/* All that the caption shows, in words, to see whether it changed. */
static void caption_key(const struct caption *c, char *key, size_t size)
{
	snprintf(key, size, "%s|%.3f|%s|%.3f|%d|%.1f|%.1f|%s", c->group ? c->group : "",
		(double)c->group_confidence, c->label ? c->label : "", (double)c->confidence, c->statistics,
		c->statistics ? c->frames_per_second : 0, c->statistics ? c->latency_ms : 0,
		c->notice ? c->notice : "");
}

/* Draws the caption into the back buffer, if it changed; returns whether it did. */
static bool raw_caption(struct raw_way *raw, const struct caption *caption)
{
	char key[sizeof(raw->drawn)];

	caption_key(caption, key, sizeof(key));
	if (!strcmp(key, raw->drawn))
		return false;
	memcpy(raw->drawn, key, sizeof(key));
	caption_draw_layer(raw->drawer, &raw->layer, caption);
	drm_buffer_draw(pair_back(&raw->captions), &raw->layer);
	return true;
}

/* The camera's own buffer, or a copy of it. -EBADMSG: it is cut short. */
static int raw_picture_put(struct drm *d, const struct frame *frame, bool *lent)
{
	const struct drm_buffer *buffer = NULL;
	struct raw_way *raw = &d->raw;

	if (frame->loan.give_back && frame->loan.dmabuf >= 0)
		buffer = drm_imports_find(&raw->imports, d->card.fd, frame->loan.dmabuf,
			drm_fourcc(frame->raw.format), frame->raw.width, frame->raw.height,
			frame->loan.stride);
	*lent = buffer != NULL;
	raw->scene.layers[raw->scene.count - 2].buffer = buffer ? buffer : pair_back(&raw->copies);
	return buffer ? 0 : drm_buffer_copy(pair_back(&raw->copies), &frame->raw);
}

/* --- the screen --- */

static void screen_close(struct drm *d)
{
	drm_output_close(&d->output);
	raw_close(d);
	pair_destroy(&d->screens, d->card.fd);
	frame_release(&d->shown);
}

/* For the monitor found: all but setting the mode, which the first picture does. */
static int screen_open(struct drm *d, struct error *e)
{
	const drmModeModeInfo *mode = &d->monitor.mode;
	int status = drm_output_open(&d->card, &d->monitor, &d->output, e);

	if (!status)
		status = pair_create(
			&d->screens, d->card.fd, DRM_FORMAT_XRGB8888, mode->hdisplay, mode->vdisplay, e);
	if (status) {
		screen_close(d);
		return status;
	}
	raw_open(d);
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
	ticket->at = (int64_t)seconds * 1000 * MILLISECONDS + (int64_t)microseconds * 1000;
}

/* Waits until the ticket's flip is done. -ETIMEDOUT: its event is lost; -ENODEV. */
static int flip_wait(struct drm *d, const struct ticket *ticket)
{
	drmEventContext events = {.version = 2, .page_flip_handler = flipped};
	int64_t deadline = clock_now() + FLIP_TIME, left;

	while (!ticket->done && (left = deadline - clock_now()) > 0) {
		struct pollfd readable = {.fd = d->card.fd, .events = POLLIN};
		int ready = poll(&readable, 1, (int)(left / MILLISECONDS) + 1);

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
		if (!d->lost_told)
			log_warning("%s: the driver %s lost a page flip; such are repeated", d->monitor.name,
				d->card.driver);
		d->lost_told = true;
		status = drm_output_commit(&d->output, scene, mode, NULL);
	} else if (!status && d->monotonic) {
		*at = ticket->at;
	}
	if (!status)
		d->mode_wanted = false;
	return status;
}

/* A commit that failed: a monitor or a card pulled out meanwhile, or something worth a sentence. */
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

static int show_raw(struct drm *d, struct frame *frame, struct error *e)
{
	struct raw_way *raw = &d->raw;
	struct drm_layer *caption = &raw->scene.layers[raw->scene.count - 1];
	bool lent;

	int status = raw_picture_put(d, frame, &lent);
	if (status)
		return error_set(e, status, "frame %llu is cut short", (unsigned long long)frame->number);
	bool drawn = raw_caption(raw, &frame->caption);
	caption->buffer = drawn ? pair_back(&raw->captions) : &raw->captions.buffers[raw->captions.front];
	status = flip(d, &raw->scene, &frame->stamps[STAMP_SHOWN]);
	if (status) {
		raw->drawn[0] = '\0';
		return flip_failed(d, status, e);
	}
	raw->captions.front ^= drawn;
	raw->copies.front ^= !lent;
	frame_release(&d->shown);
	d->shown = lent ? frame_reference(frame) : NULL;
	*(lent ? &d->uncopied : &d->copied) += 1;
	return 0;
}

static int show_composed(struct drm *d, struct frame *frame, struct error *e)
{
	struct drm_buffer *back = pair_back(&d->screens);
	struct rectangle screen = {.width = back->width, .height = back->height};
	struct drm_scene scene = {0};

	drm_buffer_draw(back, &frame->picture);
	drm_scene_add(&scene, d->output.primary, back, screen);
	int status = flip(d, &scene, &frame->stamps[STAMP_SHOWN]);
	if (status)
		return flip_failed(d, status, e);
	d->screens.front ^= 1;
	frame_release(&d->shown);
	d->composed++;
	return 0;
}

static int drm_show(void *state, struct frame *frame, struct error *e)
{
	const struct raw_picture *raw = &frame->raw;
	struct drm *d = state;

	if (!d->plugged || !d->here)
		return -EAGAIN;
	if (!frame->show_raw)
		return show_composed(d, frame, e);
	if (raw->format != d->format || raw->width != d->width || raw->height != d->height) {
		/* The source changed its mind: there may be a way for this as well, from now on. */
		d->format = raw->format;
		d->width = raw->width;
		d->height = raw->height;
		raw_close(d);
		raw_open(d);
	}
	return d->raw.possible ? show_raw(d, frame, e) : -EAGAIN;
}

/* --- coming and going --- */

static void monitor_back(struct drm *d)
{
	struct drm_monitor found;
	struct error e;
	int status = drm_monitor_find(&d->card, &d->wish, &found, NULL);

	if (status == -EINVAL) { /* another monitor, without the mode that was asked for */
		struct drm_wish any = d->wish;
		any.mode[0] = '\0';
		status = drm_monitor_find(&d->card, &any, &found, NULL);
	}
	if (status)
		return;
	screen_close(d);
	d->monitor = found;
	if (screen_open(d, &e)) {
		log_warning("%s", e.text);
		return;
	}
	d->plugged = true;
	log_info("%s: a monitor again, %d×%d at %.4g Hz", d->monitor.name, d->monitor.mode.hdisplay,
		d->monitor.mode.vdisplay, drm_mode_rate(&d->monitor.mode));
}

/* Looks at the connector now and then; a monitor that comes back may be another one, elsewhere. */
static void monitor_follow(struct drm *d)
{
	bool connected;

	if (!d->here || clock_now() < d->look_next)
		return;
	d->look_next = clock_now() + LOOK_TIME;
	if (drm_monitor_connected(&d->card, d->monitor.connector, &connected)) {
		d->plugged = true; /* let show tell */
	} else if (d->plugged && !connected) {
		d->plugged = false;
		log_warning("%s: the monitor is unplugged; waiting for one", d->monitor.name);
	} else if (!d->plugged) {
		monitor_back(d);
	}
}

static void console_follow(struct drm *d)
{
	struct error e;

	switch (drm_console_poll()) {
	case CONSOLE_LEAVE:
		d->here = false;
		drmDropMaster(d->card.fd);
		drm_console_left();
		break;
	case CONSOLE_RETURN:
		if (drm_card_take(&d->card, &e)) {
			log_warning("%s", e.text);
			break;
		}
		d->here = d->mode_wanted = true;
		break;
	default:
		break;
	}
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

/* --- opening and closing --- */

static bool drm_available(void)
{
	static const char *const desktops[] = {"DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"};

	for (size_t i = 0; i < sizeof(desktops) / sizeof(desktops[0]); i++) {
		const char *value = getenv(desktops[i]);
		if (value && *value)
			return false;
	}
	return drm_any_connected(CARDS_FOLDER);
}

static int wish_note(char *to, size_t size, const char *what, const char *text, struct error *e)
{
	if (text && strlen(text) >= size)
		return error_set(e, -EINVAL, "there is no %s '%.60s…'", what, text);
	snprintf(to, size, "%s", text ? text : "");
	return 0;
}

static int wish_read(struct drm_wish *wish, const struct display_options *options, struct error *e)
{
	int width, height;
	double rate;

	if (wish_note(wish->card, sizeof(wish->card), "card", options->drm_device, e) ||
		wish_note(wish->connector, sizeof(wish->connector), "connector", options->connector, e) ||
		wish_note(wish->mode, sizeof(wish->mode), "mode", options->mode, e))
		return -EINVAL;
	if (*wish->mode && !drm_mode_parse(wish->mode, &width, &height, &rate))
		return error_set(
			e, -EINVAL, "'%s' is no mode; write it as 1280x720 or 1280x720@60", wish->mode);
	return 0;
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
	int status = wish_read(&d->wish, options, e);
	if (!status && keyboard_active())
		status = error_set(e, -EBUSY, "a monitor or a terminal is in use already");
	if (!status)
		status = drm_card_open(&d->wish, &d->card, &d->monitor, e);
	if (status) {
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

static struct display_wants drm_wants(const void *state)
{
	const struct drm *d = state;

	return (struct display_wants){.width = d->monitor.mode.hdisplay,
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
	.open = drm_open,
	.close = drm_close,
	.show = drm_show,
	.poll_key = drm_poll_key,
	.wants = drm_wants,
	.describe = drm_describe,
};
