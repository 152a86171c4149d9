/* SPDX-License-Identifier: MIT */
/* What `doctor` looks at, and what it finds. */
#ifndef APP_DOCTOR_H
#define APP_DOCTOR_H

struct doctor;

enum finding {
	FINDING_GOOD,
	FINDING_NOTE, /* works, but not as well as it could, or a part is not there that not everybody needs
		       */
	FINDING_BAD,  /* does not work */
};

struct doctor_options {
	const char *network; /* as networks_open */
	const char *folder;  /* where recordings would go */
};

/* What is the matter, in a sentence; remedy: what to do about it, NULL when there is nothing to do. */
void doctor_find(struct doctor *doctor, enum finding finding, const char *remedy, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Each looks at one part of the machine. */
void doctor_check_cameras(struct doctor *doctor, const struct doctor_options *options);
void doctor_check_displays(struct doctor *doctor, const struct doctor_options *options);
void doctor_check_network(struct doctor *doctor, const struct doctor_options *options);
void doctor_check_pl(struct doctor *doctor, const struct doctor_options *options);
void doctor_check_processor(struct doctor *doctor, const struct doctor_options *options);
void doctor_check_memory(struct doctor *doctor, const struct doctor_options *options);
void doctor_check_disk(struct doctor *doctor, const struct doctor_options *options);

#endif
