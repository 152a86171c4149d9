/* SPDX-License-Identifier: MIT */
#include "machine/machine.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

/* The most sensors and processors that are read. */
#define NUMBERED 256

static FILE *open_below(const char *root, const char *path)
{
	char whole[PATH_MAX];

	if (snprintf(whole, sizeof(whole), "%s%s", root, path) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	return fopen(whole, "re");
}

int machine_line(char *line, size_t size, const char *root, const char *format, ...)
{
	char path[PATH_MAX];
	va_list arguments;

	line[0] = '\0';
	va_start(arguments, format);
	int length = vsnprintf(path, sizeof(path), format, arguments);
	va_end(arguments);
	if (length < 0 || length >= PATH_MAX)
		return -1;
	FILE *file = open_below(root, path);
	if (!file)
		return -1;
	errno = EIO;
	char *got = fgets(line, (int)size, file);
	int error = errno;
	fclose(file);
	errno = error;
	if (!got)
		return -1;
	line[strcspn(line, "\n")] = '\0';
	return 0;
}

/* The value of a line "NAME\t: VALUE" of /proc/cpuinfo, or NULL. */
static const char *value_of(char *line, const char *name)
{
	size_t length = strlen(name);

	if (strncmp(line, name, length) != 0)
		return NULL;
	char *value = line + length + strspn(line + length, "\t ");
	if (*value != ':')
		return NULL;
	value += 1 + strspn(value + 1, " \t");
	value[strcspn(value, "\n")] = '\0';
	return value;
}

/* Keeps the processor's flags that speed depends on. */
static void keep_features(const char *flags, char *out, size_t size)
{
	static const char *const known[] = {"ssse3", "avx", "avx2", "avx_vnni", "avx512f", "avx512bw",
		"avx512vl", "avx512dq", "avx512_vnni", "avx512_vpopcntdq", "avx512_bitalg", "amx_int8",
		"neon", "asimd", "asimddp", "i8mm", "sve", "sve2"};
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		size_t length = strlen(known[i]);
		for (const char *at = flags; (at = strstr(at, known[i])); at += length) {
			bool begins = at == flags || at[-1] == ' ';
			if (!begins || (at[length] && at[length] != ' ') || used + length + 2 > size)
				continue;
			used += (size_t)snprintf(out + used, size - used, "%s%s", used ? " " : "", known[i]);
			break;
		}
	}
}

static void read_cpuinfo(const char *root, struct machine *m)
{
	FILE *file = open_below(root, "/proc/cpuinfo");
	char *line = NULL;
	size_t size = 0;

	while (file && getline(&line, &size, file) > 0) {
		const char *value;
		if (value_of(line, "processor"))
			m->processors++;
		else if (!m->processor[0] && (value = value_of(line, "model name")))
			snprintf(m->processor, sizeof(m->processor), "%s", value);
		else if (!m->features[0] &&
			 ((value = value_of(line, "flags")) || (value = value_of(line, "Features"))))
			keep_features(value, m->features, sizeof(m->features));
		else if ((value = value_of(line, "cpu MHz")))
			m->clock = fmax(m->clock, strtod(value, NULL));
	}
	free(line);
	if (file)
		fclose(file);
	if (!m->processors)
		m->processors = (int)sysconf(_SC_NPROCESSORS_ONLN);
}

static void read_clock(const char *root, struct machine *m)
{
	char text[64];
	double fastest = 0;

	for (int i = 0; i < NUMBERED; i++)
		if (!machine_line(text, sizeof(text), root,
			    "/sys/devices/system/cpu/cpu%d/cpufreq/scaling_cur_freq", i))
			fastest = fmax(fastest, strtod(text, NULL) / 1000);
	if (fastest > 0)
		m->clock = fastest;
	machine_line(m->governor, sizeof(m->governor), root,
		"/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
}

/* Sensors give thousandths of a degree. A value that no chip survives is not a reading. */
static void read_temperature(const char *root, struct machine *m)
{
	char text[64];
	double hottest = -INFINITY;

	for (int i = 0; i < NUMBERED; i++) {
		if (!machine_line(text, sizeof(text), root, "/sys/class/thermal/thermal_zone%d/temp", i))
			hottest = fmax(hottest, strtod(text, NULL) / 1000);
		for (int j = 1; j <= 16; j++)
			if (!machine_line(
				    text, sizeof(text), root, "/sys/class/hwmon/hwmon%d/temp%d_input", i, j))
				hottest = fmax(hottest, strtod(text, NULL) / 1000);
			else if (j > 1)
				break;
	}
	m->temperature = hottest > -60 && hottest < 200 ? hottest : NAN;
}

void machine_read(const char *root, struct machine *out)
{
	struct utsname name;
	char text[128];

	*out = (struct machine){.temperature = NAN, .load = {-1, -1, -1}};
	read_cpuinfo(root, out);
	read_clock(root, out);
	read_temperature(root, out);
	machine_line(out->board, sizeof(out->board), root, "/proc/device-tree/model");
	if (!uname(&name))
		snprintf(out->system, sizeof(out->system), "%.30s %.60s %.30s", name.sysname, name.release,
			name.machine);
	if (machine_line(text, sizeof(text), root, "/proc/loadavg") ||
		sscanf(text, "%lf %lf %lf", &out->load[0], &out->load[1], &out->load[2]) != 3)
		out->load[0] = -1;
}

static uint64_t ticks(struct timeval time, uint64_t rate)
{
	return (uint64_t)time.tv_sec * rate + (uint64_t)time.tv_usec * rate / 1000000;
}

void activity_read(const char *root, struct activity *out)
{
	/* user, nice, system, idle, iowait, irq, softirq, steal; guest time is in user's already */
	uint64_t t[8] = {0};
	long rate = sysconf(_SC_CLK_TCK);
	struct rusage own;
	char text[512];

	*out = (struct activity){0};
	if (machine_line(text, sizeof(text), root, "/proc/stat") || rate <= 0 ||
		getrusage(RUSAGE_SELF, &own) ||
		sscanf(text,
			"cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
			" %" SCNu64,
			&t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7]) < 4)
		return;
	for (int i = 0; i < 8; i++) {
		out->all += t[i];
		out->busy += i == 3 || i == 4 ? 0 : t[i];
	}
	out->own = ticks(own.ru_utime, (uint64_t)rate) + ticks(own.ru_stime, (uint64_t)rate);
}

double activity_of_others(const struct activity *begun, const struct activity *ended)
{
	if (!begun->all || ended->all <= begun->all)
		return NAN;
	double busy = (double)(ended->busy - begun->busy), own = (double)(ended->own - begun->own);

	return fmin(1, fmax(0, (busy - own) / (double)(ended->all - begun->all)));
}
