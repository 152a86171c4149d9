/* SPDX-License-Identifier: MIT */
/* `twobit classify`: the labels of each picture. */
#include "nn/classify.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/printable.h"
#include "choice/choice.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/threads.h"
#include "image/decode.h"
#include "image/formats.h"
#include "image/picture.h"
#include "nn/pool.h"
#include "pipeline/classifier.h"

#include <stdio.h>
#include <sysexits.h>

struct classify_values {
	struct option_text network, pl, kernels, threads;
	int top;
	double threshold; /* negative: the network's */
	bool json;
};

static const struct option options[] = {
	OPTION_ROW_NETWORK(struct classify_values, network),
	{"top-k", 'k', OPTION_INTEGER, "N", "Number of labels per picture [5]",
		offsetof(struct classify_values, top), .minimum = 1, .maximum = TOP_MAXIMUM},
	{"threshold", 0, OPTION_NUMBER, "P",
		"Say that nothing is known below this confidence, 0 to 1 [the network's own, or 0.1]",
		offsetof(struct classify_values, threshold), 0, 1},
	OPTION_ROW_PL(struct classify_values, pl),
	OPTION_ROW_KERNELS(struct classify_values, kernels),
	OPTION_ROW_THREADS(struct classify_values, threads),
	{"json", 0, OPTION_FLAG, NULL, "Print one JSON object per picture, each on one line",
		offsetof(struct classify_values, json)},
	{0},
};

static void print_text(
	const struct network *network, const struct classification *result, int top, float threshold)
{
	if (!result->count)
		printf("nothing known: there is no face\n");
	else if (result->background)
		printf("nothing known; the likeliest are\n");
	else if (!classification_known(result, threshold))
		printf("nothing known: no label reaches %.4g %%; the likeliest are\n",
			100 * (double)threshold);
	for (int i = 0; i < top; i++)
		printf("%6.1f %%  %s\n", 100 * (double)result->top[i].confidence,
			network->labels[result->top[i].index]);
	if (result->group.index >= 0)
		printf("%6.1f %%  group %s\n", 100 * (double)result->group.confidence,
			network->groups[result->group.index].name);
}

/* Where the face is; null: there is none. */
static json_t *face_json(const struct classification *result, const struct picture_area *area)
{
	return result->count ? output_pack("[i, i, i, i]", area->x, area->y, area->width, area->height)
			     : json_null();
}

static void print_json(const char *file, const struct network *network, const struct classification *result,
	const struct picture_area *area, int top, float threshold, int64_t nanoseconds)
{
	json_t *list = json_array();

	for (int i = 0; i < top; i++) {
		const struct prediction *p = &result->top[i];
		output_append(
			list, output_pack("{s:o, s:i, s:o}", "label", output_text(network->labels[p->index]),
				      "index", p->index, "confidence", output_share((double)p->confidence)));
	}
	json_t *object = output_pack("{s:o, s:o, s:b, s:o}", "file", output_text(file), "network",
		output_text(network->name), "known", classification_known(result, threshold), "top", list);
	if (network->view.kind == VIEW_FACE)
		output_set(object, "face", face_json(result, area));
	if (result->group.index >= 0)
		output_set(object, "group",
			output_pack("{s:o, s:o}", "label",
				output_text(network->groups[result->group.index].name), "confidence",
				output_share((double)result->group.confidence)));
	output_set(object, "microseconds", json_integer((nanoseconds + 500) / 1000));
	output_json(object);
}

/* A picture that fails does not stop the others. The first failure decides the exit code. */
static int classify_files(struct classifier *classifier, const struct network *network,
	const struct classify_values *values, char **files, int count)
{
	struct picture picture = {0};
	struct classification result;
	float threshold = classification_threshold(network, values->threshold);
	struct error e;
	int code = EX_OK;

	for (int i = 0; i < count; i++) {
		if (picture_read_file(files[i], &picture, &e)) {
			int failed = fail(FAILURE_SOURCE, &e);
			code = code ? code : failed;
			continue;
		}
		log_debug("%s: %d x %d pixels", files[i], picture.width, picture.height);
		int64_t begun = clock_now();
		if (classifier_run(classifier, VIEW_FROM_FILE, &picture, NULL, &result, &e)) {
			code = fail(FAILURE_PL, &e);
			break;
		}
		int64_t taken = clock_now() - begun;
		int top = values->top < result.count ? values->top : result.count;
		if (values->json) {
			print_json(files[i], network, &result, classifier_area(classifier), top, threshold,
				taken);
			continue;
		}
		if (count > 1)
			printf("%s\n", PRINTABLE(files[i]));
		print_text(network, &result, top, threshold);
	}
	picture_finish(&picture);
	return code;
}

static int run(struct invocation *invocation)
{
	struct classify_values values = {.top = 5, .threshold = -1};
	struct network *network = NULL;
	struct classifier *classifier = NULL;
	struct pool *pool;
	enum failure where;
	struct error e;
	int count;
	int code = options_parse(invocation, &values, &count);

	if (code != OPTIONS_GO_ON)
		return code;
	if (!count)
		return usage_error(invocation, "a picture is missing");
	struct choice choice = {values.network.text, values.pl.text, values.kernels.text, values.json};
	if (choice_check(&choice, &where, &e))
		return fail_at(invocation, where, &e);
	if (choose_network(&choice, &network, &e))
		return fail_at(invocation, FAILURE_NETWORK, &e);
	code = threads_start(invocation, &values.threads, &pool);
	const struct classifier_options wanted = {
		.pl = values.pl.text, .kernels = values.kernels.text, .pool = pool};
	if (code == OPTIONS_GO_ON)
		code = classifier_create(network, &wanted, &classifier, &where, &e)
			       ? fail_at(invocation, where, &e)
			       : classify_files(classifier, network, &values, invocation->argv, count);
	classifier_destroy(classifier);
	pool_destroy(pool);
	network_destroy(network);
	return output_finish(code);
}

const struct command classify_command = {
	.name = "classify",
	.summary = "Classify pictures",
	.usage = "[OPTION]… PICTURE…",
	.details =
		"Prints the most likely labels of each picture (" PICTURE_FORMATS
		") with their\n"
		"confidences. \"-\" is a picture on standard input.\n"
		"If the network has groups of labels, the most likely group follows. If neither the label "
		"nor the\n"
		"group reaches the threshold, the network knows nothing in the picture, and a line says so.\n"
		"A picture that cannot be read is reported on stderr; the others are still classified.",
	.examples =
		"twobit classify cat.jpg\n"
		"twobit classify --top-k 1 holiday/*.jpg\n"
		"twobit classify --json cat.jpg | jq -r '.top[0].label'",
	.options = options,
	.run = run,
};
