/* SPDX-License-Identifier: MIT */
/* The kinds of sinks, for the table in sinks.c. */
#ifndef SINK_DRIVERS_H
#define SINK_DRIVERS_H

#include "sink/sink.h"

extern const struct sink_driver sink_events, sink_exec, sink_http, sink_mqtt;

#endif
