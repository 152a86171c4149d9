/* SPDX-License-Identifier: MIT */
#include "choice/choice.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "choice/estimate.h"
#include "choice/remembered.h"
#include "cli/networks.h"
#include "nn/engine.h"
#include "pl/pl.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* What a camera leaves for a picture, and how long it may take to find out what the network needs; ns. */
#define INTERVAL (NS_PER_S / 30)
#define BUDGET (NS_PER_S / 10)

struct chosen_network {
	struct network *large; /* NETWORK_LARGE, to take; NULL: NETWORK_DEFAULT */
	char why[600];
};

static bool found(const char *name, char folder[PATH_MAX])
{
	struct error e;

	return networks_folder(name, folder, &e) == 0;
}

/* Whether a PL in hardware is named, or is there for "auto". */
static bool has_hardware(const char *name)
{
	bool any = !name || strcmp(name, "auto") == 0, hardware = false;

	for (const struct pl_driver *const *d = pl_drivers(); *d && !hardware; d++) {
		struct pl *pl = NULL;
		struct error e;

		if (!(*d)->hardware || (any && (*d)->by_name))
			continue;
		hardware = any ? pl_open((*d)->name, NULL, &pl, &e) == 0 : strcmp(name, (*d)->name) == 0;
		pl_close(pl);
	}
	return hardware;
}

static void judge(struct chosen_network *v, int64_t picture)
{
	double milliseconds = (double)picture / (double)NS_PER_MS;
	bool keeps_up = picture <= INTERVAL;

	snprintf(v->why, sizeof(v->why), "%s %.*f ms a picture on this processor",
		keeps_up ? "about" : NETWORK_LARGE " would take about", milliseconds < 10 ? 2 : 0,
		milliseconds);
	if (keeps_up)
		return;
	network_destroy(v->large);
	v->large = NULL;
}

/* Loads NETWORK_LARGE, unless it is known to be too slow, and times it, unless that is known. */
static void consider(struct chosen_network *v, const struct choice *choice, const char *folder)
{
	struct remembered memory;
	int64_t picture = 0;
	struct error e;
	bool known = remembered_read(&memory, folder, choice->kernels, &picture);

	if (known && picture > INTERVAL) {
		judge(v, picture);
		return;
	}
	if (networks_open(folder, &v->large, &e)) {
		snprintf(v->why, sizeof(v->why), "%s", e.text);
		return;
	}
	if (known || !estimate_picture(v->large, choice->kernels, BUDGET, &picture, &e)) {
		judge(v, picture);
		if (!known)
			remembered_write(&memory, picture);
		return;
	}
	network_destroy(v->large);
	v->large = NULL;
	snprintf(v->why, sizeof(v->why), NETWORK_LARGE " could not be timed: %s", e.text);
}

static void decide(struct chosen_network *v, const struct choice *choice)
{
	char folder[PATH_MAX], other[PATH_MAX];

	if (!found(NETWORK_LARGE, folder))
		snprintf(v->why, sizeof(v->why), NETWORK_LARGE " is not installed");
	else if (has_hardware(choice->pl))
		snprintf(v->why, sizeof(v->why), "the PL in hardware runs it");
	else if (found(NETWORK_DEFAULT, other))
		consider(v, choice, folder);
	else if (networks_open(folder, &v->large, NULL) == 0)
		snprintf(v->why, sizeof(v->why), NETWORK_DEFAULT " is not installed");
}

int choice_check(const struct choice *choice, enum failure *where, struct error *e)
{
	int status = engine_check_kernels(choice->kernels, e);

	*where = status ? FAILURE_KERNELS : FAILURE_PL;
	return status || !choice->pl ? status : pl_check(choice->pl, e);
}

int choose_network(const struct choice *choice, struct network **out, struct error *e)
{
	struct chosen_network v = {0};

	if (choice->network)
		return networks_open(choice->network, out, e);
	decide(&v, choice);
	*out = v.large;
	int status = v.large ? 0 : networks_open(NETWORK_DEFAULT, out, e);
	if (!status)
		log_line(choice->quiet ? LOG_DEBUG : LOG_INFO, "network: %s (%s)",
			v.large ? NETWORK_LARGE : NETWORK_DEFAULT, v.why);
	return status;
}
