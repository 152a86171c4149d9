/* SPDX-License-Identifier: MIT */
#include "pl/bus/bus.h"

#include "base/error.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct bus {
	const struct bus_driver *driver;
	void *state; /* the driver's own */
	size_t sizes[BUS_WINDOWS];
	int count;
};

int bus_open(const struct bus_driver *driver, const struct bus_window *windows, int count,
	const char *bitstream, struct bus **out, struct error *e)
{
	struct bus *bus;
	int rc;

	if (count < 1 || count > BUS_WINDOWS)
		return error_set(e, -EINVAL, "bus \"%s\": %d windows asked for; 1 to %d can be had",
			driver->name, count, BUS_WINDOWS);
	bus = calloc(1, sizeof(*bus));
	if (!bus)
		return error_set(e, -ENOMEM, "bus \"%s\": no memory", driver->name);
	bus->driver = driver;
	bus->count = count;
	for (int i = 0; i < count; i++)
		bus->sizes[i] = windows[i].size;
	rc = driver->open(windows, count, bitstream, &bus->state, e);
	if (rc) {
		free(bus);
		return rc;
	}
	*out = bus;
	return 0;
}

void bus_close(struct bus *bus)
{
	if (!bus)
		return;
	bus->driver->close(bus->state);
	free(bus);
}

static bool within(const struct bus *bus, int window, uint32_t offset)
{
	return window >= 0 && window < bus->count && offset % 4 == 0 && bus->sizes[window] >= 4 &&
	       offset <= bus->sizes[window] - 4;
}

uint32_t bus_read(struct bus *bus, int window, uint32_t offset)
{
	return within(bus, window, offset) ? bus->driver->read(bus->state, window, offset) : BUS_ALL_ONES;
}

void bus_write(struct bus *bus, int window, uint32_t offset, uint32_t value)
{
	if (within(bus, window, offset))
		bus->driver->write(bus->state, window, offset, value);
}

int bus_allocate(struct bus *bus, size_t size, struct bus_memory *out, struct error *e)
{
	memset(out, 0, sizeof(*out));
	if (size == 0)
		return error_set(e, -EINVAL, "bus \"%s\": memory of 0 bytes asked for", bus->driver->name);
	return bus->driver->allocate(bus->state, size, out, e);
}

void bus_free(struct bus *bus, struct bus_memory *memory)
{
	if (memory->data)
		bus->driver->free(bus->state, memory);
	memset(memory, 0, sizeof(*memory));
}

static bool part_of(const struct bus_memory *memory, size_t offset, size_t size)
{
	return memory->data && offset <= memory->size && size <= memory->size - offset;
}

void bus_to_design(struct bus *bus, const struct bus_memory *memory, size_t offset, size_t size)
{
	if (part_of(memory, offset, size))
		bus->driver->to_design(bus->state, memory, offset, size);
}

void bus_from_design(struct bus *bus, const struct bus_memory *memory, size_t offset, size_t size)
{
	if (part_of(memory, offset, size))
		bus->driver->from_design(bus->state, memory, offset, size);
}

int bus_wait(struct bus *bus, int window, int64_t deadline)
{
	return window >= 0 && window < bus->count ? bus->driver->wait(bus->state, window, deadline) : -EINVAL;
}

int bus_program(struct bus *bus, struct error *e)
{
	return bus->driver->program(bus->state, e);
}
