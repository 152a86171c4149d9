/* SPDX-License-Identifier: MIT */
/*
 * libtwobit: classify pictures with networks of few-bit integers. See libtwobit(3).
 *
 * Functions that can fail return 0 or a negative errno value and fill *error, which may be NULL: a sentence
 * that says what, where, and what to do. Nothing is printed and no state is global: objects that do not share
 * a network or an engine are independent. A network does not change once it is open, so any number of
 * threads may use it; an engine serves one thread at a time.
 *
 * A tensor of codes is uint8_t [height][width][channels], one code a byte whatever its bits; the pixels that
 * a network takes are codes, too. Scores and sums are int32_t. The same input gives the same integers on
 * every processor and with every number of threads.
 */
#ifndef TWOBIT_H
#define TWOBIT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct twobit_network;
struct twobit_engine;

struct twobit_error {
	int code; /* negative errno value */
	char text[512];
};

/* "0.1.0" */
const char *twobit_version(void);

/*
 * Opens a network. name: a folder, or the name of one in $TWOBIT_NETWORKS, the user's data
 * ($XDG_DATA_HOME/twobit/networks) or the installed data, such as "imagenet". -ENOENT: there is none; the
 * text lists those that were found.
 */
int twobit_network_open(const char *name, struct twobit_network **out, struct twobit_error *error);

/* Takes NULL. All of its engines are closed before. */
void twobit_network_close(struct twobit_network *network);

/* What follows belongs to the network and lives as long as it does. */
const char *twobit_network_name(const struct twobit_network *network);
const char *twobit_network_folder(const struct twobit_network *network);

/* 0: the network ends in codes, not in scores of classes. */
int twobit_network_classes(const struct twobit_network *network);

/* UTF-8; NULL: there is no such class. */
const char *twobit_network_label(const struct twobit_network *network, int class_index);

int twobit_network_layers(const struct twobit_network *network);

#define TWOBIT_INPUT (-1) /* the network's input, where a layer's output could be meant */
#define TWOBIT_SUMS 32	  /* bits of a tensor of int32_t */

struct twobit_tensor {
	int height, width, channels;
	int bits; /* 1, 2, 4, 8: uint8_t codes; TWOBIT_SUMS: int32_t */
};

/* Bytes of a tensor. */
static inline size_t twobit_tensor_bytes(struct twobit_tensor tensor)
{
	return (size_t)tensor.height * (size_t)tensor.width * (size_t)tensor.channels *
	       (tensor.bits == TWOBIT_SUMS ? sizeof(int32_t) : 1);
}

/* What a layer makes, or, with TWOBIT_INPUT, what the network takes. All 0: there is no such layer. */
struct twobit_tensor twobit_network_tensor(const struct twobit_network *network, int layer);

#define TWOBIT_LAYER_INPUTS 8

struct twobit_layer {
	const char *name; /* "conv0" */
	const char *kind; /* "conv", "fully_connected", "max_pool", "average_pool", "add", "concat" … */
	int inputs;
	int from[TWOBIT_LAYER_INPUTS]; /* the layers that it reads, or TWOBIT_INPUT */
	int kernel_height, kernel_width, stride_height, stride_width;
	int groups;	     /* of a convolution: its input's channels: depthwise */
	int weight_bits;     /* 0: it has no weights */
	uint64_t operations; /* multiply-accumulates for a picture */
};

/* size: sizeof(*out). Later versions may append fields. -EINVAL: there is no such layer. */
int twobit_network_layer(const struct twobit_network *network, int layer, struct twobit_layer *out,
	size_t size, struct twobit_error *error);

/*
 * Computes one layer. inputs: what each of the layers that it reads made; out: as twobit_network_tensor. This
 * is the specification in plain loops, for a look inside; an engine gives the same bits and is faster.
 */
int twobit_layer_run(const struct twobit_network *network, int layer, const void *const *inputs, void *out,
	struct twobit_error *error);

enum twobit_format { TWOBIT_RGB, TWOBIT_BGR, TWOBIT_GREY, TWOBIT_RGBX, TWOBIT_BGRX };

/* Where a picture is from, which decides what the network looks at. */
enum twobit_origin {
	TWOBIT_FROM_FILE,    /* the middle; a found face, if the network looks for one */
	TWOBIT_FROM_CAMERA,  /* of that the box that people hold things into, if the network has one */
	TWOBIT_FROM_DATASET, /* the middle: pictures as the network was trained on */
};

/* A picture in memory of the caller. */
struct twobit_picture {
	int width, height; /* 1 … 16384 */
	enum twobit_format format;
	enum twobit_origin origin;
	const uint8_t
		*pixels;  /* 1 byte a pixel for TWOBIT_GREY, 3 or 4 for others, in the order of the name */
	ptrdiff_t stride; /* bytes from a row to the next; 0: there are none in between */
};

/*
 * Reads a picture file's bytes: JPEG, PNG, GIF, BMP, and what else this build reads (WebP, HEIC, AVIF), by
 * content. Makes TWOBIT_RGB without gaps, upright, transparent pixels on white, for twobit_picture_free.
 * -EBADMSG: it is no such picture, or broken; *out then holds nothing.
 */
int twobit_picture_read(
	const void *file, size_t size, struct twobit_picture *out, struct twobit_error *error);

/* The same of the file `path`, whose errors the text names: -ENOENT … */
int twobit_picture_read_file(const char *path, struct twobit_picture *out, struct twobit_error *error);

/* Frees what these two made, and empties it; also what is empty. */
void twobit_picture_free(struct twobit_picture *picture);

/* The part of a picture at which a network looks; pixels. */
struct twobit_area {
	int x, y, width, height;
};

/*
 * Makes the network's input of a picture: codes as twobit_network_tensor(network, TWOBIT_INPUT) says. area:
 * where the network looked; may be NULL. Returns 1, or 0 if there is nothing to look at, such as no face;
 * codes are then unchanged.
 */
int twobit_picture_codes(const struct twobit_network *network, const struct twobit_picture *picture,
	uint8_t *codes, struct twobit_area *area, struct twobit_error *error);

#define TWOBIT_TOP 10

struct twobit_prediction {
	int class_index;
	float confidence; /* softmax, 0 … 1 */
};

struct twobit_answer {
	const char *name; /* the one word for it, a label or a group of labels; NULL: nothing known is seen */
	float confidence; /* of that */
	int count;	  /* of top; 0: there was nothing to look at */
	struct twobit_prediction top[TWOBIT_TOP]; /* the likeliest first */
	struct twobit_area area;		  /* where the network looked */
	void *reserved[4];
};

/* What scores, int32_t [classes], say. The answer has no area. -EINVAL: the network has no classes. */
int twobit_network_answer(const struct twobit_network *network, const int32_t *scores,
	struct twobit_answer *out, struct twobit_error *error);

/* Zero is the default of every field but `size`. */
struct twobit_engine_options {
	size_t size;	     /* sizeof(struct twobit_engine_options) */
	int first, last;     /* computes layers first … last − 1; last 0: to the end */
	int batch;	     /* pictures to be computed together, 1 … 1024; 0: 1 */
	int threads;	     /* that share the work, with the caller's, 1 … 64; 0: 1 */
	const char *kernels; /* NULL: the fastest; "scalar", "avx2" … */
};

/*
 * options: NULL for all defaults. The layers may read only each other and the output of the layer before the
 * first (-EINVAL). The network is closed later than the engine.
 */
int twobit_engine_open(const struct twobit_network *network, const struct twobit_engine_options *options,
	struct twobit_engine **out, struct twobit_error *error);
void twobit_engine_close(struct twobit_engine *engine); /* takes NULL */

/*
 * Computes the layers for `count` inputs, one after the other in `in` and `out`; any count ≥ 0. Codes that
 * need more bits than the input has are -EINVAL.
 */
int twobit_engine_run(
	struct twobit_engine *engine, const uint8_t *in, void *out, int count, struct twobit_error *error);

/*
 * Classifies pictures, each of its own size and format. For an engine of all layers of a network with classes
 * (-EINVAL). answers: [count]. Fails at the first picture that is wrong; those before are answered.
 */
int twobit_engine_classify(struct twobit_engine *engine, const struct twobit_picture *pictures, int count,
	struct twobit_answer *answers, struct twobit_error *error);

struct twobit_live;

/* Zero is the default of every field but `size`. */
struct twobit_live_options {
	size_t size;	   /* sizeof(struct twobit_live_options) */
	int width, height; /* of a camera's pictures, pixels; 0: as `twobit live` takes them */
	double rate;	   /* frames a second; 0: the source's own, or 30 */
	/*
	 * 0: as a camera gives them; what is too much for the network or the caller is left out, and the
	 * newest wins. 1: each frame, as fast as the caller takes them.
	 */
	int every_frame;
	uint64_t frames;     /* of the source, then it ends; 0: no limit */
	int threads;	     /* that share the work inside layers, 1 … 64; 0: 1 */
	const char *kernels; /* NULL: the fastest */
	const char *pl;	     /* "software", "overlay" …; NULL: "auto" */
};

/* What is found in a frame. */
struct twobit_result {
	uint64_t frame;	    /* the source's count, from 0 */
	double time;	    /* when it was captured, CLOCK_MONOTONIC, s */
	double latency;	    /* from then to its answer, s */
	const char *absent; /* there is no picture now, as the camera is away: why; NULL: there is */
	struct twobit_picture picture; /* TWOBIT_BGRX */
	struct twobit_answer answer;
};

/*
 * Opens the network's pipeline on a source: a camera ("/dev/video0", or NULL for the first one), pictures
 * (a file, a folder, "DIR/%04d.jpg"), a video (a file, "rtsp://…"), or "test". It runs in threads of its own.
 * -ENOENT, -EBUSY, -EACCES … of the source; -ENOENT also: a video, and the library's module for these is not
 * installed; -EINVAL: wrong options, or a network without classes. The network is closed later.
 */
int twobit_live_open(const struct twobit_network *network, const char *source,
	const struct twobit_live_options *options, struct twobit_live **out, struct twobit_error *error);

/*
 * The next result, which stays until the next call. wait: the longest time for it, s; below 0: any. size:
 * sizeof(*out). 1; 0: there was none in that time; -ENODATA: the source has ended; else what ended it.
 */
int twobit_live_next(struct twobit_live *live, double wait, struct twobit_result *out, size_t size,
	struct twobit_error *error);

/* Returns other than 0 to end. */
typedef int (*twobit_result_function)(void *context, const struct twobit_result *result);

/* Calls the function with each result, in the caller's thread, until the source or the function ends it. */
int twobit_live_run(
	struct twobit_live *live, twobit_result_function function, void *context, struct twobit_error *error);

/* Ends it: the next calls are -ENODATA. Any thread, but no signal handler. */
void twobit_live_stop(struct twobit_live *live);
void twobit_live_close(struct twobit_live *live); /* takes NULL */

#ifdef __cplusplus
}
#endif

#endif
