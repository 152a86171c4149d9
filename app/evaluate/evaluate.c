/* SPDX-License-Identifier: MIT */
/* `twobit evaluate`: the accuracy of a network on labelled pictures. */
#include "base/error.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/networks.h"
#include "cli/options.h"
#include "cli/output.h"
#include "evaluate/run.h"
#include "nn/format/npy.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define CONFUSIONS_SHOWN 10
#define WORKERS_MAXIMUM 1024

struct evaluate_values {
	struct option_text network, pl, kernels, labels, scores;
	int pictures, jobs;
	bool json;
};

static const struct option options[] = {
	OPTION_ROW_NETWORK(struct evaluate_values, network),
	{"labels", 'l', OPTION_TEXT, "FILE", "Labels file of an idx file [the one beside it]",
		offsetof(struct evaluate_values, labels)},
	{"number", 'n', OPTION_INTEGER, "N", "Score only the first N pictures",
		offsetof(struct evaluate_values, pictures), .minimum = 1, .maximum = INT_MAX},
	{"jobs", 'j', OPTION_INTEGER, "N", "Number of threads [one per processor]",
		offsetof(struct evaluate_values, jobs), .minimum = 1, .maximum = WORKERS_MAXIMUM},
	{"scores", 0, OPTION_TEXT, "FILE.npy", "Write the integer scores, <i4 [pictures, classes]",
		offsetof(struct evaluate_values, scores)},
	OPTION_ROW_PL(struct evaluate_values, pl),
	OPTION_ROW_KERNELS(struct evaluate_values, kernels),
	{"json", 0, OPTION_FLAG, NULL, "Print the result as one JSON object",
		offsetof(struct evaluate_values, json)},
	{0},
};

/* One call of the command. */
struct evaluate_session {
	const struct invocation *invocation;
	struct evaluate_values values;
	const char *path;
	struct network *network;
	struct dataset *dataset;
	struct evaluation_options options;
	struct evaluation result;
	struct output_file scores;
	struct confusion confusions[CONFUSIONS_SHOWN];
	int confusion_count;
};

static double share(int part, int whole)
{
	return whole ? (double)part / whole : 0;
}

static double rate(const struct evaluation *result)
{
	return result->seconds > 0 ? result->pictures / result->seconds : 0;
}

static void print_text(const struct evaluate_session *s)
{
	const struct evaluation *r = &s->result;

	printf("network   %s\npictures  %d", s->network->name, r->pictures);
	if (r->attempted < s->options.pictures)
		printf(" of %d, stopped early", s->options.pictures);
	if (r->missing + r->broken)
		printf(", %d more could not be read", r->missing + r->broken);
	printf("\ntop-1     %.2f %%\ntop-5     %.2f %%\n", 100 * share(r->top1, r->pictures),
		100 * share(r->top5, r->pictures));
	printf("speed     %.0f pictures/s, %d thread%s\n", rate(r), s->options.workers,
		s->options.workers == 1 ? "" : "s");
	if (s->confusion_count)
		printf("\nMost frequent mistakes:\n");
	for (int i = 0; i < s->confusion_count; i++)
		printf("%6d ×  %s → %s\n", s->confusions[i].count, s->network->labels[s->confusions[i].label],
			s->network->labels[s->confusions[i].predicted]);
}

static void print_json(const struct evaluate_session *s)
{
	const struct evaluation *r = &s->result;
	json_t *confusions = json_array();

	for (int i = 0; i < s->confusion_count; i++) {
		const struct confusion *c = &s->confusions[i];
		json_array_append_new(
			confusions, json_pack("{s:i, s:o, s:o}", "count", c->count, "label",
					    output_text(s->network->labels[c->label]), "predicted",
					    output_text(s->network->labels[c->predicted])));
	}
	output_json(json_pack("{s:o, s:o, s:i, s:o, s:o, s:i, s:b, s:o, s:o, s:i, s:o}", "network",
		output_text(s->network->name), "dataset", output_text(s->path), "pictures", r->pictures,
		"top1", output_share(share(r->top1, r->pictures)), "top5",
		output_share(share(r->top5, r->pictures)), "unreadable", r->missing + r->broken, "stopped",
		r->attempted < s->options.pictures, "seconds", output_share(r->seconds),
		"pictures_per_second", output_share(rate(r)), "threads", s->options.workers, "confusions",
		confusions));
}

static int write_scores(struct evaluate_session *s, struct error *e)
{
	struct npy npy = {.type = "i4",
		.dimensions = 2,
		.shape = {(uint64_t)s->result.attempted, (uint64_t)s->network->class_count}};

	return output_file_close(&s->scores, npy_write(s->scores.file, &npy, s->result.scores), e);
}

static int finish(struct evaluate_session *s)
{
	const struct evaluation *r = &s->result;
	struct error e;
	int code = EX_OK;

	s->confusion_count = evaluation_confusions(r, s->dataset, s->confusions, CONFUSIONS_SHOWN);
	if (s->confusion_count < 0) {
		error_set(&e, s->confusion_count, "out of memory for the mistakes");
		return fail(FAILURE_OURS, &e);
	}
	if (r->missing + r->broken)
		code = failure_exit_code(FAILURE_SOURCE, r->broken ? -EBADMSG : -ENOENT);
	if (s->values.json)
		print_json(s);
	else
		print_text(s);
	if (s->scores.file && write_scores(s, &e))
		return fail(FAILURE_CREATE, &e);
	return code;
}

/* Allocates the scores and opens their file first: a failure later would waste the evaluation. */
static int prepare_scores(struct evaluate_session *s, enum failure *where, struct error *e)
{
	size_t count;

	if (!s->values.scores.text)
		return 0;
	if (!__builtin_mul_overflow((size_t)s->options.pictures, (size_t)s->network->class_count, &count))
		s->result.scores = calloc(count, sizeof(int32_t));
	if (!s->result.scores)
		return error_set(
			e, -ENOMEM, "out of memory for the scores of %d pictures", s->options.pictures);
	*where = FAILURE_CREATE;
	return output_file_open(&s->scores, s->values.scores.text, e);
}

static int evaluate(struct evaluate_session *s)
{
	const struct evaluate_values *v = &s->values;
	enum failure where = FAILURE_OURS;
	struct error e;

	if (networks_open(v->network.text, &s->network, &e))
		return fail(FAILURE_NETWORK, &e);
	struct dataset_options from = {v->labels.text, s->network->labels, s->network->class_count};
	if (dataset_open(s->path, &from, &s->dataset, &e))
		return fail(FAILURE_SOURCE, &e);
	int size = dataset_size(s->dataset);
	s->options = (struct evaluation_options){.pl = v->pl.text,
		.kernels = v->kernels.text,
		.pictures = v->pictures && v->pictures < size ? v->pictures : size,
		.workers = v->jobs,
		.progress = isatty(STDERR_FILENO) && !quiet(s->invocation)};
	if (!s->options.workers) {
		long online = sysconf(_SC_NPROCESSORS_ONLN);
		s->options.workers = online < 1			? 1
				     : online > WORKERS_MAXIMUM ? WORKERS_MAXIMUM
								: (int)online;
	}
	if (s->options.workers > s->options.pictures)
		s->options.workers = s->options.pictures;
	if (prepare_scores(s, &where, &e) ||
		evaluation_run(s->network, s->dataset, &s->options, &s->result, &where, &e))
		return fail(where, &e);
	return finish(s);
}

static int run(struct invocation *invocation)
{
	struct evaluate_session s = {.invocation = invocation};
	int count;
	int code = options_parse(invocation, &s.values, &count);

	if (code != OPTIONS_GO_ON)
		return code;
	if (!count)
		return usage_error(invocation, "a data set is missing");
	if (count > 1)
		return usage_error(invocation, "\"%s\" is one argument too many", invocation->argv[1]);
	s.path = invocation->argv[0];
	code = evaluate(&s);
	output_file_drop(&s.scores);
	evaluation_finish(&s.result);
	dataset_close(s.dataset);
	network_destroy(s.network);
	return output_finish(code);
}

const struct command evaluate_command = {
	.name = "evaluate",
	.summary = "Measure the accuracy of a network on labelled pictures",
	.usage = "[OPTION]… DATASET",
	.details =
		"DATASET is one of\n"
		"  an idx file of pictures (MNIST's format, also .gz), with its labels file beside it;\n"
		"  a folder with one folder per class: its name is a label or a number, or the order "
		"counts;\n"
		"  a list file: each line has the path of a picture and the index of its label.\n"
		"Prints how often the right label is the first (top-1) and among the first five (top-5), "
		"and\n"
		"the most frequent mistakes. Ctrl-C ends early and prints the results so far.",
	.examples =
		"twobit evaluate val.txt\n"
		"twobit evaluate --network my-network t10k-images-idx3-ubyte.gz\n"
		"twobit evaluate -n 1000 --json pictures/ | jq .top1",
	.options = options,
	.run = run,
};
