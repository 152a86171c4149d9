/* SPDX-License-Identifier: MIT */
/* What the files of the library share. */
#ifndef LIBRARY_INTERNAL_H
#define LIBRARY_INTERNAL_H

#include "base/error.h"
#include "image/picture.h"
#include "nn/network.h"
#include "twobit.h"

struct twobit_network {
	struct network *network;
};

/* Copies the error to the caller, who may not want it; returns its code, or 0 and leaves *out alone. */
int library_error(int status, const struct error *e, struct twobit_error *out);

/* Sets the caller's error, which may be NULL; returns code. */
int library_refuse(struct twobit_error *error, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Kernels rely on codes that fit in their bits. what: the message begins with it. 0 or -EINVAL. */
int library_check_codes(
	const char *what, struct tensor tensor, const uint8_t *codes, struct twobit_error *error);

/*
 * twobit_picture_codes with a picture to convert into, which keeps its memory for the next one. Returns 1, 0
 * or a negative errno value.
 */
int library_codes(const struct network *network, const struct twobit_picture *picture, struct picture *bgrx,
	uint8_t *codes, struct twobit_area *area, struct twobit_error *error);

/* twobit_network_answer without its check. work: double [class_count]. The area stays as it is. */
void library_answer(
	const struct network *network, const int32_t *scores, double *work, struct twobit_answer *out);

#endif
