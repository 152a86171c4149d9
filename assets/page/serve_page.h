/* SPDX-License-Identifier: MIT */
/* page.html, as it is before and after the place of its nonce. */
#ifndef ASSETS_PAGE_SERVE_PAGE_H
#define ASSETS_PAGE_SERVE_PAGE_H

extern const char serve_page_head[], serve_page_tail[];

#endif
