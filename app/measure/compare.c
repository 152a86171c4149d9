/* SPDX-License-Identifier: MIT */
#include "measure/compare.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/printable.h"
#include "base/text.h"
#include "cli/output.h"
#include "measure/measure.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Bytes; a document of a hundred networks takes 1 MiB. */
#define SIZE_LIMIT ((size_t)16 << 20)

#define PIPE_PATIENCE 10000 /* ms until the first byte of a pipe */

static int bad(const char *name, struct error *e, const char *what)
{
	return error_set(e, -EBADMSG, "%s: %s; `twobit measure --json` writes such files", name, what);
}

/* A time of the document, or null: 0 ≤ low ≤ p50 ≤ high. */
static bool time_good(const json_t *time)
{
	static const char *const keys[] = {"low", "p50", "high"};
	double before = 0;

	if (json_is_null(time))
		return true;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const json_t *value = json_object_get(time, keys[i]);
		if (!json_is_number(value) || !(json_number_value(value) >= before))
			return false;
		before = json_number_value(value);
	}
	return json_is_integer(json_object_get(time, "runs")) &&
	       json_is_boolean(json_object_get(time, "stable"));
}

static bool layer_good(const json_t *layer)
{
	const char *const texts[] = {"name", "kind"};
	const char *const shapes[] = {"input", "output"};
	const char *const numbers[] = {"input_bits", "weight_bits", "output_bits", "operations"};

	for (size_t i = 0; i < 2; i++)
		if (!json_is_string(json_object_get(layer, texts[i])) ||
			json_array_size(json_object_get(layer, shapes[i])) != 3)
			return false;
	for (size_t i = 0; i < 4; i++)
		if (!json_is_integer(json_object_get(layer, numbers[i])))
			return false;
	return time_good(json_object_get(layer, "software_us")) && time_good(json_object_get(layer, "pl_us"));
}

static bool pipeline_good(const json_t *pipeline)
{
	return !pipeline || (time_good(json_object_get(pipeline, "interval_us")) &&
				    time_good(json_object_get(pipeline, "latency_us")));
}

static bool network_good(const json_t *network)
{
	const json_t *layers = json_object_get(network, "layers"), *layer, *pipeline;
	const json_t *times = json_object_get(network, "times_us");
	size_t i;

	if (!json_is_string(json_object_get(network, "network")) ||
		!json_is_string(json_object_get(network, "pl")) || !json_array_size(layers))
		return false;
	json_array_foreach(layers, i, layer) if (!layer_good(layer)) return false;
	for (int t = 0; t < MEASURED_TIMES; t++) {
		const json_t *time = json_object_get(times, measured_keys[t]);
		if (t == MEASURED_NETWORK && !time) /* earlier versions did not take it */
			continue;
		if (!time_good(time))
			return false;
	}
	pipeline = json_object_get(network, "pipeline");
	return json_is_object(pipeline) && pipeline_good(json_object_get(pipeline, "overlap")) &&
	       pipeline_good(json_object_get(pipeline, "in_turn")) &&
	       pipeline_good(json_object_get(pipeline, "threads"));
}

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static const json_t *find_network(const json_t *document, const char *name)
{
	const json_t *network;
	size_t i;

	json_array_foreach(json_object_get(document, "networks"), i,
		network) if (strcmp(text_of(network, "network"), name) == 0) return network;
	return NULL;
}

static int check(const json_t *document, const char *name, struct error *e)
{
	const json_t *format = json_object_get(document, "measure");
	const json_t *networks = json_object_get(document, "networks"), *network;
	char what[120];
	size_t i;

	if (!json_is_integer(format) || !json_is_array(networks))
		return bad(name, e, "is JSON, but not a measurement");
	if (json_integer_value(format) != MEASURE_FORMAT) {
		snprintf(what, sizeof(what), "has format %lld, this version reads %d",
			(long long)json_integer_value(format), MEASURE_FORMAT);
		return bad(name, e, what);
	}
	json_array_foreach(networks, i, network)
	{
		if (network_good(network))
			continue;
		snprintf(what, sizeof(what), "its network %zu has missing or wrong fields", i + 1);
		return bad(name, e, what);
	}
	return 0;
}

int comparison_read(const void *text, size_t size, const char *name, json_t **out, struct error *e)
{
	struct text plain;
	struct error cause;
	json_error_t fault;

	*out = NULL;
	if (size > SIZE_LIMIT)
		return error_set(e, -EOVERFLOW, "%s: is larger than %zu MiB, so it is not a measurement",
			name, SIZE_LIMIT >> 20);
	int status = text_begin(&plain, text, size, &cause);
	if (status)
		return error_set(e, status, "%s: %s", name, cause.text);
	json_t *document;
	status = json_from_text(plain.rest, plain.length, &document, &fault);
	if (status == -ENOMEM)
		return error_set(e, status, "out of memory for %s", name);
	if (status)
		return error_set(e, status, "%s: line %d: not JSON: %s", name, fault.line, fault.text);
	status = check(document, name, e);
	if (status) {
		json_decref(document);
		return status;
	}
	*out = document;
	return 0;
}

/* NULL: an error was set. */
static FILE *file_open(const char *path, struct error *e)
{
	int fd = file_open_within(path, PIPE_PATIENCE);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "rb");

	if (fd == -ETIMEDOUT)
		error_set(e, fd, "cannot read %s: nobody writes to this pipe", path);
	else if (!file)
		error_set(
			e, fd < 0 ? fd : -errno, "cannot read %s: %s", path, strerror(fd < 0 ? -fd : errno));
	if (fd >= 0 && !file)
		close(fd);
	return file;
}

int comparison_load(const char *path, json_t **out, struct error *e)
{
	FILE *file = file_open(path, e);
	char *text = malloc(SIZE_LIMIT + 1);
	int status = 0;

	*out = NULL;
	if (!file)
		status = e->code;
	else if (!text)
		status = error_set(e, -ENOMEM, "out of memory for %s", path);
	if (!status) {
		errno = 0;
		size_t size = fread(text, 1, SIZE_LIMIT + 1, file);
		status = ferror(file) ? error_set(e, -(errno ? errno : EIO), "cannot read %s: %s", path,
						strerror(errno ? errno : EIO))
				      : comparison_read(text, size, path, out, e);
	}
	free(text);
	if (file)
		fclose(file);
	return status;
}

/* Times of two layers can be compared if their kinds, shapes and bits are the same. */
static bool same_layer(const json_t *a, const json_t *b)
{
	static const char *const keys[] = {
		"name", "kind", "input", "output", "input_bits", "weight_bits", "output_bits", "operations"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!json_equal(json_object_get(a, keys[i]), json_object_get(b, keys[i])))
			return false;
	return true;
}

static int check_same(const json_t *ours, const json_t *theirs, const char *name, struct error *e)
{
	const char *network = text_of(ours, "network");
	const json_t *a = json_object_get(ours, "layers"), *b = json_object_get(theirs, "layers");

	if (json_array_size(a) != json_array_size(b))
		return error_set(e, -EBADMSG,
			"%s: its %s is another network: it has %zu layers, this one has %zu", name, network,
			json_array_size(b), json_array_size(a));
	for (size_t i = 0; i < json_array_size(a); i++)
		if (!same_layer(json_array_get(a, i), json_array_get(b, i)))
			return error_set(e, -EBADMSG,
				"%s: its %s is another network: layer %zu (\"%s\") has other shapes or bits",
				name, network, i + 1, text_of(json_array_get(a, i), "name"));
	return 0;
}

static double value_of(const json_t *time, const char *key)
{
	return json_number_value(json_object_get(time, key));
}

/* Fewer than six values have no 95 % interval of the median. Counted cycles are exact and need none. */
static bool interval_known(const json_t *time)
{
	return value_of(time, "runs") >= 6 || json_is_true(json_object_get(time, "stable"));
}

/* Adds a row if both documents have the time. `rate`: the row gives its inverse, pictures per second. */
static void add(
	json_t *rows, const char *network, const char *what, bool rate, const json_t *a, const json_t *b)
{
	double x = value_of(a, "p50"), y = value_of(b, "p50");

	if (!(x > 0) || !(y > 0))
		return;
	bool apart = value_of(a, "high") < value_of(b, "low") || value_of(b, "high") < value_of(a, "low");
	bool differs = apart && interval_known(a) && interval_known(b);
	output_append(rows, output_pack("{s:s, s:s, s:s, s:f, s:f, s:f, s:b}", "network", network, "what",
				    what, "unit", rate ? "pictures/s" : "µs", "this", rate ? 1e6 / x : x,
				    "other", rate ? 1e6 / y : y, "ratio", y / x, "differs", differs));
}

static const json_t *kernel_of(const json_t *layers, size_t i)
{
	return json_object_get(json_array_get(layers, i), "kernel");
}

static bool same_means(const json_t *a, const json_t *b)
{
	const json_t *x = json_object_get(a, "layers"), *y = json_object_get(b, "layers");

	if (strcmp(text_of(a, "pl"), text_of(b, "pl")) != 0 ||
		json_is_true(json_object_get(a, "simulated")) !=
			json_is_true(json_object_get(b, "simulated")))
		return false;
	for (size_t i = 0; i < json_array_size(x); i++)
		if (kernel_of(x, i) != kernel_of(y, i) && !json_equal(kernel_of(x, i), kernel_of(y, i)))
			return false;
	return true;
}

/* PL and kernels of a measurement: "PL rtl, simulated; kernels avx512-bits, avx2-bits", each kernel once. */
static json_t *means_of(const json_t *network)
{
	const json_t *layers = json_object_get(network, "layers");
	const char *before = "; kernels ";
	char text[1024];
	size_t used = (size_t)snprintf(text, sizeof(text), "PL %s%s", text_of(network, "pl"),
		json_is_true(json_object_get(network, "simulated")) ? ", simulated" : "");

	for (size_t i = 0; i < json_array_size(layers) && used < sizeof(text); i++) {
		size_t first = 0;
		if (!json_is_string(kernel_of(layers, i)))
			continue;
		while (!json_equal(kernel_of(layers, first), kernel_of(layers, i)))
			first++;
		if (first < i)
			continue;
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", before,
			json_string_value(kernel_of(layers, i)));
		before = ", ";
	}
	printable_make(text);
	return output_text(text);
}

/* If PL or kernels differ, names them in the rows from `first` on. */
static void name_means(json_t *rows, size_t first, const json_t *ours, const json_t *theirs)
{
	if (same_means(ours, theirs))
		return;
	for (size_t i = first; i < json_array_size(rows); i++) {
		output_set(json_array_get(rows, i), "this_by", means_of(ours));
		output_set(json_array_get(rows, i), "other_by", means_of(theirs));
	}
}

static void add_network(json_t *rows, const json_t *ours, const json_t *theirs)
{
	static const struct {
		const char *what;
		enum measured_time time;
	} times[] = {
		{"conv0, into the PL's buffer", MEASURED_CONV0},
		{"PL's layers together", MEASURED_PL},
		{"PL's layers in software", MEASURED_SOFTWARE_LAYERS},
		{"label", MEASURED_LABEL},
		{"end to end", MEASURED_ALL},
		{"end to end in software", MEASURED_SOFTWARE_ALL},
	};
	static const char *const pipelines[PIPELINES][2] = {{"overlap", "with overlap"},
		{"in_turn", "without overlap"}, {"threads", "with threads a layer"}};
	const char *name = text_of(ours, "network");
	const json_t *a = json_object_get(ours, "layers"), *b = json_object_get(theirs, "layers");
	char what[160];

	for (size_t i = 0; i < json_array_size(a); i++) {
		const json_t *x = json_array_get(a, i), *y = json_array_get(b, i);
		snprintf(what, sizeof(what), "%s, software", text_of(x, "name"));
		add(rows, name, what, false, json_object_get(x, "software_us"),
			json_object_get(y, "software_us"));
		snprintf(what, sizeof(what), "%s, PL", text_of(x, "name"));
		add(rows, name, what, false, json_object_get(x, "pl_us"), json_object_get(y, "pl_us"));
	}
	a = json_object_get(ours, "times_us"), b = json_object_get(theirs, "times_us");
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		add(rows, name, times[i].what, false, json_object_get(a, measured_keys[times[i].time]),
			json_object_get(b, measured_keys[times[i].time]));
	a = json_object_get(ours, "pipeline"), b = json_object_get(theirs, "pipeline");
	for (size_t i = 0; i < PIPELINES; i++) {
		const json_t *x = json_object_get(a, pipelines[i][0]),
			     *y = json_object_get(b, pipelines[i][0]);
		add(rows, name, pipelines[i][1], true, json_object_get(x, "interval_us"),
			json_object_get(y, "interval_us"));
		snprintf(what, sizeof(what), "latency %s", pipelines[i][1]);
		add(rows, name, what, false, json_object_get(x, "latency_us"),
			json_object_get(y, "latency_us"));
	}
}

int comparison_check(const json_t *ours, const json_t *theirs, const char *name, struct error *e)
{
	const json_t *network;
	const char *lacking = "any network";
	bool some = false;
	size_t i;

	json_array_foreach(json_object_get(ours, "networks"), i, network)
	{
		const json_t *other = find_network(theirs, text_of(network, "network"));
		int status = other ? check_same(network, other, name, e) : 0;
		if (status)
			return status;
		some |= other != NULL;
		lacking = other ? lacking : text_of(network, "network");
	}
	if (!some)
		return error_set(e, -EBADMSG, "%s: has no measurement of %s to compare with", name, lacking);
	json_array_foreach(json_object_get(ours, "networks"), i,
		network) if (!find_network(theirs, text_of(network, "network")))
		log_warning(
			"%s: has no measurement of %s to compare with", name, text_of(network, "network"));
	return 0;
}

json_t *comparison_make(const json_t *ours, const json_t *theirs)
{
	json_t *rows = json_array();
	const json_t *network;
	size_t i;

	json_array_foreach(json_object_get(ours, "networks"), i, network)
	{
		const json_t *other = find_network(theirs, text_of(network, "network"));
		size_t first = json_array_size(rows);
		if (!rows || !other)
			continue;
		add_network(rows, network, other);
		name_means(rows, first, network, other);
	}
	return rows;
}

static void print_head(const json_t *row, const char *network)
{
	if (text_of(row, "this_by"))
		printf("%s: not by the same means: this by %s | other by %s\n", PRINTABLE(network),
			PRINTABLE(text_of(row, "this_by")), PRINTABLE(text_of(row, "other_by")));
	printf("%-30s %11s %11s %8s\n", PRINTABLE(network), "this", "other", "ratio");
}

void comparison_print(const json_t *rows, const json_t *theirs, const char *name)
{
	const char *date = text_of(theirs, "date"), *before = "";
	const json_t *row;
	char when[64];
	size_t i;

	snprintf(when, sizeof(when), "%s%s", date ? ", " : "", date ? date : "");
	printable_make(when);
	printf("\ncompared with %s%s; a ratio above 1: this is faster; =: the intervals of the two touch\n",
		PRINTABLE(name), when);
	json_array_foreach(rows, i, row)
	{
		const char *network = text_of(row, "network");
		if (strcmp(before, network) != 0)
			print_head(row, network);
		before = network;
		printf("  %-28.28s %11.1f %11.1f %7.2f×%s %s\n", PRINTABLE(text_of(row, "what")),
			value_of(row, "this"), value_of(row, "other"), value_of(row, "ratio"),
			json_is_true(json_object_get(row, "differs")) ? " " : "=", text_of(row, "unit"));
	}
}
