/* SPDX-License-Identifier: MIT */
/* What a user may write for a recording: the text is read as a name, an amount, and a condition. */
#include "fuzz.h"

#include "base/error.h"
#include "cli/units.h"
#include "recorder/names.h"
#include "recorder/when.h"

#include <math.h>
#include <string.h>

static char cat[] = "cat", dog[] = "dog", sign[] = "a > b", animal[] = "animal", name[] = "tiny";
static char *labels[] = {cat, dog, sign};
static struct label_group groups[] = {{animal, (int[]){0, 1}, 2}};
static const struct network network = {
	.name = name, .class_count = 3, .labels = labels, .groups = groups, .group_count = 1};

/* The recording that a name stands for, at some time, is one of that name. */
static void check_name(const char *pattern)
{
	char path[PATH_MAX];
	struct error e = {0};
	unsigned number = 1;

	if (names_check(pattern, &e)) {
		promise(e.text[0]);
		return;
	}
	names_folder(pattern, path, sizeof(path));
	promise(path[0] && strlen(path) <= strlen(pattern) + 1);
	if (names_next(pattern, 1700000000, &number, path))
		return;
	const char *slash = strrchr(path, '/');
	promise(names_match(pattern, slash ? slash + 1 : path));
	promise(!names_match(pattern, ""));
}

static void check_amount(const char *text)
{
	struct amount amount;
	struct error e = {0};

	if (amount_parse(text, &amount, &e))
		promise(e.text[0]);
	else
		promise((amount.time > 0 || amount.bytes > 0) && amount.time >= 0);
}

static void check_condition(const char *text)
{
	const double shares[] = {1, 2, 5};
	struct error e = {0};
	struct when when;

	if (when_parse(text, &network, &when, &e)) {
		promise(e.text[0]);
		return;
	}
	promise(when.confidence >= 0 && when.confidence <= 1 && when.index >= 0);
	promise(when.index < (when.group ? network.group_count : network.class_count));
	when_holds(&when, &network, shares);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	promise(text);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	check_name(text);
	check_amount(text);
	check_condition(text);
	free(text);
	return 0;
}
