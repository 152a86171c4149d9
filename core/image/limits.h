/* SPDX-License-Identifier: MIT */
/*
 * What files of strangers may cost. A few bytes can claim any number of pixels, and no format has a limit of
 * its own that protects a machine with 512 MiB. docs/guide.md tells them to users.
 */
#ifndef IMAGE_LIMITS_H
#define IMAGE_LIMITS_H

/* Largest side that is accepted anywhere, pixels: what phones with 200 megapixels take is 16320 wide. */
#define PICTURE_SIDE_MAXIMUM 16384

/* Bytes of a picture file, which is read as a whole. The largest photographs, 200 megapixels, have 60 MB. */
#define PICTURE_FILE_MAXIMUM ((size_t)256 << 20)

/*
 * Pixels in memory, 128 MiB: more than a full frame camera takes. Networks see a few hundred a side, so
 * larger pictures are reduced while they are decoded, where the format lets us; else they are refused.
 */
#define PICTURE_PIXELS_MAXIMUM ((size_t)1 << 25)

/*
 * Pixels for each byte of a file, in pictures above so many pixels. Deflate, the tightest of the older
 * formats, has at most 1032 bytes for a byte; a page of text in black and white has 300 pixels for a byte.
 * More is an empty page or an attack.
 */
#define PICTURE_RATIO_MAXIMUM 2000
#define PICTURE_RATIO_PIXELS ((size_t)1 << 24)

/*
 * Scans of a JPEG: a pass over all its coefficients each, which can be a few bytes in the file. Encoders make
 * about 10, and programs that look for the smallest file not many more.
 */
#define JPEG_SCANS_MAXIMUM 100

/* Bytes of a progressive JPEG's coefficients: 85 megapixels in the usual 4:2:0. */
#define JPEG_MEMORY_MAXIMUM (256L << 20)

/*
 * Of a HEIC or AVIF: pixels that are decoded for one picture, which may be made of tiles (phones make them of
 * 512×512) or come behind frames that are not shown; and parts: a picture of 48 megapixels has 200 tiles, and
 * as many may say how bright it is.
 */
#define HEIF_DECODED_MAXIMUM (4 * PICTURE_PIXELS_MAXIMUM)
#define HEIF_ITEMS_MAXIMUM 4096

/*
 * Seconds of a processor for one picture: the last resort, should the others leave a way. A PC takes below
 * one for any photograph, a PYNQ-Z2's processor is 20 times as slow.
 */
#define PICTURE_SECONDS_MAXIMUM 30

/* Bytes of a data set in one file, unpacked: the largest of MNIST's relatives, EMNIST by class, has 550 MB.
 */
#define DATASET_BYTES_MAXIMUM ((size_t)1 << 30)

/* Unpacked bytes for each packed one, above so many bytes: MNIST has 5. */
#define DATASET_RATIO_MAXIMUM 100
#define DATASET_RATIO_BYTES ((size_t)64 << 20)

#endif
