/* SPDX-License-Identifier: MIT */
/* Pickle's operations, of protocols 0 to 5, as far as they make data. What they may call: pickle_calls.c. */
#include "nn/import/pickle_machine.h"

#include "base/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MEMO_MOST = 65536 };

/* `size` bytes of the program; NULL at its end. */
static const uint8_t *take(struct pickle *p, size_t size)
{
	const uint8_t *at = p->at;

	if ((size_t)(p->end - at) < size) {
		pickle_broken(p, "it ends too early");
		return NULL;
	}
	p->at += size;
	return at;
}

static int take_number(struct pickle *p, int width, uint64_t *out)
{
	const uint8_t *bytes = take(p, (size_t)width);

	*out = 0;
	for (int i = width; bytes && i-- > 0;)
		*out = *out << 8 | bytes[i];
	return bytes ? 0 : -EBADMSG;
}

/* A line, without its end. */
static const uint8_t *take_line(struct pickle *p, size_t *size)
{
	const uint8_t *end = memchr(p->at, '\n', (size_t)(p->end - p->at));

	*size = end ? (size_t)(end - p->at) : 0;
	if (!end) {
		pickle_broken(p, "it ends too early");
		return NULL;
	}
	const uint8_t *line = take(p, *size + 1);
	return line;
}

/* Decimal, at most 18 digits. */
static bool decimal(const uint8_t *text, size_t size, int64_t *out)
{
	bool negative = size && *text == '-';

	*out = 0;
	if (size == negative || size - negative > 18)
		return false;
	for (size_t i = negative; i < size; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		*out = *out * 10 + text[i] - '0';
	}
	*out = negative ? -*out : *out;
	return true;
}

static int number_push(struct pickle *p, int64_t number)
{
	struct pickle_node *node = pickle_push(p, PICKLE_NUMBER);

	if (!node)
		return -EBADMSG;
	node->number = number;
	return 0;
}

/* I and L: lines. */
static int number_line(struct pickle *p, bool is_long)
{
	size_t size;
	const uint8_t *line = take_line(p, &size);
	int64_t number;

	if (!line)
		return -EBADMSG;
	if (is_long && size && line[size - 1] == 'L')
		size--;
	return decimal(line, size, &number) ? number_push(p, number) : pickle_broken(p, "a number is none");
}

/* LONG1: as many bytes as the first one says, two's complement. */
static int number_long(struct pickle *p)
{
	uint64_t size = 0, number = 0;

	if (take_number(p, 1, &size))
		return -EBADMSG;
	if (size > 8)
		return pickle_broken(p, "a number is longer than 64 bits");
	if (take_number(p, (int)size, &number))
		return -EBADMSG;
	if (size && size < 8 && number >> (8 * size - 1))
		number |= UINT64_MAX << 8 * size;
	return number_push(p, (int64_t)number);
}

static int hex_at(const uint8_t *text, size_t size, int digits, uint32_t *out)
{
	*out = 0;
	if (size < (size_t)digits)
		return -EBADMSG;
	for (int i = 0; i < digits; i++) {
		uint8_t c = text[i] | 0x20;
		if ((c < '0' || c > '9') && (c < 'a' || c > 'f'))
			return -EBADMSG;
		*out = *out << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return 0;
}

/* One character of UTF-8 beyond ASCII, up to U+00FF; how many bytes it takes, or 0. */
static size_t utf8_at(const uint8_t *text, size_t size, uint8_t *out)
{
	if (size < 2 || (text[0] != 0xc2 && text[0] != 0xc3) || (text[1] & 0xc0) != 0x80)
		return 0;
	*out = (uint8_t)(text[0] << 6 | (text[1] & 0x3f));
	return 2;
}

/* An escape of a text of protocol 0, behind its backslash; how many bytes it takes, or 0. */
static size_t escape_at(const uint8_t *text, size_t size, bool python_2, uint8_t *out)
{
	static const char letters[] = "\\'\"nrt", values[] = "\\'\"\n\r\t";
	const char *letter = size && *text ? strchr(letters, *text) : NULL;
	uint32_t code = 0;
	int digits = size && *text == 'u' ? 4 : size && *text == 'U' ? 8 : 0;

	if (python_2)
		digits = size && *text == 'x' ? 2 : 0;
	if (digits) {
		if (hex_at(text + 1, size - 1, digits, &code) || code > 255)
			return 0;
		*out = (uint8_t)code;
		return 1 + (size_t)digits;
	}
	if (!python_2 || !letter)
		return 0;
	*out = (uint8_t)values[letter - letters];
	return 1;
}

enum spelling { PLAIN, UTF8, ESCAPES, ESCAPES_2 };

/* One character; how many bytes it takes, or 0. */
static size_t character_at(const uint8_t *text, size_t size, enum spelling spelling, uint8_t *out)
{
	*out = *text;
	if (spelling == UTF8 && *text >= 0x80)
		return utf8_at(text, size, out);
	if (spelling >= ESCAPES && *text == '\\') {
		size_t length = escape_at(text + 1, size - 1, spelling == ESCAPES_2, out);
		/* In raw text of Unicode, a backslash before any other letter is just that. */
		bool escape = spelling == ESCAPES_2 || (size > 1 && (text[1] == 'u' || text[1] == 'U'));
		return length ? 1 + length : escape ? 0 : 1;
	}
	return 1;
}

/* The text, decoded if it does not stand there as it is. All texts together are no longer than the file. */
static int text_push(
	struct pickle *p, enum pickle_kind kind, const uint8_t *text, size_t size, enum spelling spelling)
{
	struct pickle_node *node = pickle_push(p, kind);
	bool plain = spelling == PLAIN || (spelling >= ESCAPES && !memchr(text, '\\', size));

	if (!node)
		return -EBADMSG;
	for (size_t i = 0; spelling == UTF8 && (plain = i == size || text[i] < 0x80) && i < size;)
		i++;
	node->bytes = text;
	node->size = size;
	if (plain)
		return 0;
	if (size > p->to_decode)
		return pickle_broken(p, "its texts are longer than itself");
	p->to_decode -= size;
	node->owned = malloc(size);
	if (!node->owned)
		return error_set(p->error, -ENOMEM, "does not fit into memory");
	node->bytes = node->owned;
	node->size = 0;
	for (size_t at = 0, length; at < size; at += length) {
		length = character_at(text + at, size - at, spelling, &node->owned[node->size]);
		if (!length)
			return pickle_broken(p, "a text has characters beyond Latin-1");
		node->size++;
	}
	return 0;
}

/* S: a literal of Python 2, with its quotes. V: a line of Unicode. */
static int text_line(struct pickle *p, bool unicode)
{
	size_t size;
	const uint8_t *line = take_line(p, &size);

	if (!line)
		return -EBADMSG;
	if (unicode)
		return text_push(p, PICKLE_TEXT, line, size, ESCAPES);
	if (size < 2 || (*line != '\'' && *line != '"') || line[size - 1] != *line)
		return pickle_broken(p, "a text has no quotes");
	return text_push(p, PICKLE_BYTES, line + 1, size - 2, ESCAPES_2);
}

static int text_sized(struct pickle *p, int width, bool unicode)
{
	uint64_t size;

	if (take_number(p, width, &size))
		return -EBADMSG;
	const uint8_t *text = size <= SIZE_MAX ? take(p, (size_t)size) : NULL;
	if (!text)
		return pickle_broken(p, "it ends too early");
	return text_push(p, unicode ? PICKLE_TEXT : PICKLE_BYTES, text, (size_t)size, unicode ? UTF8 : PLAIN);
}

static int memo_put(struct pickle *p, uint64_t key)
{
	if (p->depth == 0 || key >= MEMO_MOST)
		return pickle_broken(p, "it keeps what is not there");
	if (key >= p->memo_room) {
		uint32_t more = (uint32_t)key * 2 + 16;
		uint32_t *grown = realloc(p->memo, more * sizeof(*grown));
		if (!grown)
			return error_set(p->error, -ENOMEM, "does not fit into memory");
		for (uint32_t i = p->memo_room; i < more; i++)
			grown[i] = UINT32_MAX;
		p->memo = grown;
		p->memo_room = more;
	}
	p->memo_next += p->memo[key] == UINT32_MAX;
	p->memo[key] = p->stack[p->depth - 1];
	return 0;
}

static int memo_get(struct pickle *p, uint64_t key)
{
	if (key >= p->memo_room || p->memo[key] == UINT32_MAX)
		return pickle_broken(p, "it takes what it has not kept");
	return pickle_stack_put(p, p->memo[key]);
}

static int memo_number(struct pickle *p, int width, bool put)
{
	uint64_t key = 0;

	if (width) {
		if (take_number(p, width, &key))
			return -EBADMSG;
	} else {
		size_t size;
		const uint8_t *line = take_line(p, &size);
		int64_t number;

		if (!line)
			return -EBADMSG;
		if (!decimal(line, size, &number) || number < 0)
			return pickle_broken(p, "a number is none");
		key = (uint64_t)number;
	}
	return put ? memo_put(p, key) : memo_get(p, key);
}

static int mark_put(struct pickle *p)
{
	int rc = p->mark_count < PICKLE_NODES_MOST
			 ? pickle_room(p, (void **)&p->marks, p->mark_count, &p->mark_room, sizeof(*p->marks))
			 : pickle_broken(p, "its marks are too many");
	if (rc == 0)
		p->marks[p->mark_count++] = p->depth;
	return rc;
}

/* Where the values behind the last mark begin. */
static int mark_take(struct pickle *p, uint32_t *first)
{
	if (p->mark_count == 0 || p->marks[p->mark_count - 1] > p->depth)
		return pickle_broken(p, "a mark is missing");
	*first = p->marks[--p->mark_count];
	return 0;
}

/* A container of the values on the stack from `first` on. */
static int container_make(struct pickle *p, enum pickle_kind kind, uint32_t first)
{
	uint32_t count = p->depth - first;

	if (kind == PICKLE_DICT && count % 2)
		return pickle_broken(p, "a key has no value");
	if (!pickle_push(p, kind))
		return -EBADMSG;
	uint32_t node = p->stack[--p->depth];
	for (uint32_t i = 0; i < count; i++)
		if (pickle_item_add(p, node, p->stack[first + i]))
			return -EBADMSG;
	p->depth = first;
	return pickle_stack_put(p, node);
}

static int container_from_mark(struct pickle *p, enum pickle_kind kind)
{
	uint32_t first = 0;

	return mark_take(p, &first) ? -EBADMSG : container_make(p, kind, first);
}

static int container_from_top(struct pickle *p, enum pickle_kind kind, uint32_t count)
{
	if (p->depth < count)
		return pickle_broken(p, "its stack is empty");
	return container_make(p, kind, p->depth - count);
}

/* Adds the values on the stack from `first` on to the container below them. */
static int container_extend(struct pickle *p, enum pickle_kind kind, uint32_t first)
{
	if (first == 0 || first > p->depth)
		return pickle_broken(p, "its stack is empty");
	uint32_t node = p->stack[first - 1];
	if (p->nodes[node].kind != kind || (kind == PICKLE_DICT && (p->depth - first) % 2))
		return pickle_broken(p, "it adds to what is no container");
	for (uint32_t i = first; i < p->depth; i++)
		if (pickle_item_add(p, node, p->stack[i]))
			return -EBADMSG;
	p->depth = first;
	return 0;
}

static int container_extend_from_mark(struct pickle *p, enum pickle_kind kind)
{
	uint32_t first = 0;

	return mark_take(p, &first) ? -EBADMSG : container_extend(p, kind, first);
}

static int global_lines(struct pickle *p)
{
	size_t module_size, name_size;
	const uint8_t *module = take_line(p, &module_size);
	const uint8_t *name = module ? take_line(p, &name_size) : NULL;

	return name ? pickle_global(p, module, module_size, name, name_size) : -EBADMSG;
}

static int global_from_stack(struct pickle *p)
{
	if (p->depth < 2)
		return pickle_broken(p, "its stack is empty");
	const struct pickle_node module = p->nodes[p->stack[p->depth - 2]];
	const struct pickle_node name = p->nodes[p->stack[p->depth - 1]];
	if (module.kind != PICKLE_TEXT || name.kind != PICKLE_TEXT)
		return pickle_broken(p, "a name is no text");
	p->depth -= 2;
	return pickle_global(p, module.bytes, module.size, name.bytes, name.size);
}

/* Numbers, texts and what is kept of them. 1: it is none of these. */
static int value_run(struct pickle *p, uint8_t operation)
{
	uint64_t number;

	switch (operation) {
	case 'I':
		return number_line(p, false);
	case 'L':
		return number_line(p, true);
	case 'K':
		return take_number(p, 1, &number) ? -EBADMSG : number_push(p, (int64_t)number);
	case 'M':
		return take_number(p, 2, &number) ? -EBADMSG : number_push(p, (int64_t)number);
	case 'J':
		return take_number(p, 4, &number) ? -EBADMSG : number_push(p, (int32_t)(uint32_t)number);
	case 0x8a:
		return number_long(p);
	case 0x88:
	case 0x89:
		return number_push(p, operation == 0x88);
	case 'N':
		return pickle_push(p, PICKLE_NONE) ? 0 : -EBADMSG;
	case 'S':
	case 'V':
		return text_line(p, operation == 'V');
	case 'U':
	case 'C':
		return text_sized(p, 1, false);
	case 'T':
	case 'B':
		return text_sized(p, 4, false);
	case 0x8e:
	case 0x96:
		return text_sized(p, 8, false);
	case 0x8c:
		return text_sized(p, 1, true);
	case 'X':
		return text_sized(p, 4, true);
	case 0x8d:
		return text_sized(p, 8, true);
	default:
		return 1;
	}
}

/* Containers and the memo. 1: it is none of these. */
static int structure_run(struct pickle *p, uint8_t operation)
{
	switch (operation) {
	case '(':
		return mark_put(p);
	case ')':
		return container_from_top(p, PICKLE_TUPLE, 0);
	case ']':
		return container_from_top(p, PICKLE_LIST, 0);
	case '}':
		return container_from_top(p, PICKLE_DICT, 0);
	case 0x85:
	case 0x86:
	case 0x87:
		return container_from_top(p, PICKLE_TUPLE, operation - 0x84U);
	case 't':
		return container_from_mark(p, PICKLE_TUPLE);
	case 'l':
		return container_from_mark(p, PICKLE_LIST);
	case 'd':
		return container_from_mark(p, PICKLE_DICT);
	case 'a':
		return container_extend(p, PICKLE_LIST, p->depth ? p->depth - 1 : 0);
	case 's':
		return container_extend(p, PICKLE_DICT, p->depth > 1 ? p->depth - 2 : 0);
	case 'e':
		return container_extend_from_mark(p, PICKLE_LIST);
	case 'u':
		return container_extend_from_mark(p, PICKLE_DICT);
	case 'p':
	case 'g':
		return memo_number(p, 0, operation == 'p');
	case 'q':
	case 'h':
		return memo_number(p, 1, operation == 'q');
	case 'r':
	case 'j':
		return memo_number(p, 4, operation == 'r');
	case 0x94:
		return memo_put(p, p->memo_next);
	default:
		return 1;
	}
}

/* What calls, and what only says how the rest is written. */
static int other_run(struct pickle *p, uint8_t operation)
{
	uint64_t number;

	switch (operation) {
	case 0x80: /* the protocol */
		return take_number(p, 1, &number);
	case 0x95: /* a frame's length */
		return take_number(p, 8, &number);
	case 'c':
		return global_lines(p);
	case 0x93:
		return global_from_stack(p);
	case 'R':
		return pickle_reduce(p);
	case 'b':
		return pickle_build(p);
	default:
		return error_set(p->error, -EBADMSG,
			"holds an object of Python (operation 0x%02x of its pickle); only a dictionary of "
			"plain arrays can be read",
			operation);
	}
}

int pickle_run(struct pickle *p)
{
	for (;;) {
		const uint8_t *operation = take(p, 1);
		int rc;

		if (!operation)
			return -EBADMSG;
		if (*operation == '.')
			break;
		if ((rc = value_run(p, *operation)) > 0 && (rc = structure_run(p, *operation)) > 0)
			rc = other_run(p, *operation);
		if (rc)
			return p->error->code ? p->error->code : rc;
	}
	if (p->depth != 1)
		return pickle_broken(p, "it leaves other than one value");
	p->root = p->stack[0];
	return 0;
}
