/*
 * Evaluating a row filter; see filter.h. Three truths, as in SQL: what is compared with NULL is unknown,
 * and so is its negation. What hangs on a value that an update left unchanged is taken for the best or the worst
 * of them: as they are in order, the result is the best or the worst that there can be.
 */
#include "core/filter.h"

#include <math.h>
#include "core/filter_tree.h"

enum truth { IS_FALSE, IS_UNKNOWN, IS_TRUE };

/* The comparison's sign. A real and a number without quotes meet in double precision. */
static int order(const struct column *value, size_t row, const struct column *literals, size_t i)
{
	float narrow;
	double left, right;

	if (value->type.kind == literals->type.kind)
		return column_compare(value, row, literals, i);
	memcpy(&narrow, column_fixed(value, row, sizeof narrow), sizeof narrow);
	memcpy(&right, column_fixed(literals, i, sizeof right), sizeof right);
	left = narrow;
	if (isnan(left))
		return 1; /* above every number; a number without quotes is never NaN */
	return (left > right) - (left < right);
}

static bool comparison_holds(const char *op, int sign)
{
	if (op[0] == '=')
		return sign == 0;
	if (op[0] == '<')
		return sign < 0 || (op[1] == '=' && sign == 0) || (op[1] == '>' && sign > 0);
	return sign > 0 || (op[1] == '=' && sign == 0);
}

static bool is_in(const struct filter *node, const struct column *value, size_t row)
{
	for (size_t i = 0; i < node->literals.rows; i++) {
		if (order(value, row, &node->literals, i) == 0)
			return true;
	}
	return false;
}

static const char *next_character(const char *at, const char *end)
{
	for (at++; at < end && ((unsigned char)*at & 0xc0) == 0x80; at++)
		;
	return at;
}

/* Each % takes as little as it can; when the rest fails, the last one takes a character more. */
static bool is_like(const char *text, const char *end, const char *pattern)
{
	const char *retry_text = NULL, *retry_pattern = NULL;

	while (text < end || *pattern) {
		if (*pattern == '%') {
			retry_pattern = ++pattern;
			retry_text = text;
			continue;
		}
		if (*pattern == '_' && text < end) {
			text = next_character(text, end);
			pattern++;
			continue;
		}
		const char *literal = pattern + (*pattern == '\\');
		if (*pattern && *pattern != '_' && text < end && *literal == *text) {
			pattern = literal + 1;
			text++;
			continue;
		}
		if (!retry_pattern || retry_text >= end)
			return false;
		retry_text = next_character(retry_text, end);
		text = retry_text;
		pattern = retry_pattern;
	}
	return true;
}

static bool value_is_like(const struct filter *node, const struct column *value, size_t row)
{
	size_t len;
	const char *text = (const char *)column_string(value, row, &len);
	return is_like(text, text + len, node->pattern);
}

/* `open`: what is taken for the truth where the value is not known. */
static enum truth evaluate(
	const struct filter *node, const struct batch *batch, size_t row, enum truth open);

/* AND is settled by the first false, OR by the first true; else one unknown leaves it unknown. */
static enum truth evaluate_chain(
	const struct filter *node, const struct batch *batch, size_t row, enum truth open)
{
	enum truth settles = node->kind == NODE_AND ? IS_FALSE : IS_TRUE;
	enum truth result = node->kind == NODE_AND ? IS_TRUE : IS_FALSE;

	for (const struct filter *child = node->first; child; child = child->next) {
		enum truth truth = evaluate(child, batch, row, open);
		if (truth == settles)
			return settles;
		if (truth == IS_UNKNOWN)
			result = IS_UNKNOWN;
	}
	return result;
}

/* What is left unchanged is large, and so not NULL. */
static enum truth evaluate_value(
	const struct filter *node, const struct column *value, size_t row, enum truth open)
{
	bool known = !column_is_unchanged(value, row), null = known && column_is_null(value, row);
	bool holds = false;

	if (node->kind == NODE_NULL)
		return null ? IS_TRUE : IS_FALSE;
	if (!known)
		return open;
	if (null)
		return IS_UNKNOWN;
	if (node->kind == NODE_TRUE)
		holds = *column_fixed(value, row, 1) != 0;
	else if (node->kind == NODE_COMPARE)
		holds = comparison_holds(node->op, order(value, row, &node->literals, 0));
	else if (node->kind == NODE_IN)
		holds = is_in(node, value, row);
	else
		holds = value_is_like(node, value, row);
	return holds ? IS_TRUE : IS_FALSE;
}

static enum truth negated(enum truth truth)
{
	return truth == IS_UNKNOWN ? IS_UNKNOWN : truth == IS_TRUE ? IS_FALSE : IS_TRUE;
}

static enum truth evaluate(
	const struct filter *node, const struct batch *batch, size_t row, enum truth open)
{
	switch (node->kind) {
	case NODE_OR:
	case NODE_AND: return evaluate_chain(node, batch, row, open);
	case NODE_NOT: return negated(evaluate(node->first, batch, row, negated(open)));
	case NODE_NULL:
	case NODE_TRUE:
	case NODE_COMPARE:
	case NODE_IN:
	case NODE_LIKE: break;
	}
	return evaluate_value(node, &batch->columns[node->column], row, open);
}

bool filter_matches(const struct filter *filter, const struct batch *batch, size_t row)
{
	return evaluate(filter, batch, row, IS_FALSE) == IS_TRUE;
}

bool filter_may_match(const struct filter *filter, const struct batch *batch, size_t row)
{
	return evaluate(filter, batch, row, IS_TRUE) == IS_TRUE;
}

bool filter_is_of_key(const struct filter *filter, const struct table *table)
{
	switch (filter->kind) {
	case NODE_OR:
	case NODE_AND:
	case NODE_NOT: break;
	case NODE_NULL:
	case NODE_TRUE:
	case NODE_COMPARE:
	case NODE_IN:
	case NODE_LIKE: return table->columns[filter->column].key;
	}
	for (const struct filter *child = filter->first; child; child = child->next)
		if (!filter_is_of_key(child, table))
			return false;
	return true;
}
