/* Methods that ask what a text is made of: isalpha and its sisters; see builtins.h. */
#include "models/template/builtins.h"
#include "models/template/render.h"
#include "models/template/unicode.h"

typedef bool class_fn(uint32_t c);

/* Not empty, and all of it of that class. */
static bool all(struct call *c, class_fn *class)
{
	size_t bytes;

	c->result = value_bool(c->self.len > 0);
	for (size_t at = 0; c->result.b && at < c->self.len; at += bytes)
		c->result.b = class(utf8_read(c->self.s + at, &bytes));
	return true;
}

static bool is_alpha(uint32_t c)
{
	return unicode_is(c, UNICODE_ALPHA);
}

static bool is_digit(uint32_t c)
{
	return unicode_is(c, UNICODE_DIGIT);
}

static bool is_alnum(uint32_t c)
{
	return is_alpha(c) || is_digit(c);
}

static bool is_space(uint32_t c)
{
	return unicode_is(c, UNICODE_SPACE);
}

static bool call_isalpha(struct call *c)
{
	return all(c, is_alpha);
}

static bool call_isdigit(struct call *c)
{
	return all(c, is_digit);
}

static bool call_isalnum(struct call *c)
{
	return all(c, is_alnum);
}

static bool call_isspace(struct call *c)
{
	return all(c, is_space);
}

static bool call_isascii(struct call *c)
{
	c->result = value_bool(utf8_count(c->self.s, c->self.len) == c->self.len);
	for (size_t i = 0; c->result.b && i < c->self.len; i++)
		c->result.b = (unsigned char)c->self.s[i] < 0x80;
	return true;
}

/* Some letter has that case, and none the other. */
static bool cased(struct call *c, enum unicode_class wanted, enum unicode_class other)
{
	size_t bytes;
	bool some = false, against = false;

	for (size_t at = 0; at < c->self.len; at += bytes) {
		uint32_t one = utf8_read(c->self.s + at, &bytes);
		some |= unicode_is(one, wanted);
		against |= unicode_is(one, other);
	}
	c->result = value_bool(some && !against);
	return true;
}

static bool call_islower(struct call *c)
{
	return cased(c, UNICODE_LOWER, UNICODE_UPPER);
}

static bool call_isupper(struct call *c)
{
	return cased(c, UNICODE_UPPER, UNICODE_LOWER);
}

static bool call_istitle(struct call *c)
{
	bool inside = false, some = false, holds = true;
	size_t bytes;

	for (size_t at = 0; at < c->self.len; at += bytes) {
		uint32_t one = utf8_read(c->self.s + at, &bytes);
		bool upper = unicode_is(one, UNICODE_UPPER), lower = unicode_is(one, UNICODE_LOWER);
		holds &= !(upper && inside) && !(lower && !inside);
		inside = upper || lower;
		some |= inside;
	}
	c->result = value_bool(some && holds);
	return true;
}

static const struct function table[] = {
	{"isalpha", "", call_isalpha},
	{"isdigit", "", call_isdigit},
	{"isdecimal", "", call_isdigit},
	{"isnumeric", "", call_isdigit},
	{"isalnum", "", call_isalnum},
	{"isspace", "", call_isspace},
	{"isascii", "", call_isascii},
	{"islower", "", call_islower},
	{"isupper", "", call_isupper},
	{"istitle", "", call_istitle},
};
const struct functions methods_of_classes = {table, COUNT_OF(table)};
