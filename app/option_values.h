/* SPDX-License-Identifier: MIT */
/* One option: how it looks, and how a text becomes its value. */
#ifndef APP_OPTION_VALUES_H
#define APP_OPTION_VALUES_H

#include <stddef.h>

struct error;

enum option_kind {
	OPTION_FLAG,	 /* bool, set to true */
	OPTION_TEXT,	 /* const char *, points into argv */
	OPTION_TEXTS,	 /* struct option_texts; each use of the option adds one */
	OPTION_CHOICE,	 /* const char *, one of `choices` */
	OPTION_INTEGER,	 /* int, minimum … maximum */
	OPTION_NUMBER,	 /* double, minimum … maximum */
	OPTION_SIZE,	 /* struct option_size: 1280x720; each side minimum … maximum */
	OPTION_DURATION, /* double, seconds: 10, 10s, 500ms, 2m, 1h; minimum … maximum seconds */
	OPTION_AMOUNT,	 /* struct amount (recorder/amount.h): 10min, 500MB, '10min|500MB' */
	OPTION_BYTES,	 /* size_t: 64MB; minimum … maximum bytes */
};

/* Where a value may come from. */
enum option_source {
	OPTION_FROM_ANYWHERE, /* the command line, the environment, files */
	/* The command line or the command's own section of a file: elsewhere the name is about what other
	 * commands have under it. */
	OPTION_FROM_OWN,
};

struct option_size {
	int width, height;
};

#define OPTION_TEXTS_MAXIMUM 16

struct option_texts {
	const char *items[OPTION_TEXTS_MAXIMUM + 1]; /* NULL-terminated, point into argv */
};

struct option {
	const char *name; /* without dashes; NULL ends the table */
	char letter;	  /* 0: none */
	enum option_kind kind;
	const char *argument; /* how help calls the value: "NAME|DIR"; NULL for a flag */
	const char *help;     /* one line; the default, if worth telling, in brackets at its end */
	size_t offset;	      /* of the value in the command's struct */
	double minimum, maximum;
	const char *const *choices; /* NULL-terminated, for OPTION_CHOICE */
	enum option_source source;
};

/*
 * Reads the text into the option's value; for a flag, NULL says that it stands there by itself. -EINVAL, with
 * what it takes in *e: "takes a whole number from 1 to 9, not \"x\"".
 */
int option_set(const struct option *option, const char *text, void *value, struct error *e);

#endif
