/* SPDX-License-Identifier: MIT */
/* The web page: one file that needs no other, light or dark as the reader's machine is. */
#include "measure_report.h"

#include "base/build.h"
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

static const char style[] =
	":root{color-scheme:light dark;--paper:#fbfbf9;--card:#fff;--ink:#1c2024;--dim:#666f78;"
	"--rule:#dfe2e5;--one:#2f6fb0;--two:#d1741f;--both:#2f6fb030;--warn:#fdf0d5;--warnink:#6b4a00;"
	"--f0:#7fb2e5;--f1:#f2b279;--f2:#93cfa2;--f3:#cfa9dd}"
	"@media(prefers-color-scheme:dark){:root{--paper:#15181b;--card:#1c2024;--ink:#e6e8ea;"
	"--dim:#98a2ab;--rule:#343a40;--one:#6fb0f0;--two:#f0a050;--both:#6fb0f038;--warn:#3a2d10;"
	"--warnink:#f2d38a;--f0:#3d77ad;--f1:#b0682a;--f2:#3f8a54;--f3:#84569a}}"
	"*{box-sizing:border-box}"
	"body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}"
	"main{max-width:1000px;margin:0 auto;padding:32px 20px 64px}h1{font-size:28px;margin:0}"
	"h2{font-size:22px;margin:48px 0 4px;padding-top:16px;border-top:2px solid var(--ink)}"
	"h3{font-size:16px;margin:32px 0 4px}p{margin:4px 0 12px;max-width:75ch}"
	".dim,figcaption{color:var(--dim)}"
	".warn{background:var(--warn);color:var(--warnink);padding:10px 14px;border-radius:6px;"
	"max-width:none}"
	".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(170px,1fr));gap:12px;"
	"margin:16px 0}"
	".tiles div{background:var(--card);border:1px solid var(--rule);border-radius:8px;"
	"padding:12px 14px}"
	".tiles b{display:block;font-size:26px;line-height:1.2;font-variant-numeric:tabular-nums}"
	".tiles span{color:var(--dim);font-size:13px}.wide{overflow-x:auto}"
	"table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:14px}"
	"th{font-weight:600;color:var(--dim);text-align:right;padding:4px 8px;"
	"border-bottom:1px solid var(--rule);white-space:nowrap}"
	"td{text-align:right;padding:4px 8px;border-bottom:1px solid var(--rule);white-space:nowrap}"
	"th:first-child,td:first-child,.left{text-align:left}tr.sum td{font-weight:600}"
	"td small{color:var(--dim)}.bar{width:24%;min-width:120px}"
	".bar i{display:block;height:7px;margin:2px 0;border-radius:2px;min-width:1px}"
	".k0{background:var(--one)}.k1{background:var(--two)}"
	"svg{display:block;width:100%;min-width:640px;height:auto;margin:8px 0}"
	"svg text{font:12px system-ui,sans-serif;fill:var(--ink)}svg .tick{fill:var(--dim)}"
	"svg .number{font-size:11px}.grid{stroke:var(--rule);stroke-width:1}"
	".area{fill-opacity:.35;stroke-width:1.5}.area.k0{fill:var(--one);stroke:var(--one)}"
	".area.k1{fill:var(--two);stroke:var(--two)}.median{stroke-width:1.5;stroke-dasharray:4 3}"
	".median.k0{stroke:var(--one)}.median.k1{stroke:var(--two)}.both{fill:var(--both)}"
	".f0{fill:var(--f0)}.f1{fill:var(--f1)}.f2{fill:var(--f2)}.f3{fill:var(--f3)}"
	"figure{margin:16px 0}.key span{margin-right:20px;display:inline-block}"
	".key i{display:inline-block;width:11px;height:11px;border-radius:2px;margin-right:6px}"
	".key{color:var(--dim);font-size:13px;max-width:none}"
	"dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 20px;margin:8px 0}"
	"dt{color:var(--dim)}dd{margin:0}";

void report_text(FILE *file, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if (strchr("<>&\"'", c))
			fprintf(file, "&#%d;", c);
		else
			putc(c < 0x20 ? ' ' : c, file);
	}
}

static double us(int64_t ns)
{
	return (double)ns / 1e3;
}

static void tile(FILE *file, const char *format, double value, const char *text)
{
	fputs("<div><b>", file);
	fprintf(file, format, value);
	fprintf(file, "</b><span>%s</span></div>\n", text);
}

static void tiles(FILE *file, const struct measurement *m)
{
	const struct measured_pipeline *pipeline = &m->pipelines[PIPELINE_OVERLAPPED];
	const struct summary *all = &m->times[MEASURED_ALL];
	double operations = (double)measured_operations(m->network);

	fputs("<div class=\"tiles\">\n", file);
	if (pipeline->interval.runs) {
		tile(file, "%.0f", measured_rate(&pipeline->interval), "pictures a second, with overlap");
		tile(file, "%.2f×", measured_gain(m), "as many as without overlap");
		tile(file, "%.0f %%", 100 * measured_reach(m), "of the ideal, the slowest stage alone");
		tile(file, "%.0f µs", us(pipeline->latency.p50), "from Conv0’s begin to the label (p50)");
	} else {
		tile(file, "%.1f", measured_rate(all), "pictures a second, one after the other");
		tile(file, "%.0f µs", us(all->p50), "a picture, end to end (p50)");
	}
	tile(file, "%.1f",
		operations * measured_rate(pipeline->interval.runs ? &pipeline->interval : all) / 1e9,
		"Gop/s, two operations a multiply-accumulate");
	if (m->joules >= 0)
		tile(file, "%.3g J", m->joules, "a picture, of all that the machine did");
	fputs("</div>\n", file);
}

/* A time with its mark when it is not stable; a dash without runs. */
static void time_cell(FILE *file, const struct summary *s)
{
	if (!s || !s->runs)
		fputs("<td>–</td>", file);
	else
		fprintf(file, "<td title=\"p50 of %zu; 95 %% interval %.1f to %.1f µs\">%.1f%s</td>", s->runs,
			us(s->low), us(s->high), us(s->p50), s->stable ? "" : "<small>~</small>");
}

static void rate_cell(FILE *file, uint64_t operations, const struct summary *s)
{
	if (s && s->p50 > 0 && operations)
		fprintf(file, "<td>%.1f</td>", (double)operations / (double)s->p50);
	else
		fputs("<td></td>", file);
}

static void bar(FILE *file, int kind, const struct summary *s, int64_t longest)
{
	if (s && s->runs && longest > 0)
		fprintf(file, "<i class=\"k%d\" style=\"width:%.1f%%\"></i>", kind,
			100.0 * (double)s->p50 / (double)longest);
}

static void layer_row(FILE *file, const char *class, const char *name, const char *kernel,
	uint64_t operations, const struct summary *software, const struct summary *pl, int64_t longest)
{
	fprintf(file, "<tr%s><td>", class);
	report_text(file, name);
	fputs("</td><td class=\"left\">", file);
	report_text(file, kernel);
	fputs("</td>", file);
	fprintf(file, operations ? "<td>%.2f</td>" : "<td></td>", (double)operations / 1e6);
	time_cell(file, software);
	rate_cell(file, operations, software);
	time_cell(file, pl);
	rate_cell(file, operations, pl);
	if (pl && pl->p50 > 0)
		fprintf(file, "<td>%.2f×</td>", (double)software->p50 / (double)pl->p50);
	else
		fputs("<td></td>", file);
	fputs("<td class=\"bar\">", file);
	bar(file, 0, software, longest);
	bar(file, 1, pl, longest);
	fputs("</td></tr>\n", file);
}

static int64_t longest_time(const struct measurement *m)
{
	int64_t longest = m->times[MEASURED_ALL].p50;

	if (m->times[MEASURED_SOFTWARE_ALL].p50 > longest)
		longest = m->times[MEASURED_SOFTWARE_ALL].p50;
	for (int i = 0; i < m->network->layer_count; i++) {
		const struct measured_layer *l = &m->layers[i];
		longest = l->software.p50 > longest ? l->software.p50 : longest;
		longest = l->pl.p50 > longest ? l->pl.p50 : longest;
	}
	return longest;
}

static void layers(FILE *file, const struct measurement *m)
{
	const struct summary *t = m->times;
	int64_t longest = longest_time(m);
	uint64_t later = 0;
	int split = network_split(m->network);

	fprintf(file,
		"<h3>Layers</h3>\n<p>Medians, in software (one thread) and in the PL%s. A tilde marks a "
		"median that was not "
		"stable yet.</p>\n<div class=\"wide\"><table><tr><th>Layer</th><th "
		"class=\"left\">Kernel</th><th>Mop</th>"
		"<th>Software µs</th><th>Gop/s</th><th>PL "
		"µs</th><th>Gop/s</th><th>Speed-up</th><th></th></tr>\n",
		m->simulated ? ", which is simulated: its times are cycles at its clock"
		: m->counted ? ", whose layers’ times are cycles at its clock"
			     : ", each layer in a PL of its own");
	for (int i = 0; i < m->network->layer_count; i++) {
		const struct measured_layer *l = &m->layers[i];
		uint64_t operations = MEASURE_OPERATIONS_A_PRODUCT * layer_operations(l->layer);
		later += i < split ? 0 : operations;
		layer_row(file, "", l->layer->name,
			l->merged ? "with the layer before it in the PL" : l->kernel, operations,
			&l->software, i < split ? NULL : &l->pl, longest);
	}
	layer_row(file, " class=\"sum\"", "PL’s layers together", "", later, &t[MEASURED_SOFTWARE_LAYERS],
		&t[MEASURED_PL], longest);
	layer_row(file, "", "label", "", 0, &t[MEASURED_LABEL], NULL, longest);
	layer_row(file, " class=\"sum\"", "end to end", "", measured_operations(m->network),
		&t[MEASURED_SOFTWARE_ALL], &t[MEASURED_ALL], longest);
	fputs("</table></div>\n<p class=\"key\"><span><i class=\"k0\"></i>software</span><span><i "
	      "class=\"k1\"></i>PL</span></p>\n",
		file);
}

static void spread_row(FILE *file, const char *name, const struct summary *s)
{
	if (s->runs)
		fprintf(file,
			"<tr><td>%s</td><td>%.1f</td><td>%.1f to "
			"%.1f</td><td>%.1f</td><td>%.1f</td><td>%.1f</td>"
			"<td>%.1f</td><td>%zu</td><td>%s</td></tr>\n",
			name, us(s->p50), us(s->low), us(s->high), us(s->p95), us(s->p99), us(s->minimum),
			us(s->maximum), s->runs, s->stable ? "yes" : "no");
}

static void spreads(FILE *file, const struct measurement *m)
{
	const struct measured_pipeline *pipelines = m->pipelines;

	fputs("<h3>Spread</h3>\n<div class=\"wide\"><table><tr><th>µs</th><th>p50</th><th>95 % "
	      "interval</th><th>p95</th>"
	      "<th>p99</th><th>min</th><th>max</th><th>runs</th><th>stable</th></tr>\n",
		file);
	spread_row(file, "conv0", &m->times[MEASURED_CONV0]);
	spread_row(file, "PL’s layers together", &m->times[MEASURED_PL]);
	spread_row(file, "label", &m->times[MEASURED_LABEL]);
	spread_row(file, "end to end", &m->times[MEASURED_ALL]);
	spread_row(file, "end to end in software", &m->times[MEASURED_SOFTWARE_ALL]);
	spread_row(file, "pipeline, a picture, with overlap", &pipelines[PIPELINE_OVERLAPPED].interval);
	spread_row(file, "pipeline, a picture, without", &pipelines[PIPELINE_IN_TURN].interval);
	spread_row(file, "Conv0’s begin to label, with overlap", &pipelines[PIPELINE_OVERLAPPED].latency);
	spread_row(file, "Conv0’s begin to label, without", &pipelines[PIPELINE_IN_TURN].latency);
	fputs("</table></div>\n", file);
}

static void pipeline(FILE *file, const struct measurement *m)
{
	fputs("<h3>Pipeline</h3>\n<p>", file);
	if (m->no_pipeline[0]) {
		fputs("Not run: ", file);
		report_text(file, m->no_pipeline);
		fprintf(file,
			". Its slowest stage alone (%s, %.1f µs) would do %.1f pictures a second.</p>\n",
			m->slowest_stage, us(m->ideal), m->ideal > 0 ? 1e9 / (double)m->ideal : 0);
		return;
	}
	fprintf(file,
		"All stages at work, each a thread: %.1f pictures a second with overlap, %.1f without. Were "
		"there but the "
		"slowest stage, %s (%.1f µs), there would be %.1f.</p>\n<p>How long a picture takes from "
		"Conv0’s begin to "
		"its label:</p>\n",
		measured_rate(&m->pipelines[PIPELINE_OVERLAPPED].interval),
		measured_rate(&m->pipelines[PIPELINE_IN_TURN].interval), m->slowest_stage, us(m->ideal),
		m->ideal > 0 ? 1e9 / (double)m->ideal : 0);
	chart_latencies(file, m);
	chart_timelines(file, m);
}

static void network(FILE *file, const struct measurement *m)
{
	struct shape in = m->network->layers[0].in;

	fputs("<section><h2>", file);
	report_text(file, m->network->name);
	fprintf(file,
		"</h2>\n<p class=\"dim\">%d×%d×%d pixels to %d scores, %.1f million operations a picture; "
		"PL: %s%s</p>\n",
		in.width, in.height, in.channels, m->network->class_count,
		(double)measured_operations(m->network) / 1e6, m->pl, m->simulated ? ", simulated" : "");
	if (m->others > MEASURE_BUSY)
		fprintf(file,
			"<p class=\"warn\">The machine was busy: other programs took %.0f %% of its "
			"processors’ time meanwhile. "
			"Times are longer, and spread wider, than on a quiet one.</p>\n",
			100 * m->others);
	if (m->stopped)
		fputs("<p class=\"warn\">Stopped early: this is of the runs until then.</p>\n", file);
	tiles(file, m);
	layers(file, m);
	pipeline(file, m);
	spreads(file, m);
	fputs("</section>\n", file);
}

static void overview(FILE *file, const struct measured_all *all)
{
	fputs("<h3>All networks</h3>\n<div "
	      "class=\"wide\"><table><tr><th>Network</th><th>PL</th><th>Mop</th><th>Conv0 µs</th>"
	      "<th>PL µs</th><th>End to end µs</th><th>Pictures/s with "
	      "overlap</th><th>Gain</th><th>Gop/s</th></tr>\n",
		file);
	for (int i = 0; i < all->count; i++) {
		const struct measurement *m = &all->networks[i];
		double operations = (double)measured_operations(m->network);
		const struct summary *pipeline = &m->pipelines[PIPELINE_OVERLAPPED].interval;
		fputs("<tr><td>", file);
		report_text(file, m->network->name);
		fprintf(file, "</td><td>%s</td><td>%.1f</td>", m->pl, operations / 1e6);
		time_cell(file, &m->times[MEASURED_CONV0]);
		time_cell(file, &m->times[MEASURED_PL]);
		time_cell(file, &m->times[MEASURED_ALL]);
		if (pipeline->runs)
			fprintf(file, "<td>%.1f</td><td>%.2f×</td><td>%.1f</td></tr>\n",
				measured_rate(pipeline), measured_gain(m),
				operations * measured_rate(pipeline) / 1e9);
		else
			fputs("<td>–</td><td>–</td><td>–</td></tr>\n", file);
	}
	fputs("</table></div>\n", file);
}

static void fact(FILE *file, const char *name, const char *value)
{
	fprintf(file, "<dt>%s</dt><dd>", name);
	report_text(file, value && value[0] ? value : "not reported");
	fputs("</dd>\n", file);
}

static void machine(FILE *file, const struct measured_all *all)
{
	const struct machine *b = &all->before, *a = &all->after;
	char text[160] = "";

	fputs("<section><h2>Machine and method</h2>\n<dl>\n", file);
	fact(file, "Processor", b->processor);
	if (b->board[0])
		fact(file, "Board", b->board);
	snprintf(text, sizeof(text), "%d", b->processors);
	fact(file, "Processors", text);
	fact(file, "Features", b->features);
	fact(file, "System", b->system);
	snprintf(text, sizeof(text), "%.0f MHz%s%s", a->clock, a->governor[0] ? ", " : "", a->governor);
	fact(file, "Clock", a->clock > 0 ? text : "");
	snprintf(text, sizeof(text), "%.0f °C before, %.0f °C after", b->temperature, a->temperature);
	fact(file, "Temperature", isnan(b->temperature) || isnan(a->temperature) ? "" : text);
	snprintf(text, sizeof(text), "%.2f, %.2f, %.2f (1, 5, 15 minutes)", b->load[0], b->load[1],
		b->load[2]);
	fact(file, "Load before", b->load[0] < 0 ? "" : text);
	fact(file, "Energy", all->energy ? all->energy : all->no_energy);
	fprintf(file,
		"</dl>\n<p>Parts are timed in rounds, each of them once a round, after a warm-up. Runs go on "
		"until every median "
		"is stable or the time is up: its 95 %% confidence interval is within ±%.0f %%, the medians "
		"of the first and the "
		"second half of the runs differ by no more than %.0f %%, and there are %d runs. The pipeline "
		"runs with and "
		"without overlap in turns. Two operations are one multiply-accumulate.</p></section>\n",
		100 * STATISTICS_WIDTH, 100 * STATISTICS_DRIFT, STATISTICS_RUNS);
}

int measure_report(FILE *file, const struct measured_all *all)
{
	errno = 0;
	fprintf(file,
		"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		"<title>twobit measure, %s</title>\n<style>%s</style></head>\n<body><main>\n<h1>twobit "
		"measure</h1>\n"
		"<p class=\"dim\">%s, twobit %s, on ",
		all->date, style, all->date, TWOBIT_VERSION);
	report_text(file, all->before.processor[0] ? all->before.processor : all->before.system);
	fputs("</p>\n", file);
	if (all->count > 1)
		overview(file, all);
	for (int i = 0; i < all->count; i++)
		network(file, &all->networks[i]);
	machine(file, all);
	fputs("</main></body></html>\n", file);
	return ferror(file) || fflush(file) ? -(errno ? errno : EIO) : 0;
}
