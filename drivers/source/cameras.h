/* SPDX-License-Identifier: MIT */
/* The cameras of this machine and what they can do, for `twobit list cameras`. */
#ifndef SOURCE_CAMERAS_H
#define SOURCE_CAMERAS_H

#include <stdbool.h>
#include <stdint.h>

/* The most rates that are kept for one size. */
#define CAMERA_RATES 24

/* A size, or a range of sizes in steps, with its rates. */
struct camera_mode {
	int width, height;	     /* pixels; of a range: the smallest */
	int last_width, last_height; /* of a range: the largest; else as width and height */
	int width_step, height_step; /* 0: one size */
	bool any_rate;		     /* all rates between the first and the last */
	int rate_count;		     /* 0: the camera reports none */
	double rates[CAMERA_RATES];  /* frames a second, the fastest first */
};

struct camera_format {
	uint32_t code;	/* the four characters of V4L2, the first in the lowest byte */
	char name[8];	/* as --format takes it: "MJPEG", "YUYV" */
	bool converted; /* by libv4lconvert; twobit cannot read it itself */
	bool readable;	/* by twobit or libv4lconvert */
	int mode_count;
	struct camera_mode *modes;
};

struct camera_entry {
	char name[64];	   /* "HD Pro Webcam C920" */
	char path[32];	   /* "/dev/video0" */
	char link[280];	   /* its name in /dev/v4l/by-id; "": none */
	char bus[64];	   /* "usb-0000:00:14.0-2" */
	char driver[32];   /* "uvcvideo" */
	char failure[512]; /* why it cannot be opened; "": it can */
	int format_count;
	struct camera_format *formats;
};

/* The cameras that give pictures, by number. Returns their count, or -ENOMEM. Free with cameras_forget. */
int cameras_find(struct camera_entry **out);
void cameras_forget(struct camera_entry *cameras, int count);

#endif
