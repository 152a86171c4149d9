/* SPDX-License-Identifier: MIT */
/*
 * docs/board.md on the files of stock PYNQ images: each step prints what the page shows, and for each row of
 * its tables of failures there is a trial here, which must end with that sentence.
 */
#include "base/error.h"
#include "cli/command.h"
#include "display/display.h"
#include "display/pynq/registers.h"
#include "pl/board/registers.h"
#include "pl/bus/bus.h"
#include "pl/bus/uio/uio.h"
#include "support/captured_log.h"
#include "support/pynq_image.h"
#include "support/simulated_board.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE "docs/board.md"
#define MANAGER "sys/class/fpga_manager/fpga0"
#define VIDEO 0x43000000L /* base.bit's, in /dev/mem */
#define STRANGER 65534	  /* a user who owns nothing */

extern const struct command pl_command;

static const struct pynq_image *image;
static char said[8192]; /* what an attempt printed, or its error */

static void start_machine(void)
{
	pynq_image_start(image);
	captured_log_clear();
	said[0] = '\0';
}

/* --- what a user does --- */

static void say(const char *text)
{
	size_t used = strlen(said);

	snprintf(said + used, sizeof(said) - used, "%s\n", text);
}

/* `twobit pl FIRST SECOND`. */
static void pl(const char *first, const char *second)
{
	char *arguments[] = {(char *)"pl", (char *)first, (char *)second, NULL};
	static const struct command *const all[] = {&pl_command, NULL};
	struct invocation invocation = {
		.command = &pl_command, .commands = all, .argc = second ? 3 : 2, .argv = arguments};
	char path[] = "/tmp/twobit-guide-XXXXXX", printed[4096];
	int fd = mkstemp(path), own = dup(STDOUT_FILENO);

	assert_true(fd >= 0 && own >= 0);
	unlink(path);
	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	pl_command.run(&invocation);
	fflush(stdout);
	dup2(own, STDOUT_FILENO);
	close(own);
	ssize_t count = pread(fd, printed, sizeof(printed) - 1, 0);
	close(fd);
	printed[count > 0 ? count : 0] = '\0';
	say(printed);
	invocation_finish(&invocation);
}

static void load(void)
{
	char path[300];

	snprintf(path, sizeof(path), "%s", board_path("home/overlay.bit"));
	pl("load", path);
}

static void status(void)
{
	pl("status", NULL);
}

/* As --pl overlay begins. */
static void use_overlay(void)
{
	static const struct bus_window windows[] = {{"twobit-overlay", 0x1000}, {"twobit-dma", 0x60}};
	struct bus_memory buffer = {0};
	struct error e = {0};
	struct bus *bus = NULL;

	if (bus_open(&bus_uio, windows, 2, NULL, &bus, &e) || bus_allocate(bus, 8192, &buffer, &e))
		say(e.text);
	if (bus)
		bus_free(bus, &buffer);
	bus_close(bus);
}

static void (*meanwhile)(void); /* between opening a display and showing a picture; NULL: nothing */

static void show_on(const char *name)
{
	const struct display_options options = {.width = 64, .height = 48, .mode = "640x480"};
	static struct frame frame;
	struct display *display;
	struct error e = {0};
	char text[300];

	if (display_open(name, &options, &display, &e)) {
		say(e.text);
		return;
	}
	if (meanwhile)
		meanwhile();
	assert_int_equal(picture_resize(&frame.picture, 64, 48), 0);
	if (display_show(display, &frame, &e))
		say(e.text);
	picture_finish(&frame.picture);
	display_describe(display, text, sizeof(text));
	say(text);
	display_close(display);
}

static void scanout(void)
{
	show_on("scanout");
}

static void pynq(void)
{
	show_on("pynq");
}

/* --- what is wrong --- */

static void nothing_wrong(void)
{
}

static void our_design_loaded(void)
{
	load();
	captured_log_clear();
	said[0] = '\0';
}

static void no_rights_to_load(void)
{
	assert_int_equal(chmod(board_path("lib/firmware"), 0555), 0);
	setfsuid(STRANGER);
}

static void no_rights_to_registers(void)
{
	our_design_loaded();
	assert_int_equal(chmod(board_path(pynq_image_fabric(image)), geteuid() ? 0 : 0600), 0);
	setfsuid(STRANGER);
}

static void no_rights_to_memory(void)
{
	assert_int_equal(chmod(board_path("dev/mem"), geteuid() ? 0 : 0600), 0);
	setfsuid(STRANGER);
}

static int other_program = -1;

static void in_use(void)
{
	struct flock all = {.l_type = F_WRLCK};

	other_program = open(board_path(pynq_image_fabric(image)), O_RDWR | O_CLOEXEC);
	assert_int_equal(fcntl(other_program, F_OFD_SETLK, &all), 0);
}

static void other_part(void)
{
	pynq_image_put_bitstream("7z010clg400", 0);
}

static void cut_short(void)
{
	pynq_image_put_bitstream("7z020clg400", 8);
}

static void not_taken(void)
{
	board_put(MANAGER "/state", "write error\n");
}

static void other_design(void)
{
	our_design_loaded();
	pynq_image_put_identity(image, 0, 0, 0);
}

static void other_version(void)
{
	our_design_loaded();
	pynq_image_put_identity(image, BOARD_IDENTITY, 2, 0x307);
}

static void no_uio(void)
{
	board_remove("sys/class/uio");
}

static void no_manager(void)
{
	board_remove("sys/class/fpga_manager");
}

static void no_zocl(void)
{
	our_design_loaded();
	board_remove("dev/dri");
}

static void no_room(void)
{
	our_design_loaded();
	pynq_image_set_memory(false);
}

static void no_scanout(void)
{
	our_design_loaded();
	pynq_image_put_identity(image, BOARD_IDENTITY, BOARD_VERSION_MAJOR, 3);
}

static void no_pixel_clock(void)
{
	our_design_loaded();
	pynq_image_put_scanout(image, BOARD_REG_SCANOUT_STATUS, 0);
}

static void loaded_again(void)
{
	pynq_image_put_scanout(image, BOARD_REG_SCANOUT_CONTROL, 0);
}

static void goes_while_shown(void)
{
	our_design_loaded();
	meanwhile = loaded_again;
}

static void empty(void)
{
	board_put(MANAGER "/state", "unknown\n");
}

static void clock_stands(void)
{
	pynq_image_put_word("dev/mem", VIDEO + VDMA_STATUS, VDMA_HALTED);
}

static uint32_t *base_registers;

static void base_works(void)
{
	base_registers = pynq_image_begin_base();
}

static void vdma_stops(void)
{
	base_registers[VDMA_STATUS / 4] = VDMA_HALTED;
}

static void stops_while_shown(void)
{
	base_works();
	meanwhile = vdma_stops;
}

/* A device tree of one's own, with a window that is too small. */
static void small_window(void)
{
	board_remove("sys/class/uio");
	board_put_uio(0, "twobit-overlay\n", "0x00000100\n");
	board_put_uio(1, "twobit-dma\n", "0x00001000\n");
	board_note("home/overlay.bit");
}

#define STEP_3 "3 Load twobit's design"
#define STEP_4 "4 Look at it"
#define STEP_5 "5 Labels from the FPGA"
#define STEP_6 "6 Labels on the HDMI connector"
#define BASE "Labels on the HDMI connector without twobit's design"
#define ELSE "When it does not work"

static const struct failure_trial {
	const char *section, *row;
	void (*spoil)(void);
	void (*attempt)(void); /* NULL: this needs a PL that computes; tests/rtl and test_doctor have it */
} trials[] = {
	{STEP_3, "loading a bitstream is for root", no_rights_to_load, load},
	{STEP_3, "another program uses this PL", in_use, load},
	{STEP_3, "it is for the part …; this program supports the XC7Z020 only", other_part, load},
	{STEP_3, "its header announces … bytes", cut_short, load},
	{STEP_3, "the PL did not take the bitstream", not_taken, load},
	{STEP_3, "the PL's identity reads …", other_design, load},
	{STEP_3, "no UIO device is called \"fabric\"", no_uio, load},
	{STEP_3, "this kernel has no fpga_manager", no_manager, load},
	{STEP_4, "what is in the PL was not loaded by twobit since the machine started", nothing_wrong,
		status},
	{STEP_4, "… may not be opened", no_rights_to_registers, status},
	{STEP_4, "the PL holds version …, this program drives …", other_version, status},
	{STEP_4, "there is no memory that the PL can reach", no_zocl, status},
	{STEP_4, "zocl has no … bytes of contiguous memory", no_room, use_overlay},
	{STEP_5, "it returned no result", NULL, NULL},
	{STEP_5, "its result is not that of the software", NULL, NULL},
	{STEP_5, "DMA decode error", NULL, NULL},
	{STEP_6, "the connector's hot-plug pin tells of no monitor", our_design_loaded, scanout},
	{STEP_6, "the PL's identity reads …", other_design, scanout},
	{STEP_6, "the design in the PL has no scan-out", no_scanout, scanout},
	{STEP_6, "the pixel clock of the board's scan-out does not start", no_pixel_clock, scanout},
	{STEP_6, "the board's scan-out is gone: the PL was loaded again", goes_while_shown, scanout},
	{STEP_6, "… black lines", our_design_loaded, scanout},
	{BASE, "… may not be opened", no_rights_to_memory, pynq},
	{BASE, "the PL is empty", empty, pynq},
	{BASE, "the PL holds …", our_design_loaded, pynq},
	{BASE, "this kernel has no fpga_manager", no_manager, pynq},
	{BASE, "another program uses this PL", in_use, pynq},
	{BASE, "the pixel clock of the image's HDMI output does not start", clock_stands, pynq},
	{BASE, "the VDMA of the image's HDMI output does not", nothing_wrong, pynq},
	{BASE, "the image's HDMI output shows no frames", stops_while_shown, pynq},
	{ELSE, "no UIO device is called …", no_uio, use_overlay},
	{ELSE, "… bytes of registers, but … are needed", small_window, use_overlay},
	{ELSE, "another program uses this PL", in_use, use_overlay},
	{ELSE, "there is no memory that the PL can reach", no_zocl, use_overlay},
	{ELSE, "the PL did not take the bitstream", not_taken, load},
};
#define TRIALS (sizeof(trials) / sizeof(trials[0]))

/* Whether what was said has the row's words in their order, or the log has them; … is anything. */
static bool is_said(const char *row)
{
	char parts[200], *next = parts, *part;
	const char *at = said;
	bool logged = true;

	snprintf(parts, sizeof(parts), "%s", row);
	while ((part = strsep(&next, "…"))) {
		part += strspn(part, " ");
		if (!*part)
			continue;
		at = at ? strstr(at, part) : NULL;
		logged = logged && captured_log_count(part) > 0;
	}
	return at || logged;
}

static void run_trial(const struct failure_trial *t)
{
	uid_t user = geteuid();

	meanwhile = NULL;
	start_machine();
	t->spoil();
	t->attempt();
	setfsuid(user);
	chmod(board_path("lib/firmware"), 0755); /* so that it can be removed */
	if (!is_said(t->row))
		fail_msg("%s, %s: \"%s\" is not in \"%s\", \"%s\"", image->release, t->section, t->row, said,
			captured_log_first());
	if (other_program >= 0)
		close(other_program);
	other_program = -1;
	pynq_image_end_base();
}

static void test_failures(void **state)
{
	(void)state;
	for (image = pynq_images; image < pynq_images + PYNQ_IMAGES; image++)
		for (const struct failure_trial *t = trials; t < trials + TRIALS; t++)
			if (t->attempt)
				run_trial(t);
}

/* --- the page itself --- */

/* Calls row() for each line of the section's tables of failures, code() for its indented lines. */
static void read_page(void (*row)(const char *section, const char *text),
	void (*code)(const char *section, const char *text))
{
	char line[2000], section[200] = "";
	bool quotes = false;
	FILE *page = fopen(PAGE, "r");

	assert_non_null(page);
	while (fgets(line, sizeof(line), page)) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '#')
			snprintf(section, sizeof(section), "%s", line + strspn(line, "# "));
		if (line[0] != '|')
			quotes = false;
		else if (strstr(line, "it says instead") || strstr(line, "twobit reports"))
			quotes = true;
		else if (quotes && strncmp(line, "| ---", 5) != 0 && row) {
			*strstr(line + 2, " |") = '\0';
			row(section, line + 2);
		}
		if (code && !strncmp(line, "    ", 4))
			code(section, line + 4);
	}
	fclose(page);
}

static size_t rows;

static void find_trial(const char *section, const char *text)
{
	size_t i = 0;

	while (i < TRIALS && (strcmp(trials[i].section, section) != 0 || strcmp(trials[i].row, text) != 0))
		i++;
	if (i == TRIALS)
		fail_msg(PAGE ", %s: there is no trial of \"%s\"", section, text);
	rows++;
}

static void test_all_rows_tried(void **state)
{
	(void)state;
	rows = 0;
	read_page(find_trial, NULL);
	assert_int_equal(rows, TRIALS);
}

/* What differs from board to board: paths and dates. */
static void expect_line(const char *section, const char *text)
{
	const char *label = strcmp(section, STEP_3) && strcmp(section, STEP_4) ? "" : text;
	char start[12];

	if (!strncmp(label, "sudo", 4))
		load();
	else if (!strncmp(label, "twobit", 6))
		status();
	else if (label[0] &&
		 !is_said(strstr(label, "/") ? (snprintf(start, sizeof(start), "%s", label), start) : label))
		fail_msg(PAGE ", %s: \"%s\" is not in \"%s\"", section, text, said);
}

static void test_steps(void **state)
{
	(void)state;
	for (image = pynq_images; image < pynq_images + PYNQ_IMAGES; image++) {
		start_machine();
		pynq_image_put_identity(image, BOARD_IDENTITY, BOARD_VERSION_MAJOR, 0x307);
		read_page(NULL, expect_line);
		scanout();
		assert_true(is_said(
			"HDMI of the board, 640×480 at 60 Hz, pictures of 640×480: 1 flips, 0 black"));
		start_machine();
		base_works();
		pynq();
		assert_true(is_said("HDMI of the board by the image's base.bit, 640×480 at 60 Hz: 1 flips"));
		pynq_image_end_base();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_rows_tried),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_steps),
	};

	if (!mkdtemp(board))
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	board_remove("");
	return failed;
}
