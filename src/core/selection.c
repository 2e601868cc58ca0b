/*
 * Which tables a stream takes, and how; see selection.h. A table that cannot be had as asked keeps
 * its definition and gets a `problem` that says what mends it; the first one found stays.
 */
#include "core/selection.h"

#include <stdlib.h>
#include <string.h>
#include "base/map.h"
#include "base/mem.h"

static const char *const keep_choices[] = {"latest", "history", "both", NULL};
static const char *const unrepresentable_choices[] = {"set_aside", "null", "stop", NULL};
static const char *const numeric_choices[] = {"string", "decimal", "float", NULL};
static const char *const json_choices[] = {"string", "json", NULL};
static const char *const range_choices[] = {"unrepresentable", "clamp", NULL};

#define AT(field) offsetof(struct table_options, field)

const struct option table_option_table[] = {
	{"keep", OPTION_CHOICE, AT(keep), "latest", .choices = keep_choices,
		.help = "What is kept of each row: its latest state, the history of all "
			"its versions (in NAME_log), or both. A table without a usable key "
			"is always kept as history."},
	{"on_unrepresentable", OPTION_CHOICE, AT(unrepresentable), "set_aside",
		.choices = unrepresentable_choices,
		.help = "What happens to a value that the target's type cannot hold: the "
			"row is set aside with its reason, the value becomes NULL, or the "
			"table stops. Keys and arrays are never made NULL: such a row is "
			"set aside."},
	{"as", OPTION_STRING, AT(as),
		.help = "Name of the table in the target. Without it `public.orders` is "
			"`orders` and `sales.orders` is `sales_orders`."},
	{"order_by", OPTION_STRING, AT(order_by),
		.help = "The key's columns in the order that the target sorts by, with "
			"commas between them. It may only permute the key."},
	{"partition_by", OPTION_STRING, AT(partition_by),
		.help = "Expression of the target, over key columns alone, that partitions "
			"the table there."},
	{"settings", OPTION_STRING, AT(settings),
		.help = "Engine settings of the table in the target, as `name=value, ...`."},
	{"where", OPTION_STRING, AT(where),
		.help = "Takes only the rows for which this condition is true. A row that "
			"leaves it is deleted in the target."},
	{"numeric", OPTION_CHOICE, AT(numeric), "string", .choices = numeric_choices,
		.help = "How numerics without a precision are carried: as exact text, as a "
			"wide decimal, or as 64-bit floats, which round."},
	{"json", OPTION_CHOICE, AT(json), "string", .choices = json_choices,
		.help = "How JSON documents are carried: as their text, or in the target's "
			"own JSON type."},
	{"out_of_range", OPTION_CHOICE, AT(out_of_range), "unrepresentable",
		.choices = range_choices,
		.help = "Infinite dates and those beyond the target's range follow "
			"on_unrepresentable, or become the nearest that it holds."},
	{"null_is_empty", OPTION_BOOL, AT(null_is_empty), "false",
		.help = "A NULL array, map or point becomes an empty one. Otherwise "
			"nullable columns of such types are carried as JSON text, because "
			"the target has no NULL for them."},
	{"key", OPTION_STRING, AT(key),
		.help = "Of a topic whose messages have no key: the columns that tell rows "
			"apart, with commas between them."},
	{"fields", OPTION_STRING, AT(fields),
		.help = "Of a topic whose messages carry no schema: columns and their types, "
			"as `id int64, name nullable(string), price decimal(10,2)`."},
	OPTION_END,
};

/* Goes back to the last * when the rest does not fit, and lets it take one more byte. */
bool glob_matches(const char *pattern, const char *text)
{
	const char *star = NULL, *resume = NULL;

	while (*text) {
		if (*pattern == '*') {
			star = pattern++;
			resume = text;
		} else if (*pattern == '?' || *pattern == *text) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star + 1;
			text = ++resume;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

const struct selection_rule *selection_match(
	const struct selection *selection, const char *schema, const char *name)
{
	CLEANUP(free_string) char *full = xasprintf("%s.%s", schema, name);

	for (size_t i = selection->n_rules; i-- > 0;) {
		const struct selection_rule *rule = &selection->rules[i];
		if (glob_matches(rule->pattern, full))
			return rule->exclude ? NULL : rule;
	}
	return NULL;
}

struct column_rule selection_column_rule(const struct selection_rule *rule, const char *column)
{
	for (size_t i = 0; i < rule->n_columns; i++)
		if (!strcmp(rule->columns[i].name, column))
			return rule->columns[i].rule;
	return (struct column_rule){.kind = RULE_NONE};
}

#define PROBLEM(t, ...)                                                        \
	do {                                                                   \
		if (!(t)->problem)                                             \
			(t)->problem = arena_printf(&(t)->arena, __VA_ARGS__); \
	} while (0)

static void check_rules_known(const struct selection_rule *rule, struct table *t)
{
	const char **names = xcalloc(t->n_columns + 1, sizeof *names);

	for (size_t i = 0; i < t->n_columns; i++)
		names[i] = t->columns[i].name;
	for (size_t i = 0; i < rule->n_columns; i++) {
		const char *name = rule->columns[i].name;
		const char *near = nearest_name(name, names);
		if (table_column_by_name(t, name) >= 0)
			continue;
		if (near)
			PROBLEM(t,
				"there is no column %s for the rule under columns; did you mean "
				"%s?",
				name, near);
		else
			PROBLEM(t,
				"there is no column %s for the rule under columns; remove the rule",
				name);
	}
	free(names);
}

/* Kept by the sink beside the source's columns. */
static bool reserved_name(const struct table *t, const char *name)
{
	static const char *const always[] = {"_version", "_deleted"};
	static const char *const of_history[] = {"_op", "_commit_lsn", "_commit_time", "_xid"};

	for (size_t i = 0; i < COUNT_OF(always); i++)
		if (!strcmp(name, always[i]))
			return true;
	for (size_t i = 0; t->keep != KEEP_LATEST && i < COUNT_OF(of_history); i++)
		if (!strcmp(name, of_history[i]))
			return true;
	return false;
}

static void apply_rule(struct table *t, struct table_column *c, struct column_rule rule)
{
	bool container = c->type.kind == TYPE_ARRAY || c->type.kind == TYPE_MAP ||
			 c->type.kind == TYPE_POINT;

	if (rule.kind == RULE_NONE)
		return;
	if (c->key) {
		PROBLEM(t,
			"column %s is part of the key and cannot be under a rule: rows are told "
			"apart by it; "
			"remove the rule, or leave the table out",
			c->name);
		return;
	}
	c->rule = rule;
	c->rule.constant = arena_strdup(&t->arena, rule.constant);
	switch (rule.kind) {
	case RULE_HASH:
	case RULE_HMAC:
	case RULE_MASK:
		c->type = (struct type){.kind = TYPE_STRING, .nullable = c->type.nullable};
		break;
	case RULE_CONSTANT: c->type = (struct type){.kind = TYPE_STRING}; break;
	case RULE_NULL:
		if (container)
			c->type = (struct type){.kind = TYPE_STRING};
		c->type.nullable = true;
		break;
	case RULE_DROP:
	case RULE_NONE: break;
	}
}

/* Takes the columns under `drop` out, and lets the key point to where its columns are now. */
static void drop_columns(struct table *t)
{
	size_t kept = 0;
	uint16_t *now_at = xcalloc(t->n_columns + 1, sizeof *now_at);

	for (size_t i = 0; i < t->n_columns; i++) {
		if (t->columns[i].rule.kind == RULE_DROP)
			continue;
		now_at[i] = (uint16_t)kept;
		t->columns[kept++] = t->columns[i];
	}
	if (!kept && t->n_columns)
		PROBLEM(t, "every column is dropped; keep one, or leave the table out");
	t->n_columns = kept;
	for (size_t i = 0; i < t->n_key; i++)
		t->key[i] = now_at[t->key[i]];
	free(now_at);
}

static int key_part(const struct table *t, const char *name, size_t len)
{
	for (size_t i = 0; i < t->n_key; i++) {
		const char *key = t->columns[t->key[i]].name;
		if (strlen(key) == len && !memcmp(key, name, len))
			return (int)i;
	}
	return -1;
}

/* Reads order_by into `out`, which holds n_key; false when it is no permutation of the key. */
static bool parse_order(const struct table *t, const char *order_by, uint16_t *out)
{
	bool *seen = xcalloc(t->n_key + 1, sizeof *seen);
	size_t n = 0, upto;
	bool fine;

	do {
		const char *name = order_by + strspn(order_by, " \t");
		upto = strcspn(name, ",");
		size_t len = upto;
		while (len && (name[len - 1] == ' ' || name[len - 1] == '\t'))
			len--;
		int part = key_part(t, name, len);
		fine = part >= 0 && !seen[part];
		if (fine) {
			seen[part] = true;
			out[n++] = t->key[part];
		}
		order_by = name + upto;
	} while (fine && *order_by++ == ',');
	free(seen);
	return fine && n == t->n_key;
}

void selection_sort_key(const struct table *t, uint16_t *out)
{
	const char *order_by = t->options ? t->options->order_by : NULL;

	if (t->n_key && !(order_by && parse_order(t, order_by, out)))
		memcpy(out, t->key, t->n_key * sizeof *out);
}

static void check_order(struct table *t)
{
	const char *order_by = t->options->order_by;
	struct buf key;

	if (!order_by)
		return;
	if (!t->n_key) {
		PROBLEM(t, "order_by needs a key, and the table has none; remove it");
		return;
	}
	uint16_t *order = xcalloc(t->n_key, sizeof *order);
	bool fine = parse_order(t, order_by, order);
	free(order);
	if (fine)
		return;
	buf_init(&key, BUF_MAX);
	for (size_t i = 0; i < t->n_key; i++)
		buf_printf(&key, "%s%s", i ? ", " : "", t->columns[t->key[i]].name);
	PROBLEM(t, "order_by \"%s\" must name each column of the key (%s) once, and no other",
		order_by, buf_text(&key));
	buf_release(&key);
}

/* Column rules and the options that choose types are seen in the columns. */
static const char *configured(struct table *t)
{
	const struct table_options *o = t->options;
	const struct {
		const char *name, *value;
	} parts[] = {
		{"keep", keep_choices[t->keep]},
		{"as", t->target},
		{"order_by", o->order_by},
		{"partition_by", o->partition_by},
		{"settings", o->settings},
		{"where", o->where},
		{"on_unrepresentable", unrepresentable_choices[o->unrepresentable]},
		{"out_of_range", range_choices[o->out_of_range]},
	};
	struct buf text;

	buf_init(&text, BUF_MAX);
	for (size_t i = 0; i < COUNT_OF(parts); i++)
		if (parts[i].value && *parts[i].value)
			buf_printf(&text, "%s%s: %s", text.len ? "; " : "", parts[i].name,
				parts[i].value);
	const char *out = arena_strdup(&t->arena, buf_text(&text));
	buf_release(&text);
	return out;
}

static const char *target_name(struct table *t)
{
	if (t->options->as && *t->options->as)
		return arena_strdup(&t->arena, t->options->as);
	if (!strcmp(t->schema, "public"))
		return t->name;
	return arena_printf(&t->arena, "%s_%s", t->schema, t->name);
}

void selection_apply(
	const struct selection *selection, const struct selection_rule *rule, struct table *t)
{
	if (!t->stream)
		t->stream = arena_strdup(&t->arena, selection->stream);
	t->options = &rule->options;
	t->target = target_name(t);
	t->keep = t->n_key ? (enum keep)rule->options.keep : KEEP_HISTORY;
	t->configured = configured(t);
	check_rules_known(rule, t);
	for (size_t i = 0; i < t->n_columns; i++)
		apply_rule(t, &t->columns[i], selection_column_rule(rule, t->columns[i].name));
	drop_columns(t);
	for (size_t i = 0; i < t->n_columns; i++)
		if (reserved_name(t, t->columns[i].name))
			PROBLEM(t,
				"column %s has a name that the mirror itself needs; rename it, or "
				"drop it under "
				"columns:",
				t->columns[i].name);
	check_order(t);
}

static void claim(struct map *owners, struct table *t, const char *name)
{
	struct table *other = map_get(owners, name, strlen(name));

	if (!other)
		map_put(owners, name, strlen(name), t);
	else if (other != t)
		PROBLEM(t,
			"%s.%s and %s.%s would both be %s in the target; give one of them another "
			"name (as: "
			"other_name)",
			other->schema, other->name, t->schema, t->name, name);
}

void selection_collisions(struct table *const *tables, size_t n)
{
	struct map owners = {0};

	for (size_t i = 0; i < n; i++) {
		struct table *t = tables[i];
		CLEANUP(free_string) char *log = xasprintf("%s_log", t->target);
		if (t->keep != KEEP_HISTORY)
			claim(&owners, t, t->target);
		if (t->keep != KEEP_LATEST)
			claim(&owners, t, log);
	}
	map_release(&owners);
}
