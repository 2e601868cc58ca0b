/*
 * Any YAML file as a tree of plain values, each with its line: for files whose keys are not ours to
 * define, such as a dbt project's. Scalars are what YAML 1.1 makes of them, as PyYAML reads them;
 * dates stay texts. Anchors, aliases and merge keys (<<) are resolved; of a key given twice the last
 * one counts. Everything lives in the arena of who reads.
 */
#ifndef CONFIG_TREE_H
#define CONFIG_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/attrs.h"
#include "base/error.h"

enum tree_kind { TREE_NULL, TREE_BOOL, TREE_INT, TREE_FLOAT, TREE_TEXT, TREE_LIST, TREE_MAP };

struct tree;
struct tree_entry {
	const char *key; /* NULL in a list */
	int line;
	const struct tree *value;
};

struct tree {
	enum tree_kind kind;
	int line;
	bool b;
	int64_t i;
	double f;
	const char *text;                 /* of any scalar, as it is written; NULL of the others */
	const struct tree_entry *entries; /* of a list and of a map */
	size_t n;
};

/* NULL with an error, "NAME:LINE: ...". An empty file is TREE_NULL. */
const struct tree *tree_read(
	const char *path, const char *name, struct arena *arena, struct error *err);
const struct tree *tree_parse(
	const char *name, const char *text, size_t len, struct arena *arena, struct error *err);

/* The value of a key; NULL where there is none, or no map. */
const struct tree *tree_get(const struct tree *map, const char *key);
const char *tree_kind_name(const struct tree *tree); /* "a list", for messages */

#endif
