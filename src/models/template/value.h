/*
 * What templates compute with: Python's values, as far as Jinja's templates see them.
 *
 * A value is 16 bytes, passed and copied by value. What it points to lies in an arena and is never
 * freed by itself: a value is good for as long as that arena, and may point into another one that
 * lives longer, never the other way round. Two values may share a list or dict, as in Python. What
 * outlives the rendering (a project's variables, a target) is frozen by its owner: templates read
 * it, and an attempt to change it is an error.
 *
 * Strings are UTF-8 without exception; lengths and indexes that templates see are in code points.
 * Integers have 64 bits: what would not fit is an error, never a wrong number.
 */
#ifndef MODELS_TEMPLATE_VALUE_H
#define MODELS_TEMPLATE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "base/arena.h"

enum value_kind {
	VALUE_ABSENT,    /* no value: a parameter that was not given; templates never see it */
	VALUE_UNDEFINED, /* prints nothing, is false and empty; any other use is an error */
	VALUE_NONE,
	VALUE_BOOL,
	VALUE_INT,
	VALUE_FLOAT,
	VALUE_STRING,
	VALUE_LIST,
	VALUE_TUPLE,
	VALUE_DICT,
	VALUE_RANGE,
	VALUE_VIEW,     /* keys(), values(), items() of a dict, live */
	VALUE_ITERATOR, /* what map, select and their like return: can be gone through once */
	VALUE_CALLABLE,
	VALUE_OBJECT,
};

struct value {
	enum value_kind kind;
	uint32_t len; /* of a string, in bytes */
	union {
		bool b;
		int64_t i;
		double f;
		const char *s;   /* not terminated, may hold NUL */
		const char *why; /* of undefined: what its use is answered with */
		struct list *list;
		struct dict *dict;
		struct range *range;
		struct view *view;
		struct iterator *iterator;
		const struct callable *callable;
		struct object *object;
	};
};

/* A list or a tuple. */
struct list {
	struct value *items;
	size_t len, cap;
	const char *const *fields; /* of a named tuple, as many as items; NULL */
	bool frozen;
};

/* A dict keeps the order in which its keys came. */
struct dict_entry {
	struct value key, value; /* key absent: removed */
	uint64_t hash;
};
struct dict {
	struct dict_entry *entries;
	size_t used, cap;
	size_t len;      /* entries that were not removed */
	uint32_t *slots; /* open addressing: index of an entry + 1; NULL while it is small */
	size_t n_slots;
	bool frozen;
};

struct range {
	int64_t start, stop, step;
	size_t len;
};

enum view_of { VIEW_KEYS, VIEW_VALUES, VIEW_ITEMS };
struct view {
	struct dict *dict;
	enum view_of of;
};

struct render;
struct macro;
struct buf;
/* Something that can be called: a function of the host, a method with what it is of, a macro. */
struct call;
typedef bool call_fn(struct call *c); /* see call.h */
struct function {
	const char *name;
	const char *signature;
	call_fn *call;
};
struct callable {
	const struct function *function;
	struct value self;         /* what a method is called on; absent */
	void *data;                /* the function's own */
	const struct macro *macro; /* NULL */
};

/* Something with attributes. Make one by a struct that begins with it. */
struct object {
	const struct object_ops *ops;
};
/* False when the object has no such attribute; true with an absent value after a failure. */
typedef bool object_get_fn(
	struct render *r, struct object *self, const char *name, struct value *out);
typedef bool object_set_fn(
	struct render *r, struct object *self, const char *name, struct value value);
typedef bool object_print_fn(struct render *r, struct object *self, struct buf *out);
typedef struct list *object_items_fn(struct object *self);
typedef const char *object_key_fn(const struct object *self);
/* a + b, or a - b; one of them is the object. An absent value: there is no such sum. */
typedef bool object_add_fn(
	struct render *r, struct value a, struct value b, bool minus, struct value *out);
struct object_ops {
	const char *type;            /* as messages name it: "Relation" */
	object_get_fn *get;          /* may be NULL: no attributes */
	object_set_fn *set;          /* may be NULL: cannot be assigned to; false: failed */
	object_print_fn *print;      /* may be NULL: "<TYPE>" */
	const struct function *call; /* may be NULL: cannot be called; self is the object */
	object_items_fn *items;      /* may be NULL: cannot be gone through, counted, indexed */
	/* may be NULL: it equals itself alone. Objects of a type are equal when their keys are, and
	 * in the order of them. */
	object_key_fn *key;
	object_add_fn *add; /* may be NULL: it is no number */
	bool is_mapping;    /* to the test of that name */
};

static inline struct value value_none(void)
{
	return (struct value){.kind = VALUE_NONE};
}
static inline struct value value_bool(bool b)
{
	return (struct value){.kind = VALUE_BOOL, .b = b};
}
static inline struct value value_int(int64_t i)
{
	return (struct value){.kind = VALUE_INT, .i = i};
}
static inline struct value value_float(double f)
{
	return (struct value){.kind = VALUE_FLOAT, .f = f};
}
/* The bytes are not copied. */
static inline struct value value_bytes(const char *s, size_t len)
{
	return (struct value){.kind = VALUE_STRING, .len = (uint32_t)len, .s = s};
}
static inline struct value value_text(const char *s)
{
	return value_bytes(s, strlen(s));
}
static inline struct value value_list(struct list *list)
{
	return (struct value){.kind = VALUE_LIST, .list = list};
}
static inline struct value value_tuple(struct list *list)
{
	return (struct value){.kind = VALUE_TUPLE, .list = list};
}
static inline struct value value_dict(struct dict *dict)
{
	return (struct value){.kind = VALUE_DICT, .dict = dict};
}
static inline struct value value_object(struct object *object)
{
	return (struct value){.kind = VALUE_OBJECT, .object = object};
}
static inline struct value value_callable(const struct callable *callable)
{
	return (struct value){.kind = VALUE_CALLABLE, .callable = callable};
}
/* `why` is not copied; "'x' is undefined". */
static inline struct value value_undefined(const char *why)
{
	return (struct value){.kind = VALUE_UNDEFINED, .why = why};
}

static inline bool value_given(struct value v)
{
	return v.kind != VALUE_ABSENT;
}
static inline bool value_is_text(struct value v, const char *s)
{
	return v.kind == VALUE_STRING && v.len == strlen(s) && !memcmp(v.s, s, v.len);
}

/* A function of the host with its data; a method with what it is called on. */
struct value function_value(struct arena *a, const struct function *function, void *data);
struct value method_value(struct arena *a, const struct function *function, struct value self);

/* What an object is gone through by; NULL. */
static inline struct list *value_items(struct value v)
{
	bool has = v.kind == VALUE_OBJECT && v.object->ops->items;
	return has ? v.object->ops->items(v.object) : NULL;
}

/* A copy of the string in the arena, NUL-terminated. */
char *value_strdup(struct arena *a, struct value string);

/* What Python calls the type: "int", "NoneType". */
const char *value_type(struct value v);
bool value_truth(struct value v);

struct list *list_new(struct arena *a, size_t cap);
void list_append(struct arena *a, struct list *list, struct value v);

struct dict *dict_new(struct arena *a);
/* Lists and dicts are no keys, nor are tuples that hold them. The functions below take none
 * such. */
bool value_is_key(struct value v);
struct value *dict_find(const struct dict *dict, struct value key); /* NULL: has it not */
void dict_put(struct arena *a, struct dict *dict, struct value key, struct value value);
void dict_put_text(struct arena *a, struct dict *dict, const char *key, struct value value);
struct value dict_get_text(const struct dict *dict, const char *key); /* absent: has it not */
/* That of a value which may be no dict. */
static inline struct value value_member(struct value of, const char *key)
{
	return of.kind == VALUE_DICT ? dict_get_text(of.dict, key) : (struct value){0};
}
bool dict_remove(struct dict *dict, struct value key, struct value *old);
void dict_clear(struct dict *dict); /* keeps its memory */
/* Visits the entries in order: start with *i = 0; NULL at the end. */
struct dict_entry *dict_next(const struct dict *dict, size_t *i);

/* A deep copy of plain values (numbers, strings, lists, tuples, dicts), none of it frozen;
 * absent stands for what is none, or is nested too deep, as a list that holds itself is. */
struct value value_copy(struct arena *a, struct value v);
void value_freeze(struct value v);

#endif
