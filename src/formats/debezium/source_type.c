/* Types by their names; see source_type.h. */
#include "formats/debezium/source_type.h"

#include <stdlib.h>
#include <string.h>

/* "(10,2)" */
static const char *take_modifiers(const char *at, struct source_type *out)
{
	char *end = (char *)at;

	for (int i = 0; i < 2 && (*end == '(' || *end == ','); i++)
		out->modifiers[i] = (int)strtol(end + 1, &end, 10);
	return *end == ')' ? end + 1 : at + strlen(at);
}

void source_type_parse(const char *text, struct source_type *out)
{
	bool qualified = false;
	size_t n = 0;

	*out = (struct source_type){.modifiers = {-1, -1}};
	if (!text)
		return;
	size_t len = strlen(text);
	out->array = len > 2 && !strcmp(text + len - 2, "[]");
	const char *end = text + len - (out->array ? 2 : 0);
	for (const char *at = text; at < end && n + 1 < sizeof out->name; at++) {
		if (*at == '(')
			at = take_modifiers(at, out);
		if (at < end && *at == '.') {
			qualified = true;
			n = 0;
		} else if (at < end) {
			out->name[n++] = *at;
		}
	}
	out->name[n] = '\0';
	/* PostgreSQL's own stand without their schema: another is a user's, whatever its name, or an extension's. */
	if (qualified && strcmp(out->name, "ltree") != 0)
		out->name[0] = '\0';
}

bool source_type_is(const struct source_type *type, const char *name)
{
	return !strcmp(type->name, name);
}
