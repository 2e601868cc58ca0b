/*
 * Inside of config/: reading a YAML document with the place of everything in it, and the checks that
 * every level shares. The files:
 *
 *	config.c      load and release; connections and server; filling source and sink structs
 *	streams.c     streams, their tables and column rules
 *	sensors.c     sensors
 *	lineage.c     who is told of builds
 *	options.c     option tables of streams and server
 *	read.c        the YAML file: mappings, lists, texts, each error with its line
 *	expand.c      ${NAME} and ${NAME:-default} in texts
 *	reference.c   the reference page
 *
 * All functions that can fail say "FILE:LINE: ..." in the reader's error and return false or NULL.
 */
#ifndef CONFIG_READ_H
#define CONFIG_READ_H

#include <yaml.h>
#include "config/config.h"

struct reader {
	const char *path;   /* of the file, as messages name it */
	const char *folder; /* that holds it: files named within are relative to it */
	yaml_document_t document;
	struct arena *arena;
	struct error *err;
};

/* What a mapping may hold: structural keys, and the options of up to two tables. */
struct keys {
	const char *const *fixed;        /* ends with NULL */
	const struct option *options[2]; /* NULL: none */
};

/* A mapping of the document, with the words that name it in messages ("stream 'shop'"). */
struct section {
	const yaml_node_t *node;
	const char *what;
	int line; /* of its key */
};

/* One entry of a mapping, for loops: for (struct entry e = {0}; section_next(r, &section, &e);) */
struct entry {
	size_t next;
	const char *key;
	int line;
	const yaml_node_t *value;
};

MUST_CHECK bool reader_open(struct reader *r);
void reader_close(struct reader *r);

bool complain(struct reader *r, int line, const char *fmt, ...) PRINTF(3, 4);
bool complain_at(
	struct reader *r, int line, const char *what); /* puts place and section before r->err */

int node_line(const yaml_node_t *node);
bool section_next(struct reader *r, const struct section *s, struct entry *e);
const yaml_node_t *section_get(
	struct reader *r, const struct section *s, const char *key, int *line);

/* Checks that the value is a mapping whose keys are known (NULL keys: names of the user) and given once. */
MUST_CHECK bool section_open(struct reader *r, const yaml_node_t *node, int line, const char *what,
	const struct keys *keys, struct section *out);

/* The text of a scalar, expanded, in the arena; `key` names it in messages. NULL when it is none. */
const char *read_text(struct reader *r, const struct section *s, const struct entry *e);

/* Is the key an option of the table, or NAME_file of a secret in it? NULL tables take nothing. */
bool option_takes(const struct option *table, const char *key);
/* As read_text(); the path of a secret's file is made relative to the configuration's folder. */
const char *read_value(struct reader *r, const struct section *s, const struct entry *e,
	const struct option *table);

/* A path that the file holds, as it is to be opened: relative ones begin at the file's own folder. */
const char *read_path(const struct reader *r, const char *path);

/* Sets every key of the section that the table takes. */
MUST_CHECK bool read_options(
	struct reader *r, const struct section *s, const struct option *table, void *target);

/* "; did you mean 'x'?", or "; known are a, b, c" when nothing is near. Arena memory. */
const char *suggestion(struct reader *r, const char *typed, const char *const *names);
const char *list_names(struct reader *r, const char *const *names); /* "a, b, c" */

/* Is a name fit for what it becomes part of? */
bool is_name(const char *text, bool lower_case);

/* ${NAME}, ${NAME:-default}, $$. NULL when it cannot be; err says why. */
const char *expand_text(const char *text, struct arena *arena, struct error *err);

MUST_CHECK bool read_sensors(
	struct reader *r, struct config *config, const yaml_node_t *node, int line);
MUST_CHECK bool read_lineage(
	struct reader *r, struct config *config, const yaml_node_t *node, int line);
MUST_CHECK bool read_streams(struct reader *r, struct config *config, const struct section *s);

#endif
