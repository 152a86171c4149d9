/* SPDX-License-Identifier: MIT */
/*
 * A picture or a folder of pictures as a slide show that moves like a camera. A loader thread prepares the
 * next pictures while one is shown. If all of them fit into CANVAS_BYTES, each is read once; of a larger
 * folder the next few are kept.
 */
#include "base/build.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "image/decode.h"
#include "image/formats.h"
#include "source/drivers.h"
#include "source/slide.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libyuv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SLIDE_SECONDS 2.5
#define FADE_SECONDS 0.3
#define CANVAS_BYTES ((size_t)192 << 20)
#define SLOTS_LEAST 3 /* the one shown, the next, the one being loaded */

struct slot {
	struct picture canvas;
	const char *name;
};

struct show {
	struct pacer pacer;
	int width, height;
	double rate;
	bool once;
	char *folder; /* NULL: one picture */
	char **names; /* in order */
	int name_count;
	bool *broken; /* [name_count]; only the loader uses it; reported once */
	uint32_t *rows;
	uint8_t *last; /* the last frame of the previous slide, which fades out */

	/* Only the consumer uses these. */
	uint64_t frame; /* in the slide */
	uint64_t frames;
	uint64_t number;

	/* Guarded by pacer.mutex; pacer.wake signals changes. */
	struct slot *slots;
	uint64_t slot_count;
	uint64_t loaded; /* slides that are ready; slide n is in slot n % slot_count … */
	uint64_t shown;	 /* the slide that is shown */
	uint64_t round;	 /* … and in n % round once all are in memory; 0: they are not */
	bool ended;	 /* no more will be loaded */
	struct error failure;

	pthread_t loader;
	bool loading;
};

/* A moving GIF is a video, where videos are in this build. */
static bool pictures_accept(const char *source)
{
	struct stat status;

	if (strcmp(source, "-") == 0 || stat(source, &status) < 0)
		return false;
	if (S_ISDIR(status.st_mode))
		return true;
	return picture_file(AT_FDCWD, source) && !(TWOBIT_HAVE_VIDEO && picture_file_moves(source));
}

static int name_add(struct show *show, const char *name)
{
	char **names = realloc(show->names, ((size_t)show->name_count + 1) * sizeof(*names));
	if (!names)
		return -ENOMEM;
	show->names = names;
	names[show->name_count] = strdup(name);
	if (!names[show->name_count])
		return -ENOMEM;
	show->name_count++;
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int folder_list(struct show *show, const char *path, struct error *e)
{
	DIR *folder = opendir(path);
	if (!folder)
		return error_set(e, -errno, "%s: %s", path, strerror(errno));
	int status = 0;
	for (struct dirent *entry; status == 0 && (entry = readdir(folder));)
		if (entry->d_name[0] != '.' && picture_file(dirfd(folder), entry->d_name))
			status = name_add(show, entry->d_name);
	closedir(folder);
	if (status < 0)
		return error_set(e, status, "%s: no memory to list it", path);
	if (show->name_count == 0)
		return error_set(e, -ENOENT, "%s: the folder holds no picture (%s)", path, PICTURE_FORMATS);
	qsort(show->names, (size_t)show->name_count, sizeof(*show->names), compare_names);
	return 0;
}

static int names_list(struct show *show, const char *source, struct error *e)
{
	struct stat status;

	if (stat(source, &status) < 0)
		return error_set(e, -errno, "%s: %s", source, strerror(errno));
	if (S_ISDIR(status.st_mode)) {
		show->folder = strdup(source);
		int result = show->folder ? folder_list(show, source, e) : -ENOMEM;
		if (result < 0)
			return show->folder ? result : error_set(e, -ENOMEM, "%s: no memory", source);
	} else if (name_add(show, source) < 0) {
		return error_set(e, -ENOMEM, "%s: no memory", source);
	}
	show->broken = calloc((size_t)show->name_count, sizeof(*show->broken));
	return show->broken ? 0 : error_set(e, -ENOMEM, "%s: no memory", source);
}

static int picture_load(const struct show *show, const char *name, struct picture *picture,
	struct picture *canvas, struct error *e)
{
	char path[8192];
	int length = show->folder ? snprintf(path, sizeof(path), "%s/%s", show->folder, name)
				  : snprintf(path, sizeof(path), "%s", name);

	if (length < 0 || (size_t)length >= sizeof(path))
		return error_set(e, -ENAMETOOLONG, "%s: %s", name, strerror(ENAMETOOLONG));
	int status = picture_read_file(path, picture, e);
	if (status < 0)
		return status;
	if (slide_prepare(picture, show->width, show->height, canvas) < 0)
		return error_set(e, -ENOMEM, "%s: no memory for a slide of %d×%d pixels", path, show->width,
			show->height);
	return 0;
}

/* Waits for a slot that is no longer shown. false: stopped */
static bool slot_wait(struct show *show)
{
	pthread_mutex_lock(&show->pacer.mutex);
	while (!show->pacer.stopped && show->loaded - show->shown >= show->slot_count)
		pthread_cond_wait(&show->pacer.wake, &show->pacer.mutex);
	bool go_on = !show->pacer.stopped;
	pthread_mutex_unlock(&show->pacer.mutex);
	return go_on;
}

/* Loads all names once. Returns how many were good, or -1 when stopped. */
static int round_load(struct show *show, struct picture *picture, struct error *failure)
{
	int good = 0;

	for (int i = 0; i < show->name_count; i++) {
		if (show->broken[i])
			continue;
		if (!slot_wait(show))
			return -1;
		struct slot *slot = &show->slots[show->loaded % show->slot_count];
		if (picture_load(show, show->names[i], picture, &slot->canvas, failure) < 0) {
			if (show->folder)
				log_warning("%s; skipped", failure->text);
			show->broken[i] = true;
			continue;
		}
		const char *slash = strrchr(show->names[i], '/');
		slot->name = slash && slash[1] ? slash + 1 : show->names[i];
		good++;
		pthread_mutex_lock(&show->pacer.mutex);
		show->loaded++;
		pthread_cond_broadcast(&show->pacer.wake);
		pthread_mutex_unlock(&show->pacer.mutex);
	}
	return good;
}

static void *loader_run(void *argument)
{
	struct show *show = argument;
	struct picture picture = {0};
	struct error failure = {0};
	int good;

	do {
		good = round_load(show, &picture, &failure);
	} while (good > 0 && !show->once && show->slot_count < (uint64_t)show->name_count);
	picture_finish(&picture);
	pthread_mutex_lock(&show->pacer.mutex);
	show->ended = true;
	show->failure = failure;
	if (show->slot_count >= (uint64_t)show->name_count)
		show->round = show->loaded;
	pthread_cond_broadcast(&show->pacer.wake);
	pthread_mutex_unlock(&show->pacer.mutex);
	return NULL;
}

/* Waits until slide n is loaded and gives its slot. -ENODATA: there is no such slide; -ECANCELED. */
static int slide_take(struct show *show, uint64_t n, struct slot **out)
{
	int status = 0;

	pthread_mutex_lock(&show->pacer.mutex);
	while (!show->pacer.stopped && n >= show->loaded && !show->ended)
		pthread_cond_wait(&show->pacer.wake, &show->pacer.mutex);
	if (show->pacer.stopped)
		status = -ECANCELED;
	else if (n < show->loaded || (show->round > 0 && !show->once))
		*out = &show->slots[(show->round > 0 ? n % show->round : n) % show->slot_count];
	else
		status = -ENODATA;
	if (status == 0) {
		show->shown = n;
		pthread_cond_broadcast(&show->pacer.wake);
	}
	pthread_mutex_unlock(&show->pacer.mutex);
	return status;
}

static void show_close(void *state)
{
	struct show *show = state;

	if (show->loading) {
		pacer_stop(&show->pacer);
		pthread_join(show->loader, NULL);
	}
	for (uint64_t i = 0; show->slots && i < show->slot_count; i++)
		picture_finish(&show->slots[i].canvas);
	for (int i = 0; i < show->name_count; i++)
		free(show->names[i]);
	free(show->slots);
	free(show->names);
	free(show->broken);
	free(show->folder);
	free(show->rows);
	free(show->last);
	pacer_finish(&show->pacer);
	free(show);
}

static int show_begin(struct show *show, const char *source, struct error *e)
{
	size_t pixels = (size_t)show->width * (size_t)show->height;
	uint64_t fit = CANVAS_BYTES / (pixels * 5 + 1); /* CANVAS_SCALE² · 4 bytes, nearly */
	struct slot *first;

	fit = fit < SLOTS_LEAST ? SLOTS_LEAST : fit;
	show->slot_count = (uint64_t)show->name_count < fit ? (uint64_t)show->name_count : fit;
	show->slots = calloc(show->slot_count, sizeof(*show->slots));
	show->rows = malloc((size_t)show->width * 2 * sizeof(*show->rows));
	show->last = malloc(pixels * 4);
	if (!show->slots || !show->rows || !show->last ||
		pthread_create(&show->loader, NULL, loader_run, show) != 0)
		return error_set(e, -ENOMEM, "%s: no memory for a slide show", source);
	show->loading = true;
	if (slide_take(show, 0, &first) == 0)
		return 0;
	if (!show->folder) {
		*e = show->failure;
		return e->code;
	}
	return error_set(e, -EBADMSG, "%s: none of the %d pictures in this folder can be read", source,
		show->name_count);
}

static int show_open(const char *source, const struct source_options *options, void **state, struct error *e)
{
	struct error ignored;
	struct show *show = calloc(1, sizeof(*show));

	if (!show || pacer_init(&show->pacer, options->paced) < 0) {
		free(show);
		return error_set(e, -ENOMEM, "%s: no memory", source);
	}
	show->width = options->width ? options->width : 1280;
	show->height = options->height ? options->height : 720;
	show->rate = options->rate > 0 ? options->rate : 30;
	show->once = options->once;
	double frames = SLIDE_SECONDS * show->rate;
	show->frames = frames < 1 ? 1 : (uint64_t)(frames + 0.5);
	e = e ? e : &ignored;
	int status = names_list(show, source, e);
	if (status == 0)
		status = show_begin(show, source, e);
	if (status < 0) {
		show_close(show);
		return status;
	}
	*state = show;
	return 0;
}

/* Draws frame show->frame of slide show->number. At a slide's beginning the previous one fades out. */
static int show_render(struct show *show, const struct slot *slot, uint8_t *to)
{
	double progress = (double)show->frame / (double)show->frames;
	int fade = (int)(FADE_SECONDS * show->rate);

	slide_view(&slot->canvas, (unsigned int)show->number, progress, show->width, show->height, show->rows,
		to);
	if (show->number == 0 || show->frame >= (uint64_t)fade || (show->name_count == 1 && !show->folder))
		return 0;
	int stride = show->width * 4;
	int share = (int)(256 * (show->frame + 1) / ((uint64_t)fade + 1)); /* of the new slide, in 1/256 */
	return ARGBInterpolate(show->last, stride, to, stride, to, stride, show->width, show->height, share);
}

static int show_next(void *state, struct frame *frame, struct error *e)
{
	struct show *show = state;
	struct slot *slot;
	size_t size = (size_t)show->width * (size_t)show->height * 4;

	if (raw_picture_reserve(&frame->raw, size) < 0)
		return error_set(
			e, -ENOMEM, "no memory for a frame of %d×%d pixels", show->width, show->height);
	if (show->frame == show->frames) {
		show->frame = 0;
		show->number++;
	}
	int status = slide_take(show, show->number, &slot);
	if (status == -ENODATA)
		return error_set(e, status, "the slide show is over");
	if (status < 0)
		return status;
	show_render(show, slot, frame->raw.data);
	if (show->frame + 1 == show->frames)
		memcpy(show->last, frame->raw.data, size); /* the next slide fades in over it */
	frame->raw.format = PIXEL_BGRX;
	frame->raw.width = show->width;
	frame->raw.height = show->height;
	frame->raw.size = size;
	frame->name = slot->name;
	uint64_t count = show->number * show->frames + show->frame;
	status = pacer_wait(&show->pacer, (int64_t)((double)count * 1e9 / show->rate));
	if (status < 0)
		return status;
	frame->stamps[STAMP_CAPTURED] = clock_now();
	show->frame++;
	return 0;
}

static void show_describe(const void *state, char *text, size_t size)
{
	const struct show *show = state;

	if (show->name_count == 1)
		snprintf(text, size, "slide show of 1 picture, %d×%d, %g frames a second", show->width,
			show->height, show->rate);
	else
		snprintf(text, size, "slide show of %d pictures, %d×%d, %g frames a second", show->name_count,
			show->width, show->height, show->rate);
}

static void show_stop(void *state)
{
	struct show *show = state;

	pacer_stop(&show->pacer);
}

const struct source_driver source_pictures = {
	.name = "pictures",
	.summary = "a picture (" PICTURE_FORMATS ") or a folder of pictures, as a slide show",
	.accepts = pictures_accept,
	.open = show_open,
	.describe = show_describe,
	.next = show_next,
	.close = show_close,
	.stop = show_stop,
};
