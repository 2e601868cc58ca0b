/*
 * Inside of template/: Python's format specifications, which `%` and str.format share once they
 * have read their own way of writing them.
 */
#ifndef MODELS_TEMPLATE_FORMAT_H
#define MODELS_TEMPLATE_FORMAT_H

#include "models/template/render.h"

struct spec {
	uint32_t fill;            /* 0: by default, a space */
	char align;               /* < > ^ = or 0 */
	char sign;                /* + - space */
	bool alternate;           /* # */
	bool zero;                /* numbers are filled behind their sign */
	char group;               /* , _ or 0 */
	int64_t width, precision; /* precision -1: none */
	char type;                /* 0: none */
};

#define SPEC_NONE ((struct spec){.sign = '-', .precision = -1})

/* A number by one of the types d b o x X c e E f F g G n %, or none; integers and floats as the
 * type wants. */
MUST_CHECK bool format_number(
	struct render *r, struct value v, const struct spec *spec, struct buf *out);
MUST_CHECK bool format_text(
	struct render *r, struct value text, const struct spec *spec, struct buf *out);

#endif
