/* `tailrace compile`: the SQL of a project's models, snapshots and tests, with every ref and source resolved. */
#include <string.h>
#include "build/executor.h"
#include "cli/cli.h"
#include "cli/ends.h"
#include "models/project.h"

enum { FLAG_JSON, FLAG_VARS, FLAG_INCREMENTAL, FLAG_PARTITION, FLAG_EXECUTE };
static const struct flag flags[] = {
	{"json", NULL, "print a JSON document with what is known of each"},
	{"vars", "MAP", "variables that go before those of dbt_project.yml, '{name: value}'"},
	{"incremental", NULL, "as a run that adds to incremental models: is_incremental() is true"},
	{"partition", "KEY", "as a run that builds that partition of a partitioned model"},
	{"execute", NULL, "let macros ask the warehouse, as they do in a build"},
	SELECT_FLAG,
	{0},
};

struct compiling {
	const struct call *call;
	struct ends ends;      /* with --execute, else the configuration alone */
	struct engine *engine; /* with --execute */
	struct project *project;
	struct nodes nodes; /* to compile */
	int failures;
};

static bool open_engine(struct compiling *c, struct error *err)
{
	struct ends *ends = &c->ends;

	if (!ends_open(ends, c->call->config_path, err) || !ends_warehouse(ends, err))
		return false;
	const char *url = *ends->warehouse_url ? ends->warehouse_url : NULL;
	c->engine = models_engine(&ends->config, url, &ends->arena, err);
	return c->engine;
}

static bool open_project(struct compiling *c, struct error *err)
{
	bool ok = c->call->flags[FLAG_EXECUTE]
			  ? open_engine(c, err)
			  : config_load(c->call->config_path, &c->ends.config, err);

	if (ok)
		c->project = models_project(
			&c->ends.config, c->call->flags[FLAG_VARS], false, &c->ends.arena, err);
	return c->project;
}

static void close_all(struct compiling *c)
{
	vec_release(&c->nodes);
	project_free(c->project);
	engine_free(c->engine);
	ends_close(&c->ends);
}

/* The nodes that the arguments name, or all. Without seeds, which have no SQL. */
static int pick(struct compiling *c)
{
	const struct nodes *all = project_nodes(c->project);

	for (int i = 0; i < c->call->n_args; i++) {
		const struct node *node = project_find(c->project, c->call->args[i]);
		if (!node)
			return wrong_use("there is no model, snapshot or test '%s'%s",
				c->call->args[i], project_nearest(c->project, c->call->args[i]));
		if (node->kind == NODE_SEED)
			return wrong_use("'%s' is a seed, which has no SQL", c->call->args[i]);
		vec_push(&c->nodes, (struct node *)node);
	}
	for (size_t i = 0; !c->call->n_args && i < all->len; i++)
		if (all->items[i]->kind != NODE_SEED)
			vec_push(&c->nodes, all->items[i]);
	return DONE;
}

/* A partition is one of the partitioned models alone. */
static bool options_of(struct compiling *c, const struct node *node, struct compile_batch *batch,
	struct compile_options *out, struct error *err)
{
	const char *key = c->call->flags[FLAG_PARTITION];
	const struct node *of = node->tested ? node->tested : node;

	*out = (struct compile_options){
		.incremental = c->call->flags[FLAG_INCREMENTAL], .engine = c->engine};
	if (!key || (!node_is_partitioned(of) && !c->call->n_args))
		return true;
	out->batch = batch;
	return node_batch(of, key, batch, err);
}

/* --- for people --- */

static void print_sql(struct compiling *c, const struct node *node, bool first)
{
	struct compile_options options;
	struct compile_batch batch;
	struct error err = {0};
	struct buf sql;

	buf_init(&sql, BUF_MAX);
	if (options_of(c, node, &batch, &options, &err) &&
		project_compile(c->project, node, &options, &sql, &err)) {
		if (c->nodes.len > 1)
			printf("%s-- %s: %s\n", first ? "" : "\n", node->path, node->name);
		fwrite(sql.data, 1, sql.len, stdout);
		if (!sql.len || sql.data[sql.len - 1] != '\n')
			putchar('\n');
	} else {
		c->failures++;
		failed(&err);
	}
	buf_release(&sql);
}

/* --- for programs --- */

static int print_json(struct compiling *c)
{
	struct error err = {0};
	struct buf out;
	bool ok = true;

	buf_init(&out, BUF_MAX);
	buf_puts(&out, "{\"nodes\":[");
	for (size_t i = 0; ok && i < c->nodes.len; i++) {
		const struct node *node = c->nodes.items[i];
		struct compile_options options;
		struct compile_batch batch;
		bool compiled;
		buf_puts(&out, i ? "," : "");
		ok = options_of(c, node, &batch, &options, &err) &&
		     project_describe(c->project, node, &options, &out, &compiled, &err);
		c->failures += !compiled;
	}
	buf_puts(&out, "]}");
	if (ok)
		puts(buf_text(&out));
	buf_release(&out);
	return ok ? DONE : failed(&err);
}

static int compile(const struct call *call)
{
	struct compiling c = {.call = call};
	struct error err = {0};
	int code = DONE;

	if (!open_project(&c, &err))
		code = failed(&err);
	if (code == DONE)
		code = pick(&c);
	if (code == DONE && call->flags[FLAG_JSON]) {
		code = print_json(&c);
	} else if (code == DONE) {
		vec_each (&c.nodes, it)
			print_sql(&c, *it, it == c.nodes.items);
	}
	if (code == DONE && c.failures)
		code = FAILED;
	close_all(&c);
	return code;
}

const struct command compile_command = {
	.name = "compile",
	.args = "[NAME...]",
	.max_args = -1,
	.summary = "print the SQL of models, with every ref and source resolved",
	.help = "Reads the project of models that `models:` in the configuration names (by\n"
		"default beside it), renders its templates, and prints the SQL of the models,\n"
		"snapshots and tests of those names, ids or paths, or of all. It reads files and\n"
		"connects to nothing, unless --execute lets macros ask the warehouse. What\n"
		"cannot be compiled is said on standard error; the others are printed all\n"
		"the same, and it ends with 1.\n",
	.flags = flags,
	.run = compile,
};
