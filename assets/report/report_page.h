/* SPDX-License-Identifier: MIT */
/* report.html, as it is before and after the place of the document that it draws. */
#ifndef ASSETS_REPORT_PAGE_H
#define ASSETS_REPORT_PAGE_H

extern const char report_page_head[], report_page_tail[];

#endif
