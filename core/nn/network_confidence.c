/* SPDX-License-Identifier: MIT */
#include "nn/network_confidence.h"

#include "base/error.h"

#include <errno.h>
#include <stdlib.h>

static int parse_number(const json_t *root, const char *field, double *out, struct error *e)
{
	const json_t *value = json_object_get(root, field);

	*out = 0;
	if (!value)
		return 0;
	if (!json_is_number(value))
		return error_set(e, -EBADMSG, "field \"%s\": is not a number", field);
	*out = json_number_value(value);
	/* 0 stands for a missing field, so it must not pass for one here. */
	return *out > 0 ? 0 : error_set(e, -EBADMSG, "field \"%s\": is not above 0", field);
}

int confidence_check(const struct network *network, struct error *e)
{
	double t = network->temperature, u = network->unknown_below;

	if (t != 0 && !(t >= TEMPERATURE_LEAST && t <= TEMPERATURE_MOST))
		return error_set(e, -EBADMSG, "field \"temperature\": %g is not within %g … %g", t,
			TEMPERATURE_LEAST, TEMPERATURE_MOST);
	if (!(u >= 0 && u < 1))
		return error_set(
			e, -EBADMSG, "field \"unknown_below\": %g is no confidence between 0 and 1", u);
	if (network->class_count || (t == 0 && u == 0))
		return 0;
	return error_set(e, -EBADMSG, "field \"%s\": the network ends with codes, not with scores of classes",
		t != 0 ? "temperature" : "unknown_below");
}

int confidence_parse(const json_t *root, struct network *network, struct error *e)
{
	int rc = parse_number(root, "temperature", &network->temperature, e);

	if (!rc)
		rc = parse_number(root, "unknown_below", &network->unknown_below, e);
	return rc ? rc : confidence_check(network, e);
}

/* With 15 digits, a number that people wrote comes back as they wrote it; a computed one may need 17. */
static int write_number(FILE *file, const char *field, double value)
{
	json_t *number = json_real(value), *back = NULL;
	char *text = json_dumps(number, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));

	if (text)
		back = json_loads(text, JSON_DECODE_ANY, NULL);
	if (back && json_number_value(back) != value) {
		free(text);
		text = json_dumps(number, JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
	}
	int rc = text && back ? 0 : -ENOMEM;
	if (!rc)
		fprintf(file, "  \"%s\": %s,\n", field, text);
	free(text);
	json_decref(back);
	json_decref(number);
	return rc;
}

int confidence_write(FILE *file, const struct network *network)
{
	int rc = network->temperature != 0 ? write_number(file, "temperature", network->temperature) : 0;

	if (!rc && network->unknown_below != 0)
		rc = write_number(file, "unknown_below", network->unknown_below);
	return rc;
}
