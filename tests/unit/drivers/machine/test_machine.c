/* SPDX-License-Identifier: MIT */
/* What machine.c reads from /proc and /sys, in folders made like those of some machines. */
#include "base/clock.h"
#include "base/error.h"
#include "machine/energy.h"
#include "machine/machine.h"
#include "support/folder.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void test_pc(void **state)
{
	char *root = folder_create();
	struct machine m;

	(void)state;
	folder_put(root, "/proc/cpuinfo",
		"processor\t: 0\nmodel name\t: Some Processor @ 3.00GHz\ncpu MHz\t\t: 1200.5\n"
		"flags\t\t: fpu avx2x avx512f avx avx2 lm\n\nprocessor\t: 1\nmodel name\t: Some Processor\n"
		"cpu MHz\t\t: 2900.25\nflags\t\t: fpu\n");
	folder_put(root, "/proc/loadavg", "0.50 1.25 2.00 1/234 5678\n");
	folder_put(root, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
	folder_put(root, "/sys/class/thermal/thermal_zone0/temp", "41000\n");
	folder_put(root, "/sys/class/hwmon/hwmon3/temp1_input", "56500\n");
	folder_put(root, "/sys/class/hwmon/hwmon3/temp2_input", "48000\n");
	machine_read(root, &m);
	assert_string_equal(m.processor, "Some Processor @ 3.00GHz");
	assert_string_equal(m.features, "avx avx2 avx512f");
	assert_int_equal(m.processors, 2);
	assert_float_equal(m.clock, 2900.25, 1e-6);
	assert_string_equal(m.governor, "powersave");
	assert_float_equal(m.temperature, 56.5, 1e-6);
	assert_float_equal(m.load[0], 0.5, 1e-6);
	assert_float_equal(m.load[2], 2, 1e-6);
	folder_put(root, "/sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq", "1800000\n");
	machine_read(root, &m);
	assert_float_equal(m.clock, 1800, 1e-6);
	folder_destroy(root);
}

static void test_nothing_reported(void **state)
{
	char *root = folder_create();
	struct machine m;
	struct activity a;

	(void)state;
	machine_read(root, &m);
	assert_string_equal(m.processor, "");
	assert_string_equal(m.features, "");
	assert_true(m.processors >= 1);
	assert_true(m.clock == 0);
	assert_true(isnan(m.temperature));
	assert_true(m.load[0] < 0);
	activity_read(root, &a);
	assert_true(isnan(activity_of_others(&a, &a)));
	folder_put(root, "/proc/loadavg", "rubbish\n");
	folder_put(root, "/proc/stat", "cpu\n");
	folder_put(root, "/sys/class/thermal/thermal_zone0/temp", "-274000\n");
	machine_read(root, &m);
	assert_true(m.load[0] < 0);
	assert_true(isnan(m.temperature));
	folder_destroy(root);
}

/* If the compiler did not make a chain of all additions, or the processor took several at once, the result
 * would be far above what any processor does. */
static void test_frequency(void **state)
{
	(void)state;
	double frequency = machine_frequency();
	assert_true(frequency > 0 && frequency < 10000);
}

static void test_others(void **state)
{
	struct activity begun = {.busy = 1000, .all = 5000, .own = 100}, ended = begun;
	char *root = folder_create();

	(void)state;
	assert_true(isnan(activity_of_others(&begun, &ended)));
	ended = (struct activity){.busy = 1150, .all = 5200, .own = 200};
	assert_float_equal(activity_of_others(&begun, &ended), 0.25, 1e-9);
	ended.own = 100 + 151; /* ticks are rounded */
	assert_float_equal(activity_of_others(&begun, &ended), 0, 1e-9);
	folder_put(root, "/proc/stat", "cpu  10 20 30 400 50 6 7 8 9 9\ncpu0 1 2 3 4\n");
	activity_read(root, &begun);
	assert_int_equal(begun.all, 531);
	assert_int_equal(begun.busy, 81);
	folder_destroy(root);
}

static void test_rapl(void **state)
{
	char *root = folder_create();
	struct energy *energy;
	struct error e;

	(void)state;
	folder_put(root, "/sys/class/powercap/intel-rapl:0/name", "package-0\n");
	folder_put(root, "/sys/class/powercap/intel-rapl:0/energy_uj", "9000000\n");
	folder_put(root, "/sys/class/powercap/intel-rapl:0/max_energy_range_uj", "10000000\n");
	folder_put(root, "/sys/class/powercap/intel-rapl:1/name", "psys\n");
	folder_put(root, "/sys/class/powercap/intel-rapl:1/energy_uj", "1\n");
	assert_int_equal(energy_open(root, &energy, &e), 0);
	assert_string_equal(energy_source(energy), "RAPL package-0");
	folder_put(root, "/sys/class/powercap/intel-rapl:0/energy_uj", "9500000\n");
	energy_sample(energy);
	assert_float_equal(energy_joules(energy), 0.5, 1e-9);
	folder_put(root, "/sys/class/powercap/intel-rapl:0/energy_uj", "250000\n"); /* it started again */
	folder_put(root, "/sys/class/powercap/intel-rapl:1/energy_uj", "99999999\n");
	energy_sample(energy);
	assert_float_equal(energy_joules(energy), 1.25, 1e-9);
	energy_close(energy);
	folder_destroy(root);
}

static void test_hwmon(void **state)
{
	char *root = folder_create();
	struct energy *energy;
	struct error e;

	(void)state;
	folder_put(root, "/sys/class/hwmon/hwmon0/name", "coretemp\n");
	folder_put(root, "/sys/class/hwmon/hwmon1/name", "ina226\n");
	folder_put(root, "/sys/class/hwmon/hwmon1/power1_input", "5000000\n");
	assert_int_equal(energy_open(root, &energy, &e), 0);
	assert_string_equal(energy_source(energy), "ina226 power");
	usleep(20000);
	energy_sample(energy);
	assert_in_range((int)(energy_joules(energy) * 1000), 99, 60000); /* 5 W for 20 ms or more */
	energy_close(energy);
	folder_put(root, "/sys/class/hwmon/hwmon2/name", "counter\n");
	folder_put(root, "/sys/class/hwmon/hwmon2/energy1_input", "7\n");
	folder_put(root, "/sys/class/hwmon/hwmon2/energy1_label", "board\n");
	assert_int_equal(energy_open(root, &energy, &e), 0);
	assert_string_equal(energy_source(energy), "counter board");
	folder_put(root, "/sys/class/hwmon/hwmon2/energy1_input", "2000007\n");
	energy_sample(energy);
	assert_float_equal(energy_joules(energy), 2, 1e-9);
	energy_close(energy);
	folder_destroy(root);
}

static void test_power_given(void **state)
{
	struct energy *energy;
	struct error e;

	(void)state;
	assert_int_equal(energy_of_power(2.5, &energy, &e), 0);
	assert_string_equal(energy_source(energy), "2.5 W as given");
	int64_t begin = clock_now();
	usleep(20000);
	energy_sample(energy);
	double most = 2.5 * (double)(clock_now() - begin + NS_PER_MS) / 1e9;
	assert_true(energy_joules(energy) >= 2.5 * 0.02 && energy_joules(energy) <= most);
	energy_close(energy);
}

static void test_no_energy(void **state)
{
	char *root = folder_create(), path[PATH_MAX];
	struct energy *energy;
	struct error e;

	(void)state;
	assert_int_equal(energy_open(root, &energy, &e), -ENOENT);
	assert_null(energy);
	folder_put(root, "/sys/class/powercap/intel-rapl:0/name", "package-0\n");
	folder_put(root, "/sys/class/powercap/intel-rapl:0/energy_uj", "rubbish\n");
	assert_int_equal(energy_open(root, &energy, &e), -ENOENT);
	if (geteuid()) {
		snprintf(path, sizeof(path), "%s/sys/class/powercap/intel-rapl:0/energy_uj", root);
		assert_int_equal(chmod(path, 0), 0);
		assert_int_equal(energy_open(root, &energy, &e), -EACCES);
		assert_non_null(strstr(e.text, "root"));
	}
	energy_close(NULL);
	folder_destroy(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pc),
		cmocka_unit_test(test_nothing_reported),
		cmocka_unit_test(test_frequency),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_rapl),
		cmocka_unit_test(test_hwmon),
		cmocka_unit_test(test_power_given),
		cmocka_unit_test(test_no_energy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
