/* SPDX-License-Identifier: MIT */
#include "pl/pl.h"

#include "base/error.h"
#include "base/log.h"
#include "base/words.h"
#include "pl/drivers.h"
#include "pl/tail.h"

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
	const char *kernels;
	bool loaded;
	int reach;	   /* the first layer that the driver did not take */
	char stopped[700]; /* why, as pl_stopped gives it */
	struct tail *tail; /* the layers from `reach` on; NULL: none */
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
	pl->kernels = kernels;
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
	struct closest closest = {.word = name};
	char names[256] = "auto";
	size_t used = strlen(names);

	for (int i = 0; drivers[i] && used < sizeof(names); i++) {
		closest_offer(&closest, drivers[i]->name);
		used += (size_t)snprintf(names + used, sizeof(names) - used, ", %s", drivers[i]->name);
	}
	if (closest.best)
		return error_refuse(e, name, -EINVAL,
			"there is no PL called \"%s\", did you mean %s? Take one of: %s", name, closest.best,
			names);
	return error_refuse(e, name, -EINVAL, "there is no PL called \"%s\"; take one of: %s", name, names);
}

int pl_check(const char *name, struct error *e)
{
	bool known = strcmp(name, "auto") == 0;

	for (int i = 0; drivers[i] && !known; i++)
		known = strcmp(name, drivers[i]->name) == 0;
	return known ? 0 : refuse_name(name, e);
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
	tail_destroy(pl->tail);
	free(pl);
}

const char *pl_name(const struct pl *pl)
{
	return pl->driver->name;
}

/* Sets pl->reach; *why is what the next longer run has that the driver cannot do. */
static int find_reach(struct pl *pl, const struct network *network, int first, int last, struct error *why)
{
	for (pl->reach = last; pl->driver->check && pl->reach > first; pl->reach--) {
		if (pl->reach < last && !network_cuts(network, pl->reach))
			continue;
		int rc = pl->driver->check(pl->state, network, first, pl->reach, why);
		if (rc != -ENOTSUP)
			return rc;
	}
	return 0;
}

const char *pl_name_with(struct pl *pl, const struct network *network, int first, int last)
{
	struct error why;
	bool none = !find_reach(pl, network, first, last, &why) && pl->reach == first;

	return none ? pl_software.name : pl_name(pl);
}

static void say_stopped(struct pl *pl, const struct network *network, int first, const char *why)
{
	if (pl->reach > first)
		snprintf(pl->stopped, sizeof(pl->stopped),
			"the PL (%s) runs the layers to \"%s\", software those behind it: %s",
			pl->driver->name, network->layers[pl->reach - 1].name, why);
	else
		snprintf(pl->stopped, sizeof(pl->stopped), "software runs the layers of the PL: %s", why);
}

/* A driver that can run no layer is replaced. */
static int take_software(struct pl *pl, struct error *e)
{
	void *state;
	int rc = pl_software.open(pl->kernels, &state, e);

	if (rc)
		return rc;
	pl->driver->close(pl->state);
	pl->driver = &pl_software;
	pl->state = state;
	return 0;
}

static int load(struct pl *pl, const struct network *network, int first, int last, struct error *e)
{
	struct error why = {0};
	int rc = find_reach(pl, network, first, last, &why);

	if (rc)
		return error_set(e, rc, "%s", why.text);
	pl->stopped[0] = '\0';
	if (pl->reach < last)
		say_stopped(pl, network, first, why.text);
	if (pl->reach == first) {
		rc = take_software(pl, e);
		pl->reach = last;
	}
	if (!rc && pl->reach < last)
		rc = tail_create(network, pl->reach, last, pl->kernels, &pl->tail, e);
	return rc ? rc : pl->driver->load(pl->state, network, first, pl->reach, e);
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
	rc = load(pl, network, first, last, e);
	pl->loaded = !rc;
	if (rc) {
		tail_destroy(pl->tail);
		pl->tail = NULL;
	}
	return rc;
}

int pl_reach(const struct pl *pl)
{
	return pl->reach;
}

const char *pl_stopped(const struct pl *pl)
{
	return pl->stopped;
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
	if (!usable(pl, buffer))
		return NULL;
	return pl->tail ? tail_output(pl->tail, buffer) : pl->driver->output(pl->state, buffer);
}

int pl_submit(struct pl *pl, int buffer)
{
	if (!usable(pl, buffer))
		return -EINVAL;
	if (pl->tail)
		tail_expect(pl->tail, buffer);
	return pl->driver->submit(pl->state, buffer);
}

int pl_wait(struct pl *pl, int buffer, int64_t deadline)
{
	int rc = usable(pl, buffer) ? pl->driver->wait(pl->state, buffer, deadline) : -EINVAL;

	if (!rc && pl->tail)
		tail_run(pl->tail, buffer, (const uint8_t *)pl->driver->output(pl->state, buffer));
	return rc;
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
