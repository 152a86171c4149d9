/* SPDX-License-Identifier: MIT */
/* Letters on a machine without fonts; the installation is simulated. */
#include "image/font.h"

#include "support/folder.h"

#include <errno.h>
#include <fontconfig/fontconfig.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char *fonts;   /* the installation's folder; NULL: it has none */
static int asked_for; /* so many times */

int __wrap_installation_find(const char *name, char *out, size_t size);

int __wrap_installation_find(const char *name, char *out, size_t size)
{
	asked_for++;
	assert_string_equal(name, "fonts");
	if (!fonts)
		return -ENOENT;
	snprintf(out, size, "%s", fonts);
	return 0;
}

/* How many fonts are the program's own. */
static int own_fonts(void)
{
	const FcFontSet *own = FcConfigGetFonts(NULL, FcSetApplication);

	return own ? own->nfont : 0;
}

/* Puts a link to one of the machine's fonts into the folder. */
static void font_install(void)
{
	const FcFontSet *all = FcConfigGetFonts(NULL, FcSetSystem);
	FcChar8 *file = NULL;
	char link[300];

	if (!all || !all->nfont) {
		puts("this machine has no font");
		skip();
	}
	assert_int_equal(FcPatternGetString(all->fonts[0], FC_FILE, 0, &file), FcResultMatch);
	fonts = folder_create();
	snprintf(link, sizeof(link), "%s/letters", fonts);
	assert_int_equal(symlink((const char *)file, link), 0);
}

static int setup(void **state)
{
	(void)state;
	asked_for = 0;
	return FcInit() ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	if (fonts)
		folder_destroy(fonts);
	fonts = NULL;
	FcFini();
	return 0;
}

/* As on a machine without fonts. */
static void fonts_hide(void)
{
	FcConfig *none = FcConfigCreate();

	assert_true(FcConfigSetCurrent(none));
	FcConfigDestroy(none); /* the current one is kept */
}

static void machine_without_fonts_uses_the_installed_ones(void **state)
{
	(void)state;
	font_install();
	fonts_hide();
	font_fall_back();
	assert_int_equal(asked_for, 1);
	assert_int_equal(own_fonts(), 1);
}

static void fonts_of_the_machine_are_enough(void **state)
{
	(void)state;
	font_install();
	font_fall_back();
	assert_int_equal(asked_for, 0);
	assert_int_equal(own_fonts(), 0);
}

static void without_any_font_there_are_none(void **state)
{
	(void)state;
	fonts_hide();
	font_fall_back();
	assert_int_equal(asked_for, 1);
	assert_int_equal(own_fonts(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			machine_without_fonts_uses_the_installed_ones, setup, teardown),
		cmocka_unit_test_setup_teardown(fonts_of_the_machine_are_enough, setup, teardown),
		cmocka_unit_test_setup_teardown(without_any_font_there_are_none, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
