/* SPDX-License-Identifier: MIT */
#include "cli/help.h"

#include "cli/command.h"
#include "cli/options.h"
#include "cli/output.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static void print_options(const char *heading, const struct option *options)
{
	char left[64];

	if (!options || !options->name)
		return;
	printf("\n%s:\n", heading);
	for (; options->name; options++) {
		char letter[] = {'-', options->letter, ',', ' ', 0};
		snprintf(left, sizeof(left), "%s--%s%s%s", options->letter ? letter : "    ", options->name,
			options->argument ? " " : "", options->argument ? options->argument : "");
		if (strlen(left) > 28)
			printf("  %s\n  %28s  %s\n", left, "", options->help);
		else
			printf("  %-28s  %s\n", left, options->help);
	}
}

static void print_indented(const char *lines)
{
	while (*lines) {
		size_t length = strcspn(lines, "\n");
		printf("  %.*s\n", (int)length, lines);
		lines += length + (lines[length] == '\n');
	}
}

int command_help(const struct command *command)
{
	printf("twobit %s: %s\n\nUsage: twobit %s %s\n", command->name, command->summary, command->name,
		command->usage);
	if (command->details)
		printf("\n%s\n", command->details);
	print_options("Options", command->options);
	print_options("Common options", common_options);
	if (command->examples) {
		printf("\nExamples:\n");
		print_indented(command->examples);
	}
	return output_finish(EX_OK);
}
