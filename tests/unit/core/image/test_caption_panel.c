/* SPDX-License-Identifier: MIT */
/* Letters where fontconfig asks for those of a desktop's screen, as Ubuntu's does. */
#include "image/caption_panel.h"

#include "support/folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static bool short_of_memory; /* nothing large is to be had */

void *__wrap_malloc(size_t size);
void *__real_malloc(size_t size);

void *__wrap_malloc(size_t size)
{
	return short_of_memory && size > 1000000 ? NULL : __real_malloc(size);
}

static const char by_dots[] =
	"<?xml version=\"1.0\"?>\n<!DOCTYPE fontconfig SYSTEM \"fonts.dtd\">\n"
	"<fontconfig><include>/etc/fonts/fonts.conf</include><match target=\"pattern\">"
	"<edit name=\"rgba\" mode=\"assign\"><const>rgb</const></edit></match></fontconfig>\n";

/* White letters are grey where they cover half of a pixel: all colours alike. */
static void letters_have_one_transparency(void **state)
{
	char *folder = folder_create(), path[300];
	struct panel panel = {0};
	int drawn = 0;

	(void)state;
	folder_put(folder, "/fonts.conf", by_dots);
	snprintf(path, sizeof(path), "%s/fonts.conf", folder);
	assert_int_equal(setenv("FONTCONFIG_FILE", path, 1), 0);
	cairo_t *cairo = panel_begin_clear(&panel, 200, 40);
	assert_non_null(cairo);
	panel_text_draw(cairo, "Will it snow?", 4, 30, 20, false, PANEL_WHITE);
	panel_end(&panel, cairo);
	const unsigned char *pixels = cairo_image_surface_get_data(panel.surface);
	for (int i = 0; i < 200 * 40; i++, pixels += 4) {
		drawn += pixels[3] > 0;
		for (int c = 0; c < 3; c++)
			assert_int_equal(pixels[c], pixels[3]);
	}
	assert_true(drawn > 200);
	cairo_surface_destroy(panel.surface);
	folder_destroy(folder);
}

/* Where cairo might run out of memory, it is not begun. */
static void nothing_is_drawn_without_memory(void **state)
{
	struct panel panel = {0};

	(void)state;
	short_of_memory = true;
	assert_null(panel_begin_clear(&panel, 200, 40));
	assert_null(panel_begin(&panel, 200, 40, 4));
	assert_null(panel.surface);
	short_of_memory = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(letters_have_one_transparency),
		cmocka_unit_test(nothing_is_drawn_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
