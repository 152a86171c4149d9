/* SPDX-License-Identifier: MIT */
/* Protobuf: a message is a row of fields, each a number, a wire type and a value. */
#ifndef NN_IMPORT_MODEL_ONNX_FIELDS_H
#define NN_IMPORT_MODEL_ONNX_FIELDS_H

#include "nn/import/model/onnx.h"

enum wire { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

struct onnx_field {
	uint32_t number;
	enum wire wire;
	uint64_t value;		 /* of a varint, or 32 or 64 bits */
	struct onnx_bytes bytes; /* of WIRE_BYTES */
};

/* Takes the next field off the front: 1; 0: there is none; −1: the message is damaged there. */
int onnx_field_next(struct onnx_bytes *message, struct onnx_field *field);

/* Takes a number of this wire type off the front of a packed field: 1, 0 or −1 likewise. */
int onnx_number_next(struct onnx_bytes *packed, enum wire wire, uint64_t *value);

#endif
