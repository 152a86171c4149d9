/* SPDX-License-Identifier: MIT */
#include "live/pipeline_options.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "choice/choice.h"
#include "cli/units.h"
#include "live/signals.h"
#include "nn/kernels/table.h"
#include "nn/smoothing.h"
#include "source/address.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

const char *const pipeline_rotations[] = {"0", "90", "180", "270", NULL};

/* Settings for cameras say nothing about another source; on the command line they are a mistake. */
static void pass_over(struct pipeline_options *v)
{
	if (v->format.origin.place)
		v->format.text = NULL;
	if (v->exposure.origin.place)
		v->exposure.text = NULL;
	if (v->controls.origins[0].place) /* those of the command line replaced them */
		v->controls.items[0] = NULL;
}

int pipeline_options_source(struct pipeline_options *v, const struct invocation *invocation, int count)
{
	char shown[ADDRESS_TEXT_BYTES];

	if (count > 1 || (count == 1 && option_given(&v->source)))
		return usage_error(invocation, "one source at a time: \"%s\" is too much",
			address_show(invocation->argv[count - 1], shown));
	if (count == 1)
		v->source = (struct option_text){.text = invocation->argv[0]};
	if (!source_is_camera(v->source.text))
		pass_over(v);
	return OPTIONS_GO_ON;
}

/* A number was once the weight of the past at each frame. */
static void explain_number(char *text, size_t size, const char *given, double weight)
{
	if (weight > 0 && weight < 1)
		snprintf(text, size,
			"takes a time such as 0.5s, not \"%s\"; as a weight of the past in each "
			"of 30 "
			"frames a second that is --smoothing %.2gs",
			given, -1 / (30 * log(weight)));
	else
		snprintf(text, size, "takes a time such as 0.5s, not \"%s\"; write %ss", given, given);
}

int smoothing_option(const struct invocation *invocation, const struct option_text *given, double *seconds)
{
	char text[200], *end;

	*seconds = SMOOTHING_DEFAULT;
	if (!given->text)
		return OPTIONS_GO_ON;
	double number = strtod(given->text, &end);
	if (end != given->text && !*end && number >= 0 && number <= SMOOTHING_MOST)
		explain_number(text, sizeof(text), given->text, number);
	else if (!duration_parse(given->text, seconds) && *seconds >= 0 && *seconds <= SMOOTHING_MOST)
		return OPTIONS_GO_ON;
	else
		snprintf(text, sizeof(text), "takes a time from 0s to %gs, such as 0.5s, not \"%s\"",
			SMOOTHING_MOST, given->text);
	return option_refuse(invocation, &given->origin, text);
}

struct source_options pipeline_options_for_source(const struct pipeline_options *v)
{
	return (struct source_options){
		.width = v->size.width,
		.height = v->size.height,
		.rate = v->rate,
		.paced = true,
		.loop = v->loop,
		.give_up = signals_end_descriptor(),
		.format = v->format.text,
		.controls = v->controls.items[0] ? v->controls.items : NULL,
		.exposure = v->exposure.text,
	};
}

/* A camera that is not there may be plugged in later: the setting that names it is told, but it is not wrong.
 */
static int refuse_source(
	const struct pipeline_options *v, const struct invocation *invocation, struct error *e)
{
	if (!e->wrong && source_is_camera(v->source.text)) {
		e->wrong = v->source.text;
		e->code = e->code == -ENOENT ? -ENODEV : e->code;
	}
	return fail_at(invocation, FAILURE_SOURCE, e);
}

int pipeline_options_open(const struct pipeline_options *v, const struct invocation *invocation,
	const struct source_options *wanted, struct source **out, struct error *e)
{
	int status = source_open(v->source.text, wanted, out, e);

	if (status && status != -ECANCELED)
		return refuse_source(v, invocation, e);
	log_info("%s%s", status ? "" : "source: ", status ? e->text : source_description(*out));
	return EX_OK;
}

int pipeline_options_network(const struct pipeline_options *v, const struct invocation *invocation,
	bool quiet, struct network **out, struct error *e)
{
	const struct choice choice = {v->network.text, v->pl.text, v->kernels.text, quiet};
	enum failure where;

	if (choice_check(&choice, &where, e))
		return fail_at(invocation, where, e);
	return choose_network(&choice, out, e) ? fail_at(invocation, FAILURE_NETWORK, e) : EX_OK;
}

int pipeline_options_pl(const struct pipeline_options *v, const struct invocation *invocation,
	struct pl **out, struct error *e)
{
	if (pl_open(v->pl.text, v->kernels.text, out, e))
		return fail_at(invocation, FAILURE_PL, e);
	log_debug(
		"PL: %s; kernels: %s", pl_name(*out), v->kernels.text ? v->kernels.text : kernel_names()[0]);
	return EX_OK;
}

struct pipeline_config pipeline_options_config(const struct pipeline_options *v)
{
	return (struct pipeline_config){
		.overlap = true,
		.rotation = v->rotate ? atoi(v->rotate) : 0,
		.frames = (uint64_t)v->frames,
		.duration = (int64_t)(v->duration * NS_PER_S),
		.kernels = v->kernels.text,
		.pl_limit = (int64_t)(v->pl_timeout * NS_PER_S),
		.pl_check = (int64_t)(v->pl_check * NS_PER_S),
		.interrupted = signals_end,
	};
}

/* What an error of pipeline_start is about. */
static enum failure failure_of_start(int status)
{
	return status == -ENOTSUP			   ? FAILURE_KERNELS
	       : status == -EINVAL || status == -EOVERFLOW ? FAILURE_NETWORK
							   : FAILURE_PL;
}

int pipeline_options_start(const struct pipeline_config *config, const struct invocation *invocation,
	struct pipeline **pipeline, struct error *e)
{
	int status = pipeline_start(config, pipeline, e);

	if (status && status != -EINTR)
		return fail_at(invocation, failure_of_start(status), e);
	if (status)
		log_info("%s", e->text);
	else if (pl_stopped(config->pl)[0])
		log_info("%s", pl_stopped(config->pl));
	return EX_OK;
}
