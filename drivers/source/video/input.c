/* SPDX-License-Identifier: MIT */
#include "source/video/input.h"

#include "base/clock.h"
#include "base/error.h"
#include "image/formats.h"
#include "source/address.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIPE_BUFFER 65536

/* What a server or a pipe may send for one packet: it may claim any length, and libavformat holds it all. */
#define PACKET_MAXIMUM (128 << 20)
#define NO_VIDEO "%s: what it sends is no video"
#define TOO_LONG "%s: sends more than 128 MB for one picture"

/* For a server to take leave of, ns. */
#define CLOSE_TIME NS_PER_S

/*
 * What libavformat may open on behalf of each kind of name: a playlist in a file fetches nothing from the
 * network, and one from the network reads no file.
 */
#define PROTOCOLS_OF_FILES "file,crypto,data"
#define PROTOCOLS_OF_PIPES "data"
#define PROTOCOLS_OF_HTTP "http,https,httpproxy,tcp,tls,crypto,data"
#define PROTOCOLS_OF_RTSP "rtp,srtp,udp,tcp,tls"

const char *input_cause(int status)
{
	static _Thread_local char text[AV_ERROR_MAX_STRING_SIZE];

	av_strerror(status, text, sizeof(text));
	return text;
}

bool input_is_short(int status)
{
	return status == AVERROR(ENOMEM) || status == AVERROR(EMFILE) || status == AVERROR(ENFILE);
}

int input_refuse_short(const struct video_input *in, int status, struct error *e)
{
	return error_set(e, -AVUNERROR(status), "%s: %s", in->shown, strerror(AVUNERROR(status)));
}

/*
 * Of what ran out, libavformat often says that the file is damaged, or that it ends, or it goes on without a
 * part that had no room: an index, a packet. errno, which was 0 before, still knows.
 */
static int status_with_cause(int status)
{
	int cause = AVERROR(errno);

	return input_is_short(cause) ? cause : status;
}

/* Notes it in the input. */
static bool is_too_long(struct video_input *in)
{
	const AVIOContext *bytes = in->reading ? in->format->pb : NULL;

	in->too_long |= bytes && bytes->bytes_read - in->packet_begin > PACKET_MAXIMUM;
	return in->too_long;
}

static int interrupted(void *opaque)
{
	struct video_input *in = opaque;
	struct interruption *i = in->interruption;
	struct pollfd events[] = {{.fd = i->stop, .events = POLLIN}, {.fd = i->give_up, .events = POLLIN}};

	bool ready = poll(events, 2, 0) > 0;
	i->given_up |= ready && events[1].revents;
	i->late |= clock_now() > i->deadline;
	return ready || i->given_up || i->late || is_too_long(in);
}

static int pipe_read(void *opaque, uint8_t *data, int size)
{
	struct video_input *in = opaque;
	struct interruption *i = in->interruption;
	struct pollfd wait[3] = {{.fd = in->fd, .events = POLLIN}, {.fd = i->stop, .events = POLLIN},
		{.fd = i->give_up, .events = POLLIN}};

	while (!is_too_long(in)) {
		int ready = poll(wait, 3, -1);
		i->given_up |= ready > 0 && wait[2].revents;
		if (ready > 0 && (wait[1].revents || wait[2].revents))
			return AVERROR_EXIT;
		ssize_t got = ready > 0 ? read(in->fd, data, (size_t)size) : -1;
		if (got > 0)
			return (int)got;
		if (got == 0)
			return AVERROR_EOF;
		if (errno != EINTR && errno != EAGAIN)
			return AVERROR(errno);
	}
	return AVERROR(EFBIG);
}

/* Only for a file on standard input. */
static int64_t pipe_seek(void *opaque, int64_t offset, int whence)
{
	const struct video_input *in = opaque;
	struct stat file;

	if (whence == AVSEEK_SIZE)
		return fstat(in->fd, &file) < 0 ? AVERROR(errno) : file.st_size;
	off_t at = lseek(in->fd, offset, whence & ~AVSEEK_FORCE);
	return at < 0 ? AVERROR(errno) : at;
}

static int pipe_open(struct video_input *in, const char *name)
{
	struct stat file;

	/* Reading waits for a named pipe. */
	in->fd = strcmp(name, "-") == 0 ? dup(STDIN_FILENO) : open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (in->fd < 0)
		return AVERROR(errno);
	/* libavformat counts positions from 0. */
	bool whole = fstat(in->fd, &file) == 0 && S_ISREG(file.st_mode) && lseek(in->fd, 0, SEEK_CUR) == 0;
	uint8_t *buffer = av_malloc(PIPE_BUFFER);
	in->pipe = buffer ? avio_alloc_context(
				    buffer, PIPE_BUFFER, 0, in, pipe_read, NULL, whole ? pipe_seek : NULL)
			  : NULL;
	if (!in->pipe) {
		av_free(buffer);
		return AVERROR(ENOMEM);
	}
	in->format->pb = in->pipe;
	return 0;
}

/* The name for libavformat: with "file:" before it, "concat:a" has no meaning; schemes are small. */
static int name_make(const struct video_input *in, const char *name, char *to, size_t size)
{
	int length = snprintf(to, size, "%s%s", in->network ? "" : "file:", name);

	if (length < 0 || (size_t)length >= size)
		return AVERROR(ENAMETOOLONG);
	for (; in->network && *to != ':'; to++)
		*to = *to >= 'A' && *to <= 'Z' ? (char)(*to - 'A' + 'a') : *to;
	return 0;
}

static int options_make(struct video_input *in, const char *name, AVDictionary **options)
{
	bool rtsp = strncasecmp(name, "rtsp", 4) == 0;
	const char *protocols = !in->network ? in->pipe ? PROTOCOLS_OF_PIPES : PROTOCOLS_OF_FILES
				: rtsp	     ? PROTOCOLS_OF_RTSP
					     : PROTOCOLS_OF_HTTP;
	int status = av_dict_set(options, "protocol_whitelist", protocols, 0);

	/* Packets over UDP get lost, or stop at a firewall. */
	if (status >= 0 && in->network && rtsp)
		status = av_dict_set(options, "rtsp_flags", "prefer_tcp", 0);
	/* A camera's first picture is not waited for until there are twenty. */
	if (status >= 0 && in->network)
		status = av_dict_set(options, "fpsprobesize", "0", 0);
	return status;
}

/* Only between here and the end of `reading` is the format sure to have its bytes. */
static void packet_begin(struct video_input *in)
{
	in->reading = in->network || in->pipe;
	in->packet_begin = in->reading && in->format->pb ? in->format->pb->bytes_read : 0;
}

/* Notes that a server answered: what libavformat says later does not tell. */
static int note_and_open(
	AVFormatContext *format, AVIOContext **bytes, const char *url, int flags, AVDictionary **options)
{
	struct video_input *in = format->opaque;
	int status = in->open(format, bytes, url, flags, options);

	in->reached |= status >= 0;
	return status;
}

static int demuxer_open(struct video_input *in, const char *name)
{
	AVDictionary *options = NULL;
	char full[8192];
	struct stat file;

	in->packet = av_packet_alloc();
	in->format = avformat_alloc_context();
	if (!in->format || !in->packet)
		return AVERROR(ENOMEM);
	in->format->interrupt_callback = (AVIOInterruptCB){interrupted, in};
	in->format->opaque = in;
	in->open = in->format->io_open;
	in->format->io_open = note_and_open;
	int status = name_make(in, name, full, sizeof(full));
	if (status == 0 && !in->network &&
		(strcmp(name, "-") == 0 || (stat(name, &file) == 0 && !S_ISREG(file.st_mode))))
		status = pipe_open(in, name);
	if (status == 0)
		status = options_make(in, name, &options);
	errno = 0;
	if (status >= 0)
		status = avformat_open_input(&in->format, full, NULL, &options);
	status = status_with_cause(status);
	av_dict_free(&options);
	if (status < 0)
		return status;
	packet_begin(in);
	errno = 0;
	status = avformat_find_stream_info(in->format, NULL);
	status = status_with_cause(status);
	in->reading = false;
	return in->too_long ? AVERROR(EFBIG) : status;
}

static int network_refuse(const struct video_input *in, int status, struct error *e)
{
	if (in->interruption->late)
		return error_set(e, -ETIMEDOUT, "%s: does not answer", in->shown);
	switch (status) {
	case AVERROR_HTTP_UNAUTHORIZED:
		return error_set(e, -EACCES,
			"%s: wants another name and password; write them as in %.*s://NAME:PASSWORD@HOST/…",
			in->shown, (int)strcspn(in->shown, ":"), in->shown);
	case AVERROR_INVALIDDATA:
		return error_set(e, -EBADMSG, NO_VIDEO, in->shown);
	case AVERROR(EIO): /* what libavformat has for a name without a host, too */
		if (in->reached)
			return error_set(e, -EBADMSG, NO_VIDEO, in->shown);
		return error_set(e, -ENOENT, "%s: cannot be reached; is the address right?", in->shown);
	default:
		return error_set(e, -ENOENT, "%s: %s", in->shown, input_cause(status));
	}
}

static int open_refuse(const struct video_input *in, int status, struct error *e)
{
	if (in->interruption->given_up)
		return error_set(e, -ECANCELED, "%s: was no longer waited for", in->shown);
	if (input_is_short(status))
		return input_refuse_short(in, status, e);
	if (in->too_long)
		return error_set(e, -EBADMSG, TOO_LONG, in->shown);
	if (status == AVERROR_EXIT && !in->interruption->late)
		return -ECANCELED;
	if (in->network)
		return network_refuse(in, status, e);
	if (status == AVERROR(EACCES) || status == AVERROR(EIO) || status == AVERROR(EBADF))
		return error_set(e, AVUNERROR(status), "%s: %s", in->shown, strerror(AVUNERROR(status)));
	return error_set(e, -EBADMSG, "%s: is neither a picture (%s) nor a whole video: %s", in->shown,
		PICTURE_FORMATS, input_cause(status));
}

int input_open(struct video_input *in, const char *name, struct interruption *interruption, struct error *e)
{
	char shown[ADDRESS_TEXT_BYTES];
	struct stat file;

	av_log_set_level(AV_LOG_QUIET);
	*in = (struct video_input){
		.fd = -1, .network = address_is_stream(name), .interruption = interruption};
	in->shown = strdup(strcmp(name, "-") == 0 ? "standard input" : address_show(name, shown));
	if (!in->shown)
		return error_set(e, -ENOMEM, "no memory for a video");
	if (!in->network && stat(name, &file) == 0 && S_ISREG(file.st_mode) && file.st_size == 0)
		return error_set(e, -EBADMSG, "%s: is empty", in->shown);
	int status = demuxer_open(in, name);
	if (status < 0)
		return open_refuse(in, status, e);
	interruption->give_up = -1;
	in->stream = av_find_best_stream(in->format, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
	if (in->stream < 0)
		return error_set(e, -EBADMSG, "%s: there is no video in it", in->shown);
	return 0;
}

bool input_is_finite(const struct video_input *in)
{
	const AVFormatContext *f = in->format;

	return !in->network ||
	       (f->duration > 0 && f->duration_estimation_method != AVFMT_DURATION_FROM_BITRATE &&
		       !(f->ctx_flags & AVFMTCTX_UNSEEKABLE) && strcmp(f->iformat->name, "rtsp") != 0);
}

static int read_refuse(struct video_input *in, int status, struct error *e)
{
	if (in->too_long)
		return error_set(e, -EIO, TOO_LONG, in->shown);
	if (in->interruption->late)
		return error_set(e, -ETIMEDOUT, "%s: sends no picture", in->shown);
	if (interrupted(in))
		return -ECANCELED;
	if (input_is_short(status))
		return input_refuse_short(in, status, e);
	if (status == AVERROR_EOF)
		return -ENODATA;
	/* Its index, at the end, has led back to the pictures. */
	if (in->pipe && !in->packets && strncmp(in->format->iformat->name, "mov", 3) == 0)
		return error_set(e, -EIO,
			"%s: its index is at its end, and a pipe cannot go back; give the file by its name, "
			"or one made with ffmpeg's -movflags +faststart",
			in->shown);
	return error_set(e, -EIO, "%s: breaks off after frame %llu: %s", in->shown,
		(unsigned long long)in->packets, input_cause(status));
}

int input_read(struct video_input *in, struct error *e)
{
	for (;;) {
		av_packet_unref(in->packet);
		packet_begin(in);
		errno = 0;
		int status = status_with_cause(av_read_frame(in->format, in->packet));
		in->reading = false;
		if (in->too_long)
			return read_refuse(in, status, e);
		if (status == 0 && in->packet->stream_index == in->stream) {
			in->packets++;
			return 0;
		}
		/* Waiting also ends while sound comes, but no picture. */
		bool again = status >= 0 || status == AVERROR(EAGAIN);
		if (!again || interrupted(in))
			return read_refuse(in, status, e);
	}
}

void input_close(struct video_input *in)
{
	if (in->interruption) {
		in->interruption->late = false;
		in->interruption->deadline = clock_now() + CLOSE_TIME;
	}
	avformat_close_input(&in->format);
	if (in->pipe)
		av_freep(&in->pipe->buffer);
	avio_context_free(&in->pipe);
	av_packet_free(&in->packet);
	if (in->fd >= 0)
		close(in->fd);
	free(in->shown);
	*in = (struct video_input){.fd = -1};
}
