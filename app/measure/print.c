/* SPDX-License-Identifier: MIT */
#include "base/printable.h"
#include "measure/measure.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static double us(int64_t ns)
{
	return (double)ns / 1e3;
}

static double gops(uint64_t operations, const struct summary *s)
{
	return s->p50 > 0 ? (double)operations / (double)s->p50 : 0;
}

/* "   123.4 ", or "   123.4~" if the median is not stable; a dash without runs. */
static void print_time(const struct summary *s)
{
	if (s->runs)
		printf(" %9.1f%s", us(s->p50), s->stable ? " " : "~");
	else
		printf(" %9s ", "-");
}

static void print_rate(uint64_t operations, const struct summary *s)
{
	if (s->runs && operations)
		printf(" %8.1f", gops(operations, s));
	else
		printf(" %8s", "");
}

/* One line of the first table. pl is NULL for a part that does not run in the PL. */
static void print_pair(const char *name, const char *kernel, uint64_t operations,
	const struct summary *software, const struct summary *pl, const char *note)
{
	printf("  %-20.20s %-22.22s", name, kernel);
	print_time(software);
	print_rate(operations, software);
	if (pl) {
		print_time(pl);
		print_rate(operations, pl);
	}
	if (pl && pl->runs && pl->p50 > 0 && software->p50 > 0)
		printf(" %7.2f×", (double)software->p50 / (double)pl->p50);
	printf("%s\n", note);
}

static void print_layer(const struct measurement *m, int i, uint64_t operations)
{
	const struct measured_layer *l = &m->layers[i];
	bool in_pl = m->hardware && i >= network_split(m->network) && i < m->reach;

	print_pair(l->layer->name, l->kernel[0] ? l->kernel : layer_kind_name(l->layer), operations,
		&l->software, in_pl ? &l->pl : NULL,
		l->merged		       ? "  (in the layer before it)"
		: m->hardware && i >= m->reach ? "  (behind the PL, in software)"
					       : "");
}

/* The columns of the PL are for one in hardware, or one that simulates hardware. */
static void print_layers(const struct measurement *m)
{
	const struct summary *t = m->times;
	uint64_t later = 0, all = measured_operations(m->network);
	int split = network_split(m->network);

	printf("\n");
	if (m->hardware)
		printf("  %-20s %-22s %10s  %8s %10s  %8s %8s\n", "", "", "software", "", "PL", "", "");
	printf("  %-20s %-22s %11s  %8s", "layer", "kernel", "p50 µs", "Gop/s");
	if (m->hardware)
		printf(" %11s  %8s %8s", "p50 µs", "Gop/s", "speed-up");
	printf("\n");
	print_pair("decode", "", 0, &t[MEASURED_PICTURE], NULL, "");
	print_pair("view", "", 0, &t[MEASURED_VIEW], NULL, "");
	for (int i = 0; i < m->network->layer_count; i++) {
		uint64_t operations = MEASURE_OPERATIONS_A_PRODUCT * layer_operations(&m->network->layers[i]);
		later += i < split ? 0 : operations;
		print_layer(m, i, operations);
	}
	print_pair(m->hardware ? "PL's layers together" : "layers after Conv0", "", later,
		&t[MEASURED_SOFTWARE_LAYERS], m->hardware ? &t[MEASURED_PL] : NULL,
		m->simulated ? "  (by its cycles)" : "");
	print_pair("label", "", 0, &t[MEASURED_LABEL], NULL, "");
	print_pair(
		"end to end", "", all, &t[MEASURED_SOFTWARE_ALL], m->hardware ? &t[MEASURED_ALL] : NULL, "");
	printf("  %-20s %-22s %10.1f", "pictures a second", "", measured_rate(&t[MEASURED_SOFTWARE_ALL]));
	if (m->hardware)
		printf("  %8s %10.1f", "", measured_rate(&t[MEASURED_ALL]));
	printf("\n");
}

static void print_spread(const char *name, int threads, int batch, const struct summary *s)
{
	if (s->runs)
		printf("  %-20s %7d %5d %9.1f %9.1f %9.1f %9.1f %9.1f %7zu  %.1f to %.1f\n", name, threads,
			batch, us(s->p50), us(s->p95), us(s->p99), us(s->minimum), us(s->maximum), s->runs,
			us(s->low), us(s->high));
}

static void print_spreads(const struct measurement *m)
{
	static const struct {
		const char *name;
		enum measured_time time;
	} rows[] = {
		{"conv0", MEASURED_CONV0},
		{"PL", MEASURED_PL},
		{"label", MEASURED_LABEL},
		{"end to end", MEASURED_ALL},
		{"all in software", MEASURED_SOFTWARE_ALL},
	};

	printf("\n  %-21s %7s %5s %9s %9s %9s %9s %9s %7s  %s\n", "µs a picture", "threads", "batch", "p50",
		"p95", "p99", "min", "max", "runs", "95 % interval of p50");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		print_spread(rows[i].name, 1, 1, &m->times[rows[i].time]);
	print_spread("network, warm caches", m->threads, m->batch, &m->times[MEASURED_NETWORK]);
	printf("  with warm caches: %.0f pictures a second\n", measured_rate(&m->times[MEASURED_NETWORK]));
}

static void print_pipeline(const char *name, const struct measured_pipeline *pipeline)
{
	const struct summary *s = &pipeline->interval, *l = &pipeline->latency;

	printf("  %-20s %10.1f  %4.1f to %.1f", name, measured_rate(s),
		s->high > 0 ? 1e9 / (double)s->high : 0, s->low > 0 ? 1e9 / (double)s->low : 0);
	printf("%s %*s%9.1f %9.1f %9.1f %9.1f %9.1f\n", s->stable ? " " : "~", 2, "", us(l->p50), us(l->p95),
		us(l->p99), us(l->minimum), us(l->maximum));
}

static void print_pipelines(const struct measurement *m)
{
	char shared[32];

	if (m->no_pipeline[0]) {
		printf("\n  pipeline: not run: %s;\n  its slowest stage alone (%s, %.1f µs) would do %.1f "
		       "pictures/s\n",
			m->no_pipeline, m->slowest_stage, us(m->ideal),
			m->ideal > 0 ? 1e9 / (double)m->ideal : 0);
		return;
	}
	printf("\n  %-20s %10s  %-18s %s\n", "pipeline", "pictures/s", "95 % interval",
		"Conv0's begin to label, µs: p50, p95, p99, min, max");
	print_pipeline("with overlap", &m->pipelines[PIPELINE_OVERLAPPED]);
	print_pipeline("without", &m->pipelines[PIPELINE_IN_TURN]);
	if (m->pipelines[PIPELINE_SHARED].interval.runs) {
		snprintf(shared, sizeof(shared), "%d threads a layer", m->threads);
		print_pipeline(shared, &m->pipelines[PIPELINE_SHARED]);
	}
	printf("  the overlap gains %.2f× and reaches %.0f %% of the ideal, %.1f pictures/s (the slowest "
	       "stage alone: "
	       "%s, %.1f µs)\n",
		measured_gain(m), 100 * measured_reach(m), m->ideal > 0 ? 1e9 / (double)m->ideal : 0,
		m->slowest_stage, us(m->ideal));
}

static void print_network(const struct measured_all *all, const struct measurement *m)
{
	const struct network *n = m->network;
	struct shape in = n->layers[0].in;

	printf("%s: %d×%d×%d pixels to %zu %s, %.1f million operations a picture (2 × "
	       "multiply-accumulates); PL: %s",
		PRINTABLE(n->name), in.width, in.height, in.channels,
		shape_size(n->layers[n->layer_count - 1].out), n->class_count ? "scores" : "codes",
		(double)measured_operations(n) / 1e6, m->pl);
	if (m->counted)
		printf(", %s cycles at %.0f MHz", m->simulated ? "simulated," : "", m->hertz / 1e6);
	printf("\n");
	if (m->source[0])
		printf("  pictures: %s\n", PRINTABLE(m->source));
	if (m->stopped_at[0])
		printf("  %s\n", PRINTABLE(m->stopped_at));
	print_layers(m);
	print_spreads(m);
	print_pipelines(m);
	if (m->joules >= 0)
		printf("  energy: %.4g J a picture with overlap, of the whole machine (%s): %.3g Gop/s/W\n",
			m->joules, all->energy, measured_efficiency(m));
	else
		printf("  energy: not available here: %s\n", all->no_energy	 ? all->no_energy
							     : m->no_pipeline[0] ? m->no_pipeline
										 : "too little was measured");
	if (m->stopped)
		printf("  stopped early: the figures above are of the runs until then\n");
	printf("\n");
}

static void print_machine(const struct measured_all *all)
{
	const struct machine *b = &all->before, *a = &all->after;
	double others = 0;

	for (int i = 0; i < all->count; i++)
		others = fmax(others, all->networks[i].others);
	printf("%s%s%s, %d processor%s, %s\n", PRINTABLE(b->board), b->board[0] ? ", " : "",
		b->processor[0] ? b->processor : "a processor without a name", b->processors,
		b->processors == 1 ? "" : "s", b->features[0] ? b->features : "no features reported");
	printf("%s; clock: %.0f MHz (by the time of a chain of additions", b->system, all->frequency);
	if (a->clock > 0)
		printf("; the system reports %.0f MHz", a->clock);
	printf("%s%s)", a->governor[0] ? ", " : "", a->governor);
	if (isnan(b->temperature) || isnan(a->temperature))
		printf("; temperature: not reported");
	else
		printf("; temperature: %.0f to %.0f °C", b->temperature, a->temperature);
	if (b->load[0] >= 0)
		printf("; load before: %.2f %.2f %.2f", b->load[0], b->load[1], b->load[2]);
	printf("; other programs took %.0f %% of the processors' time\n", 100 * others);
	printf("~ marks a median that is not stable. A median is stable if its 95 %% confidence interval is "
	       "within ±%.0f %%,\n"
	       "the medians of the first and the second half of the runs differ by at most %.0f %%, and "
	       "there are at\nleast %d runs.\n",
		100 * STATISTICS_WIDTH, 100 * STATISTICS_DRIFT, STATISTICS_RUNS);
}

static void print_overview(const struct measured_all *all)
{
	printf("%-22s %-12s %9s %11s %11s %14s %11s %7s %8s\n", "all networks", "PL", "Mop", "conv0 µs",
		"PL µs", "end to end µs", "pictures/s", "gain", "Gop/s");
	for (int i = 0; i < all->count; i++) {
		const struct measurement *m = &all->networks[i];
		const struct summary *pipeline = &m->pipelines[PIPELINE_OVERLAPPED].interval;
		const struct summary *rate = pipeline->runs ? pipeline : &m->times[MEASURED_ALL];
		double operations = (double)measured_operations(m->network);
		printf("  %-20.20s %-12.12s %9.1f %10.1f %10.1f %13.1f %11.1f %6.2f× %8.1f\n",
			PRINTABLE(m->network->name), m->pl, operations / 1e6,
			us(m->times[MEASURED_CONV0].p50), us(m->times[MEASURED_PL].p50),
			us(m->times[MEASURED_ALL].p50), measured_rate(rate),
			pipeline->runs ? measured_gain(m) : 1, operations * measured_rate(rate) / 1e9);
	}
	printf("\n");
}

void measure_print(const struct measured_all *all)
{
	for (int i = 0; i < all->count; i++)
		print_network(all, &all->networks[i]);
	if (all->count > 1)
		print_overview(all);
	print_machine(all);
}
