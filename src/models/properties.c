/*
 * What yml files say: sources, and of models, seeds and snapshots their configuration, columns and tests.
 * A test becomes a node whose SQL is a call of its macro.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/log.h"
#include "base/text.h"
#include "models/internal.h"

struct yml {
	struct project *p;
	const struct package *package;
	const char *path;   /* as messages say it */
	const char *inside; /* below the folder that dbt_project.yml names */
	struct error *err;
};

static bool wrong(struct yml *y, int line, const char *what)
{
	return error_set(y->err, ERROR_CONFIG, "%s:%d: %s", y->path, line, what);
}

/* --- tests --- */

/* What a test of a column or of a whole model is of. */
struct tested {
	const char *model;  /* as the SQL says it: ref('orders') */
	const char *name;   /* orders; shop_orders of a source */
	const char *column; /* NULL: the whole */
	const struct node *node;
	const struct source_table *source;
};

static bool is_test_config(const char *key)
{
	static const char *const keys[] = {"severity", "warn_if", "error_if", "where", "limit",
		"tags", "enabled", "store_failures", "store_failures_as", "fail_calc", "meta",
		"group", "database", "schema", "alias", NULL};

	return text_is_one_of(key, keys);
}

/* An argument's value as part of a test's name: each "__" and the text, what is no letter, digit or _ as one _. */
static void name_value(struct value v, struct buf *out)
{
	char number[32];
	const char *text = v.s;
	size_t len = v.len, i = 0;

	if (v.kind == VALUE_LIST) {
		for (; i < v.list->len; i++)
			name_value(v.list->items[i], out);
		return;
	}
	if (v.kind == VALUE_DICT) {
		for (struct dict_entry *entry; (entry = dict_next(v.dict, &i));)
			name_value(entry->value, out);
		return;
	}
	if (v.kind != VALUE_STRING) {
		text = v.kind == VALUE_BOOL ? (v.b ? "True" : "False") : "None";
		if (v.kind == VALUE_INT)
			snprintf(number, sizeof number, "%lld", (long long)v.i);
		else if (v.kind == VALUE_FLOAT)
			snprintf(number, sizeof number, "%.15g", v.f);
		text = v.kind == VALUE_INT || v.kind == VALUE_FLOAT ? number : text;
		len = strlen(text);
	}
	buf_puts(out, "__");
	for (bool kept = true; i < len; i++) {
		bool keep = isalnum((unsigned char)text[i]) || text[i] == '_';
		if (keep || kept)
			buf_u8(out, keep ? (uint8_t)text[i] : '_');
		kept = keep;
	}
}

static int by_key(const void *a, const void *b)
{
	const struct dict_entry *x = a, *y = b;
	size_t len = x->key.len < y->key.len ? x->key.len : y->key.len;
	int order = memcmp(x->key.s, y->key.s, len);

	return order ? order : (x->key.len > y->key.len) - (x->key.len < y->key.len);
}

/* As dbt calls it: the test, what it is of, its arguments by their names, the column among them. */
static const char *test_name(
	struct yml *y, const char *macro, const struct tested *of, struct value arguments)
{
	struct arena *a = &y->p->arena;
	struct dict_entry *parts = arena_alloc(a, (arguments.dict->len + 1) * sizeof *parts);
	const char *dot = strchr(macro, '.');
	size_t n = 0, i = 0;
	struct buf values, name;

	for (struct dict_entry *entry; (entry = dict_next(arguments.dict, &i));)
		parts[n++] = *entry;
	if (of->column) {
		parts[n].key = value_text("column_name");
		parts[n++].value = value_text(of->column);
	}
	qsort(parts, n, sizeof *parts, by_key);
	buf_init(&values, (size_t)1 << 20);
	buf_init(&name, (size_t)1 << 20);
	for (i = 0; i < n; i++)
		name_value(parts[i].value, &values);
	if (dot)
		buf_printf(&name, "%.*s_", (int)(dot - macro), macro);
	buf_printf(&name, "%s%s_%s_%s", of->source ? "source_" : "", dot ? dot + 1 : macro,
		of->name, values.len ? buf_text(&values) + strlen("__") : "");
	const char *kept = arena_strdup(a, buf_text(&name));
	buf_release(&values);
	buf_release(&name);
	return kept;
}

/* The table of its failures; a name that is too long for one is cut, and told apart by its hash. */
static void name_table(struct yml *y, struct node *node)
{
	size_t len = strlen(node->name);

	if (len >= 64)
		dict_put_text(&y->p->arena, node->config, "alias",
			value_text(arena_printf(&y->p->arena, "%.30s_%016llx", node->name,
				(unsigned long long)text_hash(node->name, len))));
}

static bool has_macro(struct yml *y, const char *name)
{
	const char *dot = strchr(name, '.');
	const char *full = arena_printf(&y->p->arena, "test_%s", dot ? dot + 1 : name);
	const char *const packages[] = {
		dot ? arena_strndup(&y->p->arena, name, (size_t)(dot - name)) : y->package->name,
		dot ? "" : root_of(y->p)->name, dot ? "" : OWN_PACKAGE};

	for (size_t i = 0; i < COUNT_OF(packages); i++)
		if (project_macro(y->p, packages[i], full))
			return true;
	return false;
}

static void name_text(struct buf *out, const char *text)
{
	buf_puts(out, "'");
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			buf_puts(out, "\\");
		buf_u8(out, (uint8_t)*text);
	}
	buf_puts(out, "'");
}

/* ref('x'), var('x') and the like stand for themselves in arguments of tests, without braces. */
static bool looks_like_call(const char *text)
{
	static const char *const functions[] = {"ref", "source", "var", "env_var"};
	const char *start = text + strspn(text, " \t\n"), *end = text + strlen(text);

	while (end > start && isspace((unsigned char)end[-1]))
		end--;
	if (end == start || end[-1] != ')')
		return false;
	for (size_t i = 0; i < COUNT_OF(functions); i++) {
		size_t len = strlen(functions[i]);
		if (!strncmp(start, functions[i], len) &&
			start[len + strspn(start + len, " ")] == '(')
			return true;
	}
	return false;
}

/* What stands for a value that is no plain one, such as a relation; NULL: it is a plain one. */
static const char *expression_of(struct arena *a, struct value v)
{
	const char *text = v.kind == VALUE_STRING ? value_strdup(a, v) : "";
	size_t len = strlen(text);
	bool alone = len > 4 && !strncmp(text, "{{", 2) && !strcmp(text + len - 2, "}}") &&
		     !strstr(text + 2, "{{");

	if (looks_like_call(text))
		return text;
	if (!alone)
		return NULL;
	text = arena_strndup(a, text + 2, len - 4);
	return looks_like_call(text) ? text : NULL;
}

/* {{ package.test_NAME(model=get_where_subquery(ref('x')), column_name='c', **arguments) }}; those that are
 * expressions are taken out of the arguments. */
static void write_call(struct yml *y, struct buf *out, const char *macro, const struct tested *of,
	struct dict *arguments)
{
	const char *dot = strchr(macro, '.'), *expression;
	struct value old;
	size_t i = 0;

	buf_printf(out, "{{ %.*stest_%s(model=get_where_subquery(%s), ",
		dot ? (int)(dot + 1 - macro) : 0, macro, dot ? dot + 1 : macro, of->model);
	if (of->column) {
		buf_puts(out, "column_name=");
		name_text(out, of->column);
		buf_puts(out, ", ");
	}
	for (struct dict_entry *entry; (entry = dict_next(arguments, &i));) {
		expression = expression_of(&y->p->arena, entry->value);
		if (!expression)
			continue;
		buf_printf(out, "%s=%s, ", value_strdup(&y->p->arena, entry->key), expression);
		dict_remove(arguments, entry->key, &old);
	}
	buf_puts(out, "**test_arguments) }}");
}

/* What is wrong with a setting of a node is that node's problem. */
static void put_setting(struct yml *y, struct node *node, const struct tree_entry *entry)
{
	struct error err = {0};

	if (!setting_put_tree(y->p, node, entry, y->path, &err))
		node_fail(y->p, node, &err);
}

static void put_settings(struct yml *y, struct node *node, const struct tree *config)
{
	for (size_t i = 0; config && config->kind == TREE_MAP && i < config->n; i++)
		put_setting(y, node, &config->entries[i]);
}

/* Settings of a test stand in `config:` or beside it, and, as dbt takes them, both within `arguments:`, too. */
static void take_test_settings(struct yml *y, struct node *node, const struct tree *body)
{
	const struct tree *arguments = tree_get(body, "arguments");

	for (size_t i = 0; body && body->kind == TREE_MAP && i < body->n; i++)
		if (is_test_config(body->entries[i].key))
			put_setting(y, node, &body->entries[i]);
	put_settings(y, node, tree_get(body, "config"));
	if (arguments)
		take_test_settings(y, node, arguments);
}

static void take_arguments(struct yml *y, struct dict *out, const struct tree *from)
{
	for (size_t i = 0; from && from->kind == TREE_MAP && i < from->n; i++)
		if (!is_test_config(from->entries[i].key) && strcmp(from->entries[i].key, "config"))
			dict_put_text(&y->p->arena, out, from->entries[i].key,
				value_of_tree(&y->p->arena, from->entries[i].value));
}

/* What stands beside `arguments:`, and what stands in it; the column is the one that the test stands at. */
static struct value test_arguments(struct yml *y, const struct tested *of, const struct tree *body)
{
	static const char *const other[] = {"name", "description", "arguments", "test_name"};
	struct value v = value_dict(dict_new(&y->p->arena)), old;

	take_arguments(y, v.dict, body);
	for (size_t i = 0; i < COUNT_OF(other); i++)
		dict_remove(v.dict, value_text(other[i]), &old);
	take_arguments(y, v.dict, tree_get(body, "arguments"));
	if (of->column)
		dict_remove(v.dict, value_text("column_name"), &old);
	return v;
}

/* Each row for itself, so that some partitions can be tested without the others. */
static bool judges_rows(const char *macro, struct value arguments)
{
	static const char *const names[] = {"not_null", "accepted_values", "relationships",
		"accepted_range", "expression_is_true", "not_accepted_values"};
	const char *dot = strchr(macro, '.');

	if (value_given(dict_get_text(arguments.dict, "group_by_columns")))
		return false;
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (!strcmp(dot ? dot + 1 : macro, names[i]))
			return true;
	return false;
}

static bool add_test(struct yml *y, const struct tested *of, const char *macro,
	const struct tree *body, int line)
{
	struct value arguments = test_arguments(y, of, body);
	const struct tree *own = tree_get(body, "name");
	const char *name = own && own->text ? own->text : test_name(y, macro, of, arguments);
	struct node *node = node_new(
		y->p, NODE_TEST, y->package, name, y->path + strlen(y->package->below));
	struct error err = {0};
	struct buf sql;

	node->line = line;
	node->arguments = arguments;
	node_set_inside(y->p, node, y->inside);
	node->test_name = strrchr(macro, '.') ? strrchr(macro, '.') + 1 : macro;
	node->by_rows = judges_rows(macro, arguments);
	node->tested = of->node;
	node->tested_source = of->source;
	if (!settings_load(y->p, node, y->err))
		return false;
	name_table(y, node);
	take_test_settings(y, node, body);
	if (!has_macro(y, macro)) {
		error_set(&err, ERROR_CONFIG, "%s:%d: there is no test '%s'", y->path, line, macro);
		node_fail(y->p, node, &err);
		return true;
	}
	buf_init(&sql, (size_t)1 << 20);
	write_call(y, &sql, macro, of, arguments.dict);
	const char *shown = arena_printf(&y->p->arena, "%s:%d: test %s", y->path, line, macro);
	node->template = project_template(y->p, shown, buf_text(&sql), sql.len, &err);
	buf_release(&sql);
	if (!node->template)
		node_fail(y->p, node, &err);
	return true;
}

/* `not_null`, `accepted_values: {values: [...]}`, or a map with test_name. */
static bool add_one_test(struct yml *y, const struct tested *of, const struct tree *item)
{
	const struct tree *named = tree_get(item, "test_name");

	if (item->kind == TREE_TEXT)
		return add_test(y, of, item->text, NULL, item->line);
	if (item->kind != TREE_MAP || !item->n)
		return wrong(y, item->line, "a test is a name, or a name with its arguments");
	if (named && named->text)
		return add_test(y, of, named->text, item, item->line);
	return add_test(y, of, item->entries[0].key, item->entries[0].value, item->entries[0].line);
}

static bool add_tests(struct yml *y, const struct tested *of, const struct tree *from)
{
	static const char *const keys[] = {"tests", "data_tests"};

	for (size_t k = 0; k < COUNT_OF(keys); k++) {
		const struct tree *list = tree_get(from, keys[k]);
		for (size_t i = 0; list && list->kind == TREE_LIST && i < list->n; i++)
			if (!add_one_test(y, of, list->entries[i].value))
				return false;
	}
	return true;
}

static bool add_all_tests(struct yml *y, struct tested of, const struct tree *from)
{
	const struct tree *columns = tree_get(from, "columns");

	if (!add_tests(y, &of, from))
		return false;
	for (size_t i = 0; columns && columns->kind == TREE_LIST && i < columns->n; i++) {
		const struct tree *name = tree_get(columns->entries[i].value, "name");
		of.column = name ? name->text : NULL;
		if (of.column && !add_tests(y, &of, columns->entries[i].value))
			return false;
	}
	return true;
}

/* --- models, seeds, snapshots --- */

static void fill_description(struct yml *y, struct value of)
{
	struct value text = value_member(of, "description");

	if (text.kind == VALUE_STRING)
		dict_put_text(&y->p->arena, of.dict, "description",
			value_text(docs_fill(
				y->p, y->package, y->path, value_strdup(&y->p->arena, text))));
}

/* All that the yml says of it, with descriptions in full. */
static struct value described(struct yml *y, const struct tree *item)
{
	struct value all = value_of_tree(&y->p->arena, item),
		     columns = dict_get_text(all.dict, "columns");

	fill_description(y, all);
	for (size_t i = 0; columns.kind == VALUE_LIST && i < columns.list->len; i++)
		fill_description(y, columns.list->items[i]);
	return all;
}

/* snapshots: [{name: x, relation: ref('y')}]: a snapshot without a block. */
static bool add_yml_snapshot(
	struct yml *y, const char *name, const struct tree *item, struct node **out)
{
	const struct tree *relation = tree_get(item, "relation");
	const char *shown = arena_printf(&y->p->arena, "%s:%d", y->path, item->line), *sql;
	struct error err = {0};

	*out = NULL;
	if (!relation || !relation->text)
		return true;
	struct node *node = node_new(
		y->p, NODE_SNAPSHOT, y->package, name, y->path + strlen(y->package->below));
	node->line = item->line;
	node_set_inside(y->p, node, y->inside);
	sql = arena_printf(&y->p->arena, "select * from {{ %s }}", relation->text);
	node->template = project_template(y->p, shown, sql, strlen(sql), &err);
	if (!node->template)
		node_fail(y->p, node, &err);
	map_put(&y->p->by_id, node->id, strlen(node->id), node);
	*out = node;
	return settings_load(y->p, node, y->err);
}

static bool patch(struct yml *y, enum node_kind kind, const struct tree *item)
{
	static const char *const beside[] = {"access", "group", "meta", NULL};
	const struct tree *name = tree_get(item, "name"), *config = tree_get(item, "config");

	if (!name || !name->text)
		return wrong(y, item->line, "'name' is missing");
	const char *id = arena_printf(
		&y->p->arena, "%s.%s.%s", node_kind_name(kind), y->package->name, name->text);
	struct node *node = map_get(&y->p->by_id, id, strlen(id));
	if (!node && kind == NODE_SNAPSHOT && !add_yml_snapshot(y, name->text, item, &node))
		return false;
	if (!node) {
		project_warn(y->p, "a yml speaks of what is not there", F("file", y->path),
			F("name", name->text));
		return true;
	}
	if (node->described)
		return error_set(y->err, ERROR_CONFIG,
			"%s:%d: '%s' is described twice, also at %s; make one of them", y->path,
			item->line, name->text, node->described);
	node->described = arena_printf(&y->p->arena, "%s:%d", y->path, item->line);
	node->properties = described(y, item);
	for (size_t i = 0; i < item->n; i++)
		if (text_is_one_of(item->entries[i].key, beside))
			put_setting(y, node, &item->entries[i]);
	put_settings(y, node, config);
	struct tested of = {.node = node,
		.model = arena_printf(&y->p->arena, "ref('%s')", name->text),
		.name = name->text};
	return add_all_tests(y, of, item);
}

static bool patch_all(struct yml *y, const struct tree *root)
{
	static const struct {
		const char *key;
		enum node_kind kind;
	} sections[] = {{"models", NODE_MODEL}, {"seeds", NODE_SEED}, {"snapshots", NODE_SNAPSHOT},
		{"data_tests", NODE_TEST}};

	for (size_t s = 0; s < COUNT_OF(sections); s++) {
		const struct tree *list = tree_get(root, sections[s].key);
		for (size_t i = 0; list && list->kind == TREE_LIST && i < list->n; i++)
			if (!patch(y, sections[s].kind, list->entries[i].value))
				return false;
	}
	return true;
}

/* --- sources --- */

/* A text of the yml, rendered; otherwise where it is missing. */
static const char *rendered_text(
	struct yml *y, const struct tree *of, const char *key, const char *otherwise)
{
	const struct tree *tree = tree_get(of, key);
	struct value v;

	if (!tree || !tree->text || tree->kind == TREE_NULL)
		return otherwise;
	if (!rendered_tree(y->p, y->package, tree, y->path, &v, y->err))
		return NULL;
	return v.kind == VALUE_STRING ? value_strdup(&y->p->arena, v) : tree->text;
}

/* A source of a stream's name is that stream's tables; any other's database says whose they are. */
static const struct stream_source *stream_of(
	const struct project *p, const char *source, const char *database)
{
	const struct stream_source *named = project_stream(p, source);

	if (named && strcmp(named->database, database) == 0)
		return named;
	for (size_t i = 0; i < p->options.n_streams; i++)
		if (strcmp(p->options.streams[i].database, database) == 0)
			return &p->options.streams[i];
	return NULL;
}

static bool add_table(struct yml *y, const struct tree *source_item, const char *source,
	const char *database, const struct tree *item)
{
	const struct tree *name = tree_get(item, "name");
	struct source_table *table = arena_alloc(&y->p->arena, sizeof *table);

	if (!name || !name->text)
		return wrong(y, item->line, "a table of a source has no 'name'");
	table->source = source;
	table->name = name->text;
	table->database = database;
	table->table = rendered_text(y, item, "identifier", name->text);
	table->meta = described(y, item);
	table->place = arena_printf(&y->p->arena, "%s:%d", y->path, item->line);
	if (!source_take_settings(y->p, y->package, table, source_item, y->path, y->err) ||
		!source_take_settings(y->p, y->package, table, item, y->path, y->err))
		return false;
	table->stream = stream_of(y->p, source, database);
	const char *key = arena_printf(&y->p->arena, "%s.%s", source, name->text);
	const struct source_table *other = map_put(&y->p->sources, key, strlen(key), table);
	if (other && other->place)
		return error_set(y->err, ERROR_CONFIG,
			"%s: table '%s' is declared twice, also at %s; make one of them",
			table->place, key, other->place);
	struct tested of = {.source = table,
		.model = arena_printf(&y->p->arena, "source('%s', '%s')", source, name->text),
		.name = arena_printf(&y->p->arena, "%s_%s", source, name->text)};
	const struct yml_place at = {y->path, y->inside, item->line};
	if (!table->table || table->disabled)
		return table->table;
	return add_all_tests(y, of, item) &&
	       freshness_test_add(y->p, y->package, table, &at, y->err);
}

static bool add_source(struct yml *y, const struct tree *item)
{
	const struct tree *name = tree_get(item, "name"), *tables = tree_get(item, "tables");

	if (!name || !name->text)
		return wrong(y, item->line, "a source has no 'name'");
	const struct stream_source *stream = project_stream(y->p, name->text);
	const char *database = rendered_text(
		y, item, "schema", stream ? stream->database : name->text);
	if (!database)
		return false;
	for (size_t i = 0; tables && tables->kind == TREE_LIST && i < tables->n; i++)
		if (!add_table(y, item, name->text, database, tables->entries[i].value))
			return false;
	return true;
}

/* --- files --- */

static bool read_file(struct yml *y, const char *full)
{
	const struct tree *root = tree_read(full, y->path, &y->p->arena, y->err),
			  *sources = tree_get(root, "sources");

	if (!root)
		return false;
	if (root->kind != TREE_MAP && root->kind != TREE_NULL)
		return wrong(y, root->line, "holds no map (models: ..., sources: ...)");
	if (!yml_is_known(y->p, y->path, root, y->err))
		return false;
	for (size_t i = 0; sources && sources->kind == TREE_LIST && i < sources->n; i++)
		if (!add_source(y, sources->entries[i].value))
			return false;
	return patch_all(y, root) &&
	       unit_tests_load(y->p, y->package, y->path, y->inside, root, y->err);
}

static bool read_package(struct project *p, const struct package *package, struct error *err)
{
	static const char *const keys[][2] = {{"model-paths", "models"}, {"seed-paths", "seeds"},
		{"snapshot-paths", "snapshots"}, {"test-paths", "tests"}};
	static const char *const suffixes[] = {".yml", ".yaml", NULL};
	struct paths files = {0};

	bool ok = package_files(p, package, keys, COUNT_OF(keys), suffixes, &files, err);
	for (size_t i = 0; ok && i < files.len; i++) {
		struct yml y = {.p = p, .package = package, .err = err};
		y.path = arena_printf(&p->arena, "%s%s", package->below, files.items[i]);
		y.inside = package_inside(p, package, keys, COUNT_OF(keys), files.items[i]);
		ok = read_file(
			&y, arena_printf(&p->arena, "%s/%s", package->folder, files.items[i]));
	}
	vec_release(&files);
	return ok;
}

bool properties_load(struct project *p, struct error *err)
{
	for (size_t i = 0; i < p->packages.len && !p->packages.items[i]->is_own; i++)
		if (!read_package(p, p->packages.items[i], err))
			return false;
	return true;
}
