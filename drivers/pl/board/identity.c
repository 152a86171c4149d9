/* SPDX-License-Identifier: MIT */
#include "pl/board/identity.h"

#include "base/error.h"

#include <errno.h>
#include <stdio.h>

int board_identity_read(struct bus *bus, int window, struct board_identity *out, struct error *e)
{
	uint32_t identity = bus_read(bus, window, BOARD_REG_IDENTITY);

	if (identity != BOARD_IDENTITY)
		return error_set(e, -ENODEV,
			"the PL's identity reads 0x%08x instead of 0x%08x: it holds another design than "
			"twobit's "
			"for the board; as root, `twobit pl load FILE.bit` replaces it",
			identity, BOARD_IDENTITY);
	uint32_t version = bus_read(bus, window, BOARD_REG_VERSION);
	uint32_t parts = bus_read(bus, window, BOARD_REG_PARTS);
	*out = (struct board_identity){
		.major = BOARD_FIELD(version, VERSION_MAJOR),
		.minor = BOARD_FIELD(version, VERSION_MINOR),
		.overlay = BOARD_FIELD(parts, PARTS_OVERLAY),
		.dma = BOARD_FIELD(parts, PARTS_DMA),
		.scanout = BOARD_FIELD(parts, PARTS_SCANOUT),
		.modes = BOARD_FIELD(parts, PARTS_MODES),
		.kilohertz = bus_read(bus, window, BOARD_REG_CLOCK),
		.build = bus_read(bus, window, BOARD_REG_BUILD),
	};
	if (out->major != BOARD_VERSION_MAJOR || (int)out->minor < BOARD_VERSION_MINOR)
		return error_set(e, -EPROTO,
			"the PL holds version %u.%u of the board's design, this program drives %d.%d; as "
			"root, load "
			"the bitstream that came with it: `twobit pl load FILE.bit`",
			out->major, out->minor, BOARD_VERSION_MAJOR, BOARD_VERSION_MINOR);
	return 0;
}

void board_identity_describe(const struct board_identity *identity, char *text, size_t size)
{
	const struct {
		bool there;
		const char *name;
	} parts[] = {{identity->overlay, "overlay"}, {identity->dma, "DMA"}, {identity->scanout, "scan-out"}};
	const char *joint = "with ";
	int used = snprintf(text, size, "version %u.%u ", identity->major, identity->minor);

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (parts[i].there && used >= 0 && (size_t)used < size) {
			used += snprintf(text + used, size - (size_t)used, "%s%s", joint, parts[i].name);
			joint = ", ";
		}
	if (used >= 0 && (size_t)used < size)
		used += snprintf(text + used, size - (size_t)used, "; %g MHz", identity->kilohertz / 1000.0);
	if (identity->build && used >= 0 && (size_t)used < size)
		snprintf(text + used, size - (size_t)used, "; of commit %08x", identity->build);
}
