/* SPDX-License-Identifier: MIT */
#include "machine/energy.h"

#include "base/clock.h"
#include "base/error.h"
#include "machine/machine.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define METERS 8
#define NUMBERED 64

struct meter {
	char path[128]; /* below the root */
	bool power;	/* the file gives µW at present; else µJ so far */
	double range;	/* µJ at which the counter starts again from 0; 0: never */
	double before;
};

struct energy {
	char root[PATH_MAX];
	char source[256];
	struct meter meters[METERS];
	int count;
	double watts;	 /* besides the meters */
	int64_t sampled; /* clock_now() */
	double joules;
};

static bool read_number(const struct energy *energy, const char *path, double *out)
{
	char text[64], *end;

	if (machine_line(text, sizeof(text), energy->root, "%s", path))
		return false;
	*out = strtod(text, &end);
	return end != text && *out >= 0;
}

/* True: the file exists and can be read. *denied is set if only other users may read it. */
static bool add(struct energy *energy, const char *path, bool power, const char *name, bool *denied)
{
	struct meter *meter = &energy->meters[energy->count];
	size_t used = strlen(energy->source);

	if (energy->count == METERS)
		return false;
	*meter = (struct meter){.power = power};
	snprintf(meter->path, sizeof(meter->path), "%s", path);
	errno = 0;
	if (!read_number(energy, path, &meter->before)) {
		*denied |= errno == EACCES || errno == EPERM;
		return false;
	}
	snprintf(energy->source + used, sizeof(energy->source) - used, "%s%s", used ? ", " : "", name);
	energy->count++;
	return true;
}

/* Finds the packages. They include their parts (cores, memory), or not all machines report those. */
static void find_powercap(struct energy *energy, bool *denied)
{
	char path[128], name[48], text[64];
	double range;

	for (int i = 0; i < NUMBERED; i++) {
		if (machine_line(
			    name, sizeof(name), energy->root, "/sys/class/powercap/intel-rapl:%d/name", i) ||
			strncmp(name, "package", 7) != 0)
			continue;
		snprintf(path, sizeof(path), "/sys/class/powercap/intel-rapl:%d/energy_uj", i);
		snprintf(text, sizeof(text), "RAPL %s", name);
		if (!add(energy, path, false, text, denied))
			continue;
		snprintf(path, sizeof(path), "/sys/class/powercap/intel-rapl:%d/max_energy_range_uj", i);
		if (read_number(energy, path, &range))
			energy->meters[energy->count - 1].range = range;
	}
}

/* Finds sensors of one kind, "energy" (counters, µJ) or "power" (µW), of the first chip that has any. */
static void find_hwmon(struct energy *energy, const char *kind, bool *denied)
{
	char path[128], name[48], text[128];

	for (int i = 0; i < NUMBERED && !energy->count; i++) {
		if (machine_line(name, sizeof(name), energy->root, "/sys/class/hwmon/hwmon%d/name", i))
			continue;
		for (int j = 1; j <= METERS; j++) {
			char label[48];
			machine_line(label, sizeof(label), energy->root,
				"/sys/class/hwmon/hwmon%d/%s%d_label", i, kind, j);
			snprintf(text, sizeof(text), "%s %s", name, label[0] ? label : kind);
			snprintf(path, sizeof(path), "/sys/class/hwmon/hwmon%d/%s%d_input", i, kind, j);
			if (!add(energy, path, kind[0] == 'p', text, denied) && kind[0] == 'p') {
				snprintf(path, sizeof(path), "/sys/class/hwmon/hwmon%d/%s%d_average", i, kind,
					j);
				add(energy, path, true, text, denied);
			}
		}
	}
}

int energy_open(const char *root, struct energy **out, struct error *e)
{
	struct energy *energy = calloc(1, sizeof(*energy));
	bool denied = false;

	*out = NULL;
	if (!energy)
		return error_set(e, -ENOMEM, "out of memory");
	if (snprintf(energy->root, sizeof(energy->root), "%s", root) < PATH_MAX) {
		find_powercap(energy, &denied);
		if (!energy->count)
			find_hwmon(energy, "energy", &denied);
		if (!energy->count)
			find_hwmon(energy, "power", &denied);
	}
	energy->sampled = clock_now();
	if (energy->count) {
		*out = energy;
		return 0;
	}
	energy_close(energy);
	if (denied)
		return error_set(e, -EACCES,
			"the machine has energy counters, but only root may read them (/sys/class/powercap)");
	return error_set(e, -ENOENT, "the machine has no energy counter (RAPL, hwmon)");
}

int energy_of_power(double watts, struct energy **out, struct error *e)
{
	struct energy *energy = calloc(1, sizeof(*energy));

	if (!energy)
		return error_set(e, -ENOMEM, "out of memory for an energy meter");
	snprintf(energy->source, sizeof(energy->source), "%g W as given", watts);
	energy->watts = watts;
	energy->sampled = clock_now();
	*out = energy;
	return 0;
}

void energy_close(struct energy *energy)
{
	free(energy);
}

const char *energy_source(const struct energy *energy)
{
	return energy->source;
}

void energy_sample(struct energy *energy)
{
	int64_t now = clock_now();
	double seconds = (double)(now - energy->sampled) / 1e9;

	for (int i = 0; i < energy->count; i++) {
		struct meter *meter = &energy->meters[i];
		double value;
		if (!read_number(energy, meter->path, &value))
			continue;
		double used = meter->power ? (meter->before + value) / 2 * seconds : value - meter->before;
		if (used < 0)
			used = meter->range > 0 ? used + meter->range : 0;
		energy->joules += used / 1e6;
		meter->before = value;
	}
	energy->joules += energy->watts * seconds;
	energy->sampled = now;
}

double energy_joules(const struct energy *energy)
{
	return energy->joules;
}
