/* SPDX-License-Identifier: MIT */
/* `evaluate --codes` and `--codes-of`: from pictures or codes to codes and scores, for other programs. */
#include "base/error.h"
#include "base/file.h"
#include "base/output_file.h"
#include "base/printable.h"
#include "choice/choice.h"
#include "cli/command.h"
#include "cli/networks.h"
#include "cli/output.h"
#include "evaluate/codes.h"
#include "evaluate/values.h"
#include "nn/format/npy.h"
#include "nn/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* One call of the command. Output file i is that of job.layers[i]; the last one is that of the scores. */
struct codes_session {
	const struct invocation *invocation;
	const struct evaluate_values *values;
	const char *path;
	struct network *network;
	struct dataset *dataset;
	uint8_t *file; /* of --codes, whole */
	struct codes_job job;
	struct output_file outputs[OPTION_TEXTS_MAXIMUM + 1];
	int attempted;
	double seconds;
};

static int refuse_layer(const struct codes_session *s, int index, const char *name, int length)
{
	char names[300] = "", message[500];

	for (int i = 0; i < s->network->layer_count; i++) {
		size_t used = strlen(names);
		if (s->network->layers[i].epilogue != EPILOGUE_SCORES)
			snprintf(names + used, sizeof(names) - used, "%s%s", used ? ", " : "",
				s->network->layers[i].name);
	}
	snprintf(message, sizeof(message), "no layer \"%.*s\" makes codes; there are: %s", length, name,
		names);
	return option_refuse(s->invocation, &s->values->codes_of.origins[index], message);
}

/* LAYER=OUT.npy. */
static int parse_layer(struct codes_session *s, int index, const char **path)
{
	const char *text = s->values->codes_of.items[index], *sign = strchr(text, '=');
	size_t length = sign ? (size_t)(sign - text) : 0;

	if (!length || !sign[1])
		return option_refuse(s->invocation, &s->values->codes_of.origins[index],
			"takes a layer and a file, as in conv1=conv1.npy");
	*path = sign + 1;
	for (int i = 0; i < s->network->layer_count; i++) {
		const struct layer *layer = &s->network->layers[i];
		if (layer->epilogue == EPILOGUE_SCORES || strncmp(layer->name, text, length) != 0 ||
			layer->name[length])
			continue;
		s->job.layers[s->job.layer_count++] = (struct layer_codes){.layer = i};
		return EX_OK;
	}
	return refuse_layer(s, index, text, length < NAME_LIMIT ? (int)length : NAME_LIMIT);
}

/* Opens all outputs before anything is computed. */
static int open_outputs(struct codes_session *s, struct error *e)
{
	const struct evaluate_values *v = s->values;
	struct output_name names[OPTION_TEXTS_MAXIMUM + 2] = {{0}};
	int count = 0, code = EX_OK;

	for (; v->codes_of.items[count] && !code; count++) {
		names[count].option = "--codes-of";
		code = parse_layer(s, count, &names[count].path);
	}
	if (code)
		return code;
	names[count] = (struct output_name){"--scores", v->scores.text};
	names[count + 1] = v->codes.text ? (struct output_name){"--codes", v->codes.text, .read = true}
					 : (struct output_name){"the command", s->path, .read = true};
	if ((code = output_names_check(s->invocation, names, count + 2)))
		return code;
	for (int i = 0; i <= count; i++) {
		int at = i < count ? i : OPTION_TEXTS_MAXIMUM;
		if (names[i].path && output_file_open(&s->outputs[at], names[i].path, 0, e))
			return fail_at(s->invocation, FAILURE_CREATE, e);
	}
	return EX_OK;
}

static int open_codes(struct codes_session *s, int *count, struct error *e)
{
	const char *path = s->values->codes.text;
	struct error cause;
	size_t size = 0;

	int status = file_read(AT_FDCWD, path, SIZE_MAX - 1, &s->file, &size, &cause);
	if (!status)
		status = codes_parse(s->network, s->file, size, &s->job.inputs, count, &cause);
	return status ? error_refuse(e, path, status, "%s %s", path, cause.text) : 0;
}

static int open_dataset(struct codes_session *s, int *count, struct error *e)
{
	int channels = network_tensor(s->network, NETWORK_INPUT).shape.channels;
	const struct dataset_options from = {.unlabelled = true};

	if (channels != 3 && channels != 1)
		return error_set(e, -EINVAL,
			"%s takes codes of %d channels, not pictures; give them with --codes IN.npy",
			s->network->folder, channels);
	int status = dataset_open(s->path, &from, &s->dataset, e);
	if (status)
		return status;
	s->job.pictures.dataset = s->dataset;
	s->job.pictures.progress = s->job.progress;
	*count = dataset_size(s->dataset);
	return 0;
}

static int allocate(struct codes_session *s, struct error *e)
{
	size_t tasks = (size_t)s->job.tasks, size;
	bool failed = false;

	for (int i = 0; i < s->job.layer_count && !failed; i++) {
		struct layer_codes *wanted = &s->job.layers[i];
		failed = __builtin_mul_overflow(
			tasks, tensor_bytes(network_tensor(s->network, wanted->layer)), &size);
		wanted->codes = failed ? NULL : calloc(size, 1);
		failed = !wanted->codes;
	}
	if (s->values->scores.text && !failed) {
		failed = __builtin_mul_overflow(tasks, (size_t)s->network->class_count, &size);
		s->job.scores = failed ? NULL : calloc(size, sizeof(*s->job.scores));
		failed = !s->job.scores;
	}
	return failed ? error_set(e, -ENOMEM,
				"out of memory for the codes of %d inputs; take fewer with "
				"--number",
				s->job.tasks)
		      : 0;
}

/* The array of output `at`, and its values. */
static struct npy array_of(const struct codes_session *s, int at, const void **values)
{
	uint64_t count = (uint64_t)s->attempted;

	if (at == OPTION_TEXTS_MAXIMUM) {
		*values = s->job.scores;
		return (struct npy){"i4", 2, {count, (uint64_t)s->network->class_count}};
	}
	struct tensor made = network_tensor(s->network, s->job.layers[at].layer);
	struct npy npy = {"u1", 4,
		{count, (uint64_t)made.shape.height, (uint64_t)made.shape.width,
			(uint64_t)made.shape.channels}};
	if (made.bits == TENSOR_SUMS)
		snprintf(npy.type, sizeof(npy.type), "i4");
	*values = s->job.layers[at].codes;
	return npy;
}

static int write_outputs(struct codes_session *s, json_t *files, struct error *e)
{
	for (int at = 0; at <= OPTION_TEXTS_MAXIMUM; at++) {
		const void *values;
		if (!s->outputs[at].file)
			continue;
		bool scores = at == OPTION_TEXTS_MAXIMUM;
		struct npy npy = array_of(s, at, &values);
		json_t *shape = json_array();
		for (int i = 0; i < npy.dimensions; i++)
			output_append(shape, json_integer((json_int_t)npy.shape[i]));
		const char *of = scores ? "scores" : s->network->layers[s->job.layers[at].layer].name;
		const char *path =
			scores ? s->values->scores.text : strchr(s->values->codes_of.items[at], '=') + 1;
		output_append(files,
			output_pack("{s:s, s:o, s:o}", "of", of, "file", output_text(path), "shape", shape));
		int status =
			output_file_close(&s->outputs[at], npy_write(s->outputs[at].file, &npy, values), e);
		if (status)
			return status;
	}
	return 0;
}

static void print_text(const struct codes_session *s, int unreadable, const json_t *files)
{
	size_t index;
	json_t *file;

	printf("network   %s\ninputs    %d", PRINTABLE(s->network->name), s->attempted);
	if (s->attempted < s->job.tasks)
		printf(" of %d, stopped early", s->job.tasks);
	if (unreadable)
		printf(", %d of them could not be read", unreadable);
	putchar('\n');
	json_array_foreach(files, index, file)
	{
		char *shape = json_dumps(json_object_get(file, "shape"), 0);
		printf("%-8s  %s, %s\n", json_string_value(json_object_get(file, "of")),
			PRINTABLE(json_string_value(json_object_get(file, "file"))), shape ? shape : "");
		free(shape);
	}
}

static int finish(struct codes_session *s)
{
	int missing = atomic_load(&s->job.pictures.missing), broken = atomic_load(&s->job.pictures.broken);
	json_t *files = json_array();
	struct error e;

	if (write_outputs(s, files, &e)) {
		json_decref(files);
		return fail(FAILURE_CREATE, &e);
	}
	if (s->values->json)
		output_json(output_pack("{s:o, s:i, s:i, s:b, s:o, s:O}", "network",
			output_text(s->network->name), "inputs", s->attempted, "unreadable", missing + broken,
			"stopped", s->attempted < s->job.tasks, "seconds", output_share(s->seconds), "files",
			files));
	else
		print_text(s, missing + broken, files);
	json_decref(files);
	return pictures_exit_code(atomic_load(&s->job.pictures.failure), missing, broken);
}

static int run(struct codes_session *s)
{
	const struct evaluate_values *v = s->values;
	enum failure where = FAILURE_OURS;
	struct error e;
	int count = 0;

	/* One that is named need not take pictures. */
	const struct choice choice = {.kernels = v->kernels.text, .quiet = v->json};
	if (choice_check(&choice, &where, &e))
		return fail_at(s->invocation, where, &e);
	if (v->network.text ? networks_load(v->network.text, &s->network, &e)
			    : choose_network(&choice, &s->network, &e))
		return fail_at(s->invocation, FAILURE_NETWORK, &e);
	if (v->scores.text && !s->network->class_count)
		return option_refuse(s->invocation, &v->scores.origin,
			"the network ends in codes, not in scores; write those of its last layer with "
			"--codes-of");
	s->job = (struct codes_job){.network = s->network,
		.kernels = v->kernels.text,
		.progress = progress_wanted(s->invocation)};
	if (v->codes.text ? open_codes(s, &count, &e) : open_dataset(s, &count, &e))
		return fail_at(s->invocation, e.code == -EINVAL ? FAILURE_NETWORK : FAILURE_SOURCE, &e);
	s->job.tasks = v->pictures && v->pictures < count ? v->pictures : count;
	s->job.threads = evaluate_jobs(v, s->job.tasks);
	int code = open_outputs(s, &e);
	if (code)
		return code;
	if (allocate(s, &e) || codes_run(&s->job, &s->attempted, &s->seconds, &where, &e))
		return fail_at(s->invocation, where, &e);
	return finish(s);
}

int codes_command(const struct invocation *invocation, const struct evaluate_values *values, const char *path)
{
	struct codes_session s = {.invocation = invocation, .values = values, .path = path};
	int code = run(&s);

	for (int i = 0; i <= OPTION_TEXTS_MAXIMUM; i++)
		output_file_drop(&s.outputs[i]);
	for (int i = 0; i < s.job.layer_count; i++)
		free(s.job.layers[i].codes);
	free(s.job.scores);
	free(s.file);
	dataset_close(s.dataset);
	network_destroy(s.network);
	return code;
}
