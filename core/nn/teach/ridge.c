/* SPDX-License-Identifier: MIT */
#include "nn/teach/ridge.h"

#include "base/error.h"
#include "nn/teach/symmetric.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The penalty is chosen with at most so many examples: it changes little with more. */
#define CHOOSING 400

/* Inner products of examples whose mean is subtracted, and what is fitted to them. */
struct fit {
	const struct examples *examples;
	int count;	       /* the first ones of `order` */
	const int *order;      /* [count]: examples */
	double *products;      /* [count][count], centred; with the constant feature's */
	double *factor;	       /* [count][count] */
	double *diagonal;      /* [count] of the inverse */
	double *target, *work; /* [count] */
	double *dual;	       /* [class_count][count] */
	double *held_out;      /* [count][class_count]: outputs of fits without the example's burst */
	int *burst;	       /* [count]: places of examples, those of a burst together */
	int *last;	       /* [count]: the place in `burst` behind the burst that begins there */
	bool *tested;	       /* [count]: other bursts hold its class */
	double *excess;	       /* [count]: its class's examples, as a multiple of the mean of all classes */
	double constant;       /* the square of the constant feature, which is the bias */
};

static double product(const uint8_t *restrict a, const uint8_t *restrict b, size_t size)
{
	double sum = 0;

	while (size) {
		size_t part = size < 4096 ? size : 4096; /* no sum leaves 32 bits */
		uint32_t sums = 0;

		for (size_t i = 0; i < part; i++)
			sums += (uint32_t)(a[i] * b[i]);
		sum += sums;
		a += part;
		b += part;
		size -= part;
	}
	return sum;
}

static const uint8_t *example(const struct fit *f, int i)
{
	return f->examples->codes + (size_t)f->order[i] * f->examples->size;
}

/* Subtracts the mean of all examples from each, in their products; returns the mean of the diagonal. */
static double centre(struct fit *f)
{
	size_t n = (size_t)f->count;
	double all = 0, trace = 0, *means = f->work;

	for (size_t i = 0; i < n; i++) {
		means[i] = 0;
		for (size_t k = 0; k < n; k++)
			means[i] += f->products[i * n + k] / (double)n;
		all += means[i] / (double)n;
	}
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < n; k++)
			f->products[i * n + k] += all - means[i] - means[k];
		trace += f->products[i * n + i];
	}
	return trace / (double)n;
}

static void multiply_examples(struct fit *f)
{
	size_t n = (size_t)f->count;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k <= i; k++)
			f->products[i * n + k] = f->products[k * n + i] =
				product(example(f, (int)i), example(f, (int)k), f->examples->size);
	f->constant = centre(f);
	if (!(f->constant > 0))
		f->constant = 1; /* all examples are the same */
	for (size_t i = 0; i < n * n; i++)
		f->products[i] += f->constant;
}

static double target_of(const struct fit *f, int i, int class)
{
	return f->examples->classes[f->order[i]] == class ? 1 : -1;
}

/* Outputs of a fit without these examples: targets − block of the inverse⁻¹ · dual. */
static bool leave_out(struct fit *f, const int *places, int count)
{
	size_t classes = (size_t)f->examples->class_count, m = (size_t)count;
	double *block = calloc(m * m + 3 * m, sizeof(*block)), *dual = block + m * m, *work = dual + m,
	       *rest = work + m;
	bool solved = false;

	if (block) {
		symmetric_inverse_block(f->factor, f->count, places, count, block);
		solved = symmetric_factor(block, count);
	}
	for (size_t c = 0; c < classes && solved; c++) {
		for (size_t i = 0; i < m; i++)
			dual[i] = f->dual[c * (size_t)f->count + (size_t)places[i]];
		symmetric_solve(block, count, dual, work, rest);
		for (size_t i = 0; i < m; i++)
			f->held_out[(size_t)places[i] * classes + c] =
				target_of(f, places[i], (int)c) - rest[i];
	}
	free(block);
	return solved;
}

/* Targets are 1 for the example's class and −1 for the others. False: no numbers that can be solved. */
static bool solve(struct fit *f, double lambda)
{
	int classes = f->examples->class_count;
	size_t n = (size_t)f->count;

	memcpy(f->factor, f->products, n * n * sizeof(*f->factor));
	for (size_t i = 0; i < n; i++)
		f->factor[i * n + i] += lambda * f->excess[i];
	if (!symmetric_factor(f->factor, f->count))
		return false;
	symmetric_inverse_diagonal(f->factor, f->count, f->diagonal);
	for (int c = 0; c < classes; c++) {
		double *dual = f->dual + (size_t)c * n;

		for (size_t i = 0; i < n; i++)
			f->target[i] = target_of(f, (int)i, c);
		symmetric_solve(f->factor, f->count, f->target, f->work, dual);
		for (size_t i = 0; i < n; i++)
			f->held_out[i * (size_t)classes + (size_t)c] =
				f->target[i] - dual[i] / f->diagonal[i];
	}
	for (int at = 0; at < f->count; at = f->last[at])
		if (f->last[at] - at > 1 && !leave_out(f, f->burst + at, f->last[at] - at))
			return false;
	return true;
}

static int best_class(const struct fit *f, int i)
{
	int classes = f->examples->class_count, best = 0;
	const double *outputs = f->held_out + (size_t)i * (size_t)classes;

	for (int c = 1; c < classes; c++)
		if (outputs[c] > outputs[best])
			best = c;
	return best;
}

static int count_errors(const struct fit *f)
{
	int errors = 0;

	for (int i = 0; i < f->count; i++)
		errors += f->tested[i] && best_class(f, i) != f->examples->classes[f->order[i]];
	return errors;
}

/* Σ of −ln of the softmax of scale · outputs, at the right class. */
static double negative_log_likelihood(const struct fit *f, double scale)
{
	int classes = f->examples->class_count;
	double sum = 0;

	for (int i = 0; i < f->count; i++) {
		const double *outputs = f->held_out + (size_t)i * (size_t)classes;
		double right = outputs[f->examples->classes[f->order[i]]], total = 0;

		for (int c = 0; c < classes && f->tested[i]; c++)
			total += exp(scale * (outputs[c] - right));
		sum += f->tested[i] ? log(total) : 0;
	}
	return sum;
}

/* The minimum over the scale's logarithm has one valley: golden section. */
static double fit_scale(const struct fit *f)
{
	const double ratio = (sqrt(5) - 1) / 2;
	double low = log(0.1), high = log(30);

	while (high - low > 0.01) {
		double a = high - ratio * (high - low), b = low + ratio * (high - low);

		if (negative_log_likelihood(f, exp(a)) < negative_log_likelihood(f, exp(b)))
			high = b;
		else
			low = a;
	}
	return exp((low + high) / 2);
}

static void fit_finish(struct fit *f)
{
	free(f->products);
	free(f->factor);
	free(f->diagonal);
	free(f->target);
	free(f->work);
	free(f->dual);
	free(f->held_out);
	free(f->burst);
	free(f->last);
	free(f->tested);
	free(f->excess);
}

struct member {
	int burst, place;
};

static int compare_members(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	return x->burst != y->burst ? x->burst - y->burst : x->place - y->place;
}

/* The examples of a burst at f->burst[begin … end − 1] are tested if there are others of their class. */
static void mark_tested(struct fit *f, int begin, int end, const int *of_class)
{
	for (int i = begin; i < end; i++) {
		int class = f->examples->classes[f->order[f->burst[i]]], within = 0;

		for (int k = begin; k < end; k++)
			within += f->examples->classes[f->order[f->burst[k]]] == class;
		f->tested[f->burst[i]] = of_class[class] > within;
	}
}

static int gather_bursts(struct fit *f)
{
	struct member *members = calloc((size_t)f->count, sizeof(*members));
	int *of_class = calloc((size_t)f->examples->class_count, sizeof(*of_class));

	for (int i = 0; i < f->count && members && of_class; i++) {
		const int *bursts = f->examples->bursts;
		members[i] = (struct member){bursts ? bursts[f->order[i]] : i, i};
		of_class[f->examples->classes[f->order[i]]]++;
	}
	if (members && of_class)
		qsort(members, (size_t)f->count, sizeof(*members), compare_members);
	for (int i = 0; i < f->count && members && of_class; i++)
		f->excess[i] = (double)of_class[f->examples->classes[f->order[i]]] *
			       f->examples->class_count / f->count;
	for (int at = 0, end; at < f->count && members && of_class; at = end) {
		for (end = at; end < f->count && members[end].burst == members[at].burst; end++)
			f->burst[end] = members[end].place;
		f->last[at] = end;
		mark_tested(f, at, end, of_class);
	}
	int rc = members && of_class ? 0 : -ENOMEM;
	free(members);
	free(of_class);
	return rc;
}

static int fit_begin(struct fit *f, const struct examples *examples, const int *order, int count)
{
	size_t n = (size_t)count, classes = (size_t)examples->class_count;

	*f = (struct fit){.examples = examples, .count = count, .order = order};
	f->products = calloc(n * n, sizeof(double));
	f->factor = calloc(n * n, sizeof(double));
	f->diagonal = calloc(n, sizeof(double));
	f->target = calloc(n, sizeof(double));
	f->work = calloc(n, sizeof(double));
	f->dual = calloc(n * classes, sizeof(double));
	f->held_out = calloc(n * classes, sizeof(double));
	f->burst = calloc(n, sizeof(*f->burst));
	f->last = calloc(n, sizeof(*f->last));
	f->tested = calloc(n, sizeof(*f->tested));
	f->excess = calloc(n, sizeof(*f->excess));
	bool some = f->products && f->factor && f->diagonal && f->target && f->work;
	some = some && f->dual && f->held_out && f->burst && f->last && f->tested && f->excess;
	if (!some || gather_bursts(f)) {
		fit_finish(f);
		return -ENOMEM;
	}
	multiply_examples(f);
	return 0;
}

/* Of penalties around the mean of the diagonal, the one with the fewest errors; of equals, the largest. */
static int choose_lambda(const struct examples *examples, const int *order, double *relative)
{
	static const double tried[] = {3, 1, 0.3, 0.1, 0.03, 0.01};
	struct fit f;
	int fewest = INT32_MAX;
	int count = examples->count < examples->fitted ? examples->count : examples->fitted;
	int rc = fit_begin(&f, examples, order, count < CHOOSING ? count : CHOOSING);

	*relative = 1;
	if (rc)
		return rc;
	for (size_t i = 0; i < sizeof(tried) / sizeof(*tried); i++)
		if (solve(&f, tried[i] * f.constant) && count_errors(&f) < fewest) {
			fewest = count_errors(&f);
			*relative = tried[i];
		}
	fit_finish(&f);
	return 0;
}

/* weights = Σ dual · (codes − mean) */
static int to_layer(const struct fit *f, struct ridge *out)
{
	size_t n = (size_t)f->count, size = f->examples->size;
	double *row = calloc(size, sizeof(*row));

	for (size_t i = 0; row && i < n; i++)
		for (size_t d = 0; d < size; d++)
			out->mean[d] += example(f, (int)i)[d] / (double)n;
	for (int c = 0; row && c < f->examples->class_count; c++) {
		const double *dual = f->dual + (size_t)c * n;
		double sum = 0;

		memset(row, 0, size * sizeof(*row));
		for (size_t i = 0; i < n; i++) {
			const uint8_t *codes = example(f, (int)i);
			sum += dual[i];
			for (size_t d = 0; d < size; d++)
				row[d] += dual[i] * codes[d];
		}
		for (size_t d = 0; d < size; d++)
			out->weights[(size_t)c * size + d] = (float)(row[d] - sum * out->mean[d]);
		out->bias[c] = f->constant * sum;
	}
	free(row);
	return row ? 0 : -ENOMEM;
}

static int check(const struct examples *examples, struct error *e)
{
	if (examples->class_count < 2)
		return error_set(
			e, -EINVAL, "%d classes; two or more can be told apart", examples->class_count);
	if (examples->count < 2 || examples->fitted < 2 || examples->count > EXAMPLES_LIMIT)
		return error_set(
			e, -EINVAL, "%d pictures; 2 … %d can be fitted", examples->count, EXAMPLES_LIMIT);
	return 0;
}

/* Examples in an order in which each part of them is as mixed as the whole. */
static int *mixed_order(int count)
{
	int *order = calloc((size_t)count, sizeof(*order)), step = (int)(0.618 * count) | 1;

	for (; step > 1; step--) { /* coprime to count: every example once */
		int a = count, b = step;
		while (b) {
			int rest = a % b;
			a = b;
			b = rest;
		}
		if (a == 1)
			break;
	}
	for (int i = 0; order && i < count; i++)
		order[i] = (int)((int64_t)i * step % count);
	return order;
}

static double confidence_of(const double *outputs, int classes, int best, double scale)
{
	double total = 0;

	for (int c = 0; c < classes; c++)
		total += exp(scale * (outputs[c] - outputs[best]));
	return 1 / total;
}

/* What fits without each example say of it. If no example has others of its class, bursts count for nothing.
 */
static void judge_fitted(struct fit *f, struct ridge *out)
{
	int classes = f->examples->class_count;

	for (int i = 0; i < f->count; i++)
		out->tested += f->tested[i];
	if (!out->tested)
		for (int i = 0; i < f->count; i++) {
			f->tested[i] = true;
			for (int c = 0; c < classes; c++)
				f->held_out[(size_t)i * (size_t)classes + (size_t)c] =
					target_of(f, i, c) -
					f->dual[(size_t)c * (size_t)f->count + (size_t)i] / f->diagonal[i];
		}
	out->scale = fit_scale(f);
	for (int i = 0; i < f->count && out->tested; i++) {
		int best = best_class(f, i);

		if (!f->tested[i])
			continue;
		out->held_out[f->order[i]] = best;
		out->confidence[f->order[i]] = (float)confidence_of(
			f->held_out + (size_t)i * (size_t)classes, classes, best, out->scale);
	}
}

/* The fit itself judges an example that it has not seen. */
static void judge_other(const struct examples *examples, int i, double *outputs, struct ridge *out)
{
	const uint8_t *codes = examples->codes + (size_t)i * examples->size;
	int best = 0;

	for (int c = 0; c < examples->class_count; c++) {
		const float *weights = out->weights + (size_t)c * examples->size;

		outputs[c] = out->bias[c];
		for (size_t d = 0; d < examples->size; d++)
			outputs[c] += (double)weights[d] * (codes[d] - out->mean[d]);
		best = outputs[c] > outputs[best] ? c : best;
	}
	out->held_out[i] = best;
	out->confidence[i] = (float)confidence_of(outputs, examples->class_count, best, out->scale);
	out->tested++;
}

/* The examples that were not fitted, unless something of their burst was. */
static int judge_others(const struct examples *examples, const int *order, int fitted, struct ridge *out)
{
	bool *seen = calloc((size_t)examples->count, sizeof(*seen));
	double *outputs = calloc((size_t)examples->class_count, sizeof(*outputs));

	for (int i = 0; i < examples->count && seen && outputs; i++) {
		int burst = examples->bursts ? examples->bursts[order[i]] : order[i];

		if (i < fitted)
			seen[burst] = true;
		else if (!seen[burst])
			judge_other(examples, order[i], outputs, out);
	}
	int rc = seen && outputs ? 0 : -ENOMEM;
	free(seen);
	free(outputs);
	return rc;
}

static int fit_all(const struct examples *examples, const int *order, struct ridge *out)
{
	size_t classes = (size_t)examples->class_count, count = (size_t)examples->count;
	int fitted = examples->count < examples->fitted ? examples->count : examples->fitted;
	double relative;
	struct fit f;

	out->weights = calloc(classes * examples->size, sizeof(*out->weights));
	out->mean = calloc(examples->size, sizeof(*out->mean));
	out->bias = calloc(classes, sizeof(*out->bias));
	out->held_out = malloc(count * sizeof(*out->held_out));
	out->confidence = calloc(count, sizeof(*out->confidence));
	if (!out->weights || !out->mean || !out->bias || !out->held_out || !out->confidence)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		out->held_out[i] = -1;
	int rc = choose_lambda(examples, order, &relative);
	if (rc || (rc = fit_begin(&f, examples, order, fitted)))
		return rc;
	out->lambda = relative * f.constant;
	rc = solve(&f, out->lambda) ? to_layer(&f, out) : -EDOM;
	if (!rc)
		judge_fitted(&f, out);
	fit_finish(&f);
	return rc || fitted == examples->count ? rc : judge_others(examples, order, fitted, out);
}

int ridge_fit(const struct examples *examples, struct ridge *out, struct error *e)
{
	int rc = check(examples, e);

	*out = (struct ridge){0};
	if (rc)
		return rc;
	int *order = mixed_order(examples->count);
	rc = order ? fit_all(examples, order, out) : -ENOMEM;
	free(order);
	if (!rc)
		return 0;
	ridge_finish(out);
	return error_set(e, rc,
		rc == -EDOM ? "the pictures' features cannot be fitted"
			    : "not enough memory to fit %d pictures",
		examples->count);
}

void ridge_finish(struct ridge *ridge)
{
	free(ridge->weights);
	free(ridge->mean);
	free(ridge->bias);
	free(ridge->held_out);
	free(ridge->confidence);
	*ridge = (struct ridge){0};
}
