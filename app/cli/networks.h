/* SPDX-License-Identifier: MIT */
/*
 * Finding a network by name. The search order is: $TWOBIT_NETWORKS, the checkout that the program was built
 * in (../../assets/networks of the executable), $XDG_DATA_HOME/twobit/networks, the installed data
 * (base/installation.h).
 */
#ifndef APP_CLI_NETWORKS_H
#define APP_CLI_NETWORKS_H

#include "nn/network.h"

#include <limits.h>

#define NETWORK_DEFAULT "dorefanet"
#define NETWORK_LARGE "imagenet" /* what choice/choice.h takes instead on a machine that is fast enough */

/*
 * Loads the network that the user named. With a slash it is a folder; else it is a name, or a folder if no
 * network has that name. NULL: NETWORK_DEFAULT. An error's `wrong` is `name`. -ENOENT: the message lists the
 * names that were found. -EINVAL: the network cannot classify pictures, because its input has other than 1 or
 * 3 channels, it has fewer than two layers, or it ends without scores.
 */
int networks_open(const char *name, struct network **out, struct error *e);

/* As networks_open, also a network that gives codes, of pictures. */
int networks_open_any(const char *name, struct network **out, struct error *e);

/* Loads a network as networks_open does, also one that cannot classify pictures. */
int networks_load(const char *name, struct network **out, struct error *e);

/*
 * The folder of a network that the user makes: `name` itself if it has a slash; else a folder of that name in
 * $XDG_DATA_HOME/twobit/networks, which is made. -EEXIST: another place has a network of that name, which
 * would be found first.
 */
int networks_user_folder(const char *name, char folder[PATH_MAX], struct error *e);

/* The folder of that name, found as by networks_open, which may take a folder of PATH_MAX bytes. */
int networks_folder(const char *name, char *folder, struct error *e);

struct found_network {
	char *name, *folder;
};

/*
 * Every folder with a network.json in the places above, each name once. *out ends with a name that is NULL;
 * networks_forget frees it. 0 or -ENOMEM.
 */
int networks_find(struct found_network **out);
void networks_forget(struct found_network *found); /* takes NULL */

#endif
