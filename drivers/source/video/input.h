/* SPDX-License-Identifier: MIT */
/* The containers of videos, by libavformat: files, pipes ("-" is standard input) and network addresses. */
#ifndef SOURCE_VIDEO_INPUT_H
#define SOURCE_VIDEO_INPUT_H

#include <libavformat/avformat.h>
#include <stdbool.h>
#include <stdint.h>

struct error;

/* What ends waiting for bytes. Only the thread that reads uses it. */
struct interruption {
	int stop, give_up; /* file descriptors: once readable, waiting ends; −1: none */
	int64_t deadline;  /* clock_now() time; INT64_MAX: none */
	bool given_up;	   /* it was for give_up, … */
	bool late;	   /* … or for the deadline */
};

struct video_input {
	char *shown; /* the name in messages */
	struct interruption *interruption;
	AVFormatContext *format;
	AVIOContext *pipe; /* NULL for a file and a network address */
	AVPacket *packet;  /* the last one that was read */
	int fd;		   /* of the pipe; −1: none */
	int stream;	   /* the video's index */
	bool network;
	bool reached; /* its server answered */
	int (*open)(AVFormatContext *format, AVIOContext **bytes, const char *url, int flags,
		AVDictionary **options); /* libavformat's own */
	uint64_t packets;		 /* of the video, read so far */
	int64_t packet_begin;		 /* bytes that had been read before the packet that is being read */
	bool reading;			 /* such a packet, from a server or a pipe */
	bool too_long;			 /* it is longer than any picture */
};

/*
 * Finds the best video in the container. `interruption` must outlive the input; its give_up counts only
 * here. -ECANCELED: given up; -EBADMSG: not a video, or a packet too long for a picture; for a network
 * address also -ETIMEDOUT, -EACCES (name and password), -ENOENT (cannot be reached); as input_refuse_short.
 * Call input_close whatever the result.
 */
int input_open(struct video_input *in, const char *name, struct interruption *interruption, struct error *e);

/*
 * Reads the video's next packet. 0; -ENODATA at the end, without a message; -EIO where the video breaks off;
 * -ETIMEDOUT; -ECANCELED; as input_refuse_short. Nothing follows a failure.
 */
int input_read(struct video_input *in, struct error *e);

/* Whether a status of libavformat or libavcodec says that memory or open files ran out. */
bool input_is_short(int status);

/* Writes the message of such a status: -ENOMEM, -EMFILE, -ENFILE. */
int input_refuse_short(const struct video_input *in, int status, struct error *e);

/* Whether it ends by itself: not a stream that a server sends as long as it can. */
bool input_is_finite(const struct video_input *in);

void input_close(struct video_input *in);

/* libavformat's text for a status. Valid until the thread's next call. */
const char *input_cause(int status);

#endif
