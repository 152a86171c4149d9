/* SPDX-License-Identifier: MIT */
#include "nn/network_view.h"

#include "base/error.h"

#include <errno.h>
#include <string.h>

static const char *const kinds[] = {
	[VIEW_CENTRE] = "centre", [VIEW_BOX] = "box", [VIEW_INK] = "ink", [VIEW_FACE] = "face"};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static bool share_valid(double share)
{
	return share >= 0.1 && share <= 1;
}

static bool has_size(const struct view *v)
{
	return v->kind == VIEW_BOX || v->kind == VIEW_INK;
}

static bool has_fill(const struct view *v)
{
	return v->kind == VIEW_INK || v->kind == VIEW_FACE;
}

static double fill_default(const struct view *v)
{
	return v->kind == VIEW_INK ? VIEW_FILL_INK : VIEW_FILL_FACE;
}

bool view_valid(const struct view *v)
{
	bool range = v->low >= 0 && v->high <= 255 && (v->low < v->high || (!v->low && !v->high));

	return (unsigned)v->kind < KINDS && range && (!has_size(v) || share_valid(v->size)) &&
	       (!has_fill(v) || share_valid(v->fill)) && !(v->kind == VIEW_INK && v->inverted);
}

static int parse_kind(const json_t *value, struct view *view, struct error *e)
{
	const char *name = json_string_value(value);

	for (size_t i = 0; i < KINDS && name; i++)
		if (strcmp(name, kinds[i]) == 0) {
			view->kind = (enum view_kind)i;
			return 0;
		}
	return error_set(e, -EBADMSG, "field \"view\": \"kind\" is not centre, box, ink or face");
}

static int parse_range(const json_t *value, struct view *view, struct error *e)
{
	json_t *low = json_array_get(value, 0), *high = json_array_get(value, 1);

	if (json_array_size(value) != 2 || !json_is_integer(low) || !json_is_integer(high) ||
		json_integer_value(low) < 0 || json_integer_value(high) > 255 ||
		json_integer_value(low) >= json_integer_value(high))
		return error_set(
			e, -EBADMSG, "field \"view\": \"range\" is not two ascending numbers of 0 … 255");
	view->low = (int)json_integer_value(low);
	view->high = (int)json_integer_value(high);
	return 0;
}

static int parse_member(const char *name, const json_t *value, struct view *view, struct error *e)
{
	bool share = json_is_number(value) && share_valid(json_number_value(value));

	if (strcmp(name, "kind") == 0)
		return 0; /* it came first */
	if (strcmp(name, "range") == 0)
		return parse_range(value, view, e);
	if (strcmp(name, "inverted") == 0 && view->kind != VIEW_INK && json_is_boolean(value)) {
		view->inverted = json_is_true(value);
		return 0;
	}
	if (strcmp(name, "size") == 0 && has_size(view) && share) {
		view->size = json_number_value(value);
		return 0;
	}
	if (strcmp(name, "fill") == 0 && has_fill(view) && share) {
		view->fill = json_number_value(value);
		return 0;
	}
	return error_set(e, -EBADMSG, "field \"view\": \"%.64s\" is unknown, or not possible for %s", name,
		kinds[view->kind]);
}

int view_parse(const json_t *value, struct view *view, struct error *e)
{
	const char *name;
	json_t *member;

	*view = (struct view){0};
	if (!value)
		return 0;
	if (!json_is_object(value))
		return error_set(e, -EBADMSG, "field \"view\": is not an object");
	int rc = parse_kind(json_object_get(value, "kind"), view, e);
	if (!rc && has_size(view))
		view->size = VIEW_SIZE_DEFAULT;
	if (!rc && has_fill(view))
		view->fill = fill_default(view);
	json_object_foreach((json_t *)value, name, member)
	{
		if (rc)
			break;
		rc = parse_member(name, member, view, e);
	}
	return rc;
}

json_t *view_json(const struct view *view)
{
	json_t *json = json_pack("{s:s}", "kind", kinds[view->kind]);

	if (!json)
		return NULL;
	if (has_size(view) && view->size != VIEW_SIZE_DEFAULT)
		json_object_set_new(json, "size", json_real(view->size));
	if (has_fill(view) && view->fill != fill_default(view))
		json_object_set_new(json, "fill", json_real(view->fill));
	if (view->inverted)
		json_object_set_new(json, "inverted", json_true());
	if (view->high)
		json_object_set_new(json, "range", json_pack("[i, i]", view->low, view->high));
	return json;
}
