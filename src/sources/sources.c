/* The registry of sources: sources.def, included twice. core/source.h has the steps to add one. */
#include "core/source.h"

#include <string.h>

#define SOURCE(kind) extern const struct source_ops kind##_source;
#include "sources/sources.def"
#undef SOURCE

const struct source_ops *const source_kinds[] = {
#define SOURCE(kind) &kind##_source,
#include "sources/sources.def"
#undef SOURCE
	NULL,
};

const struct source_ops *source_find(const char *kind)
{
	for (size_t i = 0; source_kinds[i]; i++)
		if (!strcmp(source_kinds[i]->kind, kind))
			return source_kinds[i];
	return NULL;
}
