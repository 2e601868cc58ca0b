/* Inside of template/: where in a source an offset is, for messages. */
#ifndef MODELS_TEMPLATE_PLACE_H
#define MODELS_TEMPLATE_PLACE_H

#include "models/template/ast.h"

struct place {
	int line, column; /* from 1; the column in code points */
};

struct place place_of(const struct template *t, uint32_t at);
/* A newline, the line or the part of it that the place is in, and the caret below. */
void place_show(const struct template *t, uint32_t at, struct buf *out);

#endif
