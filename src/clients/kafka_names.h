/* Names that a source, a sink and those who look at them must agree on. */
#ifndef CLIENTS_KAFKA_NAMES_H
#define CLIENTS_KAFKA_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/* The consumer group of a stream: `given`, or tailrace-STREAM. */
void kafka_group_name(const char *given, const char *stream, char *out, size_t size);

/* Does a stream read this topic? `patterns`: globs, separated by commas; NULL: PREFIX.schema.table. The
 * brokers' own topics and tailrace's are none. */
bool kafka_topic_wanted(const char *patterns, const char *prefix, const char *name);

/* The table whose rows a topic has: PREFIX.schema.table, or the last two words of another name; one word alone
 * is a table of the schema public. */
struct kafka_table {
	char schema[250], name[250];
};
struct kafka_table kafka_topic_table(const char *prefix, const char *topic);

#endif
