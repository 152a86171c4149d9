/* SPDX-License-Identifier: MIT */
#include "recorder/when.h"

#include "base/error.h"
#include "base/words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BLANKS " \t"

static bool same(const char *name, const char *text, size_t length)
{
	return strlen(name) == length && strncasecmp(name, text, length) == 0;
}

static bool find(const struct network *network, const char *text, size_t length, struct when *out)
{
	for (int i = 0; i < network->group_count; i++) {
		if (!same(network->groups[i].name, text, length))
			continue;
		out->group = true;
		out->index = i;
		return true;
	}
	for (int i = 0; i < network->class_count; i++) {
		if (!same(network->labels[i], text, length))
			continue;
		out->index = i;
		return true;
	}
	return false;
}

static int refuse_name(
	const char *text, const struct network *network, const char *name, size_t length, struct error *e)
{
	char word[64];
	struct closest closest = {.word = word};

	snprintf(word, sizeof(word), "%.*s", (int)length, name);
	for (int i = 0; i < network->group_count; i++)
		closest_offer(&closest, network->groups[i].name);
	for (int i = 0; i < network->class_count; i++)
		closest_offer(&closest, network->labels[i]);
	if (closest.best)
		return error_refuse(e, text, -EINVAL,
			"\"%s\": the network %s knows no label or group \"%s\", did you mean \"%s\"? `twobit "
			"list labels` lists them",
			text, network->name, word, closest.best);
	return error_refuse(e, text, -EINVAL,
		"\"%s\": the network %s knows no label or group \"%.*s\"; `twobit list labels` lists them",
		text, network->name, (int)length, name);
}

int when_parse(const char *text, const struct network *network, struct when *out, struct error *e)
{
	const char *name = text + strspn(text, BLANKS);
	/* The last sign, since a label may contain one. */
	const char *sign = strrchr(name, '>') ? strrchr(name, '>') : strrchr(name, '<');
	char *end;

	*out = (struct when){.text = text};
	if (!sign)
		return error_set(e, -EINVAL,
			"\"%s\" is no condition: give a label or group, > or <, and a confidence, "
			"as in 'cat>0.6'",
			text);
	size_t length = (size_t)(sign - name);
	while (length && strchr(BLANKS, name[length - 1]))
		length--;
	out->below = *sign == '<';
	const char *number = sign + 1 + strspn(sign + 1, BLANKS);
	out->confidence = strtod(number, &end);
	if (end == number || end[strspn(end, BLANKS)] || !(out->confidence >= 0 && out->confidence <= 1))
		return error_set(e, -EINVAL, "\"%s\": a confidence is a number from 0 to 1", text);
	if (!length || !find(network, name, length, out))
		return refuse_name(text, network, name, length, e);
	return 0;
}

bool when_holds(const struct when *when, const struct network *network, const double *shares)
{
	double total = 0, sum = 0;

	for (int i = 0; i < network->class_count; i++)
		total += shares[i];
	if (when->group) {
		const struct label_group *group = &network->groups[when->index];
		for (int i = 0; i < group->class_count; i++)
			sum += shares[group->classes[i]];
	} else {
		sum = shares[when->index];
	}
	return when->below ? sum < when->confidence * total : sum > when->confidence * total;
}
