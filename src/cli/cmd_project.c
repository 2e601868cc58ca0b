/* `tailrace project check`: which models of a project of dbt's run here, and what is in the way of the others. */
#include <jansson.h>
#include <string.h>
#include <unistd.h>
#include "build/executor.h"
#include "cli/cli.h"
#include "models/project.h"
#include "schedule/scheduler.h"

enum { FLAG_JSON, FLAG_VARS, FLAG_DATABASE };
static const struct flag flags[] = {
	{"json", NULL, "print a JSON document with every node"},
	{"vars", "MAP", "variables that go before those of dbt_project.yml, '{name: value}'"},
	{"database", "NAME", "target.schema: the database that models would go into"},
	{0},
};

struct checking {
	const struct call *call;
	const struct project *project;
	struct counts {
		size_t all, ok;
	} counts[NODE_HOOK + 1];
	json_t *nodes;
};

/* Without the line of the source that errors of templates show. */
static void print_first_line(const char *text)
{
	CLEANUP(free_string) char *line = xstrndup(text, strcspn(text, "\n"));

	put_plain(line, stdout);
	putchar('\n');
}

static void put_json(struct checking *c, const struct node *node, const struct error *problem)
{
	json_t *entry = json_pack("{s:s, s:s, s:s, s:b, s:s?}", "id", node->id, "kind",
		node_kind_name(node->kind), "path", node->path, "runs", !problem, "problem",
		problem ? problem->text : NULL);

	json_array_append_new(c->nodes, entry);
}

static bool is_scheduled_right(const struct node *node, struct error *err)
{
	char why[sizeof err->text];

	return !schedule_problem(node, why, sizeof why) || error_set(err, ERROR_CONFIG, "%s", why);
}

static void check_node(struct checking *c, const struct node *node)
{
	struct counts *counts = &c->counts[node->kind];
	struct error err = {0};
	bool ok = project_supports(c->project, node, &err) && is_scheduled_right(node, &err);

	counts->all++;
	counts->ok += ok;
	if (c->call->flags[FLAG_JSON])
		put_json(c, node, ok ? NULL : &err);
	else if (!ok)
		print_first_line(err.text);
}

static bool all_run(const struct checking *c)
{
	for (size_t i = 0; i < COUNT_OF(c->counts); i++)
		if (c->counts[i].ok < c->counts[i].all)
			return false;
	return true;
}

static void print_counts(const struct checking *c)
{
	const char *between = "";

	for (size_t i = 0; i < COUNT_OF(c->counts); i++) {
		if (!c->counts[i].all)
			continue;
		printf("%s%zu of %zu %ss", between, c->counts[i].ok, c->counts[i].all,
			node_kind_name((enum node_kind)i));
		between = ", ";
	}
	puts(" run here");
}

static int check_all(struct checking *c)
{
	const struct nodes *nodes = project_nodes(c->project);

	c->nodes = json_array();
	vec_each (nodes, it)
		check_node(c, *it);
	vec_each (project_hooks(c->project), it)
		check_node(c, *it);
	if (c->call->flags[FLAG_JSON]) {
		json_t *document = json_pack("{s:O}", "nodes", c->nodes);
		json_dumpf(document, stdout, JSON_INDENT(1));
		putchar('\n');
		json_decref(document);
	} else {
		print_counts(c);
	}
	json_decref(c->nodes);
	return all_run(c) ? DONE : FAILED;
}

/* A folder that is named is looked at by itself; else a configuration that is there knows the streams. */
static struct project *load(const struct call *call, struct config *config, struct error *err)
{
	const char *database = call->flags[FLAG_DATABASE], *vars = call->flags[FLAG_VARS];

	if (call->n_args == 1 && access(call->config_path, R_OK) == 0) {
		if (!config_load(call->config_path, config, err))
			return NULL;
		if (database)
			config->models.database = database;
		return models_project(config, vars, false, &config->arena, err);
	}
	struct project_options options = {.folder = call->n_args > 1 ? call->args[1] : ".",
		.database = database ? database : "analytics",
		.target = "default",
		.vars = vars};
	return project_load(&options, err);
}

static int project(const struct call *call)
{
	struct checking c = {.call = call};
	struct config config = {0};
	struct error err = {0};

	if (strcmp(call->args[0], "check") != 0)
		return wrong_use(
			"'project %s' is no command; there is: project check [DIR]", call->args[0]);
	struct project *read = load(call, &config, &err);
	c.project = read;
	int code = !read ? failed(&err)
		   : project_nodes(read)->len
			   ? check_all(&c)
			   : wrong_use("%s: there is no project of models here, neither models, "
				       "seeds, snapshots nor tests",
				     project_folder(read));
	project_free(read);
	config_release(&config);
	return code;
}

const struct command project_command = {
	.name = "project",
	.args = "check [DIR]",
	.min_args = 1,
	.max_args = 2,
	.summary = "say which models of a dbt project run here",
	.help = "Reads the dbt project in DIR, which needs no configuration of tailrace, or\n"
		"without DIR that of the configuration, or this folder where there is none,\n"
		"and renders every model, snapshot, test and hook of it. Of each that does not\n"
		"run here the first thing that is in the way is said, with its place. What asks\n"
		"the warehouse while it renders counts as running; whether the warehouse takes\n"
		"the SQL is for a build to find out. It ends with 1 where some do not run.\n",
	.flags = flags,
	.run = project,
};
