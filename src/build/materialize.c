/* Making what a node is: which way, and the two plain ones, view and table; see materialize.h and making.h. */
#include "build/materialize.h"

#include "base/text.h"
#include "build/making.h"
#include "models/template/value.h"

bool making_hook(struct making *m, const char *text, struct error *err)
{
	struct compile_options options;
	struct compile_batch batch;
	struct buf *sql = &m->sql;

	if (!making_options(m, false, &batch, &options, err))
		return false;
	if (!project_render(m->w->project, m->w->node, &options, text, sql, err)) {
		buf_clear(sql);
		return false;
	}
	const char *rendered = buf_text(sql);
	if (!rendered[strspn(rendered, " \t\r\n;")]) {
		buf_clear(sql);
		return true;
	}
	return making_run(m, err);
}

static bool pre_hooks(struct making *m, struct error *err)
{
	struct texts hooks = config_texts(m, "pre_hook");

	for (size_t i = 0; i < hooks.n; i++)
		if (!making_hook(m, hooks.items[i], err))
			return error_add(err, "pre_hook");
	return true;
}

bool make_view(struct making *m, struct error *err)
{
	const struct engine_columns *columns;
	struct table_spec spec;

	if (!making_compile(m, false, err) || !config_table(m, &spec, err) ||
		!making_database(m, err) || !making_columns(m, m->w->select, false, &columns, err))
		return false;
	m->d->create_view(&m->sql, m->target, spec.comment, columns, m->w->select);
	if (!making_run(m, err))
		return false;
	making_message(m, "view");
	return swap_end(m, (struct relation_name){0}, RELATION_ABSENT, err);
}

bool making_replace(struct making *m, const char *select, const char *message, struct error *err)
{
	struct relation_name staging = staging_of(m, "next");
	struct work *w = m->w;
	struct table_spec spec;

	if (!config_table(m, &spec, err) || !making_database(m, err) ||
		!making_clear(m, staging, err) || !making_create(m, staging, &spec, select, err))
		return false;
	m->d->insert(&m->sql, staging, NULL, select);
	if (!making_fill(m, &w->rows, err))
		return false;
	making_message(
		m, "%s of %llu row%s", message, (unsigned long long)w->rows, plural(w->rows));
	return swap_table(m, staging, err);
}

bool make_table(struct making *m, struct error *err)
{
	return making_compile(m, false, err) && making_replace(m, m->w->select, "table", err);
}

/* What is not ours to replace: a mirrored table, a dictionary, another server's table. */
static bool may_replace(const struct making *m, struct error *err)
{
	const struct relation_info *had = &m->had;
	const char *name = node_place(m->w->node, "alias");

	if (had->kind == RELATION_OTHER)
		return error_set(err, ERROR_CONFIG,
			"%s: %s.%s is there already, and no table or view (engine %s); give the "
			"model "
			"another name or schema",
			name, m->target.database, m->target.name, had->engine);
	if (had->comment && !strncmp(had->comment, "{\"tailrace\":{\"stream\":", 22))
		return error_set(err, ERROR_CONFIG,
			"%s: %s.%s is a mirrored table; give the model another name or schema",
			name, m->target.database, m->target.name);
	return true;
}

static bool supported(const struct making *m, struct error *err)
{
	struct value grants = config_value(m, "grants");

	if (value_given(grants) && value_truth(grants))
		return config_wrong(m, "grants", err,
			"'grants' is not supported; grant rights on the database, or in a "
			"post_hook");
	if (strstr(m->target.name, STAGING_MARK))
		return config_wrong(m, "alias", err, "a name may not hold %s", STAGING_MARK);
	return true;
}

struct way {
	const char *name;
	make_fn *make;
	bool outside; /* makes nothing in the engine */
};

static const struct way *way_of(const struct making *m, struct error *err)
{
	static const struct way ways[] = {{"view", make_view}, {"table", make_table},
		{"incremental", make_incremental}, {"seed", make_seed}, {"snapshot", make_snapshot},
		{"materialized_view", make_materialized_view}, {"external", make_external, true},
		{"exec", make_exec, true}};
	static const struct way partition = {"incremental", make_partition};
	const char *name = config_text(m, "materialized");

	if (m->w->node->materialization == MATERIALIZED_INCREMENTAL && *m->w->partition)
		return &partition;
	for (size_t i = 0; name && i < COUNT_OF(ways); i++)
		if (!strcmp(name, ways[i].name))
			return &ways[i];
	config_wrong(m, "materialized", err,
		"'%s' is no materialization of tailrace; docs/models.md has them",
		name ? name : "");
	return NULL;
}

static bool look_at_target(struct making *m, struct error *err)
{
	struct work *w = m->w;
	return w->engine->ops->inspect(w->engine, m->target, w->arena, &m->had, err) &&
	       may_replace(m, err);
}

/* What a build that failed leaves beside the target goes, even if the run was cancelled: a table would take space, a
 * materialized view would take part in every insert. What the engine does not answer now is swept at the next start. */
static void drop_staging(struct making *m)
{
	static const char *const names[] = {"next", "rows"};
	struct engine *engine = m->w->engine;
	struct error err = {0};

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		buf_clear(&m->sql);
		m->d->drop(&m->sql, staging_of(m, names[i]), RELATION_TABLE);
		const struct statement statement = {.sql = buf_text(&m->sql)};
		if (!engine->ops->run(engine, &statement, NULL, &err))
			work_log(m->w, "not dropped yet: %s", err.text);
	}
}

/* It failed when others may see it already: it is built again, and so is what stands on it. */
static void leave_in_doubt(struct making *m)
{
	struct work *w = m->w;
	struct error err = {0};

	if (!swap_doubt(w->state, w->arena, w->node->id, &w->built, &err))
		work_log(m->w, "not recorded: %s", err.text);
}

static bool make(struct making *m, const struct way *way, struct error *err)
{
	bool inside = !way->outside, hooked = config_texts(m, "pre_hook").n;

	return (!inside || look_at_target(m, err)) && pre_hooks(m, err) &&
	       (!inside || !hooked || look_at_target(m, err)) && way->make(m, err);
}

/* What the model says of it goes before what was asked for. One partition never makes the others anew by itself. */
static void take_full_refresh(struct work *w)
{
	struct value own = dict_get_text(w->node->config, "full_refresh");

	if (own.kind == VALUE_BOOL && (!own.b || !*w->partition))
		w->full_refresh = own.b;
}

bool materialize(struct work *w, struct error *err)
{
	take_full_refresh(w);
	struct making m = {.w = w,
		.d = w->engine->ops->dialect,
		.target = {w->node->database, w->node->alias}};

	buf_init(&m.sql, BUF_MAX);
	bool finished = false;
	const struct way *way = way_of(&m, err);
	bool ok = way && supported(&m, err) && swap_resume(&m, &finished, err) &&
		  (finished || make(&m, way, err));
	bool open = m.intended && err->kind == ERROR_RETRY; /* the next attempt resumes it */
	if (!ok && way && !way->outside && !open)
		drop_staging(&m);
	if (!ok && m.replacing && !open)
		leave_in_doubt(&m);
	buf_release(&m.sql);
	return ok;
}
