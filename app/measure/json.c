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
	json_object_set_new(o, "p50", microseconds(s->p50));
	json_object_set_new(o, "p95", microseconds(s->p95));
	json_object_set_new(o, "p99", microseconds(s->p99));
	json_object_set_new(o, "min", microseconds(s->minimum));
	json_object_set_new(o, "max", microseconds(s->maximum));
	json_object_set_new(o, "low", microseconds(s->low));
	json_object_set_new(o, "high", microseconds(s->high));
	json_object_set_new(o, "runs", json_integer((json_int_t)s->runs));
	json_object_set_new(o, "stable", json_boolean(s->stable));
	return o;
}

static json_t *shape(struct shape s)
{
	return json_pack("[i, i, i]", s.height, s.width, s.channels);
}

static json_t *layer(const struct measured_layer *m)
{
	const struct layer *l = m->layer;
	json_t *o = json_object();

	json_object_set_new(o, "name", output_text(l->name));
	json_object_set_new(o, "kind", json_string(layer_kinds[l->kind].key));
	json_object_set_new(o, "input", shape(l->in));
	json_object_set_new(o, "output", shape(l->out));
	json_object_set_new(o, "input_bits", json_integer(l->input_bits));
	json_object_set_new(o, "weight_bits", json_integer(l->weight_bits));
	json_object_set_new(o, "output_bits", json_integer(l->output_bits));
	json_object_set_new(o, "operations",
		json_integer((json_int_t)(MEASURE_OPERATIONS_A_PRODUCT * layer_operations(l))));
	json_object_set_new(o, "kernel", m->kernel[0] ? json_string(m->kernel) : json_null());
	json_object_set_new(o, "software_us", summary(&m->software));
	json_object_set_new(o, "pl_us", summary(&m->pl));
	json_object_set_new(o, "merged", json_boolean(m->merged));
	return o;
}

static json_t *pipeline_times(const struct measured_pipeline *m)
{
	json_t *o = json_object();

	json_object_set_new(o, "pictures", json_integer((json_int_t)m->pictures));
	json_object_set_new(o, "pictures_per_second", number(measured_rate(&m->interval)));
	json_object_set_new(o, "interval_us", summary(&m->interval));
	json_object_set_new(o, "latency_us", summary(&m->latency));
	return o;
}

static void set_known(json_t *object, const char *key, json_t *value)
{
	if (value)
		json_object_set_new(object, key, value);
}

static json_t *pipeline(const struct measurement *m)
{
	json_t *o = json_object();

	json_object_set_new(o, "slowest_stage", json_string(m->slowest_stage));
	json_object_set_new(o, "ideal_us", microseconds(m->ideal));
	if (m->no_pipeline[0]) {
		json_object_set_new(o, "not_run", json_string(m->no_pipeline));
		return o;
	}
	json_object_set_new(o, "overlap", pipeline_times(&m->pipelines[PIPELINE_OVERLAPPED]));
	json_object_set_new(o, "in_turn", pipeline_times(&m->pipelines[PIPELINE_IN_TURN]));
	json_object_set_new(o, "reached", number(measured_reach(m)));
	json_object_set_new(o, "gain", number(measured_gain(m)));
	set_known(o, "histogram", chart_histogram(m));
	set_known(o, "timeline", chart_timeline(m));
	return o;
}

static json_t *network(const struct measurement *m)
{
	uint64_t operations = measured_operations(m->network);
	double rate = measured_rate(&m->times[MEASURED_ALL]);
	json_t *o = json_object(), *layers = json_array(), *times = json_object();

	for (int i = 0; i < m->network->layer_count; i++)
		json_array_append_new(layers, layer(&m->layers[i]));
	for (int i = 0; i < MEASURED_TIMES; i++)
		json_object_set_new(times, measured_keys[i], summary(&m->times[i]));
	json_object_set_new(o, "network", output_text(m->network->name));
	json_object_set_new(o, "operations", json_integer((json_int_t)operations));
	json_object_set_new(o, "pl", json_string(m->pl));
	json_object_set_new(o, "pl_layers", json_pack("[i, i]", network_split(m->network), m->reach));
	json_object_set_new(o, "pl_stopped", m->stopped_at[0] ? output_text(m->stopped_at) : json_null());
	json_object_set_new(o, "pl_hertz", m->counted ? number(m->hertz) : json_null());
	json_object_set_new(o, "simulated", json_boolean(m->simulated));
	json_object_set_new(o, "layers", layers);
	json_object_set_new(o, "times_us", times);
	json_object_set_new(o, "pictures_per_second", number(rate));
	json_object_set_new(o, "gops", number(rate * (double)operations / 1e9));
	json_object_set_new(o, "pipeline", pipeline(m));
	json_object_set_new(o, "joules_per_picture", m->joules >= 0 ? number(m->joules) : json_null());
	json_object_set_new(o, "others", number(m->others));
	json_object_set_new(o, "stopped", json_boolean(m->stopped));
	json_object_set_new(o, "seconds", number(m->seconds));
	return o;
}

static json_t *known_text(const char *text)
{
	return text && text[0] ? output_text(text) : json_null();
}

static json_t *machine(const struct measured_all *all)
{
	const struct machine *b = &all->before, *a = &all->after;
	json_t *o = json_object();

	json_object_set_new(o, "processor", known_text(b->processor));
	json_object_set_new(o, "board", known_text(b->board));
	json_object_set_new(o, "system", known_text(b->system));
	json_object_set_new(o, "features", known_text(b->features));
	json_object_set_new(o, "processors", json_integer(b->processors));
	json_object_set_new(o, "governor", known_text(b->governor));
	json_object_set_new(o, "clock_mhz", a->clock > 0 ? number(a->clock) : json_null());
	json_object_set_new(
		o, "temperature", json_pack("[o, o]", number(b->temperature), number(a->temperature)));
	json_object_set_new(o, "load",
		b->load[0] < 0
			? json_null()
			: json_pack("[o, o, o]", number(b->load[0]), number(b->load[1]), number(b->load[2])));
	json_object_set_new(o, "energy", known_text(all->energy));
	json_object_set_new(o, "no_energy", known_text(all->no_energy));
	return o;
}

static json_t *criteria(void)
{
	return json_pack("{s:f, s:f, s:i, s:f}", "interval", STATISTICS_WIDTH, "drift", STATISTICS_DRIFT,
		"runs", STATISTICS_RUNS, "busy", MEASURE_BUSY);
}

json_t *measure_json(const struct measured_all *all)
{
	json_t *o = json_object(), *networks = json_array();

	for (int i = 0; i < all->count; i++)
		json_array_append_new(networks, network(&all->networks[i]));
	json_object_set_new(o, "measure", json_integer(MEASURE_FORMAT));
	json_object_set_new(o, "program", json_string("twobit " TWOBIT_VERSION));
	json_object_set_new(o, "date", json_string(all->date));
	json_object_set_new(o, "criteria", criteria());
	json_object_set_new(o, "machine", machine(all));
	json_object_set_new(o, "networks", networks);
	return o;
}
