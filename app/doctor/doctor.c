/* SPDX-License-Identifier: MIT */
/* `twobit doctor`: problems on this machine, and advice on fixing them. */
#include "cli/command.h"
#include "cli/options.h"
#include "cli/output.h"
#include "doctor/checks.h"
#include "doctor/findings.h"

#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

struct doctor_values {
	struct option_text network, folder;
	bool json;
};

static const struct option options[] = {
	OPTION_ROW_NETWORK(struct doctor_values, network),
	{"folder", 0, OPTION_TEXT, "DIR", "Folder for recordings [.]",
		offsetof(struct doctor_values, folder)},
	{"json", 0, OPTION_FLAG, NULL, "Print one JSON object", offsetof(struct doctor_values, json)},
	{0},
};

static const struct {
	const char *name;
	void (*check)(struct doctor *doctor, const struct doctor_options *options);
} parts[] = {
	{"build", doctor_check_build},
	{"modules", doctor_check_modules},
	{"camera", doctor_check_cameras},
	{"display", doctor_check_displays},
	{"network", doctor_check_network},
	{"PL", doctor_check_pl},
	{"processor", doctor_check_processor},
	{"memory", doctor_check_memory},
	{"sandbox", doctor_check_sandbox},
	{"disk", doctor_check_disk},
};

static int run(struct invocation *invocation)
{
	struct doctor_values values = {.folder = {"."}};
	struct doctor doctor = {0};
	int count;
	int code = options_parse(invocation, &values, &count);

	if (code != OPTIONS_GO_ON)
		return code;
	if (count)
		return usage_error(invocation, "\"%s\" is one argument too many", invocation->argv[0]);
	doctor.rows = values.json ? json_array() : NULL;
	doctor.colour = colour_wanted(invocation, STDOUT_FILENO);
	const struct doctor_options checked = {values.network.text, values.folder.text};
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		doctor.part = parts[i].name;
		parts[i].check(&doctor, &checked);
		fflush(stdout); /* some checks take a second */
	}
	if (values.json)
		output_json(output_pack(
			"{s:b, s:o}", "healthy", doctor.counts[FINDING_BAD] == 0, "findings", doctor.rows));
	else
		printf("%d bad, %d to note, %d good\n", doctor.counts[FINDING_BAD],
			doctor.counts[FINDING_NOTE], doctor.counts[FINDING_GOOD]);
	return output_finish(doctor.counts[FINDING_BAD] ? EX_UNAVAILABLE : EX_OK);
}

const struct command doctor_command = {
	.name = "doctor",
	.summary = "Check this machine and give advice on problems",
	.usage = "[OPTION]…",
	.details =
		"Checks the features and modules of this build, the cameras (formats, USB bandwidth, "
		"programs\n"
		"that use them), displays, the network, the PL (its result), processor, memory and disk.\n"
		"Changes nothing. The exit code is 69 if something does not work.",
	.examples =
		"twobit doctor\n"
		"twobit doctor --network lenet5 --folder /var/lib/twobit\n",
	.options = options,
	.run = run,
};
