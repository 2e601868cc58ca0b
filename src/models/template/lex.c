/*
 * The lexer; see lex.h. Outside of tags it looks for the next `{{`, `{%` or `{#`; inside it cuts
 * words, numbers, texts and operators until the end of the tag, which is none while a bracket is
 * open.
 */
#include "models/template/lex.h"

#include <stdio.h>
#include "models/template/unicode.h"

#define MAX_BRACKETS 200

struct lexer {
	const struct template *t;
	const char *s;
	size_t n, at;
	char brackets[MAX_BRACKETS]; /* what closes those that are open */
	size_t n_brackets;
	struct tokens *out;
	struct error *err;
};

static bool refuse(struct lexer *l, size_t at, const char *message)
{
	return template_error(l->t, (uint32_t)at, message, l->err);
}

static void add(struct lexer *l, enum token_kind kind, size_t at, size_t len)
{
	struct token token = {.kind = kind, .at = (uint32_t)at, .len = (uint32_t)len};
	vec_push(l->out, token);
}

static bool looking_at(const struct lexer *l, size_t at, const char *what)
{
	size_t len = strlen(what);
	return l->n - at >= len && !memcmp(l->s + at, what, len);
}

static char char_at(const struct lexer *l, size_t at)
{
	return at < l->n ? l->s[at] : '\0';
}

static size_t skip_space(const struct lexer *l, size_t at)
{
	return at + space_before(l->s + at, l->n - at);
}

/* Behind the end of a tag at `at`, with the space that `-` swallows; 0 when no tag ends there. */
static size_t tag_end(const struct lexer *l, size_t at, const char *end, bool plus)
{
	if (looking_at(l, at, end))
		return at + 2;
	if (char_at(l, at) == '-' && looking_at(l, at + 1, end))
		return skip_space(l, at + 3);
	if (plus && char_at(l, at) == '+' && looking_at(l, at + 1, end))
		return at + 3;
	return 0;
}

/* The text before a tag at `end`, whose sign says whether space goes. */
static void add_text(struct lexer *l, size_t end)
{
	size_t len = end - l->at;

	if (char_at(l, end + 2) == '-')
		len -= space_behind(l->s + l->at, len);
	if (len)
		add(l, TOKEN_TEXT, l->at, len);
}

static size_t behind_sign(const struct lexer *l, size_t tag)
{
	char sign = char_at(l, tag + 2);
	return tag + (sign == '-' || sign == '+' ? 3 : 2);
}

static bool lex_comment(struct lexer *l, size_t tag)
{
	for (size_t at = behind_sign(l, tag); at < l->n; at++) {
		size_t end = tag_end(l, at, "#}", true);
		if (!end)
			continue;
		l->at = end;
		return true;
	}
	return refuse(l, tag, "Missing end of comment tag");
}

/* Behind the tag at `at` when it holds nothing but that word; 0 otherwise. */
static size_t word_tag(const struct lexer *l, size_t tag, const char *word, bool plus)
{
	size_t at = skip_space(l, behind_sign(l, tag));

	if (!looking_at(l, at, word))
		return 0;
	return tag_end(l, skip_space(l, at + strlen(word)), "%}", plus);
}

static bool lex_raw(struct lexer *l, size_t tag, size_t start)
{
	l->at = start;
	for (size_t at = start; at + 1 < l->n; at++) {
		size_t end = looking_at(l, at, "{%") ? word_tag(l, at, "endraw", true) : 0;
		if (!end)
			continue;
		add_text(l, at);
		l->at = end;
		return true;
	}
	return refuse(l, tag, "Missing end of raw directive");
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Behind digits, single underscores between them; `at` itself when there are none. */
static size_t digits(const struct lexer *l, size_t at)
{
	if (!is_digit(char_at(l, at)))
		return at;
	while (is_digit(char_at(l, at)) || (char_at(l, at) == '_' && is_digit(char_at(l, at + 1))))
		at++;
	return at;
}

/* Behind the float at `at`; 0 when there is none. */
static size_t float_end(const struct lexer *l, size_t at)
{
	if (at > 0 && l->s[at - 1] == '.')
		return 0;
	size_t whole = digits(l, at), end = whole;
	if (whole == at)
		return 0;
	if (char_at(l, end) == '.' && is_digit(char_at(l, end + 1)))
		end = digits(l, end + 1);
	if ((char_at(l, end) | 0x20) == 'e') {
		size_t power = end + 1;
		if (char_at(l, power) == '+' || char_at(l, power) == '-')
			power++;
		if (is_digit(char_at(l, power)))
			end = digits(l, power);
	}
	return end > whole ? end : 0;
}

static bool is_digit_of(char c, char base)
{
	if (base == 'b')
		return c == '0' || c == '1';
	if (base == 'o')
		return c >= '0' && c <= '7';
	return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* Behind the integer at `at`, which begins with a digit. */
static size_t integer_end(const struct lexer *l, size_t at)
{
	char base = (char)(char_at(l, at + 1) | 0x20);

	if (char_at(l, at) != '0')
		return digits(l, at);
	if (base == 'b' || base == 'o' || base == 'x') {
		size_t end = at + 2;
		while (is_digit_of(char_at(l, end), base) ||
			(char_at(l, end) == '_' && is_digit_of(char_at(l, end + 1), base)))
			end++;
		if (end > at + 2)
			return end;
	}
	while (char_at(l, at) == '0' || (char_at(l, at) == '_' && char_at(l, at + 1) == '0'))
		at++;
	return at;
}

/* Behind the name at `at`; `at` itself when there is none. */
static size_t name_end(const struct lexer *l, size_t at)
{
	while (at < l->n) {
		size_t bytes;
		uint32_t c = utf8_read(l->s + at, &bytes);
		if (c != '_' && !unicode_is(c, UNICODE_ALPHA) && !unicode_is(c, UNICODE_DIGIT))
			break;
		at += bytes;
	}
	return at;
}

/* Behind the text in quotes at `at`; 0 when it does not end. */
static size_t string_end(const struct lexer *l, size_t at)
{
	char quote = l->s[at++];

	while (at < l->n && l->s[at] != quote)
		at += l->s[at] == '\\' ? 2 : 1;
	return at < l->n ? at + 1 : 0;
}

/* Longer ones first. */
static const struct {
	const char *text;
	enum token_kind kind;
} operators[] = {
	{"//", TOKEN_FLOORDIV},
	{"**", TOKEN_POW},
	{"==", TOKEN_EQ},
	{"!=", TOKEN_NE},
	{">=", TOKEN_GE},
	{"<=", TOKEN_LE},
	{"+", TOKEN_ADD},
	{"-", TOKEN_SUB},
	{"/", TOKEN_DIV},
	{"*", TOKEN_MUL},
	{"%", TOKEN_MOD},
	{"~", TOKEN_TILDE},
	{"[", TOKEN_LBRACKET},
	{"]", TOKEN_RBRACKET},
	{"(", TOKEN_LPAREN},
	{")", TOKEN_RPAREN},
	{"{", TOKEN_LBRACE},
	{"}", TOKEN_RBRACE},
	{">", TOKEN_GT},
	{"<", TOKEN_LT},
	{"=", TOKEN_ASSIGN},
	{".", TOKEN_DOT},
	{":", TOKEN_COLON},
	{"|", TOKEN_PIPE},
	{",", TOKEN_COMMA},
	{";", TOKEN_SEMICOLON},
};

static bool balance(struct lexer *l, char c)
{
	char message[40];
	const char *open = strchr("{[(", c);

	if (open) {
		if (l->n_brackets == MAX_BRACKETS)
			return refuse(l, l->at, "brackets are nested too deep");
		l->brackets[l->n_brackets++] = "}])"[open - "{[("];
		return true;
	}
	if (!strchr("}])", c))
		return true;
	if (!l->n_brackets) {
		snprintf(message, sizeof message, "unexpected '%c'", c);
		return refuse(l, l->at, message);
	}
	char expected = l->brackets[--l->n_brackets];
	if (expected == c)
		return true;
	snprintf(message, sizeof message, "unexpected '%c', expected '%c'", c, expected);
	return refuse(l, l->at, message);
}

static bool lex_operator(struct lexer *l)
{
	for (size_t i = 0; i < COUNT_OF(operators); i++) {
		if (!looking_at(l, l->at, operators[i].text))
			continue;
		if (!balance(l, operators[i].text[0]))
			return false;
		add(l, operators[i].kind, l->at, strlen(operators[i].text));
		l->at += strlen(operators[i].text);
		return true;
	}
	size_t bytes;
	char message[40];
	utf8_read(l->s + l->at, &bytes);
	snprintf(message, sizeof message, "unexpected char '%.*s'", (int)bytes, l->s + l->at);
	return refuse(l, l->at, message);
}

static bool take(struct lexer *l, enum token_kind kind, size_t end)
{
	add(l, kind, l->at, end - l->at);
	l->at = end;
	return true;
}

static bool lex_one(struct lexer *l)
{
	char c = l->s[l->at];
	size_t end;

	if (is_digit(c)) {
		end = float_end(l, l->at);
		return end ? take(l, TOKEN_FLOAT, end)
			   : take(l, TOKEN_INTEGER, integer_end(l, l->at));
	}
	end = name_end(l, l->at);
	if (end > l->at)
		return take(l, TOKEN_NAME, end);
	if (c != '\'' && c != '"')
		return lex_operator(l);
	end = string_end(l, l->at);
	return end ? take(l, TOKEN_STRING, end)
		   : refuse(l, l->at, "this text has no closing quote");
}

static bool lex_tag(struct lexer *l, size_t tag)
{
	bool block = l->s[tag + 1] == '%';

	add(l, block ? TOKEN_BLOCK_BEGIN : TOKEN_PRINT_BEGIN, tag, 2);
	l->at = behind_sign(l, tag);
	l->n_brackets = 0;
	while ((l->at = skip_space(l, l->at)) < l->n) {
		size_t end = l->n_brackets ? 0 : tag_end(l, l->at, block ? "%}" : "}}", block);
		if (end)
			return take(l, block ? TOKEN_BLOCK_END : TOKEN_PRINT_END, end);
		if (!lex_one(l))
			return false;
	}
	return true;
}

static size_t find_tag(const struct lexer *l)
{
	for (size_t at = l->at; at + 1 < l->n; at++)
		if (l->s[at] == '{' && strchr("{%#", l->s[at + 1]) && l->s[at + 1])
			return at;
	return l->n;
}

bool lex(const struct template *t, struct tokens *out, struct error *err)
{
	struct lexer l = {.t = t, .s = t->source, .n = t->len, .out = out, .err = err};
	bool ok = true;

	while (ok && l.at < l.n) {
		size_t tag = find_tag(&l);
		add_text(&l, tag);
		if (tag == l.n)
			break;
		size_t raw = l.s[tag + 1] == '%' ? word_tag(&l, tag, "raw", false) : 0;
		if (raw)
			ok = lex_raw(&l, tag, raw);
		else
			ok = l.s[tag + 1] == '#' ? lex_comment(&l, tag) : lex_tag(&l, tag);
	}
	add(&l, TOKEN_END, l.n, 0);
	return ok;
}

const char *token_kind_text(enum token_kind kind)
{
	static const char *const names[] = {
		[TOKEN_TEXT] = "template data / text",
		[TOKEN_BLOCK_BEGIN] = "begin of statement block",
		[TOKEN_BLOCK_END] = "end of statement block",
		[TOKEN_PRINT_BEGIN] = "begin of print statement",
		[TOKEN_PRINT_END] = "end of print statement",
		[TOKEN_NAME] = "name",
		[TOKEN_STRING] = "string",
		[TOKEN_INTEGER] = "integer",
		[TOKEN_FLOAT] = "float",
		[TOKEN_END] = "end of template",
	};

	for (size_t i = 0; i < COUNT_OF(operators); i++)
		if (operators[i].kind == kind)
			return operators[i].text;
	return names[kind];
}

const char *token_text(struct template *t, const struct token *token)
{
	if (token->kind == TOKEN_NAME)
		return arena_strndup(&t->arena, t->source + token->at, token->len);
	return token_kind_text(token->kind);
}
