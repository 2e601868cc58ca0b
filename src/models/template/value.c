/* Values, lists and dicts; see value.h. A dict of up to SMALL entries is searched one by one, a
 * larger one has an index. */
#include "models/template/value.h"

#include <math.h>
#include "models/template/render.h"

#define SMALL        8
#define KEY_NESTING  8
#define COPY_NESTING 100

char *value_strdup(struct arena *a, struct value string)
{
	return arena_strndup(a, string.s, string.len);
}

const char *value_type(struct value v)
{
	static const char *const views[] = {[VIEW_KEYS] = "dict_keys",
		[VIEW_VALUES] = "dict_values",
		[VIEW_ITEMS] = "dict_items"};

	switch (v.kind) {
	case VALUE_ABSENT:
	case VALUE_UNDEFINED: return "Undefined";
	case VALUE_NONE: return "NoneType";
	case VALUE_BOOL: return "bool";
	case VALUE_INT: return "int";
	case VALUE_FLOAT: return "float";
	case VALUE_STRING: return "str";
	case VALUE_LIST: return "list";
	case VALUE_TUPLE: return "tuple";
	case VALUE_DICT: return "dict";
	case VALUE_RANGE: return "range";
	case VALUE_VIEW: return views[v.view->of];
	case VALUE_ITERATOR: return "generator";
	case VALUE_CALLABLE: return v.callable->macro ? "Macro" : "function";
	case VALUE_OBJECT: return v.object->ops->type;
	}
	return "?";
}

bool value_truth(struct value v)
{
	switch (v.kind) {
	case VALUE_ABSENT:
	case VALUE_UNDEFINED:
	case VALUE_NONE: return false;
	case VALUE_BOOL: return v.b;
	case VALUE_INT: return v.i != 0;
	case VALUE_FLOAT: return v.f != 0;
	case VALUE_STRING: return v.len > 0;
	case VALUE_LIST:
	case VALUE_TUPLE: return v.list->len > 0;
	case VALUE_DICT: return v.dict->len > 0;
	case VALUE_RANGE: return v.range->len > 0;
	case VALUE_VIEW: return v.view->dict->len > 0;
	case VALUE_ITERATOR:
	case VALUE_CALLABLE:
	case VALUE_OBJECT: return true;
	}
	return false;
}

struct list *list_new(struct arena *a, size_t cap)
{
	struct list *list = arena_alloc(a, sizeof *list);

	list->cap = cap;
	if (cap)
		list->items = arena_alloc(a, cap * sizeof *list->items);
	return list;
}

void list_append(struct arena *a, struct list *list, struct value v)
{
	if (list->len == list->cap) {
		size_t cap = list->cap ? list->cap * 2 : 4;
		struct value *items = arena_alloc(a, cap * sizeof *items);
		if (list->len)
			memcpy(items, list->items, list->len * sizeof *items);
		list->items = items;
		list->cap = cap;
	}
	list->items[list->len++] = v;
}

struct dict *dict_new(struct arena *a)
{
	return arena_alloc(a, sizeof(struct dict));
}

static bool is_key(struct value v, int nesting)
{
	if (v.kind == VALUE_LIST || v.kind == VALUE_DICT || v.kind == VALUE_VIEW)
		return false;
	if (v.kind != VALUE_TUPLE)
		return true;
	if (nesting == KEY_NESTING)
		return false;
	for (size_t i = 0; i < v.list->len; i++)
		if (!is_key(v.list->items[i], nesting + 1))
			return false;
	return true;
}

bool value_is_key(struct value v)
{
	return is_key(v, 0);
}

struct value function_value(struct arena *a, const struct function *function, void *data)
{
	struct callable *callable = arena_alloc(a, sizeof *callable);

	callable->function = function;
	callable->data = data;
	return value_callable(callable);
}

struct value method_value(struct arena *a, const struct function *function, struct value self)
{
	struct callable *callable = arena_alloc(a, sizeof *callable);

	callable->function = function;
	callable->self = self;
	return value_callable(callable);
}

static uint64_t mix(uint64_t h, uint64_t x)
{
	h = (h ^ x) * 0x9e3779b97f4a7c15u;
	return h ^ (h >> 32);
}

static uint64_t hash_bytes(const char *s, size_t len)
{
	uint64_t h = len;

	for (; len >= 8; s += 8, len -= 8) {
		uint64_t word;
		memcpy(&word, s, 8);
		h = mix(h, word);
	}
	uint64_t rest = 0;
	memcpy(&rest, s, len);
	return mix(h, rest);
}

/* 1, 1.0 and true are the same key. */
static uint64_t hash(struct value v)
{
	uint64_t h = 17;

	switch (v.kind) {
	case VALUE_BOOL: return mix(VALUE_INT, v.b);
	case VALUE_INT: return mix(VALUE_INT, (uint64_t)v.i);
	case VALUE_FLOAT:
		if (v.f == floor(v.f) && fabs(v.f) < 0x1p63)
			return mix(VALUE_INT, (uint64_t)(int64_t)v.f);
		memcpy(&h, &v.f, sizeof h);
		return mix(VALUE_FLOAT, h);
	case VALUE_STRING: return hash_bytes(v.s, v.len);
	case VALUE_TUPLE:
		for (size_t i = 0; i < v.list->len; i++)
			h = mix(h, hash(v.list->items[i]));
		return h;
	case VALUE_CALLABLE: return mix(VALUE_CALLABLE, (uintptr_t)v.callable);
	case VALUE_OBJECT:
		if (!v.object->ops->key)
			return mix(VALUE_OBJECT, (uintptr_t)v.object);
		const char *key = v.object->ops->key(v.object);
		return mix(VALUE_OBJECT, hash_bytes(key, strlen(key)));
	case VALUE_ITERATOR: return mix(VALUE_ITERATOR, (uintptr_t)v.iterator);
	case VALUE_RANGE:
	case VALUE_ABSENT:
	case VALUE_UNDEFINED:
	case VALUE_NONE:
	case VALUE_LIST:
	case VALUE_DICT:
	case VALUE_VIEW: return v.kind;
	}
	return 0;
}

bool object_order(const struct object *a, const struct object *b, int *out)
{
	*out = a != b;
	if (a->ops != b->ops || !a->ops->key)
		return a == b;
	*out = strcmp(a->ops->key(a), b->ops->key(b));
	return true;
}

static bool same_key(struct value a, struct value b)
{
	int c;

	if (number_is(a) && number_is(b))
		return number_compare(a, b) == 0;
	if (a.kind != b.kind)
		return false;
	if (a.kind == VALUE_STRING)
		return a.len == b.len && !memcmp(a.s, b.s, a.len);
	if (a.kind == VALUE_OBJECT)
		return object_order(a.object, b.object, &c) && !c;
	if (a.kind != VALUE_TUPLE)
		return a.kind <= VALUE_NONE || a.list == b.list;
	if (a.list->len != b.list->len)
		return false;
	for (size_t i = 0; i < a.list->len; i++)
		if (!same_key(a.list->items[i], b.list->items[i]))
			return false;
	return true;
}

static struct dict_entry *find(const struct dict *dict, struct value key, uint64_t h)
{
	if (!dict->slots) {
		for (size_t i = 0; i < dict->used; i++)
			if (dict->entries[i].hash == h && same_key(dict->entries[i].key, key))
				return &dict->entries[i];
		return NULL;
	}
	for (size_t s = h & (dict->n_slots - 1); dict->slots[s];
		s = (s + 1) & (dict->n_slots - 1)) {
		struct dict_entry *entry = &dict->entries[dict->slots[s] - 1];
		if (entry->hash == h && same_key(entry->key, key))
			return entry;
	}
	return NULL;
}

struct value *dict_find(const struct dict *dict, struct value key)
{
	struct dict_entry *entry = find(dict, key, hash(key));
	return entry ? &entry->value : NULL;
}

/* Room for more entries, those that were removed left out; the index is made anew. */
static void grow(struct arena *a, struct dict *dict)
{
	size_t cap = dict->len * 2 < 4 ? 4 : dict->len * 2, used = 0;
	struct dict_entry *entries = arena_alloc(a, cap * sizeof *entries);

	for (size_t i = 0; i < dict->used; i++)
		if (value_given(dict->entries[i].key))
			entries[used++] = dict->entries[i];
	dict->entries = entries;
	dict->used = used;
	dict->cap = cap;
	dict->slots = NULL;
	if (cap <= SMALL)
		return;
	dict->n_slots = 16;
	while (dict->n_slots < cap * 2)
		dict->n_slots *= 2;
	dict->slots = arena_alloc(a, dict->n_slots * sizeof *dict->slots);
}

static void index_entry(struct dict *dict, size_t i)
{
	if (!dict->slots)
		return;
	size_t s = dict->entries[i].hash & (dict->n_slots - 1);
	while (dict->slots[s])
		s = (s + 1) & (dict->n_slots - 1);
	dict->slots[s] = (uint32_t)i + 1;
}

void dict_put(struct arena *a, struct dict *dict, struct value key, struct value value)
{
	uint64_t h = hash(key);
	struct dict_entry *entry = find(dict, key, h);

	if (entry) {
		entry->value = value;
		return;
	}
	if (dict->used == dict->cap) {
		grow(a, dict);
		for (size_t i = 0; i < dict->used; i++)
			index_entry(dict, i);
	}
	dict->entries[dict->used] = (struct dict_entry){.key = key, .value = value, .hash = h};
	index_entry(dict, dict->used++);
	dict->len++;
}

void dict_put_text(struct arena *a, struct dict *dict, const char *key, struct value value)
{
	dict_put(a, dict, value_text(key), value);
}

struct value dict_get_text(const struct dict *dict, const char *key)
{
	struct value *found = dict_find(dict, value_text(key));
	return found ? *found : (struct value){0};
}

bool dict_remove(struct dict *dict, struct value key, struct value *old)
{
	struct dict_entry *entry = find(dict, key, hash(key));

	if (!entry)
		return false;
	*old = entry->value;
	/* The slot stays taken, by an entry that no key equals. */
	entry->key = (struct value){0};
	dict->len--;
	return true;
}

void dict_clear(struct dict *dict)
{
	dict->used = dict->len = 0;
	if (dict->slots)
		memset(dict->slots, 0, dict->n_slots * sizeof *dict->slots);
}

struct dict_entry *dict_next(const struct dict *dict, size_t *i)
{
	while (*i < dict->used) {
		struct dict_entry *entry = &dict->entries[(*i)++];
		if (value_given(entry->key))
			return entry;
	}
	return NULL;
}

static struct value copy(struct arena *a, struct value v, int nesting);

static struct dict *copy_dict(struct arena *a, const struct dict *from, int nesting)
{
	struct dict *to = dict_new(a);
	size_t i = 0;

	for (struct dict_entry *entry; (entry = dict_next(from, &i));)
		dict_put(a, to, copy(a, entry->key, nesting), copy(a, entry->value, nesting));
	return to;
}

static struct value copy(struct arena *a, struct value v, int nesting)
{
	if (v.kind == VALUE_STRING)
		return value_bytes(value_strdup(a, v), v.len);
	if (v.kind == VALUE_UNDEFINED)
		return value_undefined(arena_strdup(a, v.why));
	if (v.kind < VALUE_STRING)
		return v;
	if (v.kind > VALUE_DICT || nesting == COPY_NESTING)
		return (struct value){0};
	if (v.kind == VALUE_DICT)
		return value_dict(copy_dict(a, v.dict, nesting + 1));
	struct list *list = list_new(a, v.list->len);
	for (size_t i = 0; i < v.list->len; i++)
		list_append(a, list, copy(a, v.list->items[i], nesting + 1));
	list->fields = v.list->fields;
	v.list = list;
	return v;
}

struct value value_copy(struct arena *a, struct value v)
{
	return copy(a, v, 0);
}

void value_freeze(struct value v)
{
	if (v.kind == VALUE_LIST || v.kind == VALUE_TUPLE) {
		if (v.list->frozen)
			return;
		v.list->frozen = true;
		for (size_t i = 0; i < v.list->len; i++)
			value_freeze(v.list->items[i]);
	} else if (v.kind == VALUE_DICT && !v.dict->frozen) {
		v.dict->frozen = true;
		size_t i = 0;
		for (struct dict_entry *entry; (entry = dict_next(v.dict, &i));)
			value_freeze(entry->value);
	}
}
