/* SPDX-License-Identifier: MIT */
/* Folders that load are the same bits again; folders that must not load say why. */
#include "base/error.h"
#include "nn/format/load.h"
#include "nn/format/npy.h"
#include "nn/format/save.h"
#include "support/folder.h"
#include "support/network_builder.h"
#include "support/network_spoiled.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void round_trip(struct network *network)
{
	char *folder = network_saved(network);
	struct network *again = network_loaded(folder);

	assert_network_equal(network, again);
	network_destroy(again);
	network_destroy(network);
	folder_destroy(folder);
}

static void round_trips(void **state)
{
	(void)state;
	for (uint32_t seed = 0; seed < 3; seed++)
		round_trip(tiny_network(seed));
	round_trip(tiny_odd_network());
}

static void views_round_trip(void **state)
{
	(void)state;
	static const struct view views[] = {{.kind = VIEW_BOX, .size = 0.55, .inverted = true},
		{.low = 16, .high = 235}, {.kind = VIEW_INK, .size = 1, .fill = 20.0 / 28, .high = 200},
		{.kind = VIEW_FACE, .fill = 0.975}, {.kind = VIEW_FACE, .fill = 0.8, .inverted = true}};

	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
		struct network *network = tiny_network(1);
		if (views[i].kind == VIEW_INK) { /* ink is grey */
			network_destroy(network);
			network = tiny_odd_network();
			network->layers[0].in.channels = 1;
			network->layers[0].groups = 1;
		}
		network->view = views[i];
		round_trip(network);
	}
}

static void view_refused(json_t *view, const char *message)
{
	struct spoiled s = spoiled_begin();

	json_object_set_new(s.root, "view", view);
	spoiled_write(&s);
	spoiled_refused(&s, message);
}

static void odd_views_are_refused(void **state)
{
	(void)state;
	view_refused(json_string("box"), "network.json: field \"view\": is not an object");
	view_refused(json_object(), "network.json: field \"view\": \"kind\" is not centre, box, ink or face");
	view_refused(json_pack("{s:s}", "kind", "circle"),
		"network.json: field \"view\": \"kind\" is not centre, box, ink or face");
	view_refused(json_pack("{s:s, s:f}", "kind", "box", "size", 1.5),
		"network.json: field \"view\": \"size\" is unknown, or not possible for box");
	view_refused(json_pack("{s:s, s:f}", "kind", "centre", "size", 0.5),
		"network.json: field \"view\": \"size\" is unknown, or not possible for centre");
	view_refused(json_pack("{s:s, s:[i, i]}", "kind", "centre", "range", 9, 9),
		"network.json: field \"view\": \"range\" is not two ascending numbers of 0 … 255");
	view_refused(json_pack("{s:s, s:i}", "kind", "box", "colour", 1),
		"network.json: field \"view\": \"colour\" is unknown, or not possible for box");
	view_refused(json_pack("{s:s}", "kind", "ink"),
		"network.json: field \"view\": ink is grey, but the input has 3 channels");
}

static void save_keeps_what_is_there(void **state)
{
	(void)state;
	struct network *network = tiny_network(1);
	struct error e = {0};
	char *folder = network_saved(network);
	char text[300];

	assert_int_equal(network_save(network, folder, &e), -EEXIST);
	assert_non_null(strstr(e.text, "exists already"));
	snprintf(text, sizeof(text), "%s/missing/deeper", folder);
	assert_int_equal(network_save(network, text, &e), -ENOENT);
	network->layers[1].weights[5] = 0;
	snprintf(text, sizeof(text), "%s/new", folder);
	assert_true(network_save(network, text, &e) < 0);
	assert_int_equal(access(text, F_OK), -1);
	network_destroy(network);
	folder_destroy(folder);
}

static int entries_of(const char *folder)
{
	DIR *open = opendir(folder);
	int count = 0;

	assert_non_null(open);
	for (struct dirent *entry; (entry = readdir(open));)
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(open);
	return count;
}

/* A file that grows too large, behind others that did not. */
static void a_failed_save_leaves_nothing(void **state)
{
	(void)state;
	struct network *network = tiny_odd_network();
	struct error e = {0};
	struct rlimit before;
	char *folder = folder_create();
	char path[300];

	snprintf(path, sizeof(path), "%s/new/", folder);
	void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){1000, before.rlim_max}), 0);
	int rc = network_save(network, path, &e);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, handler);
	assert_int_equal(rc, -EFBIG);
	assert_non_null(strstr(e.text, "new/network.json: File too large"));
	assert_int_equal(entries_of(folder), 0);
	assert_int_equal(network_save(network, path, &e), 0); /* again, with room */
	assert_int_equal(entries_of(folder), 1);
	*strrchr(path, '/') = '\0';
	struct network *again = network_loaded(path);
	assert_network_equal(network, again);
	network_destroy(again);
	network_destroy(network);
	folder_destroy(folder);
}

static void save_spares_strangers(void **state)
{
	(void)state;
	struct network *network = tiny_network(1);
	struct error e = {0};
	char *folder = folder_create();
	char path[300], inner[320];

	snprintf(path, sizeof(path), "%s/new", folder);
	snprintf(inner, sizeof(inner), "%s/mine", path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(mkdir(inner, 0700), 0);
	assert_int_equal(network_save(network, path, &e), -EEXIST);
	assert_int_equal(entries_of(path), 1);
	assert_int_equal(rmdir(inner), 0);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(symlink("nowhere", path), 0);
	assert_int_equal(network_save(network, path, &e), -EEXIST);
	assert_int_equal(entries_of(folder), 1);
	network_destroy(network);
	folder_destroy(folder);
}

/* Two classes called alike stand in groups.txt as one label. */
static void groups_of_namesakes_round_trip(void **state)
{
	(void)state;
	struct network *network = tiny_network(1); /* groups of classes 0, 2 and 1, 3 */
	struct error e = {0};

	free(network->labels[2]);
	network->labels[2] = strdup(network->labels[0]);
	free(network->labels[3]);
	network->labels[3] = strdup("label 3, or so");
	char *folder = folder_create();
	assert_int_equal(network_save(network, folder, &e), -EBADMSG);
	assert_non_null(strstr(e.text, "label \"label 3, or so\" holds a comma"));
	network->labels[3][strlen("label 3")] = '\0';
	free(network->labels[5]);
	network->labels[5] = strdup(network->labels[0]);
	assert_int_equal(network_save(network, folder, &e), -EBADMSG);
	assert_non_null(strstr(e.text, "label \"label 0\" stands for a class outside the group too"));
	network->labels[5][strlen("label ")] = '5';
	folder_destroy(folder);
	round_trip(network);
}

static void operations_are_counted(void **state)
{
	(void)state;
	struct network *network = tiny_network(1);

	assert_int_equal(layer_operations(&network->layers[0]), 8 * 8 * 16 * 8 * 8 * 3);
	assert_int_equal(layer_operations(&network->layers[1]), 8 * 8 * 24 * 9 * 8);
	assert_int_equal(layer_operations(&network->layers[2]), 0);
	assert_int_equal(layer_operations(&network->layers[3]), 40 * 4 * 4 * 24);
	network_destroy(network);
	network_destroy(NULL);
}

/* Max pools behind Conv0 go with it. */
static void split_lies_behind_pools(void **state)
{
	(void)state;
	struct network *network = tiny_network(1);
	struct layer layers[3] = {network->layers[0], network->layers[2], network->layers[2]};
	struct network pooled = {.layers = layers, .layer_count = 3};

	assert_int_equal(network_split(network), 1);
	assert_int_equal(network_split(&pooled), 2); /* a layer is left for the PL */
	layers[2] = network->layers[3];
	assert_int_equal(network_split(&pooled), 2);
	pooled.layer_count = 1;
	assert_int_equal(network_split(&pooled), 0); /* nothing is behind Conv0 */
	network_destroy(network);
	network = tiny_uncut(1);
	assert_int_equal(network_split(network), 0);
	network_destroy(network);
}

static void odd_fields_are_refused(void **state)
{
	(void)state;
	spoiled_field_refused(1, "func", json_string("lstm_layer"),
		"field \"func\": \"lstm_layer\" is no kind of layer known here");
	spoiled_field_refused(1, "func", NULL, "field \"func\": is missing");
	spoiled_field_refused(1, "kernal", json_integer(3), "field \"kernal\": is unknown");
	spoiled_field_refused(0, "input", NULL, "field \"input\": is missing");
	spoiled_field_refused(0, "input_bits", NULL, "field \"input_bits\": is missing");
	spoiled_field_refused(
		0, "input_bits", json_integer(3), "field \"input_bits\": 3 is not 1, 2, 4 or 8");
	spoiled_field_refused(
		1, "input_bits", json_integer(4), "field \"input_bits\": 4 found, computed is 2");
	spoiled_field_refused(1, "input", json_pack("[i, i, i]", 16, 9, 8),
		"field \"input\": [16, 9, 8] found, computed is [16, 8, 8]");
	spoiled_field_refused(1, "output", json_pack("[i, i, i]", 24, 8, 7),
		"field \"output\": [24, 8, 7] found, computed is [24, 8, 8]");
	spoiled_field_refused(3, "output", json_integer(41), "field \"output\": 41 found, computed is 40");
	spoiled_field_refused(
		1, "input", json_pack("[i, i]", 16, 9), "field \"input\": has 2 numbers, 3 expected");
	spoiled_field_refused(
		1, "output_channels", json_real(24), "field \"output_channels\": is not a whole number");
	spoiled_field_refused(1, "output_channels", json_integer(0),
		"field \"output_channels\": 0 is not within 1 … 65536");
	spoiled_field_refused(1, "weight_bits", NULL, "field \"weight_bits\": is missing");
	spoiled_field_refused(
		1, "weight_bits", json_integer(3), "field \"weight_bits\": 3 is not 1, 2, 4 or 8");
	spoiled_field_refused(
		1, "groups", json_integer(3), "field \"groups\": 3 do not divide 16 and 24 channels");
	spoiled_field_refused(1, "groups", json_integer(0), "field \"groups\": 0 is not within 1 … 65536");
	spoiled_field_refused(
		1, "kernel_stride", json_integer(0), "field \"kernel_stride\": 0 is not within 1 … 16384");
	spoiled_field_refused(
		1, "kernel_stride", json_integer(-1), "field \"kernel_stride\": -1 is out of range");
	spoiled_field_refused(1, "kernel_shape", json_integer(11),
		"field \"kernel_shape\": a kernel of 11 does not fit into 8 pixels padded to 10");
	spoiled_field_refused(1, "padding", json_integer(3), "field \"padding\": 3 is not within 0 … 2");
	spoiled_field_refused(2, "groups", json_integer(2), "field \"groups\": 2 is not within 1 … 1");
	spoiled_field_refused(
		2, "epilogue", json_string("scores"), "field \"epilogue\": a layer of this kind has none");
	spoiled_field_refused(1, "epilogue", json_string("sigmoid"),
		"field \"epilogue\": is not \"thresholds\", \"requantise\", \"scores\" or \"sums\"");
	spoiled_field_refused(0, "rounding", json_string("up"),
		"field \"rounding\": is gone: a requantisation adds its \"bias\", with the rounding's half "
		"and "
		"the offset in it, before the shift");
	spoiled_field_refused(0, "offset", json_string("conv0.offset.npy"),
		"field \"offset\": is gone: a requantisation adds its \"bias\", with the rounding's half and "
		"the offset in it, before the shift");
	spoiled_field_refused(1, "output_bits", json_integer(8),
		"field \"thresholds\": conv1.thresholds.npy has the wrong shape: (24, 255) expected, (24, 3) "
		"found");
	spoiled_field_refused(3, "padding", json_integer(1),
		"field \"kernel_shape\": a fully connected layer spans its whole input of 4×4, unpadded");
	spoiled_field_refused(2, "weights", json_string("x.npy"),
		"field \"weights\": a layer of this kind and epilogue has none");
	spoiled_field_refused(
		4, "name", json_string("conv1"), "field \"name\": is the name of an earlier layer already");
}

static void cycles_and_strangers_are_refused(void **state)
{
	(void)state;
	spoiled_field_refused(
		1, "from", json_string("nobody"), "field \"from\": there is no layer \"nobody\"");
	spoiled_field_refused(1, "from", json_string("conv1"),
		"field \"from\": \"conv1\" is the layer itself or comes later: a cycle");
	spoiled_field_refused(1, "from", json_string("fc0"),
		"field \"from\": \"fc0\" is the layer itself or comes later: a cycle");
	spoiled_field_refused(0, "from", json_string("fc1"),
		"field \"from\": \"fc1\" is the layer itself or comes later: a cycle");
	spoiled_field_refused(3, "from", json_pack("[s, s]", "conv1", "pool1"),
		"field \"from\": 2 layers; this kind reads 1 … 1");
	spoiled_field_refused(
		3, "from", json_integer(1), "field \"from\": is not the name of a layer, or a list of names");

	struct spoiled s = spoiled_begin();
	json_object_set_new(spoiled_layer(&s, 1), "from", json_string("conv0"));
	spoiled_write(&s);
	network_destroy(network_loaded(s.folder));
	spoiled_end(&s);
}

static void files_stay_in_the_folder(void **state)
{
	(void)state;
	static const char message[] =
		"field \"weights\": must name a file in the network's own folder, without \"/\" or \"..\"";

	spoiled_field_refused(1, "weights", json_string("../conv1.weights.npy"), message);
	spoiled_field_refused(1, "weights", json_string("/etc/passwd"), message);
	spoiled_field_refused(1, "weights", json_string(".."), message);
	spoiled_field_refused(1, "weights", json_string("sub/x.npy"), message);
	spoiled_field_refused(1, "weights", json_string(""), "field \"weights\": is empty");
	spoiled_field_refused(1, "weights", json_integer(1), "field \"weights\": is not a text");
}

static void large_sizes_are_refused(void **state)
{
	(void)state;
	spoiled_field_refused(0, "input", json_pack("[i, i, i]", 65536, 16384, 16384),
		"field \"input_channels\": 3 found, computed is 65536");
	struct spoiled s = spoiled_begin();
	json_object_del(spoiled_layer(&s, 0), "input_channels");
	json_object_set_new(spoiled_layer(&s, 0), "input", json_pack("[i, i, i]", 65536, 16384, 16384));
	spoiled_write(&s);
	spoiled_refused(&s,
		"network.json: layer \"conv0\": field \"input\": 17592186044416 numbers; a tensor holds at "
		"most 268435456");
	spoiled_field_refused(0, "output_channels", json_integer(1LL << 40),
		"field \"output_channels\": 1099511627776 is out of range");

	s = spoiled_begin();
	json_object_set_new(spoiled_layer(&s, 0), "output_channels", json_integer(65536));
	json_object_set_new(spoiled_layer(&s, 0), "kernel_shape", json_integer(40));
	json_object_set_new(spoiled_layer(&s, 0), "padding", json_integer(4));
	json_object_set_new(spoiled_layer(&s, 0), "kernel_stride", json_integer(1));
	json_object_del(spoiled_layer(&s, 0), "output");
	spoiled_write(&s);
	spoiled_refused(&s,
		"network.json: layer \"conv0\": field \"weights\": 314572800 are over the limit of "
		"268435456");
}

/* conv1 has 2 groups: the same network, written with a split and a merge as QNN-MO-PYNQ does. */
static struct spoiled split_network(int merge)
{
	struct spoiled s = spoiled_begin();
	json_t *conv = spoiled_layer(&s, 1);
	json_t *pool = spoiled_layer(&s, 2);
	json_t *layers = json_object_get(s.root, "layers");

	json_object_del(conv, "groups");
	json_object_update_new(conv, json_pack("{s:i, s:i, s:[i, i, i], s:[i, i, i]}", "input_channels", 8,
					     "output_channels", 12, "input", 8, 8, 8, "output", 12, 8, 8));
	json_object_update_new(pool, json_pack("{s:i, s:i, s:[i, i, i], s:[i, i, i]}", "input_channels", 12,
					     "output_channels", 12, "input", 12, 8, 8, "output", 12, 4, 4));
	json_array_insert_new(layers, 1,
		json_pack("{s:s, s:s, s:i, s:i, s:i}", "name", "split1", "func", "split_layer", "split", 2,
			"input_channels", 16, "input_dim", 8));
	if (merge)
		json_array_insert_new(layers, 4,
			json_pack("{s:s, s:s, s:i, s:i, s:i}", "name", "merge1", "func", "merge_layer",
				"merge", merge, "output_channels", 24, "output_dim", 4));
	spoiled_write(&s);
	return s;
}

static void splits_become_groups(void **state)
{
	(void)state;
	struct spoiled s = split_network(2);
	struct network *plain = tiny_network(7);
	struct network *network = network_loaded(s.folder);

	assert_network_equal(plain, network);
	network_destroy(plain);
	network_destroy(network);
	spoiled_end(&s);

	s = split_network(3);
	spoiled_refused(
		&s, "network.json: layer \"merge1\": field \"merge\": does not match a split before it");
	s = split_network(0);
	spoiled_refused(
		&s, "network.json: layer \"fc0\": field \"input\": [24, 4, 4] found, computed is [12, 4, 4]");
	s = split_network(2);
	json_object_set_new(spoiled_layer(&s, 1), "input_dim", json_integer(9));
	spoiled_write(&s);
	spoiled_refused(&s, "network.json: layer \"split1\": field \"input_dim\": 9 found, computed is 8");
}

/* Names and defaults of an exporter that writes as little as it must. */
static void little_is_enough(void **state)
{
	(void)state;
	struct spoiled s = spoiled_begin();
	struct network *plain = tiny_network(7);
	static const char *const redundant[] = {"input_channels", "output", "epilogue"};

	for (size_t i = 0; i < 5; i++) {
		for (int k = 0; k < 3; k++)
			json_object_del(spoiled_layer(&s, i), redundant[k]);
		if (i) {
			json_object_del(spoiled_layer(&s, i), "input");
			json_object_del(spoiled_layer(&s, i), "input_bits");
		}
	}
	json_object_set_new(spoiled_layer(&s, 0), "padding", json_integer(2));
	json_object_set_new(spoiled_layer(&s, 0), "kernel_shape", json_integer(8));
	json_object_del(spoiled_layer(&s, 3), "kernel_shape");
	json_object_del(spoiled_layer(&s, 3), "kernel_stride");
	json_object_del(spoiled_layer(&s, 3), "padding");
	json_object_set_new(spoiled_layer(&s, 3), "input", json_integer(4 * 4 * 24));
	spoiled_write(&s);
	struct network *network = network_loaded(s.folder);
	assert_network_equal(plain, network);
	network_destroy(plain);
	network_destroy(network);
	spoiled_end(&s);
}

/* Gives a field the name that older versions wrote. */
static void renamed(json_t *layer, const char *now, const char *older)
{
	json_t *value = json_object_get(layer, now);

	if (value) {
		json_object_set(layer, older, value);
		json_object_del(layer, now);
	}
}

/* Older versions wrote `ending` for `epilogue`, and `addend` for the bias of integers. */
static void older_names_are_read(void **state)
{
	(void)state;
	for (int named = 0; named < 2; named++) { /* the file: by its default name, or by the field */
		struct network *network = tiny_odd_network();
		struct spoiled s = {network_saved(network), NULL};
		char path[300], older[300];

		snprintf(path, sizeof(path), "%s/network.json", s.folder);
		s.root = json_load_file(path, 0, NULL);
		for (size_t i = 0; i < 6; i++)
			renamed(spoiled_layer(&s, i), "epilogue", "ending");
		json_object_set_new(spoiled_layer(&s, 0), "ending", json_string("rescale"));
		if (named)
			json_object_set_new(spoiled_layer(&s, 0), "addend", json_string("a.numbers.npy"));
		spoiled_write(&s);
		snprintf(path, sizeof(path), "%s/a.bias.npy", s.folder);
		snprintf(older, sizeof(older), "%s/a.%s.npy", s.folder, named ? "numbers" : "addend");
		assert_int_equal(rename(path, older), 0);
		struct network *again = network_loaded(s.folder);
		assert_network_equal(network, again);
		network_destroy(network);
		network_destroy(again);
		spoiled_end(&s);
	}
}

static void names_of_two_versions_are_refused(void **state)
{
	(void)state;
	struct network *network = tiny_odd_network();
	struct spoiled s = {network_saved(network), NULL};
	char path[300];

	network_destroy(network);
	snprintf(path, sizeof(path), "%s/network.json", s.folder);
	s.root = json_load_file(path, 0, NULL);
	json_object_set_new(spoiled_layer(&s, 0), "addend", json_string("a.bias.npy"));
	json_object_set_new(spoiled_layer(&s, 0), "bias", json_string("a.bias.npy"));
	spoiled_write(&s);
	spoiled_refused(&s,
		"network.json: layer \"a\": field \"addend\": is the older name of \"bias\", which stands "
		"beside "
		"it; keep one of the two");
	spoiled_field_refused(1, "ending", json_string("thresholds"),
		"field \"ending\": is the older name of \"epilogue\", which stands beside it; keep one of "
		"the two");
	spoiled_field_refused(1, "addend", json_string("conv1.bias.npy"),
		"field \"addend\": a layer of this kind and epilogue has none");
	spoiled_field_refused(4, "addend", json_string("fc1.bias.npy"),
		"field \"addend\": a layer of this kind and epilogue has none");
}

/* Both shapes of a fully connected layer's weights; a file under a name of its own. */
static void flat_weights_are_accepted(void **state)
{
	(void)state;
	struct network *network = tiny_odd_network();
	const struct layer *e = &network->layers[4];
	struct spoiled s = {network_saved(network), NULL};
	char path[300];

	snprintf(path, sizeof(path), "%s/network.json", s.folder);
	s.root = json_load_file(path, 0, NULL);
	json_object_set_new(spoiled_layer(&s, 4), "weights", json_string("flat.npy"));
	spoiled_write(&s);
	snprintf(path, sizeof(path), "%s/flat.npy", s.folder);
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(npy_write(file, &(struct npy){"i1", 2, {9, shape_size(e->in)}}, e->weights), 0);
	fclose(file);
	struct network *again = network_loaded(s.folder);
	assert_network_equal(network, again);
	network_destroy(network);
	network_destroy(again);
	spoiled_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trips),
		cmocka_unit_test(views_round_trip),
		cmocka_unit_test(odd_views_are_refused),
		cmocka_unit_test(save_keeps_what_is_there),
		cmocka_unit_test(a_failed_save_leaves_nothing),
		cmocka_unit_test(save_spares_strangers),
		cmocka_unit_test(groups_of_namesakes_round_trip),
		cmocka_unit_test(operations_are_counted),
		cmocka_unit_test(split_lies_behind_pools),
		cmocka_unit_test(odd_fields_are_refused),
		cmocka_unit_test(cycles_and_strangers_are_refused),
		cmocka_unit_test(files_stay_in_the_folder),
		cmocka_unit_test(large_sizes_are_refused),
		cmocka_unit_test(splits_become_groups),
		cmocka_unit_test(little_is_enough),
		cmocka_unit_test(older_names_are_read),
		cmocka_unit_test(names_of_two_versions_are_refused),
		cmocka_unit_test(flat_weights_are_accepted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
