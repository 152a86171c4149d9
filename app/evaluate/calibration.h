/* SPDX-License-Identifier: MIT */
/*
 * What confidences are worth: how often a label of a confidence is right, which temperature makes the two
 * agree, and from which confidence on a label is better shown than not.
 */
#ifndef APP_EVALUATE_CALIBRATION_H
#define APP_EVALUATE_CALIBRATION_H

#include "nn/network.h"

#include <stdbool.h>

/* The scores of pictures, without those that could not be read. */
struct scored {
	const struct network *network;
	int count;
	const int32_t *scores; /* [count][class_count] */
	const int *labels;     /* [count] what is right, as in truth.h; −1: none of the network's */
};

/* What the network says of a picture, and whether it is so. */
struct judgement {
	float label, group; /* confidences of the best class and of the best group; group 0: there is none */
	bool label_right, group_right;
	bool background; /* the best class is LABEL_BACKGROUND: no word is shown */
};

/* Of each picture, with the logits divided by this temperature. 0 or -ENOMEM. */
int judge(const struct scored *scored, double temperature, struct judgement *out);

/* The network's temperature as a divisor: 1 where it has none. */
double temperature_of(const struct network *network);

/*
 * The mean negative log-likelihood of the right classes, of a group: of any of its classes. All labels must
 * be ≥ 0. work: double [class_count].
 */
double likelihood_loss(const struct scored *scored, double temperature, double *work);

/*
 * The temperature of the least loss, to three digits (golden section; the loss has one minimum). *found is
 * false where it lies at an end of the allowed temperatures: all labels are right, or the scores say nothing.
 * Of more than some thousand pictures, an even selection is taken. 0 or -ENOMEM.
 */
int temperature_fit(const struct scored *scored, double *temperature, bool *found);

/* As in Guo, Pleiss, Sun, Weinberger: On Calibration of Modern Neural Networks, ICML 2017. */
#define RELIABILITY_BINS 15

struct reliability_bin { /* of confidences above i / 15, up to (i + 1) / 15 */
	int pictures;
	double confidence, accuracy; /* means; 0 for an empty bin */
};

struct reliability {
	struct reliability_bin bins[RELIABILITY_BINS];
	double error; /* ECE: |accuracy − confidence|, averaged over all pictures */
};

struct reliability reliability_of(const struct judgement *judgements, int count);

/* What a threshold does. A picture is named if a label or a group is shown; the word is right if the label
 * is, or, where no label is shown, the group. */
struct threshold_effect {
	double threshold;
	int named, right; /* of pictures of the network's classes */
	int false_words;  /* of pictures that hold none of them */
	int false_labels; /* of these, those with a label and not a group alone */
};

/* Pictures with known classes, and others that hold none of them. */
struct threshold_data {
	const struct judgement *known, *unknown;
	int known_count, unknown_count;
};

struct threshold_effect threshold_effect(const struct threshold_data *data, double threshold);

/*
 * Of 0.01, 0.02 … 0.99: the threshold with the fewest false words among those that name at least `named` (0 …
 * 1) of the known pictures; of equal ones the lowest, which names most. False: even the lowest names fewer.
 */
bool threshold_suggest(const struct threshold_data *data, double named, struct threshold_effect *out);

#endif
