/* SPDX-License-Identifier: MIT */
/* Keys on a simulated display, and what they leave: files, and notes on the picture. */
#include "base/clock.h"
#include "base/error.h"
#include "image/decode.h"
#include "live/loop.h"
#include "support/folder.h"
#include "support/network_builder.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

#define FRAMES_UNTIL_THE_END 2000

static struct {
	const enum display_key *keys; /* one after each picture, or while none comes; KEY_NONE: the end */
	int shown, opened;
	bool gone;		       /* since KEY_LOST */
	bool nowhere;		       /* the display "none" is open */
	char note[CAPTION_NOTE_BYTES]; /* the last one shown … */
	char text[FRAME_TEXT_BYTES];   /* … and the picture's text */
} screen;

/* The linker puts these in the places of their namesakes. */
int __wrap_display_open(
	const char *name, const struct display_options *options, struct display **out, struct error *e);
void __wrap_display_close(struct display *display);
const char *__wrap_display_name(const struct display *display);
struct display_capabilities __wrap_display_capabilities(const struct display *display);
void __wrap_display_describe(const struct display *display, char *text, size_t size);
int __wrap_display_show(struct display *display, struct frame *frame, struct error *e);
enum display_key __wrap_display_poll_key(struct display *display);
struct display_attention __wrap_display_attention(const struct display *display);

int __wrap_display_open(
	const char *name, const struct display_options *options, struct display **out, struct error *e);
void __wrap_display_close(struct display *display);
const char *__wrap_display_name(const struct display *display);
struct display_capabilities __wrap_display_capabilities(const struct display *display);
void __wrap_display_describe(const struct display *display, char *text, size_t size);
int __wrap_display_show(struct display *display, struct frame *frame, struct error *e);
enum display_key __wrap_display_poll_key(struct display *display);
struct display_attention __wrap_display_attention(const struct display *display);

int __wrap_display_open(
	const char *name, const struct display_options *options, struct display **out, struct error *e)
{
	(void)options;
	(void)e;
	screen.nowhere = !strcmp(name, "none");
	screen.opened++;
	*out = (struct display *)&screen;
	return 0;
}

void __wrap_display_close(struct display *display)
{
	(void)display;
}

const char *__wrap_display_name(const struct display *display)
{
	(void)display;
	return screen.nowhere ? "none" : "simulated";
}

struct display_capabilities __wrap_display_capabilities(const struct display *display)
{
	(void)display;
	return (struct display_capabilities){0};
}

void __wrap_display_describe(const struct display *display, char *text, size_t size)
{
	(void)display;
	snprintf(text, size, "simulated");
}

int __wrap_display_show(struct display *display, struct frame *frame, struct error *e)
{
	(void)display;
	if (screen.gone && !screen.nowhere)
		return error_set(e, -ENODEV, "the screen is gone");
	screen.shown++;
	if (frame->caption.note[0]) {
		memcpy(screen.note, frame->caption.note, sizeof(screen.note));
		memcpy(screen.text, frame->text, sizeof(screen.text));
	}
	return 0;
}

struct display_attention __wrap_display_attention(const struct display *display)
{
	(void)display;
	return (struct display_attention){-1, 1};
}

enum display_key __wrap_display_poll_key(struct display *display)
{
	static bool asked;
	enum display_key key = *screen.keys;

	(void)display;
	asked = !asked;
	if (!asked || key == KEY_NONE || screen.shown == 0)
		return KEY_NONE;
	screen.keys++;
	screen.gone |= key == KEY_LOST;
	return key;
}

static char *folder;

static int folder_enter(void **state)
{
	(void)state;
	folder = folder_create();
	return chdir(folder);
}

static int folder_leave(void **state)
{
	(void)state;
	int status = chdir("/");
	folder_destroy(folder);
	return status;
}

/* Runs `live` on the pattern with these keys, until q or for so many frames. */
static int live(const enum display_key *keys, uint64_t frames, const char *saved)
{
	struct network *network = tiny_network(7);
	struct pipeline_config config = {.network = network, .frames = frames, .lossless = true};
	const struct source_options wanted = {.width = 64, .height = 48, .rate = 30};
	struct live_loop loop = {.display_name = "simulated", .snapshot = saved};
	struct error e;

	memset(&screen, 0, sizeof(screen));
	screen.keys = keys;
	assert_int_equal(source_open("test", &wanted, &config.source, &e), 0);
	assert_int_equal(pl_open("software", NULL, &config.pl, &e), 0);
	assert_int_equal(pipeline_start(&config, &loop.pipeline, &e), 0);
	int code = live_loop_run(&loop);
	live_loop_finish(&loop);
	assert_int_equal(pipeline_join(loop.pipeline, &e), 0);
	pipeline_destroy(loop.pipeline);
	pl_close(config.pl);
	source_close(config.source);
	network_destroy(network);
	return code;
}

static int pictures_of(const char *ending)
{
	DIR *here = opendir(".");
	int count = 0;

	for (struct dirent *entry; (entry = readdir(here));)
		count += strstr(entry->d_name, ending) != NULL;
	closedir(here);
	return count;
}

/* Faster than a second, so that names are the same but for a number. */
static void each_snapshot_is_a_file(void **state)
{
	static const enum display_key keys[] = {
		KEY_SNAPSHOT, KEY_SNAPSHOT, KEY_SNAPSHOT, KEY_SNAPSHOT, KEY_SNAPSHOT, KEY_QUIT, KEY_NONE};

	(void)state;
	assert_int_equal(live(keys, FRAMES_UNTIL_THE_END, NULL), EX_OK);
	assert_int_equal(pictures_of(".png"), 5);
	assert_int_equal(pictures_of(".tmp"), 0);
}

static void a_note_tells_what_was_saved(void **state)
{
	static const enum display_key keys[] = {KEY_SNAPSHOT, KEY_NONE};

	(void)state;
	assert_int_equal(live(keys, 40, NULL), EX_OK);
	assert_non_null(strstr(screen.note, "saved twobit-"));
	assert_non_null(strstr(screen.note, ".png"));
	assert_non_null(strstr(screen.text, screen.note));
}

/* No new picture is shown then; the one that stays is shown again with the note. */
static void a_note_is_seen_in_a_pause(void **state)
{
	static const enum display_key keys[] = {KEY_PAUSE, KEY_SNAPSHOT, KEY_NONE};

	(void)state;
	assert_int_equal(live(keys, 40, NULL), EX_OK);
	assert_true(screen.shown < 20);
	assert_non_null(strstr(screen.note, "saved twobit-"));
}

/* It would else cover the picture. */
static void a_snapshot_has_no_note(void **state)
{
	static const enum display_key once[] = {KEY_NONE}, twice[] = {KEY_SNAPSHOT, KEY_HELP, KEY_NONE};
	struct picture plain = {0}, noted = {0};
	struct error e;

	(void)state;
	assert_int_equal(live(once, 40, "plain.png"), EX_OK);
	assert_int_equal(live(twice, 40, "noted.png"), EX_OK);
	assert_int_equal(picture_read_file("plain.png", &plain, &e), 0);
	assert_int_equal(picture_read_file("noted.png", &noted, &e), 0);
	assert_memory_equal(plain.data, noted.data, (size_t)plain.width * (size_t)plain.height * 4);
	picture_finish(&plain);
	picture_finish(&noted);
}

static void a_lost_display_ends_a_pause(void **state)
{
	static const enum display_key keys[] = {KEY_PAUSE, KEY_LOST, KEY_NONE};

	(void)state;
	assert_int_equal(live(keys, 60, NULL), EX_OK);
	assert_int_equal(screen.opened, 2);
	assert_true(screen.nowhere);
	assert_true(screen.shown > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_snapshot_is_a_file, folder_enter, folder_leave),
		cmocka_unit_test_setup_teardown(a_note_tells_what_was_saved, folder_enter, folder_leave),
		cmocka_unit_test_setup_teardown(a_note_is_seen_in_a_pause, folder_enter, folder_leave),
		cmocka_unit_test_setup_teardown(a_snapshot_has_no_note, folder_enter, folder_leave),
		cmocka_unit_test_setup_teardown(a_lost_display_ends_a_pause, folder_enter, folder_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
