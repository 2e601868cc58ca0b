/*
 * Asks a schema registry as tailrace does, for test_registry.py: ask_registry URLS, then questions on stdin, one a
 * line, and an answer a line on stdout: what was asked for, or the kind of the error and its text.
 *	reach | schema ID | register SUBJECT SCHEMA | lookup SUBJECT SCHEMA | compatible SUBJECT SCHEMA
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "clients/registry.h"

static void answer(struct registry *r, struct registry *reads_only, char *line)
{
	char *verb = strsep(&line, " \n"), *first = strsep(&line, " \n");
	char *schema = line ? strsep(&line, "\n") : NULL;
	struct error err = {0};
	uint32_t id = 0;
	const char *text;

	if (!strcmp(verb, "reach") && registry_reach(r, &err))
		puts("reached");
	else if (!strcmp(verb, "schema") &&
		 (text = registry_schema(r, (uint32_t)strtoul(first, NULL, 10), &err)))
		puts(text);
	else if (!strcmp(verb, "register") && registry_register(r, first, schema, &id, &err))
		printf("%u\n", id);
	else if (!strcmp(verb, "lookup") && registry_register(reads_only, first, schema, &id, &err))
		printf("%u\n", id);
	else if (!strcmp(verb, "compatible") && registry_compatible(r, first, schema, &err))
		puts("compatible");
	else
		printf("%s: %s\n", error_kind_name(err.kind), err.text);
}

int main(int argc, char **argv)
{
	struct registry_options options = {.urls = argc > 1 ? argv[1] : NULL};
	struct error err = {0};
	size_t size = 0;
	char *line = NULL;

	struct registry *reads_only = registry_new(&options, &err);
	options.register_schemas = true;
	struct registry *r = registry_new(&options, &err);
	if (!r) {
		fprintf(stderr, "%s\n", err.text);
		return 2;
	}
	setlinebuf(stdout);
	while (getline(&line, &size, stdin) > 0)
		answer(r, reads_only, line);
	free(line);
	registry_free(reads_only);
	registry_free(r);
	return 0;
}
