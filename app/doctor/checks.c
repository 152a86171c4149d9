/* SPDX-License-Identifier: MIT */
#include "doctor/checks.h"

#include "base/build.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/module.h"
#include "choice/choice.h"
#include "cli/networks.h"
#include "device/device.h"
#include "display/display.h"
#include "doctor/findings.h"
#include "image/formats.h"
#include "machine/machine.h"
#include "nn/engine.h"
#include "nn/kernels/table.h"
#include "pipeline/self_test.h"
#include "pl/pl.h"
#include "recorder/recorder.h"
#include "sandbox/sandbox.h"
#include "sink/sink.h"
#include "source/cameras.h"
#include "source/source.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define MEGA 1e6

/* Bytes per second of a recording at 1280×720 and 30 frames a second: MJPEG of about 120 KB per frame. */
#define RECORDING_RATE (3.6 * MEGA)

#define MEMORY_NEEDED (200 * MEGA) /* bytes: frames, the recorder's ring and libraries, with a margin */
#define PL_TIMEOUT (10 * NS_PER_S)

void doctor_check_build(struct doctor *doctor, const struct doctor_options *options)
{
	char features[100];
	bool all = build_features(features, sizeof(features));

	(void)options;
	doctor_find(doctor, all ? FINDING_GOOD : FINDING_NOTE,
		all ? NULL : "to have the others, install their libraries and build again", "features: %s",
		features);
}

void doctor_check_modules(struct doctor *doctor, const struct doctor_options *options)
{
	const struct module_part *parts[24] = {picture_part, TWOBIT_HAVE_VIDEO ? &recorder_part : NULL};
	size_t count = 2;
	bool whole = true;

	(void)options;
	for (const struct source_driver *const *d = source_drivers(); *d; d++)
		parts[count++] = (*d)->part;
	for (const struct display_driver *const *d = display_drivers(); *d; d++)
		parts[count++] = (*d)->part;
	for (const struct sink_driver *const *d = sink_drivers(); *d; d++)
		parts[count++] = (*d)->part;
	for (size_t i = 0; i < count; i++) {
		const void *part;
		struct error e;
		if (!parts[i] || !module_load(parts[i], &part, &e))
			continue;
		whole = false;
		doctor_find(doctor, FINDING_BAD, "what needs it does not work", "%s", e.text);
	}
	if (whole)
		doctor_find(doctor, FINDING_GOOD, NULL, "all modules can be loaded");
}

/* Speed of a camera's USB port in Mbit/s, as the kernel reports it; 0: not known, or not a USB camera. */
static double usb_speed(const char *node)
{
	char line[32];

	/* The video node's device is the USB interface; its parent is the camera. */
	if (machine_line(line, sizeof(line), "", "/sys/class/video4linux/%s/device/../speed",
		    node + strlen("/dev/")))
		return 0;
	return strtod(line, NULL);
}

/* Bits per second of uncompressed pictures in this size at 30 frames a second. */
static double bits_uncompressed(const struct camera_mode *mode)
{
	return mode->width * (double)mode->height * 16 * 30;
}

static const struct camera_mode *largest_mode(const struct camera_format *format)
{
	const struct camera_mode *best = NULL;

	for (int i = 0; i < format->mode_count; i++) {
		const struct camera_mode *mode = &format->modes[i];
		if (!best || mode->last_width * mode->last_height > best->last_width * best->last_height)
			best = mode;
	}
	return best;
}

static void check_formats(struct doctor *doctor, const struct camera_entry *camera, double speed)
{
	const struct camera_format *compressed = NULL, *any = NULL;

	for (int i = 0; i < camera->format_count; i++) {
		const struct camera_format *format = &camera->formats[i];
		if (format->readable && !any)
			any = format;
		if (format->readable && !strcmp(format->name, "MJPEG"))
			compressed = format;
	}
	if (!any) {
		doctor_find(doctor, FINDING_BAD, "use another camera",
			"%s offers no format that twobit reads", camera->name);
		return;
	}
	const struct camera_mode *mode = largest_mode(compressed ? compressed : any);
	if (!compressed && mode && speed > 0 && bits_uncompressed(mode) > 0.8 * speed * MEGA)
		doctor_find(doctor, FINDING_NOTE,
			"ask for a smaller picture with --resolution, or use a USB 3 port",
			"%s sends %s only, and %dx%d at 30 frames a second is more than its port of %.0f "
			"Mbit/s carries",
			camera->name, any->name, mode->last_width, mode->last_height, speed);
}

static void check_camera(struct doctor *doctor, const struct camera_entry *camera)
{
	double speed = usb_speed(camera->path);
	char holders[256], advice[320];

	if (camera->failure[0]) {
		doctor_find(doctor, FINDING_BAD, NULL, "%s: %s", camera->name, camera->failure);
		return;
	}
	if (device_holders(camera->path, holders, sizeof(holders))) {
		snprintf(advice, sizeof(advice), "end %s first", holders);
		doctor_find(doctor, FINDING_NOTE, advice, "%s (%s) is in use by %s", camera->name,
			camera->path, holders);
	}
	if (speed > 0 && speed < 400)
		doctor_find(doctor, FINDING_BAD, "plug it into another port, without a hub in between",
			"%s is connected at %.0f Mbit/s, which is too slow for pictures", camera->name,
			speed);
	check_formats(doctor, camera, speed);
	doctor_find(doctor, FINDING_GOOD, NULL, "%s at %s, %d format%s%s", camera->name, camera->path,
		camera->format_count, camera->format_count == 1 ? "" : "s",
		speed >= 5000 ? ", USB 3"
		: speed > 0   ? ", USB 2"
			      : "");
}

/* Cameras on one bus share its bandwidth; UVC cameras reserve it even if they do not need it. */
static void check_shared_bus(struct doctor *doctor, const struct camera_entry *cameras, int count)
{
	for (int i = 1; i < count; i++) {
		for (int j = 0; j < i; j++) {
			const char *a = strrchr(cameras[i].bus, '-'), *b = strrchr(cameras[j].bus, '-');
			if (!a || !b || strncmp(cameras[i].bus, "usb-", 4) != 0 ||
				a - cameras[i].bus != b - cameras[j].bus ||
				strncmp(cameras[i].bus, cameras[j].bus, (size_t)(a - cameras[i].bus)) != 0)
				continue;
			doctor_find(doctor, FINDING_NOTE,
				"to run both at once, plug one into a port of another controller",
				"%s and %s are on the same USB controller and share its bandwidth",
				cameras[j].path, cameras[i].path);
			return;
		}
	}
}

void doctor_check_cameras(struct doctor *doctor, const struct doctor_options *options)
{
	struct camera_entry *cameras;
	int count = cameras_find(&cameras);

	(void)options;
	if (count < 0)
		return;
	for (int i = 0; i < count; i++)
		check_camera(doctor, &cameras[i]);
	check_shared_bus(doctor, cameras, count);
	if (!count)
		doctor_find(doctor, FINDING_NOTE,
			access("/sys/module/uvcvideo", F_OK)
				? "plug one in; if one is, `sudo modprobe uvcvideo` loads the kernel's driver"
				: "plug one in; if one is, `sudo dmesg` shows why the kernel does not use it",
			"no camera is there; pictures, videos and \"test\" work without one");
	cameras_forget(cameras, count);
}

struct screens {
	struct doctor *doctor;
	const char *display;
	bool found; /* there is a finding, good or bad */
};

static void add_screen(void *context, const char *name, const char *text, enum screen_state state)
{
	struct screens *screens = context;

	if (state == SCREEN_WITHOUT_MONITOR)
		return;
	screens->found = true;
	if (state == SCREEN_READY)
		doctor_find(screens->doctor, FINDING_GOOD, NULL, "%s: %s %s", screens->display, name, text);
	else
		doctor_find(screens->doctor, FINDING_BAD, NULL, "%s: %s", screens->display, text);
}

void doctor_check_displays(struct doctor *doctor, const struct doctor_options *options)
{
	struct screens screens = {.doctor = doctor};

	(void)options;
	for (const struct display_driver *const *d = display_drivers(); *d; d++) {
		if (!(*d)->available())
			continue;
		screens.display = (*d)->name;
		if ((*d)->list)
			(*d)->list(add_screen, &screens);
		else if (!strcmp((*d)->name, "sdl"))
			add_screen(&screens, "a desktop's", "window", SCREEN_READY);
	}
	if (!screens.found)
		doctor_find(doctor, FINDING_NOTE,
			"connect a monitor, or start twobit on a desktop; otherwise `live` draws into the "
			"terminal",
			"there is neither a monitor nor a desktop");
}

void doctor_check_network(struct doctor *doctor, const struct doctor_options *options)
{
	struct network *network;
	struct error e;

	const struct choice choice = {.network = options->network, .quiet = true};
	if (choose_network(&choice, &network, &e)) {
		doctor_find(doctor, FINDING_BAD, "`twobit list networks` lists the networks", "%s", e.text);
		return;
	}
	doctor_find(doctor, FINDING_GOOD, NULL, "%s in %s: %d layers, %d classes", network->name,
		network->folder, network->layer_count, network->class_count);
	network_destroy(network);
}

/* Runs the self-test: the PL computes a known input, and the scores are compared with the engine's. */
static int compute(struct pl *pl, const struct network *network, int64_t *elapsed, struct error *e)
{
	struct self_test test = {0};
	int rc = pl_load(pl, network, network_split(network), network->layer_count, e);

	if (!rc)
		rc = self_test_create(network, NULL, &test, e);
	if (!rc) {
		int64_t begun = clock_now();
		rc = self_test_submit(&test, pl, 0);
		if (!rc)
			rc = pl_wait(pl, 0, begun + PL_TIMEOUT);
		*elapsed = clock_now() - begun;
		if (rc)
			error_set(e, rc, "it returned no result: %s", strerror(-rc));
		else if (!self_test_passed(&test, pl, 0))
			rc = error_set(e, -EBADMSG, "its result is not that of the software");
	}
	self_test_finish(&test);
	return rc;
}

static void check_driver(struct doctor *doctor, const struct pl_driver *driver, const struct network *network)
{
	struct pl *pl = NULL;
	struct error e;
	int64_t elapsed = 0;
	int rc = pl_open(driver->name, NULL, &pl, &e);
	/* A PC has no PL, which is not a fault. A board has one, and it must work. */
	enum finding missing = access("/sys/class/fpga_manager/fpga0", F_OK) ? FINDING_NOTE : FINDING_BAD;

	if (rc == -EBUSY)
		doctor_find(doctor, FINDING_NOTE, "end that program, so that the PL can be checked", "%s: %s",
			driver->name, e.text);
	else if (rc)
		doctor_find(doctor, missing,
			missing == FINDING_BAD ? "see in docs/board.md what the overlay needs"
					       : "nothing to do on a PC: the software computes",
			"%s: %s", driver->name, e.text);
	else if (compute(pl, network, &elapsed, &e))
		doctor_find(doctor, FINDING_BAD,
			driver->hardware ? "load the bitstream again; see docs/board.md" : NULL, "%s: %s",
			driver->name, e.text);
	else if (strcmp(pl_name(pl), driver->name) != 0) /* software took its place */
		doctor_find(doctor, FINDING_NOTE, NULL, "%s: %s", driver->name, pl_stopped(pl));
	else
		doctor_find(doctor, FINDING_GOOD, NULL, "%s: right, in %.2f ms%s%s", driver->name,
			(double)elapsed / MEGA, pl_stopped(pl)[0] ? "; " : "", pl_stopped(pl));
	pl_close(pl);
}

void doctor_check_pl(struct doctor *doctor, const struct doctor_options *options)
{
	struct network *network;

	if (networks_open(options->network, &network, NULL))
		return; /* reported already */
	for (const struct pl_driver *const *d = pl_drivers(); *d; d++)
		if (!(*d)->by_name)
			check_driver(doctor, *d, network);
	network_destroy(network);
}

void doctor_check_processor(struct doctor *doctor, const struct doctor_options *options)
{
	struct machine machine;

	(void)options;
	machine_read("", &machine);
	doctor_find(doctor, FINDING_GOOD, NULL, "%s, %d of them, kernels %s",
		machine.board[0]       ? machine.board
		: machine.processor[0] ? machine.processor
				       : "a processor",
		machine.processors, kernel_names()[0]);
	if (!strcmp(machine.governor, "powersave") && machine.clock > 0)
		doctor_find(doctor, FINDING_NOTE,
			"`sudo cpupower frequency-set -g performance` for steady times",
			"the clock's governor is powersave (now %.0f MHz)", machine.clock);
	if (!isnan(machine.temperature) && machine.temperature > 85)
		doctor_find(doctor, FINDING_NOTE, "improve its cooling; a hot processor slows down",
			"it is %.0f °C hot", machine.temperature);
	if (machine.load[0] > machine.processors)
		doctor_find(doctor, FINDING_NOTE, "`top` shows what else runs",
			"on average, %.1f programs compete for %d processors", machine.load[0],
			machine.processors);
}

/* The value of a line of /proc/meminfo in bytes; < 0: there is no such line. */
static double memory_of(const char *name)
{
	FILE *file = fopen("/proc/meminfo", "re");
	char line[128];
	double found = -1;

	while (file && found < 0 && fgets(line, sizeof(line), file))
		if (!strncmp(line, name, strlen(name)) && line[strlen(name)] == ':')
			found = strtod(line + strlen(name) + 1, NULL) * 1024;
	if (file)
		fclose(file);
	return found;
}

void doctor_check_memory(struct doctor *doctor, const struct doctor_options *options)
{
	double available = memory_of("MemAvailable");

	(void)options;
	if (available < 0)
		return;
	if (available < MEMORY_NEEDED)
		doctor_find(doctor, FINDING_BAD, "end other programs, or add swap",
			"only %.0f MB are available; twobit takes up to %.0f", available / MEGA,
			MEMORY_NEEDED / MEGA);
	else
		doctor_find(doctor, FINDING_GOOD, NULL, "%.0f MB available", available / MEGA);
}

void doctor_check_sandbox(struct doctor *doctor, const struct doctor_options *options)
{
	struct sandbox_support support = sandbox_support();
	bool whole = support.files && support.calls;
	char files[40] = "files cannot be limited";

	(void)options;
	if (support.files)
		snprintf(files, sizeof(files), "files by Landlock %d", support.files);
	doctor_find(doctor, whole ? FINDING_GOOD : FINDING_NOTE,
		whole ? NULL : "`live` and `record` run with what there is; Linux 5.13 and later have all",
		"%s, %s", files,
		support.calls ? "system calls by seccomp" : "system calls cannot be limited");
}

void doctor_check_disk(struct doctor *doctor, const struct doctor_options *options)
{
	struct statvfs disk;

	if (statvfs(options->folder, &disk)) {
		doctor_find(doctor, FINDING_BAD, "make it, or name another with --folder", "%s: %s",
			options->folder, strerror(errno));
		return;
	}
	double free_bytes = (double)disk.f_bavail * (double)disk.f_frsize,
	       hours = free_bytes / RECORDING_RATE / 3600;
	if (access(options->folder, W_OK))
		doctor_find(doctor, FINDING_BAD, "change its owner or mode, or name another with --folder",
			"%s cannot be written by this user: %s", options->folder, strerror(errno));
	else
		doctor_find(doctor, hours < 1 ? FINDING_NOTE : FINDING_GOOD,
			hours < 1 ? "let `record --keep` delete the oldest recordings, or free some space"
				  : NULL,
			"%.1f GB are free in %s, about %.1f hours of 1280×720", free_bytes / 1e9,
			options->folder, hours);
}
