/* SPDX-License-Identifier: MIT */
/*
 * Finding a network by name. Looked up in this order: $TWOBIT_NETWORKS, the checkout that the program was
 * built in (../../assets/networks of the executable), $XDG_DATA_HOME/twobit/networks, the installed data.
 */
#ifndef APP_CLI_NETWORKS_H
#define APP_CLI_NETWORKS_H

#include "nn/network.h"

#define NETWORK_DEFAULT "dorefanet"

/*
 * Loads the network that the user named: a folder if it holds a slash, else a name, else a folder after all.
 * NULL: NETWORK_DEFAULT. -ENOENT: the message lists the names that were found. What pixels cannot be
 * classified with is refused: codes as input, no scores, fewer than two layers, channels other than 1 or 3.
 */
int networks_open(const char *name, struct network **out, struct error *e);

struct found_network {
	char *name, *folder;
};

/*
 * Every folder with a network.json in the places above, a name once. *out: ended by a name that is NULL, for
 * networks_forget. 0 or -ENOMEM.
 */
int networks_find(struct found_network **out);
void networks_forget(struct found_network *found); /* takes NULL */

#endif
