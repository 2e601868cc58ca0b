/* The text that PostgreSQL's format_type() gives of a type, taken apart. */
#ifndef FORMATS_DEBEZIUM_SOURCE_TYPE_H
#define FORMATS_DEBEZIUM_SOURCE_TYPE_H

#include <stdbool.h>

struct source_type {
	char name[64];    /* "timestamp without time zone"; "" when not known, or a user's */
	int modifiers[2]; /* numeric(10,2), timestamp(3); -1: none */
	bool array;
};

void source_type_parse(const char *text, struct source_type *out); /* NULL: not known */
bool source_type_is(const struct source_type *, const char *name);

#endif
