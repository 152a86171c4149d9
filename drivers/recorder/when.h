/* SPDX-License-Identifier: MIT */
/* "cat>0.6": a condition on what the network says. */
#ifndef RECORDER_WHEN_H
#define RECORDER_WHEN_H

#include "nn/network.h"

struct error;

struct when {
	bool group;
	int index;  /* of the group or the class */
	bool below; /* < instead of > */
	double confidence;
	const char *text; /* as it was given; the caller's */
};

/*
 * NAME>NUMBER or NAME<NUMBER, blanks allowed around each; NAME is a group or a label of the network, in
 * letters of any case (a group first), NUMBER 0 … 1. -EINVAL with a message.
 */
int when_parse(const char *text, const struct network *network, struct when *out, struct error *e);

/* shares: [class_count], as classify_scores leaves its work: each class's share of the sum. */
bool when_holds(const struct when *when, const struct network *network, const double *shares);

#endif
