/* SPDX-License-Identifier: MIT */
#include "camera/camera.h"

#include "base/error.h"
#include "camera/drivers.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct camera {
	const struct camera_driver *driver;
	void *state;
	uint64_t number;
	char description[256];
};

/* The order matters: a folder or a picture is recognised before the rest is taken for a video. */
static const struct camera_driver *const table[] = {
	&camera_v4l2,
	&camera_test_pattern,
	&camera_pictures,
	&camera_video,
	NULL,
};

const struct camera_driver *const *camera_drivers(void)
{
	return table;
}

static int options_check(const struct camera_options *options, struct error *e)
{
	int width = options->width;
	int height = options->height;

	if (width < 0 || height < 0 || width > PICTURE_SIDE_MAXIMUM || height > PICTURE_SIDE_MAXIMUM)
		return error_set(e, -EINVAL,
			"a resolution of %d×%d is not possible; give 1 to %d pixels a side", width, height,
			PICTURE_SIDE_MAXIMUM);
	if (!isfinite(options->rate) || options->rate < 0 || options->rate > 1000)
		return error_set(
			e, -EINVAL, "%g frames a second are not possible; give at most 1000", options->rate);
	return 0;
}

/* Reports early, and plainly, what no driver could report better. */
static int source_check(const char *source, struct error *e)
{
	if (strcmp(source, "test") == 0 || strcmp(source, "-") == 0 || access(source, F_OK) == 0)
		return 0;
	int code = -errno;
	if (code == -ENOENT || code == -ENOTDIR)
		return error_set(e, -ENOENT,
			"%s: no such file; give a camera, a picture, a folder, a video, or \"test\"", source);
	return error_set(e, code, "%s: %s", source, strerror(-code));
}

/* The kind of source that takes the name, or NULL. */
static const struct camera_driver *driver_find(const char *source, struct error *e)
{
	const struct camera_driver *const *driver = table;

	if (!source || camera_v4l2.accepts(source))
		return &camera_v4l2;
	if (source_check(source, e) < 0)
		return NULL;
	while (*driver && !(*driver)->accepts(source))
		driver++;
	if (!*driver)
		error_set(e, -EINVAL,
			"%s: is no kind of source; give a camera, a picture, a folder, a video, or \"test\"",
			source);
	return *driver;
}

/* What only a camera can be asked. */
static int camera_options_check(const struct camera_driver *driver, const struct camera_options *options,
	const char *source, struct error *e)
{
	bool format = options->format && strcmp(options->format, "auto") != 0;
	const char *what = format				       ? "format"
			   : options->exposure			       ? "exposure"
			   : options->controls && options->controls[0] ? "control"
								       : NULL;

	if (!what || driver == &camera_v4l2)
		return 0;
	return error_set(e, -EINVAL, "%s: is no camera, so there is no %s to set", source, what);
}

int camera_open(
	const char *source, const struct camera_options *options, struct camera **out, struct error *e)
{
	struct error why = {0};

	int status = options_check(options, e);
	if (status < 0)
		return status;
	const struct camera_driver *driver = driver_find(source, &why);
	if (!driver)
		return error_set(e, why.code, "%s", why.text);
	status = camera_options_check(driver, options, source, e);
	if (status < 0)
		return status;
	struct camera *camera = calloc(1, sizeof(*camera));
	if (!camera)
		return error_set(e, -ENOMEM, "no memory for a source");
	camera->driver = driver;
	status = camera->driver->open(source, options, &camera->state, e);
	if (status < 0) {
		free(camera);
		return status;
	}
	camera->driver->describe(camera->state, camera->description, sizeof(camera->description));
	*out = camera;
	return 0;
}

void camera_close(struct camera *camera)
{
	if (!camera)
		return;
	camera->driver->close(camera->state);
	free(camera);
}

int camera_next(struct camera *camera, struct frame *frame, struct error *e)
{
	frame->sequence = camera->number;
	int status = camera->driver->next(camera->state, frame, e);
	if (status == -ECANCELED)
		error_set(e, status, "the source was stopped");
	frame->number = camera->number;
	if (status == 0 || status == -EBADMSG)
		camera->number++;
	return status;
}

void camera_stop(struct camera *camera)
{
	camera->driver->stop(camera->state);
}

void camera_export_dmabuf(struct camera *camera, bool wanted)
{
	if (camera->driver->export_dmabuf)
		camera->driver->export_dmabuf(camera->state, wanted);
}

const char *camera_description(const struct camera *camera)
{
	return camera->description;
}
