/* SPDX-License-Identifier: MIT */
#include "display/drm/device.h"

#include "base/error.h"
#include "device/device.h"

#include <drm_fourcc.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xf86drm.h>

#define CARDS "/dev/dri/card*"
#define RATE_SLACK 0.6 /* Hz; "60" means 59.94 as well */

/* --- modes --- */

double drm_mode_rate(const drmModeModeInfo *mode)
{
	double rate = mode->vrefresh;

	if (mode->htotal && mode->vtotal && mode->clock)
		rate = mode->clock * 1e3 / ((double)mode->htotal * mode->vtotal);
	if (mode->flags & DRM_MODE_FLAG_INTERLACE)
		rate *= 2;
	return rate;
}

bool drm_mode_parse(const char *text, int *width, int *height, double *rate)
{
	char extra;
	int end = 0;

	*rate = 0;
	if (text[0] < '0' || text[0] > '9' || sscanf(text, "%5dx%5d%n", width, height, &end) < 2 || !end)
		return false;
	if (*width < 1 || *height < 1)
		return false;
	if (!text[end])
		return true;
	return text[end] == '@' && sscanf(text + end + 1, "%lf%c", rate, &extra) == 1 && *rate > 0 &&
	       *rate < 1000;
}

const drmModeModeInfo *drm_mode_choose(const drmModeModeInfo *modes, int count, const char *request)
{
	const drmModeModeInfo *best = NULL;
	int width = 0, height = 0;
	double wanted = 0;

	if (!*request) {
		for (int i = 0; i < count; i++)
			if (modes[i].type & DRM_MODE_TYPE_PREFERRED)
				return &modes[i];
		return count ? modes : NULL;
	}
	if (!drm_mode_parse(request, &width, &height, &wanted))
		return NULL;
	for (int i = 0; i < count; i++) {
		const drmModeModeInfo *m = &modes[i];
		bool interlaced = m->flags & DRM_MODE_FLAG_INTERLACE;

		if (m->hdisplay != width || m->vdisplay != height)
			continue;
		double off = fabs(drm_mode_rate(m) - wanted);
		if (wanted > 0 && off > RATE_SLACK)
			continue;
		/* Progressive modes before interlaced ones; the nearest rate, or else the first in the
		 * monitor's own order. */
		bool best_interlaced = best && best->flags & DRM_MODE_FLAG_INTERLACE;
		if (!best || (best_interlaced && !interlaced) ||
			(best_interlaced == interlaced && wanted > 0 &&
				off < fabs(drm_mode_rate(best) - wanted)))
			best = m;
	}
	return best;
}

/* Adds a name to a list; when the list is full, "…" ends it. */
static void names_add(char *text, size_t size, const char *name)
{
	static const char full[] = ", …";
	size_t used = strlen(text), length = strlen(name) + (used ? 2 : 0);

	if (used >= sizeof(full) - 1 && !strcmp(text + used - (sizeof(full) - 1), full))
		return;
	if (used + length + sizeof(full) <= size)
		snprintf(text + used, size - used, "%s%s", used ? ", " : "", name);
	else if (used + sizeof(full) <= size)
		memcpy(text + used, full, sizeof(full));
}

static void mode_name(const drmModeModeInfo *mode, char *name, size_t size)
{
	snprintf(name, size, "%dx%d@%.4g", mode->hdisplay, mode->vdisplay, drm_mode_rate(mode));
}

void drm_mode_names(const drmModeModeInfo *modes, int count, char *text, size_t size)
{
	char name[32], before[32];

	text[0] = '\0';
	for (int i = 0; i < count; i++) {
		bool again = false;
		mode_name(&modes[i], name, sizeof(name));
		for (int j = 0; j < i && !again; j++) {
			mode_name(&modes[j], before, sizeof(before));
			again = !strcmp(name, before);
		}
		if (!again)
			names_add(text, size, name);
	}
}

/* --- connectors --- */

bool drm_any_connected(const char *folder)
{
	char pattern[256], status[16];
	bool connected = false;
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/card*-*/status", folder);
	if (glob(pattern, 0, NULL, &found))
		return false;
	for (size_t i = 0; i < found.gl_pathc && !connected; i++) {
		FILE *file = fopen(found.gl_pathv[i], "re");
		connected = file && fgets(status, sizeof(status), file) && !strcmp(status, "connected\n");
		if (file)
			fclose(file);
	}
	globfree(&found);
	return connected;
}

static void connector_name(const drmModeConnector *connector, char name[DRM_NAME_BYTES])
{
	const char *type = drmModeGetConnectorTypeName(connector->connector_type);

	snprintf(name, DRM_NAME_BYTES, "%s-%u", type ? type : "Unknown", connector->connector_type_id);
}

/* The CRTC that drives an encoder now, 0: none. */
static uint32_t encoder_crtc(int fd, uint32_t encoder, uint32_t *possible)
{
	drmModeEncoder *found = encoder ? drmModeGetEncoder(fd, encoder) : NULL;
	uint32_t crtc = found ? found->crtc_id : 0;

	if (found && possible)
		*possible |= found->possible_crtcs;
	drmModeFreeEncoder(found);
	return crtc;
}

/* Whether another connector uses this CRTC. */
static bool crtc_taken(int fd, const drmModeRes *resources, uint32_t crtc, uint32_t connector)
{
	bool taken = false;

	for (int i = 0; i < resources->count_connectors && !taken; i++) {
		drmModeConnector *other = resources->connectors[i] == connector
						  ? NULL
						  : drmModeGetConnectorCurrent(fd, resources->connectors[i]);
		taken = other && encoder_crtc(fd, other->encoder_id, NULL) == crtc;
		drmModeFreeConnector(other);
	}
	return taken;
}

/* The CRTC that drives the connector now, else a free one, else any. −1: none fits. */
static int crtc_choose(int fd, const drmModeRes *resources, const drmModeConnector *connector)
{
	uint32_t possible = 0, now = encoder_crtc(fd, connector->encoder_id, NULL);
	int chosen = -1;

	for (int i = 0; i < connector->count_encoders; i++)
		encoder_crtc(fd, connector->encoders[i], &possible);
	for (int i = 0; i < resources->count_crtcs && i < 32; i++) {
		if (now && resources->crtcs[i] == now)
			return i;
		if (!(possible >> i & 1))
			continue;
		if (chosen < 0 ||
			(crtc_taken(fd, resources, resources->crtcs[chosen], connector->connector_id) &&
				!crtc_taken(fd, resources, resources->crtcs[i], connector->connector_id)))
			chosen = i;
	}
	return chosen;
}

static int connector_take(const struct drm_card *card, const drmModeRes *resources,
	const drmModeConnector *connector, const struct drm_request *request, struct drm_monitor *monitor,
	struct error *e)
{
	const drmModeModeInfo *mode =
		drm_mode_choose(connector->modes, connector->count_modes, request->mode);
	int crtc = crtc_choose(card->fd, resources, connector);
	char names[300];

	connector_name(connector, monitor->name);
	if (!mode) {
		drm_mode_names(connector->modes, connector->count_modes, names, sizeof(names));
		return error_refuse(e, request->mode, -EINVAL,
			"the monitor on %s has no mode '%s'; it has %s", monitor->name, request->mode, names);
	}
	if (crtc < 0)
		return error_set(e, -ENODEV, "%s has no CRTC left to drive %s", card->path, monitor->name);
	monitor->connector = connector->connector_id;
	monitor->crtc = resources->crtcs[crtc];
	monitor->crtc_index = crtc;
	monitor->mode = *mode;
	return 0;
}

/* -ENODEV without a message if this card has no suitable monitor; `names` then lists its connectors. */
static int monitor_look(const struct drm_card *card, const struct drm_request *request,
	struct drm_monitor *monitor, char *names, size_t size, struct error *e)
{
	drmModeRes *resources = drmModeGetResources(card->fd);
	bool looking = true;
	int status = -ENODEV;

	for (int i = 0; resources && i < resources->count_connectors && looking; i++) {
		drmModeConnector *c = drmModeGetConnector(card->fd, resources->connectors[i]);
		char name[DRM_NAME_BYTES], text[DRM_NAME_BYTES + 32];

		if (!c)
			continue;
		bool fit = c->connection == DRM_MODE_CONNECTED && c->count_modes;
		connector_name(c, name);
		snprintf(text, sizeof(text), "%s (%s)", name, fit ? "a monitor" : "no monitor");
		names_add(names, size, text);
		if (fit && (!*request->connector || !strcmp(request->connector, name))) {
			status = connector_take(card, resources, c, request, monitor, e);
			looking = false;
		}
		drmModeFreeConnector(c);
	}
	drmModeFreeResources(resources);
	return status;
}

/* The reason why there is no suitable monitor, from the connectors that exist. */
static int no_monitor(
	const struct drm_request *request, const char *where, const char *names, struct error *e)
{
	size_t length = strlen(request->connector);
	const char *at = length ? strstr(names, request->connector) : NULL;

	if (!*names)
		return error_set(e, -ENODEV, "%s has no connector for a monitor", where);
	if (!length)
		return error_set(e, -ENODEV, "no monitor is connected; there is %s", names);
	while (at && (at[length] != ' ' || (at > names && at[-1] != ' ')))
		at = strstr(at + 1, request->connector);
	if (at)
		return error_set(
			e, -ENODEV, "no monitor is connected to %s; there is %s", request->connector, names);
	return error_refuse(e, request->connector, -EINVAL, "there is no connector '%s'; there is %s",
		request->connector, names);
}

int drm_monitor_find(const struct drm_card *card, const struct drm_request *request,
	struct drm_monitor *monitor, struct error *e)
{
	struct error cause = {0};
	char names[256] = "";
	int status = monitor_look(card, request, monitor, names, sizeof(names), &cause);

	if (!status)
		return 0;
	if (cause.code)
		return error_refuse(e, cause.wrong, cause.code, "%s", cause.text);
	return no_monitor(request, card->path, names, e);
}

int drm_monitor_connected(const struct drm_card *card, uint32_t connector, bool *connected)
{
	drmModeConnector *c = drmModeGetConnectorCurrent(card->fd, connector);
	int status = !c && errno == ENODEV ? -ENODEV : 0;

	*connected = c && c->connection == DRM_MODE_CONNECTED;
	drmModeFreeConnector(c);
	return status;
}

/* --- cards --- */

/* -ENODEV without a message: the card has no screen. */
static int card_try(const char *path, struct drm_card *card, struct error *e)
{
	struct drm_card c = {.fd = device_open(path, O_RDWR | O_NONBLOCK, e)};
	uint64_t dumb = 0;

	if (c.fd < 0)
		return c.fd;
	snprintf(c.path, sizeof(c.path), "%s", path);
	drmVersion *version = drmGetVersion(c.fd);
	snprintf(c.driver, sizeof(c.driver), "%s", version ? version->name : "unknown");
	drmFreeVersion(version);
	drmModeRes *resources = drmModeGetResources(c.fd);
	int status = resources && resources->count_crtcs ? 0 : -ENODEV;
	drmModeFreeResources(resources);
	if (!status && drmSetClientCap(c.fd, DRM_CLIENT_CAP_ATOMIC, 1))
		status = error_set(e, -ENOTSUP,
			"%s: the driver %s has no atomic modesetting; take --display sdl or terminal", path,
			c.driver);
	if (!status && (drmGetCap(c.fd, DRM_CAP_DUMB_BUFFER, &dumb) || !dumb))
		status = error_set(e, -ENOTSUP,
			"%s: the driver %s has no buffers to draw in; take --display sdl or terminal", path,
			c.driver);
	if (status)
		close(c.fd);
	else
		*card = c;
	return status;
}

int drm_card_take(const struct drm_card *card, struct error *e)
{
	char holders[200];

	if (drmIsMaster(card->fd) || !drmSetMaster(card->fd))
		return 0;
	if (errno == ENODEV)
		return error_set(e, -ENODEV, "%s is gone", card->path);
	bool known = device_holders(card->path, holders, sizeof(holders)) > 0;
	return error_set(e, -EBUSY,
		"%s: the screen belongs to %s; run inside that desktop with --display sdl, or stop it",
		card->path, known ? holders : "another program");
}

void drm_card_close(struct drm_card *card)
{
	close(card->fd);
	card->fd = -1;
}

/* The monitor on this card, as its master; adds the card's connectors to `names`. */
static int card_look(const char *path, const struct drm_request *request, struct drm_card *card,
	struct drm_monitor *monitor, char *names, size_t size, struct error *e)
{
	int status = card_try(path, card, e);

	if (status)
		return status;
	status = monitor_look(card, request, monitor, names, size, e);
	if (!status)
		status = drm_card_take(card, e);
	if (status)
		drm_card_close(card);
	return status;
}

int drm_card_open(const struct drm_request *request, struct drm_card *card, struct drm_monitor *monitor,
	struct error *e)
{
	struct error cause = {0};
	char names[256] = "";
	int status = -ENODEV;
	glob_t found = {0};

	if (*request->card) {
		status = card_look(request->card, request, card, monitor, names, sizeof(names), &cause);
	} else {
		if (glob(CARDS, 0, NULL, &found))
			return error_set(e, -ENODEV, "there is no graphics card (" CARDS ")");
		for (size_t i = 0; i < found.gl_pathc && status; i++)
			status = card_look(
				found.gl_pathv[i], request, card, monitor, names, sizeof(names), &cause);
		globfree(&found);
	}
	if (!status)
		return 0;
	if (cause.code)
		return error_refuse(e, cause.wrong, cause.code, "%s", cause.text);
	return no_monitor(request, *request->card ? request->card : CARDS, names, e);
}

/* --- list --- */

/* The cameras' formats that planes other than the first of each CRTC can show. */
static void plane_formats(int fd, char *text, size_t size)
{
	static const struct {
		uint32_t fourcc;
		const char *name;
	} wanted[] = {{DRM_FORMAT_YUYV, "YUYV"}, {DRM_FORMAT_UYVY, "UYVY"}, {DRM_FORMAT_NV12, "NV12"},
		{DRM_FORMAT_YUV420, "YU12"}, {DRM_FORMAT_XRGB8888, "XR24"}};

	drmModePlaneRes *planes = drmModeGetPlaneResources(fd); /* without universal planes: overlays only */
	text[0] = '\0';
	for (size_t w = 0; w < sizeof(wanted) / sizeof(wanted[0]); w++) {
		bool found = false;
		for (uint32_t i = 0; planes && i < planes->count_planes && !found; i++) {
			drmModePlane *plane = drmModeGetPlane(fd, planes->planes[i]);
			for (uint32_t j = 0; plane && j < plane->count_formats; j++)
				found |= plane->formats[j] == wanted[w].fourcc;
			drmModeFreePlane(plane);
		}
		if (found)
			names_add(text, size, wanted[w].name);
	}
	drmModeFreePlaneResources(planes);
}

static void list_connector(const struct drm_card *card, const drmModeConnector *connector,
	const char *formats, display_row *row, void *context)
{
	char name[DRM_NAME_BYTES], text[512], modes[160];
	bool connected = connector->connection == DRM_MODE_CONNECTED;

	connector_name(connector, name);
	drm_mode_names(connector->modes, connector->count_modes, modes, sizeof(modes));
	snprintf(text, sizeof(text), "%s (%s): %s%s%s%s", card->path, card->driver,
		connected ? "a monitor, " : "no monitor", connected ? modes : "",
		*formats ? "; planes for " : "; no planes for cameras' formats", formats);
	row(context, name, text, connected ? SCREEN_READY : SCREEN_WITHOUT_MONITOR);
}

void drm_list(display_row *row, void *context)
{
	glob_t found = {0};

	if (glob(CARDS, 0, NULL, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct drm_card card;
		struct error e = {0};
		char formats[64];

		if (card_try(found.gl_pathv[i], &card, &e)) {
			if (e.code)
				row(context, found.gl_pathv[i], e.text, SCREEN_UNUSABLE);
			continue;
		}
		drmSetClientCap(card.fd, DRM_CLIENT_CAP_ATOMIC, 0);
		drmSetClientCap(card.fd, DRM_CLIENT_CAP_UNIVERSAL_PLANES, 0);
		plane_formats(card.fd, formats, sizeof(formats));
		drmModeRes *resources = drmModeGetResources(card.fd);
		for (int j = 0; resources && j < resources->count_connectors; j++) {
			drmModeConnector *c = drmModeGetConnector(card.fd, resources->connectors[j]);
			if (c)
				list_connector(&card, c, formats, row, context);
			drmModeFreeConnector(c);
		}
		drmModeFreeResources(resources);
		drm_card_close(&card);
	}
	globfree(&found);
}
