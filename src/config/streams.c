/* Streams of the configuration: where from, where to, which tables, what is done to their columns. */
#include <string.h>
#include "config/read.h"

static const char *const stream_keys[] = {"from", "to", "tables", "verify_with", NULL};
static const char *const table_keys[] = {"columns", NULL};

static const struct {
	const char *name;
	enum rule_kind kind;
} column_rules[] = {{"drop", RULE_DROP}, {"hash", RULE_HASH}, {"hmac", RULE_HMAC},
	{"mask", RULE_MASK}, {"null", RULE_NULL}};

#define RULE_FORMS "drop, hash, hmac, mask, null, or {constant: \"text\"}"

/* --- column rules --- */

static bool read_constant(
	struct reader *r, const struct entry *e, const char *of, struct column_rule *out)
{
	static const char *const fixed[] = {"constant", NULL};
	static const struct keys keys = {.fixed = fixed};
	const char *what = arena_printf(r->arena, "the rule of column '%s' in %s", e->key, of);
	struct section s;
	struct entry constant = {0};

	if (!section_open(r, e->value, e->line, what, &keys, &s))
		return false;
	if (!section_next(r, &s, &constant))
		return complain(r, e->line, "%s is empty; a rule is " RULE_FORMS, what);
	out->kind = RULE_CONSTANT;
	out->constant = read_text(r, &s, &constant);
	return out->constant;
}

static bool read_column_rule(struct reader *r, const struct config *config, const struct section *s,
	const struct entry *e, struct column_rule *out)
{
	const char *names[COUNT_OF(column_rules) + 1] = {0};

	*out = (struct column_rule){0};
	if (e->value->type == YAML_MAPPING_NODE)
		return read_constant(r, e, s->what, out);
	const char *text = read_text(r, s, e);
	if (!text)
		return false;
	for (size_t i = 0; i < COUNT_OF(column_rules); i++) {
		names[i] = column_rules[i].name;
		if (strcmp(text, names[i]) == 0)
			out->kind = column_rules[i].kind;
	}
	if (out->kind == RULE_NONE) {
		const char *near = nearest_name(text, names);
		const char *hint = near ? arena_printf(r->arena, "did you mean '%s'?", near)
					: "a rule is " RULE_FORMS;
		return complain(r, e->line, "column '%s' in %s: unknown rule '%.100s'; %s", e->key,
			s->what, text, hint);
	}
	if (out->kind == RULE_HMAC && !config->server.hmac_key)
		return complain(r, e->line,
			"column '%s' in %s: the rule hmac needs a key: set hmac_key or "
			"hmac_key_file under server",
			e->key, s->what);
	return true;
}

static bool read_columns(struct reader *r, const struct config *config, const struct section *table,
	struct selection_rule *rule)
{
	int line;
	struct section s;
	const yaml_node_t *node = section_get(r, table, "columns", &line);
	if (!node)
		return true;
	const char *what = arena_printf(r->arena, "columns of %s", table->what);
	if (!section_open(r, node, line, what, NULL, &s))
		return false;
	size_t n = (size_t)(node->data.mapping.pairs.top - node->data.mapping.pairs.start);
	rule->columns = arena_alloc(r->arena, n * sizeof *rule->columns);
	for (struct entry e = {0}; section_next(r, &s, &e);) {
		struct selection_column *column = &rule->columns[rule->n_columns++];
		column->name = arena_strdup(r->arena, e.key);
		if (!read_column_rule(r, config, &s, &e, &column->rule))
			return false;
	}
	return true;
}

/* --- tables --- */

static bool read_pattern(struct reader *r, const struct section *stream, const char *text, int line,
	struct selection_rule *rule)
{
	rule->line = line;
	rule->exclude = *text == '!';
	rule->pattern = text + rule->exclude;
	if (!*rule->pattern)
		return complain(r, line,
			"%s: an empty table pattern; write schema.table, with * for any text",
			stream->what);
	if (!strchr(rule->pattern, '.') && strcmp(rule->pattern, "*") != 0)
		return complain(r, line,
			"%s: table pattern '%.200s' has no schema; write '%spublic.%.200s'",
			stream->what, text, rule->exclude ? "!" : "", rule->pattern);
	return option_defaults(table_option_table, &rule->options, r->arena, r->err);
}

/* `- public.customers: {keep: both}`: a mapping of one pattern to its options. */
static bool read_table_options(struct reader *r, const struct config *config,
	const struct section *stream, const yaml_node_t *node, struct selection_rule *rule)
{
	static const struct keys keys = {.fixed = table_keys, .options = {table_option_table}};
	struct section item, s;
	struct entry e = {0}, second;

	if (!section_open(r, node, node_line(node),
		    arena_printf(r->arena, "tables of %s", stream->what), NULL, &item))
		return false;
	if (!section_next(r, &item, &e))
		return complain(r, node_line(node), "tables of %s: an empty entry", stream->what);
	second = e;
	if (section_next(r, &item, &second))
		return complain(r, second.line,
			"tables of %s: '%s' stands beside '%s'; indent it further than '%s' if "
			"it is an option of it",
			stream->what, second.key, e.key, e.key);
	if (!read_pattern(r, stream, arena_strdup(r->arena, e.key), e.line, rule))
		return false;
	if (rule->exclude)
		return complain(r, e.line,
			"tables of %s: '%s' excludes tables and takes no options", stream->what,
			e.key);
	const char *what = arena_printf(r->arena, "table '%s' in %s", e.key, stream->what);
	return section_open(r, e.value, e.line, what, &keys, &s) &&
	       read_options(r, &s, table_option_table, &rule->options) &&
	       read_columns(r, config, &s, rule);
}

static bool read_table(struct reader *r, const struct config *config, const struct section *stream,
	const yaml_node_t *node, struct selection_rule *rule)
{
	struct entry e = {.key = "tables", .line = node_line(node), .value = node};
	if (node->type == YAML_MAPPING_NODE)
		return read_table_options(r, config, stream, node, rule);
	const char *text = read_text(r, stream, &e);
	return text && read_pattern(r, stream, text, e.line, rule);
}

static bool read_tables(struct reader *r, const struct config *config, const struct section *stream,
	struct selection *selection)
{
	int line = stream->line;
	bool takes_any = false;
	const yaml_node_t *node = section_get(r, stream, "tables", &line);
	if (!node)
		return complain(r, line,
			"%s has no 'tables'; `tables: [public.*]` takes all of the schema public",
			stream->what);
	if (node->type != YAML_SEQUENCE_NODE)
		return complain(r, line,
			"'tables' in %s takes a list, as in [public.*, \"!public.audit\"]",
			stream->what);
	const yaml_node_item_t *items = node->data.sequence.items.start;
	size_t n = (size_t)(node->data.sequence.items.top - items);
	selection->rules = arena_alloc(r->arena, n * sizeof *selection->rules);
	selection->n_rules = n;
	for (size_t i = 0; i < n; i++) {
		const yaml_node_t *item = yaml_document_get_node(&r->document, items[i]);
		if (!read_table(r, config, stream, item, &selection->rules[i]))
			return false;
		takes_any = takes_any || !selection->rules[i].exclude;
	}
	if (!n)
		return complain(r, line,
			"'tables' in %s is empty; `tables: [public.*]` takes all of the schema "
			"public",
			stream->what);
	if (!takes_any)
		return complain(r, line,
			"'tables' in %s only excludes; begin with what it takes, as public.*",
			stream->what);
	return true;
}

/* --- where from, where to --- */

static struct connection_config *read_end(
	struct reader *r, const struct config *config, const struct section *s, const char *key)
{
	struct entry e = {.key = key};
	const char **names = arena_alloc(r->arena, (config->n_connections + 1) * sizeof *names);

	e.value = section_get(r, s, key, &e.line);
	if (!e.value) {
		complain(r, s->line, "%s has no '%s', the connection that it %s", s->what, key,
			*key == 'f' ? "reads from" : "writes to");
		return NULL;
	}
	const char *name = read_text(r, s, &e);
	if (!name)
		return NULL;
	for (size_t i = 0; i < config->n_connections; i++) {
		names[i] = config->connections[i].name;
		if (strcmp(names[i], name) == 0)
			return &config->connections[i];
	}
	complain(r, e.line, "%s: there is no connection '%.100s'%s", s->what, name,
		suggestion(r, name, names));
	return NULL;
}

static bool read_ends(struct reader *r, const struct config *config, const struct section *s,
	struct stream_config *stream)
{
	int line = s->line;
	struct arena scratch;
	stream->from = read_end(r, config, s, "from");
	if (!stream->from)
		return false;
	section_get(r, s, "from", &line);
	if (!stream->from->source)
		return complain(r, line, "%s cannot read from '%s': a %s connection is no source",
			s->what, stream->from->name, stream->from->kind);
	stream->to = read_end(r, config, s, "to");
	if (!stream->to)
		return false;
	section_get(r, s, "to", &line);
	if (!stream->to->sink)
		return complain(r, line, "%s cannot write to '%s': a %s connection is no sink",
			s->what, stream->to->name, stream->to->kind);
	if (stream->from == stream->to)
		return complain(r, line, "%s reads from and writes to the same connection '%s'",
			s->what, stream->to->name);

	arena_init(&scratch);
	struct source *source = config_source(stream, &scratch, r->err);
	struct sink *sink = source ? config_sink(stream->to, &scratch, r->err) : NULL;
	bool ok = sink || complain_at(r, source ? stream->to->line : stream->from->line, s->what);
	free(source);
	free(sink);
	arena_release(&scratch);
	return ok;
}

/* The database whose tables are those of the stream's topics. */
static bool read_origin(struct reader *r, const struct config *config, const struct section *s,
	struct stream_config *stream)
{
	int line = s->line;

	if (!section_get(r, s, "verify_with", &line))
		return true;
	stream->verify_with = read_end(r, config, s, "verify_with");
	if (!stream->verify_with)
		return false;
	if (stream->from->source->scan)
		return complain(r, line,
			"%s reads tables that it can be compared with; verify_with is for streams "
			"from logs of changes",
			s->what);
	if (!stream->verify_with->source || !stream->verify_with->source->scan)
		return complain(r, line, "%s: '%s' has no tables to compare with", s->what,
			stream->verify_with->name);
	return true;
}

/* Where the stream's tables come to live: the database of its target, else one of the stream's own name. */
static const char *target_database(const struct stream_config *stream)
{
	for (size_t i = 0; i < stream->to->n_pairs; i++)
		if (strcmp(stream->to->pairs[i].name, "database") == 0)
			return stream->to->pairs[i].value;
	return stream->name;
}

/* Databases tell what their tables are made of. */
static bool check_fields(
	struct reader *r, const struct section *s, const struct stream_config *stream)
{
	for (size_t i = 0; i < stream->selection.n_rules; i++) {
		const struct selection_rule *rule = &stream->selection.rules[i];
		if (!stream->from->source->shared && (rule->options.key || rule->options.fields))
			return complain(r, rule->line,
				"%s: 'key' and 'fields' are for topics; '%s' tells both", s->what,
				stream->from->name);
	}
	return true;
}

static bool read_stream(struct reader *r, const struct config *config, const struct entry *e,
	struct stream_config *stream)
{
	static const struct keys keys = {.fixed = stream_keys, .options = {stream_option_table}};
	struct section s;

	if (!is_name(e->key, true))
		return complain(r, e->line,
			"stream name '%.100s': it begins with a letter, holds lower-case "
			"letters, digits and _ (it names a slot), and is at most 48 long",
			e->key);
	stream->name = arena_strdup(r->arena, e->key);
	stream->line = e->line;
	if (!option_defaults(stream_option_table, &stream->options, r->arena, r->err) ||
		!section_open(r, e->value, e->line, arena_printf(r->arena, "stream '%s'", e->key),
			&keys, &s) ||
		!read_options(r, &s, stream_option_table, &stream->options) ||
		!read_ends(r, config, &s, stream) || !read_origin(r, config, &s, stream))
		return false;
	stream->selection.stream = stream->name;
	stream->selection.target_database = target_database(stream);
	return read_tables(r, config, &s, &stream->selection) && check_fields(r, &s, stream);
}

bool read_streams(struct reader *r, struct config *config, const struct section *s)
{
	size_t n = (size_t)(s->node->data.mapping.pairs.top - s->node->data.mapping.pairs.start);
	if (!n)
		return complain(r, s->line, "'streams' is empty: name at least one");
	config->streams = arena_alloc(r->arena, n * sizeof *config->streams);
	for (struct entry e = {0}; section_next(r, s, &e);)
		if (!read_stream(r, config, &e, &config->streams[config->n_streams++]))
			return false;
	return true;
}
