/* SPDX-License-Identifier: MIT */
#include "teach/lesson.h"

#include "base/error.h"
#include "nn/engine.h"
#include "nn/network_names.h"
#include "nn/teach/head.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int check_network(const struct network *network, int layers, struct error *e)
{
	struct tensor read = network_tensor(network, NETWORK_INPUT);

	if (read.shape.channels != 3 && read.shape.channels != 1)
		return error_set(e, -EINVAL, "%s takes codes of %d channels, not pictures", network->name,
			read.shape.channels);
	if (network_tensor(network, layers - 1).bits == TENSOR_SUMS)
		return error_set(e, -EINVAL, "%s: its layers before the last give no codes", network->name);
	return 0;
}

int lesson_begin(struct lesson *lesson, struct network *network, const char *kernels, struct error *e)
{
	int layers;

	*lesson = (struct lesson){.network = network};
	int rc = head_features(network, &layers, e);
	if (rc || (rc = check_network(network, layers, e)) ||
		(rc = engine_create(network, 0, layers, kernels, &lesson->features, e)))
		return rc;
	lesson->size = shape_size(network_tensor(network, layers - 1).shape);
	lesson->input = malloc(shape_size(network->layers[0].in));
	lesson->source = strdup(network->name);
	if (!lesson->input || !lesson->source)
		return error_set(e, -ENOMEM, "not enough memory to teach");
	return 0;
}

void lesson_finish(struct lesson *lesson)
{
	for (int i = 0; i < lesson->class_count; i++)
		free(lesson->labels[i]);
	free((void *)lesson->labels);
	free(lesson->codes);
	free(lesson->classes);
	free(lesson->bursts);
	free(lesson->input);
	free(lesson->source);
	engine_destroy(lesson->features);
	network_destroy(lesson->network);
	*lesson = (struct lesson){0};
}

int lesson_class(struct lesson *lesson, const char *label, int *class, struct error *e)
{
	if (strcasecmp(label, "background") == 0)
		label = LABEL_BACKGROUND;
	for (int i = 0; i < lesson->class_count; i++)
		if (strcmp(lesson->labels[i], label) == 0) {
			*class = i;
			return 0;
		}
	const char *fault = label_fault(label, strlen(label));
	if (fault)
		return error_set(e, -EINVAL, "the class \"%s\" %s", label, fault);
	char **labels = realloc((void *)lesson->labels, (size_t)(lesson->class_count + 1) * sizeof(*labels));
	if (labels)
		lesson->labels = labels;
	if (!labels || !(labels[lesson->class_count] = strdup(label)))
		return error_set(e, -ENOMEM, "not enough memory for another class");
	*class = lesson->class_count++;
	return 0;
}

bool lesson_look(const struct lesson *lesson, enum view_origin origin, const struct picture *picture,
	struct face_track *track, int64_t time, struct picture_area *area)
{
	const struct shape in = lesson->network->layers[0].in;

	return view_look(&lesson->network->view, origin, picture, track, time, in.width, in.height, area);
}

const uint8_t *lesson_features(struct lesson *lesson, enum view_origin origin, const struct picture *picture,
	const struct picture_area *area, uint8_t *codes)
{
	const struct layer *first = &lesson->network->layers[0];

	view_input(&lesson->network->view, origin, picture, area, lesson->input, first->in.width,
		first->in.height, first->in.channels, first->input_bits);
	engine_run(lesson->features, lesson->input, codes);
	return codes;
}

static bool is_known(const struct lesson *lesson, const uint8_t *codes, int class)
{
	for (int i = 0; i < lesson->count; i++)
		if (lesson->classes[i] == class &&
			memcmp(lesson->codes + (size_t)i * lesson->size, codes, lesson->size) == 0)
			return true;
	return false;
}

/* Room for one more example. */
static bool grow(struct lesson *lesson)
{
	if (lesson->count < lesson->room)
		return true;
	int room = lesson->room ? 2 * lesson->room : 64;
	uint8_t *codes = realloc(lesson->codes, (size_t)room * lesson->size);
	lesson->codes = codes ? codes : lesson->codes;
	int *classes = realloc(lesson->classes, (size_t)room * sizeof(*classes));
	lesson->classes = classes ? classes : lesson->classes;
	int *bursts = realloc(lesson->bursts, (size_t)room * sizeof(*bursts));
	lesson->bursts = bursts ? bursts : lesson->bursts;
	lesson->room = codes && classes && bursts ? room : lesson->room;
	return codes && classes && bursts;
}

int lesson_add(struct lesson *lesson, const uint8_t *codes, int class, bool again, struct error *e)
{
	if (is_known(lesson, codes, class)) {
		lesson->repeated++;
		return 0;
	}
	if (lesson->count == EXAMPLES_LIMIT)
		return error_set(e, -EINVAL,
			"there are %d pictures already, which is the most that can be taught", lesson->count);
	if (!grow(lesson))
		return error_set(e, -ENOMEM, "not enough memory for more pictures");
	int before = lesson->count ? lesson->bursts[lesson->count - 1] : -1;
	lesson->bursts[lesson->count] = again && lesson->count ? before : before + 1;
	memcpy(lesson->codes + (size_t)lesson->count * lesson->size, codes, lesson->size);
	lesson->classes[lesson->count++] = class;
	return 0;
}

void lesson_drop(struct lesson *lesson)
{
	if (lesson->count)
		lesson->count--;
}

void lesson_drop_empty(struct lesson *lesson)
{
	int kept = 0;

	for (int class = 0; class < lesson->class_count; class ++) {
		if (!lesson_examples_of(lesson, class)) {
			free(lesson->labels[class]);
			continue;
		}
		for (int i = 0; i < lesson->count; i++)
			if (lesson->classes[i] == class)
				lesson->classes[i] = kept; /* at most class: those numbers are done */
		lesson->labels[kept++] = lesson->labels[class];
	}
	lesson->class_count = kept;
}

int lesson_examples_of(const struct lesson *lesson, int class)
{
	int count = 0;

	for (int i = 0; i < lesson->count; i++)
		count += lesson->classes[i] == class;
	return count;
}

int lesson_fit(const struct lesson *lesson, struct ridge *out, struct error *e)
{
	const struct examples examples = {lesson->codes, lesson->classes, lesson->bursts, lesson->count,
		lesson->class_count, lesson->size, FITTED_LIMIT};

	for (int i = 0; i < lesson->class_count; i++)
		if (!lesson_examples_of(lesson, i))
			return error_set(e, -EINVAL, "the class \"%s\" has no picture", lesson->labels[i]);
	if (lesson->class_count < 2)
		return error_set(e, -EINVAL,
			"there are pictures of one class only; add another, or pictures of the "
			"\"background\"");
	return ridge_fit(&examples, out, e);
}

int lesson_tested(const struct lesson *lesson, const struct ridge *ridge, int class, int *right)
{
	int tested = 0;

	*right = 0;
	for (int i = 0; i < lesson->count; i++)
		if (ridge->held_out[i] >= 0 && (class < 0 || lesson->classes[i] == class)) {
			tested++;
			*right += ridge->held_out[i] == lesson->classes[i];
		}
	return tested;
}

static int compare_confidences(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

/*
 * Confidences, ascending, of the tested examples that are named by one of the classes, rightly, or wrongly
 * although they show the background; returns their number.
 */
static int list_confidences(
	const struct lesson *lesson, const struct ridge *ridge, bool background, float *out)
{
	int count = 0;

	for (int i = 0; i < lesson->count; i++) {
		int found = ridge->held_out[i];
		if (found < 0 || strcmp(lesson->labels[found], LABEL_BACKGROUND) == 0)
			continue;
		if (background ? strcmp(lesson->labels[lesson->classes[i]], LABEL_BACKGROUND) == 0
			       : found == lesson->classes[i])
			out[count++] = ridge->confidence[i];
	}
	qsort(out, (size_t)count, sizeof(*out), compare_confidences);
	return count;
}

/* Fewer examples say too little of the rare ones with a low confidence. */
#define TESTED_LEAST 20

/* Shares of the examples named rightly that reach the threshold: as a rule, and at least; and of the
 * background that may reach it. */
#define NAMED 0.95
#define NAMED_LEAST 0.85
#define BACKGROUND_NAMED 0.05

double lesson_threshold(const struct lesson *lesson, const struct ridge *ridge)
{
	float *confidences = calloc((size_t)lesson->count, sizeof(*confidences));
	double threshold = 0;

	int named = confidences ? list_confidences(lesson, ridge, false, confidences) : 0;
	if (named >= TESTED_LEAST) {
		int background = 0;
		for (int i = 0; i < lesson->count; i++)
			background += ridge->held_out[i] >= 0 &&
				      strcmp(lesson->labels[lesson->classes[i]], LABEL_BACKGROUND) == 0;
		threshold = (double)confidences[(int)((1 - NAMED) * named)];
		double most = (double)confidences[(int)((1 - NAMED_LEAST) * named)];
		int wrong = list_confidences(lesson, ridge, true, confidences);
		int allowed = (int)(BACKGROUND_NAMED * background);
		double enough = wrong > allowed ? (double)confidences[wrong - 1 - allowed] + 0.01 : 0;
		threshold = fmin(fmax(threshold, enough), fmax(threshold, most));
	}
	free(confidences);
	return floor(threshold * 100) / 100;
}
