/* SPDX-License-Identifier: MIT */
/* What a quantisation point makes of a signal. */
#ifndef NN_IMPORT_LOWER_EPILOGUE_H
#define NN_IMPORT_LOWER_EPILOGUE_H

#include "nn/import/lower/parts.h"

struct epilogue {
	const struct lowering *l;
	const struct signal *signal;
	const struct quantisation *point;
	const double *scale, *zero; /* [channels] */
	int lowest;		    /* the whole number that code 0 stands for */
	int levels;		    /* the highest code */
	double input_factor;	    /* 255, where pixels go from 0 to 255 */
	double tolerance;	    /* of halves and whole numbers (quantisation.h) */
	bool single;		    /* of pixels, in single precision */
};

/* What the signal's functions make of a number. */
double epilogue_functions(const struct epilogue *end, int channel, double number);

/* Sets lowest and levels for whole numbers from `least` to `most`; false: more than 8 bits. */
bool epilogue_range(struct epilogue *end, double least, double most);

/* Bits of codes 0 … levels. */
int epilogue_bits(int levels);

/*
 * Tries to make the codes of a sum of several terms by one add that requantises; *index is −1 if that would
 * not give the codes.
 */
int epilogue_add(struct lowering *l, struct epilogue *end, int *index, struct error *e);

#endif
