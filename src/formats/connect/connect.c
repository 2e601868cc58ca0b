/* Connect's schemas: looking into them, and comparing them. */
#include "formats/connect/connect.h"

#include <string.h>

const struct connect_field *connect_field(const struct connect_schema *schema, const char *name)
{
	for (size_t i = 0; i < schema->n_fields; i++)
		if (!strcmp(schema->fields[i].name, name))
			return &schema->fields[i];
	return NULL;
}

const char *connect_parameter(const struct connect_schema *schema, const char *key)
{
	for (size_t i = 0; i < schema->n_parameters; i++)
		if (!strcmp(schema->parameters[i].key, key))
			return schema->parameters[i].value;
	return NULL;
}

static bool text_equal(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool parameters_equal(const struct connect_schema *a, const struct connect_schema *b)
{
	if (a->n_parameters != b->n_parameters)
		return false;
	for (size_t i = 0; i < a->n_parameters; i++)
		if (!text_equal(a->parameters[i].value, connect_parameter(b, a->parameters[i].key)))
			return false;
	return true;
}

static bool fields_equal(const struct connect_schema *a, const struct connect_schema *b)
{
	if (a->n_fields != b->n_fields)
		return false;
	for (size_t i = 0; i < a->n_fields; i++)
		if (strcmp(a->fields[i].name, b->fields[i].name) != 0 ||
			!connect_schema_equal(a->fields[i].schema, b->fields[i].schema))
			return false;
	return true;
}

bool connect_schema_equal(const struct connect_schema *a, const struct connect_schema *b)
{
	if (a == b)
		return true;
	if (!a || !b)
		return false;
	return a->kind == b->kind && a->optional == b->optional && a->version == b->version &&
	       text_equal(a->name, b->name) && text_equal(a->doc, b->doc) &&
	       text_equal(a->fallback, b->fallback) && parameters_equal(a, b) &&
	       connect_schema_equal(a->element, b->element) && fields_equal(a, b);
}
