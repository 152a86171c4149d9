/* SPDX-License-Identifier: MIT */
/* The findings of `doctor`: printed at once, or gathered as JSON. */
#ifndef APP_DOCTOR_FINDINGS_H
#define APP_DOCTOR_FINDINGS_H

#include <jansson.h>
#include <stdbool.h>

enum finding {
	FINDING_GOOD,
	FINDING_NOTE, /* works, but could work better, or lacks a part that few users need */
	FINDING_BAD,  /* does not work */
};

/* The findings so far. */
struct doctor {
	const char *part; /* the part that is being checked */
	json_t *rows;	  /* NULL: findings are printed at once */
	int counts[FINDING_BAD + 1];
	bool colour;
};

/* Adds a finding. format: the message; advice: what the user can do, or NULL. */
void doctor_find(struct doctor *doctor, enum finding finding, const char *advice, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
