/* SPDX-License-Identifier: MIT */
/* What PYNQ's Python noted of the design that it loaded into the PL. */
#ifndef PL_BUS_UIO_PYNQ_RECORD_H
#define PL_BUS_UIO_PYNQ_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/*
 * The path of the bitstream. 0; -ENOENT: nothing is noted, as before PYNQ has loaded anything since the
 * machine started; -EBADMSG: the note is not PYNQ's; or what the system says. root: as in files.h.
 */
int pynq_record_read(const char *root, char *path, size_t size);

/* Whether PYNQ has noted something after this time, which is a file's. */
bool pynq_record_after(const char *root, const struct timespec *time);

#endif
