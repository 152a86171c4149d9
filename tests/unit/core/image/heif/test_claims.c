/* SPDX-License-Identifier: MIT */
/* HEIC and AVIF files that claim more, or less, than what they make a decoder do. */
#include "base/error.h"
#include "image/heif/claims.h"
#include "image/limits.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { SMALL = 64, LARGE = 8000, DATA_BYTES = 2048 };

/* A file that grows: boxes are begun and ended. */
static uint8_t file[8192];
static size_t size;

static void put(uint64_t value, unsigned bytes)
{
	assert_true(size + bytes <= sizeof(file));
	while (bytes-- > 0)
		file[size++] = bytes < sizeof(value) ? (uint8_t)(value >> 8 * bytes) : 0;
}

static size_t begin(const char *type)
{
	size_t at = size;

	put(0, 4);
	for (int i = 0; i < 4; i++)
		put((uint8_t)type[i], 1);
	return at;
}

static size_t begin_full(const char *type, unsigned version)
{
	size_t at = begin(type);

	put((uint64_t)version << 24, 4);
	return at;
}

static void end(size_t at)
{
	size_t here = size;

	size = at;
	put(here - at, 4);
	size = here;
}

/* Bits from the highest on. */
static uint8_t bits[DATA_BYTES];
static size_t bit_count;

static void bits_begin(void)
{
	memset(bits, 0, sizeof(bits));
	bit_count = 0;
}

static void bits_put(uint64_t value, unsigned count)
{
	for (; count > 0; count--, bit_count++)
		if (count <= 64 && value >> (count - 1) & 1)
			bits[bit_count / 8] |= (uint8_t)(128 >> bit_count % 8);
}

static void bits_put_exp_golomb(uint32_t value)
{
	unsigned length = 0;

	while ((value + 1) >> (length + 1))
		length++;
	bits_put(0, length);
	bits_put(value + 1, length + 1);
}

static size_t bits_bytes(void)
{
	return (bit_count + 7) / 8;
}

/* OBUs: a sequence header, reduced or with all that may precede its size, and empty frames. */
static size_t av1_make(uint8_t *out, bool reduced, unsigned side, unsigned frames)
{
	bits_begin();
	bits_put(0, 3);
	bits_put(reduced ? 3 : 0, 2);
	if (reduced) {
		bits_put(8, 5);
	} else {
		bits_put(1, 1); /* timing */
		bits_put(7, 32);
		bits_put(25, 32);
		bits_put(1, 1);
		bits_put_exp_golomb(3);
		bits_put(1, 1); /* a model of the decoder */
		bits_put(9, 5);
		bits_put(1, 32);
		bits_put(0, 10);
		bits_put(1, 1); /* delays */
		bits_put(1, 5); /* two points */
		for (int i = 0; i < 2; i++) {
			bits_put(0, 12);
			bits_put(9, 5);
			bits_put(1, 1);
			bits_put(1, 1);
			bits_put(~0u, 21);
			bits_put(1, 1);
			bits_put(5, 4);
		}
	}
	bits_put(15, 4);
	bits_put(13, 4);
	bits_put(side - 1, 16);
	bits_put(side - 1, 14);
	size_t length = bits_bytes(), at = 0;
	out[at++] = 2 << 3 | 2; /* a temporal delimiter */
	out[at++] = 0;
	out[at++] = 1 << 3 | 4 | 2; /* with an extension */
	out[at++] = 0;
	out[at++] = (uint8_t)(length | 128); /* a size may have more bytes than it needs */
	out[at++] = 0;
	memcpy(out + at, bits, length);
	at += length;
	for (unsigned i = 0; i < frames; i++) {
		out[at++] = 6 << 3 | 2;
		out[at++] = 0;
	}
	return at;
}

/* One NAL unit: a sequence parameter set with two sub-layers. */
static size_t hevc_make(uint8_t *out, unsigned side)
{
	size_t at = 0;

	bits_begin();
	bits_put(0, 4);
	bits_put(2, 3);
	bits_put(1, 1);
	bits_put(0, 96); /* zeros are where bytes are stuffed */
	bits_put(3, 2);
	bits_put(1, 2);
	bits_put(0, 12);
	bits_put(0, 96);
	bits_put(0, 8);
	bits_put_exp_golomb(0);
	bits_put_exp_golomb(3);
	bits_put(0, 1);
	bits_put_exp_golomb(side);
	bits_put_exp_golomb(side);
	out[at++] = 33 << 1;
	out[at++] = 1;
	for (size_t i = 0, zeros = 0; i < bits_bytes(); i++) {
		if (zeros >= 2 && bits[i] <= 3) {
			out[at++] = 3;
			zeros = 0;
		}
		zeros = bits[i] ? 0 : zeros + 1;
		out[at++] = bits[i];
	}
	return at;
}

/* What a file is made of. Item 1 is coded; item 2 is made of it, `uses` times, if it has a type. */
struct plan {
	const char *coded, *derived;
	unsigned stated; /* the side in ispe */
	unsigned side;	 /* in the coded data */
	unsigned frames, uses, parts;
	unsigned derived_side;
	bool in_property; /* the coded data's header is there */
	bool plain;	  /* in a full AV1 header, not a reduced one */
	const char *more; /* a type of box that is appended */
};

static size_t coded_make(const struct plan *plan, uint8_t *out)
{
	uint8_t unit[DATA_BYTES];

	if (strcmp(plan->coded, "av01") == 0)
		return av1_make(out, !plan->plain, plan->side, plan->frames);
	size_t length = hevc_make(unit, plan->side), at = 4;
	memcpy(out, (uint8_t[]){0, 0, 0, (uint8_t)length}, 4);
	memcpy(out + at, unit, length);
	at += length;
	for (unsigned i = 0; i < plan->frames; i++, at += 7)
		memcpy(out + at, (uint8_t[]){0, 0, 0, 3, 19 << 1, 1, 128}, 7);
	return at;
}

static void put_bytes(const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		put(bytes[i], 1);
}

static void put_item(unsigned id, const char *type)
{
	size_t info = begin_full("infe", 2);

	put(id, 2);
	put(0, 2);
	put_bytes((const uint8_t *)type, 4);
	put(0, 1);
	end(info);
}

static void put_properties(const struct plan *plan, const uint8_t *coded, size_t coded_size)
{
	size_t properties = begin("iprp"), container = begin("ipco"), extents = begin_full("ispe", 0);

	put(plan->stated, 4);
	put(plan->stated, 4);
	end(extents);
	if (plan->in_property && strcmp(plan->coded, "av01") == 0) {
		size_t settings = begin("av1C");
		put(0x81000000, 4);
		put_bytes(coded, coded_size);
		end(settings);
	} else if (plan->in_property) {
		size_t settings = begin("hvcC");
		put(0, 22);
		put(1, 1);
		put(33, 1);
		put(1, 2);
		put(coded[3], 2);
		put_bytes(coded + 4, coded[3]);
		end(settings);
	}
	end(container);
	end(properties);
}

/* iloc: item 1 in the file, in `parts`; item 2 in idat. */
static size_t put_locations(const struct plan *plan, size_t coded_size)
{
	size_t locations = begin_full("iloc", 1), offsets = 0;
	unsigned parts = plan->parts ? plan->parts : 1;

	put(0x4400, 2);
	put(plan->derived ? 2 : 1, 2);
	put(1, 2);
	put(0, 4); /* in the file, which is this one */
	put(parts, 2);
	offsets = size;
	for (unsigned i = 0; i < parts; i++) {
		put(coded_size * i / parts, 4); /* from where the data begins, which is added later */
		put(coded_size * (i + 1) / parts - coded_size * i / parts, 4);
	}
	if (plan->derived) {
		put(2, 2);
		put(1, 2); /* in idat */
		put(0, 2);
		put(1, 2);
		put(0, 4);
		put(20, 4);
	}
	end(locations);
	return offsets;
}

static void put_derived(const struct plan *plan)
{
	size_t references = begin_full("iref", 0), list = begin("dimg");

	put(2, 2);
	put(plan->uses, 2);
	for (unsigned i = 0; i < plan->uses; i++)
		put(1, 2);
	end(list);
	end(references);
	size_t data = begin("idat"), at = size;
	put(0, 1);
	put(1, 1); /* the size has 32 bits */
	put(0, strcmp(plan->derived, "grid") == 0 ? 2 : 8);
	put(plan->derived_side, 4);
	put(plan->derived_side, 4);
	put(0, (unsigned)(20 - (size - at)));
	end(data);
}

static void make(const struct plan *plan)
{
	uint8_t coded[DATA_BYTES];
	size_t coded_size = coded_make(plan, coded), whole = coded_size;

	size = 0;
	end(begin("ftyp"));
	size_t meta = begin_full("meta", 0), primary = begin_full("pitm", 0);
	put(plan->derived ? 2 : 1, 2);
	end(primary);
	size_t infos = begin_full("iinf", 0);
	put(plan->derived ? 2 : 1, 2);
	put_item(1, plan->coded);
	if (plan->derived)
		put_item(2, plan->derived);
	end(infos);
	put_properties(plan, coded, coded_size);
	if (plan->in_property)
		coded_size = 0;
	size_t offsets = put_locations(plan, coded_size);
	if (plan->derived)
		put_derived(plan);
	end(meta);
	if (plan->more)
		end(begin(plan->more));
	size_t data = begin("mdat"), at = size;
	put_bytes(coded, whole);
	end(data);
	size_t here = size;
	for (unsigned i = 0; i < (plan->parts ? plan->parts : 1); i++) {
		size = offsets + (size_t)8 * i;
		put(at + coded_size * i / (plan->parts ? plan->parts : 1), 4);
	}
	size = here;
}

/* NULL: the file is taken. */
static void check(const struct plan *plan, const char *message)
{
	struct error e = {0};

	make(plan);
	int status = heif_claims_check(file, size, &e);
	if (message ? status != -EBADMSG || !strstr(e.text, message) : status != 0)
		fail_msg("%d, \"%s\" instead of \"%s\"", status, e.text, message ? message : "");
}

static const char *const kinds[] = {"av01", "hvc1"};

static void honest_files_pass(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		check(&(struct plan){.coded = kinds[i], .stated = SMALL, .side = SMALL, .frames = 1}, NULL);
		check(
			&(struct plan){
				.coded = kinds[i], .stated = 4000, .side = 4000, .frames = 1, .parts = 3},
			NULL);
		check(&(struct plan){.coded = kinds[i], .stated = SMALL, .side = SMALL, .in_property = true},
			NULL);
		check(&(struct plan){.coded = kinds[i],
			      .derived = "grid",
			      .stated = 4000,
			      .side = 512,
			      .frames = 1,
			      .uses = 64,
			      .derived_side = 4000},
			NULL);
	}
	check(&(struct plan){.coded = "av01", .stated = SMALL, .side = SMALL, .frames = 1, .plain = true},
		NULL);
}

static void stated_size_is_limited(void **state)
{
	(void)state;
	check(&(struct plan){.coded = "av01", .stated = PICTURE_SIDE_MAXIMUM + 1, .side = SMALL},
		"16385×16385");
	check(&(struct plan){.coded = "av01", .stated = LARGE, .side = SMALL},
		"it claims 8000×8000 pixels in");
}

/* Wherever it says so. */
static void coded_size_is_limited(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		check(&(struct plan){.coded = kinds[i], .stated = SMALL, .side = LARGE, .frames = 1},
			"8000×8000");
		check(
			&(struct plan){
				.coded = kinds[i], .stated = SMALL, .side = LARGE, .frames = 1, .parts = 5},
			"8000×8000");
		check(&(struct plan){.coded = kinds[i], .stated = SMALL, .side = LARGE, .in_property = true},
			"8000×8000");
	}
	check(&(struct plan){.coded = "av01", .stated = SMALL, .side = LARGE, .frames = 1, .plain = true},
		"8000×8000");
}

static void hidden_frames_are_limited(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++)
		check(&(struct plan){.coded = kinds[i], .stated = SMALL, .side = 4000, .frames = 9},
			"9 frames of 4000×4000 pixels");
}

static void what_is_made_of_others_is_limited(void **state)
{
	struct plan plan = {
		.coded = "av01", .derived = "grid", .stated = SMALL, .side = 4000, .frames = 1, .uses = 9};

	(void)state;
	plan.derived_side = SMALL;
	check(&plan, "made of more pictures than its size needs");
	plan.uses = 1;
	check(&plan, NULL);
	plan.derived_side = LARGE;
	check(&plan, "8000×8000");
	plan.derived = "iovl";
	check(&plan, "8000×8000");
	plan.coded = "iden";
	plan.derived_side = SMALL;
	check(&plan, "pictures that are made of others");
}

static void other_kinds_are_refused(void **state)
{
	(void)state;
	check(&(struct plan){.coded = "unci", .stated = SMALL, .side = SMALL}, "neither HEVC nor AV1");
	check(&(struct plan){.coded = "av01", .stated = SMALL, .side = SMALL, .more = "meta"},
		"describes itself twice");
}

/* No byte is read past the end; a sanitizer tells. */
static void cut_files_pass_or_fail(void **state)
{
	struct error e;

	(void)state;
	for (int i = 0; i < 2; i++) {
		make(&(struct plan){.coded = kinds[i],
			.derived = "grid",
			.stated = SMALL,
			.side = SMALL,
			.frames = 2,
			.uses = 2,
			.parts = 2,
			.derived_side = SMALL});
		for (size_t cut = 0; cut < size; cut++) {
			uint8_t *part = test_malloc(cut ? cut : 1);
			memcpy(part, file, cut);
			e = (struct error){0};
			int status = heif_claims_check(part, cut, &e);
			assert_true(status == 0 || (status == -EBADMSG && e.text[0]));
			test_free(part);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(honest_files_pass),
		cmocka_unit_test(stated_size_is_limited),
		cmocka_unit_test(coded_size_is_limited),
		cmocka_unit_test(hidden_frames_are_limited),
		cmocka_unit_test(what_is_made_of_others_is_limited),
		cmocka_unit_test(other_kinds_are_refused),
		cmocka_unit_test(cut_files_pass_or_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
