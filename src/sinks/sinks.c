/* The registry of sinks: sinks.def, included twice. core/sink.h has the steps to add one. */
#include "core/sink.h"

#include <string.h>

#define SINK(kind) extern const struct sink_ops kind##_sink;
#include "sinks/sinks.def"
#undef SINK

const struct sink_ops *const sink_kinds[] = {
#define SINK(kind) &kind##_sink,
#include "sinks/sinks.def"
#undef SINK
	NULL,
};

const struct sink_ops *sink_find(const char *kind)
{
	for (size_t i = 0; sink_kinds[i]; i++)
		if (!strcmp(sink_kinds[i]->kind, kind))
			return sink_kinds[i];
	return NULL;
}
