/*
 * What asks the warehouse while a template renders: run_query, statement and load_result. The engine is that
 * of who compiles; the first rendering asks nobody.
 */
#include "models/internal.h"

bool may_ask(struct call *c, struct context *context, bool *ok)
{
	c->result = value_none();
	*ok = context->reading || context->options->engine;
	if (!*ok && context->options->asks)
		*context->options->asks = true;
	if (!*ok)
		render_fail(c->render,
			"%s() asks the warehouse while the template renders; nobody is asked here: "
			"compile does with --execute",
			c->function->name);
	return *ok && !context->reading;
}

bool asking_failed(struct call *c, struct context *context, const struct error *err)
{
	context->failure = err->kind;
	return render_fail(c->render, "%s(): %s", c->function->name, err->text);
}

static struct statement statement_of(const struct context *context, const char *sql)
{
	return (struct statement){.sql = sql,
		.timeout_ms = context->options->timeout_ms,
		.cancelled = context->options->cancelled};
}

/* {response, data, table}; without rows, data and table are empty. */
static struct value result_of(struct arena *a, const struct engine_rows *rows)
{
	struct value result = value_dict(dict_new(a)), table = table_value(a, rows);
	struct list *data = list_new(a, rows->n_rows), *items = value_items(table);

	for (size_t i = 0; i < items->len; i++)
		list_append(a, data, value_tuple(value_items(items->items[i])));
	dict_put_text(a, result.dict, "response", value_text("OK"));
	dict_put_text(a, result.dict, "data", value_list(data));
	dict_put_text(a, result.dict, "table", table);
	return result;
}

static bool ask(
	struct call *c, struct context *context, const char *sql, bool fetch, struct value *out)
{
	struct engine *engine = context->options->engine;
	struct statement s = statement_of(context, sql);
	struct arena *a = render_arena(c->render);
	struct engine_rows rows = {0};
	struct error err = {0};

	bool ok = fetch ? engine->ops->query(engine, &s, a, &rows, &err)
			: engine->ops->run(engine, &s, NULL, &err);
	if (!ok)
		return asking_failed(c, context, &err);
	*out = result_of(a, &rows);
	return true;
}

static void keep(struct call *c, struct context *context, struct value name, struct value result)
{
	struct arena *a = render_arena(c->render);

	if (!context->results)
		context->results = dict_new(a);
	dict_put(a, context->results, name, result);
}

static const char *sql_of(struct call *c, struct value v)
{
	struct buf text;

	buf_init(&text, BUF_MAX);
	const char *sql = render_str(c->render, v, &text)
				  ? arena_strdup(render_arena(c->render), buf_text(&text))
				  : NULL;
	buf_release(&text);
	return sql;
}

static bool call_run_query(struct call *c)
{
	struct context *context = context_of(c);
	struct value result;
	const char *sql;
	bool ok;

	if (!may_ask(c, context, &ok)) {
		c->result = value_undefined("run_query() gives nothing while the project is read; "
					    "ask {% if execute %}");
		return ok;
	}
	sql = sql_of(c, c->arg[0]);
	if (!sql || !ask(c, context, sql, true, &result))
		return false;
	c->result = dict_get_text(result.dict, "table");
	return true;
}

/* {% call statement('name', fetch_result=true) %}select ...{% endcall %} */
static bool call_statement(struct call *c)
{
	enum { NAME, FETCH, AUTO_BEGIN, LANGUAGE, CALLER };
	struct context *context = context_of(c);
	struct value text, result;
	const char *sql;
	bool ok;

	if (!may_ask(c, context, &ok)) {
		c->result = value_text("");
		return ok;
	}
	if (!value_given(c->arg[CALLER]))
		return render_fail(c->render,
			"statement() is called as {%% call statement('name') %%}select ...{%% "
			"endcall %%}");
	if (!render_call(c->render, c->arg[CALLER], &(struct args){0}, &text))
		return false;
	sql = sql_of(c, text);
	bool fetch = value_given(c->arg[FETCH]) && value_truth(c->arg[FETCH]);
	if (!sql || !ask(c, context, sql, fetch, &result))
		return false;
	if (c->arg[NAME].kind == VALUE_STRING)
		keep(c, context, c->arg[NAME], result);
	c->result = value_text("");
	return true;
}

static bool call_load_result(struct call *c)
{
	struct dict *results = context_of(c)->results;

	if (!call_wants(c, 0, VALUE_STRING))
		return false;
	struct value *found = results ? dict_find(results, c->arg[0]) : NULL;
	c->result = found ? *found : value_none();
	return true;
}

static bool call_store_result(struct call *c)
{
	struct value result = value_dict(dict_new(render_arena(c->render)));
	struct value table = value_given(c->arg[2]) ? c->arg[2] : value_none();
	struct list *rows = value_items(table);

	if (!call_wants(c, 0, VALUE_STRING))
		return false;
	if (!rows)
		rows = list_new(render_arena(c->render), 0);
	dict_put_text(render_arena(c->render), result.dict, "response", c->arg[1]);
	dict_put_text(render_arena(c->render), result.dict, "data", value_list(rows));
	dict_put_text(render_arena(c->render), result.dict, "table", table);
	keep(c, context_of(c), c->arg[0], result);
	c->result = value_text("");
	return true;
}

bool call_execute_sql(struct call *c)
{
	enum { SQL, AUTO_BEGIN, FETCH };
	struct context *context = self_context(c);
	struct arena *a = render_arena(c->render);
	struct list *pair = list_new(a, 2);
	struct value result;
	const char *sql;
	bool ok;

	if (!may_ask(c, context, &ok)) {
		list_append(a, pair, value_none());
		list_append(a, pair, value_none());
		c->result = value_tuple(pair);
		return ok;
	}
	sql = sql_of(c, c->arg[SQL]);
	bool fetch = value_given(c->arg[FETCH]) && value_truth(c->arg[FETCH]);
	if (!sql || !ask(c, context, sql, fetch, &result))
		return false;
	list_append(a, pair, dict_get_text(result.dict, "response"));
	list_append(a, pair, dict_get_text(result.dict, "table"));
	c->result = value_tuple(pair);
	return true;
}

static const struct global table[] = {
	{{"run_query", "sql", call_run_query}},
	{{"statement", "name= fetch_result= auto_begin= language= caller=", call_statement}},
	{{"load_result", "name", call_load_result}},
	{{"load_relation", "relation", call_load_relation}},
	{{"load_cached_relation", "relation", call_load_relation}},
	{{"store_result", "name response= agate_table=", call_store_result}},
};
const struct globals globals_of_asking = {table, COUNT_OF(table)};
