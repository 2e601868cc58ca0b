/*
 * External models in object storage of S3's protocol. The engine writes the object itself, as one upload, which takes
 * the place of the old object once it is complete: who reads gets the old or the new. The keys are in the statement
 * that is sent, and in nothing that is kept.
 */
#include <ctype.h>
#include <stdlib.h>
#include "base/failpoint.h"
#include "base/text.h"
#include "build/making.h"

#define HIDDEN "[HIDDEN]" /* as ClickHouse writes it */

static const char *environment(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : NULL;
}

static const char *first(const char *a, const char *b, const char *c)
{
	return a ? a : b ? b : c;
}

/* By the configuration; else by the variables that all tools of S3 know; else those of the engine itself. */
static bool take_keys(const struct making *m, struct object_target *out, struct error *err)
{
	const struct s3_config *s3 = &m->w->s3;
	bool configured = s3->access_key_id || s3->secret_access_key;

	out->access_key_id = configured ? s3->access_key_id : environment("AWS_ACCESS_KEY_ID");
	out->secret_access_key = configured ? s3->secret_access_key
					    : environment("AWS_SECRET_ACCESS_KEY");
	if (!configured && out->access_key_id)
		out->session_token = environment("AWS_SESSION_TOKEN");
	if (!out->access_key_id == !out->secret_access_key)
		return true;
	return config_wrong(m, "location", err, "S3 needs both keys: %s is not set, and %s is",
		out->access_key_id ? "the secret (models.s3_secret_access_key, or "
				     "AWS_SECRET_ACCESS_KEY)"
				   : "the id (models.s3_access_key_id, or AWS_ACCESS_KEY_ID)",
		out->access_key_id ? "the id" : "the secret");
}

/* Where the bucket's name begins: paths name it everywhere, hosts not with every server. */
static void put_endpoint(const struct making *m, struct buf *out)
{
	const struct s3_config *s3 = &m->w->s3;
	const char *endpoint = first(
		s3->endpoint, environment("AWS_ENDPOINT_URL_S3"), environment("AWS_ENDPOINT_URL"));
	const char *region = first(
		s3->region, environment("AWS_REGION"), environment("AWS_DEFAULT_REGION"));
	size_t len = endpoint ? strlen(endpoint) : 0;

	while (len && endpoint[len - 1] == '/')
		len--;
	if (len)
		buf_append(out, endpoint, len);
	else
		buf_printf(out, "https://s3.%s.amazonaws.com", region ? region : "us-east-1");
}

static bool is_bucket(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!islower((unsigned char)name[i]) && !isdigit((unsigned char)name[i]) &&
			!strchr(".-_", name[i]))
			return false;
	return len;
}

static void put_encoded(struct buf *out, const char *path)
{
	for (; *path; path++) {
		if (isalnum((unsigned char)*path) || strchr("/-_.~=", *path))
			buf_u8(out, (uint8_t)*path);
		else
			buf_printf(out, "%%%02X", (unsigned char)*path);
	}
}

static bool read_url(
	const struct making *m, const char *location, const char **out, struct error *err)
{
	const char *bucket = location + strlen(S3_SCHEME), *slash = strchr(bucket, '/');
	struct buf url;

	if (!slash || !slash[1] || !is_bucket(bucket, (size_t)(slash - bucket)))
		return config_wrong(m, "location", err,
			"an object is named by its bucket and its path, as in "
			"'s3://lake/sales/{partition}.parquet'");
	if (strpbrk(slash, "*?{}"))
		return config_wrong(m, "location", err,
			"the path of an object cannot hold *, ?, { or } beside {partition}");
	buf_init(&url, BUF_MAX);
	put_endpoint(m, &url);
	buf_printf(&url, "/%.*s", (int)(slash - bucket), bucket);
	put_encoded(&url, slash);
	*out = arena_strdup(m->w->arena, buf_text(&url));
	buf_release(&url);
	return true;
}

static const char *say(
	struct making *m, const struct object_target *target, enum export_format format)
{
	m->d->write_object(&m->sql, target, format, m->w->select);
	const char *sql = arena_strdup(m->w->arena, buf_text(&m->sql));
	buf_clear(&m->sql);
	return sql;
}

/* An engine may quote in its message what it was sent. */
static void hide(struct error *err, const char *secret)
{
	size_t len = secret ? strlen(secret) : 0;

	for (char *at; len && (at = strstr(err->text, secret));) {
		memset(at, '*', len < 3 ? len : 3);
		memmove(at + (len < 3 ? len : 3), at + len, strlen(at + len) + 1);
	}
}

/* Under an id of the object's own: a statement that a killed process left behind there, and that would put what is
 * old over what is new, is ended by the next one. */
static bool write_object(struct making *m, const struct object_target *target,
	enum export_format format, struct error *err)
{
	struct object_target shown = *target;
	struct statement_stats stats = {0};
	struct statement statement;
	struct work *w = m->w;

	if (target->secret_access_key)
		shown.access_key_id = shown.secret_access_key = HIDDEN;
	if (target->session_token)
		shown.session_token = HIDDEN;
	const char *sql = say(m, &shown, format);
	const char *id = arena_printf(w->arena, "tailrace-export-%016llx",
		(unsigned long long)text_hash(target->url, strlen(target->url)));
	if (!work_begin_as(w, id, sql, &statement, err))
		return false;
	statement.sql = say(m, target, format);
	statement.settings = making_settings(m);
	bool ok = w->engine->ops->run(w->engine, &statement, &stats, err);
	if (!ok) {
		hide(err, target->secret_access_key);
		hide(err, target->session_token);
	}
	w->rows = stats.written_rows;
	return work_end(w, sql, &stats, ok, err);
}

bool make_object(
	struct making *m, const char *location, enum export_format format, struct error *err)
{
	struct object_target target = {0};

	if (!m->d->write_object)
		return config_wrong(m, "location", err,
			"models of this connection cannot be written to object storage; write a "
			"file");
	if (!read_url(m, location, &target.url, err) || !take_keys(m, &target, err) ||
		!making_compile(m, false, err) || !write_object(m, &target, format, err))
		return false;
	failpoint("build.filled");
	making_message(
		m, "%s, %llu row%s", location, (unsigned long long)m->w->rows, plural(m->w->rows));
	return true;
}
