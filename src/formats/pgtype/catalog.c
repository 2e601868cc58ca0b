/* The types of a database by oid; see pgtype.h. */
#include "formats/pgtype/forms.h"

#define OID_BOX          603
#define OID_ACLITEM      1033
#define OID_GTSVECTOR    3642
#define FIRST_MULTIRANGE 4451

static void add_array(struct pg_catalog *c, const struct pg_form *form)
{
	char name[72] = "_";

	strncat(name, form->name, sizeof name - 2);
	pg_catalog_add(c, &(struct pg_type){.oid = form->array,
				  .schema = "pg_catalog",
				  .name = name,
				  .typtype = 'b',
				  .category = 'A',
				  .delimiter = form->oid == OID_BOX ? ';' : ',',
				  .element = form->oid});
}

void pg_catalog_init(struct pg_catalog *c)
{
	size_t n;
	const struct pg_form *forms = pg_form_all(&n);

	*c = (struct pg_catalog){0};
	arena_init(&c->arena);
	for (size_t i = 0; i < n; i++) {
		const struct pg_form *form = &forms[i];
		bool multirange = form->subtype && form->oid >= FIRST_MULTIRANGE;
		pg_catalog_add(c,
			&(struct pg_type){.oid = form->oid,
				.schema = "pg_catalog",
				.name = form->name,
				.typtype = multirange      ? 'm'
					   : form->subtype ? 'r'
							   : 'b',
				.category = form->category,
				.delimiter = form->oid == OID_BOX ? ';' : ',',
				.no_send = form->oid == OID_ACLITEM || form->oid == OID_GTSVECTOR,
				.subtype = form->subtype});
		if (form->array)
			add_array(c, form);
	}
}

void pg_catalog_release(struct pg_catalog *c)
{
	map_release(&c->types);
	arena_release(&c->arena);
}

void pg_catalog_add(struct pg_catalog *c, const struct pg_type *type)
{
	struct pg_type *kept = arena_alloc(&c->arena, sizeof *kept);
	struct pg_field *fields = arena_alloc(&c->arena, (type->n_fields + 1) * sizeof *fields);

	*kept = *type;
	kept->schema = arena_strdup(&c->arena, type->schema);
	kept->name = arena_strdup(&c->arena, type->name);
	kept->delimiter = type->delimiter ? type->delimiter : ',';
	for (size_t i = 0; i < type->n_fields; i++)
		fields[i] = (struct pg_field){
			.name = arena_strdup(&c->arena, type->fields[i].name),
			.type = type->fields[i].type,
		};
	kept->fields = fields;
	map_put(&c->types, &kept->oid, sizeof kept->oid, kept);
}

const struct pg_type *pg_catalog_find(const struct pg_catalog *c, uint32_t oid)
{
	return map_get(&c->types, &oid, sizeof oid);
}
