/* SPDX-License-Identifier: MIT */
/* The measurement of one network from its parts, and values that are derived from the times. */
#include "base/clock.h"
#include "base/error.h"
#include "cli/interruption.h"
#include "measure/measure.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

const char *const measured_keys[MEASURED_TIMES] = {
	[MEASURED_SOURCE] = "source",
	[MEASURED_PICTURE] = "picture",
	[MEASURED_VIEW] = "view",
	[MEASURED_DECODE] = "decode",
	[MEASURED_CONV0] = "conv0",
	[MEASURED_PL] = "pl",
	[MEASURED_LABEL] = "label",
	[MEASURED_ALL] = "end_to_end",
	[MEASURED_SOFTWARE_LAYERS] = "software_layers",
	[MEASURED_SOFTWARE_ALL] = "software_end_to_end",
	[MEASURED_NETWORK] = "network",
};

uint64_t measured_operations(const struct network *network)
{
	uint64_t operations = 0;

	for (int i = 0; i < network->layer_count; i++)
		operations += MEASURE_OPERATIONS_A_PRODUCT * layer_operations(&network->layers[i]);
	return operations;
}

double measured_efficiency(const struct measurement *m)
{
	return (double)measured_operations(m->network) / m->joules / 1e9;
}

double measured_rate(const struct summary *summary)
{
	return summary->p50 > 0 ? 1e9 / (double)summary->p50 : 0;
}

double measured_reach(const struct measurement *m)
{
	int64_t interval = m->pipelines[PIPELINE_OVERLAPPED].interval.p50;

	return interval > 0 ? (double)m->ideal / (double)interval : 0;
}

double measured_gain(const struct measurement *m)
{
	int64_t interval = m->pipelines[PIPELINE_OVERLAPPED].interval.p50;

	return interval > 0 ? (double)m->pipelines[PIPELINE_IN_TURN].interval.p50 / (double)interval : 0;
}

int measurement_init(const struct network *network, struct measurement *out, struct error *e)
{
	*out = (struct measurement){.network = network, .joules = -1, .others = NAN, .slowest_stage = ""};
	out->layers = calloc((size_t)network->layer_count, sizeof(*out->layers));
	if (!out->layers)
		return error_set(e, -ENOMEM, "out of memory for the layers of %s", network->name);
	for (int i = 0; i < network->layer_count; i++) {
		out->layers[i].layer = &network->layers[i];
		out->layers[i].kernel = "";
	}
	return 0;
}

int measure_network(const struct network *network, const struct measure_options *options,
	struct measurement *out, enum failure *where, struct error *e)
{
	struct activity before, after;
	int64_t begun = clock_now();

	*where = FAILURE_OURS;
	int status = measurement_init(network, out, e);
	if (status)
		return status;
	activity_read("", &before);
	status = measure_layers(options, out, where, e);
	if (!status)
		status = measure_pipelines(options, out, where, e);
	activity_read("", &after);
	out->others = activity_of_others(&before, &after);
	out->stopped = interruption_came();
	out->seconds = (double)(clock_now() - begun) / 1e9;
	measure_progress_end(options);
	if (status)
		measurement_finish(out);
	return status;
}

void measurement_finish(struct measurement *m)
{
	for (int i = 0; i < PIPELINES; i++) {
		samples_finish(&m->pipelines[i].latencies);
		samples_finish(&m->pipelines[i].intervals);
		trace_destroy(m->pipelines[i].trace);
	}
	free(m->layers);
	*m = (struct measurement){0};
}
