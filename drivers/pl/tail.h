/* SPDX-License-Identifier: MIT */
/*
 * The layers behind those that a PL takes, in software: computed once for each submission of a buffer, by the
 * thread that waits for it, while the PL computes the other buffer.
 */
#ifndef PL_TAIL_H
#define PL_TAIL_H

#include "nn/network.h"

struct error;
struct tail;

/* Layers first … last − 1 of the network, which must outlive the tail; fails as engine_create. */
int tail_create(const struct network *network, int first, int last, const char *kernels, struct tail **out,
	struct error *e);
void tail_destroy(struct tail *tail); /* takes NULL */

/* The buffer is about to be submitted: its output is void. */
void tail_expect(struct tail *tail, int buffer);

/* The PL's part of the buffer is done: codes is what it gave. Any thread, and more than once. */
void tail_run(struct tail *tail, int buffer, const uint8_t *codes);

int32_t *tail_output(struct tail *tail, int buffer);

#endif
