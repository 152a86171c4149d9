/* SPDX-License-Identifier: MIT */
/*
 * What a monitor makes of three lanes of TMDS words (DVI 1.0): pictures, and a count of what no monitor would
 * take. The decoder is written from the standard's tables, not from the encoder.
 */
#ifndef PL_BUS_RTL_RECEIVER_H
#define PL_BUS_RTL_RECEIVER_H

#include <cstdint>
#include <vector>

struct screen {
	unsigned width, height, columns, lines; /* shown; with the blanks */
	bool positive;				/* the syncs */
};

class receiver
{
      public:
	explicit receiver(const struct screen &screen);

	/* One pixel clock. True: a frame is complete (its vertical sync begins), `picture` is it. */
	bool take(unsigned blue, unsigned green, unsigned red);

	std::vector<uint32_t> picture; /* 0xRRGGBB */
	unsigned wrong = 0;	       /* the first ones are told on stderr */

      private:
	struct screen screen;
	std::vector<uint32_t> coming;
	int disparity[3] = {};
	bool hsync = false, vsync = false, synchronous = false;
	unsigned clocks_of_line = 0, lines = 0, shown_of_line = 0;
	void rule(bool kept, const char *what);
	int decode(unsigned lane, unsigned word);
	bool blank(unsigned control);
};

#endif
