/* SPDX-License-Identifier: MIT */
/* "cat>0.6": a condition on the network's result. */
#ifndef RECORDER_WHEN_H
#define RECORDER_WHEN_H

#include "nn/network.h"

struct error;

struct when {
	bool group;
	int index;  /* of the group or the class */
	bool below; /* < instead of > */
	double confidence;
	const char *text; /* the argument of when_parse; the caller owns it */
};

/*
 * NAME>NUMBER or NAME<NUMBER, with or without blanks. NAME is a group or a label of the network, in any case;
 * a group comes first. NUMBER is 0 … 1. -EINVAL with a message.
 */
int when_parse(const char *text, const struct network *network, struct when *out, struct error *e);

/* shares: [class_count], each class's share of the sum, as from classify_scores. */
bool when_holds(const struct when *when, const struct network *network, const double *shares);

#endif
