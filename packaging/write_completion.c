/* SPDX-License-Identifier: MIT */
/*
 * write_completion bash|zsh|fish: prints a script that completes twobit's command line in that shell, made
 * from the tables of commands and options.
 */
#include "cli/command.h"
#include "cli/options.h"
#include "commands.h"

#include <stdio.h>
#include <string.h>

/* What a value of an option may be. */
enum value_kind { VALUE_NONE, VALUE_CHOICE, VALUE_LISTED, VALUE_FILE, VALUE_OTHER };

struct value {
	enum value_kind kind;
	char list[32]; /* VALUE_LISTED: `twobit list LIST` prints the names */
};

static struct value value_of(const struct option *option)
{
	static const char *const files[] = {"FILE", "DIR", "FOLDER", "PATH", "SOURCE", ".npy"};
	struct value value = {.kind = VALUE_OTHER};
	const char *listed = strstr(option->help, "`twobit list ");

	if (!option->argument)
		return (struct value){.kind = VALUE_NONE};
	if (option->choices)
		return (struct value){.kind = VALUE_CHOICE};
	if (strcmp(option->name, "network") == 0)
		return (struct value){VALUE_LISTED, "networks"};
	if (listed && sscanf(listed, "`twobit list %31[a-z]`", value.list) == 1) {
		value.kind = VALUE_LISTED;
		return value;
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (strstr(option->argument, files[i]))
			value.kind = VALUE_FILE;
	return value;
}

/* Calls `print` for the options of a command, its own first. */
static void each_option(const struct command *command,
	void (*print)(const struct command *command, const struct option *option))
{
	for (const struct option *o = command->options; o && o->name; o++)
		print(command, o);
	for (const struct option *o = common_options; o->name; o++)
		print(command, o);
}

/* The words that the usage names, as of `list`: "[networks|labels [NETWORK]]" gives "networks labels". */
static void print_operands(const struct command *command)
{
	const char *const letters = "abcdefghijklmnopqrstuvwxyz";
	const char *word = command->usage;

	while ((word = strchr(word, '[')) && word[1 + strspn(word + 1, letters)] != '|')
		word++;
	while (word && (*word == '[' || *word == '|')) {
		size_t length = strspn(word + 1, letters);
		printf("%.*s ", (int)length, word + 1);
		word = strpbrk(word + 1 + length, "|]");
	}
}

static void print_choices(const struct option *option)
{
	for (const char *const *choice = option->choices; *choice; choice++)
		printf("%s%s", choice == option->choices ? "" : " ", *choice);
}

static void print_commands(void)
{
	for (const struct command *const *command = commands; *command; command++)
		printf("%s ", (*command)->name);
}

/* With a backslash before each of the special characters, and `quote` for a single quote. */
static void print_escaped(const char *text, const char *special, const char *quote)
{
	for (; *text; text++) {
		if (*text == '\'') {
			fputs(quote, stdout);
			continue;
		}
		if (strchr(special, *text))
			putchar('\\');
		putchar(*text);
	}
}

static void bash_name(const struct command *command, const struct option *option)
{
	(void)command;
	if (option->letter)
		printf("-%c ", option->letter);
	printf("--%s ", option->name);
}

static void bash_value(const struct command *command, const struct option *option)
{
	struct value value = value_of(option);

	if (value.kind == VALUE_NONE)
		return;
	printf("\t\t'%s --%s'", command->name, option->name);
	if (option->letter)
		printf(" | '%s -%c'", command->name, option->letter);
	printf(") ");
	if (value.kind == VALUE_CHOICE) {
		printf("words='");
		print_choices(option);
		printf("' ;;\n");
	} else if (value.kind == VALUE_LISTED) {
		printf("words=$(_twobit_list %s) ;;\n", value.list);
	} else {
		printf("%s ;;\n", value.kind == VALUE_FILE ? "return" : "compopt +o default && return");
	}
}

static void write_bash(void)
{
	printf("# bash completion of twobit; made from its tables of options\n"
	       "# compgen expands its words: a network's folder may be called $(…)\n"
	       "_twobit_list() {\n"
	       "\t\"${COMP_WORDS[0]}\" list \"$1\" 2>/dev/null |\n"
	       "\t\tsed -n 's/^[ *]*\\([[:alnum:]_.+-]*\\)\\( .*\\)*$/\\1/p'\n"
	       "}\n\n"
	       "_twobit() {\n"
	       "\tlocal command=${COMP_WORDS[1]} current=$2 previous=$3 words=''\n"
	       "\t[[ $current != = ]] || current=''\n"
	       "\t[[ $previous != = ]] || previous=${COMP_WORDS[COMP_CWORD - 2]}\n"
	       "\tif ((COMP_CWORD == 1)) || [[ $COMP_CWORD == 2 && $command == help ]]; then\n"
	       "\t\tCOMPREPLY=($(compgen -W '");
	print_commands();
	printf("help --help --version' -- \"$current\"))\n"
	       "\t\treturn\n"
	       "\tfi\n"
	       "\tcase \"$command $previous\" in\n");
	for (const struct command *const *command = commands; *command; command++)
		each_option(*command, bash_value);
	printf("\tesac\n"
	       "\t[[ -n $words ]] || case $command in\n");
	for (const struct command *const *command = commands; *command; command++) {
		printf("\t%s)\n\t\twords='", (*command)->name);
		print_operands(*command);
		printf("'\n\t\t[[ $current != -* ]] || words='");
		each_option(*command, bash_name);
		printf("' ;;\n");
	}
	printf("\tesac\n"
	       "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
	       "}\n\n"
	       "complete -o bashdefault -o default -F _twobit twobit\n");
}

static void zsh_option(const struct command *command, const struct option *option)
{
	static const char special[] = "[]:\\", quote[] = "'\\''";
	struct value value = value_of(option);
	const char *sign = value.kind == VALUE_NONE ? "" : "=";

	(void)command;
	printf(" \\\n\t\t\t");
	if (option->letter)
		printf("{-%c%s,--%s%s}", option->letter, value.kind == VALUE_NONE ? "" : "+", option->name,
			sign);
	else
		printf("--%s%s", option->name, sign);
	printf("'[");
	print_escaped(option->help, special, quote);
	printf("]");
	if (value.kind != VALUE_NONE) {
		printf(":");
		print_escaped(option->argument, special, quote);
		printf(":");
	}
	if (value.kind == VALUE_CHOICE) {
		printf("(");
		print_choices(option);
		printf(")");
	} else if (value.kind == VALUE_LISTED) {
		printf("{compadd -- $(_twobit_list %s)}", value.list);
	} else if (value.kind == VALUE_FILE) {
		printf("_files");
	}
	printf("'");
}

static void write_zsh(void)
{
	printf("#compdef twobit\n"
	       "# zsh completion of twobit; made from its tables of options\n"
	       "_twobit_list() {\n"
	       "\t$service list $1 2>/dev/null | sed 's/^[ *]*//; s/ .*//'\n"
	       "}\n\n"
	       "_twobit() {\n"
	       "\tlocal -a names\n"
	       "\tif ((CURRENT == 2)) || [[ $CURRENT == 3 && $words[2] == help ]]; then\n"
	       "\t\tnames=(");
	for (const struct command *const *command = commands; *command; command++) {
		printf("\n\t\t\t'%s:", (*command)->name);
		print_escaped((*command)->summary, ":\\", "'\\''");
		printf("'");
	}
	printf("\n\t\t\t'help:Explain a command')\n"
	       "\t\t_describe command names\n"
	       "\t\treturn\n"
	       "\tfi\n"
	       "\tlocal command=$words[2]\n"
	       "\tshift words\n"
	       "\t((CURRENT--))\n"
	       "\tcase $command in\n");
	for (const struct command *const *command = commands; *command; command++) {
		printf("\t%s)\n\t\t_arguments -s", (*command)->name);
		each_option(*command, zsh_option);
		printf(" \\\n\t\t\t'*: :{[[ -n \"");
		print_operands(*command);
		printf("\" ]] && compadd -- ");
		print_operands(*command);
		printf(" || _files}' ;;\n");
	}
	printf("\tesac\n"
	       "}\n\n"
	       "_twobit \"$@\"\n");
}

static void fish_option(const struct command *command, const struct option *option)
{
	struct value value = value_of(option);

	printf("complete -c twobit -n '__fish_seen_subcommand_from %s' -l %s", command->name, option->name);
	if (option->letter)
		printf(" -s %c", option->letter);
	if (value.kind == VALUE_CHOICE) {
		printf(" -x -a '");
		print_choices(option);
		printf("'");
	} else if (value.kind == VALUE_LISTED) {
		printf(" -x -a '(__twobit_list %s)'", value.list);
	} else if (value.kind != VALUE_NONE) {
		printf(value.kind == VALUE_FILE ? " -r -F" : " -x");
	}
	printf(" -d '");
	print_escaped(option->help, "\\", "\\'");
	printf("'\n");
}

static void write_fish(void)
{
	printf("# fish completion of twobit; made from its tables of options\n"
	       "function __twobit_list\n"
	       "\ttwobit list $argv 2>/dev/null | string replace -r '^[ *]*' '' | string replace -r ' .*' "
	       "''\n"
	       "end\n\n");
	for (const struct command *const *command = commands; *command; command++) {
		printf("complete -c twobit -n __fish_use_subcommand -f -a %s -d '", (*command)->name);
		print_escaped((*command)->summary, "\\", "\\'");
		printf("'\ncomplete -c twobit -n '__fish_seen_subcommand_from %s' -a '", (*command)->name);
		print_operands(*command);
		printf("'\n");
		each_option(*command, fish_option);
	}
	printf("complete -c twobit -n __fish_use_subcommand -f -a help -d 'Explain a command'\n"
	       "complete -c twobit -n '__fish_seen_subcommand_from help' -f -a '");
	print_commands();
	printf("'\n");
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*write)(void);
	} shells[] = {{"bash", write_bash}, {"zsh", write_zsh}, {"fish", write_fish}};

	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]) && argc == 2; i++) {
		if (strcmp(argv[1], shells[i].name) == 0) {
			shells[i].write();
			return fflush(stdout) != 0;
		}
	}
	fprintf(stderr, "usage: write_completion bash|zsh|fish\n");
	return 64;
}
