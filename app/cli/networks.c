/* SPDX-License-Identifier: MIT */
#include "cli/networks.h"

#include "base/error.h"
#include "base/installation.h"
#include "base/log.h"
#include "base/words.h"
#include "nn/format/load.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Folders that may hold networks, in search order. */
#define PLACES 4
struct network_places {
	char path[PLACES][PATH_MAX];
	int count;
};

static void add_place(struct network_places *places, const char *root, const char *rest)
{
	if (root && root[0] && snprintf(places->path[places->count], PATH_MAX, "%s%s", root, rest) < PATH_MAX)
		places->count++;
}

/* The folder that is `levels` above the executable's folder, or "". */
static void executable_ancestor(char path[PATH_MAX], int levels)
{
	ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);

	path[length > 0 ? length : 0] = 0;
	for (int i = 0; i <= levels; i++) {
		char *slash = strrchr(path, '/');
		if (slash)
			*slash = 0;
	}
}

/* $XDG_DATA_HOME, or what stands for it; NULL: there is no home. */
static const char *data_home(char home[PATH_MAX])
{
	const char *data = getenv("XDG_DATA_HOME");

	if (data && data[0])
		return data;
	if (!getenv("HOME") || snprintf(home, PATH_MAX, "%s/.local/share", getenv("HOME")) >= PATH_MAX)
		return NULL;
	return home;
}

static void find_places(struct network_places *places)
{
	char checkout[PATH_MAX], home[PATH_MAX], installed[PATH_MAX];

	places->count = 0;
	add_place(places, getenv("TWOBIT_NETWORKS"), "");
	executable_ancestor(checkout, 2);
	add_place(places, checkout, "/assets/networks");
	add_place(places, data_home(home), "/twobit/networks");
	if (!installation_find("networks", installed, sizeof(installed)))
		add_place(places, installed, "");
}

static bool holds_network(const char *folder)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s/network.json", folder) < PATH_MAX && access(path, F_OK) == 0;
}

/* Appends the folder if it holds a network and no earlier place has the same name. */
static int add_found(struct found_network **found, const char *place, const char *name)
{
	char folder[PATH_MAX];
	size_t count = 0;

	if (name[0] == '.' || snprintf(folder, sizeof(folder), "%s/%s", place, name) >= PATH_MAX ||
		!holds_network(folder))
		return 0;
	for (; (*found)[count].name; count++)
		if (strcmp((*found)[count].name, name) == 0)
			return 0;
	struct found_network *more = realloc(*found, sizeof(*more) * (count + 2));
	if (!more)
		return -ENOMEM;
	*found = more;
	struct found_network network = {strdup(name), strdup(folder)};
	more[count] = more[count + 1] = (struct found_network){NULL, NULL};
	if (!network.name || !network.folder) {
		free(network.name);
		free(network.folder);
		return -ENOMEM;
	}
	more[count] = network;
	return 0;
}

static int add_place_networks(struct found_network **found, const char *place)
{
	struct dirent **entries;
	int error = 0;
	int count = scandir(place, &entries, NULL, alphasort);

	if (count < 0) /* most places do not exist */
		return error_is_of_machine(-errno) ? -errno : 0;
	for (int i = 0; i < count; i++) {
		if (!error)
			error = add_found(found, place, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return error;
}

int networks_find(struct found_network **out)
{
	struct network_places places;
	int error = 0;

	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	find_places(&places);
	for (int i = 0; i < places.count && !error; i++)
		error = add_place_networks(out, places.path[i]);
	if (error) {
		networks_forget(*out);
		*out = NULL;
	}
	return error;
}

void networks_forget(struct found_network *found)
{
	for (struct found_network *f = found; f && f->name; f++) {
		free(f->name);
		free(f->folder);
	}
	free(found);
}

/* The message for an unknown name lists the known names. */
static int unknown_network(const char *name, const struct found_network *found, struct error *e)
{
	char names[300] = "";

	if (!found->name)
		return error_set(e, -ENOENT,
			"no network called %s, and no other was found; give a folder, or set TWOBIT_NETWORKS",
			name);
	struct closest closest = {.word = name};
	for (const struct found_network *f = found; f->name; f++) {
		size_t used = strlen(names);
		closest_offer(&closest, f->name);
		snprintf(names + used, sizeof(names) - used, "%s%s", used ? ", " : "", f->name);
	}
	if (closest.best)
		return error_set(e, -ENOENT, "no network called %s, did you mean %s? There are: %s", name,
			closest.best, names);
	return error_set(e, -ENOENT, "no network called %s; there are: %s", name, names);
}

int networks_folder(const char *name, char *folder, struct error *e)
{
	struct found_network *found;
	const char *match = strchr(name, '/') ? name : NULL;
	int status = networks_find(&found);

	if (status)
		return error_set(e, status, "the networks cannot be found: %s", strerror(-status));
	for (const struct found_network *f = found; !match && f->name; f++)
		if (strcmp(f->name, name) == 0)
			match = f->folder;
	if (!match && holds_network(name))
		match = name;
	if (!match)
		status = unknown_network(name, found, e);
	else if (snprintf(folder, PATH_MAX, "%s", match) >= PATH_MAX)
		status = error_set(
			e, -ENAMETOOLONG, "the network's path is longer than %d bytes", PATH_MAX - 1);
	networks_forget(found);
	return status;
}

/* Refuses a network that does not look at pictures. */
static int check_for_pictures(const struct network *network, struct error *e)
{
	const struct layer *first = &network->layers[0];

	if (first->in.channels != 3 && first->in.channels != 1)
		return error_set(e, -EINVAL,
			"%s takes codes of %d channels, not the pixels of a picture (3 channels, or 1 when "
			"grey): "
			"it holds only the later layers of a network",
			network->folder, first->in.channels);
	return 0;
}

/* Whatever is wrong with a network, it is the name that led to it. */
static int blame(const char *name, int status, struct error *e)
{
	if (status && e)
		e->wrong = name;
	return status;
}

int networks_load(const char *name, struct network **out, struct error *e)
{
	char folder[PATH_MAX];
	int status = networks_folder(name ? name : NETWORK_DEFAULT, folder, e);

	*out = NULL;
	if (!status)
		status = network_load(folder, out, e);
	if (!status)
		log_debug("network: %s, %d layers, %d classes, from %s", (*out)->name, (*out)->layer_count,
			(*out)->class_count, folder);
	return blame(name, status, e);
}

int networks_open_any(const char *name, struct network **out, struct error *e)
{
	int status = networks_load(name, out, e);

	if (!status)
		status = blame(name, check_for_pictures(*out, e), e);
	if (status) {
		network_destroy(*out);
		*out = NULL;
	}
	return status;
}

int networks_open(const char *name, struct network **out, struct error *e)
{
	int status = networks_open_any(name, out, e);

	if (status || (*out)->class_count > 0)
		return status;
	error_set(e, -EINVAL,
		"%s ends in codes, not in scores of classes; measure times it, and evaluate --codes-of "
		"writes "
		"the codes of its layers",
		(*out)->folder);
	network_destroy(*out);
	*out = NULL;
	return blame(name, -EINVAL, e);
}

/* A folder and those above it. */
static int make_folders(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		int failed = mkdir(path, 0777) && errno != EEXIST;
		*slash = '/';
		if (failed)
			return -errno;
	}
	return mkdir(path, 0777) && errno != EEXIST ? -errno : 0;
}

/* A network that is not the user's own and would be found in its place. */
static int check_name_is_free(const char *name, const char *folder, struct error *e)
{
	struct found_network *found;
	int status = networks_find(&found);

	if (status)
		return error_set(e, status, "the networks cannot be found: %s", strerror(-status));
	for (const struct found_network *f = found; f->name && !status; f++)
		if (strcmp(f->name, name) == 0 && strcmp(f->folder, folder) != 0)
			status = error_set(e, -EEXIST, "%s is the name of the network in %s; choose another",
				name, f->folder);
	networks_forget(found);
	return status;
}

int networks_user_folder(const char *name, char folder[PATH_MAX], struct error *e)
{
	char home[PATH_MAX], place[PATH_MAX];
	const char *data = data_home(home);

	if (strchr(name, '/'))
		return snprintf(folder, PATH_MAX, "%s", name) < PATH_MAX
			       ? 0
			       : error_set(e, -ENAMETOOLONG, "%s: is too long a path", name);
	if (!name[0] || name[0] == '.')
		return error_set(e, -EINVAL, "\"%s\" cannot be the name of a network", name);
	if (!data || snprintf(place, PATH_MAX, "%s/twobit/networks", data) >= PATH_MAX ||
		snprintf(folder, PATH_MAX, "%s/%s", place, name) >= PATH_MAX)
		return error_set(
			e, -ENOENT, "there is no home folder for %s; give a folder with a slash", name);
	int status = make_folders(place);
	if (status)
		return error_set(e, status, "%s: cannot be made: %s", place, strerror(-status));
	return check_name_is_free(name, folder, e);
}
