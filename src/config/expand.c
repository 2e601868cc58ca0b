/*
 * Environment variables in texts: ${NAME}, ${NAME:-default} (also when NAME is empty, as in a shell), and $$
 * for a $. Any other $ stands for itself, so that most passwords need nothing. What comes from the
 * environment is not looked at again.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "config/read.h"

/* Bytes of the name that begins there. */
static size_t name_length(const char *s)
{
	size_t n = 0;
	if (isdigit((unsigned char)*s))
		return 0;
	while (isalnum((unsigned char)s[n]) || s[n] == '_')
		n++;
	return n;
}

/* Appends the value of "${...}" that begins at s; NULL or behind it. */
static const char *expand_one(const char *s, struct buf *out, struct error *err)
{
	const char *name = s + 2;
	size_t len = name_length(name);
	const char *end = strchr(name, '}');

	if (!end)
		return error_set(err, ERROR_CONFIG,
			       "'%.40s' has no closing }; a plain ${ is written $${", s),
		       NULL;
	int shown = (int)(end - s + 1 > 60 ? 60 : end - s + 1);
	if (!len || (name[len] != '}' && strncmp(name + len, ":-", 2) != 0))
		return error_set(err, ERROR_CONFIG,
			       "'%.*s' is neither ${NAME} nor ${NAME:-default}; a plain ${ is "
			       "written $${",
			       shown, s),
		       NULL;
	const char *fallback = name[len] == '}' ? NULL : name + len + 2;
	if (fallback && memmem(fallback, (size_t)(end - fallback), "${", 2))
		return error_set(err, ERROR_CONFIG, "'%.*s': one ${...} cannot stand in another",
			       shown, s),
		       NULL;

	CLEANUP(free_string) char *variable = xstrndup(name, len);
	const char *value = getenv(variable);
	if (value && (*value || !fallback))
		buf_puts(out, value);
	else if (fallback)
		buf_append(out, fallback, (size_t)(end - fallback));
	else
		return error_set(err, ERROR_CONFIG,
			       "the environment variable %.200s is not set; set it, or write "
			       "${%.200s:-default}",
			       variable, variable),
		       NULL;
	return end + 1;
}

const char *expand_text(const char *text, struct arena *arena, struct error *err)
{
	struct buf out;
	const char *result = NULL;

	buf_init(&out, BUF_MAX);
	while (text && *text) {
		size_t plain = strcspn(text, "$");
		buf_append(&out, text, plain);
		text += plain;
		if (text[0] == '$' && text[1] == '{') {
			text = expand_one(text, &out, err);
		} else if (text[0] == '$') {
			buf_u8(&out, '$');
			text += text[1] == '$' ? 2 : 1;
		}
	}
	if (text)
		result = arena_strdup(arena, buf_text(&out));
	buf_release(&out);
	return result;
}
