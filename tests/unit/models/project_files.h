/* Projects in a temporary folder, for the tests of models: put() files, load(), assert. */
#ifndef TESTS_PROJECT_FILES_H
#define TESTS_PROJECT_FILES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/mem.h"
#include "models/project.h"

static char folder[64];
static struct project *project;
static struct buf sql;
static struct error err;

static inline void put(const char *path, const char *text)
{
	char full[256];

	snprintf(full, sizeof full, "%s/%s", folder, path);
	for (char *slash = strchr(full + strlen(folder) + 1, '/'); slash;
		slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(full, 0700);
		*slash = '/';
	}
	FILE *file = fopen(full, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static struct selection_rule rules[] = {
	{.pattern = "public.*"},
	{.pattern = "sales.*"},
	{.pattern = "public.secret", .exclude = true},
	{.pattern = "public.long_name", .options.as = "short"},
};
static const struct selection selection = {
	.stream = "shop", .target_database = "lake", .rules = rules, .n_rules = COUNT_OF(rules)};
static const struct stream_source streams[] = {{"shop", "lake", &selection}};

static struct compile_options options;
static const struct engine_ops *engine; /* NULL: the usual one */

static inline bool load_with(const char *vars)
{
	struct project_options project_options = {.folder = folder,
		.database = "analytics",
		.target = "prod",
		.engine = engine,
		.vars = vars,
		.streams = streams,
		.n_streams = COUNT_OF(streams)};

	project_free(project);
	error_clear(&err);
	project = project_load(&project_options, &err);
	return project;
}

static inline void load(void)
{
	if (!load_with(NULL))
		fail_msg("%s", err.text);
}

static inline const struct node *node(const char *name)
{
	const struct node *found = project_find(project, name);
	if (!found)
		fail_msg("there is no %s", name);
	return found;
}

static inline void assert_compiles(const char *name, const char *expected)
{
	buf_clear(&sql);
	if (!project_compile(project, node(name), &options, &sql, &err))
		fail_msg("%s: %s", name, err.text);
	assert_string_equal(buf_text(&sql), expected);
}

static inline void assert_problem(const char *name, const char *expected)
{
	buf_clear(&sql);
	if (project_compile(project, node(name), &options, &sql, &err))
		fail_msg("%s compiles to %s", name, buf_text(&sql));
	if (!strstr(err.text, expected))
		fail_msg("%s: %s, expected %s", name, err.text, expected);
}

static inline void assert_refused(const char *expected)
{
	if (load_with(NULL))
		fail_msg("the project was read, expected %s", expected);
	if (!strstr(err.text, expected))
		fail_msg("%s, expected %s", err.text, expected);
}

static inline int open_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/project-XXXXXX");
	buf_init(&sql, BUF_MAX);
	return mkdtemp(folder) ? 0 : -1;
}

static inline int close_folder(void **state)
{
	(void)state;
	CLEANUP(free_string) char *command = xasprintf("rm -rf '%s'", folder);
	project_free(project);
	project = NULL;
	engine = NULL;
	options = (struct compile_options){0};
	buf_release(&sql);
	return system(command);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, open_folder, close_folder)

#endif
