/* SPDX-License-Identifier: MIT */
/* The JSON of `measure`; docs/formats.md is the schema. */
#include "base/build.h"
#include "cli/output.h"
#include "measure/charts.h"
#include "measure/measure.h"

#include <math.h>
#include <string.h>

/* Rounds to six digits: no measured value is more exact. */
static json_t *number(double value)
{
	if (!isfinite(value))
		return json_null();
	double scale = value == 0 ? 1 : pow(10, 5 - floor(log10(fabs(value))));

	return json_real(round(value * scale) / scale);
}

static json_t *microseconds(int64_t ns)
{
	return json_real((double)ns / 1e3);
}

static json_t *summary(const struct summary *s)
{
	json_t *o;

	if (!s->runs)
		return json_null();
	o = json_object();
	output_set(o, "p50", microseconds(s->p50));
	output_set(o, "p95", microseconds(s->p95));
	output_set(o, "p99", microseconds(s->p99));
	output_set(o, "min", microseconds(s->minimum));
	output_set(o, "max", microseconds(s->maximum));
	output_set(o, "low", microseconds(s->low));
	output_set(o, "high", microseconds(s->high));
	output_set(o, "runs", json_integer((json_int_t)s->runs));
	output_set(o, "stable", json_boolean(s->stable));
	return o;
}

static json_t *shape(struct shape s)
{
	return output_pack("[i, i, i]", s.height, s.width, s.channels);
}

static json_t *layer(const struct measured_layer *m)
{
	const struct layer *l = m->layer;
	json_t *o = json_object();

	output_set(o, "name", output_text(l->name));
	output_set(o, "kind", json_string(layer_kinds[l->kind].key));
	output_set(o, "input", shape(l->in));
	output_set(o, "output", shape(l->out));
	output_set(o, "input_bits", json_integer(l->input_bits));
	output_set(o, "weight_bits", json_integer(l->weight_bits));
	output_set(o, "output_bits", json_integer(l->output_bits));
	output_set(o, "operations",
		json_integer((json_int_t)(MEASURE_OPERATIONS_A_PRODUCT * layer_operations(l))));
	output_set(o, "kernel", m->kernel[0] ? json_string(m->kernel) : json_null());
	output_set(o, "software_us", summary(&m->software));
	output_set(o, "pl_us", summary(&m->pl));
	output_set(o, "merged", json_boolean(m->merged));
	return o;
}

static json_t *pipeline_times(const struct measured_pipeline *m)
{
	json_t *o = json_object();

	output_set(o, "pictures", json_integer((json_int_t)m->pictures));
	output_set(o, "pictures_per_second", number(measured_rate(&m->interval)));
	output_set(o, "interval_us", summary(&m->interval));
	output_set(o, "latency_us", summary(&m->latency));
	return o;
}

static void set_known(json_t *object, const char *key, json_t *value)
{
	if (value)
		output_set(object, key, value);
}

static json_t *pipeline(const struct measurement *m)
{
	json_t *o = json_object();

	output_set(o, "slowest_stage", json_string(m->slowest_stage));
	output_set(o, "ideal_us", microseconds(m->ideal));
	if (m->no_pipeline[0]) {
		output_set(o, "not_run", output_text(m->no_pipeline));
		return o;
	}
	json_t *alone = json_object();
	for (int i = 0; i < ALONE_STAGES; i++)
		output_set(alone, alone_keys[i], summary(&m->alone[i]));
	output_set(o, "alone_us", alone);
	output_set(o, "overlap", pipeline_times(&m->pipelines[PIPELINE_OVERLAPPED]));
	output_set(o, "in_turn", pipeline_times(&m->pipelines[PIPELINE_IN_TURN]));
	if (m->pipelines[PIPELINE_SHARED].interval.runs)
		output_set(o, "threads", pipeline_times(&m->pipelines[PIPELINE_SHARED]));
	output_set(o, "reached", number(measured_reach(m)));
	output_set(o, "gain", number(measured_gain(m)));
	set_known(o, "histogram", chart_histogram(m));
	set_known(o, "timeline", chart_timeline(m));
	return o;
}

static json_t *known_text(const char *text)
{
	return text && text[0] ? output_text(text) : json_null();
}

static json_t *network(const struct measurement *m)
{
	uint64_t operations = measured_operations(m->network);
	double rate = measured_rate(&m->times[MEASURED_ALL]);
	json_t *o = json_object(), *layers = json_array(), *times = json_object();

	for (int i = 0; i < m->network->layer_count; i++)
		output_append(layers, layer(&m->layers[i]));
	for (int i = 0; i < MEASURED_TIMES; i++)
		output_set(times, measured_keys[i], summary(&m->times[i]));
	output_set(o, "network", output_text(m->network->name));
	output_set(o, "operations", json_integer((json_int_t)operations));
	output_set(o, "pl", output_text(m->pl));
	output_set(o, "pl_layers", output_pack("[i, i]", network_split(m->network), m->reach));
	output_set(o, "pl_stopped", m->stopped_at[0] ? output_text(m->stopped_at) : json_null());
	output_set(o, "pl_hertz", m->counted ? number(m->hertz) : json_null());
	output_set(o, "simulated", json_boolean(m->simulated));
	output_set(o, "source", known_text(m->source));
	output_set(o, "layers", layers);
	output_set(o, "times_us", times);
	output_set(o, "threads", json_integer(m->threads));
	output_set(o, "batch", json_integer(m->batch));
	output_set(o, "pictures_per_second", number(rate));
	output_set(o, "gops", number(rate * (double)operations / 1e9));
	output_set(o, "pipeline", pipeline(m));
	output_set(o, "joules_per_picture", m->joules >= 0 ? number(m->joules) : json_null());
	output_set(o, "gops_per_watt", m->joules > 0 ? number(measured_efficiency(m)) : json_null());
	output_set(o, "others", number(m->others));
	output_set(o, "stopped", json_boolean(m->stopped));
	output_set(o, "seconds", number(m->seconds));
	return o;
}

static json_t *machine(const struct measured_all *all)
{
	const struct machine *b = &all->before, *a = &all->after;
	json_t *o = json_object();

	output_set(o, "processor", known_text(b->processor));
	output_set(o, "board", known_text(b->board));
	output_set(o, "system", known_text(b->system));
	output_set(o, "features", known_text(b->features));
	output_set(o, "processors", json_integer(b->processors));
	output_set(o, "governor", known_text(b->governor));
	output_set(o, "clock_mhz", all->frequency > 0 ? number(all->frequency) : json_null());
	output_set(o, "reported_mhz", a->clock > 0 ? number(a->clock) : json_null());
	output_set(o, "temperature", output_pack("[o, o]", number(b->temperature), number(a->temperature)));
	output_set(o, "load",
		b->load[0] < 0 ? json_null()
			       : output_pack("[o, o, o]", number(b->load[0]), number(b->load[1]),
					 number(b->load[2])));
	output_set(o, "energy", known_text(all->energy));
	output_set(o, "no_energy", known_text(all->no_energy));
	return o;
}

static json_t *criteria(void)
{
	return output_pack("{s:f, s:f, s:i, s:f}", "interval", STATISTICS_WIDTH, "drift", STATISTICS_DRIFT,
		"runs", STATISTICS_RUNS, "busy", MEASURE_BUSY);
}

json_t *measure_json(const struct measured_all *all)
{
	json_t *o = json_object(), *networks = json_array();

	for (int i = 0; i < all->count; i++)
		output_append(networks, network(&all->networks[i]));
	output_set(o, "measure", json_integer(MEASURE_FORMAT));
	output_set(o, "program", json_string("twobit " TWOBIT_VERSION));
	output_set(o, "date", json_string(all->date));
	output_set(o, "criteria", criteria());
	output_set(o, "machine", machine(all));
	output_set(o, "networks", networks);
	return o;
}
