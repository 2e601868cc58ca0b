/*
 * A schema registry with Confluent's REST API (docs.confluent.io, "Schema Registry API Reference"), which Apicurio
 * (at /apis/ccompat/v7), Karapace and Redpanda have as well. Schemas are text here: who asks parses them.
 * What was answered once is kept for good, as ids and schemas never change. Any thread.
 *
 * Errors: nobody answers, 429 or 5xx at every URL is ERROR_RETRY; who may not (401, 403) or a wrong URL
 * ERROR_CONFIG; a schema that is not to be had ERROR_DATA; one that the registry refuses ERROR_TABLE.
 */
#ifndef CLIENTS_REGISTRY_H
#define CLIENTS_REGISTRY_H

#include "base/buf.h"
#include "core/option.h"

enum registry_naming { SUBJECT_TOPIC_NAME, SUBJECT_RECORD_NAME, SUBJECT_TOPIC_RECORD_NAME };

struct registry_options {
	const char *urls; /* one or several, by commas; NULL: no registry */
	const char *username, *password;
	const char *ca_location;
	int naming; /* enum registry_naming */
	bool register_schemas;
};
extern const struct option registry_option_table[]; /* of struct registry_options */

/* Reaches nobody. NULL: ERROR_CONFIG. */
struct registry;
struct registry *registry_new(const struct registry_options *, struct error *);
void registry_free(struct registry *); /* NULL is allowed */

/* Is it there, may we, and does it know Avro? */
MUST_CHECK bool registry_reach(struct registry *, struct error *);

/* Appends the subject of the schema of a topic's keys or values. Of a schema that is no record's the topic counts. */
void registry_subject(const struct registry *, const char *topic, bool is_key, const char *schema,
	struct buf *out);

/* The schema of an id; it lives as long as the registry. NULL: an error, ERROR_DATA of an id that
 * is not known, and of a schema that is not Avro's. */
const char *registry_schema(struct registry *, uint32_t id, struct error *);
/* What it was said lately that there is none of is asked for again at once. */
void registry_ask_anew(struct registry *);

/* The id of a schema under a subject, where it is registered if it is not yet and we may. ERROR_TABLE: the
 * registry refuses it, with the registry's words and what differs from the latest version. */
MUST_CHECK bool registry_register(
	struct registry *, const char *subject, const char *schema, uint32_t *id, struct error *);

/* Would registry_register() succeed? Changes nothing. Where we may not read the subject's compatibility, the latest
 * version alone counts. */
MUST_CHECK bool registry_compatible(
	struct registry *, const char *subject, const char *schema, struct error *);

#endif
