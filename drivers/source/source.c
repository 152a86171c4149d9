/* SPDX-License-Identifier: MIT */
#include "source/source.h"

#include "base/build.h"
#include "base/error.h"
#include "base/log.h"
#include "source/address.h"
#include "source/drivers.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct source {
	const struct source_driver *driver;
	char *again;		       /* the name to open again at the end; NULL: the end is the end */
	struct source_options options; /* … and how */
	uint64_t number;
	pthread_mutex_t lock; /* guards the next two: another thread stops the source */
	void *state;
	bool stopped;
	char description[256];
};

#if TWOBIT_HAVE_VIDEO
#pragma weak source_video_file
#pragma weak source_video_stream

static bool is_file(const char *name)
{
	struct stat status;

	return strcmp(name, "-") == 0 || (stat(name, &status) == 0 && !S_ISDIR(status.st_mode));
}

static const struct source_driver source_video = {
	.name = "video",
	.summary = "a video file, or one from standard input (-)",
	.accepts = is_file,
	.part = &(const struct module_part){"video", "source_video_file", &source_video_file},
};

static const struct source_driver source_stream = {
	.name = "stream",
	.summary = "a video from the network: rtsp://…, http://…",
	.accepts = address_is_stream,
	.part = &(const struct module_part){"video", "source_video_stream", &source_video_stream},
};
#endif

/* The order matters: a file that is neither a folder nor a picture is a video. */
static const struct source_driver *const table[] = {
	&source_v4l2,
	&source_test_pattern,
	&source_pictures,
#if TWOBIT_HAVE_VIDEO
	&source_video,
	&source_stream,
#endif
	NULL,
};

const struct source_driver *const *source_drivers(void)
{
	return table;
}

static int options_check(const struct source_options *options, struct error *e)
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

/* Reports here what no driver could report better. */
static int source_check(const char *name, struct error *e)
{
	char shown[ADDRESS_TEXT_BYTES];

	if (strcmp(name, "test") == 0 || strcmp(name, "-") == 0 || access(name, F_OK) == 0 ||
		address_is_stream(name))
		return 0;
	int code = -errno;
	if (address_is(name))
		return error_set(e, -EINVAL,
			"%s: is no address that is read; give one of rtsp://, rtsps://, http:// or https://",
			address_show(name, shown));
	if (code == -ENOENT || code == -ENOTDIR)
		return error_refuse(e, name, -ENOENT,
			"%s: no such file; give a camera, a picture, a folder, a video, or \"test\"", name);
	return error_set(e, code, "%s: %s", name, strerror(-code));
}

/* The kind of source that accepts the name, or NULL. */
static const struct source_driver *driver_find(const char *name, struct error *e)
{
	const struct source_driver *const *driver = table;
	char shown[ADDRESS_TEXT_BYTES];
	struct error why;

	if (!name || source_v4l2.accepts(name))
		return &source_v4l2;
	if (source_check(name, e) < 0)
		return NULL;
	while (*driver && !(*driver)->accepts(name))
		driver++;
	if (!*driver && build_check_video(&why))
		error_set(e, why.code, "%s: %s", address_show(name, shown), why.text);
	else if (!*driver)
		error_refuse(e, name, -EINVAL,
			"%s: is no kind of source; give a camera, a picture, a folder, a video, or \"test\"",
			name);
	return *driver;
}

/* Only cameras have these options. */
static int source_options_check(const struct source_driver *driver, const struct source_options *options,
	const char *name, struct error *e)
{
	char shown[ADDRESS_TEXT_BYTES];
	bool format = options->format && strcmp(options->format, "auto") != 0;
	const char *what = format				       ? "format"
			   : options->exposure			       ? "exposure"
			   : options->controls && options->controls[0] ? "control"
								       : NULL;

	if (!what || driver == &source_v4l2)
		return 0;
	return error_set(
		e, -EINVAL, "%s: is no camera, so there is no %s to set", address_show(name, shown), what);
}

/* Whether what was read of it is gone. */
static bool is_pipe(const char *name)
{
	struct stat status;

	return !strcmp(name, "-") ||
	       (stat(name, &status) == 0 && (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode)));
}

/* Prepares to open the source again. Cameras and the pattern never end, and pictures start again themselves.
 */
static int loop_prepare(
	struct source *source, const char *name, const struct source_options *options, struct error *e)
{
	if (!options->loop || !name || source->driver == &source_pictures)
		return 0;
	if (is_pipe(name))
		return error_set(e, -EINVAL, "%s: is a pipe, which cannot start again",
			strcmp(name, "-") ? name : "standard input");
	source->options = *options;
	source->again = strdup(name);
	return source->again ? 0 : error_set(e, -ENOMEM, "%s: no memory", name);
}

int source_open(const char *name, const struct source_options *options, struct source **out, struct error *e)
{
	char shown[ADDRESS_TEXT_BYTES];
	struct error why = {0};

	int status = options_check(options, e);
	if (status < 0)
		return status;
	const struct source_driver *driver = driver_find(name, &why);
	if (!driver)
		return error_refuse(e, why.wrong, why.code, "%s", why.text);
	status = source_options_check(driver, options, name, e);
	if (status < 0)
		return status;
	log_debug("opening %s as a source of the kind %s",
		name ? address_show(name, shown) : "the first camera", driver->name);
	if (driver->part) {
		const void *part;
		status = module_load(driver->part, &part, e);
		if (status < 0)
			return status;
		driver = part;
	}
	struct source *source = calloc(1, sizeof(*source));
	if (!source)
		return error_set(e, -ENOMEM, "no memory for a source");
	source->driver = driver;
	status = loop_prepare(source, name, options, e);
	if (status == 0)
		status = driver->open(name, options, &source->state, e);
	if (status < 0) {
		free(source->again);
		free(source);
		return status;
	}
	source->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	source->driver->describe(source->state, source->description, sizeof(source->description));
	*out = source;
	return 0;
}

bool source_is_camera(const char *name)
{
	return !name || source_v4l2.accepts(name);
}

void source_close(struct source *source)
{
	if (!source)
		return;
	source->driver->close(source->state);
	pthread_mutex_destroy(&source->lock);
	free(source->again);
	free(source);
}

/* Replaces the state by a new one at the source's beginning. */
static int start_again(struct source *source, struct error *e)
{
	void *state;
	int status = source->driver->open(source->again, &source->options, &state, e);

	if (status < 0)
		return status;
	pthread_mutex_lock(&source->lock);
	void *unused = source->stopped ? state : source->state;
	if (source->stopped)
		status = -ECANCELED;
	else
		source->state = state;
	pthread_mutex_unlock(&source->lock);
	source->driver->close(unused);
	return status;
}

int source_next(struct source *source, struct frame *frame, struct error *e)
{
	frame->sequence = source->number;
	int status = source->driver->next(source->state, frame, e);
	if (status == -ENODATA && source->again) {
		status = start_again(source, e);
		if (status == 0)
			status = source->driver->next(source->state, frame, e);
	}
	if (status == -ECANCELED)
		error_set(e, status, "the source was stopped");
	frame->number = source->number;
	if (status == 0 || status == -EBADMSG)
		source->number++;
	return status;
}

void source_stop(struct source *source)
{
	pthread_mutex_lock(&source->lock);
	source->stopped = true;
	source->driver->stop(source->state);
	pthread_mutex_unlock(&source->lock);
}

void source_export_dmabuf(struct source *source, bool enabled)
{
	if (source->driver->export_dmabuf)
		source->driver->export_dmabuf(source->state, enabled);
}

const char *source_description(const struct source *source)
{
	return source->description;
}
