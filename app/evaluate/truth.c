/* SPDX-License-Identifier: MIT */
#include "evaluate/truth.h"

#include <stddef.h>

int truth_count(const struct network *network)
{
	return network->class_count + network->group_count;
}

const struct label_group *truth_group(const struct network *network, int truth)
{
	return truth < network->class_count ? NULL : &network->groups[truth - network->class_count];
}

const char *truth_name(const struct network *network, int truth)
{
	const struct label_group *group = truth_group(network, truth);

	return group ? group->name : network->labels[truth];
}

bool truth_holds(const struct network *network, int truth, int class)
{
	const struct label_group *group = truth_group(network, truth);

	for (int i = 0; group && i < group->class_count; i++)
		if (group->classes[i] == class)
			return true;
	return !group && truth == class;
}
