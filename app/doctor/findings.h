/* SPDX-License-Identifier: MIT */
/* What `doctor` finds: printed as it comes, or gathered as JSON. */
#ifndef APP_DOCTOR_FINDINGS_H
#define APP_DOCTOR_FINDINGS_H

#include <jansson.h>
#include <stdbool.h>

enum finding {
	FINDING_GOOD,
	FINDING_NOTE, /* works, but not as well as it could, or lacks a part that few need */
	FINDING_BAD,  /* does not work */
};

/* The findings so far. */
struct doctor {
	const char *part; /* that is looked at */
	json_t *rows;	  /* NULL: findings are printed as they come */
	int counts[FINDING_BAD + 1];
	bool colour;
};

/* What is the matter, in a message; remedy: what to do about it, NULL when there is nothing to do. */
void doctor_find(struct doctor *doctor, enum finding finding, const char *remedy, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
