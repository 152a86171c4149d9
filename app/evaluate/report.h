/* SPDX-License-Identifier: MIT */
/* All that an evaluation found, and its two forms. */
#ifndef APP_EVALUATE_REPORT_H
#define APP_EVALUATE_REPORT_H

#include "evaluate/calibration.h"
#include "evaluate/classes.h"

#define CONFUSIONS_SHOWN 10
#define THRESHOLD_STEPS 19

/* What thresholds do to pictures that hold none of the classes. */
struct unknown_report {
	const char *path;
	const struct evaluation *result;
	double goal;		     /* share of the data set that is to be named, 0 … 1 */
	int known_count;	     /* pictures of the data set */
	struct threshold_effect now; /* of the threshold that counts without --threshold */
	struct threshold_effect steps[THRESHOLD_STEPS]; /* 0.05, 0.1 … 0.95 */
	bool suggested, calibrated_suggested;		/* there is what follows */
	struct threshold_effect suggestion;
	struct threshold_effect calibrated; /* the one to suggest beside the fitted temperature */
};

struct evaluation_report {
	const struct network *network;
	const char *path;
	const struct evaluation_options *options;
	const struct evaluation *result;
	struct confusion confusions[CONFUSIONS_SHOWN];
	int confusion_count;
	struct class_result
		*classes; /* [class_count], the worst first; groups with pictures are among them */
	int class_count;
	double temperature; /* the network's; 1: none */
	double loss;
	struct reliability reliability;
	bool fitted; /* there are the fitted temperature, and what it changes */
	double fitted_temperature, fitted_loss;
	struct reliability fitted_reliability;
	struct unknown_report unknown; /* path NULL: not wanted */
};

/*
 * unknown: the evaluation of pictures without any of the classes; its path, result and goal are set in
 * out->unknown beforehand. Those and network, path, options and result stay the caller's. 0 or -ENOMEM; in
 * both cases evaluation_report_finish ends it.
 */
int evaluation_report_fill(struct evaluation_report *out, const struct dataset *dataset);
void evaluation_report_finish(struct evaluation_report *report);

/* 0 where there is nothing to divide by. */
static inline double share_of(int part, int whole)
{
	return whole ? (double)part / whole : 0;
}

/* verbose: the tables of reliability and of classes, too. */
void evaluation_report_print(const struct evaluation_report *report, bool verbose);
void evaluation_report_print_json(const struct evaluation_report *report);

#endif
