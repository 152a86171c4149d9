/* SPDX-License-Identifier: MIT */
#include "display/drm/planes.h"

#include "base/error.h"

#include <drm_fourcc.h>
#include <errno.h>
#include <string.h>
#include <xf86drm.h>

/* A picture that a plane cannot scale is shown unscaled if scaling would enlarge it by at most this. */
#define UNSCALED_MOST 1.25

static const char *const plane_names[PLANE_PROPERTIES] = {
	[PLANE_FRAMEBUFFER] = "FB_ID",
	[PLANE_CRTC] = "CRTC_ID",
	[PLANE_FROM_X] = "SRC_X",
	[PLANE_FROM_Y] = "SRC_Y",
	[PLANE_FROM_WIDTH] = "SRC_W",
	[PLANE_FROM_HEIGHT] = "SRC_H",
	[PLANE_X] = "CRTC_X",
	[PLANE_Y] = "CRTC_Y",
	[PLANE_WIDTH] = "CRTC_W",
	[PLANE_HEIGHT] = "CRTC_H",
};

/* Properties that need one value; cameras' YUV is that of BT.601. */
static const struct {
	const char *property, *value; /* NULL: the highest, opaque */
} plain[] = {
	{"alpha", NULL},
	{"pixel blend mode", "Pre-multiplied"},
	{"rotation", "rotate-0"},
	{"COLOR_ENCODING", "ITU-R BT.601 YCbCr"},
	{"COLOR_RANGE", "YCbCr limited range"},
};

static void plain_note(struct drm_plane *plane, const drmModePropertyRes *property)
{
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		if (strcmp(property->name, plain[i].property) != 0)
			continue;
		bool found = !plain[i].value && property->count_values > 1;
		uint64_t value = found ? property->values[1] : 0;
		for (int j = 0; plain[i].value && j < property->count_enums; j++) {
			if (strcmp(property->enums[j].name, plain[i].value) != 0)
				continue;
			found = true;
			value = property->enums[j].value;
			if (property->flags & DRM_MODE_PROP_BITMASK)
				value = UINT64_C(1) << value;
		}
		if (!found || property->flags & DRM_MODE_PROP_IMMUTABLE)
			return;
		plane->plain[plane->plain_count].property = property->prop_id;
		plane->plain[plane->plain_count++].value = value;
	}
}

static void property_note(
	struct drm_plane *plane, const drmModePropertyRes *property, uint64_t value, uint32_t crtc)
{
	for (int i = 0; i < PLANE_PROPERTIES; i++)
		if (!strcmp(property->name, plane_names[i]))
			plane->properties[i] = property->prop_id;
	if (!strcmp(property->name, "type"))
		plane->kind = value;
	if (!strcmp(property->name, "CRTC_ID"))
		plane->lit = value && value == crtc;
	if (!strcmp(property->name, "zpos")) {
		bool fixed = property->flags & DRM_MODE_PROP_IMMUTABLE || property->count_values < 2;
		plane->stack = fixed ? 0 : property->prop_id;
		plane->stack_lowest = fixed ? value : property->values[0];
		plane->stack_highest = fixed ? value : property->values[1];
	}
	plain_note(plane, property);
}

static void plane_read(struct drm_output *o, const drmModePlane *from, int index)
{
	drmModeObjectProperties *properties =
		drmModeObjectGetProperties(o->fd, from->plane_id, DRM_MODE_OBJECT_PLANE);
	struct drm_plane *plane = &o->planes[o->plane_count];

	*plane = (struct drm_plane){.id = from->plane_id};
	/* Without a property for it, planes lie in the order of their list. */
	plane->stack_lowest = plane->stack_highest = (uint64_t)index;
	for (uint32_t i = 0; properties && i < properties->count_props; i++) {
		drmModePropertyRes *p = drmModeGetProperty(o->fd, properties->props[i]);
		if (p)
			property_note(plane, p, properties->prop_values[i], o->crtc);
		drmModeFreeProperty(p);
	}
	drmModeFreeObjectProperties(properties);
	for (uint32_t i = 0; i < from->count_formats; i++)
		if (plane->format_count < (int)(sizeof(plane->formats) / sizeof(plane->formats[0])))
			plane->formats[plane->format_count++] = from->formats[i];
	for (int i = 0; i < PLANE_PROPERTIES; i++)
		if (!plane->properties[i])
			return; /* atomic commits cannot use it */
	o->plane_count++;
}

static uint32_t property_find(int fd, uint32_t object, uint32_t kind, const char *name)
{
	drmModeObjectProperties *properties = drmModeObjectGetProperties(fd, object, kind);
	uint32_t id = 0;

	for (uint32_t i = 0; properties && i < properties->count_props && !id; i++) {
		drmModePropertyRes *p = drmModeGetProperty(fd, properties->props[i]);
		if (p && !strcmp(p->name, name))
			id = p->prop_id;
		drmModeFreeProperty(p);
	}
	drmModeFreeObjectProperties(properties);
	return id;
}

static void planes_read(struct drm_output *o, int crtc_index)
{
	drmModePlaneRes *planes = drmModeGetPlaneResources(o->fd);

	for (uint32_t i = 0; planes && i < planes->count_planes && o->plane_count < DRM_PLANES; i++) {
		drmModePlane *plane = drmModeGetPlane(o->fd, planes->planes[i]);
		if (plane && plane->possible_crtcs >> crtc_index & 1)
			plane_read(o, plane, (int)i);
		drmModeFreePlane(plane);
	}
	drmModeFreePlaneResources(planes);
	for (int i = o->plane_count - 1; i >= 0; i--)
		if (o->planes[i].kind == DRM_PLANE_TYPE_PRIMARY)
			o->primary = &o->planes[i];
}

/* The CRTC's current picture and connectors, to restore them. */
static void before_save(struct drm_output *o)
{
	drmModeRes *resources = drmModeGetResources(o->fd);

	o->before = drmModeGetCrtc(o->fd, o->crtc);
	for (int i = 0; resources && i < resources->count_connectors && o->connectors_before_count < 8; i++) {
		drmModeConnector *c = drmModeGetConnectorCurrent(o->fd, resources->connectors[i]);
		drmModeEncoder *encoder = c && c->encoder_id ? drmModeGetEncoder(o->fd, c->encoder_id) : NULL;
		if (encoder && encoder->crtc_id == o->crtc)
			o->connectors_before[o->connectors_before_count++] = c->connector_id;
		drmModeFreeEncoder(encoder);
		drmModeFreeConnector(c);
	}
	drmModeFreeResources(resources);
}

int drm_output_open(const struct drm_card *card, const struct drm_monitor *monitor, struct drm_output *out,
	struct error *e)
{
	struct drm_output *o = out;
	int fd = card->fd;

	*o = (struct drm_output){.fd = fd, .connector = monitor->connector, .crtc = monitor->crtc};
	o->connector_crtc = property_find(fd, o->connector, DRM_MODE_OBJECT_CONNECTOR, "CRTC_ID");
	o->connector_link = property_find(fd, o->connector, DRM_MODE_OBJECT_CONNECTOR, "link-status");
	o->crtc_mode = property_find(fd, o->crtc, DRM_MODE_OBJECT_CRTC, "MODE_ID");
	o->crtc_active = property_find(fd, o->crtc, DRM_MODE_OBJECT_CRTC, "ACTIVE");
	planes_read(o, monitor->crtc_index);
	if (!o->primary || !o->connector_crtc || !o->crtc_mode || !o->crtc_active)
		return error_set(e, -ENOTSUP, "%s: the driver %s lacks what atomic modesetting needs",
			card->path, card->driver);
	if (drmModeCreatePropertyBlob(fd, &monitor->mode, sizeof(monitor->mode), &o->mode_blob))
		return error_set(e, -errno, "%s: the mode of %s cannot be set: %s", card->path, monitor->name,
			strerror(errno));
	before_save(o);
	return 0;
}

void drm_output_close(struct drm_output *output)
{
	drmModeCrtc *before = output->before;
	struct drm_scene nothing = {0};

	if (!before)
		return;
	/* Only the first plane stays: the legacy call that restores the mode sets that one. */
	for (int i = 0; i < output->plane_count; i++)
		if (&output->planes[i] == output->primary)
			output->planes[i].lit = false;
	drm_output_commit(output, &nothing, 0, NULL);
	if (before->mode_valid && before->buffer_id)
		drmModeSetCrtc(output->fd, before->crtc_id, before->buffer_id, before->x, before->y,
			output->connectors_before, output->connectors_before_count, &before->mode);
	else
		drmModeSetCrtc(output->fd, before->crtc_id, 0, 0, 0, NULL, 0, NULL);
	drmModeFreeCrtc(before);
	drmModeDestroyPropertyBlob(output->fd, output->mode_blob);
	*output = (struct drm_output){0};
}

void drm_scene_add(struct drm_scene *scene, struct drm_plane *plane, const struct drm_buffer *buffer,
	struct rectangle place)
{
	scene->layers[scene->count++] = (struct drm_layer){plane, buffer, place};
}

/* The place of a plane of a scene in the order from behind. */
static uint64_t stack_of(const struct drm_plane *plane, int order)
{
	uint64_t place = plane->stack_lowest + (uint64_t)order;

	return place < plane->stack_highest ? place : plane->stack_highest;
}

static void layer_put(
	const struct drm_output *o, drmModeAtomicReq *request, const struct drm_layer *layer, int order)
{
	const struct drm_plane *plane = layer->plane;
	const struct drm_buffer *b = layer->buffer;
	const uint64_t values[PLANE_PROPERTIES] = {
		[PLANE_FRAMEBUFFER] = b->id,
		[PLANE_CRTC] = o->crtc,
		[PLANE_FROM_WIDTH] = (uint64_t)b->width << 16, /* 16.16 fixed point */
		[PLANE_FROM_HEIGHT] = (uint64_t)b->height << 16,
		[PLANE_X] = (uint64_t)layer->place.x,
		[PLANE_Y] = (uint64_t)layer->place.y,
		[PLANE_WIDTH] = (uint64_t)layer->place.width,
		[PLANE_HEIGHT] = (uint64_t)layer->place.height,
	};

	for (int i = 0; i < PLANE_PROPERTIES; i++)
		drmModeAtomicAddProperty(request, plane->id, plane->properties[i], values[i]);
	for (int i = 0; i < plane->plain_count; i++)
		drmModeAtomicAddProperty(request, plane->id, plane->plain[i].property, plane->plain[i].value);
	if (plane->stack)
		drmModeAtomicAddProperty(request, plane->id, plane->stack, stack_of(plane, order));
}

static bool scene_has(const struct drm_scene *scene, const struct drm_plane *plane)
{
	for (int i = 0; i < scene->count; i++)
		if (scene->layers[i].plane == plane)
			return true;
	return false;
}

static void mode_put(const struct drm_output *o, drmModeAtomicReq *request)
{
	for (int i = 0; i < o->connectors_before_count; i++)
		if (o->connectors_before[i] != o->connector) {
			uint32_t crtc = property_find(
				o->fd, o->connectors_before[i], DRM_MODE_OBJECT_CONNECTOR, "CRTC_ID");
			drmModeAtomicAddProperty(request, o->connectors_before[i], crtc, 0);
		}
	drmModeAtomicAddProperty(request, o->connector, o->connector_crtc, o->crtc);
	if (o->connector_link) /* a link that failed is trained again */
		drmModeAtomicAddProperty(request, o->connector, o->connector_link, DRM_MODE_LINK_STATUS_GOOD);
	drmModeAtomicAddProperty(request, o->crtc, o->crtc_mode, o->mode_blob);
	drmModeAtomicAddProperty(request, o->crtc, o->crtc_active, 1);
}

int drm_output_commit(struct drm_output *output, const struct drm_scene *scene, uint32_t flags, void *event)
{
	drmModeAtomicReq *request = drmModeAtomicAlloc();

	if (!request)
		return -ENOMEM;
	if (flags & DRM_MODE_ATOMIC_ALLOW_MODESET)
		mode_put(output, request);
	for (int i = 0; i < output->plane_count; i++) {
		const struct drm_plane *plane = &output->planes[i];
		if (!plane->lit || scene_has(scene, plane))
			continue;
		drmModeAtomicAddProperty(request, plane->id, plane->properties[PLANE_FRAMEBUFFER], 0);
		drmModeAtomicAddProperty(request, plane->id, plane->properties[PLANE_CRTC], 0);
	}
	for (int i = 0; i < scene->count; i++)
		layer_put(output, request, &scene->layers[i], i);
	int status = drmModeAtomicCommit(output->fd, request, flags, event);
	drmModeAtomicFree(request);
	for (int i = 0; !status && !(flags & DRM_MODE_ATOMIC_TEST_ONLY) && i < output->plane_count; i++)
		output->planes[i].lit = scene_has(scene, &output->planes[i]);
	return status;
}

static bool plane_takes(const struct drm_plane *plane, uint32_t fourcc)
{
	for (int i = 0; i < plane->format_count; i++)
		if (plane->formats[i] == fourcc)
			return plane->kind != DRM_PLANE_TYPE_CURSOR;
	return false;
}

/* Tries one pair of planes, with the picture scaled to fit, or unscaled if that is not possible. */
static int pair_try(struct drm_output *o, struct drm_plane *below, struct drm_plane *above,
	const struct drm_scene *all, struct drm_scene *scene)
{
	const struct drm_layer *picture = &all->layers[1], *caption = &all->layers[2];
	int width = picture->buffer->width, height = picture->buffer->height;
	int room_width = caption->buffer->width, room_height = caption->buffer->height;
	struct rectangle place = picture->place;
	int status = -ENOTSUP;

	for (int scaled = 1; scaled >= 0 && status; scaled--) {
		if (!scaled) {
			place = (struct rectangle){
				(room_width - width) / 2, (room_height - height) / 2, width, height};
			if (place.x < 0 || place.y < 0 ||
				(width * UNSCALED_MOST < room_width && height * UNSCALED_MOST < room_height))
				break;
		}
		scene->count = 0;
		if (below != o->primary && above != o->primary)
			drm_scene_add(scene, o->primary, all->layers[0].buffer, caption->place);
		drm_scene_add(scene, below, picture->buffer, place);
		drm_scene_add(scene, above, caption->buffer, caption->place);
		for (int i = 1; i < scene->count; i++)
			if (stack_of(scene->layers[i].plane, i) <=
				stack_of(scene->layers[i - 1].plane, i - 1))
				return -ENOTSUP;
		status = drm_output_commit(
			o, scene, DRM_MODE_ATOMIC_TEST_ONLY | DRM_MODE_ATOMIC_ALLOW_MODESET, NULL);
	}
	return status;
}

int drm_output_arrange(struct drm_output *output, const struct drm_buffer *picture,
	const struct drm_buffer *caption, const struct drm_buffer *ground, struct drm_scene *scene)
{
	struct rectangle screen = {.width = caption->width, .height = caption->height};
	struct rectangle fit =
		rectangle_fit(picture->width, picture->height, caption->width, caption->height);
	const struct drm_scene all = {
		.layers = {{NULL, ground, screen}, {NULL, picture, fit}, {NULL, caption, screen}},
		.count = 3};

	/* Overlays first: the primary plane then stays free for composed pictures. */
	for (int pass = 0; pass < 2; pass++)
		for (int i = 0; i < output->plane_count; i++)
			for (int j = 0; j < output->plane_count; j++) {
				struct drm_plane *below = &output->planes[i], *above = &output->planes[j];
				bool overlays = below != output->primary && above != output->primary;

				if (i == j || overlays == (pass == 1) ||
					!plane_takes(below, picture->fourcc) ||
					!plane_takes(above, caption->fourcc))
					continue;
				if (!pair_try(output, below, above, &all, scene))
					return 0;
			}
	return -ENOTSUP;
}
