/* SPDX-License-Identifier: MIT */
/* An address of --mqtt: what is taken is whole and fit for a broker; a message never has a password. */
#include "fuzz.h"

#include "base/error.h"
#include "sink/mqtt/broker_address.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct broker_address address;
	struct error e = {0};
	char *text = calloc(size + 1, 1);

	promise(text);
	memcpy(text, data, size);
	if (broker_address_parse(text, &address, &e)) {
		promise(e.code < 0 && e.text[0]);
	} else {
		promise(address.host[0] && address.port >= 1 && address.port <= 65535);
		promise(address.topic[0] && address.topic[0] != '/' && !strpbrk(address.topic, "+#\n"));
		promise(address.user[0] || !address.password[0]);
		promise(!strpbrk(address.name, "@/"));
	}
	free(text);
	return 0;
}
