/* SPDX-License-Identifier: MIT */
#include "pl/pl.h"

#include "base/error.h"
#include "base/log.h"
#include "pl/drivers.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In the order in which "auto" tries them: the fastest first, the one that always opens last. */
static const struct pl_driver *const drivers[] = {&pl_overlay, &pl_software, &pl_qnn_mo, &pl_rtl, NULL};

struct pl {
	const struct pl_driver *driver;
	void *state; /* the driver's own */
	bool loaded;
};

const struct pl_driver *const *pl_drivers(void)
{
	return drivers;
}

static int open_driver(const struct pl_driver *driver, const char *kernels, struct pl **out, struct error *e)
{
	struct pl *pl = calloc(1, sizeof(*pl));
	int rc;

	if (!pl)
		return error_set(e, -ENOMEM, "PL \"%s\": no memory", driver->name);
	pl->driver = driver;
	rc = driver->open(kernels, &pl->state, e);
	if (rc) {
		free(pl);
		return rc;
	}
	*out = pl;
	return 0;
}

static int refuse_name(const char *name, struct error *e)
{
	char names[256] = "auto";
	size_t used = strlen(names);

	for (int i = 0; drivers[i] && used < sizeof(names); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, ", %s", drivers[i]->name);
	return error_set(e, -EINVAL, "there is no PL called \"%s\"; take one of: %s", name, names);
}

int pl_open(const char *name, const char *kernels, struct pl **out, struct error *e)
{
	bool any = !strcmp(name, "auto");
	struct error why = {0};
	int rc = 0;

	for (int i = 0; drivers[i]; i++) {
		if (any ? drivers[i]->by_name : strcmp(name, drivers[i]->name) != 0)
			continue;
		rc = open_driver(drivers[i], kernels, out, &why);
		if (!rc || !any)
			return rc ? error_set(e, rc, "%s", why.text) : 0;
		if (drivers[i]->hardware && rc != -ENODEV) /* it exists but cannot be used */
			log_warning("%s", why.text);
	}
	return rc ? error_set(e, rc, "%s", why.text) : refuse_name(name, e);
}

void pl_close(struct pl *pl)
{
	if (!pl)
		return;
	pl->driver->close(pl->state);
	free(pl);
}

const char *pl_name(const struct pl *pl)
{
	return pl->driver->name;
}

int pl_load(struct pl *pl, const struct network *network, int first, int last, struct error *e)
{
	int rc;

	if (pl->loaded)
		return error_set(
			e, -EBUSY, "PL \"%s\": it has a network already; open it again", pl->driver->name);
	if (first < 0 || first >= last || last > network->layer_count)
		return error_set(e, -EINVAL, "PL \"%s\": layers %d to %d asked for, but %s has %d",
			pl->driver->name, first, last - 1, network->name ? network->name : "the network",
			network->layer_count);
	rc = pl->driver->load(pl->state, network, first, last, e);
	pl->loaded = !rc;
	return rc;
}

static bool usable(const struct pl *pl, int buffer)
{
	return pl->loaded && buffer >= 0 && buffer < PL_BUFFERS;
}

uint8_t *pl_input(struct pl *pl, int buffer)
{
	return usable(pl, buffer) ? pl->driver->input(pl->state, buffer) : NULL;
}

const int32_t *pl_output(struct pl *pl, int buffer)
{
	return usable(pl, buffer) ? pl->driver->output(pl->state, buffer) : NULL;
}

int pl_submit(struct pl *pl, int buffer)
{
	return usable(pl, buffer) ? pl->driver->submit(pl->state, buffer) : -EINVAL;
}

int pl_wait(struct pl *pl, int buffer, int64_t deadline)
{
	return usable(pl, buffer) ? pl->driver->wait(pl->state, buffer, deadline) : -EINVAL;
}

int pl_reset(struct pl *pl)
{
	return pl->loaded ? pl->driver->reset(pl->state) : 0;
}

int pl_program(struct pl *pl, struct error *e)
{
	return pl->loaded && pl->driver->program ? pl->driver->program(pl->state, e) : 0;
}

bool pl_is_hardware(const struct pl *pl)
{
	return pl->driver->hardware;
}

bool pl_cycles_read(struct pl *pl, struct pl_cycles *out)
{
	if (!pl->loaded || !pl->driver->cycles)
		return false;
	pl->driver->cycles(pl->state, out);
	return true;
}
