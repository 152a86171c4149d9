/* SPDX-License-Identifier: MIT */
#include "flow/supervision.h"

#include <string.h>

/* In times of the usual and of the calibrated call. */
#define SOFT_FACTOR 4
#define HARD_FACTOR 16

/* The usual time moves by this share of the difference with each call. */
#define EXPECTED_SHARE 16

/* Good calls that make up for one anomaly. */
#define GOOD_FOR_STRIKE 100

/* Between self-tests of a retired PL: a second first, twice as long after each failure, a minute at most. */
#define PAUSE_SHORTEST INT64_C(1000000000)
#define PAUSE_LONGEST INT64_C(60000000000)

const struct supervision_options supervision_defaults = {
	.patience = 10000000000,
	.shortest = 20000000,
	.alarm_strikes = 3,
	.retirement_strikes = 6,
	.passes_to_return = 3,
};

static int64_t at_least(int64_t time, int64_t shortest)
{
	return time > shortest ? time : shortest;
}

static void set_limits(struct supervision *s)
{
	const struct supervision_options *o = &s->options;
	int64_t usual = s->calibrated ? HARD_FACTOR * s->calibrated : o->patience;

	s->hard = o->limit ? o->limit : at_least(usual, o->shortest);
	s->soft = at_least(SOFT_FACTOR * s->expected, o->limit ? 0 : o->shortest / SOFT_FACTOR);
	if (!s->calibrated || s->soft > s->hard)
		s->soft = s->hard;
}

void supervision_begin(struct supervision *s, const struct supervision_options *options)
{
	memset(s, 0, sizeof(*s));
	s->options = *options;
	set_limits(s);
}

void supervision_calibrate(struct supervision *s, int64_t elapsed)
{
	s->calibrated = s->expected = elapsed;
	set_limits(s);
}

static void make_up(struct supervision *s)
{
	if (!s->strikes || ++s->made_up < GOOD_FOR_STRIKE)
		return;
	s->made_up = 0;
	s->strikes--;
	if (s->strikes < s->options.alarm_strikes)
		s->alarm = false;
}

static void come_back(struct supervision *s)
{
	if (++s->passes < s->options.passes_to_return)
		return;
	s->retired = s->alarm = false;
	s->passes = s->made_up = 0;
	/* On probation: the next anomaly raises the alarm again. */
	s->strikes = s->options.alarm_strikes - 1;
}

void supervision_good(struct supervision *s, int64_t elapsed, int64_t now)
{
	s->good++;
	s->slow += elapsed > s->soft;
	s->expected += (elapsed - s->expected) / EXPECTED_SHARE;
	set_limits(s);
	s->in_a_row = 0;
	s->pause = PAUSE_SHORTEST;
	if (s->trouble_since && !s->retired)
		histogram_add(&s->recovery, now - s->trouble_since);
	if (!s->retired)
		s->trouble_since = 0;
	if (s->retired)
		come_back(s);
	else
		make_up(s);
}

static enum remedy remedy_for(const struct supervision *s, enum anomaly anomaly)
{
	/* A wrong answer may come from weights that were damaged on the way, which no reset mends. */
	return anomaly == ANOMALY_WRONG || s->in_a_row > 1 ? REMEDY_PROGRAM : REMEDY_RESET;
}

static void retire(struct supervision *s)
{
	if (!s->retired)
		s->pause = PAUSE_SHORTEST;
	s->retirements += !s->retired;
	s->alarms += !s->alarm;
	s->retired = s->alarm = true;
	s->passes = 0;
}

enum remedy supervision_bad(struct supervision *s, enum anomaly anomaly, int64_t now)
{
	s->anomalies[anomaly]++;
	s->in_a_row++;
	s->made_up = s->passes = 0;
	if (s->retired)
		s->pause = 2 * s->pause < PAUSE_LONGEST ? 2 * s->pause : PAUSE_LONGEST;
	if (!s->trouble_since)
		s->trouble_since = now;
	if (s->strikes < s->options.retirement_strikes)
		s->strikes++;
	if (s->strikes >= s->options.alarm_strikes) {
		s->alarms += !s->alarm;
		s->alarm = true;
	}
	if (s->strikes >= s->options.retirement_strikes)
		retire(s);
	enum remedy remedy = remedy_for(s, anomaly);
	*(remedy == REMEDY_RESET ? &s->resets : &s->programmings) += 1;
	return remedy;
}

enum remedy supervision_remedy_failed(struct supervision *s, enum remedy remedy)
{
	if (remedy == REMEDY_RESET)
		s->programmings++;
	else
		retire(s);
	return REMEDY_PROGRAM;
}
