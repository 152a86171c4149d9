/* SPDX-License-Identifier: MIT */
/* The address of --mqtt: which broker, as whom, and the topic below which all is published. */
#ifndef SINK_MQTT_BROKER_ADDRESS_H
#define SINK_MQTT_BROKER_ADDRESS_H

#include <stdbool.h>

struct error;

#define BROKER_TEXT_BYTES 256
#define BROKER_TOPIC_BYTES 200

struct broker_address {
	bool secure; /* by TLS */
	int port;
	char host[BROKER_TEXT_BYTES];
	char user[BROKER_TEXT_BYTES], password[BROKER_TEXT_BYTES]; /* "": none */
	char topic[BROKER_TOPIC_BYTES];
	char name[BROKER_TEXT_BYTES + 16]; /* "host:port", for messages: without what is secret */
};

/*
 * text: mqtt://[USER[:PASSWORD]@]HOST[:PORT]/TOPIC, or mqtts://… for TLS. %XX stands for a byte of user,
 * password or topic. -EINVAL: the error is a sentence without the option and without the password.
 */
int broker_address_parse(const char *text, struct broker_address *out, struct error *e);

#endif
