/* SPDX-License-Identifier: MIT */
/* One option: its description, and the conversion of a text to its value. */
#ifndef APP_CLI_OPTION_VALUES_H
#define APP_CLI_OPTION_VALUES_H

#include <stddef.h>

struct error;

enum option_kind {
	OPTION_FLAG,  /* bool, set to true */
	OPTION_TEXT,  /* struct option_text */
	OPTION_TEXTS, /* struct option_texts; each use of the option adds one. The command line replaces those
		       * of the environment, these those of a file, the user's those of the system's */
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
	/* Only the command line or the command's own section of a file: elsewhere, the name means another
	 * option of that name, of other commands. */
	OPTION_FROM_OWN,
};

/* Where a value came from. All 0: it is a default. */
struct option_origin {
	char spelled[80];  /* as the user wrote it: "--frames", "-n", "frames", "TWOBIT_FRAMES" */
	const char *place; /* a file, or "environment"; NULL: the command line */
	int line;	   /* of a file, from 1; else 0 */
};

/* The text belongs to argv, to the environment, or to the invocation's configuration. */
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
	const char *argument; /* the value's name in the help: "NAME|DIR"; NULL for a flag */
	const char *help;     /* one line; ends with the default in brackets, if that is of use */
	size_t offset;	      /* of the value in the command's struct */
	double minimum, maximum;
	const char *const *choices; /* NULL-terminated, for OPTION_CHOICE */
	enum option_source source;
};

/*
 * Converts the text to the option's value. A value of kind OPTION_TEXT or OPTION_TEXTS also keeps the origin.
 * text is NULL for a flag without a value. -EINVAL: *e names what the option takes: "takes yes or no, not …".
 */
int option_set(const struct option *option, const struct option_origin *origin, const char *text, void *value,
	struct error *e);

#endif
