"""The values that record.py records: (name, column as declared, values as SQL, settings of the column).

A value may be a SELECT of many. Settings are those of the table (numeric, json, range, empty) and `rule`,
as the tests read them: "numeric=decimal range=clamp".
"""

PREPARE = """
CREATE EXTENSION hstore;
CREATE EXTENSION citext;
CREATE EXTENSION ltree;
CREATE TYPE mood AS ENUM ('sad', 'so so', 'it''s "x"', 'ünï');
CREATE TYPE spot AS (size float8, note text);
CREATE TYPE person AS (name text, age int, dropped int, at spot);
ALTER TYPE person DROP ATTRIBUTE dropped;
CREATE TYPE odd AS (words text[], range int4range, flag bool, raw bytea, day timestamptz, pairs hstore);
CREATE TYPE textrange AS RANGE (subtype = text, multirange_type_name = textmultirange);
CREATE TYPE floatrange AS RANGE (subtype = float8);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN price AS numeric(10,2);
CREATE DOMAIN prices AS numeric(10,2)[];
CREATE DOMAIN grid AS int[][];
CREATE DOMAIN deep AS price NOT NULL;
CREATE DOMAIN place AS spot;
CREATE TYPE with_name AS (path ltree, n int);
"""


def q(*texts):
    """SQL literals."""
    return ["'" + text.replace("'", "''") + "'" for text in texts]


NASTY = q("", " ", "plain", "NULL", "null", "a,b", "{x}", "(y)", "[z]", '"', "\\", "'", 'a"b\\c', "tab\there",
          "nl\nhere", "cr\rhere", "ünïcödé €", "🙂", "a;b", "\\x41", "it's", "\x01", "x" * 300)
FLOATS = q("0", "-0", "1", "-1", "0.1", "1e15", "1e14", "123456789012345678", "1e-4", "1e-5", "1e22", "1e23",
           "9007199254740993", "5e-324", "2.2250738585072014e-308", "2.2250738585072009e-308", "1.7976931348623157e308",
           "NaN", "Infinity", "-Infinity", "3.141592653589793", "100000", "1000000", "12345678.9", "8.41e21", "2e-44",
           "5.684341886080802e-14", "9.5367431640625e-07", "4.35", "0.30000000000000004", "6.02214076e23")
FLOAT4S = q("0", "-0", "1", "0.1", "1e6", "1e5", "123456.7", "1234567", "16777217", "1e-4", "1e-5", "1e-45", "1.17549435e-38",
            "3.4028235e38", "NaN", "Infinity", "-Infinity", "3.14159274", "8388608", "33554432", "1.5e-44", "9.5367431640625e-07")
RANDOM8 = "SELECT sin(n) * 10::float8 ^ (n % 600 - 300) FROM generate_series(1, 1500) n"
NUMERICS = q("0", "0.000", "-0.001", "1", "-1", "10000", "9999", "0.0001", "0.00001", "100000000", "12345.678900",
             "99999999.9999", "123456789012345678901234567890.123456789", "-98765432109876543210", "NaN", "1e20", "1e-20",
             "10000.0001", "0.10000", "1000000000000000000000000000000000000000", "9223372036854775807",
             "-9223372036854775808", "99999999999999999999999999999999999999.99999999999999999999999999999999999999")
DATES = q("2000-01-01", "1970-01-01", "1969-12-31", "2024-02-29", "1900-01-01", "1899-12-31", "2299-12-31", "2300-01-01",
          "0001-01-01", "0001-12-31 BC", "0044-03-15 BC", "4714-11-24 BC", "5874897-12-31", "infinity", "-infinity", "9999-12-31",
          "10000-01-01")
STAMPS = q("2000-01-01 00:00:00", "1970-01-01 00:00:00.000001", "1969-12-31 23:59:59.999999", "2024-02-29 12:34:56.7",
           "1900-01-01 00:00:00", "1899-12-31 23:59:59.999999", "2299-12-31 23:59:59.999999", "2300-01-01 00:00:00",
           "0001-01-01 00:00:00", "0044-03-15 12:00:00 BC", "4714-11-24 00:00:00 BC", "294276-12-31 23:59:59.999999",
           "infinity", "-infinity", "1999-12-31 24:00:00", "1999-12-31 23:59:60")
INTERVALS = q("0", "1 year", "-1 year", "1 mon", "14 mons", "-14 mons", "1 day", "-1 day", "1 hour", "100 hours", "-1 sec",
              "-0.5 sec", "0.000001 sec", "1 year 2 mons 3 days 04:05:06.789", "1 year -2 mons 3 days -04:05:06.789",
              "-1 mon 1 day", "178000000 years", "-178000000 years", "2147483647 days", "-2147483648 days",
              "2562047788:00:54.775807", "-2562047788:00:54.775807", "59.999999 sec", "-00:00:00.000001", "1 min", "-61 sec")
INETS = q("1.2.3.4", "1.2.3.4/24", "0.0.0.0/0", "255.255.255.255", "10.0.0.0/8", "::", "::1", "::2", "::/0", "::1/64", "1::",
          "2001:db8::1", "2001:db8:0:0:1:0:0:1", "2001:0:0:1:0:0:0:1/64", "::ffff:1.2.3.4", "::1.2.3.4", "::ffff:0:1.2.3.4",
          "fe80::1:0:0:0", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "0:1::", "::1:0:1")
CIDRS = q("1.2.3.4/32", "10.0.0.0/8", "0.0.0.0/0", "192.168.100.128/25", "2001:db8::/32", "::/0", "::1/128", "::ffff:1.2.3.0/120")
TSVECTORS = q("", "'a'", "'a':1", "'a':1A,2B,3C,4 'b':16383", "'it''s' 'back\\\\slash':3A 'with space':2", "'ü':1 '☃':2B",
              "'''quoted''':7", "'a' 'aa' 'aaa' 'b'")
TSQUERIES = q("", "'a'", "'a' & 'b'", "'a' | 'b' & 'c'", "( 'a' | 'b' ) & 'c'", "!'a'", "!( 'a' & 'b' )", "!!'a'", "!'a' & 'b'",
              "'a' <-> 'b'", "'a' <3> 'b'", "'a' <-> ( 'b' <-> 'c' )", "( 'a' <-> 'b' ) <-> 'c'", "'a':*", "'a':AB", "'a':*D",
              "'a':*ABCD", "'it''s' & 'back\\\\slash'", "'a' & 'b' & 'c' & 'd'", "'a' & ( 'b' & ( 'c' & 'd' ) )",
              "'a' <-> ( 'b' & 'c' )", "( 'a' | 'b' ) <-> !'c'", "'a' <16384> 'b'", "'a' <0> 'b'")
RANGES4 = q("empty", "[1,5)", "(,5)", "[1,)", "(,)", "[-2147483648,2147483646]")
TEXTRANGES = q("empty", "[a,b]", "(a,b)", '["",z]', '["a b","c,d")', '["a""b","c\\\\d"]', "[NULL,null]", "(,)", '["(","]"]', "[a,)",
               '["{","}"]')
HSTORES = q("", "a=>1", "a=>NULL", 'a=>"NULL"', '"a b"=>"c d", "q\\"q"=>"b\\\\b"', '""=>""', "ü=>☃, b=>2, aa=>3",
            '"=>"=>", "', '"\n"=>"\t"')
COMPOSITES = ["ROW(NULL,NULL,NULL)", "ROW('Ann',7,NULL)", "ROW('',0,ROW(1.5,'x'))", "ROW('a,b',-1,ROW(NULL,NULL))",
              "ROW('(x)',1,ROW(1e23,''))", "ROW('\"q\"',1,ROW('NaN','back\\slash'))", "ROW(' ',1,ROW(0,E'nl\\n\"'))",
              "ROW('ü''s',2147483647,ROW(-0.0,'a(b)c'))"]
TEXT_ARRAYS = ["'{}'", "ARRAY[NULL::text]", "ARRAY['NULL','null','Null']", "ARRAY['a','b']",
               *(f"ARRAY[{x}, NULL, {x}]" for x in NASTY), "'[0:1]={a,b}'", "'{{a,b},{c,d}}'", "'[2:2][3:3]={{x}}'"]
INT_ARRAYS = ["'{}'", "'{1}'", "'{1,NULL,-3}'", "'[0:2]={1,2,3}'", "'[-5:-4]={1,2}'", "'{{1,2},{3,4}}'", "'{{{1},{2}}}'"]

CASES = [
    ("bool", "bool NOT NULL", ["true", "false"], ""),
    ("bool, nullable", "bool", ["true", "NULL"], ""),
    ("char", '"char"', q("a", "", " ", "\\", '"'), ""),
    ("name", "name", q("pg_class", "", 'a"b'), ""),
    ("text", "text", NASTY, ""),
    ("varchar", "varchar(310)", NASTY, ""),
    ("bpchar", "char(5)", q("", "ab", "abcde", "ü", " a"), ""),
    ("citext", "citext", NASTY, ""),
    ("xml", "xml", q("<a/>", "<a b=\"c\">&lt;</a>", "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a/>", "text"), ""),
    ("json", "json", q('{"a": 1}', "[1,2]", "null", ' {"x":"\\u00e9"}', "1.50"), ""),
    ("jsonb", "jsonb", q('{"a": 1, "a": 2}', "[1,2]", "null", '{"x":"\\u00e9\\n\\""}', "1.50"), ""),
    ("json, native", "json", q('{"a": 1}', "[1,2]", "null", ' {"x":1}', '"s"'), "json=native"),
    ("jsonb, native", "jsonb", q('{"a": 1}', "[1,2]", "null"), "json=native"),
    ("jsonpath", "jsonpath", q("$", "$.a[*] ? (@ > 1)", 'strict $."x y"'), ""),
    ("int2", "int2", q("0", "32767", "-32768", "-1"), ""),
    ("int4", "int4", q("0", "2147483647", "-2147483648", "-1"), ""),
    ("int8", "int8", q("0", "9223372036854775807", "-9223372036854775808", "-1"), ""),
    ("float4", "float4", FLOAT4S + ["SELECT (2::float8 ^ n)::float4 FROM generate_series(-149, 127) n"], ""),
    ("float8", "float8", FLOATS + ["SELECT CASE WHEN n < -1022 THEN 2::float8 ^ -1022 * 2::float8 ^ (n + 1022) ELSE 2::float8 ^ n END"
                                   " FROM generate_series(-1074, 1023) n", RANDOM8], ""),
    ("numeric", "numeric", NUMERICS + q("1e131071", "-1e-16383", "Infinity", "-Infinity"), ""),
    ("numeric, decimal", "numeric", NUMERICS + q("1e1000", "1e-39", "Infinity", "-Infinity"), "numeric=decimal"),
    ("numeric, float", "numeric", NUMERICS + q("1e1000", "1e308", "1e-400", "Infinity", "-Infinity"), "numeric=float"),
    ("numeric(9,9)", "numeric(9,9)", q("0", "0.123456789", "-0.999999999", "0.000000001", "NaN"), ""),
    ("numeric(10,2)", "numeric(10,2)", q("0", "0.01", "-0.01", "99999999.99", "-99999999.99", "10000", "1234.5", "NaN"), ""),
    ("numeric(18,4)", "numeric(18,4)", q("0", "99999999999999.9999", "-99999999999999.9999", "0.0001", "1", "10000", "NaN"), ""),
    ("numeric(18,0)", "numeric(18)", q("0", "999999999999999999", "-999999999999999999", "10000", "NaN"), ""),
    ("numeric(19,3)", "numeric(19,3)", q("0", "9999999999999999.999", "-9999999999999999.999", "0.001", "-0.001"), ""),
    ("numeric(38,10)", "numeric(38,10)", q("0", "9999999999999999999999999999.9999999999", "-9999999999999999999999999999.9999999999", "0.0000000001"), ""),
    ("numeric(76,38)", "numeric(76,38)", q("0", "9" * 38 + "." + "9" * 38, "-" + "9" * 38 + "." + "9" * 38, "1e-38", "-1", "NaN"), ""),
    ("numeric(76,0)", "numeric(76,0)", q("0", "9" * 76, "-" + "9" * 76, "1"), ""),
    ("numeric(77,0)", "numeric(77,0)", q("0", "9" * 77, "-1", "NaN"), ""),
    ("numeric(5,-2)", "numeric(5,-2)", q("0", "9999900", "-1234567", "49"), ""),
    ("numeric(3,5)", "numeric(3,5)", q("0", "0.00999", "-0.00001"), ""),
    ("money", "money", q("0", "0.05", "-0.05", "999.99", "1000", "-1234.56", "123456789.01", "92233720368547758.07", "-92233720368547758.08"), ""),
    ("date", "date", DATES, ""),
    ("date, clamped", "date", DATES, "range=clamp"),
    ("timestamp", "timestamp", STAMPS, ""),
    ("timestamp, clamped", "timestamp", STAMPS, "range=clamp"),
    ("timestamptz", "timestamptz", STAMPS + q("2024-06-01 12:00:00+05:30", "2024-06-01 12:00:00.000001-08"), ""),
    ("time", "time", q("00:00", "24:00:00", "23:59:59.999999", "12:34:56.5", "00:00:00.000001"), ""),
    ("timetz", "timetz", q("00:00+00", "24:00:00+00", "23:59:59.999999-15:59:59", "12:34:56.5+05:30", "01:02:03+15:59", "01:02:03-00:00:01"), ""),
    ("interval", "interval", INTERVALS, ""),
    ("uuid", "uuid", q("6f1c2f4e-3b57-4a0e-9d3a-0123456789ab", "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"), ""),
    ("bytea", "bytea", q("\\x", "\\x00", "\\x00ff41", "\\x5c78", "abc"), ""),
    ("enum", "mood", q("sad", "so so", 'it\'s "x"', "ünï"), ""),
    ("inet", "inet", INETS, ""),
    ("cidr", "cidr", CIDRS, ""),
    ("macaddr", "macaddr", q("08:00:2b:01:02:03", "ff:ff:ff:ff:ff:ff"), ""),
    ("macaddr8", "macaddr8", q("08:00:2b:01:02:03:04:05", "08:00:2b:01:02:03"), ""),
    ("bit", "bit(9)", ["B'101010101'", "B'000000000'"], ""),
    ("varbit", "varbit", ["B''", "B'1'", "B'10000000'", "B'100000001'"], ""),
    ("tsvector", "tsvector", TSVECTORS, ""),
    ("tsquery", "tsquery", TSQUERIES, ""),
    ("int4range", "int4range", RANGES4, ""),
    ("int8range", "int8range", q("[1,5)", "empty"), ""),
    ("numrange", "numrange", q("[1.50,2]", "(,0.001)", "[NaN,NaN]"), ""),
    ("tsrange", "tsrange", q("[2024-01-01,2024-01-02 12:00:00.5)", "[-infinity,infinity]", "(,0001-01-01 BC]"), ""),
    ("tstzrange", "tstzrange", q("[2024-01-01,2024-01-02)", "[2024-01-01 00:00+02,)"), ""),
    ("daterange", "daterange", q("[2024-01-01,2024-01-02]", "[infinity,)", "empty"), ""),
    ("range of text", "textrange", TEXTRANGES, ""),
    ("range of floats", "floatrange", q("[1e23,1e24]", "[-0,0]"), ""),
    ("int4multirange", "int4multirange", q("{}", "{[1,2)}", "{[1,2),[5,9),[20,)}", "{(,)}"), ""),
    ("tstzmultirange", "tstzmultirange", q("{[2024-01-01,2024-01-02),[2025-01-01,)}"), ""),
    ("multirange of text", "textmultirange", ["textmultirange('[\"a b\",\"c,d\"]'::textrange, '[x,\"}\"]'::textrange)", "'{}'"], ""),
    ("composite", "person", COMPOSITES, ""),
    ("composite of containers", "odd", ["ROW('{\"a b\",NULL}','[1,2)',true,'\\x5c','2024-01-01','a=>\"b c\"')", "ROW('{}','empty',NULL,'','infinity','')",
                                        r"""ROW('[0:1]={x,"\"y"}',NULL,false,NULL,'0044-03-15 BC',NULL)"""], ""),
    ("domain over composite", "place", ["ROW(1,'a')", "ROW(NULL,'b \"c\"')"], ""),
    ("domain", "positive", q("1", "2147483647"), ""),
    ("domain over numeric", "price", q("1.5", "-99999999.99", "NaN"), ""),
    ("domain over domain", "deep", q("1.5"), ""),
    ("domain over array", "prices NOT NULL", q("{}", "{1.5,NULL}", "{{1,2},{3,4}}"), ""),
    ("domain over grid", "grid NOT NULL", q("{}", "{{1,2},{3,NULL}}", "{1}"), ""),
    ("array of domain", "price[] NOT NULL", q("{}", "{1.5,NULL,NaN}", "{1.5}"), ""),
    ("array of domain over array", "prices[] NOT NULL", q('{"{1,2}",NULL}', "{}"), ""),
    ("point", "point NOT NULL", q("(0,0)", "(1.5,-2)", "(1e300,5e-324)", "(NaN,Infinity)"), ""),
    ("point, nullable", "point", q("(1.5,-2)", "(NaN,Infinity)") + ["NULL"], ""),
    ("point, NULL is empty", "point", q("(1.5,-2)") + ["NULL"], "empty"),
    ("lseg", "lseg", q("[(0,0),(1,1e23)]"), ""),
    ("box", "box", q("(0,0),(1,2)", "(5,-1),(1,2)"), ""),
    ("line", "line", q("{1,-1,0}", "[(0,0),(1,3)]"), ""),
    ("path", "path", q("[(0,0),(1,1)]", "((0,0),(1,1),(2,0))", "((1,1))"), ""),
    ("polygon", "polygon", q("((0,0),(1,0),(1,1))", "((1,1))"), ""),
    ("circle", "circle", q("<(0,0),1.5>"), ""),
    ("hstore", "hstore NOT NULL", HSTORES, ""),
    ("hstore, nullable", "hstore", HSTORES + ["NULL"], ""),
    ("hstore, NULL is empty", "hstore", q("a=>1") + ["NULL"], "empty"),
    ("oid", "oid", q("0", "4294967295"), ""),
    ("xid", "xid", q("0", "4294967295"), ""),
    ("cid", "cid", q("3"), ""),
    ("xid8", "xid8", q("0", "18446744073709551615"), ""),
    ("pg_lsn", "pg_lsn", q("0/0", "16/B374D848", "FFFFFFFF/FFFFFFFF"), ""),
    ("tid", "tid", q("(0,1)", "(4294967295,65535)"), ""),
    ("pg_snapshot", "pg_snapshot", q("10:10:", "10:20:10,14,15"), ""),
    ("txid_snapshot", "txid_snapshot", q("10:20:10,14,15"), ""),
    ("int2vector", "int2vector", q("", "1", "1 -2 32767"), ""),
    ("oidvector", "oidvector", q("", "1 4294967295"), ""),
    ("regclass", "regclass", q("pg_class", "-"), ""),
    ("regtype", "regtype", q("timestamp with time zone"), ""),
    ("array of regclass", "regclass[] NOT NULL", q("{pg_class,NULL}"), ""),
    ("aclitem", "aclitem", q("=r/postgres"), ""),
    ("array of aclitem", "aclitem[] NOT NULL", q("{=r/postgres,postgres=arwdDxt/postgres}"), ""),
    ("unknown extension", "ltree", q("a.b", ""), ""),
    ("composite of unknown extension", "with_name", ["ROW('a.b',1)"], ""),
    ("array of unknown extension", "ltree[] NOT NULL", q("{a.b,NULL,c}"), ""),
    ("array of int4", "int4[] NOT NULL", INT_ARRAYS, ""),
    ("array of int4, nullable", "int4[]", INT_ARRAYS + ["NULL"], ""),
    ("array of int4, NULL is empty", "int4[]", ["'{1}'", "NULL"], "empty"),
    ("grid of int4", "int4[][] NOT NULL", INT_ARRAYS, ""),
    ("cube of int4", "int4[][][] NOT NULL", INT_ARRAYS + q("{{{1,2},{3,4}},{{5,6},{7,NULL}}}"), ""),
    ("cube of int4, nullable", "int4[][][]", q("{{{1,2},{3,4}},{{5,6},{7,NULL}}}", "{}"), ""),
    ("array of text", "text[] NOT NULL", TEXT_ARRAYS, ""),
    ("array of text, nullable", "text[]", TEXT_ARRAYS + ["NULL"], ""),
    ("array of bool", "bool[] NOT NULL", q("{t,f,NULL}"), ""),
    ("array of float8", "float8[] NOT NULL", q("{1e23,NaN,-Infinity,NULL,-0}"), ""),
    ("array of numeric(10,2)", "numeric(10,2)[] NOT NULL", q("{1.5,NULL,-99999999.99}", "{NaN}"), ""),
    ("array of numeric, nullable", "numeric[]", q("{1.5,NULL,NaN}"), ""),
    ("array of date", "date[] NOT NULL", q("{2024-02-29,NULL}", "{2024-02-29,infinity}"), ""),
    ("array of date, clamped", "date[] NOT NULL", q("{2024-02-29,infinity}"), "range=clamp"),
    ("array of timestamptz", "timestamptz[] NOT NULL", q("{2024-02-29 12:00:00+02,NULL}"), ""),
    ("array of interval", "interval[] NOT NULL", q('{"1 day",NULL}'), ""),
    ("array of time", "time[]", q("{24:00:00,NULL}"), ""),
    ("array of bytea", "bytea[] NOT NULL", q('{"\\\\x00ff","",NULL}'), ""),
    ("array of bytea, nullable", "bytea[]", q('{"\\\\x00ff","","\\\\x4142",NULL}'), ""),
    ("array of uuid", "uuid[] NOT NULL", q("{6f1c2f4e-3b57-4a0e-9d3a-0123456789ab,NULL}"), ""),
    ("array of enum", "mood[] NOT NULL", q('{sad,"so so","it\'s \\"x\\"",NULL}'), ""),
    ("array of jsonb", "jsonb[] NOT NULL", ["ARRAY['{\"a\": [1, \"x\"]}'::jsonb, NULL, 'null']"], ""),
    ("array of composite", "person[] NOT NULL", ["ARRAY[ROW('a',1,ROW(1.5,'\"'))::person, NULL, ROW(NULL,NULL,NULL)::person]", "'{}'"], ""),
    ("array of range", "int4range[] NOT NULL", ["ARRAY['[1,5)'::int4range, 'empty', NULL]"], ""),
    ("array of inet", "inet[] NOT NULL", q("{1.2.3.4/24,::1,NULL}"), ""),
    ("array of box", "box[] NOT NULL", ["ARRAY['(0,0),(1,1)'::box, NULL, '(2,2),(3,3)']"], ""),
    ("array of point", "point[] NOT NULL", ["ARRAY['(0,1)'::point, '(1.5,2)']", "ARRAY['(0,1)'::point, NULL]", "'{}'"], ""),
    ("array of hstore", "hstore[] NOT NULL", ["ARRAY['a=>1, b=>NULL'::hstore, '\"q\\\"\"=>\"\\\\\"']", "ARRAY[NULL::hstore]"], ""),
    ("array of money", "money[] NOT NULL", q('{"-1,234.56",NULL}'), ""),
    ("array of tsvector", "tsvector[]", ["ARRAY[$$'a b':1 'c''d':2A$$::tsvector]"], ""),
    ("array of char", 'char(3)[]', q("{a,NULL}"), ""),
    ("array of varbit", "varbit[]", ["ARRAY[B''::varbit, B'101']"], ""),
    ("hash of bytea", "bytea", q("\\x00ff"), "rule=hash"),
    ("hash of array", "text[]", ["ARRAY['a b', NULL]", "NULL"], "rule=hash"),
    ("hmac of timestamptz", "timestamptz NOT NULL", q("infinity", "0044-03-15 BC"), "rule=hmac"),
    ("mask of numeric", "numeric(10,2) NOT NULL", q("1.50", "NaN"), "rule=mask"),
    ("null of numeric", "numeric(10,2) NOT NULL", q("1.50", "NaN"), "rule=null"),
    ("null of array", "int[] NOT NULL", q("{{1}}"), "rule=null"),
    ("constant of date", "date", q("infinity") + ["NULL"], "rule=constant"),
]
