/* SPDX-License-Identifier: MIT */
/* `twobit list`: the choices that options and arguments have on this machine. */
#include "base/error.h"
#include "base/log.h"
#include "base/printable.h"
#include "base/words.h"
#include "cli/command.h"
#include "cli/networks.h"
#include "cli/options.h"
#include "cli/output.h"
#include "display/display.h"
#include "list_cameras.h"
#include "nn/engine.h"
#include "nn/format/load.h"
#include "nn/kernels/table.h"
#include "pl/pl.h"
#include "source/source.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

struct list_values {
	bool json;
};

static const struct option options[] = {
	{"json", 0, OPTION_FLAG, NULL, "Print one JSON object", offsetof(struct list_values, json)},
	{0},
};

/* The table to print. Rows are printed at once, or gathered in `rows` for JSON. */
struct table {
	json_t *rows; /* NULL: no JSON */
	bool verbose;
};

static void add_row(struct table *table, const char *name, const char *summary)
{
	if (table->rows)
		output_append(table->rows, output_pack("{s:o, s:o}", "name", output_text(name), "summary",
						   output_text(summary)));
	else
		printf("  %-16s  %s\n", PRINTABLE(name), PRINTABLE(summary));
}

/* ", 120 KiB of feature maps …": the peak of all layers in one engine, by this processor's kernels. */
static void describe_memory(const struct network *network, char *text, size_t size)
{
	struct engine *engine;
	struct error e;

	if (engine_create(network, 0, network->layer_count, NULL, &engine, &e)) {
		snprintf(text, size, ", no engine: %s", e.text);
		return;
	}
	snprintf(text, size, ", %.0f KiB of feature maps at the peak", (double)engine_memory(engine) / 1024);
	engine_destroy(engine);
}

/* A network that cannot be read for want of memory, say, is not broken: then the error is returned. */
static int describe_network(const char *folder, bool verbose, char *text, size_t size, struct error *e)
{
	char memory[600] = "";
	struct network *network;
	int rc = network_load(folder, &network, e);

	if (rc) {
		snprintf(text, size, "broken: %s", e->text);
		return error_is_of_machine(rc) ? rc : 0;
	}
	struct shape in = network->layers[0].in;
	uint64_t operations = 0;
	for (int i = 0; i < network->layer_count; i++)
		operations += layer_operations(&network->layers[i]);
	if (verbose)
		describe_memory(network, memory, sizeof(memory));
	snprintf(text, size, "%dx%dx%d in, %d layers, %d classes, %.1f million multiply-accumulates%s; %s",
		in.width, in.height, in.channels, network->layer_count, network->class_count,
		(double)operations / 1e6, memory, folder);
	network_destroy(network);
	return 0;
}

static int list_networks(struct table *table)
{
	struct found_network *found;
	struct error e;
	char text[2048];
	int failed = networks_find(&found);

	if (failed) {
		error_set(&e, failed, "the networks cannot be found: %s", strerror(-failed));
		return fail(FAILURE_NETWORK, &e);
	}
	for (const struct found_network *f = found; f->name && !failed; f++) {
		failed = describe_network(f->folder, table->verbose, text, sizeof(text), &e);
		if (!failed)
			add_row(table, f->name, text);
	}
	networks_forget(found);
	return failed ? fail(FAILURE_NETWORK, &e) : EX_OK;
}

static int list_sources(struct table *table)
{
	for (const struct source_driver *const *d = source_drivers(); *d; d++)
		add_row(table, (*d)->name, (*d)->summary);
	return EX_OK;
}

static int list_found_cameras(struct table *table)
{
	return list_cameras(table->rows);
}

/* Adds a screen to the display of the last row. */
static void add_screen(void *context, const char *name, const char *text, enum screen_state state)
{
	struct table *table = context;

	(void)state; /* the text contains it */
	if (!table->rows) {
		printf("                    %s  %s\n", PRINTABLE(name), PRINTABLE(text));
		return;
	}
	json_t *display = json_array_get(table->rows, json_array_size(table->rows) - 1);
	output_append(json_object_get(display, "screens"),
		output_pack("{s:o, s:o}", "name", output_text(name), "summary", output_text(text)));
}

static int list_displays(struct table *table)
{
	char text[200];

	for (const struct display_driver *const *d = display_drivers(); *d; d++) {
		snprintf(text, sizeof(text), "%s%s", (*d)->summary,
			(*d)->available() ? "" : " (not available here)");
		add_row(table, (*d)->name, text);
		if (!(*d)->list)
			continue;
		if (table->rows)
			output_set(json_array_get(table->rows, json_array_size(table->rows) - 1), "screens",
				json_array());
		(*d)->list(add_screen, table);
	}
	return EX_OK;
}

static int list_pl(struct table *table)
{
	for (const struct pl_driver *const *d = pl_drivers(); *d; d++)
		add_row(table, (*d)->name, (*d)->summary);
	return EX_OK;
}

static int list_kernels(struct table *table)
{
	const char *const *names = kernel_names();

	for (int i = 0; names[i]; i++)
		add_row(table, names[i], i ? "for this processor" : "for this processor, the fastest");
	return EX_OK;
}

/* The first group that has the class; NULL: none. */
static const struct label_group *group_of(const struct network *network, int class)
{
	for (int g = 0; g < network->group_count; g++)
		for (int i = 0; i < network->groups[g].class_count; i++)
			if (network->groups[g].classes[i] == class)
				return &network->groups[g];
	return NULL;
}

/* The labels of a network's classes, with the groups that `--when` and class folders know as well. */
static int list_labels(const struct invocation *invocation, const char *name, bool json)
{
	struct network *network;
	struct error e;

	if (networks_load(name, &network, &e))
		return fail(FAILURE_NETWORK, &e);
	json_t *rows = json ? json_array() : NULL;
	for (int i = 0; i < network->class_count; i++) {
		const struct label_group *group = group_of(network, i);
		if (json)
			output_append(rows, output_pack("{s:i, s:o, s:o}", "index", i, "label",
						    output_text(network->labels[i]), "group",
						    group ? output_text(group->name) : json_null()));
		else if (group && invocation->verbose)
			printf("%5d  %s  (%s)\n", i, PRINTABLE(network->labels[i]), PRINTABLE(group->name));
		else
			printf("%5d  %s\n", i, PRINTABLE(network->labels[i]));
	}
	for (int g = 0; g < network->group_count && !json; g++)
		printf("group  %s\n", PRINTABLE(network->groups[g].name));
	if (json)
		output_json(output_pack("{s:o, s:o}", "network", output_text(network->name), "labels", rows));
	network_destroy(network);
	return output_finish(EX_OK);
}

static void add_layer(json_t *rows, const struct layer *layer, const char *kernel)
{
	if (rows)
		output_append(
			rows, output_pack("{s:o, s:s, s:I}", "name", output_text(layer->name), "kernel",
				      kernel, "multiply_accumulates", (json_int_t)layer_operations(layer)));
	else
		printf("  %-16s  %-24s  %8.2f million multiply-accumulates\n", PRINTABLE(layer->name), kernel,
			(double)layer_operations(layer) / 1e6);
}

/* Which kernel computes which layer of a network, on this processor. */
static int list_kernels_of(const char *name, bool json)
{
	struct network *network;
	struct engine *engine;
	struct error e;

	if (networks_load(name, &network, &e))
		return fail(FAILURE_NETWORK, &e);
	if (engine_create(network, 0, network->layer_count, NULL, &engine, &e)) {
		network_destroy(network);
		return fail(FAILURE_NETWORK, &e);
	}
	json_t *rows = json ? json_array() : NULL;
	for (int i = 0; i < network->layer_count; i++)
		add_layer(rows, &network->layers[i], engine_kernel(engine, i));
	if (json)
		output_json(output_pack("{s:o, s:o}", "network", output_text(network->name), "layers", rows));
	engine_destroy(engine);
	network_destroy(network);
	return output_finish(EX_OK);
}

static const struct {
	const char *name, *heading;
	int (*list)(struct table *table);
} lists[] = {
	{"networks", "Networks (--network)", list_networks},
	{"sources", "Sources", list_sources},
	{"cameras", "Cameras", list_found_cameras},
	{"displays", "Displays (--display)", list_displays},
	{"pl", "Programmable logic (--pl)", list_pl},
	{"kernels", "Kernels (--kernels)", list_kernels},
};

#define LISTS (sizeof(lists) / sizeof(lists[0]))

static int print_lists(const char *only, bool json, bool verbose)
{
	json_t *all = json ? json_object() : NULL;
	int code = EX_OK;

	for (size_t i = 0; i < LISTS && !code; i++) {
		struct table table = {.verbose = verbose};
		if (only && strcmp(only, lists[i].name) != 0)
			continue;
		if (json) {
			table.rows = json_array();
			output_set(all, lists[i].name, table.rows);
		} else if (!only) {
			printf("%s%s:\n", i ? "\n" : "", lists[i].heading);
		}
		code = lists[i].list(&table);
	}
	if (json)
		output_json(all);
	return output_finish(code);
}

static int unknown_list(const struct invocation *invocation, const char *name)
{
	struct closest closest = {.word = name};

	for (size_t i = 0; i < LISTS; i++)
		closest_offer(&closest, lists[i].name);
	closest_offer(&closest, "labels");
	if (closest.best)
		return usage_error(
			invocation, "nothing called \"%s\" to list, did you mean %s?", name, closest.best);
	return usage_error(invocation, "nothing called \"%s\" to list", name);
}

static int run(struct invocation *invocation)
{
	struct list_values values = {0};
	int count;
	int code = options_parse(invocation, &values, &count);

	if (code != OPTIONS_GO_ON)
		return code;
	const char *name = count ? invocation->argv[0] : NULL;
	bool labels = name && strcmp(name, "labels") == 0, kernels = name && strcmp(name, "kernels") == 0;
	int most = labels || kernels ? 2 : 1;
	if (count > most)
		return usage_error(invocation, "\"%s\" is one argument too many", invocation->argv[most]);
	if (kernels && count > 1)
		return list_kernels_of(invocation->argv[1], values.json);
	if (labels)
		return list_labels(invocation, count > 1 ? invocation->argv[1] : NULL, values.json);
	for (size_t i = 0; name && i < LISTS; i++)
		if (strcmp(name, lists[i].name) == 0)
			return print_lists(name, values.json, invocation->verbose);
	return name ? unknown_list(invocation, name) : print_lists(NULL, values.json, invocation->verbose);
}

const struct command list_command = {
	.name = "list",
	.summary = "List networks, labels, sources, cameras, displays, PLs and kernels",
	.usage = "[OPTION]… [networks|sources|cameras|displays|pl|kernels [NETWORK]|labels [NETWORK]]",
	.details =
		"Without a name it lists all but labels. `kernels` with a network says which of them "
		"computes\n"
		"which layer. `labels` has the classes and groups of a network, with -v also the group of "
		"each\n"
		"class. With -v, a network's row has the peak of the memory that its feature maps take.",
	.examples =
		"twobit list\ntwobit list networks\ntwobit list cameras\n"
		"twobit list labels imagenet\ntwobit list kernels imagenet\n"
		"twobit list --json | jq .kernels",
	.options = options,
	.run = run,
};
