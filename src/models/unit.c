/*
 * Unit tests, which a yml speaks of: rows that stand for what a model reads, and those that it is to give. Here they
 * become nodes, and here is what the model sees of them while it is rendered: ref(), source() and `this` give common table
 * expressions, by the names that their fixtures have; build/unit.c writes those and runs it.
 */
#include <ctype.h>
#include "base/text.h"
#include "models/internal.h"

struct loading {
	struct project *p;
	const struct package *package;
	const char *path; /* as messages say it */
	const char *inside;
	struct node *node;
};

/* The test's problem, at a line of its yml. Always false. */
static bool wrong(const struct loading *l, int line, const char *fmt, ...) PRINTF(3, 4);

static bool wrong(const struct loading *l, int line, const char *fmt, ...)
{
	struct error err = {0};
	va_list ap;

	va_start(ap, fmt);
	CLEANUP(free_string) char *text = xvasprintf(fmt, ap);
	va_end(ap);
	error_set(
		&err, ERROR_CONFIG, "%s:%d: unit test %s: %s", l->path, line, l->node->name, text);
	node_fail(l->p, l->node, &err);
	return false;
}

/* --- fixtures --- */

/* tests/fixtures/NAME.csv or .sql, wherever below */
static bool find_file(
	const struct loading *l, struct unit_rows *f, const char *name, const char *suffix)
{
	struct paths folders = package_paths(l->p, l->package, "test-paths", "tests");
	const char *pattern = arena_printf(&l->p->arena, "/%s%s", name, suffix);
	struct error err = {0};

	for (size_t i = 0; !f->file && i < folders.len; i++) {
		const char *sub = arena_printf(&l->p->arena, "%s/fixtures", folders.items[i]);
		struct paths files = {0};
		if (!files_below(l->package->folder, sub, suffix, &l->p->arena, &files, &err))
			node_fail(l->p, l->node, &err);
		vec_each (&files, it) {
			if (f->file || strcmp(strrchr(*it, '/'), pattern) != 0)
				continue;
			f->file = arena_printf(&l->p->arena, "%s/%s", l->package->folder, *it);
			f->rows_path = arena_printf(&l->p->arena, "%s%s", l->package->below, *it);
		}
		vec_release(&files);
	}
	vec_release(&folders);
	return f->file ||
	       wrong(l, f->line, "there is no fixture %s%s below tests/fixtures", name, suffix);
}

static bool take_format(const struct loading *l, const struct tree *of, struct unit_rows *f)
{
	static const char *const names[] = {
		[FIXTURE_ROWS] = "dict", [FIXTURE_CSV] = "csv", [FIXTURE_SQL] = "sql"};
	const struct tree *format = tree_get(of, "format");

	if (!format || !format->text)
		return true;
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (!strcmp(names[i], format->text)) {
			f->format = (enum fixture_format)i;
			return true;
		}
	return wrong(l, format->line, "format '%s' is none of dict, csv and sql", format->text);
}

static bool take_rows(const struct loading *l, struct unit_rows *f)
{
	const struct tree *rows = f->rows;

	if (f->format != FIXTURE_ROWS)
		return rows->kind == TREE_TEXT ||
		       wrong(l, rows->line, "rows of format %s are a text (rows: |), not %s",
			       f->format == FIXTURE_CSV ? "csv" : "sql", tree_kind_name(rows));
	if (rows->kind != TREE_LIST)
		return wrong(
			l, rows->line, "rows are a list of maps, not %s", tree_kind_name(rows));
	for (size_t i = 0; i < rows->n; i++)
		if (rows->entries[i].value->kind != TREE_MAP)
			return wrong(l, rows->entries[i].line,
				"a row is a map of columns and values, not %s",
				tree_kind_name(rows->entries[i].value));
	f->values = value_of_tree(&l->p->arena, rows);
	return true;
}

static bool take_fixture(const struct loading *l, const struct tree *of, struct unit_rows *f)
{
	const struct tree *file = tree_get(of, "fixture"), *rows = tree_get(of, "rows");

	f->line = of->line;
	f->path = f->rows_path = l->path;
	f->delimiter = ',';
	f->rows = rows && rows->kind != TREE_NULL ? rows : NULL;
	if (!take_format(l, of, f))
		return false;
	if (file && file->text && f->rows)
		return wrong(l, file->line, "'rows' and 'fixture' exclude each other");
	if (f->rows)
		return take_rows(l, f);
	if (!file || !file->text)
		return f->input || wrong(l, of->line, "'rows' is missing");
	if (f->format == FIXTURE_ROWS)
		return wrong(
			l, file->line, "a fixture in a file needs 'format: csv' or 'format: sql'");
	return find_file(l, f, file->text, f->format == FIXTURE_CSV ? ".csv" : ".sql");
}

static bool take_given(const struct loading *l, const struct tree *given)
{
	struct unit_test *unit = l->node->unit;
	size_t n = given && given->kind == TREE_LIST ? given->n : 0;

	unit->given = arena_alloc(&l->p->arena, (n + 1) * sizeof *unit->given);
	for (size_t i = 0; i < n; i++) {
		const struct tree *item = given->entries[i].value, *input = tree_get(item, "input");
		struct unit_rows *f = &unit->given[unit->n_given++];
		if (!input || !input->text)
			return wrong(l, item->line, "'input' is missing");
		f->input = input->text;
		if (!take_fixture(l, item, f))
			return false;
	}
	return true;
}

/* --- the test --- */

static struct value overridden(
	const struct loading *l, const struct tree *overrides, const char *what)
{
	const struct tree *map = tree_get(overrides, what);

	if (!map || map->kind == TREE_NULL)
		return (struct value){0};
	if (map->kind != TREE_MAP)
		wrong(l, map->line, "overrides of %s are a map, not %s", what, tree_kind_name(map));
	struct value v = value_of_tree(&l->p->arena, map);
	value_freeze(v);
	return v;
}

static void take_config(const struct loading *l, const struct tree *config)
{
	struct error err = {0};

	for (size_t i = 0; config && config->kind == TREE_MAP && i < config->n; i++)
		if (!setting_put_tree(l->p, l->node, &config->entries[i], l->path, &err))
			node_fail(l->p, l->node, &err);
}

static void take_all(const struct loading *l, const struct tree *item)
{
	const struct tree *overrides = tree_get(item, "overrides"),
			  *expect = tree_get(item, "expect");
	struct unit_test *unit = l->node->unit;

	take_config(l, tree_get(item, "config"));
	unit->macros = overridden(l, overrides, "macros");
	unit->vars = overridden(l, overrides, "vars");
	unit->env_vars = overridden(l, overrides, "env_vars");
	if (!take_given(l, tree_get(item, "given")))
		return;
	if (!expect || expect->kind != TREE_MAP)
		wrong(l, item->line, "'expect' is missing");
	else
		take_fixture(l, expect, &unit->expect);
}

static const char *text_of(const struct tree *map, const char *key)
{
	const struct tree *found = tree_get(map, key);
	return found && found->kind != TREE_NULL ? found->text : NULL;
}

static struct value described(struct arena *a, const struct tree *item)
{
	struct value v = value_dict(dict_new(a));
	const char *text = text_of(item, "description");

	if (text)
		dict_put_text(a, v.dict, "description", value_text(text));
	return v;
}

static bool add(struct loading *l, const struct tree *item, struct error *err)
{
	struct arena *a = &l->p->arena;
	const char *name = text_of(item, "name"), *model = text_of(item, "model"), *id;

	if (!name || !model)
		return error_set(err, ERROR_CONFIG, "%s:%d: a unit test has no '%s'", l->path,
			item->line, name ? "model" : "name");
	struct node *node = l->node = node_new(
		l->p, NODE_UNIT_TEST, l->package, name, l->path + strlen(l->package->below));
	node->id = arena_printf(a, "unit_test.%s.%s.%s", l->package->name, model, name);
	node->line = item->line;
	node_set_inside(l->p, node, l->inside);
	node->unit = arena_alloc(a, sizeof *node->unit);
	node->properties = described(a, item);
	const struct node *other = map_put(&l->p->by_id, node->id, strlen(node->id), node);
	if (other)
		return error_set(err, ERROR_CONFIG,
			"%s:%d: model '%s' has another unit test '%s', at %s:%d; give one of them "
			"another name",
			l->path, item->line, model, name, other->path, other->line);
	if (!settings_load(l->p, node, err))
		return false;
	id = arena_printf(a, "model.%s.%s", l->package->name, model);
	node->tested = map_get(&l->p->by_id, id, strlen(id));
	if (!node->tested)
		wrong(l, item->line, "there is no model '%s'%s", model,
			project_nearest(l->p, model));
	take_all(l, item);
	return true;
}

bool unit_tests_load(struct project *p, const struct package *package, const char *path,
	const char *inside, const struct tree *root, struct error *err)
{
	const struct tree *list = tree_get(root, "unit_tests");
	struct loading l = {.p = p, .package = package, .path = path, .inside = inside};

	for (size_t i = 0; list && list->kind == TREE_LIST && i < list->n; i++)
		if (!add(&l, list->entries[i].value, err))
			return false;
	return true;
}

/* --- what a fixture stands for --- */

/* Of a seed without rows those of its own file. */
static bool take_seed(const struct loading *l, struct unit_rows *f)
{
	if (f->rows || f->file)
		return true;
	if (!f->node || f->node->kind != NODE_SEED)
		return wrong(l, f->line, "'rows' of %s is missing", f->input);
	const char *delimiter = setting_text(&l->p->arena, f->node, "delimiter");
	f->format = FIXTURE_CSV;
	f->rows_path = f->node->path;
	f->file = arena_printf(&l->p->arena, "%s/%s", root_of(l->p)->folder, f->rows_path);
	f->delimiter = delimiter && *delimiter ? *delimiter : ',';
	return true;
}

static bool take_ref(const struct loading *l, struct unit_rows *f, const struct ref_name *ref)
{
	f->node = project_ref(l->p, ref->package, ref->name);
	if (!f->node)
		return wrong(l, f->line, "there is no model, seed or snapshot '%s'%s", ref->name,
			project_nearest(l->p, ref->name));
	if (!f->node->enabled)
		return wrong(l, f->line, "'%s' is disabled", ref->name);
	f->cte = arena_printf(&l->p->arena, CTE_PREFIX "%s", ref->name);
	return true;
}

static void take_source(
	const struct loading *l, struct unit_rows *f, const struct source_table *table)
{
	f->source = table;
	f->cte = arena_printf(&l->p->arena, CTE_PREFIX "%s__%s", table->source, table->name);
}

static bool read_input(const struct loading *l, struct unit_rows *f, struct reading *reading)
{
	const char *name = arena_printf(&l->p->arena, "%s:%d", l->path, f->line);
	const char *text = arena_printf(&l->p->arena, "{{ %s }}", f->input);
	struct error err = {0};
	struct context context;
	struct value v;

	context_init(&context, l->p, l->package, l->node);
	context.reading = reading;
	struct template *t = template_parse(name, text, strlen(text), &err);
	bool ok = t && template_value(t, &context.host, NULL, &l->p->arena, &v, &err);
	template_free(t);
	if (!ok)
		node_fail(l->p, l->node, &err);
	return ok;
}

static bool is_this(const char *input)
{
	size_t len = strlen("this");

	input += strspn(input, " \t\n");
	return !strncmp(input, "this", len) && !input[len + strspn(input + len, " \t\n")];
}

static bool resolve(const struct loading *l, struct unit_rows *f)
{
	struct reading reading = {.arena = &l->p->arena,
		.settings = {dict_new(&l->p->arena), dict_new(&l->p->arena)}};
	bool ok = true;

	if (is_this(f->input)) {
		f->node = l->node->tested;
		f->cte = arena_printf(&l->p->arena, CTE_PREFIX "%s", f->node->name);
		return take_seed(l, f);
	}
	ok = read_input(l, f, &reading);
	if (ok && reading.refs.len == 1)
		ok = take_ref(l, f, reading.refs.items);
	else if (ok && reading.sources.len == 1)
		take_source(l, f, reading.sources.items[0]);
	else if (ok)
		ok = wrong(l, f->line,
			"input '%s' is none of ref('NAME'), source('SOURCE', 'TABLE') and this",
			f->input);
	vec_release(&reading.refs);
	vec_release(&reading.sources);
	return ok && take_seed(l, f);
}

static bool stands_for(
	const struct unit_rows *f, const struct node *node, const struct source_table *source)
{
	if (node || !f->source)
		return node && f->node == node;
	return !strcmp(f->source->source, source->source) && !strcmp(f->source->name, source->name);
}

/* Two packages may have models of one name, and a model be called as a source and its table. */
static bool take_name(const struct loading *l, size_t i)
{
	struct unit_rows *given = l->node->unit->given, *f = &given[i];

	for (size_t k = 0; k < i; k++)
		if (stands_for(&given[k], f->node, f->source))
			return wrong(l, f->line, "%s is given twice", f->input);
	for (size_t k = 0; k < i;) {
		bool taken = !strcmp(given[k].cte, f->cte);
		if (taken)
			f->cte = arena_printf(&l->p->arena, "%s_%zu", f->cte, i + 1);
		k = taken ? 0 : k + 1;
	}
	return true;
}

void unit_test_resolve(struct project *p, struct node *node)
{
	struct loading l = {.p = p, .package = node->package, .path = node->path, .node = node};
	struct unit_test *unit = node->unit;

	for (size_t i = 0; i < unit->n_given; i++) {
		struct unit_rows *f = &unit->given[i];
		if (node->problem || !resolve(&l, f))
			return;
		if (!take_name(&l, i))
			return;
	}
}

/* --- what the model sees --- */

static const char *name_of_input(struct arena *a, const struct context *c, const struct node *node,
	const struct source_table *t)
{
	if (!node)
		return arena_printf(a, "source('%s', '%s')", t->source, t->name);
	return node == c->node ? "this" : arena_printf(a, "ref('%s')", node->name);
}

/* Macros of dbt are called by their names alone as well. */
static struct value *find_override(
	struct arena *a, const struct dict *macros, const char *package, const char *name)
{
	struct value *found = NULL;

	if (!package || !strcmp(package, OWN_PACKAGE))
		found = dict_find(macros, value_text(name));
	if (!found)
		found = dict_find(macros, value_text(arena_printf(a, "%s.%s",
						  package ? package : OWN_PACKAGE, name)));
	return found;
}

/* As in dbt, where it is not given, none reads it: it is a name for config() and hooks. */
static bool is_unread_this(const struct context *c, struct arena *a, const struct node *node)
{
	struct value macros = c->unit->unit->macros;
	struct value *incremental = macros.kind == VALUE_DICT
					    ? find_override(a, macros.dict, NULL, "is_incremental")
					    : NULL;

	return node && node == c->node && !(incremental && value_truth(*incremental));
}

bool unit_input(struct call *c, const struct node *node, const struct source_table *source)
{
	const struct context *context = context_of(c);
	const struct node *test = context->unit;

	struct arena *a = render_arena(c->render);

	for (size_t i = 0; i < test->unit->n_given; i++) {
		const struct unit_rows *f = &test->unit->given[i];
		if (!stands_for(f, node, source))
			continue;
		c->result = cte_value(a, dialect_of(context->project), f->cte);
		return true;
	}
	if (is_unread_this(context, a, node)) {
		c->result = cte_value(a, dialect_of(context->project),
			arena_printf(a, CTE_PREFIX "%s", node->name));
		return true;
	}
	const char *input = name_of_input(a, context, node, source);
	return render_fail(c->render,
		"unit test %s (%s:%d) gives no rows of %s; add `- input: %s` to its 'given', with "
		"`rows: []` where they do not matter",
		test->name, test->path, test->line, input, input);
}

static bool call_override(struct call *c)
{
	c->result = value_copy(render_arena(c->render), *(const struct value *)c->data);
	return true;
}

struct value unit_override(
	const struct context *c, struct render *r, const char *package, const char *name)
{
	static const struct function function = {"override", "* **", call_override};

	if (!c->unit || c->unit->unit->macros.kind != VALUE_DICT)
		return (struct value){0};
	struct value *found = find_override(
		render_arena(r), c->unit->unit->macros.dict, package, name);
	return found ? function_value(render_arena(r), &function, found) : (struct value){0};
}
