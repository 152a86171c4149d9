/* SPDX-License-Identifier: MIT */
/* `twobit pl`: loads a design into the PL, and says what is in it. */
#include "base/error.h"
#include "base/log.h"
#include "base/printable.h"
#include "base/words.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/output.h"
#include "pl/board/identity.h"
#include "pl/bus/bus.h"
#include "pl/bus/uio/bitstream.h"
#include "pl/bus/uio/uio.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

struct pl_values {
	bool json;
};

static const struct option options[] = {
	{"json", 0, OPTION_FLAG, NULL, "Print the status as one JSON object",
		offsetof(struct pl_values, json)},
	{0},
};

/* Asks the design in the PL what it is, if twobit has loaded it. */
static int identify(char *text, size_t size, struct error *e)
{
	static const struct bus_window window = BOARD_IDENTITY_WINDOW;
	struct board_identity identity;
	const struct uio_settings kept = {.root = uio_root(), .keeps = true};
	struct bus *bus;

	uio_configure(&kept);
	int rc = bus_open(&bus_uio, &window, 1, NULL, &bus, e);

	if (rc)
		return rc;
	rc = board_identity_read(bus, 0, &identity, e);
	bus_close(bus);
	if (!rc)
		board_identity_describe(&identity, text, size);
	return rc;
}

/* The file, as far as it can be told before it is loaded. */
static int describe_file(const char *path, char *text, size_t size, struct error *e)
{
	struct bitstream file;
	int rc = bitstream_load(path, &file, e);

	if (rc)
		return rc;
	if (*file.part)
		snprintf(text, size, "design %s for %s of %s %s, %zu bytes", file.design, file.part,
			file.date, file.time, file.size);
	else
		snprintf(text, size, "%zu bytes", file.size);
	bitstream_finish(&file);
	return 0;
}

static int load(const char *name)
{
	char path[PATH_MAX], text[400];
	struct error e;

	int rc = describe_file(name, text, sizeof(text), &e);
	if (rc) {
		e.code = rc == -EINVAL ? -EBADMSG : rc; /* one for another part is bad data, too */
		return fail(FAILURE_SOURCE, &e);
	}
	if (!realpath(name, path)) {
		error_set(&e, -errno, "%s: %s", name, strerror(errno));
		return fail(FAILURE_SOURCE, &e);
	}
	if (uio_load(path, &e))
		return fail(FAILURE_PL, &e);
	printf("loaded     %s: %s\n", PRINTABLE(name), PRINTABLE(text));
	/* Another project's design may be meant, such as QNN-MO-PYNQ's, which has no identity. */
	if (identify(text, sizeof(text), &e))
		log_warning("%s", e.text);
	else
		printf("identity   %s\n", text);
	return EX_OK;
}

static int print_status(bool json)
{
	struct uio_status status;
	struct error e = {0};
	char identity[400] = "", next[PATH_MAX] = "";

	uio_status_read(&status);
	if (uio_bitstream(next, sizeof(next), NULL))
		next[0] = '\0';
	if (!status.state[0])
		error_set(&e, -ENODEV, "this is no board with a PL");
	bool own = status.state[0] && !identify(identity, sizeof(identity), &e);
	const struct {
		const char *key;
		const char *text;
	} rows[] = {
		{"state", status.state[0] ? status.state : "no fpga_manager"},
		{"loaded", status.loaded.path[0] ? status.loaded.path : "nothing by twobit since the start"},
		{"identity", own ? identity : e.text},
		{"registers", status.registers},
		{"memory", status.memory},
		{"bitstream", next[0] ? next : "none; TWOBIT_BITSTREAM names one"},
	};
	json_t *object = json ? output_pack("{s:b}", "own", own) : NULL;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (json)
			output_set(object, rows[i].key, output_text(rows[i].text));
		else
			printf("%-9s  %s\n", rows[i].key, PRINTABLE(rows[i].text));
	if (json)
		output_json(object);
	return own ? EX_OK : EX_UNAVAILABLE;
}

static int run(struct invocation *invocation)
{
	static const char *const actions[] = {"load", "status", NULL};
	struct pl_values values = {0};
	int count, code = options_parse(invocation, &values, &count);

	if (code != OPTIONS_GO_ON)
		return code;
	const char *action = count ? invocation->argv[0] : "status";
	if (!strcmp(action, "load")) {
		if (count != 2)
			return usage_error(invocation, "`load` takes one bitstream");
		return output_finish(load(invocation->argv[1]));
	}
	if (strcmp(action, "status") != 0) {
		const char *close = closest_word(action, actions);

		return close ? usage_error(invocation, "no action is called \"%s\", did you mean %s?", action,
				       close)
			     : usage_error(invocation, "no action is called \"%s\"", action);
	}
	if (count > 1)
		return usage_error(invocation, "`status` takes no argument");
	return output_finish(print_status(values.json));
}

const struct command pl_command = {
	.name = "pl",
	.summary = "Load a design into a board's FPGA, or say what is in it",
	.usage = "[OPTION]… [status|load FILE]",
	.details =
		"`load` replaces the design in the programmable logic (PL) of a Zynq XC7Z020; it takes root\n"
		"and a PL that no program uses. `status`, without an argument, prints what is known of the\n"
		"PL without touching a design that twobit did not load; the exit code is 69 unless it is\n"
		"twobit's own. docs/board.md describes a board from its SD card on.",
	.examples = "sudo twobit pl load overlay.bit\ntwobit pl status",
	.options = options,
	.run = run,
};
