/* Whether what a project says can be built: for those who come with a project of dbt's. */
#include "base/text.h"
#include "models/internal.h"

static bool known_strategy(struct arena *a, const struct node *node, struct error *err)
{
	static const char *const known[] = {"append", "delete+insert", "delete_insert",
		"insert_overwrite", "merge", "microbatch", "legacy", NULL};
	const char *word = setting_text(a, node, "incremental_strategy");

	if (node->materialization != MATERIALIZED_INCREMENTAL || !word ||
		text_is_one_of(word, known))
		return true;
	return error_set(err, ERROR_CONFIG,
		"%s: incremental_strategy: '%s' is none that is known here",
		node_place(node, "incremental_strategy"), word);
}

/* The first partition stands for all. */
static bool renders(const struct project *p, const struct node *node, struct error *err)
{
	bool asks = false;
	struct compile_options options = {.asks = &asks, .command = "build"};
	struct compile_batch batch;
	char key[PERIOD_KEY_SIZE];
	struct buf sql;
	bool ok = true;

	if (!node->problem && node_is_partitioned(node)) {
		ok = node_first_batch(node, key, &batch, err);
		options.batch = &batch;
	}
	buf_init(&sql, BUF_MAX);
	ok = ok && (project_compile(p, node, &options, &sql, err) || asks);
	buf_release(&sql);
	return ok;
}

bool project_supports(const struct project *p, const struct node *node, struct error *err)
{
	struct arena a;

	arena_init(&a);
	bool ok = node->kind == NODE_SEED ||
		  (renders(p, node, err) && known_strategy(&a, node, err));
	arena_release(&a);
	if (ok)
		error_clear(err);
	return ok;
}
