/* Packages: dbt_project.yml, the folders it names, vars, macros; see internal.h. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "base/file.h"
#include "base/log.h"
#include "models/internal.h"

#define LARGEST_SOURCE ((size_t)16 << 20)

static const char own_names[] =
#include "models/names.sql.h"
	;
static const char own_tests[] =
#include "models/tests.sql.h"
	;
static const char own_sql[] =
#include "models/sql.sql.h"
	;
static const char own_utils[] =
#include "models/utils.sql.h"
	;
static const char own_dates[] =
#include "models/dates.sql.h"
	;
static const struct own {
	const char *name, *text;
} own_macros[] = {{"names.sql", own_names}, {"tests.sql", own_tests}, {"sql.sql", own_sql},
	{"utils.sql", own_utils}, {"dates.sql", own_dates}};

struct template *project_template(
	struct project *p, const char *path, const char *text, size_t len, struct error *err)
{
	struct template *t = template_parse(path, text, len, err);

	if (t)
		vec_push(&p->templates, t);
	return t;
}

struct template *package_template(
	struct project *p, const struct package *package, const char *path, struct error *err)
{
	const char *full = arena_printf(&p->arena, "%s/%s", package->folder, path);
	const char *shown = arena_printf(&p->arena, "%s%s", package->below, path);
	struct template *t = NULL;
	struct buf text;

	buf_init(&text, LARGEST_SOURCE);
	if (file_read(full, &text, err))
		t = project_template(p, shown, buf_text(&text), text.len, err);
	buf_release(&text);
	return t;
}

const struct macro *project_macro(const struct project *p, const char *package, const char *name)
{
	char key[256];
	int len = snprintf(key, sizeof key, "%s.%s", package, name);

	return len > 0 && (size_t)len < sizeof key ? map_get(&p->macros, key, (size_t)len) : NULL;
}

static bool add_macros(struct project *p, const struct package *package, const struct template *t,
	struct error *err)
{
	for (const struct macro *m = NULL; (m = template_next_macro(t, m));) {
		const char *key = arena_printf(&p->arena, "%s.%s", package->name, macro_name(m));
		if (map_put(&p->macros, key, strlen(key), (void *)m))
			return error_set(err, ERROR_CONFIG,
				"%s: there is another macro '%s' in package %s; give one of them "
				"another name",
				template_name(t), macro_name(m), package->name);
	}
	return true;
}

static bool load_macro_file(
	struct project *p, const struct package *package, const char *path, struct error *err)
{
	const struct template *t = package_template(p, package, path, err);

	return t && add_macros(p, package, t, err);
}

struct paths package_paths(
	struct project *p, const struct package *package, const char *key, const char *usual)
{
	const struct tree *list = tree_get(package->project, key);
	struct paths paths = {0};

	for (size_t i = 0; list && list->kind == TREE_LIST && i < list->n; i++) {
		const char *text = list->entries[i].value->text;
		size_t len = text ? strlen(text) : 0;
		while (len > 1 && text[len - 1] == '/')
			len--;
		if (len)
			vec_push(&paths, arena_strndup(&p->arena, text, len));
	}
	if (!paths.len)
		vec_push(&paths, usual);
	return paths;
}

bool package_files(struct project *p, const struct package *package, const char *const keys[][2],
	size_t n_keys, const char *const *suffixes, struct paths *out, struct error *err)
{
	bool ok = true;

	for (size_t k = 0; ok && k < n_keys; k++) {
		struct paths folders = package_paths(p, package, keys[k][0], keys[k][1]);
		vec_each (&folders, folder)
			for (size_t i = 0; ok && suffixes[i]; i++)
				ok = files_below(
					package->folder, *folder, suffixes[i], &p->arena, out, err);
		vec_release(&folders);
	}
	return ok;
}

const char *package_inside(struct project *p, const struct package *package,
	const char *const keys[][2], size_t n_keys, const char *path)
{
	const char *inside = path;

	for (size_t k = 0; k < n_keys; k++) {
		struct paths folders = package_paths(p, package, keys[k][0], keys[k][1]);
		vec_each (&folders, it) {
			size_t len = strlen(*it);
			if (inside == path && !strncmp(path, *it, len) && path[len] == '/')
				inside = path + len + 1;
		}
		vec_release(&folders);
	}
	return inside;
}

static bool load_macros(struct project *p, const struct package *package, struct error *err)
{
	struct paths folders = package_paths(p, package, "macro-paths", "macros");
	struct paths tests = package_paths(p, package, "test-paths", "tests"), files = {0};
	bool ok = true;

	vec_each (&tests, it)
		vec_push(&folders, arena_printf(&p->arena, "%s/generic", *it));
	for (size_t i = 0; ok && i < folders.len; i++)
		ok = files_below(package->folder, folders.items[i], ".sql", &p->arena, &files, err);
	for (size_t i = 0; ok && i < files.len; i++)
		ok = load_macro_file(p, package, files.items[i], err);
	vec_release(&folders);
	vec_release(&tests);
	vec_release(&files);
	return ok;
}

/* vars: {x: 1, PACKAGE: {x: 2}}: a package's own go before those of all. */
static struct dict *vars_of(struct project *p, const struct tree *project, const char *package)
{
	const struct tree *vars = tree_get(project, "vars"), *own = tree_get(vars, package);
	struct dict *dict = dict_new(&p->arena);

	for (size_t i = 0; vars && vars->kind == TREE_MAP && i < vars->n; i++)
		dict_put_text(&p->arena, dict, vars->entries[i].key,
			value_of_tree(&p->arena, vars->entries[i].value));
	for (size_t i = 0; own && own->kind == TREE_MAP && i < own->n; i++)
		dict_put_text(&p->arena, dict, own->entries[i].key,
			value_of_tree(&p->arena, own->entries[i].value));
	return dict;
}

/* What the root says goes before what the package itself says. */
static struct dict *merged_vars(struct project *p, const struct package *package)
{
	struct dict *vars = vars_of(p, package->project, package->name), *above;
	size_t i = 0;

	above = vars_of(p, root_of(p)->project, package->name);
	for (struct dict_entry *entry; (entry = dict_next(above, &i));)
		dict_put(&p->arena, vars, entry->key, entry->value);
	i = 0;
	for (struct dict_entry *entry; (entry = dict_next(p->vars, &i));)
		dict_put(&p->arena, vars, entry->key, entry->value);
	return vars;
}

static const char *last_name(struct arena *arena, const char *folder)
{
	size_t len = strlen(folder);

	while (len > 1 && folder[len - 1] == '/')
		len--;
	size_t start = len;
	while (start > 0 && folder[start - 1] != '/')
		start--;
	const char *name = arena_strndup(arena, folder + start, len - start);
	return *name && strcmp(name, ".") != 0 ? name : "project";
}

static bool is_loaded(const struct project *p, const char *name)
{
	vec_each (&p->packages, it)
		if (strcmp((*it)->name, name) == 0)
			return true;
	return false;
}

static bool load_package(
	struct project *p, const char *folder, const char *below, struct error *err)
{
	struct package *package = arena_alloc(&p->arena, sizeof *package);
	const char *path = arena_printf(&p->arena, "%s/dbt_project.yml", folder);
	const char *shown = arena_printf(&p->arena, "%sdbt_project.yml", below);
	struct stat st;

	package->folder = folder;
	package->below = below;
	package->project = arena_alloc(&p->arena, sizeof *package->project);
	if (stat(path, &st) == 0 && !(package->project = tree_read(path, shown, &p->arena, err)))
		return false;
	if (package->project->kind != TREE_MAP && package->project->kind != TREE_NULL)
		return error_set(err, ERROR_CONFIG, "%s: holds %s, not a map", shown,
			tree_kind_name(package->project));
	const struct tree *name = tree_get(package->project, "name");
	package->name = name && name->text ? name->text : last_name(&p->arena, folder);
	if (is_loaded(p, package->name))
		return error_set(err, ERROR_CONFIG, "%s: there is another package '%s'", shown,
			package->name);
	vec_push(&p->packages, package);
	package->vars = merged_vars(p, package);
	return load_macros(p, package, err);
}

/* What dbt would fetch before it reads a project. */
static void warn_of_packages(struct project *p, const char *folder)
{
	static const char *const files[] = {"packages.yml", "dependencies.yml"};

	for (size_t i = 0; i < COUNT_OF(files); i++) {
		const char *path = arena_printf(&p->arena, "%s/%s", root_of(p)->folder, files[i]);
		struct stat st;
		struct error err;
		if (stat(path, &st) != 0)
			continue;
		const struct tree *list = tree_get(
			tree_read(path, files[i], &p->arena, &err), "packages");
		if (list && list->n)
			project_warn(p, "packages are not installed; `dbt deps` does that",
				F("file", files[i]), F("folder", folder));
	}
}

/* Folders of dbt_packages that hold a dbt_project.yml. */
static bool load_installed(struct project *p, struct error *err)
{
	const struct tree *setting = tree_get(root_of(p)->project, "packages-install-path");
	const char *sub = setting && setting->text ? setting->text : "dbt_packages";
	const char *root = root_of(p)->folder;
	struct paths folders = {0};
	struct stat st;
	bool ok = folders_in(root, sub, &p->arena, &folders, err);

	for (size_t i = 0; ok && i < folders.len; i++) {
		const char *folder = arena_printf(&p->arena, "%s/%s", root, folders.items[i]);
		if (stat(arena_printf(&p->arena, "%s/dbt_project.yml", folder), &st) == 0)
			ok = load_package(
				p, folder, arena_printf(&p->arena, "%s/", folders.items[i]), err);
	}
	if (ok && p->packages.len == 1)
		warn_of_packages(p, sub);
	vec_release(&folders);
	return ok;
}

static struct package *add_own(struct project *p, const char *name)
{
	struct package *package = arena_alloc(&p->arena, sizeof *package);

	*package = (struct package){
		.name = name, .folder = "", .below = "", .vars = p->vars, .is_own = true};
	package->project = arena_alloc(&p->arena, sizeof *package->project);
	vec_push(&p->packages, package);
	return package;
}

/* Also as dbt_utils, where that package is not installed. */
static bool load_own(struct project *p, struct error *err)
{
	const struct package *utils_package = is_loaded(p, "dbt_utils") ? NULL
									: add_own(p, "dbt_utils");
	const struct package *package = add_own(p, OWN_PACKAGE);

	for (size_t i = 0; i < COUNT_OF(own_macros); i++) {
		const struct own *own = &own_macros[i];
		struct template *t = project_template(p,
			arena_printf(&p->arena, "tailrace's %s", own->name), own->text,
			strlen(own->text), err);
		if (!t || !add_macros(p, package, t, err) ||
			(utils_package && !add_macros(p, utils_package, t, err)))
			return false;
	}
	return true;
}

static bool read_given_vars(struct project *p, struct error *err)
{
	const char *text = p->options.vars;
	const struct tree *tree;

	p->vars = dict_new(&p->arena);
	if (!text)
		return true;
	tree = tree_parse("--vars", text, strlen(text), &p->arena, err);
	if (!tree)
		return false;
	if (tree->kind != TREE_MAP)
		return error_set(err, ERROR_CONFIG,
			"--vars takes a map, as in '{name: value}', not %s", tree_kind_name(tree));
	p->vars = value_of_tree(&p->arena, tree).dict;
	return true;
}

bool packages_load(struct project *p, struct error *err)
{
	return read_given_vars(p, err) && load_package(p, p->options.folder, "", err) &&
	       load_installed(p, err) && load_own(p, err);
}

const char *package_name(const struct package *package)
{
	return package->name;
}
