/*
 * Inside of template/: the `attribute` that filters take: a name, several with dots between them
 * (numbers are indexes), or nothing for the item itself; and what filters make of it to compare.
 */
#ifndef MODELS_TEMPLATE_GETTER_H
#define MODELS_TEMPLATE_GETTER_H

#include "models/template/render.h"

struct getter {
	struct list *parts;
	struct value otherwise; /* for what is undefined; absent: none */
	bool fold_case;
};

/* An absent attribute and none are the item itself. */
MUST_CHECK bool getter_init(struct render *r, struct getter *g, struct value attribute);
MUST_CHECK bool getter_get(
	struct render *r, const struct getter *g, struct value item, struct value *out);

#endif
