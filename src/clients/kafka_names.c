/* Names of groups and topics; see kafka_names.h. */
#include "clients/kafka_names.h"

#include <stdio.h>
#include <string.h>
#include "base/arena.h"
#include "core/selection.h"

void kafka_group_name(const char *given, const char *stream, char *out, size_t size)
{
	if (given && *given)
		snprintf(out, size, "%s", given);
	else
		snprintf(out, size, "tailrace-%s", stream);
}

static bool matches_one(const char *patterns, const char *name)
{
	struct arena arena;
	bool found = false;

	arena_init(&arena);
	while (!found && *patterns) {
		patterns += strspn(patterns, ", \n");
		size_t len = strcspn(patterns, ", \n");
		found = len && glob_matches(arena_strndup(&arena, patterns, len), name);
		patterns += len;
	}
	arena_release(&arena);
	return found;
}

/* Under the prefix, a schema and a table. */
static bool matches_prefix(const char *prefix, const char *name)
{
	size_t len = strlen(prefix);

	if (strncmp(name, prefix, len) != 0 || name[len] != '.')
		return false;
	const char *schema = name + len + 1;
	const char *table = strchr(schema, '.');
	return table && table > schema && table[1] && strncmp(schema, "tailrace.", 9) != 0;
}

bool kafka_topic_wanted(const char *patterns, const char *prefix, const char *name)
{
	if (!strncmp(name, "__", 2))
		return false;
	return patterns && *patterns ? matches_one(patterns, name) : matches_prefix(prefix, name);
}

struct kafka_table kafka_topic_table(const char *prefix, const char *topic)
{
	struct kafka_table t = {.schema = "public"};
	size_t len = strlen(prefix);

	if (!strncmp(topic, prefix, len) && topic[len] == '.')
		topic += len + 1;
	const char *table = strrchr(topic, '.');
	if (table) {
		const char *schema = table;
		while (schema > topic && schema[-1] != '.')
			schema--;
		snprintf(t.schema, sizeof t.schema, "%.*s", (int)(table - schema), schema);
	}
	snprintf(t.name, sizeof t.name, "%s", table ? table + 1 : topic);
	return t;
}
