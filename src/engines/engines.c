/* The registry of engines: engines.def, included twice. core/engine.h has the steps to add one. */
#include "core/engine.h"

#include <string.h>

#define ENGINE(kind) extern const struct engine_ops kind##_engine;
#include "engines/engines.def"
#undef ENGINE

const struct engine_ops *const engine_kinds[] = {
#define ENGINE(kind) &kind##_engine,
#include "engines/engines.def"
#undef ENGINE
	NULL,
};

const struct engine_ops *engine_find(const char *kind)
{
	for (size_t i = 0; engine_kinds[i]; i++)
		if (!strcmp(engine_kinds[i]->kind, kind))
			return engine_kinds[i];
	return NULL;
}
