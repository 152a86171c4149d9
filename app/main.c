/* SPDX-License-Identifier: MIT */
/* `twobit COMMAND …`: finds the command and runs it. */
#include "base/build.h"
#include "base/log.h"
#include "base/words.h"
#include "cli/command.h"
#include "cli/help.h"
#include "cli/options.h"
#include "cli/output.h"
#include "commands.h"
#include "commit.h"
#include "nn/kernels/table.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static int print_help(FILE *file)
{
	fprintf(file,
		"twobit: pictures in, labels out, by low-bit integer neural networks\n\n"
		"Usage: twobit COMMAND [OPTION]… [ARGUMENT]…\n\n");
	for (int i = 0; commands[i]; i++)
		fprintf(file, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
	fprintf(file,
		"\n`twobit help COMMAND` prints the help of a command, `twobit --version` the version.\n");
	return file == stdout ? output_finish(EX_OK) : EX_USAGE;
}

/* The first line is for programs. The others are for bug reports. */
static int print_version(void)
{
	char features[100];

	build_features(features, sizeof(features));
	printf("twobit %s\ncommit    %s\ncompiler  %s\nfeatures  %s\nkernels  ", TWOBIT_VERSION,
		TWOBIT_COMMIT, TWOBIT_COMPILER, features);
	for (const char *const *name = kernel_names(); *name; name++)
		printf(" %s", *name);
	putchar('\n');
	return output_finish(EX_OK);
}

static const struct command *find_command(const char *name)
{
	const char *names[COMMANDS_MAXIMUM] = {0};

	for (int i = 0; commands[i] && i < COMMANDS_MAXIMUM - 1; i++) {
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
		names[i] = commands[i]->name;
	}
	const char *close = closest_word(name, names);
	if (close)
		log_error("unknown command \"%s\", did you mean %s? `twobit help` lists them", name, close);
	else
		log_error("unknown command \"%s\"; `twobit help` lists them", name);
	return NULL;
}

/*
 * If the caller closed a standard descriptor, the next file that is opened would get its number, and our
 * output would end in that file. /dev/null takes the number instead; its direction is wrong, so that using it
 * fails.
 */
static void keep_standard_descriptors(void)
{
	static const int flags[] = {O_WRONLY, O_RDONLY, O_WRONLY};

	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", flags[fd]) != fd)
			_exit(EX_OSERR);
}

int main(int argc, char **argv)
{
	struct invocation invocation = {.commands = commands};

	keep_standard_descriptors();
	signal(SIGPIPE, SIG_IGN);
	log_configure(LOG_INFO, colour_wanted(&invocation, STDERR_FILENO));
	if (argc < 2)
		return print_help(stderr);
	if (strcmp(argv[1], "--version") == 0)
		return print_version();
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return print_help(stdout);
	bool help = strcmp(argv[1], "help") == 0;
	if (help && argc == 2)
		return print_help(stdout);
	if (argv[1][0] == '-') {
		log_error("unknown option %s before the command; see `twobit --help`", argv[1]);
		return EX_USAGE;
	}
	invocation.command = find_command(argv[help ? 2 : 1]);
	if (!invocation.command)
		return EX_USAGE;
	invocation.argc = argc - 1;
	invocation.argv = argv + 1;
	int code = help ? OPTIONS_HELP : invocation.command->run(&invocation);
	if (code == OPTIONS_HELP)
		code = command_help(invocation.command);
	invocation_finish(&invocation);
	return code;
}
