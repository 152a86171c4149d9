/* SPDX-License-Identifier: MIT */
/* No display: for machines without one, and for measuring. */
#include "display/drivers.h"

#include <stddef.h>

static bool none_available(void)
{
	return true;
}

static int none_open(const struct display_options *options, void **state, struct error *e)
{
	(void)options;
	(void)e;
	*state = NULL;
	return 0;
}

static void none_close(void *state)
{
	(void)state;
}

static int none_show(void *state, struct frame *frame, struct error *e)
{
	(void)state;
	(void)frame;
	(void)e;
	return 0;
}

static enum display_key none_poll_key(void *state)
{
	(void)state;
	return KEY_NONE;
}

static struct display_attention none_attention(const void *state)
{
	(void)state;
	return (struct display_attention){-1, INT64_MAX};
}

static struct display_capabilities none_capabilities(const void *state)
{
	(void)state;
	return (struct display_capabilities){.width = 1, .height = 1};
}

const struct display_driver display_none = {
	.name = "none",
	.summary = "shows nothing",
	.available = none_available,
	.open = none_open,
	.close = none_close,
	.show = none_show,
	.poll_key = none_poll_key,
	.attention = none_attention,
	.capabilities = none_capabilities,
};
