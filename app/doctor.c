/* SPDX-License-Identifier: MIT */
/* `twobit doctor`: what is wrong on this machine, and how to mend it. */
#include "doctor.h"

#include "command.h"
#include "networks.h"
#include "options.h"
#include "output.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

struct values {
	struct option_text network, folder;
	bool json;
};

struct doctor {
	const char *part;
	json_t *rows; /* NULL: findings are printed as they come */
	int counts[FINDING_BAD + 1];
	bool colour;
};

static const struct option options[] = {
	OPTION_ROW_NETWORK(struct values, network),
	{"folder", 0, OPTION_TEXT, "DIR", "Where recordings would go [.]", offsetof(struct values, folder)},
	{"json", 0, OPTION_FLAG, NULL, "Print one JSON object", offsetof(struct values, json)},
	{0},
};

static const struct {
	const char *name;
	void (*check)(struct doctor *doctor, const struct doctor_options *options);
} parts[] = {
	{"camera", doctor_check_cameras},
	{"display", doctor_check_displays},
	{"network", doctor_check_network},
	{"PL", doctor_check_pl},
	{"processor", doctor_check_processor},
	{"memory", doctor_check_memory},
	{"disk", doctor_check_disk},
};

static const struct {
	const char *word, *colour;
} looks[] = {
	[FINDING_GOOD] = {"good", "32"},
	[FINDING_NOTE] = {"note", "33"},
	[FINDING_BAD] = {"BAD", "31"},
};

static void print_finding(
	const struct doctor *doctor, enum finding finding, const char *sentence, const char *remedy)
{
	const char *word = looks[finding].word;

	if (doctor->colour)
		printf("%-10s \033[%sm%-4s\033[0m  %s\n", doctor->part, looks[finding].colour, word,
			sentence);
	else
		printf("%-10s %-4s  %s\n", doctor->part, word, sentence);
	if (remedy)
		printf("%-10s       → %s\n", "", remedy);
}

void doctor_find(struct doctor *doctor, enum finding finding, const char *remedy, const char *format, ...)
{
	char sentence[768];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(sentence, sizeof(sentence), format, arguments);
	va_end(arguments);
	doctor->counts[finding]++;
	if (!doctor->rows) {
		print_finding(doctor, finding, sentence, remedy);
		return;
	}
	json_array_append_new(doctor->rows,
		json_pack("{s:s, s:s, s:o, s:o}", "part", doctor->part, "state",
			finding == FINDING_BAD ? "bad" : looks[finding].word, "sentence",
			output_text(sentence), "remedy", remedy ? output_text(remedy) : json_null()));
}

static int run(struct invocation *invocation)
{
	struct values values = {.network = {NETWORK_DEFAULT}, .folder = {"."}};
	struct doctor doctor = {0};
	int count;
	int code = options_parse(invocation, &values, &count);

	if (code != OPTIONS_GO_ON)
		return code;
	if (count)
		return usage_error(invocation, "\"%s\" is one argument too many", invocation->argv[0]);
	doctor.rows = values.json ? json_array() : NULL;
	doctor.colour = colour_wanted(invocation, STDOUT_FILENO);
	const struct doctor_options looked = {values.network.text, values.folder.text};
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		doctor.part = parts[i].name;
		parts[i].check(&doctor, &looked);
		fflush(stdout); /* some parts take a second */
	}
	if (values.json)
		output_json(json_pack(
			"{s:b, s:o}", "healthy", doctor.counts[FINDING_BAD] == 0, "findings", doctor.rows));
	else
		printf("%d bad, %d to note, %d good\n", doctor.counts[FINDING_BAD],
			doctor.counts[FINDING_NOTE], doctor.counts[FINDING_GOOD]);
	return output_finish(doctor.counts[FINDING_BAD] ? EX_UNAVAILABLE : EX_OK);
}

const struct command doctor_command = {
	.name = "doctor",
	.summary = "Say what is wrong on this machine, and how to mend it",
	.usage = "[OPTION]…",
	.details =
		"Looks at cameras (formats, USB bandwidth, who has them), displays, the network, the PL (is "
		"its answer\n"
		"right?), processor, memory and disk. Changes nothing. Ends with 69 when something does not "
		"work.",
	.examples =
		"twobit doctor\n"
		"twobit doctor --network lenet5 --folder /var/lib/twobit\n",
	.options = options,
	.run = run,
};
