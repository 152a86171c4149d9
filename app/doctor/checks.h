/* SPDX-License-Identifier: MIT */
/* The checks of `doctor`. */
#ifndef APP_DOCTOR_CHECKS_H
#define APP_DOCTOR_CHECKS_H

struct doctor;

struct doctor_options {
	const char *network; /* that the user named; NULL: none */
	const char *folder;  /* for recordings */
};

/* Each checks one part of the program or of the machine. */
void doctor_check_build(struct doctor *doctor, const struct doctor_options *options);
void doctor_check_modules(struct doctor *doctor, const struct doctor_options *options);
void doctor_check_cameras(struct doctor *doctor, const struct doctor_options *options);
void doctor_check_displays(struct doctor *doctor, const struct doctor_options *options);
void doctor_check_network(struct doctor *doctor, const struct doctor_options *options);
void doctor_check_pl(struct doctor *doctor, const struct doctor_options *options);
void doctor_check_processor(struct doctor *doctor, const struct doctor_options *options);
void doctor_check_memory(struct doctor *doctor, const struct doctor_options *options);
void doctor_check_sandbox(struct doctor *doctor, const struct doctor_options *options);
void doctor_check_disk(struct doctor *doctor, const struct doctor_options *options);

#endif
