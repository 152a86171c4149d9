/* SPDX-License-Identifier: MIT */
/* `twobit evaluate`: the accuracy of a network on labelled pictures, and what its confidences are worth. */
#include "base/error.h"
#include "base/log.h"
#include "base/output_file.h"
#include "choice/choice.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/threads.h"
#include "evaluate/pictures.h"
#include "evaluate/report.h"
#include "evaluate/run.h"
#include "evaluate/values.h"
#include "nn/format/npy.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

static const struct option options[] = {
	OPTION_ROW_NETWORK(struct evaluate_values, network),
	{"labels", 'l', OPTION_TEXT, "FILE", "Labels file of an idx file [the one beside it]",
		offsetof(struct evaluate_values, labels)},
	{"number", 'n', OPTION_INTEGER, "N", "Score only the first N pictures",
		offsetof(struct evaluate_values, pictures), .minimum = 1, .maximum = INT_MAX},
	{"jobs", 'j', OPTION_INTEGER, "N",
		"Threads that take pictures [one per processor; with --threads one]",
		offsetof(struct evaluate_values, jobs), .minimum = 1, .maximum = JOBS_MAXIMUM},
	{"scores", 0, OPTION_TEXT, "FILE.npy", "Write the integer scores, <i4 [pictures, classes]",
		offsetof(struct evaluate_values, scores)},
	{"confusion", 0, OPTION_TEXT, "FILE.csv", "Write the confusion matrix, a row for each true class",
		offsetof(struct evaluate_values, confusion)},
	{"unknown", 0, OPTION_TEXT, "FOLDER",
		"Pictures of none of the classes: print how often each threshold names them",
		offsetof(struct evaluate_values, unknown)},
	{"named", 0, OPTION_NUMBER, "SHARE",
		"With --unknown: share of the data set that a suggested threshold names [0.85]",
		offsetof(struct evaluate_values, named), 0, 1},
	{"codes", 0, OPTION_TEXT, "IN.npy",
		"Instead of DATASET: codes of the input, |u1 [n, height, width, channels]",
		offsetof(struct evaluate_values, codes), .source = OPTION_FROM_OWN},
	{"codes-of", 0, OPTION_TEXTS, "LAYER=OUT.npy",
		"Write a layer's codes, |u1 [n, height, width, channels]; can be repeated",
		offsetof(struct evaluate_values, codes_of), .source = OPTION_FROM_OWN},
	OPTION_ROW_PL(struct evaluate_values, pl),
	OPTION_ROW_KERNELS(struct evaluate_values, kernels),
	OPTION_ROW_THREADS(struct evaluate_values, threads),
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
	struct dataset *dataset, *unknown;
	struct evaluation_options options;
	struct evaluation result, unknown_result;
	struct output_file scores, confusion;
	struct evaluation_report report;
};

static int write_scores(struct evaluate_session *s, struct error *e)
{
	struct npy npy = {.type = "i4",
		.dimensions = 2,
		.shape = {(uint64_t)s->result.attempted, (uint64_t)s->network->class_count}};

	return output_file_close(&s->scores, npy_write(s->scores.file, &npy, s->result.scores), e);
}

static int write_confusion(struct evaluate_session *s, struct error *e)
{
	return output_file_close(
		&s->confusion, confusions_write(s->confusion.file, s->network, &s->result, s->dataset), e);
}

static int finish(struct evaluate_session *s)
{
	int missing = s->result.missing + s->unknown_result.missing;
	int broken = s->result.broken + s->unknown_result.broken;
	int failure = s->result.failure ? s->result.failure : s->unknown_result.failure;
	struct error e;

	int status = evaluation_report_fill(&s->report, s->dataset);
	if (status) {
		error_set(&e, status, "out of memory for the tables of %d pictures", s->result.pictures);
		return fail(FAILURE_OURS, &e);
	}
	if (s->values.json)
		evaluation_report_print_json(&s->report);
	else
		evaluation_report_print(&s->report, s->invocation->verbose);
	if (s->scores.file && write_scores(s, &e))
		return fail(FAILURE_CREATE, &e);
	if (s->confusion.file && write_confusion(s, &e))
		return fail(FAILURE_CREATE, &e);
	return pictures_exit_code(failure, missing, broken);
}

/* Opens the files first: a failure later would waste the evaluation. */
static int open_outputs(struct evaluate_session *s, struct error *e)
{
	const struct output_name names[] = {{"--scores", s->values.scores.text},
		{"--confusion", s->values.confusion.text}, {"the command", s->path, .read = true}};
	struct output_file *files[] = {&s->scores, &s->confusion};
	int code = output_names_check(s->invocation, names, 3);

	for (int i = 0; i < 2 && !code; i++)
		if (names[i].path && output_file_open(files[i], names[i].path, 0, e))
			code = fail_at(s->invocation, FAILURE_CREATE, e);
	return code;
}

/* Folders may have the names of groups. 0 or as dataset_open. */
static int open_labelled(struct evaluate_session *s, struct error *e)
{
	const struct network *network = s->network;
	const char **groups =
		(const char **)calloc((size_t)network->group_count + 1, sizeof(network->groups[0].name));

	if (!groups)
		return error_set(e, -ENOMEM, "out of memory for the names of groups");
	for (int i = 0; i < network->group_count; i++)
		groups[i] = network->groups[i].name;
	const struct dataset_options from = {.labels_path = s->values.labels.text,
		.labels = network->labels,
		.class_count = network->class_count,
		.groups = groups,
		.group_count = network->group_count};
	int status = dataset_open(s->path, &from, &s->dataset, e);
	free((void *)groups);
	return status;
}

static int open_datasets(struct evaluate_session *s, struct error *e)
{
	const struct dataset_options unlabelled = {.unlabelled = true};
	const char *unknown = s->values.unknown.text;
	int status = open_labelled(s, e);

	if (status || !unknown)
		return status;
	status = dataset_open(unknown, &unlabelled, &s->unknown, e);
	e->wrong = status ? unknown : NULL;
	return status;
}

/* All pictures of the unknown, whatever --number says of the data set. */
static int run_unknown(struct evaluate_session *s, enum failure *where, struct error *e)
{
	struct evaluation_options all = s->options;

	if (!s->unknown)
		return 0;
	all.pictures = dataset_size(s->unknown);
	all.workers = evaluate_jobs(&s->values, all.pictures);
	s->report.unknown = (struct unknown_report){
		.path = s->values.unknown.text, .result = &s->unknown_result, .goal = s->values.named};
	return evaluation_run(s->network, s->unknown, &all, &s->unknown_result, where, e);
}

static int evaluate(struct evaluate_session *s)
{
	const struct evaluate_values *v = &s->values;
	enum failure where = FAILURE_OURS;
	struct error e;

	const struct choice choice = {v->network.text, v->pl.text, v->kernels.text, v->json};
	if (choice_check(&choice, &where, &e))
		return fail_at(s->invocation, where, &e);
	if (choose_network(&choice, &s->network, &e))
		return fail_at(s->invocation, FAILURE_NETWORK, &e);
	if (open_datasets(s, &e))
		return fail_at(s->invocation, FAILURE_SOURCE, &e);
	int size = dataset_size(s->dataset);
	int pictures = v->pictures && v->pictures < size ? v->pictures : size;
	log_debug("%s: %d pictures", s->path, size);
	s->options = (struct evaluation_options){.pl = v->pl.text,
		.kernels = v->kernels.text,
		.pictures = pictures,
		.workers = evaluate_jobs(v, pictures),
		.threads = v->layer_threads,
		.progress = progress_wanted(s->invocation)};
	s->report = (struct evaluation_report){
		.network = s->network, .path = s->path, .options = &s->options, .result = &s->result};
	int code = open_outputs(s, &e);
	if (code)
		return code;
	if (evaluation_run(s->network, s->dataset, &s->options, &s->result, &where, &e) ||
		run_unknown(s, &where, &e))
		return fail_at(s->invocation, where, &e);
	return finish(s);
}

/* An option on the command line that is of no use without labels. A setting is for other calls. */
static const char *labelled_option(const struct evaluate_values *v)
{
	return option_given(&v->confusion) ? "--confusion"
	       : option_given(&v->unknown) ? "--unknown"
	       : option_given(&v->labels)  ? "--labels"
					   : NULL;
}

/* What does not go together. */
static int check_usage(const struct invocation *invocation, const struct evaluate_values *v, int count)
{
	bool files_only = v->codes.text || v->codes_of.items[0];

	if (count > (v->codes.text ? 0 : 1))
		return usage_error(invocation, "\"%s\" is one argument too many%s",
			invocation->argv[v->codes.text ? 0 : 1], v->codes.text ? " beside --codes" : "");
	if (!count && !v->codes.text)
		return usage_error(invocation, "a data set is missing");
	if (v->codes.text && !v->scores.text && !v->codes_of.items[0])
		return usage_error(invocation, "--codes needs --scores or --codes-of: what to write");
	const char *labelled = labelled_option(v);
	if (files_only && labelled)
		return usage_error(
			invocation, "%s needs labelled pictures; leave out --codes and --codes-of", labelled);
	return OPTIONS_GO_ON;
}

static int run(struct invocation *invocation)
{
	struct evaluate_session s = {.invocation = invocation, .values = {.named = 0.85}};
	int count;
	int code = options_parse(invocation, &s.values, &count);

	if (code == OPTIONS_GO_ON)
		code = check_usage(invocation, &s.values, count);
	if (code == OPTIONS_GO_ON)
		code = threads_count(invocation, &s.values.threads, &s.values.layer_threads);
	if (code != OPTIONS_GO_ON)
		return code;
	s.path = count ? invocation->argv[0] : NULL;
	if (s.values.codes.text || s.values.codes_of.items[0]) {
		s.values.layer_threads = 1; /* of each job */
		return output_finish(codes_command(invocation, &s.values, s.path));
	}
	code = evaluate(&s);
	output_file_drop(&s.scores);
	output_file_drop(&s.confusion);
	evaluation_report_finish(&s.report);
	evaluation_finish(&s.result);
	evaluation_finish(&s.unknown_result);
	dataset_close(s.dataset);
	dataset_close(s.unknown);
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
		"  a folder with one folder per class: its name is a label, a group or a number, or the "
		"order\n  counts; in a group's folder each class of the group is right;\n"
		"  a list file: each line has the path of a picture and the index of its label.\n"
		"Prints how often the right label is the first (top-1) and among the first five (top-5), how "
		"far\n"
		"confidences are from the truth (ECE, the expected calibration error) and the most frequent "
		"mistakes;\n"
		"with -v also tables of confidences and of classes. Ctrl-C ends early and prints the results "
		"so far.\n"
		"With --codes or --codes-of it only writes files, computed in software: no labels are "
		"needed, "
		"and a\n"
		"network that takes or gives codes will do.",
	.examples =
		"twobit evaluate val.txt\n"
		"twobit evaluate --network my-network t10k-images-idx3-ubyte.gz\n"
		"twobit evaluate -n 1000 --json pictures/ | jq .top1\n"
		"twobit evaluate --unknown walls/ pictures/\n"
		"twobit evaluate --codes in.npy --scores out.npy\n"
		"twobit evaluate --codes-of fc0=features.npy pictures/",
	.options = options,
	.run = run,
};
