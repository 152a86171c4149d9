/* SPDX-License-Identifier: MIT */
#include "import/onnx_options.h"
#include "base/printable.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BOX_SIZE 0.6 /* as in docs/formats.md */
#define INK_FILL (20.0 / 28)
#define FACE_FILL 0.975

const char *onnx_option_given(const struct onnx_values *values)
{
	if (option_given(&values->calibrate))
		return "--calibrate";
	if (option_given(&values->crop))
		return "--crop";
	if (values->size.width)
		return "--size";
	return values->layer_report ? "--layer-report" : NULL;
}

const char *model_option_given(const struct onnx_values *values)
{
	if (option_given(&values->mean))
		return "--mean";
	if (option_given(&values->std))
		return "--std";
	return option_given(&values->labels) ? "--labels" : NULL;
}

/* Numbers separated by commas. Returns how many; 0: the text is something else. */
static int numbers_parse(const char *text, double numbers[IMPORT_CHANNELS])
{
	int count = 0;
	char *end;

	for (; count < IMPORT_CHANNELS; text = end + 1) {
		numbers[count] = strtod(text, &end);
		if (end == text || !isfinite(numbers[count]))
			return 0;
		count++;
		if (!*end)
			return count;
		if (*end != ',')
			return 0;
	}
	return 0;
}

static bool is_positive(const double *numbers, int count)
{
	for (int i = 0; i < count; i++)
		if (numbers[i] <= 0)
			return false;
	return true;
}

/* "box:0.8" */
static bool crop_parse(const char *text, struct view *view)
{
	static const char *const kinds[] = {
		[VIEW_CENTRE] = "centre", [VIEW_BOX] = "box", [VIEW_INK] = "ink", [VIEW_FACE] = "face"};
	size_t length = strcspn(text, ":");
	char *end = NULL;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strlen(kinds[i]) != length || strncmp(text, kinds[i], length) != 0)
			continue;
		view->kind = (enum view_kind)i;
		bool sized = i == VIEW_BOX || i == VIEW_INK;
		view->size = sized ? BOX_SIZE : 0;
		view->fill = i == VIEW_INK ? INK_FILL : i == VIEW_FACE ? FACE_FILL : 0;
		if (text[length] && !sized)
			return false;
		if (text[length])
			view->size = strtod(text + length + 1, &end);
		return !(end && *end) && (!sized || (view->size >= 0.1 && view->size <= 1));
	}
	return false;
}

int onnx_options_take(const struct invocation *invocation, const struct onnx_values *values,
	struct import_onnx_options *out)
{
	*out = (struct import_onnx_options){
		.height = values->size.height, .width = values->size.width, .labels = values->labels.text};
	if (values->mean.text && !(out->mean_count = numbers_parse(values->mean.text, out->mean)))
		return option_refuse(invocation, &values->mean.origin,
			"takes a number, or one for each channel such as 0.485,0.456,0.406");
	for (int i = 0; i < out->mean_count; i++)
		if (fabs(out->mean[i]) > 1)
			return option_refuse(invocation, &values->mean.origin,
				"takes numbers for pixels of 0 ... 1; divide --mean and --std by 255");
	if (values->std.text && (!(out->std_count = numbers_parse(values->std.text, out->std)) ||
					!is_positive(out->std, out->std_count)))
		return option_refuse(invocation, &values->std.origin,
			"takes a number above 0, or one for each channel such as 0.229,0.224,0.225");
	if (values->crop.text && !crop_parse(values->crop.text, &out->view))
		return option_refuse(invocation, &values->crop.origin,
			"takes centre, box, ink or face; for a box also its size from 0.1 to 1: box:0.8");
	return OPTIONS_GO_ON;
}

/* A range of numbers; of the output, which has no codes, none. */
static void range_print(char *out, size_t size, double low, double high)
{
	if (isfinite(low))
		snprintf(out, size, "%.4g ... %.4g", low, high);
	else
		snprintf(out, size, "-");
}

void layer_report_print(const struct layer_report *report)
{
	if (report->count == 0) {
		printf("The model is quantised already: no layer has an error of ours.\n");
		return;
	}
	printf("%-40s %-18s %22s %22s %9s\n", "layer", "operator", "numbers", "codes stand for", "error");
	for (int i = 0; i < report->count; i++) {
		const struct layer_error *l = &report->layers[i];
		char numbers[48], codes[48];

		range_print(numbers, sizeof(numbers), l->least, l->most);
		range_print(codes, sizeof(codes), l->low, l->high);
		printf("%-40s %-18s %22s %22s %6.1f dB\n", PRINTABLE(l->name), PRINTABLE(l->type), numbers,
			codes, 10 * log10(fmax(l->noise, 1e-12 * l->power) / fmax(l->power, 1e-300)));
	}
}
