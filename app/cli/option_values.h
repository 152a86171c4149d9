/* SPDX-License-Identifier: MIT */
/* One option: how it looks, and how a text becomes its value. */
#ifndef APP_CLI_OPTION_VALUES_H
#define APP_CLI_OPTION_VALUES_H

#include <stddef.h>

struct error;

enum option_kind {
	OPTION_FLAG,	 /* bool, set to true */
	OPTION_TEXT,	 /* struct option_text */
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

/* Where a value came from. All 0: it is a default. */
struct option_origin {
	char spelled[80];  /* as the user wrote it: "--frames", "-n", "frames", "TWOBIT_FRAMES" */
	const char *place; /* a file, or "environment"; NULL: the command line */
	int line;	   /* of a file, from 1; else 0 */
};

/* Its text is in argv, in the environment, or in the invocation's configuration. */
struct option_text {
	const char *text;
	struct option_origin origin;
};

struct option_size {
	int width, height;
};

#define OPTION_TEXTS_MAXIMUM 16

struct option_texts {
	const char *items[OPTION_TEXTS_MAXIMUM + 1]; /* NULL-terminated */
	struct option_origin origins[OPTION_TEXTS_MAXIMUM];
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
 * Reads the text into the option's value, and where it came from, if it is a text; for a flag, NULL says that
 * it stands there by itself. -EINVAL, and in *e what it takes instead: "takes yes or no, not …".
 */
int option_set(const struct option *option, const struct option_origin *origin, const char *text, void *value,
	struct error *e);

#endif
