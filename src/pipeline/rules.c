/*
 * Column rules: drop never reaches a batch; hash, hmac, mask and constant rewrite a STRING column whose
 * values are in the source's text form; null empties a column. Cells still marked unchanged are left
 * alone: what fills them later has been through the rules already.
 */
#include "pipeline/prepare.h"
#include "base/text.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#define DIGEST_BYTES 32
#define MASK_SHOWS   4 /* trailing characters shown, of values of at least twice as many */

static void add_hex(struct column *to, const uint8_t digest[DIGEST_BYTES])
{
	text_hex(digest, DIGEST_BYTES, column_add_string(to, DIGEST_BYTES * 2));
}

static void add_hash(struct column *to, const uint8_t *text, size_t len)
{
	uint8_t digest[DIGEST_BYTES];

	EVP_Digest(text, len, digest, NULL, EVP_sha256(), NULL);
	add_hex(to, digest);
}

static void add_hmac(struct column *to, const uint8_t *text, size_t len, const char *key)
{
	uint8_t digest[DIGEST_BYTES];

	HMAC(EVP_sha256(), key, (int)strlen(key), text, len, digest, NULL);
	add_hex(to, digest);
}

static bool starts_character(uint8_t byte)
{
	return (byte & 0xc0) != 0x80;
}

static void add_masked(struct column *to, const uint8_t *text, size_t len)
{
	size_t characters = 0;
	for (size_t i = 0; i < len; i++)
		characters += starts_character(text[i]);
	size_t hidden = characters >= 2 * MASK_SHOWS ? characters - MASK_SHOWS : characters;

	size_t seen = 0, rest = 0;
	while (rest < len && (seen < hidden || !starts_character(text[rest])))
		seen += starts_character(text[rest++]);
	uint8_t *out = column_add_string(to, hidden + len - rest);
	memset(out, '*', hidden);
	memcpy(out + hidden, text + rest, len - rest);
}

static void add_constant(struct column *to, const char *constant)
{
	size_t len = strlen(constant);
	memcpy(column_add_string(to, len), constant, len);
}

static void add_ruled(struct column *to, const struct column *from, size_t row,
	const struct column_rule *rule, const char *hmac_key)
{
	if (rule->kind == RULE_CONSTANT) {
		add_constant(to, rule->constant);
		return;
	}
	if (rule->kind == RULE_NULL) {
		column_add_null(to);
		return;
	}
	if (column_is_unchanged(from, row) || column_is_null(from, row)) {
		column_copy_row(to, from, row);
		return;
	}
	size_t len;
	const uint8_t *text = column_string(from, row, &len);
	if (rule->kind == RULE_HASH)
		add_hash(to, text, len);
	else if (rule->kind == RULE_HMAC)
		add_hmac(to, text, len, hmac_key);
	else
		add_masked(to, text, len);
}

static void apply_rule(struct batch *batch, size_t c, const char *hmac_key)
{
	struct column *old = &batch->columns[c], ruled;
	const struct row_meta *meta = batch_meta(batch);

	column_init(&ruled, &old->type);
	for (size_t row = 0; row < batch->rows; row++) {
		if (meta[row].op == OP_DELETE || meta[row].op == OP_KEY_CHANGED)
			column_add_default(&ruled);
		else
			add_ruled(&ruled, old, row, &batch->table->columns[c].rule, hmac_key);
	}
	column_release(old);
	*old = ruled;
}

void apply_rules(struct batch *batch, const char *hmac_key)
{
	for (size_t c = 0; c < batch->table->n_columns; c++) {
		if (batch->table->columns[c].rule.kind != RULE_NONE)
			apply_rule(batch, c, hmac_key);
	}
	if (batch->before)
		apply_rules(batch->before, hmac_key);
}
