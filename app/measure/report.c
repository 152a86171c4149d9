/* SPDX-License-Identifier: MIT */
#include "measure/report.h"

#include "cli/output.h"
#include "report_page.h"

#include <errno.h>

/* In HTML, "<" could end the element that holds the document, or begin a comment. In JSON it occurs only in
 * strings, where it can be escaped. */
static int write_escaped(const char *text, size_t size, void *file)
{
	for (size_t i = 0; i < size; i++)
		if ((text[i] == '<' ? fputs("\\u003c", file) : putc(text[i], file)) == EOF)
			return -1;
	return 0;
}

int measure_report(FILE *file, const json_t *document)
{
	errno = 0;
	fputs(report_page_head, file);
	int failed = json_dump_callback(document, write_escaped, file, OUTPUT_JSON_FLAGS | JSON_ENSURE_ASCII);
	fputs(report_page_tail, file);
	if (ferror(file) || fflush(file))
		return -(errno ? errno : EIO);
	return failed ? -ENOMEM : 0;
}
