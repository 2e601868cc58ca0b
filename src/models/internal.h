/*
 * Inside of models/: a project while it is read, and what its files share.
 *
 *	project.c      reading it all, in order; the graph
 *	package.c      dbt_project.yml, paths, macros; dbt_packages
 *	files.c        files below a folder
 *	nodes.c        a node for each file, and its first rendering, which tells its config and parents
 *	properties.c   yml: sources, what it says of nodes, tests
 *	unit.c         unit tests: what a yml says of them, and what their models see of them
 *	docs.c         blocks of documentation, which descriptions take
 *	settings.c     the configuration of a node, from all that say something of it
 *	keys.c         what a yml and a configuration may hold
 *	yaml.c         YAML to values of templates
 *	partition.c    partitions and schedules, from the configuration
 *	sources.c      tables of sources, by yml and by stream; freshness.c: how old their rows may be
 *	context.c      the names that templates see; globals_*.c, relation.c, adapter.c, times.c: what
 *	               they are
 *	datetime.c     Python's modules.datetime
 *	graph.c        the graph as templates see it
 *	hooks.c        on-run-start and on-run-end
 *	ask.c          run_query and its like: what asks the warehouse; results.c, column.c: answers
 *	macros/        macros and tests that tailrace brings
 *	tokens.c       SQL as tokens, without white space and comments; pure
 *	describe.c     a node as JSON
 *	compile.c      SQL, with ephemeral models as CTEs; supports.c: whether it can be built
 */
#ifndef MODELS_INTERNAL_H
#define MODELS_INTERNAL_H

#include "config/tree.h"
#include "models/project.h"
#include "models/template/call.h"

/* Of what is wrong and stops nothing. */
#define project_warn(p, ...) ((p)->options.again ? (void)0 : log_warn(__VA_ARGS__))

struct package {
	const char *name;
	const char *folder;         /* where it is */
	const char *below;          /* before its paths in messages: "" or "dbt_packages/NAME/" */
	const struct tree *project; /* its dbt_project.yml; TREE_NULL: it has none */
	struct dict *vars;          /* of its dbt_project.yml, a package's own in front */
	bool is_own;                /* macros that tailrace brings: no files */
};
VEC_TYPE(packages, struct package *);

struct project {
	struct arena arena;
	struct project_options options;
	struct packages packages; /* the root, then those of dbt_packages, then tailrace's own */
	struct dict *vars;        /* given for this run */
	VEC(struct template *) templates;
	struct map macros;         /* "package.name" -> const struct macro * */
	struct nodes nodes, hooks; /* hooks: apart from the others once all are read */
	struct map by_id,
		by_name; /* by_name: "package.name" and "name" of what ref() finds -> struct node * */
	struct map
		sources; /* "source.table" of those that a yml declares -> struct source_table * */
	struct map docs; /* "package.name" -> text */
	int hints;       /* given at unknown names */
	int64_t started_us;
	const char *invocation;               /* a UUID */
	struct template *schema_name, *alias; /* call the macros that say where a model goes */
};

static inline const struct package *root_of(const struct project *p)
{
	return p->packages.items[0];
}

static inline const struct dialect *dialect_of(const struct project *p)
{
	return p->options.engine->dialect;
}

/* The package of macros that tailrace brings, "dbt" as in dbt. */
#define OWN_PACKAGE "dbt"

/* --- files.c --- */
VEC_TYPE(paths, const char *);
/* Paths relative to `folder` of the files below folder/sub that end so, sorted; none where it is missing. */
MUST_CHECK bool files_below(const char *folder, const char *sub, const char *suffix,
	struct arena *arena, struct paths *out, struct error *err);
/* As that, of the folders right in it, links among them; none where it is missing. */
MUST_CHECK bool folders_in(const char *folder, const char *sub, struct arena *arena,
	struct paths *out, struct error *err);

/* --- package.c --- */
MUST_CHECK bool packages_load(struct project *p, struct error *err);
/* The folders that dbt_project.yml names for a kind of file ("model-paths"), or the usual one. */
struct paths package_paths(
	struct project *p, const struct package *package, const char *key, const char *usual);
/* Adds the files in the folders of several such kinds, {"model-paths", "models"}, that end so. */
MUST_CHECK bool package_files(struct project *p, const struct package *package,
	const char *const keys[][2], size_t n_keys, const char *const *suffixes, struct paths *out,
	struct error *err);
/* What of such a file's path is below the folder that holds it. */
const char *package_inside(struct project *p, const struct package *package,
	const char *const keys[][2], size_t n_keys, const char *path);
const struct macro *project_macro(const struct project *p, const char *package, const char *name);
/* A template of the project; NULL with an error. */
struct template *project_template(
	struct project *p, const char *path, const char *text, size_t len, struct error *err);
/* That of a file below the package's folder. */
struct template *package_template(
	struct project *p, const struct package *package, const char *path, struct error *err);

/* --- yaml.c --- */
struct value value_of_tree(struct arena *arena, const struct tree *tree);
/* As that, with every text rendered as a template. */
MUST_CHECK bool rendered_tree(struct project *p, const struct package *package,
	const struct tree *tree, const char *path, struct value *out, struct error *err);

/* --- keys.c --- */
/* Has a yml the shape and the keys that one may have? */
MUST_CHECK bool yml_is_known(
	const struct project *, const char *path, const struct tree *root, struct error *err);
/* The known setting that this unknown one is nearly called; NULL. */
const char *setting_nearly(const char *name);

/* --- settings.c --- */
/* What dbt_project.yml and a yml's `config:` say of a node. */
MUST_CHECK bool settings_load(struct project *p, struct node *node, struct error *err);
/* What a yml says, rendered but for hooks and filters, which are rendered each time they run. */
MUST_CHECK bool setting_put_tree(struct project *p, struct node *node,
	const struct tree_entry *entry, const char *path, struct error *err);
struct settings {
	struct dict *values, *places;
};
/* Adds to tags, meta and hooks, replaces all else. */
void setting_put(struct arena *a, const struct settings *settings, struct value key, struct value v,
	struct value place);
struct value setting(const struct node *node, const char *key);
bool setting_truth(const struct node *node, const char *key, bool otherwise);
const char *setting_text(
	struct arena *a, const struct node *node, const char *key); /* NULL: none */

/* --- partition.c --- */
/* Takes from the configuration what the struct has members for; what is wrong is the node's problem. */
void node_take_settings(struct project *p, struct node *node);
/* Once parents are known. */
void node_take_mapping(struct project *p, struct node *node);
/* The one that stands for all, whose name is written to `key`, which must outlive it. */
MUST_CHECK bool node_first_batch(const struct node *node, char key[PERIOD_KEY_SIZE],
	struct compile_batch *out, struct error *err);

/* --- graph.c --- */
bool call_graph(struct call *c);
/* A node as `graph.nodes` has it, and `model`. */
struct value graph_node(struct arena *a, const struct project *p, const struct node *node);

/* --- nodes.c --- */
MUST_CHECK bool nodes_load(struct project *p, struct error *err);
struct node *node_new(struct project *p, enum node_kind kind, const struct package *package,
	const char *name, const char *path);
/* Where its file is, below the folder that dbt_project.yml names: its fqn is the package, the folders in that, and its
 * name. */
void node_set_inside(struct project *p, struct node *node, const char *inside);
void node_fail(struct project *p, struct node *node, const struct error *err);
/* The first renderings: config and parents. */
MUST_CHECK bool nodes_read(struct project *p, struct error *err);
struct render_place node_here(const struct node *node, struct arena *arena); /* for messages */

/* --- docs.c --- */
MUST_CHECK bool docs_load(struct project *p, struct error *err);
/* The text of a description, with the blocks that it takes; `path` is of its file. */
const char *docs_fill(
	struct project *p, const struct package *from, const char *path, const char *text);

/* --- properties.c --- */
MUST_CHECK bool properties_load(struct project *p, struct error *err);

/* --- sources.c --- */
const struct stream_source *project_stream(const struct project *p, const char *name); /* NULL */

/* Strings live as long as the project or the arena, whose are source and table. */
MUST_CHECK bool project_source(const struct project *p, struct arena *arena, const char *source,
	const char *table, struct source_table *out, struct error *err);

/* What a yml says of a source or of one of its tables: event_time, enabled, freshness. */
MUST_CHECK bool source_take_settings(struct project *p, const struct package *package,
	struct source_table *table, const struct tree *item, const char *path, struct error *err);

/* --- freshness.c --- */
/* What `freshness:` says of it. */
MUST_CHECK bool freshness_take(struct project *p, const struct package *package,
	struct source_table *table, const struct tree *tree, const char *path, struct error *err);
/* Where it stands in a yml: its path as messages say it, below the folder that dbt_project.yml names, and the line. */
struct yml_place {
	const char *path, *inside;
	int line;
};
/* The test of a table that has limits, if anything says when its rows came. */
MUST_CHECK bool freshness_test_add(struct project *p, const struct package *package,
	const struct source_table *table, const struct yml_place *at, struct error *err);

/* --- context.c --- */
/* Parents as a node's first rendering names them. */
struct ref_name {
	const char *package, *name; /* package NULL: any */
	struct render_place at;
};
VEC_TYPE(ref_names, struct ref_name);

struct context {
	struct host host;
	const struct project *project;
	const struct package *package;         /* whose names are seen */
	struct node *node;                     /* NULL: a text of YAML */
	const struct compile_options *options; /* of this rendering */
	const struct node *unit;               /* the unit test of the node that it is for; NULL */
	const struct dict *more;               /* names beyond the usual ones; NULL */
	struct dict *results;                  /* of statements, by name; NULL: none yet */
	struct value graph;                    /* once it was asked for */
	int nested_vars;                       /* variables that are being rendered */
	enum error_kind failure;               /* of the engine that was asked; ERROR_NONE */
	struct reading {
		struct arena *arena;      /* of the project */
		struct settings settings; /* what config() sets */
		struct ref_names refs;
		struct source_tables sources;
	} * reading; /* the first rendering; NULL: the last */
};
void context_init(struct context *c, const struct project *p, const struct package *package,
	struct node *node);

/* A name of every template: a function, or what a function of no arguments gives. */
struct global {
	struct function function;
	bool is_value;
};
struct globals {
	const struct global *items;
	size_t n;
};
extern const struct globals globals_of_project, globals_of_run, globals_of_asking,
	globals_of_values;

/* Functions of an object, its data the object's context. */
struct methods {
	const struct function *items;
	size_t n;
};
bool method_get(struct render *r, struct object *self, struct methods methods, const char *name,
	struct value *out);
static inline struct context *context_of(const struct call *c)
{
	return c->data;
}

/* An object that knows its context. */
struct context_object {
	struct object object;
	struct context *context;
};
struct value context_object(struct call *c, const struct object_ops *ops);
static inline struct context *self_context(const struct call *c)
{
	return ((struct context_object *)c->self.object)->context;
}

/* --- adapter.c --- */
bool call_adapter(struct call *c);
bool call_load_relation(struct call *c);
bool call_api(struct call *c);

/* --- ask.c --- */
/* May this call ask the warehouse? False in the first rendering, with the result none and *ok true, and where
 * nobody can be asked, with an error. */
bool may_ask(struct call *c, struct context *context, bool *ok);
/* Ends a call in which the engine failed; false. */
bool asking_failed(struct call *c, struct context *context, const struct error *err);
bool call_execute_sql(struct call *c); /* adapter.execute() */

/* --- results.c --- */
/* An answer as dbt's templates know it: agate's Table. */
struct value table_value(struct arena *a, const struct engine_rows *rows);

/* --- column.c --- */
/* What get_columns_in_relation() gives: dbt's Column. */
struct value column_value(
	struct arena *a, const struct dialect *dialect, const char *name, const char *type);
/* A name as the warehouse quotes it. */
struct value quoted_name(struct render *r, const struct dialect *dialect, const char *name);

/* --- times.c --- */
/* As a datetime of Python, in UTC or without a zone; or as a date. */
enum time_kind { TIME_ZONED, TIME_PLAIN, TIME_DATE };
struct value time_value(struct arena *a, int64_t us, enum time_kind kind);
/* The same moment, by a clock so far east of UTC. */
struct value time_zoned(struct arena *a, int64_t us, int32_t offset_s);
bool value_is_time(struct value v, int64_t *us, enum time_kind *kind);
int32_t time_offset(struct value time); /* seconds */
/* `partition` and `model.batch`: of the batch that is compiled for. */
bool call_partition(struct call *c);
struct value batch_value(struct context *c, struct arena *a);
const struct compile_batch *batch_of(const struct context *c);

/* --- datetime.c --- */
struct value datetime_module(struct arena *a, struct context *context);
object_add_fn time_add;
bool call_time_replace(struct call *c);

/* --- timezone.c --- */
struct value pytz_module(struct arena *a);
bool call_astimezone(struct call *c);
/* The moment of that zone's clock, or, where `zone` is none, of no zone. */
bool time_of_zone(struct call *c, int64_t local_us, struct value zone);
/* The moment as that zone's clock shows it. */
bool time_in_zone(struct call *c, int64_t us, struct value zone);

/* --- relation.c --- */
struct relation_filter {
	const char *event_time; /* NULL: none */
	int64_t from_us, to_us;
};
struct value relation_value(struct arena *a, const struct dialect *dialect,
	struct relation_name name, const char *type, const struct relation_filter *filter);
bool call_create_relation(struct call *c); /* api.Relation.create() */
/* The table that an argument is; false: an error. */
MUST_CHECK bool relation_argument(struct call *c, size_t i, struct relation_name *out);
/* What a common table expression of the query gives. */
struct value cte_value(struct arena *a, const struct dialect *dialect, const char *name);
/* Of an ephemeral model, and of what a unit test gives in the place of a table. */
#define CTE_PREFIX "__dbt__cte__"

/* --- hooks.c --- */
MUST_CHECK bool hooks_load(struct project *p, struct error *err);
MUST_CHECK bool hook_render(
	struct context *c, const struct node *node, struct buf *out, struct error *err);

/* --- compile.c --- */
/* Its own SQL, with the names of that context. */
MUST_CHECK bool node_render(
	struct context *c, const struct node *node, struct buf *out, struct error *err);
extern const struct compile_options compile_nothing;

/* --- unit.c --- */
/* Those of a yml become nodes; `inside`: where it is below the folder that dbt_project.yml names. */
MUST_CHECK bool unit_tests_load(struct project *p, const struct package *package, const char *path,
	const char *inside, const struct tree *root, struct error *err);
/* Once names are known: finds what it gives rows of. */
void unit_test_resolve(struct project *p, struct node *node);
/* While the model is rendered for a unit test: what stands for a node, or a table of a source; false: it is not given. */
bool unit_input(struct call *c, const struct node *node, const struct source_table *source);
/* `name` of `package`, or of none, as the unit test overrides it; absent: it does not. */
struct value unit_override(
	const struct context *c, struct render *r, const char *package, const char *name);

/* --- project.c --- */
struct node *project_ref(const struct project *p, const char *package, const char *name);
struct value node_value(struct arena *a, const struct node *node); /* `model` of templates */
void node_release(struct node *node);

#endif
