/* SPDX-License-Identifier: MIT */
/*
 * What a HEIC or AVIF makes libheif decode, looked at before libheif allocates for it. Its versions before
 * 1.19 take 32768 pixels a side, and of the size that a file states for a picture only once that is decoded.
 * The file's boxes: ISO/IEC 14496-12 and 23008-12.
 */
#ifndef HEIF_CLAIMS_H
#define HEIF_CLAIMS_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* Boxes that are broken pass: libheif tells. -EBADMSG: over a limit of limits.h, or of an unusual kind;
 * -ENOMEM. */
int heif_claims_check(const uint8_t *data, size_t size, struct error *e);

#endif
