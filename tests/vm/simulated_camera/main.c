/* SPDX-License-Identifier: MIT */
/*
 * A USB camera (USB Video Class) in user space. It speaks USB/IP over a pair of sockets to the kernel's own
 * vhci_hcd, so that the real uvcvideo drives it, without any network.
 *   simulated_camera --pictures FOLDER --commands FIFO [--port N] [--bulk] [--name TEXT] [--serial TEXT]
 *                    [--formats mjpeg,yuyv,nv12,grey]
 * README.md lists the commands, which are answered on stdout. What happens is logged on stderr, with the
 * monotonic time in seconds.
 */
#include "base/clock.h"
#include "stream.h"
#include "usbip.h"
#include "uvc.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define VHCI "/sys/devices/platform/vhci_hcd.0/"
#define HIGH_SPEED 3
#define DEVICE_ID 0x10002 /* bus 1, device 2: any */
#define PLUG_TRIES 250	  /* of 20 ms: a port is busy for a while after its device has gone */

struct camera {
	struct uvc_identity identity;
	struct uvc_control control;
	struct video video;
	struct stream stream;
	int port;
	int socket; /* -1: not plugged in */
	int commands;
	char line[256]; /* a command that has not come to its end */
	size_t line_used;
	bool quit;
};

void camera_log(const char *format, ...)
{
	va_list arguments;

	flockfile(stderr);
	fprintf(stderr, "%.3f ", (double)stream_now() / 1e9);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	funlockfile(stderr);
}

static int write_text(const char *path, const char *text)
{
	int file = open(path, O_WRONLY | O_CLOEXEC), failed = 0;

	if (file < 0)
		return -errno;
	if (write(file, text, strlen(text)) < 0)
		failed = -errno;
	close(file);
	return failed;
}

static int plug(struct camera *camera)
{
	int pair[2], failed = -EALREADY;
	char text[64];

	if (camera->socket >= 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return failed;
	snprintf(text, sizeof(text), "%d %d %d %d", camera->port, pair[1], DEVICE_ID, HIGH_SPEED);
	for (int i = 0; i < PLUG_TRIES && failed; i++) {
		if (i)
			nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
		failed = write_text(VHCI "attach", text);
	}
	close(pair[1]);
	if (failed) {
		close(pair[0]);
		return failed;
	}
	camera->socket = pair[0];
	return 0;
}

/* The cable is pulled. */
static void unplug(struct camera *camera)
{
	if (camera->socket < 0)
		return;
	close(camera->socket);
	camera->socket = -1;
	camera->control.streaming = false;
	stream_reset(&camera->stream);
}

/* The host lets go of the device first. */
static int detach(struct camera *camera)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", camera->port);
	return write_text(VHCI "detach", text);
}

static int obey(struct camera *camera, const char *word, double value)
{
	int64_t until = stream_now() + (int64_t)(value * 1e6);

	for (int fault = 0; fault < FAULTS; fault++)
		if (strcmp(word, fault_names[fault]) == 0) {
			camera->video.faults[fault] = (unsigned)value;
			return 0;
		}
	if (strcmp(word, "plug") == 0)
		return plug(camera);
	if (strcmp(word, "detach") == 0)
		return detach(camera);
	if (strcmp(word, "unplug") == 0)
		unplug(camera);
	else if (strcmp(word, "stall") == 0)
		camera->stream.stalled_until = until;
	else if (strcmp(word, "freeze") == 0)
		camera->stream.frozen_until = until;
	else if (strcmp(word, "probe-stall") == 0)
		camera->control.probe_stalls = value != 0;
	else if (strcmp(word, "fps") == 0)
		camera->stream.rate = value;
	else if (strcmp(word, "quit") == 0)
		camera->quit = true;
	else if (strcmp(word, "count") != 0)
		return -EINVAL;
	return 0;
}

/* Each command is answered on stdout by "done COMMAND whole N spoiled N number N" or "failed COMMAND: WHY".
 */
static void obey_line(struct camera *camera, char *line)
{
	char word[32] = "", answer[512];
	double value = 1;
	int failed;

	if (sscanf(line, "%31s %lf", word, &value) < 1)
		return;
	failed = obey(camera, word, value);
	if (failed)
		snprintf(answer, sizeof(answer), "failed %s: %s", line, strerror(-failed));
	else
		snprintf(answer, sizeof(answer), "done %s whole %u spoiled %u number %u", line,
			camera->stream.sent_whole, camera->stream.sent_spoiled, camera->video.number);
	camera_log("%s", answer);
	puts(answer);
	fflush(stdout);
}

static void read_commands(struct camera *camera)
{
	char byte;

	while (read(camera->commands, &byte, 1) == 1) {
		if (byte != '\n') {
			if (camera->line_used < sizeof(camera->line) - 1)
				camera->line[camera->line_used++] = byte;
			continue;
		}
		camera->line[camera->line_used] = '\0';
		camera->line_used = 0;
		obey_line(camera, camera->line);
	}
}

/* Returns 0 or what the socket's end or a bad request is. */
static int serve_request(struct camera *camera)
{
	uint8_t answer[UVC_DESCRIPTOR_MAXIMUM];
	struct usb_request *request;
	uint32_t size;
	int failed = usbip_receive(camera->socket, &request), status;

	if (failed)
		return failed;
	if (request->unlink) {
		bool taken_back = stream_take_back(&camera->stream, request->victim);
		failed = usbip_answer_unlink(camera->socket, request->sequence, taken_back);
	} else if (request->endpoint == UVC_STREAM_ENDPOINT && request->in) {
		stream_take(&camera->stream, request);
		return 0;
	} else if (request->endpoint == 0) {
		bool was_streaming = camera->control.streaming;
		status = uvc_control_request(
			&camera->control, request->setup, request->data, request->length, answer, &size);
		if (!request->in && !status)
			size = request->length;
		failed = usbip_answer(
			camera->socket, request, status, request->in ? answer : NULL, status ? 0 : size);
		if (camera->control.streaming != was_streaming) {
			camera_log("stream %s", was_streaming ? "ends" : "begins");
			camera->stream.under_way = false;
			camera->stream.rate = 0;
		}
	} else {
		failed = usbip_answer(camera->socket, request, -EPIPE, NULL, 0);
	}
	usbip_request_free(request);
	return failed;
}

static void wait_for_work(const struct camera *camera, struct pollfd *polled)
{
	int64_t next = stream_next(&camera->stream, &camera->control), left = next - stream_now();
	struct timespec limit = {.tv_sec = left / NS_PER_S, .tv_nsec = left % NS_PER_S};

	polled[0] = (struct pollfd){.fd = camera->commands, .events = POLLIN};
	polled[1] = (struct pollfd){.fd = camera->socket, .events = POLLIN};
	if (left < 0)
		limit = (struct timespec){0};
	ppoll(polled, 2, next == INT64_MAX ? NULL : &limit, NULL);
}

static void run(struct camera *camera)
{
	struct pollfd polled[2];

	while (!camera->quit) {
		int failed = 0;
		wait_for_work(camera, polled);
		if (polled[0].revents)
			read_commands(camera);
		if (camera->socket >= 0 && polled[1].fd == camera->socket && polled[1].revents)
			failed = serve_request(camera);
		if (camera->socket >= 0 && !failed)
			failed = stream_serve(&camera->stream, camera->socket, &camera->control);
		if (failed) {
			camera_log("disconnected: %s", strerror(-failed));
			unplug(camera);
		}
	}
	unplug(camera);
}

static unsigned parse_formats(char *list)
{
	unsigned formats = 0;

	for (char *name = strtok(list, ","); name; name = strtok(NULL, ",")) {
		int format = 0;
		while (format < UVC_FORMATS && strcmp(name, uvc_formats[format].name) != 0)
			format++;
		if (format == UVC_FORMATS)
			return 0;
		formats |= 1U << format;
	}
	return formats;
}

static const char *parse(struct camera *camera, int argc, char **argv, const char **commands)
{
	static const struct option options[] = {{"pictures", required_argument, NULL, 'i'},
		{"commands", required_argument, NULL, 'c'}, {"port", required_argument, NULL, 'p'},
		{"bulk", no_argument, NULL, 'b'}, {"name", required_argument, NULL, 'n'},
		{"serial", required_argument, NULL, 's'}, {"formats", required_argument, NULL, 'f'}, {0}};
	const char *pictures = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'i')
			pictures = optarg;
		else if (option == 'c')
			*commands = optarg;
		else if (option == 'p')
			camera->port = atoi(optarg);
		else if (option == 'b')
			camera->identity.bulk = true;
		else if (option == 'n')
			camera->identity.name = optarg;
		else if (option == 's')
			camera->identity.serial = optarg;
		else if (option != 'f' || !(camera->identity.formats = parse_formats(optarg)))
			return NULL;
	}
	return pictures;
}

int main(int argc, char **argv)
{
	struct camera camera = {.socket = -1,
		.identity = {"Simulated Camera", "SIM0001", .formats = (1U << UVC_FORMATS) - 1}};
	const char *commands = NULL, *pictures = parse(&camera, argc, argv, &commands);
	int failed;

	if (!pictures || !commands) {
		fprintf(stderr,
			"usage: simulated_camera --pictures FOLDER --commands FIFO [--port N] [--bulk] "
			"[--name TEXT] [--serial TEXT] [--formats mjpeg,yuyv,nv12,grey]\n");
		return 64;
	}
	mkfifo(commands, 0600);
	camera.commands = open(commands, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (camera.commands < 0) {
		fprintf(stderr, "simulated_camera: %s: %s\n", commands, strerror(errno));
		return 66;
	}
	video_begin(&camera.video, pictures);
	uvc_control_begin(&camera.control, &camera.identity);
	stream_begin(&camera.stream, &camera.video);
	failed = plug(&camera);
	if (failed) {
		fprintf(stderr, "simulated_camera: " VHCI "attach: %s (is vhci-hcd loaded?)\n",
			strerror(-failed));
		return 69;
	}
	camera_log("plugged in, %s", camera.identity.bulk ? "bulk" : "isochronous");
	run(&camera);
	video_finish(&camera.video);
	close(camera.commands);
	return 0;
}
