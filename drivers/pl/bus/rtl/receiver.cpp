/* SPDX-License-Identifier: MIT */
#include "pl/bus/rtl/receiver.h"

#include <cstdio>
#include <cstdlib>

receiver::receiver(const struct screen &s) : screen(s)
{
}

void receiver::rule(bool kept, const char *what)
{
	if (!kept && wrong++ < 5)
		std::fprintf(stderr, "the monitor: %s\n", what);
}

/* A byte, or -1 - control. Within a picture a lane's ones and zeros differ little. */
int receiver::decode(unsigned lane, unsigned word)
{
	static const unsigned controls[] = {0x354, 0x0ab, 0x154, 0x2ab};

	for (int i = 0; i < 4; i++)
		if (word == controls[i]) {
			disparity[lane] = 0;
			return -1 - i;
		}
	disparity[lane] += 2 * __builtin_popcount(word) - 10;
	rule(std::abs(disparity[lane]) <= 10, "ones and zeros differ too much");
	unsigned bits = word & 0x200 ? ~word & 0xff : word & 0xff, byte = bits & 1;
	for (int i = 1; i < 8; i++) {
		unsigned differs = (bits >> i ^ bits >> (i - 1)) & 1;
		byte |= (word & 0x100 ? differs : !differs) << i;
	}
	return (int)byte;
}

/* Outside the picture. True: the vertical sync begins. */
bool receiver::blank(unsigned control)
{
	bool h = (control & 1) == screen.positive, v = (control >> 1) == screen.positive;
	bool frame = v && !vsync;

	if (shown_of_line) {
		rule(shown_of_line == screen.width, "a line has another number of pixels");
		shown_of_line = 0;
	}
	if (h && !hsync) {
		rule(!synchronous || clocks_of_line == screen.columns, "a line has another length");
		clocks_of_line = 0;
		lines++;
	}
	if (frame) {
		rule(!synchronous || lines == screen.lines, "a frame has another number of lines");
		rule(!synchronous || coming.size() == (size_t)screen.width * screen.height,
			"a frame is incomplete");
		lines = 0;
		picture.swap(coming);
		coming.clear();
	}
	hsync = h;
	vsync = v;
	if (!frame || synchronous)
		return frame;
	synchronous = true; /* the first one tells where frames begin */
	return false;
}

bool receiver::take(unsigned blue, unsigned green, unsigned red)
{
	int b = decode(0, blue), g = decode(1, green), r = decode(2, red);

	clocks_of_line++;
	if (b < 0) {
		rule(g == -1 && r == -1, "the lanes of green and red show other things than blue's");
		return blank((unsigned)(-1 - b));
	}
	rule(g >= 0 && r >= 0 && !hsync && !vsync, "pixels while the syncs are on");
	coming.push_back((uint32_t)(r << 16 | g << 8 | b));
	shown_of_line++;
	return false;
}
