/* SPDX-License-Identifier: MIT */
/*
 * What is right for a picture of a data set, as dataset_label gives it: class 0 … class_count − 1, or one of
 * a group's classes, whichever: class_count + the group.
 */
#ifndef APP_EVALUATE_TRUTH_H
#define APP_EVALUATE_TRUTH_H

#include "nn/network.h"

#include <stdbool.h>

/* Classes and groups together. */
int truth_count(const struct network *network);

/* The group that is meant; NULL: a class is. */
const struct label_group *truth_group(const struct network *network, int truth);

const char *truth_name(const struct network *network, int truth);

/* Whether the class is right. truth −1: none is. */
bool truth_holds(const struct network *network, int truth, int class);

#endif
