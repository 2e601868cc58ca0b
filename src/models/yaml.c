/* YAML to the values of templates, as it is or with its texts rendered; see internal.h. */
#include "models/internal.h"

static struct dict *dict_of(struct arena *arena, const struct tree *tree)
{
	struct dict *dict = dict_new(arena);

	for (size_t i = 0; i < tree->n; i++)
		dict_put_text(arena, dict, tree->entries[i].key,
			value_of_tree(arena, tree->entries[i].value));
	return dict;
}

static struct list *list_of(struct arena *arena, const struct tree *tree)
{
	struct list *list = list_new(arena, tree->n);

	for (size_t i = 0; i < tree->n; i++)
		list_append(arena, list, value_of_tree(arena, tree->entries[i].value));
	return list;
}

struct value value_of_tree(struct arena *arena, const struct tree *tree)
{
	switch (tree->kind) {
	case TREE_NULL: return value_none();
	case TREE_BOOL: return value_bool(tree->b);
	case TREE_INT: return value_int(tree->i);
	case TREE_FLOAT: return value_float(tree->f);
	case TREE_TEXT: return value_text(tree->text);
	case TREE_LIST: return value_list(list_of(arena, tree));
	case TREE_MAP: return value_dict(dict_of(arena, tree));
	}
	return value_none();
}

struct rendering {
	struct project *p;
	struct context context;
	const char *path;
	struct error *err;
};

static bool render_tree(struct rendering *r, const struct tree *tree, struct value *out);

static bool render_scalar(struct rendering *r, const struct tree *tree, struct value *out)
{
	const char *name;
	struct template *t;

	*out = value_of_tree(&r->p->arena, tree);
	if (tree->kind != TREE_TEXT || (!strstr(tree->text, "{{") && !strstr(tree->text, "{%")))
		return true;
	name = arena_printf(&r->p->arena, "%s:%d", r->path, tree->line);
	t = template_parse(name, tree->text, strlen(tree->text), r->err);
	bool ok = t && template_value(t, &r->context.host, NULL, &r->p->arena, out, r->err);
	template_free(t);
	return ok;
}

static bool render_map(struct rendering *r, const struct tree *tree, struct value *out)
{
	*out = value_dict(dict_new(&r->p->arena));
	for (size_t i = 0; i < tree->n; i++) {
		const struct tree_entry *entry = &tree->entries[i];
		struct value v = {0};
		if (!render_tree(r, entry->value, &v))
			return false;
		dict_put_text(&r->p->arena, out->dict, entry->key, v);
	}
	return true;
}

static bool render_tree(struct rendering *r, const struct tree *tree, struct value *out)
{
	if (tree->kind == TREE_MAP)
		return render_map(r, tree, out);
	if (tree->kind != TREE_LIST)
		return render_scalar(r, tree, out);
	*out = value_list(list_new(&r->p->arena, tree->n));
	for (size_t i = 0; i < tree->n; i++) {
		struct value v;
		if (!render_tree(r, tree->entries[i].value, &v))
			return false;
		list_append(&r->p->arena, out->list, v);
	}
	return true;
}

bool rendered_tree(struct project *p, const struct package *package, const struct tree *tree,
	const char *path, struct value *out, struct error *err)
{
	struct rendering r = {.p = p, .path = path, .err = err};

	context_init(&r.context, p, package, NULL);
	return render_tree(&r, tree, out);
}
